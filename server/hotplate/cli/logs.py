"""Hotplate's own log. It never holds a message's body: the PIN travels in one."""

from __future__ import annotations

import logging
from pathlib import Path


def configure(file: Path | None, verbose: bool) -> None:
    """Log to a file, or warnings to standard error, which editors keep."""
    logging.basicConfig(
        filename=file,
        level=logging.DEBUG if verbose else logging.INFO if file else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    # pygls logs whole messages at INFO and DEBUG (`Sending data: …`), and with a traceback the
    # params of one that failed. Its errors reach us by `report_server_error`.
    logging.getLogger("pygls").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
