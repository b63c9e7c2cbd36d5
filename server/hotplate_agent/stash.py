"""Modules that were imported ahead of time, out of sight until the app imports them.

The app must not see in `sys.modules` what it has not imported. When it does, it gets the module
that waits here, and with it all that the import would have brought along.
"""

import sys
import warnings
from importlib.machinery import ModuleSpec
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, Dict, FrozenSet, Iterable, List, NamedTuple, Optional, Set, Tuple

_KNOWN_BY_MODULE = (FunctionType, BuiltinFunctionType, type)


class _Kept(NamedTuple):
    module: Any
    spec: Any
    loader: Any
    group: int


class Stash:
    """A group is what one import has brought. `claim` brings out a module and what it needs.

    In a copy of a process each object that is looked at costs a page, so all that can be worked
    out before is worked out in `hide`, and what is out is known by the claim that brought it.
    """

    def __init__(self) -> None:
        self._kept: Dict[str, _Kept] = {}
        self._groups: List[List[str]] = []
        self._roots: Dict[str, int] = {}
        self._filters: Dict[int, Tuple[List[Any], List[Any]]] = {}
        self._loggers: Dict[int, List[Any]] = {}
        self._names: Dict[int, str] = {}
        self._closures: Dict[str, Dict[str, Any]] = {}
        self._unbound: List[str] = []
        self.top_level: FrozenSet[str] = frozenset()
        """The names in it that a file of the project's could take."""
        self._out: List[Dict[str, Any]] = []

    def __contains__(self, name: str) -> bool:
        return name in self._kept and not any(name in claimed for claimed in self._out)

    def __bool__(self) -> bool:
        return sum(map(len, self._out)) < len(self._kept)

    def roots(self) -> List[str]:
        """What was imported for its own sake and is not claimed yet."""
        return [root for root in self._roots if root in self]

    # ------------------------------------------------------------ putting away

    def keep(
        self, root: str, names: Iterable[str], filters: List[Any], loggers: FrozenSet[str]
    ) -> None:
        """Note what the import of `root` has brought. `filters` are those from before it.

        The modules stay in sight for the imports that follow; `hide` ends that.
        """
        group = len(self._groups)
        self._roots[root] = group
        self._groups.append([])
        for name in names:
            module = sys.modules[name]
            spec = getattr(module, "__spec__", None)
            loader = getattr(module, "__loader__", None)
            self._kept[name] = _Kept(module, spec, loader, group)
            self._names[id(module)] = name
            self._groups[group].append(name)
        self._loggers[group] = [
            logger
            for name, logger in _loggers().items()
            if name not in loggers and not getattr(logger, "disabled", True)
        ]
        if warnings.filters != filters:
            self._filters[group] = (filters, list(warnings.filters))
            _set_filters(filters)

    def hide(self) -> None:
        """Take all out of sight, in `sys.modules` and in packages that came before them."""
        self._closures = {root: self._closure(root) for root in self._roots}
        self.top_level = frozenset(name for name in self._kept if "." not in name)
        for name, kept in self._kept.items():
            parent, _, child = name.rpartition(".")
            package = sys.modules.get(parent)
            with_it = parent in self._kept and self._kept[parent].group == kept.group
            if package is not None and not with_it and vars(package).get(child) is kept.module:
                delattr(package, child)
                self._unbound.append(name)
        for name in self._kept:
            sys.modules.pop(name, None)

    def touch(self) -> None:
        """In a copy that waits: have the kernel copy now the pages that a claim will write to."""
        for closure in self._closures.values():
            dict(closure)

    # ------------------------------------------------------------ bringing out

    def __getitem__(self, name: str) -> Any:
        return self._kept[name].module

    def spec(self, name: str, loader: Any) -> ModuleSpec:
        """What a finder says of the module, to be loaded by `loader`."""
        real = self._kept[name].spec
        spec = ModuleSpec(name, loader, origin=getattr(real, "origin", None))
        spec.submodule_search_locations = getattr(real, "submodule_search_locations", None)
        spec.cached = getattr(real, "cached", None)
        spec.has_location = bool(getattr(real, "has_location", False))
        return spec

    def loader(self, name: str) -> Any:
        """The module's own loader."""
        return self._kept[name].loader

    def claim(self, name: str) -> Dict[str, Any]:
        """Bring out a module with all that its import would have brought."""
        out = self._closures.get(name) or self._closure(name)
        if self._out:
            out = {other: module for other, module in out.items() if other in self}
        self._out.append(out)
        sys.modules.update(out)
        module, spec, loader, _ = self._kept[name]
        if spec is not None:  # the importer has put the one from `spec` in its place
            module.__spec__ = spec
        if loader is not None:
            module.__loader__ = loader
        for other in self._unbound:
            parent, _, child = other.rpartition(".")
            if other in out and parent in sys.modules:
                setattr(sys.modules[parent], child, out[other])
        for group in {self._kept[other].group for other in out}:
            # It would not have been there yet when the app configured logging
            # (`disable_existing_loggers`).
            for logger in self._loggers.pop(group, ()):
                logger.disabled = False
        for group in list(self._filters):
            if any(other in out for other in self._groups[group]):
                self._filter(*self._filters.pop(group))
        return out

    def _filter(self, before: List[Any], after: List[Any]) -> None:
        """Set the warning filters that an import would have set."""
        now = list(warnings.filters)
        if now != before:
            after = [rule for rule in after if rule not in before] + now
        _set_filters(after)

    def _closure(self, name: str) -> Dict[str, Any]:
        """All that a module needs, in the order in which it was imported."""
        found: Set[str] = set()
        waiting = [name]
        while waiting:
            name = waiting.pop()
            kept = self._kept.get(name)
            if kept is None or name in found:
                continue
            found.add(name)
            parent = name.rpartition(".")[0]
            waiting.append(parent)
            waiting += self._referred(kept)
            if name in self._roots:
                waiting += self._groups[self._roots[name]]
        return {other: kept.module for other, kept in self._kept.items() if other in found}

    def _referred(self, kept: _Kept) -> List[str]:
        """Modules that this one has imported, or from which it has imported a name.

        A package holds submodules that came by later imports too; those are none of its own.
        """
        found = []
        for value in list(getattr(kept.module, "__dict__", {}).values()):
            kind = type(value)  # never `isinstance`: a proxy would be asked what it stands for
            if issubclass(kind, ModuleType):
                name: Optional[str] = self._names.get(id(value))
            elif issubclass(kind, _KNOWN_BY_MODULE):
                name = getattr(value, "__module__", None)
            else:
                continue
            other = self._kept.get(name) if isinstance(name, str) else None
            if other is not None and other.group <= kept.group:
                found.append(name)
        return found  # type: ignore[return-value]


def logger_names() -> FrozenSet[str]:
    """The loggers that there are."""
    return frozenset(_loggers())


def _loggers() -> Dict[str, Any]:
    root = getattr(sys.modules.get("logging"), "root", None)
    return dict(root.manager.loggerDict) if root is not None else {}


def _set_filters(filters: List[Any]) -> None:
    warnings.filters[:] = filters  # type: ignore[index]
    mutated: Any = getattr(warnings, "_filters_mutated", None)
    mutated = mutated or getattr(warnings, "_filters_mutated_lock_held", None)
    if mutated is not None:
        mutated()
