"""What all layers of tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from support.raw import RawServer
from support.session import Session

# A shell starts what it puts in the background with Ctrl-C ignored, and that is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A developer's shell may say so; bytecode is part of what is tested.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
for _name in [name for name in os.environ if name.startswith(("FLASK_", "WERKZEUG_"))]:
    del os.environ[_name]


@pytest.fixture(autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Approvals that a test gives are nobody else's."""
    monkeypatch.setenv("HOTPLATE_STATE_DIR", str(tmp_path_factory.mktemp("state")))


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """Make a project: `project({"app.py": "…"})` gives its folder."""

    def make(files: dict[str, str], name: str = "shop") -> Path:
        folder = tmp_path / name
        for path, text in files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    return make


@pytest_asyncio.fixture
async def open_session() -> AsyncIterator[Callable[[Path], Session]]:
    """Sessions on folders; each is ended as an editor would, even where a test has failed."""
    opened: list[Session] = []

    def make(folder: Path) -> Session:
        opened.append(Session(folder))
        return opened[-1]

    yield make
    for session in opened:
        if hasattr(session, "process"):
            await session.end()


@pytest_asyncio.fixture
async def raw_server() -> AsyncIterator[Callable[[Path], RawServer]]:
    """Servers without a client to speak of; each is gone after the test."""
    opened: list[RawServer] = []

    def make(folder: Path) -> RawServer:
        opened.append(RawServer(folder))
        return opened[-1]

    yield make
    for server in opened:
        if hasattr(server, "process"):
            await server.end()
