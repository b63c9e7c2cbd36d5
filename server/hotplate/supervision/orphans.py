"""Children that come to us because their parents have ended.

On Linux a process can ask for the orphans among its descendants (PR_SET_CHILD_SUBREAPER,
https://man7.org/linux/man-pages/man2/pr_set_child_subreaper.2const.html). That makes the copies
of a standby our own children, whose end we learn as that of any other. A daemon that an app has
started comes the same way; nobody else would take its exit status.
"""

from __future__ import annotations

import ctypes
import os
import sys

_PR_SET_CHILD_SUBREAPER = 36

ours: set[int] = set()
"""The processes whose exit status somebody here waits for."""


def adopt() -> bool:
    """Ask for orphans. False where the system has no such thing."""
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))  # from Linux 5.3: the end of a copy is seen by it
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        return bool(prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False


def bury() -> None:
    """Take the exit status of those that came to us and have ended. Does not block.

    Programs that this process has run itself are in its own session; an orphan of an app's never
    is, for each app leads one.
    """
    if sys.platform != "linux":
        return
    session = os.getsid(0)
    for pid in _children():
        if pid not in ours and _ended_elsewhere(pid, session):
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass


def _children() -> list[int]:
    found: list[int] = []
    try:
        for task in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{task}/children") as file:
                found += map(int, file.read().split())
    except OSError:
        pass
    return found


def _ended_elsewhere(pid: int, session: int) -> bool:
    """Whether a process is a zombie of another session."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return False
    return fields[0] == b"Z" and int(fields[3]) != session
