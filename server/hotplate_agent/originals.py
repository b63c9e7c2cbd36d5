"""Which modules somebody has patched: replaced a function or a class in them by another one.

There is no event for it, so what was there is remembered and compared. Only what could be called
counts: modules keep their state in names, too, and change that as they please.
"""

import operator
import sys
import time
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional

_KINDS = (FunctionType, BuiltinFunctionType, type)
_OF_THE_INTERPRETER = frozenset(["__main__", "sys", "builtins"])


class _Names(NamedTuple):
    namespace: Dict[str, Any]
    originals: Dict[str, Any]


class Originals:
    """What modules held when they were imported."""

    def __init__(self) -> None:
        self._modules: Dict[str, _Names] = {}

    def note(self, modules: Iterable[str]) -> None:
        """Remember these as they are now. Call in the order in which they came."""
        for name in modules:
            namespace = _namespace(sys.modules.get(name))
            if type(namespace) is dict and name not in _OF_THE_INTERPRETER:
                self._modules[name] = _Names(namespace, dict(namespace))

    def note_new(self) -> None:
        """Remember those that have come since."""
        self.note([name for name in list(sys.modules) if name not in self._modules])

    def accept(self) -> None:
        """What is patched by now, a library has patched while it was imported: so be it."""
        self.note(self.patched())
        self.note_new()

    def patched(self, among: Optional[Iterable[str]] = None) -> List[str]:
        """The modules in which something is not the original any more.

        To look at an object is to count a reference, which in a copy of a process costs a page:
        `among` are those that are worth it, None for all.
        """
        wanted = self._modules if among is None else among
        return [
            name for name in wanted if name in self._modules and _is_patched(self._modules[name])
        ]

    def patched_by_and_by(self) -> List[str]:
        """The same of all modules, with room for other threads in between."""
        found = []
        for name, names in list(self._modules.items()):
            if _is_patched(names):
                found.append(name)
            _let_others()
        return found


def _let_others(sleep: Callable[[float], None] = time.sleep) -> None:
    """Give the interpreter's lock away, by the real `sleep`, which an app may replace later."""
    sleep(0)


def _namespace(module: Any) -> Any:
    """A module's names. One that is to be loaded at its first use is not used by this."""
    try:
        return object.__getattribute__(module, "__dict__")
    except AttributeError:
        return None


def _is_patched(names: _Names) -> bool:
    now, before = names
    # Dicts keep their order, so what was only added to stands behind, and one pass in C tells.
    if len(now) >= len(before) and all(map(operator.is_, now.values(), before.values())):
        return False
    # A submodule of the same name, imported later, takes a function's place by itself.
    # By `type`: `isinstance` asks an object for its class, and what is lazy would be loaded.
    return any(
        now.get(key) is not value
        for key, value in before.items()
        if issubclass(type(value), _KINDS) and not _is_harmless(now.get(key))
    )


def _is_harmless(value: Any) -> bool:
    """A submodule; or what `typing_extensions` puts into `typing` whenever it is imported, which
    teaches helpers of it more and changes nothing for those who have used them before."""
    if type(value) is FunctionType:
        return value.__module__ == "typing_extensions"
    return issubclass(type(value), ModuleType)
