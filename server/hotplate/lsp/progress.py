"""A start that takes longer than a moment, as the editor's progress."""

from __future__ import annotations

import asyncio

from hotplate.lsp.client import Client

PROGRESS_AFTER = 0.3
"""Seconds. What is quicker would only flicker."""


class StartProgress:
    """One app's."""

    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self._name = name
        self._task: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()
        self._outcome = ""

    def begin(self) -> None:
        """A start has begun, or the one that is shown goes on with a newer one."""
        if self._task is None or self._task.done() or self._settled.is_set():
            self._settled = asyncio.Event()
            self._task = asyncio.ensure_future(self._show(self._settled))
            self._client.later(self._task)

    def end(self, outcome: str) -> None:
        """It has come to something."""
        self._outcome = outcome
        self._settled.set()

    async def _show(self, settled: asyncio.Event) -> None:
        try:
            await asyncio.wait_for(settled.wait(), PROGRESS_AFTER)
            return
        except (TimeoutError, asyncio.TimeoutError):
            pass
        token = await self._client.begin_progress("Hotplate", f"starting {self._name}")
        await settled.wait()
        if token is not None:
            self._client.end_progress(token, self._outcome)
