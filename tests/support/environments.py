"""Virtual environments for tests: other Pythons, other Flasks, made once and kept in `.cache`.

An environment that no interpreter on this machine can make is skipped by name, so that a run says
what it has not tried.
"""

from __future__ import annotations

import fcntl
import functools
import glob
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

# By its real path, for tools write down where they have put things.
CACHE = (Path(__file__).resolve().parents[2] / ".cache" / "venvs").resolve()
MAKE_SECONDS = 300


class Environment(NamedTuple):
    """What an environment is to hold. An empty `python` is the version that runs the tests."""

    name: str
    python: str
    packages: tuple[str, ...]

    @property
    def minor(self) -> str:
        return self.python or "{}.{}".format(*sys.version_info)


def _pair(python: str, flask: str, werkzeug: str, *more: str) -> Environment:
    name = f"py{python}-flask{flask}-werkzeug{werkzeug}"
    packages = (f"flask=={flask}", f"werkzeug=={werkzeug}", "python-dotenv", *more)
    return Environment(name, python, packages)


PAIRS = (
    _pair("3.8", "1.1.4", "1.0.1", "markupsafe<2.1", "itsdangerous<2.1", "jinja2<3.1"),
    _pair("3.9", "2.0.3", "2.0.3"),
    _pair("3.9", "2.1.3", "2.1.2"),
    _pair("3.10", "2.2.5", "2.2.3"),
    _pair("3.11", "2.3.3", "2.3.8"),
    _pair("3.12", "3.0.3", "3.0.6"),
    Environment("py3.13-flask3.1", "3.13", ("flask>=3.1,<3.2", "python-dotenv")),
)
"""A Flask of each minor release with a Werkzeug of its time, over all supported Pythons."""

MISMATCHED = _pair("3.9", "2.0.3", "3.0.6")
BARE = Environment("bare", "", ())
EXTRAS = Environment(
    "extras", "", ("flask>=3.1,<3.2", "python-dotenv", "cryptography", "gevent", "eventlet")
)

EXTENSIONS = Environment(
    "extensions", "",
    (
        "flask>=3.1,<3.2", "python-dotenv", "cryptography", "asgiref", "flask-socketio",
        "simple-websocket", "websocket-client", "gevent", "gevent-websocket", "eventlet",
        "waitress", "cheroot", "prometheus-client",
        "flask-apscheduler", "flask-sqlalchemy", "flask-caching", "flask-debugtoolbar",
        "flask-admin", "dash", "celery",
    ),
)  # fmt: skip
"""What people run beside Flask, as far as it goes together."""


def python_of(environment: Environment) -> str:
    """The path of the environment's interpreter; skips the test where it can't be made."""
    base = _interpreters().get(environment.minor)
    if base is None:
        pytest.skip(f"{environment.name}: no python{environment.minor} on this machine")
    wanted = "\n".join([base, *environment.packages])
    folder = once(environment.name, wanted, lambda it: _make(it, base, environment.packages))
    return str(folder / "bin" / "python")


def once(name: str, wanted: str, make: Callable[[Path], None]) -> Path:
    """A folder in the cache that is made by `make`, once for all runs of the same `wanted`."""
    key = f"{name}-{hashlib.sha256(wanted.encode()).hexdigest()[:10]}"
    folder = CACHE / key
    ready = folder / "ready"
    if not ready.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with open(CACHE / f"{key}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another test process may be at it
            if not ready.exists():
                shutil.rmtree(folder, ignore_errors=True)
                make(folder)
                done = folder / "ready.new"
                done.write_text(wanted)
                done.replace(ready)
    return folder


def _make(folder: Path, base: str, packages: tuple[str, ...]) -> None:
    run([base, "-m", "venv", str(folder)])
    if packages:
        run([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *packages])


def run(command: Sequence[str], **more: Any) -> str:
    """Run it to its end; what it has printed. A failure is told with all that it said."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=MAKE_SECONDS,
        **more,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout


@functools.cache
def _interpreters() -> dict[str, str]:
    """Each minor version of Python that is here, and an interpreter of it."""
    found: dict[str, str] = {"{}.{}".format(*sys.version_info): base_of_this()}
    for minor in range(8, 15):
        version = f"3.{minor}"
        candidates = [
            *sorted(glob.glob(os.path.expanduser(f"~/.pyenv/versions/{version}*/bin/python"))),
            shutil.which(f"python{version}"),
        ]
        for candidate in filter(None, candidates):
            if version not in found and _is(candidate, version):
                found[version] = candidate
    return found


def base_of_this() -> str:
    """The Python that runs the tests, outside of any environment."""
    base = Path(sys.base_prefix) / "bin" / "python{}.{}".format(*sys.version_info)
    return str(base) if base.exists() else sys.executable


def _is(candidate: str, version: str) -> bool:
    # A shim of pyenv's is there for versions that are not.
    ask = "import ensurepip, sys; print('{}.{}'.format(*sys.version_info))"
    try:
        done = subprocess.run([candidate, "-c", ask], capture_output=True, text=True, timeout=20)
    except OSError:
        return False
    return done.stdout.strip() == version
