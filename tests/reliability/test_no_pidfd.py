"""A kernel before 5.3: there is no pidfd, and ends are waited for in a thread."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from reliability.families import APP
from support.processes import needs_proc, until_free, until_nobody
from support.raw import RawServer
from support.session import SERVER, free_port, get

pytestmark = needs_proc

WITHOUT = """\
import os, sys

if "hotplate_agent" not in " ".join(sys.orig_argv):
    os.__dict__.pop("pidfd_open", None)
    open(os.environ["NO_PIDFD"], "w").close()
"""


@pytest.mark.parametrize("way", ["kill", "terminate"])
async def test_there_is_no_pidfd(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer], tmp_path: Path, way: str
) -> None:
    """The app runs, is restarted, its death is noticed, and nobody is left."""
    server, port = raw_server(project({"app.py": APP})), free_port()
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(WITHOUT)
    path = os.pathsep.join([str(SERVER), str(folder)])
    await server.spawn({"PYTHONPATH": path, "NO_PIDFD": str(tmp_path / "seen")})
    await server.initialize({"port": port})
    await server.state("running")
    assert (tmp_path / "seen").exists()
    assert not any(
        "pidfd" in os.readlink(entry)
        for entry in Path(f"/proc/{server.process.pid}/fd").iterdir()
        if entry.is_symlink()
    )
    server.save("app.py", APP.replace("hello", "two"))
    running = await server.state("running", after=1)
    os.kill(running["pid"], signal.SIGKILL)
    failed = await server.state("failed", after=1)
    assert failed["error"]["type"] == "SIGKILL"
    server.save("app.py", APP.replace("hello", "three"))
    await server.state("running", after=failed["generation"])
    url = f"http://127.0.0.1:{port}"
    assert await asyncio.to_thread(get, url) == (200, "three")
    getattr(server.process, way)()
    await until_nobody(server.mark)
    await until_free(port)
