"""What the interpreter was doing when it died without a word.

The server gives each agent an unlinked file. Its first page holds the innermost line of the
person's own code that was last seen, kept current by the audit hook (`files`); behind it stands
what `faulthandler` writes at a fatal signal. Both can be read after kill -9.
"""

import faulthandler
import mmap
import os
import sys
from types import FrameType
from typing import Any, Callable, Optional

PAGE = 4096


class BlackBox:
    """The agent's side: notes places, and keeps the note whole under a sudden end."""

    def __init__(self, descriptor: int) -> None:
        self._take(descriptor)

    def _take(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        if os.fstat(descriptor).st_size < PAGE:
            os.ftruncate(descriptor, PAGE)
        self._page = mmap.mmap(descriptor, PAGE)
        os.lseek(descriptor, 0, os.SEEK_END)
        self._descriptor = descriptor
        self._open = True

    def note(self, file: str, line: int, function: str) -> None:
        """Remember a place. Length last, so that a half-written note reads as none."""
        if not self._open:
            return
        text = "{}\0{}\0{}".format(file, line, function).encode("utf-8", "replace")[: PAGE - 2]
        self._page[0:2] = b"\0\0"
        self._page[2 : 2 + len(text)] = text
        self._page[0:2] = len(text).to_bytes(2, "big")

    def move(self, descriptor: int) -> None:
        """In a copy of the process: write into another box from now on."""
        self._page.close()
        os.close(self._descriptor)
        self._take(descriptor)

    def forget(self) -> None:
        """In a forked child: the box is the parent's."""
        self._open = False

    def catch_signals(self) -> None:
        """Let `faulthandler` write every thread's stack here at a fatal signal."""
        if not faulthandler.is_enabled():
            faulthandler.enable(file=self._descriptor, all_threads=True)

    def catch_exit(self, own: Callable[[str], bool]) -> None:
        """Note who calls `os._exit`, the one way out that nothing else sees."""
        leave = os._exit

        def _exit(status: int) -> Any:
            frame = innermost(sys._getframe(1), own)
            if frame is not None:
                self.note(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
            leave(status)

        _exit.__doc__ = leave.__doc__
        os._exit = _exit


def innermost(frame: Optional[FrameType], own: Callable[[str], bool]) -> Optional[FrameType]:
    """The nearest frame of the person's own code, seen from `frame` outwards."""
    for _ in range(80):
        if frame is None:
            return None
        if own(frame.f_code.co_filename):
            return frame
        frame = frame.f_back
    return None
