"""What Hotplate is held against: how each peer is installed, started and stopped.

A save is made known to none of them: they find it on disk, which is what they are for.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.environments import Environment
from benchmarks.prober import HOST, ask
from benchmarks.processes import family, stop
from benchmarks.projects import FIRST, Project

START_SECONDS = 60.0

PLAIN = ("flask", "gunicorn", "inotify; sys_platform == 'linux'", "uvicorn")
WATCHING = ("flask", "hupper", "jurigged", "uvicorn", "watchdog>=7", "watchfiles")
WATCHDOG_6 = ("flask", "watchdog<7")
"""The groups of packages that are installed together. In the first nothing watches by itself."""


class Running(Protocol):
    """A peer that serves an app."""

    port: int

    def saved(self, path: Path) -> Future[float] | None:
        """What an editor says when it has saved: the moment from which the peer knows of it.

        None where it is told nothing, or can't be asked.
        """
        ...

    def pids(self) -> dict[str, int]:
        """Its processes, by what each is for."""
        ...


@dataclass(frozen=True)
class Peer:
    """A kind of reloader."""

    name: str
    title: str
    packages: tuple[str, ...]
    command: tuple[str, ...] = ()
    for_streams: tuple[str, ...] = ()
    """What it needs besides to answer one request while another is being answered."""

    restarts: bool = True
    """Whether the app is loaded anew. jurigged patches the functions of the old process."""

    tells: tuple[str, ...] = ()
    """The packages whose versions belong to the figures."""

    @contextmanager
    def serve(
        self, environment: Environment, project: Project, port: int, log: Path, streams: bool
    ) -> Iterator[Running]:
        """Run the app until the block ends. Raises RuntimeError where it does not come up."""
        more = self.for_streams if streams else ()
        command = [part.format(port=port, host=HOST) for part in (*self.command, *more)]
        command[0] = str(environment.folder / "bin" / command[0])
        if self.name == "watchfiles":  # it takes the command as one text
            flask = environment.folder / "bin" / "flask"
            command[1] = command[1].replace("flask", f"'{flask}'", 1)
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=project.folder,
                env=environment.variables(PWD=str(project.folder)),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            until_it_answers(process, port, log)
            yield Reloader(process, port)
        finally:
            stop(process)


@dataclass
class Reloader:
    """A peer's process and what it has started."""

    process: subprocess.Popen[bytes]
    port: int

    def saved(self, path: Path) -> None:
        return None

    def pids(self) -> dict[str, int]:
        others = sorted(family(self.process.pid) - {self.process.pid})
        names = {"app": others[-1]} if others else {}
        return {"reloader" if others else "app": self.process.pid, **names}


def until_it_answers(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait for the first answer. Raises RuntimeError with the end of the log."""
    deadline = time.monotonic() + START_SECONDS
    while ask(port).version != FIRST:
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text("utf-8", "replace").strip().splitlines()[-12:]
            what = "has ended" if process.poll() is not None else "does not answer"
            raise RuntimeError("\n".join([f"{process.args!r} {what}.", *said]))
        time.sleep(0.02)


_GUNICORN = ("gunicorn", "--bind", "{host}:{port}", "--reload", "--reload-engine")
_UVICORN = ("uvicorn", "--port", "{port}", "--reload", "--interface", "wsgi", "app:app")
_FLASK = ("flask", "run", "--debug", "--port", "{port}")

RELOADERS = (
    Peer("flask-stat", "`flask run --debug`, stat", PLAIN, _FLASK),
    Peer("flask-watchdog", "`flask run --debug`, watchdog", WATCHING, _FLASK, tells=("watchdog",)),
    Peer(
        "flask-watchdog6",
        "`flask run --debug`, watchdog 6",
        WATCHDOG_6,
        _FLASK,
        tells=("watchdog",),
    ),
    Peer(
        "gunicorn-inotify",
        "gunicorn `--reload`, inotify",
        PLAIN,
        (*_GUNICORN, "inotify", "app:app"),
        for_streams=("--threads", "8"),
        tells=("gunicorn", "inotify"),
    ),
    Peer(
        "gunicorn-poll",
        "gunicorn `--reload`, poll",
        PLAIN,
        (*_GUNICORN, "poll", "app:app"),
        for_streams=("--threads", "8"),
        tells=("gunicorn",),
    ),
    Peer("uvicorn", "uvicorn `--reload`, stat", PLAIN, _UVICORN, tells=("uvicorn",)),
    Peer(
        "uvicorn-watchfiles",
        "uvicorn `--reload`, watchfiles",
        WATCHING,
        _UVICORN,
        tells=("uvicorn", "watchfiles"),
    ),
    Peer(
        "watchfiles",
        "`watchfiles 'flask run'`",
        WATCHING,
        ("watchfiles", "flask run --port {port}"),
        tells=("watchfiles",),
    ),
    Peer(
        "hupper",
        "`hupper -m flask run`, watchdog",
        WATCHING,
        ("hupper", "-m", "flask", "run", "--port", "{port}"),
        tells=("hupper", "watchdog"),
    ),
    Peer(
        "jurigged",
        "`jurigged -m flask run`",
        WATCHING,
        ("jurigged", "-m", "flask", "run", "--no-reload", "--port", "{port}"),
        restarts=False,
        tells=("jurigged", "watchdog"),
    ),
)
