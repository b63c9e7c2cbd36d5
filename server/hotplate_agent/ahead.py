"""Imports over whose shoulder we look: what could come ahead of time, and what has.

A start is watched to learn which libraries the app imports, and in which order, for as long as
it has changed nothing that they might see: the environment, the warning filters, `sys.path`, a
module that it patches, a thread that it starts. A later start gets these from a stash (see
`standby`), as long as it, too, has changed nothing. Where it has, it must not get them: then it
says so and ends, and the server starts it anew in an interpreter that knows nothing.

A library's import is looked at as a whole: the outermost one is a root, what it imports in turn
comes with it.
"""

import os
import sys
from importlib.machinery import all_suffixes
from types import ModuleType
from typing import Any, Callable, Container, List, Optional, Tuple

from hotplate_agent.imports import AfterImport
from hotplate_agent.originals import Originals
from hotplate_agent.stash import Stash
from hotplate_agent.surroundings import Conduct, Surroundings, look

_AGENT = __name__.partition(".")[0]
LATER = ("werkzeug.debug", "encodings.idna")
"""What Werkzeug imports when the app is loaded. Nothing that the app may do changes what comes of
it, but for a patch; so only that keeps it from being imported ahead."""


class Ahead:
    """A finder in front of `sys.meta_path`, from the beginning of a start to its end.

    `own` tells the person's files from libraries; `spoilt` is called with the reason if the stash
    must not be used, and does not return.
    """

    def __init__(
        self,
        own: Callable[[str], bool],
        conduct: Conduct,
        after: AfterImport,
        spoilt: Callable[[str], None],
    ) -> None:
        self.stash = Stash()
        self.own_threads = 0
        self._own = own
        self._conduct = conduct
        self._after = after
        self._spoilt = spoilt
        self._originals = Originals()
        self._expected: Optional[Surroundings] = None
        self._path: List[str] = []
        self._begun = False
        self._over: Optional[str] = None
        self._finished = False
        self._depth = 0
        self._looking_for: Optional[str] = None
        self._roots: List[str] = []
        self._came: List[Tuple[int, Container[str]]] = []
        self._claimed: List[int] = []
        self._own_modules = ["__main__"]
        self._came_ahead = False

    # ------------------------------------------------------------ the course of a start

    def watch(self) -> None:
        """Begin to look at imports."""
        sys.meta_path.insert(0, self)

    def expect_as_now(self) -> None:
        """The stash is right for surroundings like these."""
        self._expected = self._look()
        self._originals.note_new()
        self._came_ahead = True

    def own_code_begins(self) -> None:
        """From here on the app may change things."""
        if self._begun:
            return
        self._begun = True
        now = self._look()
        if self._expected is not None:
            self._over = now.changed_since(self._expected)
        self._expected = now
        self._path = list(sys.path)
        self._originals.note_new()
        if self.stash and self._shadowed():
            self._over = "a file has the name of a library"

    def finish(self, served: bool) -> None:
        """The app is loaded, or has failed. Ends the process if the stash has been misused."""
        patched = self._patched()
        misused = self._misused(patched)
        if misused is not None:
            self._spoilt(misused)
        if patched:
            del self._roots[self._came_first(patched) + 1 :]
        change = self._over or self._changed()
        if served and self.unused and change:
            # What is left can't be imported a second time, and can't be claimed any more either.
            self._spoilt("{} changes, and more may be imported later".format(change))
        if not patched and change != "finders":
            self._roots += [name for name in LATER if name not in self._roots]
        self._over = "the start is over"
        self._finished = True
        if not self.stash:
            sys.meta_path = [finder for finder in sys.meta_path if finder is not self]

    def misused(self) -> Optional[str]:
        """Look once more, at all modules, when there is time: was the stash misused after all?"""
        if not self._came_ahead or not self._claimed:
            return None
        return self._misused(self._originals.patched_by_and_by())

    def _misused(self, patched: List[str]) -> Optional[str]:
        if patched and any(index > self._came_first(patched) for index in self._claimed):
            return "{} is patched before others are imported".format(patched[0])
        return None

    def _came_first(self, patched: List[str]) -> int:
        """The root with which the first of these came: when it was patched is not known."""
        return min(
            next((index for index, modules in self._came if name in modules), -1)
            for name in patched
        )

    def forked(self) -> None:
        """In a child of the app's: nobody could start it anew."""
        self._finished = True

    @property
    def roots(self) -> List[str]:
        """What could be imported ahead of the next start, in order."""
        return list(self._roots)

    @property
    def unused(self) -> bool:
        """Whether the app has not imported all that was imported ahead of it."""
        return any(root not in LATER for root in self.stash.roots())

    # ------------------------------------------------------------ the finder

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[Any]:
        """What the other finders find. To be found is not to be imported."""
        if name in self.stash:
            return self.stash.spec(name, _Claim(self, name))
        if self._depth or self._over or self._looking_for == name or name.startswith(_AGENT):
            return None
        self._looking_for = name
        try:
            spec = self._find(name, path, target)
        finally:
            self._looking_for = None
        file = getattr(spec, "origin", None)
        if spec is None or not spec.has_location or not isinstance(file, str):
            return spec
        if self._own(file) or self._own(os.path.realpath(file)):
            self.own_code_begins()
            self._own_modules.append(name)
        elif hasattr(spec.loader, "exec_module"):
            spec.loader = _Root(spec.loader, self)
        return spec

    def _find(self, name: str, path: Any, target: Any) -> Optional[Any]:
        for finder in list(sys.meta_path):
            find_spec = getattr(finder, "find_spec", None)
            if finder is not self and find_spec is not None:
                spec = find_spec(name, path, target)
                if spec is not None:
                    return spec
        return None

    def load_root(self, name: str, load: Callable[[], None]) -> None:
        """Import a library that nobody has imported ahead, and judge how it goes."""
        if self._depth or self._over:
            load()
            return
        self._over = self._changed() or next(iter(self._patched()), None)
        if self._over:
            load()
            return
        before = set(sys.modules)
        self._depth += 1
        self._conduct.begin()
        try:
            load()
        finally:
            self._depth -= 1
            fault = self._conduct.end()
        if fault is None:
            self._roots.append(name)
        new = [module for module in list(sys.modules) if module not in before]
        if self._came_ahead:
            self._originals.note([name, *new])
        else:
            self._originals.accept()
        self._has_come({name, *new})

    def claim(self, name: str) -> None:
        """The app imports what waits in the stash."""
        free = self._finished or name in LATER
        change = None if free else self._over or self._changed()
        if change and not _asked_by_agent():
            self._spoilt("{} changes before {} is imported".format(change, name))
        out = self.stash.claim(name)
        if not self._over and not self._depth:
            self._roots.append(name)
        if not self._over:
            self._claimed.append(len(self._roots) - 1)
            self._has_come(out)
        self._after.look()

    def _has_come(self, modules: Container[str]) -> None:
        """A library has come, and what it has changed itself is no change of the app's."""
        self._came.append((len(self._roots) - 1, modules))
        if self._begun:
            self._expected = self._look()

    # ------------------------------------------------------------ what has changed

    def _look(self) -> Surroundings:
        return look((self, self._after), self.own_threads)

    def _changed(self) -> Optional[str]:
        """What the app has changed that a library might see."""
        if not self._begun or self._expected is None:
            return None
        if sys.path != self._path:
            return "sys.path"
        return self._look().changed_since(self._expected)

    def _patched(self) -> List[str]:
        """Modules that the app has patched since the last library came.

        In a start from a standby, where a look at all is dear, only those of which the app's
        modules hold a reference.
        """
        if not self._begun:
            return []
        if not self._came_ahead:
            return self._originals.patched()
        held = set()
        for name in self._own_modules:
            for value in list(getattr(sys.modules.get(name), "__dict__", {}).values()):
                if type(value) is ModuleType:
                    held.add(value.__name__)
        return self._originals.patched(held)

    def _shadowed(self) -> bool:
        """Whether a file of the person's has the name of a module in the stash."""
        stashed = self.stash.top_level
        for folder in sys.path:
            folder = os.path.join(folder or os.getcwd(), "")
            if not self._own(folder):
                continue
            try:
                found = os.listdir(folder)
            except NotADirectoryError:
                return True  # an archive, which is too seldom to look into
            except OSError:
                continue
            for file in found:
                if file.partition(".")[0] in stashed and _is_module(folder + file):
                    return True
        return False


class _Claim:
    """Loads from the stash."""

    def __init__(self, ahead: Ahead, name: str) -> None:
        self._ahead = ahead
        self._name = name
        self._loader = ahead.stash.loader(name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: Any) -> Any:
        return self._ahead.stash[self._name]

    def exec_module(self, module: Any) -> None:
        self._ahead.claim(self._name)


class _Root:
    """Loads as the real loader, which it puts back, under the eyes of `Ahead`."""

    def __init__(self, loader: Any, ahead: Ahead) -> None:
        self._loader = loader
        self._ahead = ahead

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: Any) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        module.__spec__.loader = module.__loader__ = self._loader
        self._ahead.load_root(module.__name__, lambda: self._loader.exec_module(module))


def _is_module(path: str) -> bool:
    if os.path.isdir(path):  # without this file it would be a namespace, and come last
        return os.path.exists(os.path.join(path, "__init__.py"))
    return path.endswith(tuple(all_suffixes()))


def _asked_by_agent() -> bool:
    """Whether the import that is under way is one of the agent's own."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith("<frozen importlib") and file != __file__:
            return bool(os.path.dirname(file) == os.path.dirname(__file__))
        frame = frame.f_back
    return False
