"""A long day: thousands of restarts in one session, and what the server holds as they go by.

Most saves are good. Some break the app, some kill it, some make a view raise and print: what is
kept of each must not add up.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from reliability.census import Census, census, children
from reliability.workplace import Workplace
from support.processes import ticks, wakeups

Say = Callable[[str], None]

APP = """\
from flask import Flask

import version

app = Flask(__name__)


@app.get("/")
def index():
    print("asked for", version.NUMBER, flush=True)
    return str(version.NUMBER)


@app.get("/boom")
def boom():
    raise ValueError("x" * 10_000 + str(version.NUMBER))
"""
SETTINGS = {"drainSeconds": 1}
BREAKS, DIES, RAISES = 10, 25, 5
"""Each so-many-th save breaks the app, is followed by a kill -9, or by an exception."""


class Sample(NamedTuple):
    """What the server held after so many restarts."""

    restarts: int
    seconds: float
    held: Census


def lay_out(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "app.py").write_text(APP)
    (folder / "version.py").write_text("NUMBER = 0\n")


def soak(place: Workplace, restarts: int, every: int, say: Say = lambda _: None) -> list[Sample]:
    """Restart so often; a sample at rest after each `every` restarts. The first is the start's.

    Raises AssertionError where an answer is not what was saved.
    """
    began = time.monotonic()
    state = place.until_state("running")
    first: int = state["generation"]
    samples: list[Sample] = []
    number = done = 0
    while True:
        if done >= len(samples) * every:
            place.at_rest()
            samples.append(Sample(done, time.monotonic() - began, census(place.pid)))
            say(line(samples[-1]))
            if done >= restarts:
                return samples
        number += 1
        _save(place, number)
        done = place.state()["generation"] - first


def _save(place: Workplace, number: int) -> None:
    place.forget()
    if number % BREAKS == 0:
        broken = "NUMBER = \n" if number % (2 * BREAKS) else f"raise ValueError({number})\n"
        place.save("version.py", broken)
        place.until_state("failed")
        status, page = place.get()
        assert status == 500 and ("SyntaxError" in page or f"ValueError: {number}" in page), page
    place.forget()
    place.save("version.py", f"NUMBER = {number}\n")
    answer = place.get()
    assert answer == (200, str(number)), (answer, place.describe())
    if number % RAISES == 0:
        assert place.get("/boom")[0] == 500
    if number % DIES == 0:
        os.kill(place.until_state("running")["pid"], signal.SIGKILL)
        place.until_state("failed")
        place.forget()
        place.command("restart")
        place.until_state("running")
        place.at_rest()  # the standby is made anew now; while save follows save, none would be


HEAD = "restarts   time   descriptors  threads  children   memory, MiB"


def line(sample: Sample) -> str:
    held = sample.held
    return (
        f"{sample.restarts:8} {sample.seconds:5.0f} s {held.descriptors:12} {held.threads:8}"
        f" {held.children:9} {held.kib / 1024:13.1f}"
    )


def grown(samples: list[Sample], warm: int) -> list[str]:
    """What has grown since the first sample after `warm` restarts: names of what must not."""
    before = next(sample.held for sample in samples if sample.restarts >= warm)
    after = samples[-1].held
    return [
        name
        for name in ("descriptors", "threads", "children", "zombies")
        if getattr(before, name) != getattr(after, name)
    ]


# ---------------------------------------------------------------- idle


class Idle(NamedTuple):
    """One process over a time in which nothing happened."""

    name: str
    ticks: int
    wakeups: int
    kib: int


def idle(place: Workplace, seconds: float) -> list[Idle]:
    """Let it be for so long. What each of its processes has used meanwhile."""
    place.at_rest()
    app = place.state()["pid"]
    names = {place.pid: "server", app: "app"}
    for pid in sorted(children(place.pid).keys() - {app}):
        names[pid] = "standby" if "standby" not in names.values() else "its copy"
    time.sleep(5)  # what was put off until now is no part of being idle
    before = {pid: _used(pid) for pid in names}
    time.sleep(seconds)
    after = {pid: _used(pid) for pid in names}
    return [
        Idle(name, *(now - then for now, then in zip(after[pid], before[pid], strict=True)))
        for pid, name in names.items()
    ]


def _used(pid: int) -> tuple[int, int, int]:
    return ticks(pid), wakeups(pid), census(pid).kib
