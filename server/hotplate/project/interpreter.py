"""The person's own Python: which one their app is to run in, and why that one.

From what they said, to what they have activated, to what the project's tools have made, to what
is on PATH. The project's code is not touched; with `run_tools`, Poetry may be asked where all
else about it fails, which takes a while: keep `find` off an event loop.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from hotplate.project.files import exists, expand, is_dir, is_executable, is_file, normal
from hotplate.project.managers import find_conda, find_hatch, find_pdm, find_pipenv
from hotplate.project.poetry import find_poetry
from hotplate.project.probe import Probe, probe
from hotplate.project.pyenv import Chosen, behind_shim, find_pyenv
from hotplate.project.schema import Settings
from hotplate.project.venvs import (
    Interpreter,
    Search,
    find_in_project,
    find_in_repository,
    python_in,
)

__all__ = ["Interpreter", "InterpreterNotFound", "Probe", "find", "needs_consent", "probe"]


class InterpreterNotFound(Exception):
    """There is no Python to run the app with; the text says what was tried and what to do."""


def find(
    settings: Settings,
    folder: Path,
    base_env: Mapping[str, str] = os.environ,
    *,
    run_tools: bool = True,
) -> Interpreter:
    """The person's Python, or `InterpreterNotFound`.

    With `run_tools` false nothing is run at all, as befits a folder that the person has not
    approved yet: Poetry loads plugins from the project's folder.
    """
    search = Search(
        workspace=normal(folder),
        home=settings.home(folder),
        cwd=settings.working_directory(folder),
        # Not the settings' `env`: that is for the app, and could come from the project's own file.
        env=base_env,
        run_tools=run_tools,
    )
    offered = None
    if settings.interpreter_source == "hint":
        offered = _offered(settings, search)
        if offered and _is_environment(offered.path):
            return offered
    elif settings.interpreter:
        return Interpreter(_chosen(settings, search), _title(settings), "setting")
    if offered:
        # A Python at large: what is reported where nobody has chosen. The tool that reports it
        # looks into the workspace's folder, not into an app's own below.
        own = find_in_project(search) if search.home != search.workspace else None
        return own or offered
    active = _find_active(search)
    if active and not _is_ours(search):
        return active
    for finder in (
        find_in_project,
        find_poetry,
        find_pipenv,
        find_pdm,
        find_hatch,
        find_in_repository,
        find_conda,
    ):
        if found := finder(search):
            return found
    pinned = find_pyenv(search)
    if pinned and _is_environment(pinned.path):
        return pinned  # of pyenv-virtualenv's
    # The environment that Hotplate itself was started from comes after all that is the project's,
    # but before a Python at large: people do install Hotplate beside their Flask.
    return active or _find_at_large(search, pinned)


def needs_consent(
    settings: Settings, folder: Path, base_env: Mapping[str, str] = os.environ
) -> bool:
    """Whether the project's own file names an interpreter from outside of the project.

    Anyone may have written that file. A program of the project is the project's own business once
    its folder is approved; a program from elsewhere needs the person's word for it.
    """
    if not settings.interpreter or settings.interpreter_source != "pyproject":
        return False
    try:
        path = find(settings, folder, base_env, run_tools=False).path
    except InterpreterNotFound:
        return False  # nothing will be run, and `find` says why
    return not path.is_relative_to(normal(folder))


def _chosen(settings: Settings, search: Search) -> Path:
    """What the setting names: a Python, an environment's folder, or a command."""
    wanted = settings.interpreter or ""
    is_command = os.path.basename(wanted) == wanted and not wanted.startswith("~")
    problem = "there is nothing of that name"
    for base in dict.fromkeys((search.home, search.workspace)):
        path = expand(base, wanted)
        if is_dir(path):
            if python := python_in(path):
                return python
            problem = "that folder holds no Python (bin/python)"
        elif is_executable(path):
            return path
        elif exists(path):
            problem = "that file cannot be run"
    if is_command:
        if command := shutil.which(wanted, path=search.env.get("PATH")):
            return normal(command)
        problem += " in the project, and no such command on PATH"
    raise InterpreterNotFound(
        f'{_title(settings)} is "{wanted}", but {problem}. Set it to a Python, to the folder of '
        "a virtual environment or to a command; or remove it, and Hotplate looks for one itself."
    )


def _offered(settings: Settings, search: Search) -> Interpreter | None:
    """The client's hint, if there is a Python. It is no one's wish: where it is wrong we look."""
    path = expand(search.workspace, settings.interpreter or "")
    python = python_in(path) if is_dir(path) else path
    if python is None or not is_executable(python):
        return None
    return Interpreter(python, "the interpreter chosen in the editor", "editor")


def _is_environment(python: Path) -> bool:
    directory = python.parent.parent
    return is_file(directory / "pyvenv.cfg") or is_dir(directory / "conda-meta")


def _title(settings: Settings) -> str:
    if settings.interpreter_source == "pyproject":
        return "[tool.hotplate] interpreter in pyproject.toml"
    return "hotplate.interpreter"


def _find_active(search: Search) -> Interpreter | None:
    directory = search.env.get("VIRTUAL_ENV")
    python = python_in(normal(directory)) if directory else None
    return Interpreter(python, "VIRTUAL_ENV", "VIRTUAL_ENV") if python else None


def _is_ours(search: Search) -> bool:
    return os.path.realpath(search.env.get("VIRTUAL_ENV", "")) == os.path.realpath(sys.prefix)


def _find_at_large(search: Search, pinned: Interpreter | None) -> Interpreter:
    if search.broken:
        directory = search.broken[0]
        raise InterpreterNotFound(
            f"`{search.shown(directory)}` is a virtual environment whose Python is gone; the "
            "Python that it was made from may have been removed or upgraded. Make it anew "
            f"(python3 -m venv --clear {search.shown(directory)}) and install the project's "
            "requirements, or set hotplate.interpreter."
        )
    if pinned:
        return pinned
    path = search.env.get("PATH", os.defpath)
    # Where Hotplate runs in an environment of its own (uvx, pipx), the app's Flask is elsewhere.
    isolated = sys.prefix != sys.base_prefix
    elsewhere = os.pathsep.join(
        part for part in path.split(os.pathsep) if not (isolated and _within(part, sys.prefix))
    )
    for places in dict.fromkeys((elsewhere, path)):
        for name in ("python3", "python"):
            if found := shutil.which(name, path=places):
                behind = behind_shim(search, normal(found))
                if isinstance(behind, Chosen):
                    raise _not_installed(behind)
                return behind or Interpreter(normal(found), f"`{name}` on PATH", "PATH")
    raise InterpreterNotFound(
        f"No Python was found for {search.home}: hotplate.interpreter is not set, no virtual "
        "environment is active, none was found in the project (.venv, venv, env, uv, Poetry, "
        "Pipenv, PDM, Hatch, conda, pyenv), and neither python3 nor python is on PATH. Install "
        "Python, or set hotplate.interpreter to one."
    )


def _not_installed(chosen: Chosen) -> InterpreterNotFound:
    wanted = chosen.versions[0]
    return InterpreterNotFound(
        f"{chosen.reason} is to run the app, but pyenv has not installed it. Run `pyenv install "
        f"{wanted}`, make a virtual environment (python3 -m venv .venv), or set "
        "hotplate.interpreter."
    )


def _within(path: str, directory: str) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(directory))
