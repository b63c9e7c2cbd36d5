"""What is wrong with Hotplate itself: the person is told once for each cause, the log has the rest.

Whatever goes wrong here is logged as an error by whoever notices it, with the exception. This
handler reads along, so that no room has to know of the editor to be heard.
"""

from __future__ import annotations

import asyncio
import logging
import os
import traceback
from collections.abc import Callable, Hashable

from lsprotocol.types import MessageType

from hotplate.supervision.secrets import redact
from hotplate.supervision.trouble import CAUSE

MOST = 10
"""Messages in a session. Who has seen so many knows; the log goes on."""


class Telling(logging.Handler):
    """Shows what is logged as an error, by `tell`, in the loop's thread."""

    def __init__(self, tell: Callable[[str, MessageType], None]) -> None:
        super().__init__(logging.ERROR)
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._told: set[Hashable] = set()

    def attach(self) -> None:
        """Read along from now on, in the place of an earlier one."""
        ours = logging.getLogger("hotplate")
        for handler in [each for each in ours.handlers if isinstance(each, Telling)]:
            ours.removeHandler(handler)
        ours.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        cause = _cause(record)
        if cause in self._told or len(self._told) >= MOST:
            return
        self._told.add(cause)
        try:
            self._loop.call_soon_threadsafe(self._show, redact(_words(record)))
        except RuntimeError:  # the loop has ended
            pass

    def _show(self, message: str) -> None:
        try:
            self._tell(message, MessageType.Error)
        except Exception:
            logging.getLogger(__name__).warning("A message could not be shown.", exc_info=True)


def handle_unforeseen(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """For `loop.set_exception_handler`: an exception that nobody has caught."""
    error = context.get("exception")
    logger = logging.getLogger(__name__)
    if isinstance(error, BaseException):
        logger.error("Something went wrong in Hotplate.", exc_info=error)
    else:
        logger.warning("asyncio: %s", context.get("message"))


def _cause(record: logging.LogRecord) -> Hashable:
    """The same for what has gone wrong in the same way."""
    given = getattr(record, CAUSE, None)
    if given is not None:
        return str(given)
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return record.msg
    frames = traceback.extract_tb(error.__traceback__)
    place = (frames[-1].filename, frames[-1].lineno) if frames else None
    return type(error).__name__, place


def _words(record: logging.LogRecord) -> str:
    error = record.exc_info[1] if record.exc_info else None
    why = getattr(record, CAUSE, None)
    if error is not None:
        why = f"{type(error).__name__}: {error}"
    said = _cut(record.getMessage())  # behind its first line stands an agent's traceback
    said = f"{said} {_cut(str(why))}" if why else said
    return f"{said.rstrip('.')}. This is a mistake of Hotplate's, and it goes on. {_next_step()}"


def _cut(text: str) -> str:
    line = text.strip().splitlines()[0] if text.strip() else ""
    return line if len(line) <= 300 else line[:299] + "…"


def _next_step() -> str:
    file = log_file()
    if file is not None:
        return f"Please report it; {file} has the details."
    return (
        "Please report it; the details are in what this editor keeps of the server's standard "
        "error, and in a file with `hotplate lsp --log-file FILE`."
    )


def log_file() -> str | None:
    """Where the log is, if it is in a file."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler):
            return os.path.abspath(handler.baseFilename)
    return None
