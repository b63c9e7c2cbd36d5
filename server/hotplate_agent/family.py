"""The processes that an app starts: kept within reach, and ended with it.

What calls `setsid` leaves the app's process group, and what is forked twice would leave its
family. On Linux a process can have the orphans among its descendants come to it
(PR_SET_CHILD_SUBREAPER); then all that it ever started stands below it in the tree of processes,
as long as it lives. When it dies, they go to the next such ancestor: the language server.

Names are bound now: an app may put its own in their place, and this must work at its very end.
"""

import os
import signal
import sys
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Set

_ctypes: Any = None
if sys.platform.startswith("linux"):
    try:
        # `ctypes` would be a long import for one call.
        import _ctypes
    except ImportError:  # an interpreter that was built without libffi
        pass

_PR_SET_CHILD_SUBREAPER = 36
_A_MOMENT = 0.005
_listdir, _open, _read, _close, _kill = os.listdir, os.open, os.read, os.close, os.kill
_closerange, _sleep, _now = os.closerange, time.sleep, time.monotonic


class Member(NamedTuple):
    """One process, as `/proc` has it. `born` is in ticks since the machine was started."""

    pid: int
    state: str
    parent: int
    group: int
    session: int
    born: int


def adopt() -> bool:
    """Have orphans among our descendants come to us. False where the system has no such thing."""
    if _ctypes is None:
        return False
    try:
        prctl = _ctypes.dlsym(_ctypes.dlopen(None, os.RTLD_NOW), "prctl")
        return bool(_ctypes.call_function(prctl, (_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)) == 0)
    except Exception:  # another C library
        return False


def everybody() -> List[Member]:
    """All processes that can be seen. Empty where there is no `/proc`."""
    try:
        names = _listdir("/proc")
    except OSError:
        return []
    found = (member(int(name)) for name in names if name.isdigit())
    return [one for one in found if one is not None]


def member(pid: int) -> Optional[Member]:
    """One process, None if it can't be seen."""
    try:
        descriptor = _open("/proc/{}/stat".format(pid), os.O_RDONLY)
        try:
            data = _read(descriptor, 4096)
        finally:
            _close(descriptor)
    except OSError:
        return None
    # The name stands in brackets, and may hold anything.
    fields = data.rpartition(b")")[2].split()
    if len(fields) < 20:
        return None
    state = fields[0].decode("ascii", "replace")
    return Member(pid, state, int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19]))


def below(roots: Set[int], people: List[Member]) -> List[Member]:
    """All that descend from one of `roots`, without them. What has ended is not counted."""
    children: Dict[int, List[Member]] = {}
    for one in people:
        children.setdefault(one.parent, []).append(one)
    found: Dict[int, Member] = {}
    pending = list(roots)
    while pending:
        for child in children.get(pending.pop(), ()):
            if child.pid not in found and child.pid not in roots:
                found[child.pid] = child
                pending.append(child.pid)
    return [one for one in found.values() if one.state not in ("Z", "X")]


def end_below(root: int, seconds: float) -> bool:
    """SIGKILL for all that descend from a process. Whether all have gone within `seconds`."""
    return end(lambda people: below({root}, people), seconds)


def end(choose: Callable[[List[Member]], List[Member]], seconds: float) -> bool:
    """SIGKILL for those that are chosen from all. Whether all have gone within `seconds`.

    They are stopped first, until there is none that was not: what is killed can't tell any more
    whose parent it was.
    """
    deadline = _now() + seconds
    stopped: Set[int] = set()
    beyond: Set[int] = set()
    """Those that are not ours to signal (sudo)."""
    while True:
        left = [one.pid for one in choose(everybody()) if one.pid not in beyond]
        if not left:
            return not beyond
        fresh = [pid for pid in left if pid not in stopped]
        for pid in fresh or left:
            try:
                _kill(pid, signal.SIGSTOP if fresh else signal.SIGKILL)
            except ProcessLookupError:
                pass
            except OSError:
                beyond.add(pid)
        stopped.update(fresh)
        if _now() > deadline:
            return False
        if not fresh:
            _sleep(_A_MOMENT)


def make_room() -> None:
    """At the end of a process that has no descriptor left for `/proc`: close what is open."""
    try:
        _close(_open("/proc/self/stat", os.O_RDONLY))
    except OSError:
        _closerange(3, 65536)
