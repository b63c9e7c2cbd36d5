"""Hotplate's own log. It never holds a message's body: the PIN travels in one."""

from __future__ import annotations

import logging
import logging.handlers
import os
import sys
import threading
from io import TextIOWrapper
from pathlib import Path

from hotplate.supervision.secrets import redact

LARGEST = 1_000_000
"""Bytes of the log; the part before is kept in one more file beside it."""

logger = logging.getLogger(__name__)


def configure(file: Path | None, verbose: bool) -> None:
    """Log to a file, or warnings to standard error, which editors keep."""
    logging.raiseExceptions = False  # a full disk is no reason to write about it to a full disk
    trouble: OSError | None = None
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    if file is not None:
        try:
            handler = LogFile(file)
        except OSError as error:
            trouble = error
    handler.setFormatter(Redacting("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    kept = file is not None and trouble is None
    root.setLevel(logging.DEBUG if verbose else logging.INFO if kept else logging.WARNING)
    # pygls logs whole messages at INFO and DEBUG (`Sending data: …`), and with a traceback the
    # params of one that failed. Its errors reach us by `report_server_error`.
    logging.getLogger("pygls").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    threading.excepthook = _in_thread
    if trouble is not None:
        logger.warning("The log file %s can't be written: %s.", file, trouble.strerror)


class Redacting(logging.Formatter):
    """Rids every line, tracebacks included, of what is secret."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


class LogFile(logging.handlers.RotatingFileHandler):
    """A file for the person's eyes, which never grows beyond twice its size."""

    def __init__(self, path: Path) -> None:
        path = path.expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(
            path, maxBytes=LARGEST, backupCount=1, encoding="utf-8", errors="backslashreplace"
        )

    def _open(self) -> TextIOWrapper:
        def opener(path: str, flags: int) -> int:
            return os.open(path, flags, 0o600)

        binary = open(self.baseFilename, "ab", opener=opener)  # noqa: SIM115
        return TextIOWrapper(binary, encoding=self.encoding, errors=self.errors)


def _in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        name = args.thread.name if args.thread is not None else "a thread"
        logger.error("Something went wrong in the thread %s.", name, exc_info=args.exc_value)
