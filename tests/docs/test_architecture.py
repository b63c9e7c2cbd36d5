"""The rooms are as `docs/architecture.md` says: imports run one way."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVER = Path(__file__).parents[2] / "server"

# From the top down; a room may use itself and those below it.
ROOMS = (
    "hotplate.cli",
    "hotplate.lsp",
    "hotplate.project",
    "hotplate.supervision",
    "hotplate_agent",
)
FILES = sorted(SERVER.rglob("*.py"))


def imported(file: Path) -> Iterator[str]:
    """Every module that a file names in an import, wherever the import stands."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{file}: a relative import"
            yield node.module


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(SERVER).with_suffix("").parts)


def room_of(module: str) -> int | None:
    return next((i for i, room in enumerate(ROOMS) if (module + ".").startswith(room + ".")), None)


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_imports_run_downwards(file: Path) -> None:
    room = room_of(name_of(file))
    if room is None:
        return  # the package's own face
    for module in imported(file):
        other = room_of(module)
        assert other is None or other >= room, f"{name_of(file)} imports {module}"


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_lsp_is_known_to_its_room_alone(file: Path) -> None:
    if name_of(file).startswith(("hotplate.lsp.", "hotplate.cli.")):
        return  # `hotplate demo` is a client, and speaks it too
    assert not [m for m in imported(file) if m.split(".")[0] in ("pygls", "lsprotocol")]


@pytest.mark.parametrize("file", [f for f in FILES if "hotplate_agent" in f.parts], ids=name_of)
def test_the_agent_needs_the_standard_library_and_the_app(file: Path) -> None:
    allowed = {*sys.stdlib_module_names, "hotplate_agent", "flask", "werkzeug"}
    assert {module.split(".")[0] for module in imported(file)} <= allowed
