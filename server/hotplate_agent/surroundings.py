"""What the import of a module can depend on and change, beside its own source.

A library may be imported ahead of time only where it would have found the same surroundings at
its own time, and only if its import does nothing that should happen once, or later.
"""

import os
import sys
import warnings
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

try:
    from _thread import _count as _threads
except ImportError:  # pragma: no cover - CPython has it

    def _threads() -> int:
        return 0


_OFTEN_PATCHED = (
    ("builtins", "__import__"), ("builtins", "open"), ("builtins", "print"), ("os", "fork"),
    ("os", "read"), ("os", "write"), ("time", "sleep"), ("socket", "socket"), ("select", "select"),
    ("select", "poll"), ("selectors", "DefaultSelector"), ("ssl", "SSLSocket"),
    ("threading", "Thread"), ("threading", "Lock"), ("_thread", "start_new_thread"),
    ("subprocess", "Popen"), ("signal", "signal"), ("queue", "Queue"), ("logging", "getLogger"),
)  # fmt: skip
"""What gevent, eventlet and their like replace: a look at these is cheap. See also `originals`."""


class Surroundings(NamedTuple):
    """All that is looked at. Two are equal where a library could not tell them apart."""

    environment: Dict[Any, Any]
    filters: Tuple[Any, ...]
    folder: Optional[str]
    arguments: Tuple[str, ...]
    threads: int
    streams: Tuple[Any, ...]
    finders: Tuple[Any, ...]
    patched: Dict[Tuple[str, str], Any]

    def changed_since(self, earlier: "Surroundings") -> Optional[str]:
        """What somebody has changed, None if nothing. A module that has come is no change."""
        for name, now, before in zip(self._fields[:-1], self, earlier):  # noqa: B905
            if now != before:
                return name
        for key, value in earlier.patched.items():
            if self.patched.get(key, value) is not value:
                return ".".join(key)
        return None


def look(without: Sequence[Any] = (), own_threads: int = 0) -> Surroundings:
    """The surroundings now. `without` are finders of our own, `own_threads` our threads."""
    try:
        folder: Optional[str] = os.getcwd()
    except OSError:
        folder = None
    patched = {}
    for key in _OFTEN_PATCHED:
        module = sys.modules.get(key[0])
        if module is not None:
            patched[key] = getattr(module, key[1], None)
    finders = [finder for finder in sys.meta_path if finder not in without]
    return Surroundings(
        environment(),
        tuple(warnings.filters),
        folder,
        tuple(sys.argv),
        _threads() - own_threads,
        (sys.stdout, sys.stderr, sys.stdin),
        (*finders, *sys.path_hooks),
        patched,
    )


def environment() -> Dict[Any, Any]:
    """A copy of the environment, without the cost of decoding it."""
    data = getattr(os.environ, "_data", None)
    return dict(os.environ if data is None else data)


# ---------------------------------------------------------------- what an import does

_EFFECTS = {
    "socket.connect": "connects to something", "socket.sendto": "sends something",
    "socket.getaddrinfo": "looks up a host", "socket.gethostbyname": "looks up a host",
    "subprocess.Popen": "runs a program", "os.system": "runs a program",
    "os.exec": "runs a program", "os.posix_spawn": "runs a program", "os.fork": "forks",
    "os.forkpty": "forks", "_thread.start_new_thread": "starts a thread",
    "sqlite3.connect": "opens a database", "os.mkdir": "writes files", "os.rename": "writes files",
    "os.remove": "writes files", "os.rmdir": "writes files", "os.truncate": "writes files",
}  # fmt: skip
EVENTS = frozenset(_EFFECTS)
SPAWNING = frozenset(
    event for event, effect in _EFFECTS.items() if effect in ("runs a program", "forks")
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class Conduct:
    """Judges the import of one library: did it anything that must not happen ahead of time?

    Audit events tell what leaves no trace; the rest is compared before and after. A change of the
    warning filters is no fault: it is undone ahead of time, and done when the library is claimed.
    """

    def __init__(self) -> None:
        self._fault: Optional[str] = None
        self._before: Optional[Tuple[Any, ...]] = None
        self.watching = False

    def begin(self) -> None:
        self._fault = None
        self._before = _marks()
        self.watching = True

    def end(self) -> Optional[str]:
        """What speaks against it, None if nothing does."""
        self.watching = False
        if self._fault is None and _marks() != self._before:
            self._fault = "changes the environment, or leaves something open"
        return self._fault

    def blame(self, fault: str) -> None:
        """Note what was seen elsewhere."""
        if self.watching and self._fault is None:
            self._fault = fault

    def note(self, event: str, args: Any) -> None:
        """An audit event out of `EVENTS`, or `open`."""
        if event == "open":
            if not isinstance(args[2], int) or not args[2] & _WRITING:
                return
            if isinstance(args[0], int):
                return  # opened before, and judged then: so is bytecode written
            fault = "writes files"
        else:
            fault = _EFFECTS[event]
        if fault == "writes files" and any(_is_bytecode(path) for path in args[:2]):
            return
        self.blame(fault)


def _is_bytecode(path: Any) -> bool:
    return isinstance(path, str) and (".pyc" in path or "__pycache__" in path)


def _marks() -> Tuple[Any, ...]:
    try:
        folder: Optional[str] = os.getcwd()
    except OSError:
        folder = None
    streams = (sys.stdout, sys.stderr)
    return environment(), list(sys.path), folder, _threads(), streams, open_files()


def open_files() -> List[str]:
    """The numbers of all open descriptors (and of the one that looks)."""
    try:
        return os.listdir("/proc/self/fd" if sys.platform == "linux" else "/dev/fd")
    except OSError:
        return []
