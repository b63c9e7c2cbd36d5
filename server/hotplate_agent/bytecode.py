"""Bytecode that can be trusted.

CPython takes a `.pyc` for good when the source's modification time, in whole seconds, and its
size are those that it was compiled from. Two saves of equal size within one second therefore run
the first one's code (https://github.com/python/cpython/issues/120932). A person who watches a
poller never meets this; a restart milliseconds after each save does.
"""

import os
import sys
import time
from importlib.machinery import SourceFileLoader
from importlib.util import cache_from_source
from typing import Any, Callable, Iterable

SETTLED = 2.0
"""Seconds after which a source's modification time identifies it."""


def distrust(changed: Iterable[str]) -> None:
    """Drop the bytecode of sources that were just saved, whoever wrote it."""
    for path in changed:
        if not path.endswith(".py"):
            continue
        for optimization in ("", 1, 2):
            try:
                os.unlink(cache_from_source(path, optimization=optimization))
            except (OSError, NotImplementedError):
                pass  # none there, or a folder that nobody can have written to


def forget_folders(own: Callable[[str], bool]) -> None:
    """Forget what the importer knows of the person's folders: files may have come since.

    It goes by a folder's modification time, which two changes within a tick of the clock share.
    """
    for path in list(sys.path_importer_cache):
        if own(os.path.join(path, "")):
            sys.path_importer_cache.pop(path, None)


def keep_none_of_unsettled() -> None:
    """Write no bytecode for a source that may change again within the same second."""
    original: Any = SourceFileLoader._cache_bytecode  # type: ignore[attr-defined]

    def _cache_bytecode(self: Any, source_path: str, cache_path: str, data: Any) -> Any:
        try:
            if time.time() - os.stat(source_path).st_mtime < SETTLED:
                return None
        except OSError:
            return None
        return original(self, source_path, cache_path, data)

    SourceFileLoader._cache_bytecode = _cache_bytecode  # type: ignore[attr-defined]
