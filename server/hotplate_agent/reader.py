"""The second thread: it reads the channel, obeys, and ends all the moment that the server is gone.

It is made below `threading`, so that the app does not see it.
"""

import _thread
import sys
from typing import Any, Optional, Tuple

from hotplate_agent import lifeline
from hotplate_agent import messages as m
from hotplate_agent.alone import Alone
from hotplate_agent.channel import ProtocolError
from hotplate_agent.intake import Intake
from hotplate_agent.line import Line
from hotplate_agent.trouble import Troubles


class Reader:
    """Hears the server from `begin` on, which the app's main thread calls."""

    def __init__(self, line: Line, intake: Intake, alone: Alone, troubles: Troubles) -> None:
        self._line = line
        self._intake = intake
        self._alone = alone
        self._troubles = troubles
        self._main_thread = _thread.get_ident()
        self._answer: Tuple[Any, Optional[int]] = (None, None)
        self._answered = _thread.allocate_lock()
        self._reading = _thread.allocate_lock()

    def begin(self) -> None:
        """Start the thread."""
        self._answered.acquire()
        self._reading.acquire()
        _thread.start_new_thread(self._read, ())
        self._reading.acquire()  # only when it runs is it counted

    def ask(self, question: m.Ask) -> Tuple[Any, Optional[int]]:
        """`Grant` or `Refuse`, and the descriptor beside it. Waits for it."""
        self._line.channel.send(question)
        self._answered.acquire()
        return self._answer

    def _read(self) -> None:
        self._reading.release()
        try:
            while True:
                self._line.channel.wait()
                with self._intake.gate:
                    self._line.channel.read()
                    item = self._line.channel.take()
                    while item is not None:
                        self._try_to_obey(*item)
                        item = self._line.channel.take()
        except (EOFError, ProtocolError):
            pass
        except BaseException:
            sys.excepthook(*sys.exc_info())  # without this thread nobody would end the process
        lifeline.end_all()

    def _try_to_obey(self, message: Any, descriptor: Optional[int]) -> None:
        try:
            self._obey(message, descriptor)
        except Exception:  # the server ends us, if it was something that it has to rely on
            self._troubles.tell("obeying " + type(message).__name__)

    def _obey(self, message: Any, descriptor: Optional[int]) -> None:
        """Do as the server says, at once. The gate is held."""
        if isinstance(message, (m.Grant, m.Refuse)):
            self._answer = (message, descriptor)
            self._answered.release()
        elif isinstance(message, m.Connection) and descriptor is not None:
            self._intake.take(descriptor)
        elif isinstance(message, m.Drain):
            self._intake.drain(message.seconds)
        elif isinstance(message, m.NowAlone):
            self._alone.told()
        elif isinstance(message, m.AskWhere):
            from hotplate_agent import frames

            frame = sys._current_frames().get(self._main_thread)
            self._line.channel.send(m.Where(frames.stack(frame) if frame is not None else []))
