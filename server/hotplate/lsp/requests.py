"""Requests to the client, which may answer late, with nonsense, or never."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

logger = logging.getLogger(__name__)
T = TypeVar("T")

SECONDS = 2.0
"""How long a client may take to answer what no person has to think about."""


class Unanswered(Exception):
    """The client has answered with an error, or not in time: `late` is what it may still say."""

    def __init__(self, late: asyncio.Future[Any] | None = None) -> None:
        super().__init__("The client has not answered.")
        self.late = late


async def demand(
    method: str, make: Callable[[], Awaitable[T]], seconds: float | None = SECONDS
) -> T:
    """The client's answer. Raises Unanswered.

    A late answer is not an error: pygls finds its future, so that must not be cancelled.
    """
    future = asyncio.ensure_future(make())
    done, _ = await asyncio.wait({future}, timeout=seconds)
    if not done:
        future.add_done_callback(_swallow)
        logger.warning("The client has not answered %s within %s s.", method, seconds)
        raise Unanswered(future)
    try:
        return future.result()
    except Exception as error:
        logger.warning("The client has answered %s with an error: %s", method, error)
        raise Unanswered from error


async def ask(
    method: str, make: Callable[[], Awaitable[T]], seconds: float | None = SECONDS
) -> T | None:
    """The same, for what can be done without: None where there is no answer."""
    try:
        return await demand(method, make, seconds)
    except Unanswered:
        return None


def _swallow(future: asyncio.Future[T]) -> None:
    if not future.cancelled():
        future.exception()
