"""The editor's settings, in whatever order it answers."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from hotplate.lsp.asked import Asked
from hotplate.lsp.client import Client
from hotplate.lsp.requests import Unanswered


class SlowClient:
    """Nobody waits for its answers: each comes late."""

    def __init__(self) -> None:
        self.late: list[asyncio.Future[Any]] = []

    async def settings(self, uri: str) -> Any:
        self.late.append(asyncio.get_running_loop().create_future())
        raise Unanswered(self.late[-1])


class Asking:
    def __init__(self) -> None:
        self.client = SlowClient()
        self.renewals = 0
        self.asked = Asked(cast(Client, self.client), "file:///shop", self._renewed)

    def _renewed(self) -> None:
        self.renewals += 1

    async def answer(self, number: int, answer: Any) -> None:
        future = self.client.late[number]
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
        await asyncio.sleep(0)


async def test_a_late_answer_counts() -> None:
    asking = Asking()
    await asking.asked.renew()
    assert asking.asked.value is None
    await asking.answer(0, {"port": 1})
    assert asking.asked.value == {"port": 1}
    assert asking.renewals == 1


async def test_what_was_said_last_holds_meanwhile() -> None:
    asking = Asking()
    for _ in range(2):
        await asking.asked.renew()
    await asking.answer(0, {"port": 1})
    assert asking.asked.value == {"port": 1}
    await asking.answer(1, ValueError("no"))
    assert (asking.asked.value, asking.renewals) == ({"port": 1}, 1)
    await asking.asked.renew()
    await asking.answer(2, None)
    assert (asking.asked.value, asking.renewals) == (None, 2), "null is an answer"


async def test_an_answer_to_an_older_question_is_no_news() -> None:
    asking = Asking()
    for _ in range(2):
        await asking.asked.renew()
    await asking.answer(1, {"port": 2})
    await asking.answer(0, {"port": 1})
    assert (asking.asked.value, asking.renewals) == ({"port": 2}, 1)
