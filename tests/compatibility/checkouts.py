"""Well-known applications, checked out to be worked on.

Their libraries are installed once, in the cache. Their own packages stand in the project's folder,
and a `.venv` there has them as `pip install --editable .` would: by a line in a `.pth` file.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from support.environments import Environment, python_of


class RealApp(NamedTuple):
    """An application, how it is started, and a change that its first page shows."""

    environment: Environment
    own: tuple[str, ...]
    """Its packages and modules, as they stand in `site-packages`."""
    settings: Mapping[str, Any]
    module: str
    """A module of it, which is edited: `old` becomes `new`."""
    old: str
    new: str
    page: str = "/"
    shown: tuple[str, str] | None = None
    """What its page shows of these two, where that is not the same."""
    files: Mapping[str, str] = {}
    """What a person has in the folder to run it: settings, data."""
    fails: str = "ZeroDivisionError"
    """What its start fails with where that module does."""
    before: tuple[str, ...] = ()
    """A command that is to be run in the folder before."""


def settings_of(app: RealApp, folder: Path) -> dict[str, Any]:
    """The settings, with the folder named in them."""
    env = {key: _told(value, folder) for key, value in app.settings.get("env", {}).items()}
    return {**app.settings, **({"env": env} if env else {})}


def _told(text: str, folder: Path) -> str:
    return text.replace("{folder}", str(folder))


def check_out(app: RealApp, folder: Path) -> str:
    """Put the application and its environment into a folder; the environment's Python."""
    python = Path(python_of(app.environment))
    installed = next((python.parent.parent / "lib").glob("python*/site-packages"))
    for name in app.own:
        source = installed / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    for name, text in app.files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_told(text, folder), "utf-8")
    if app.before:
        subprocess.run(app.before, cwd=folder, check=True, timeout=60)
    return _environment(folder, python, installed)


def _environment(folder: Path, python: Path, installed: Path) -> str:
    """A virtual environment in the folder, with the checkout in front of what is installed."""
    mine = folder / ".venv"
    made = [str(python), "-m", "venv", "--without-pip", str(mine)]
    subprocess.run(made, check=True, capture_output=True, timeout=60)
    packages = next((mine / "lib").glob("python*/site-packages"))
    (packages / "checkout.pth").write_text(f"{folder}\n{installed}\n", "utf-8")
    for script in python.parent.iterdir():
        copy = mine / "bin" / script.name
        if script.is_file() and not script.is_symlink() and not copy.exists():
            first, _, rest = script.read_bytes().partition(b"\n")
            if first.startswith(b"#!") and b"python" in first:
                copy.write_bytes(b"#!" + bytes(mine / "bin" / "python") + b"\n" + rest)
                copy.chmod(0o755)
    return str(mine / "bin" / "python")
