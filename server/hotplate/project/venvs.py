"""Virtual environments: where their Python is, and those that stand in the project itself."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from attrs import Factory, frozen

from hotplate.project.files import (
    exists,
    expand,
    is_dir,
    is_executable,
    is_file,
    normal,
    read_text,
    upward,
)

_NAMES = (".venv", "venv", "env")
_PYTHONS = ("bin/python", "bin/python3", "Scripts/python.exe", "python.exe")


@frozen
class Interpreter:
    """A Python to run the app with, and why this one."""

    path: Path
    """Never resolved: a virtual environment's Python is a link, and is what it is by its place."""
    reason: str
    """In words that finish "taken from …": `.venv` in the project, VIRTUAL_ENV."""
    source: str
    """The same as a token: setting, VIRTUAL_ENV, venv, uv, poetry, pipenv, pdm, hatch, conda,
    pyenv or PATH."""

    def is_same(self, other: Interpreter) -> bool:
        """Whether it is the same Python in the same place, `python` or `python3`."""
        if self.path.parent != other.path.parent:
            return False
        return os.path.realpath(self.path) == os.path.realpath(other.path)


@frozen
class Search:
    """Where to look, on behalf of one app."""

    workspace: Path
    home: Path
    cwd: Path
    env: Mapping[str, str]
    run_tools: bool = True
    broken: list[Path] = Factory(list)
    """Virtual environments that were met without a working Python in them."""

    @property
    def folders(self) -> list[Path]:
        """From where the app runs, and from its own folder, up to the workspace's."""
        both = upward(self.cwd, self.workspace) + upward(self.home, self.workspace)
        return list(dict.fromkeys(both))

    def shown(self, path: Path) -> str:
        """The path, short where it is in the project."""
        if path.is_relative_to(self.workspace):
            return str(path.relative_to(self.workspace))
        return str(path)


def python_in(directory: Path) -> Path | None:
    """The Python of an environment."""
    return next((path for name in _PYTHONS if is_executable(path := directory / name)), None)


def find_in_project(search: Search) -> Interpreter | None:
    """What `python -m venv`, uv, and in their in-project mode Poetry and Pipenv, have made."""
    custom = search.env.get("UV_PROJECT_ENVIRONMENT")
    for folder in search.folders:
        if custom and (python := python_in(expand(folder, custom))):
            return Interpreter(python, "UV_PROJECT_ENVIRONMENT", "uv")
        if found := _find_in_folder(search, folder):
            return found
    return None


def find_in_repository(search: Search) -> Interpreter | None:
    """The same further up, where the editor has opened a part of a repository."""
    workspace = search.workspace
    candidates = (workspace, *workspace.parents)
    root = next((folder for folder in candidates if exists(folder / ".git")), workspace)
    if root == workspace:
        return None
    for folder in upward(workspace.parent, root):
        if found := _find_in_folder(search, folder):
            return found
    return None


def workon_home(env: Mapping[str, str]) -> Path:
    """Where Pipenv and virtualenvwrapper keep their environments."""
    if home := env.get("WORKON_HOME"):
        return normal(os.path.expanduser(os.path.expandvars(home)))
    if os.name == "nt":
        return Path.home() / ".virtualenvs"
    return expand(Path.home(), env.get("XDG_DATA_HOME", "~/.local/share")) / "virtualenvs"


def _find_in_folder(search: Search, folder: Path) -> Interpreter | None:
    for name in _NAMES:
        place = folder / name
        directory = _follow(place, search.env) if is_file(place) else place
        if directory is None or not is_dir(directory):
            continue
        if python := python_in(directory):
            managed = "uv" if _made_by_uv(directory) else "venv"
            return Interpreter(python, _where(search, place), managed)
        if is_file(directory / "pyvenv.cfg"):
            search.broken.append(directory)
    return None


def _where(search: Search, place: Path) -> str:
    inside = place.is_relative_to(search.workspace)
    return f"`{search.shown(place)}` in the project" if inside else f"`{place}`"


def _follow(file: Path, env: Mapping[str, str]) -> Path | None:
    """A `.venv` that is a file names the environment: by its path, or by name in WORKON_HOME."""
    line, *_ = (read_text(file, 4096) or "").strip().splitlines() or [""]
    if not line:
        return None
    if "/" in line or os.sep in line:
        return expand(file.parent, line)
    return workon_home(env) / line


def _made_by_uv(directory: Path) -> bool:
    return bool(re.search(r"^uv\s*=", read_text(directory / "pyvenv.cfg", 4096) or "", re.M))
