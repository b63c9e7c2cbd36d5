"""Children that come to us because their parents have ended.

On Linux a process can ask for the orphans among its descendants (`family` in the agent). That
makes the copies of a standby our own children, whose end we learn as that of any other.

An app asks for its orphans itself. So what comes to us, and is nobody that we have made, was left
behind by an app that is dead: it is ended. It has come whatever it did, `setsid` or two forks, for
a process can't choose its ancestors.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator

from hotplate_agent import family

ours: set[int] = set()
"""The processes whose exit status somebody here waits for."""
careless: set[int] = set()
"""Those among them whose orphans come to us while they live."""

_adopting: bool | None = None
_lock = threading.Lock()
_births = 0
_loop: asyncio.AbstractEventLoop | None = None


def adopt() -> bool:
    """Ask for orphans. False where the system has no such thing."""
    global _adopting
    if _adopting is None:
        _adopting = _sees_ends() and family.adopt()
    return _adopting


def _sees_ends() -> bool:
    """Whether the end of a copy is seen: from Linux 5.3 on."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


def end_them(loop: asyncio.AbstractEventLoop) -> None:
    """From now on, end what comes to us. For a process that is nobody's parent but ours."""
    global _loop
    if adopt() and family.member(os.getpid()) is not None:
        _loop = loop
        loop.add_signal_handler(signal.SIGCHLD, bury)


@contextlib.contextmanager
def birth() -> Iterator[None]:
    """Held while a process comes to us that is not among `ours` yet: it looks like an orphan."""
    born()
    try:
        yield
    finally:
        known()


def born() -> None:
    """The beginning of a `birth`, from any thread."""
    global _births
    with _lock:
        _births += 1


def known() -> None:
    """Its end."""
    global _births
    with _lock:
        _births -= 1
        left = _births
    loop = _loop
    if loop is not None and not left:
        with contextlib.suppress(RuntimeError):  # it has ended
            loop.call_soon_threadsafe(bury)


def bury() -> None:
    """End those that came to us, and take their exit status. Does not block.

    None is touched while one might be ours. What is in our own session is no orphan of an app's,
    for each app leads another one.
    """
    if sys.platform != "linux" or _births:
        return
    session = os.getsid(0)
    for child in _children():
        if child.pid in ours or child.session == session:
            continue
        if child.state == "Z":
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child.pid, os.WNOHANG)
        elif _loop is not None and not careless:
            # What it has started comes to us at its end, and we are told of that.
            with contextlib.suppress(OSError):
                os.kill(child.pid, signal.SIGKILL)


def end_all(seconds: float) -> None:
    """At our own end: nothing that descends from us is to stay. Blocks for as long as it takes."""
    if adopt():
        family.end_below(os.getpid(), seconds)


def _children() -> list[family.Member]:
    """Our children. The kernel's list of them is quick, and not built into every kernel."""
    pids: set[int] = set()
    try:
        for task in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{task}/children") as file:
                pids.update(map(int, file.read().split()))
    except OSError:
        me = os.getpid()
        return [one for one in family.everybody() if one.parent == me]
    return [one for one in map(family.member, pids) if one is not None]
