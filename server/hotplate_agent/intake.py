"""Who gets the connections: nobody yet, the app's server, or the generation that comes next."""

import _thread
import os
from typing import Any, Callable, List, Optional

from hotplate_agent.line import Line
from hotplate_agent.messages import Handover, Released


class Intake:
    """What the reader thread is sent and what the serving thread accepts meet here.

    `gate` is the lock under which the channel is read: who holds it knows that no order comes
    between. `interrupt` ends what the main thread is at where no server can be stopped.
    """

    def __init__(self, line: Line, interrupt: Callable[[], None]) -> None:
        self.gate = _thread.allocate_lock()
        self.drained = False
        """Whether nothing is to be accepted any more."""
        self.accepting = False
        """Whether the app has ever been about to accept."""
        self._line = line
        self._interrupt = interrupt
        self._acceptor: Optional[Any] = None
        self._early: List[int] = []

    def pending(self) -> bool:
        """Whether an order stands in the channel that has not been read."""
        return self._line.channel.pending()

    def open(self, acceptor: Any) -> bool:
        """Connections are the acceptor's from now on. False where the app is to end already."""
        with self.gate:
            if self.drained:
                return False
            self._acceptor = acceptor
            for connection in self._early:
                acceptor.adopt(connection)
            self._early.clear()
        self.accepting = True
        return True

    def take(self, connection: int) -> None:
        """One that the server, or a generation before, has accepted. The gate is held."""
        if self.drained:
            self._pass_on(connection)
        elif self._acceptor is not None:
            self._acceptor.adopt(connection)
        else:
            self._early.append(connection)

    def drain(self, seconds: float) -> None:
        """Stop accepting, now, whatever the main thread is at. The gate is held."""
        self.drained = True
        if self._acceptor is not None:
            self._acceptor.stop(seconds, self._hand_over)
        for connection in self._early:
            self._pass_on(connection)
        self._early.clear()
        self._line.channel.send(Released())
        if self._acceptor is None:
            self._interrupt()

    def _pass_on(self, connection: int) -> None:
        self._hand_over(connection)
        os.close(connection)

    def _hand_over(self, connection: int) -> None:
        self._line.channel.send(Handover(), connection)
