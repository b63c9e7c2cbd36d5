"""The project of the storm: what is on disk, and what follows from that for who asks.

Each file has a version, which only grows, and a kind, which says what becomes of its import. All
texts of a kind are as long as each other, so that time alone tells two versions apart, or nothing.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import NamedTuple

from support.session import free_port

APP = "app.py"
CONFIG = "config.json"
DOTENV = ".env"
AWAY = "away.py"
SCRIPT = "serve.py"
MANY = tuple(f"many/m{number:02}.py" for number in range(50))
MODULES = ("first.py", "second.py", "pkg/third.py")
ORDER = (APP, CONFIG, *MODULES, *MANY)
"""The order in which they are read."""

GOOD = ("good", "slow", "company", "port", "lock")
FAILS = ("syntax", "raises", "exits")
HANGS = ("hangs", "stubborn")
PYTHON = (*GOOD, *FAILS, *HANGS, "dies")

_TEXTS = {
    "good": "",
    "slow": "import time; time.sleep(0.1)\n",
    "company": "import subprocess; subprocess.Popen(['sleep', '600'])\n",
    "port": (
        "import socket; SOCKET = socket.socket()\n"
        "SOCKET.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
        "SOCKET.bind(('127.0.0.1', {port})); SOCKET.listen()\n"
    ),
    "lock": (
        "import fcntl; LOCK = open(__file__ + '.lock', 'w')\n"
        "fcntl.flock(LOCK, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
    ),
    "syntax": "def (:\n",
    "raises": "raise RuntimeError({mark!r})\n",
    "exits": "import sys; sys.exit({mark!r})\n",
    "dies": "import os; os._exit(3)\n",
    "hangs": "import time; time.sleep(600)\n",
    "stubborn": (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)\n"
    ),
}

_APP = """\
import json
import os
import time
from pathlib import Path

from flask import Flask, Response

CONFIG = json.loads(Path(__file__).with_name("config.json").read_text())

import first
import second
from pkg import third
import many

app = Flask(__name__)
FOUND = {
    "app.py": VERSION,
    "config.json": CONFIG["version"],
    "first.py": first.VERSION,
    "second.py": second.VERSION,
    "pkg/third.py": third.VERSION,
    ".env": os.environ.get("STORM_DOTENV"),
    "setting": os.environ.get("STORM_SETTING"),
    **many.FOUND,
}


@app.get("/")
def index():
    return FOUND


@app.get("/slow")
def slow():
    time.sleep(0.1)
    return FOUND


@app.get("/endless")
def endless():
    def parts():
        while True:
            yield "data: still here\\n\\n"
            time.sleep(0.02)
    return Response(parts(), mimetype="text/event-stream")


@app.get("/boom")
def boom():
    raise KeyError("boom")
"""
_MANY = """\
from importlib import import_module

FOUND = {f"many/m{n:02}.py": import_module(f"many.m{n:02}").VERSION for n in range(50)}
"""
_SCRIPT = """\
from app import app

if __name__ == "__main__":
    app.run(processes=3, threaded=False, debug=True)
"""


class File(NamedTuple):
    """What stands in a file. A kind of None: it is not there."""

    version: int
    kind: str | None


class Outcome(NamedTuple):
    """What is to come of what is on disk: the state, the file to blame, and words of the error."""

    state: str
    file: str | None = None
    words: str = ""


def mark(name: str, version: int) -> str:
    return f"{name}@{version:07}"


class Disk:
    """The project's folder, written to by the person and by others."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, File] = {}
        self.counter = 0
        self.port = free_port()
        """For the app that opens one more."""

    def lay_out(self) -> None:
        """Everything, good."""
        for folder in ("pkg", "many"):
            (self.folder / folder).mkdir(parents=True)
        (self.folder / "pkg" / "__init__.py").write_text("")
        (self.folder / "many" / "__init__.py").write_text(_MANY)
        (self.folder / SCRIPT).write_text(_SCRIPT)
        for name in (*ORDER, DOTENV):
            self.write(name)

    def write(self, name: str, kind: str | None = "good", apart: bool = False) -> None:
        """A new version of a file; None takes it away.

        `apart`: its time is not that of the version before, be the disk's clock as coarse as it
        is. What an editor does not tell as a save can't be told from what was there otherwise.
        """
        self.counter += 1
        self.files[name] = File(self.counter, kind)
        path = self.folder / name
        if kind is None:
            path.unlink(missing_ok=True)
            return
        before = _time(path)
        path.write_text(self._text(name, self.counter, kind))
        if apart and _time(path) == before:
            os.utime(path, ns=(before + 1_000_000, before + 1_000_000))

    def move_away(self, name: str) -> None:
        """It has another name, under which nobody imports it."""
        os.replace(self.folder / name, self.folder / AWAY)
        self.counter += 1
        self.files[name] = File(self.counter, None)

    def move_back(self, name: str) -> None:
        """It has its own name again, and a change in it."""
        os.replace(self.folder / AWAY, self.folder / name)
        self.write(name, apart=True)

    def write_within_the_second(self, name: str, second: int) -> None:
        """A good version, on a disk that knows whole seconds only."""
        self.write(name)
        os.utime(self.folder / name, (second, second))

    def _text(self, name: str, version: int, kind: str) -> str:
        if name == DOTENV:
            return f"STORM_DOTENV={version:07}\n"
        if name == CONFIG:
            text = json.dumps({"version": f"{version:07}"})
            return text if kind in GOOD else text.replace("{", "[")
        text = (
            _TEXTS[kind].format(mark=mark(name, version), port=self.port)
            + f'VERSION = "{version:07}"\n'
        )
        return text + _APP if name == APP else text

    # ------------------------------------------------------------ what follows from it

    def versions(self) -> dict[str, int]:
        return {name: file.version for name, file in self.files.items()}

    def bad(self) -> list[str]:
        return [name for name in self.files if self.files[name].kind != "good"]

    def outcome(self) -> Outcome:
        """What a start would come to now."""
        for name in ORDER:
            version, kind = self.files[name]
            if kind in GOOD:
                continue
            if kind in HANGS:
                return Outcome("starting")
            if kind == "dies":
                return Outcome("failed", name, "ProcessExit")
            if name == CONFIG:
                error = "FileNotFoundError" if kind is None else "JSONDecodeError"
                return Outcome("failed", None if kind else APP, error)
            if kind is None:
                importer = "many/__init__.py" if name in MANY else APP
                # `from package import module` says it in another way.
                error = "ImportError" if "/" in name and name not in MANY else "ModuleNotFoundError"
                return Outcome("failed", importer, error)
            if kind == "syntax":
                return Outcome("failed", name, "SyntaxError")
            return Outcome("failed", name, mark(name, version))
        return Outcome("running")

    def company(self) -> int:
        """How many processes the app that is on disk has started by the time it has loaded."""
        count = 0
        for name in ORDER:
            kind = self.files[name].kind
            if kind == "company":
                count += 1
            elif kind not in GOOD:
                break
        return count

    def remove(self) -> None:
        shutil.rmtree(self.folder)


def _time(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
