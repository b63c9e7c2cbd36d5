"""What has gone wrong in an agent, as far as it could still say so."""

from __future__ import annotations

import logging

from hotplate_agent.messages import Trouble

logger = logging.getLogger(__name__)

CAUSE = "hotplate_cause"
"""The attribute of a log record that tells apart what has no exception on this side."""


def log_trouble(trouble: Trouble) -> None:
    """Log it; its traceback's last line is the cause."""
    lines = trouble.text.strip().splitlines() or [trouble.what]
    logger.error(
        "Something went wrong beside the app, in %s.\n%s",
        trouble.what,
        trouble.text,
        extra={CAUSE: lines[-1]},
    )
