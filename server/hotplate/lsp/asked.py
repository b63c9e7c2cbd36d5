"""A folder's settings as the editor gives them when asked. It may take its time to answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from hotplate.lsp.client import Client
from hotplate.lsp.requests import Unanswered


class Asked:
    """What the editor said last. It holds while there is no newer answer: no answer is no setting
    that the person has taken back.

    `renewed` is called for an answer that comes when nobody waits for it any more.
    """

    def __init__(self, client: Client, uri: str, renewed: Callable[[], None]) -> None:
        self.value: Any = None
        self._client = client
        self._uri = uri
        self._renewed = renewed
        self._questions = 0
        self._answered = 0

    async def renew(self) -> None:
        """Ask, and wait for as long as an editor may take for it."""
        self._questions += 1
        number = self._questions
        try:
            self._take(number, await self._client.settings(self._uri))
        except Unanswered as unanswered:
            if unanswered.late is not None:
                unanswered.late.add_done_callback(partial(self._come_late, number))

    def _come_late(self, number: int, answer: asyncio.Future[Any]) -> None:
        if answer.cancelled() or answer.exception() is not None:
            return
        if self._take(number, answer.result()):
            self._renewed()

    def _take(self, number: int, value: Any) -> bool:
        """Whether it is news: a later question may have been answered before."""
        if number < self._answered:
            return False
        self._answered, self.value = number, value
        return True
