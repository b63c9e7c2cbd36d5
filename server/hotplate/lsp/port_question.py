"""A port that is taken: which one to take instead, and the question to the person."""

from __future__ import annotations

import asyncio

from hotplate.lsp.client import Client
from hotplate.project import ports
from hotplate.project.planner import AppPlanner
from hotplate.supervision.events import Failure
from hotplate.supervision.supervisor import Supervisor

OPEN, STOP = "Open it", "Stop"


class PortQuestion:
    """One app's. The port that is taken instead counts until the settings name another."""

    def __init__(self, client: Client, planner: AppPlanner, supervisor: Supervisor) -> None:
        self._client = client
        self._planner = planner
        self._supervisor = supervisor
        self._open = False

    async def ask(self, failure: Failure, message: str) -> None:
        """Ask what to do. While a question is open, further failures don't ask again."""
        if self._open:
            return
        self._open = True
        try:
            free = await self._next(failure)
            use = f"Use port {free}"
            choices = [OPEN] if failure.elsewhere else []
            choices += [use, STOP] if free else [STOP]
            answer = await self._client.choose(message, choices, warning=True)
        finally:
            self._open = False
        still = self._supervisor.status.failure
        if still is None or still.kind != "port":
            return
        if answer == use:
            self._take(free)
        elif answer is not None:
            self._supervisor.stop()
            if answer == OPEN and failure.elsewhere is not None:
                await self._client.open(failure.elsewhere)

    async def use_next(self) -> int:
        """Start on the next port that is free; that port."""
        port = await self._next(self._supervisor.status.failure)
        self._take(port)
        return port

    async def _next(self, failure: Failure | None) -> int:
        """0 where none is free, which leaves the choice to the system."""
        taken = failure.port if failure is not None else None
        host = failure.host if failure is not None else None
        return await asyncio.get_running_loop().run_in_executor(
            None,
            ports.next_free,
            host or self._planner.settings.host or "127.0.0.1",
            taken or self._planner.settings.port or 5000,
        )

    def _take(self, port: int) -> None:
        self._planner.port_override = port
        self._supervisor.restart("command")
