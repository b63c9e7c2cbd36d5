"""A Python with Flask for the demo: the one asked for, ours, or one of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import click
import platformdirs

from hotplate.project.files import normal
from hotplate.project.probe import Probe, probe
from hotplate.project.venvs import python_in

OLDEST_PYTHON, OLDEST_FLASK = (3, 9), (2, 2)
"""What the example app is written for."""

# They would make pip install elsewhere than into the environment, or take its place.
_UNWANTED = ("PYTHONPATH", "PYTHONHOME", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT")


class DemoPython(NamedTuple):
    """The interpreter that runs the example app."""

    path: Path
    version: str
    flask: str


def choose_python(wanted: str | None, say: Callable[[str], None]) -> DemoPython:
    """The interpreter to use. Raises ClickException with what to do."""
    if wanted is not None:
        path = _named(wanted)
        return _checked(path, probe(path))
    if _has_flask():
        path = Path(sys.executable)
        return _checked(path, probe(path))
    return _own(say)


def _named(wanted: str) -> Path:
    path = normal(os.path.expanduser(wanted))
    python = python_in(path) if path.is_dir() else path
    if os.path.basename(wanted) == wanted and not path.exists():
        python = Path(found) if (found := shutil.which(wanted)) else None
    if python is None or not python.is_file():
        raise click.ClickException(
            f"--interpreter {wanted}: there is no such Python. Give the path of one that has "
            "Flask, or leave the option out and the demo makes an environment of its own."
        )
    return python


def _has_flask() -> bool:
    try:
        return _numbers(metadata.version("flask")) >= OLDEST_FLASK
    except metadata.PackageNotFoundError:
        return False


def _checked(path: Path, found: Probe) -> DemoPython:
    """The interpreter, if the example app can run in it."""
    otherwise = "leave --interpreter out and the demo makes an environment of its own."
    if found.error or found.version is None:
        raise click.ClickException(f"{found.error}. Choose another Python, or {otherwise}")
    if found.flask is None:
        raise click.ClickException(
            f"There is no Flask in {path}. Install it ({path} -m pip install flask), or {otherwise}"
        )
    if _numbers(found.version) < OLDEST_PYTHON or _numbers(found.flask) < OLDEST_FLASK:
        raise click.ClickException(
            f"{path} is Python {found.version} with Flask {found.flask}; the demo's example app "
            f"needs Python 3.9 and Flask 2.2. Choose another, or {otherwise}"
        )
    return DemoPython(path, found.version, found.flask)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())


# ---------------------------------------------------------------- an environment of the demo's own


def _own(say: Callable[[str], None]) -> DemoPython:
    """The environment that an earlier demo has made, or a new one."""
    name = "demo-python{}.{}".format(*sys.version_info)
    folder = platformdirs.user_cache_path("hotplate", appauthor=False) / name
    python = python_in(folder)
    if python is not None and (found := probe(python)).flask:
        return _checked(python, found)
    say(f"There is no Flask in {sys.executable}, where Hotplate runs.")
    say(f"So the demo makes an environment with Flask, once, in {folder} (venv, then pip) …")
    _make(folder)
    python = python_in(folder)
    if python is None:
        raise click.ClickException(f"{folder} holds no Python. {_OTHERWISE}")
    return _checked(python, probe(python))


_OTHERWISE = "Or name a Python that has Flask: hotplate demo --interpreter PATH."


def _make(folder: Path) -> None:
    """Make the environment beside its place, so that one half made is never taken for whole."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise click.ClickException(
            f"{folder.parent} cannot be written to ({error.strerror}). {_OTHERWISE}"
        ) from None
    try:
        _run(
            [sys.executable, "-m", "venv", str(draft)],
            "The environment could not be made. On Debian and Ubuntu, venv is a package of its "
            "own: apt install python3-venv.",
        )
        python = python_in(draft)
        _run(
            [str(python), "-m", "pip", "install", "--disable-pip-version-check", "flask"],
            "Flask could not be installed. Is there a way to the internet, or a proxy to be set?",
        )
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    except OSError as error:
        if python_in(folder) is None:  # else another demo has just made it
            raise click.ClickException(f"{folder} cannot be made: {error}. {_OTHERWISE}") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _run(command: list[str], problem: str) -> None:
    env = {name: text for name, text in os.environ.items() if name not in _UNWANTED}
    done = subprocess.run(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if done.returncode:
        said = "\n".join(done.stdout.strip().splitlines()[-8:])
        raise click.ClickException(f"{problem} {_OTHERWISE}\n{' '.join(command)} said:\n{said}")
