"""Those who use an app while somebody works on it: requests come and are held, saves or not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from http.client import HTTPException

import pytest

from compatibility.person import Person
from support.session import SECONDS, get


class Visitor:
    """Makes one request after the other, each on a connection of its own, until they leave.
    The number of the visit stands for a `{}` in the path."""

    def __init__(self, url: str, path: str = "/") -> None:
        self.answers: list[tuple[int, str]] = []
        """What each visit has come to; status 0 is a connection that was refused or cut."""
        self._url = url
        self._path = path
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._visit)

    def __enter__(self) -> Visitor:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """Stay for the answer to the last request."""
        self._left.set()
        self._thread.join()

    def _visit(self) -> None:
        while not self._left.is_set():
            try:
                self.answers.append(get(self._url, self._path.format(len(self.answers))))
            except (OSError, HTTPException) as why:
                self.answers.append((0, repr(why)))


class Gate:
    """Where requests are held: a view that calls `knock()` waits there until it is let through."""

    def __init__(self) -> None:
        self._held: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
        self._server: asyncio.Server

    async def __aenter__(self) -> Gate:
        self._server = await asyncio.start_server(self._keep, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()

    async def _keep(self, _: asyncio.StreamReader, held: asyncio.StreamWriter) -> None:
        await self._held.put(held)

    @property
    def knock(self) -> str:
        """The function for the app. Sockets are what all servers' threads, real ones or green,
        wait for without holding up the others."""
        return KNOCK.replace("PORT", str(self._server.sockets[0].getsockname()[1]))

    async def held(self, seconds: float = SECONDS) -> Callable[[], None]:
        """Wait until the next one is at the gate; what lets it through."""
        return (await asyncio.wait_for(self._held.get(), seconds)).close


KNOCK = """\
def knock():
    import socket

    with socket.create_connection(("127.0.0.1", PORT)) as gate:
        gate.recv(1)


"""


HELD = """\
@app.route("/held")
def held():
    knock()
    return "held"


"""
"""A view to be put behind a gate's `knock`."""


async def at_once(person: Person, gate: Gate) -> None:
    """Two requests are held at the same time."""
    asked = [asyncio.create_task(person.look("/held")) for _ in range(2)]
    for let_through in [await gate.held(), await gate.held()]:
        let_through()
    assert await asyncio.gather(*asked) == ["held", "held"]


async def one_at_a_time(person: Person, gate: Gate) -> None:
    """Of two requests, the second begins only when the first has ended."""
    first = asyncio.create_task(person.look("/held"))
    let_through = await gate.held()
    second = asyncio.create_task(person.look("/held"))
    with pytest.raises(asyncio.TimeoutError):
        await gate.held(0.5)  # must not come; where there are threads, it is there in a few ms
    let_through()
    assert await first == "held"
    (await gate.held())()
    assert await second == "held"
