"""Requests to the client, which may answer late, with nonsense, or never."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

logger = logging.getLogger(__name__)
T = TypeVar("T")

SECONDS = 2.0
"""How long a client may take to answer what no person has to think about."""


async def ask(make: Callable[[], Awaitable[T]], seconds: float | None = SECONDS) -> T | None:
    """The client's answer, or None: it gave none in time, or an error.

    A late answer is not an error: pygls finds its future, so that must not be cancelled.
    """
    future = asyncio.ensure_future(make())
    done, _ = await asyncio.wait({future}, timeout=seconds)
    if not done:
        future.add_done_callback(_swallow)
        logger.warning("The client has not answered a request within %s s.", seconds)
        return None
    try:
        return future.result()
    except Exception as error:
        logger.warning("The client has answered a request with an error: %s", error)
        return None


def _swallow(future: asyncio.Future[T]) -> None:
    if not future.cancelled():
        future.exception()
