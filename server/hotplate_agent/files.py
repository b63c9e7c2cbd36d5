"""What the app is made of: learnt from what it loads and reads, not guessed.

An audit hook sees every file that is opened for reading while the app starts (a `config.toml`
as well as a module); a look over the importer's shoulder sees every module, then or later. The
person's own files are told one by one, with the state in which they were found just before they
were read; library files in one list.
"""

import os
import stat
import sys
from importlib.machinery import SourceFileLoader
from typing import Any, Callable, Dict, List, Optional, Set

from hotplate_agent.alone import EVENTS as EXCLUSIVE
from hotplate_agent.alone import Alone
from hotplate_agent.blackbox import BlackBox, innermost
from hotplate_agent.messages import FileRead
from hotplate_agent.surroundings import EVENTS, SPAWNING, Conduct

KNOWN = 20_000
"""How many paths are remembered as the person's or not."""
_LIBRARIES = (os.sep + "site-packages" + os.sep, os.sep + "dist-packages" + os.sep)
_STANDARD_LIBRARY = tuple(
    os.path.dirname(path) + os.sep for path in {os.__file__, os.path.realpath(os.__file__)}
)
_AGENT = os.path.dirname(os.path.abspath(__file__)) + os.sep
_NOBODYS = ("<", _AGENT, *_STANDARD_LIBRARY)
_NO_FILES = ("/dev/", "/proc/", "/sys/")
_BINARIES = (".pyc", ".pyo", ".so", ".pyd", ".dll", ".dylib")
_TELLING = frozenset(
    [
        "open",
        "exec",
        "import",
        "os.kill",
        "os.system",
        "subprocess.Popen",
        "ctypes.dlopen",
        *EVENTS,
        *EXCLUSIVE,
    ]
)


class Files:
    """Collects what is loaded and read; `tell` is called once for each of the person's files."""

    def __init__(self, box: BlackBox, conduct: Conduct, alone: Alone) -> None:
        self._alone = alone
        self._tell: Optional[Callable[[FileRead], None]] = None
        self._rewrites: Optional[Callable[[str], None]] = None
        self._rewritten: Set[str] = set()
        self._read: List[FileRead] = []
        self._box = box
        self._conduct = conduct
        self._seen: Set[str] = set()
        self._owned: Dict[str, bool] = {}
        self._libraries: Set[str] = set()
        self._starting = True
        self._importing = False
        self._watching = True
        self.spawning: Optional[Callable[[], None]] = None
        """Called when a process is about to be started."""

    def watch(self) -> None:
        """Begin. An audit hook can't be taken away again; it gets cheap once the app serves."""
        sys.addaudithook(self._hook)
        original: Any = SourceFileLoader.path_stats

        def path_stats(loader: Any, path: str) -> Any:
            # The first that an import looks at, before it decides for bytecode or source.
            if self._watching:
                self._note(path, module=True)
            return original(loader, path)

        SourceFileLoader.path_stats = path_stats  # type: ignore

    def attach(self, tell: Callable[[FileRead], None], rewrites: Callable[[str], None]) -> None:
        """Tell from now on; what was read before, too. `rewrites` is called once for each of the
        person's files that is written after it was read."""
        self._tell = tell
        self._rewrites = rewrites
        for file in self._read:
            tell(file)

    def inputs(self) -> List[FileRead]:
        """All that was loaded and read before anybody was told, libraries included.

        The libraries are told thereby.
        """
        libraries = [_state(path) for path in self.take_libraries()]
        return [*self._read, *(file for file in libraries if file is not None)]

    def started(self) -> None:
        """From now on only modules count: what a request opens is no part of the app."""
        self._starting = False

    def stop(self) -> None:
        """In a forked child: see nothing."""
        self._watching = False

    def take_libraries(self) -> List[str]:
        """The library files loaded since the last call."""
        found, self._libraries = self._libraries, set()
        return sorted(found.copy())  # a thread may be adding to it still

    def own(self, path: str) -> bool:
        """Whether a path may be the person's: no library, no standard library, no agent."""
        known = self._owned.get(path)
        if known is None:  # it is asked for each frame of each import
            if len(self._owned) > KNOWN:
                self._owned.clear()
            known = not path.startswith(_NOBODYS) and not any(part in path for part in _LIBRARIES)
            self._owned[path] = known
        return known

    def _hook(self, event: str, args: Any) -> None:
        if event not in _TELLING or not self._watching:
            return
        try:
            if self._conduct.watching and (event == "open" or event in EVENTS):
                self._conduct.note(event, args)
            if event in SPAWNING and self.spawning is not None:
                self.spawning()
            if event == "open":
                self._opened(*args)
            elif event == "os.rename":
                self._written(args[1])
            elif event == "import" and args[1]:
                self._note(args[1])
            if self._is_noted(event, args):
                return
            if event in EXCLUSIVE:
                self._alone.wait(event, args)
            frame = innermost(sys._getframe(1), self.own)
            if frame is not None:
                self._box.note(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
        except Exception:
            # An exception from here would reach the app as if its own open() had failed.
            pass

    def _is_noted(self, event: str, args: Any) -> bool:
        """Whether this is a step of an import, whose line was noted when it began."""
        importing, self._importing = self._importing, event == "import"
        if event == "open" and isinstance(args[0], str) and args[0].endswith(_BINARIES):
            self._importing = importing
            return importing
        return event == "exec" and importing

    def _opened(self, path: Any, mode: Any, flags: int) -> None:
        if isinstance(path, int):
            return
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC):
            self._written(path)
        elif self._starting:
            path = os.fsdecode(path)
            if not path.startswith(_NO_FILES) and not path.endswith(_BINARIES):
                self._note(path)

    def _written(self, path: Any) -> None:
        """A file of its own making is no reason to start the app anew."""
        path = os.path.abspath(os.fsdecode(path))
        if path in self._seen and path not in self._rewritten and self.own(path):
            self._rewritten.add(path)
            if self._rewrites is not None:
                self._rewrites(path)

    def _note(self, path: str, module: bool = False) -> None:
        if path.startswith(("<", _AGENT)):
            return
        path = os.path.abspath(path)
        if path in self._seen:
            return
        self._seen.add(path)
        if not self.own(path):
            self._libraries.add(path)
            return
        if module:
            self._conduct.blame("loads the project's own code")
        file = _state(path)
        if file is None:
            return
        if self._tell is None:
            self._read.append(file)
        else:
            self._tell(file)


def _state(path: str) -> Optional[FileRead]:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return FileRead(path, status.st_mtime_ns, status.st_size)
