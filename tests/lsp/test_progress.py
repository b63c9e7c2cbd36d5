"""The progress of a start."""

from __future__ import annotations

import asyncio
from typing import Any

from hotplate.lsp.progress import PROGRESS_AFTER, StartProgress


class _Shown:
    def __init__(self) -> None:
        self.begun: list[str] = []

    def later(self, work: Any) -> None:
        self.task = asyncio.ensure_future(work)

    async def begin_progress(self, title: str, message: str) -> str:
        self.begun.append(message)
        return "1"

    def end_progress(self, token: str, message: str) -> None: ...


async def test_a_start_that_fails_and_begins_anew_in_one_breath() -> None:
    """`Core._fail` does so where a save has come that the start may have wanted."""
    client = _Shown()
    progress = StartProgress(client, "shop")
    progress.begin()
    await asyncio.sleep(0)
    progress.end("failed")
    progress.begin()
    await asyncio.sleep(PROGRESS_AFTER * 2)
    assert client.begun == ["starting shop"]
    progress.end("running")
