"""Do something when a module has been imported, without importing it ourselves.

A script may want to come first (gevent patches the standard library before anything imports
`ssl`), so nothing of Werkzeug or Flask is imported ahead: the patches wait for the app to do it.
"""

import sys
from types import ModuleType
from typing import Any, Callable, Dict, List, Optional


class AfterImport:
    """A finder in front of `sys.meta_path`, which goes away when all that it waits for came."""

    def __init__(self) -> None:
        self._waiting: Dict[str, List[Callable[[ModuleType], None]]] = {}

    def call(self, name: str, callback: Callable[[ModuleType], None]) -> None:
        """Call `callback` with the module `name`: now if it is there, else once it was imported."""
        module = sys.modules.get(name)
        if module is not None:
            callback(module)
            return
        if not self._waiting:
            sys.meta_path.insert(0, self)
        self._waiting.setdefault(name, []).append(callback)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[Any]:
        """What the other finders find, with a loader that calls back.

        To be found is not to be imported: an app may only have asked if there is such a module.
        """
        if name not in self._waiting:
            return None
        for finder in list(sys.meta_path):
            find_spec = getattr(finder, "find_spec", None)
            if finder is self or find_spec is None:
                continue
            spec = find_spec(name, path, target)
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader, self)
                return spec
        return None

    def look(self) -> None:
        """Modules have come by another way than an import."""
        for name in list(self._waiting):
            module = sys.modules.get(name)
            if module is not None:
                self.came(module)

    def came(self, module: ModuleType) -> None:
        """A module has been imported."""
        callbacks = self._waiting.pop(module.__name__, [])
        if not self._waiting and self in sys.meta_path:
            # A new list: a thread that is importing may be half through the old one, and would
            # miss the finder that moved into the place of this.
            sys.meta_path = [finder for finder in sys.meta_path if finder is not self]
        for callback in callbacks:
            callback(module)


class _Loader:
    """Loads as the real loader, which it puts back, then tells who waits."""

    def __init__(self, loader: Any, after: AfterImport) -> None:
        self._loader = loader
        self._after = after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: Any) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        assert spec is not None
        spec.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._after.came(module)
