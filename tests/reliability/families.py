"""Apps that have company, and how it is found again."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

from support.processes import alive, describe, marked

APP = """\
from flask import Flask

app = Flask(__name__)
app.add_url_rule("/", view_func=lambda: "hello")
"""

FAMILY = '''\
import os, signal, subprocess, sys, time


def note(pid):
    """Name a process to the test, which can't tell those without an environment otherwise."""
    with open(os.path.join(FOLDER, "family"), "a") as file:
        file.write(f"{pid}\\n")


def sleep():
    note(os.getpid())
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.closerange(0, 256)
    os.chdir("/")
    time.sleep(600)
    os._exit(0)


def daemon():
    """As `python-daemon` and its kin: two forks, a session of its own, nothing open."""
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        sleep()
    os.wait()


FOLDER = os.getcwd()
note(subprocess.Popen(["sleep", "600"]).pid)
note(subprocess.Popen(["sleep", "600"], start_new_session=True, env={}).pid)
subprocess.run(["sh", "-c", "setsid sh -c 'echo $$ >> family; exec sleep 600' & exit 0"])
daemon()
if os.fork() == 0:  # a child with children, in sessions of their own
    os.setsid()
    daemon()
    sleep()
'''
MEMBERS = 6
WITH_FAMILY = FAMILY + APP


async def members(folder: Path, count: int = MEMBERS) -> set[int]:
    """The processes that the app has started, once all of them are there."""
    deadline = time.monotonic() + 20
    while True:
        found = noted(folder)
        if len(found) >= count and all(map(alive, found)):
            return found
        assert time.monotonic() < deadline, f"only {describe(found)}"
        await asyncio.sleep(0.01)


def noted(folder: Path) -> set[int]:
    """The processes that have named themselves so far."""
    try:
        return {int(line) for line in (folder / "family").read_text().split()}
    except FileNotFoundError:
        return set()


async def until_all_gone(pids: set[int], seconds: float = 1.0) -> None:
    """Wait until none of them is alive; that takes a second at most."""
    deadline = time.monotonic() + seconds
    while left := {pid for pid in pids if alive(pid)}:
        assert time.monotonic() < deadline, f"still alive: {describe(left)}"
        await asyncio.sleep(0.01)


def end(folder: Path, mark: str) -> None:
    """After a test that has failed: kill whom it has left."""
    for pid in marked(mark) | {pid for pid in noted(folder) if alive(pid)}:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
