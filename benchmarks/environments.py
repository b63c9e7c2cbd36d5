"""Virtual environments for the peers: made by pip, kept in `.cache/benchmarks`.

What else is installed changes what is measured: Flask's reloader uses watchdog wherever it can be
imported, and watches the folders of the libraries with it. So peers that differ in that do not
share an environment.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import NamedTuple

CACHE = Path(__file__).resolve().parents[1] / ".cache" / "benchmarks"
MAKE_SECONDS = 900

# What a person's shell may say that would change a peer, or where pip installs.
_FOREIGN = ("PYTHON", "FLASK_", "WERKZEUG_", "GUNICORN_", "UVICORN_", "HUPPER_", "WATCHFILES_")
_FOREIGN_NAMES = {"WEB_CONCURRENCY", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PWD"}


class Environment(NamedTuple):
    """An environment that is there."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def versions(self) -> dict[str, str]:
        """What is installed, by name in small letters."""
        found = distributions(path=[str(path) for path in self.folder.glob("lib/*/site-packages")])
        return {each.metadata["Name"].lower(): each.version for each in found}

    def variables(self, **more: str) -> dict[str, str]:
        """The environment variables of a shell in which it is active."""
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return {**clean(os.environ), "VIRTUAL_ENV": str(self.folder), "PATH": path, **more}


def clean(variables: Mapping[str, str]) -> dict[str, str]:
    """Environment variables without those that would change how a peer works."""
    return {
        name: text
        for name, text in variables.items()
        if not name.startswith(_FOREIGN) and name not in _FOREIGN_NAMES
    }


def environment(packages: tuple[str, ...], say: Callable[[str], None]) -> Environment:
    """An environment with the newest of some packages, as pip finds them the first time.

    Raises RuntimeError with pip's words.
    """
    wanted = "\n".join([sys.version, str(CACHE), *sorted(packages)])
    folder = CACHE / hashlib.sha256(wanted.encode()).hexdigest()[:12]
    ready = folder / "packages.txt"
    if not ready.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with open(CACHE / f"{folder.name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another run may be at it
            if not ready.exists():
                say(f"installing {', '.join(packages)}")
                _make(folder, packages)
                draft = folder / "packages.new"
                draft.write_text(wanted)
                draft.replace(ready)  # an environment half made is never taken for whole
    return Environment(folder)


def _make(folder: Path, packages: tuple[str, ...]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(folder)])
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    _run([*pip, "--disable-pip-version-check", *packages])


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command,
            env=clean(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=MAKE_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RuntimeError(f"{' '.join(command)} failed: {error}") from error
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
