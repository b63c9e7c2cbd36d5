"""Modules that were imported ahead of time, out of sight until the app imports them.

The app must not see in `sys.modules` what it has not imported. When it does, it gets the module
that waits here, and with it all that the import would have brought along.
"""

import sys
import warnings
from importlib.machinery import ModuleSpec
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

_KNOWN_BY_MODULE = (FunctionType, BuiltinFunctionType, type)


class _Kept(NamedTuple):
    module: Any
    spec: Any
    loader: Any
    group: int


class Stash:
    """A group is what one import has brought. `claim` brings out a module and what it needs."""

    def __init__(self) -> None:
        self._kept: Dict[str, _Kept] = {}
        self._groups: List[List[str]] = []
        self._roots: Dict[str, int] = {}
        self._filters: Dict[int, Tuple[List[Any], List[Any]]] = {}
        self._names: Dict[int, str] = {}
        self._closures: Dict[str, List[str]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._kept

    def __bool__(self) -> bool:
        return bool(self._kept)

    def names(self) -> List[str]:
        return list(self._kept)

    def roots(self) -> List[str]:
        """What was imported for its own sake and is not claimed yet."""
        return [root for root in self._roots if root in self._kept]

    # ------------------------------------------------------------ putting away

    def keep(self, root: str, names: Iterable[str], filters: List[Any]) -> None:
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
        if warnings.filters != filters:
            self._filters[group] = (filters, list(warnings.filters))
            _set_filters(filters)

    def hide(self) -> None:
        """Take all out of sight, in `sys.modules` and in packages that came before them."""
        self._closures = {root: self._closure(root) for root in self._roots}
        for name, kept in self._kept.items():
            parent, _, child = name.rpartition(".")
            package = sys.modules.get(parent)
            with_it = parent in self._kept and self._kept[parent].group == kept.group
            if package is not None and not with_it and vars(package).get(child) is kept.module:
                delattr(package, child)
        for name in self._kept:
            sys.modules.pop(name, None)

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

    def claim(self, name: str) -> List[str]:
        """Bring out a module with all that its import would have brought, in that order."""
        wanted = self._closures.get(name) or self._closure(name)
        out = [other for other in wanted if other in self._kept]
        for other in out:
            kept = self._kept.pop(other)
            module = kept.module
            if kept.spec is not None:
                module.__spec__ = kept.spec
            if kept.loader is not None:
                module.__loader__ = kept.loader
            sys.modules[other] = module
            parent, _, child = other.rpartition(".")
            if parent in sys.modules and child not in vars(sys.modules[parent]):
                setattr(sys.modules[parent], child, module)
            if kept.group in self._filters:
                before, after = self._filters.pop(kept.group)
                if list(warnings.filters) == before:
                    _set_filters(after)
                else:
                    _set_filters([rule for rule in after if rule not in before]
                                 + [*warnings.filters])  # fmt: skip
        return out

    def _closure(self, name: str) -> List[str]:
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
        return [other for other in self._kept if other in found]

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


def _set_filters(filters: List[Any]) -> None:
    warnings.filters[:] = filters  # type: ignore[index]
    mutated: Any = getattr(warnings, "_filters_mutated", None)
    mutated = mutated or getattr(warnings, "_filters_mutated_lock_held", None)
    if mutated is not None:
        mutated()
