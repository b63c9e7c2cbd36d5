"""What only one process can have: a second port, a lock. For these the old generation's end counts.

Two generations overlap while the old one answers what is in flight. An app that listens on a port
of its own, or holds a lock that says that it is the only one, would find both taken. So it is held
up for as long, just before it tries.
"""

import _thread
import os
from fcntl import LOCK_EX, LOCK_NB
from typing import Any, Callable

from hotplate_agent.messages import AskAlone

EVENTS = frozenset(["socket.bind", "fcntl.flock", "fcntl.lockf"])


class Alone:
    """Asks the server, once, when no other generation is left; the app's thread waits for it."""

    def __init__(self, send: Callable[[Any], None]) -> None:
        self._send = send
        self._answered = _thread.allocate_lock()
        self._waits = False

    def begin(self) -> None:
        """There is somebody to hear the answer from now on."""
        self._waits = True
        self._answered.acquire()

    def told(self) -> None:
        """The answer has come."""
        if self._waits:
            self._waits = False
            self._answered.release()

    def wait(self, event: str, args: Any) -> None:
        """An audit event out of `EVENTS`: come back when what it wants can be had."""
        if self._waits and _is_exclusive(event, args):
            self._send(AskAlone())
            with self._answered:
                pass


def _is_exclusive(event: str, args: Any) -> bool:
    if event != "socket.bind":  # who waits for the lock has it as soon as it is free
        return bool(args[1] & LOCK_EX) and bool(args[1] & LOCK_NB)
    address = args[1]
    if isinstance(address, tuple):
        return len(address) > 1 and bool(address[1])  # port 0 is one that is free
    return bool(os.fsencode(address))
