"""An import of the person's own code that failed, where the program has gone on without it.

A program with plugins logs that one cannot be loaded, and then ends for want of it: `unknown
command 'web'`. That end says nothing of the line to mend. The exception that was caught before it
does.
"""

import sys
from types import TracebackType
from typing import Any, Callable, Optional


class CaughtImport:
    """Remembers the last exception that has left a module of the person's own."""

    def __init__(self, own: Callable[[str], bool]) -> None:
        self._own = own
        self._last: Optional[BaseException] = None
        self._watching = True

    def watch(self) -> None:
        """Look at how each import ends. No frame of ours gets into a traceback by this."""
        lock: Any = getattr(sys.modules.get("_frozen_importlib"), "_ModuleLockManager", None)
        if lock is None:  # an importlib to come: this is only for a better message
            return
        leave = lock.__exit__

        def __exit__(
            manager: Any, kind: Any = None, exc: Any = None, traceback: Any = None
        ) -> None:
            leave(manager, kind, exc, traceback)
            if exc is not None and self._watching:
                self._note(exc, traceback)

        lock.__exit__ = __exit__

    def stop(self) -> None:
        """What fails from now on is no matter of the start."""
        self._watching = False
        self._last = None

    def before(self, exc: BaseException) -> Optional[BaseException]:
        """The one that was caught before the start failed with `exc`; none that `exc` tells of."""
        from hotplate_agent.exceptions import chain_of

        last, self._last = self._last, None
        told = [exc, *(each for each, _ in chain_of(exc))]
        return None if any(each is last for each in told) else last

    def _note(self, exc: BaseException, traceback: Optional[TracebackType]) -> None:
        # A module that is not there has no frame of its own, and is none of the person's.
        while traceback is not None:
            if self._own(traceback.tb_frame.f_code.co_filename):
                self._last = exc
                return
            traceback = traceback.tb_next
        name = getattr(exc, "filename", None) if isinstance(exc, SyntaxError) else None
        if isinstance(name, str) and self._own(name):
            self._last = exc
