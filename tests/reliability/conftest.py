"""What the tests of faults share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest_asyncio

from reliability import families
from support.raw import RawServer


@pytest_asyncio.fixture
async def raw_server(
    raw_server: Callable[[Path], RawServer],
) -> AsyncIterator[Callable[[Path], RawServer]]:
    """As the other one; and whatever an app of it has started is gone after the test."""
    made: list[RawServer] = []

    def make(folder: Path) -> RawServer:
        made.append(raw_server(folder))
        return made[-1]

    yield make
    for server in made:
        families.end(server.folder, server.mark)
