"""The server's own page, on a real socket."""

from __future__ import annotations

import asyncio
import html
import os
import resource
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import pytest

from hotplate.supervision.events import Failure
from hotplate.supervision.page import Page
from hotplate_agent.messages import Report

SECONDS = 5

FAILURE = Failure("death", Report("Segfault<1>", "", "line 1\n<script>alert(1)</script>", [], []))
WORDS = "The app's process was <b>killed</b> & more"

GET = b"GET /any HTTP/1.1\r\nHost: x\r\n\r\n"

Show = Callable[..., Page]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


@pytest.fixture
async def show(listener: socket.socket) -> AsyncIterator[Show]:
    """Show the page; it is closed after the test."""
    shown: list[Page] = []

    def show(waiting: Sequence[int] = ()) -> Page:
        shown.append(Page(listener, FAILURE, WORDS, list(waiting)))
        return shown[-1]

    yield show
    for page in shown:
        for descriptor in page.close():
            os.close(descriptor)


async def connect(listener: socket.socket) -> socket.socket:
    """A connection; the kernel makes it, whoever accepts."""
    connection = socket.socket()
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, listener.getsockname())
    return connection


async def say(connection: socket.socket, words: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(connection, words)


async def everything(connection: socket.socket) -> str:
    """What comes until the other side has done."""
    data = b""
    with connection:
        while True:
            reading = asyncio.get_running_loop().sock_recv(connection, 65536)
            more = await asyncio.wait_for(reading, SECONDS)
            if not more:
                return data.decode()
            data += more


async def ask(listener: socket.socket, request: bytes = GET) -> tuple[list[str], str]:
    """The lines of the head, and the body, of the answer to a request."""
    connection = await connect(listener)
    await say(connection, request)
    head, _, body = (await everything(connection)).partition("\r\n\r\n")
    return head.split("\r\n"), body


async def readable(listener: socket.socket) -> None:
    """Wait until the loop sees that somebody has connected."""
    loop = asyncio.get_running_loop()
    seen = asyncio.Event()
    with listener.dup() as other:  # a descriptor has but one reader, and that is the page's
        loop.add_reader(other, seen.set)
        await asyncio.wait_for(seen.wait(), SECONDS)
        loop.remove_reader(other)


def accepted(listener: socket.socket) -> socket.socket:
    """The connection that stands first in the queue: nobody has accepted it."""
    connection, _address = listener.accept()
    connection.settimeout(SECONDS)
    return connection


async def test_a_request_is_answered_with_the_failure(listener: socket.socket, show: Show) -> None:
    show()
    head, body = await ask(listener)
    assert head[0] == "HTTP/1.1 500 Internal Server Error"
    assert f"Content-Length: {len(body.encode())}" in head
    assert "Cache-Control: no-store" in head
    assert "Connection: close" in head
    assert html.escape(WORDS) in body
    assert "<h1>Segfault&lt;1&gt;</h1>" in body
    assert "&lt;script&gt;alert(1)" in body
    assert "<script" not in body
    assert "<b>" not in body


async def test_every_request_is_answered(listener: socket.socket, show: Show) -> None:
    show()
    answers = await asyncio.gather(*(ask(listener) for _ in range(20)))
    assert {head[0] for head, _ in answers} == {"HTTP/1.1 500 Internal Server Error"}


async def test_head_gets_the_head(listener: socket.socket, show: Show) -> None:
    show()
    whole, _ = await ask(listener)
    assert await ask(listener, GET.replace(b"GET", b"HEAD")) == (whole, "")


async def test_a_long_body_does_not_cost_the_answer(listener: socket.socket, show: Show) -> None:
    show()
    size = 1_000_000
    request = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
    head, body = await ask(listener, request)
    assert head[0] == "HTTP/1.1 500 Internal Server Error"
    assert body.endswith("</html>")


async def test_a_request_may_come_in_pieces(listener: socket.socket, show: Show) -> None:
    show()
    connection = await connect(listener)
    await say(connection, GET[:10])
    await ask(listener)  # connections are taken in their order, so the piece has been, too
    await say(connection, GET[10:])
    assert (await everything(connection)).startswith("HTTP/1.1 500")


@pytest.mark.parametrize("half", [b"", GET[:10]], ids=["nothing", "half a request"])
async def test_a_client_that_goes_away_is_let_go(
    listener: socket.socket, show: Show, half: bytes
) -> None:
    show()
    connection = await connect(listener)
    await say(connection, half)
    connection.shutdown(socket.SHUT_WR)
    assert await everything(connection) == ""
    head, _body = await ask(listener)
    assert head[0] == "HTTP/1.1 500 Internal Server Error"


async def test_a_connection_that_waited_before_is_answered(
    listener: socket.socket, show: Show
) -> None:
    client = await connect(listener)
    show([accepted(listener).detach()])
    await say(client, GET)
    assert (await everything(client)).startswith("HTTP/1.1 500")


async def test_who_speaks_tls_where_there_is_no_certificate_is_sent_away(
    listener: socket.socket, show: Show
) -> None:
    show()
    connection = await connect(listener)
    await say(connection, b"\x16\x03\x01")
    with pytest.raises(ConnectionResetError):
        await everything(connection)


async def test_without_descriptors_it_waits_and_does_not_spin(
    listener: socket.socket, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    accept = Page._accept

    def counted(page: Page) -> None:
        looks.append(page)
        accept(page)

    monkeypatch.setattr(Page, "_accept", counted)
    show()
    connection = await connect(listener)
    await say(connection, GET)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as highest:
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest.fileno(), hard))
    try:
        for _ in range(100):
            await asyncio.sleep(0)  # as often as it can be looked
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(looks) == 1
    assert (await everything(connection)).startswith("HTTP/1.1 500")


# ---------------------------------------------------------------- making room


async def test_a_connection_that_has_said_nothing_is_handed_back(
    listener: socket.socket, show: Show
) -> None:
    page = show()
    client = await connect(listener)
    await ask(listener)
    (descriptor,) = page.close()
    with client, socket.socket(fileno=descriptor) as handed_back:
        handed_back.settimeout(SECONDS)
        await say(client, GET)
        assert handed_back.recv(100) == GET
    assert page.close() == []


async def test_a_request_that_nobody_has_looked_at_is_handed_back_whole(
    listener: socket.socket, show: Show
) -> None:
    page = show()
    client = await connect(listener)
    await ask(listener)
    client.send(GET)  # the loop has no turn between this and the next line
    (descriptor,) = page.close()
    with client, socket.socket(fileno=descriptor) as handed_back:
        handed_back.settimeout(SECONDS)
        assert handed_back.recv(100) == GET


async def test_a_request_under_way_is_answered_after_all(
    listener: socket.socket, show: Show
) -> None:
    page = show()
    client = await connect(listener)
    await say(client, GET[:10])
    await ask(listener)
    assert page.close() == []
    await say(client, GET[10:])
    assert (await everything(client)).startswith("HTTP/1.1 500")


async def test_a_closed_page_accepts_nothing(listener: socket.socket, show: Show) -> None:
    page = show()
    await ask(listener)
    with socket.create_connection(listener.getsockname(), SECONDS) as client:
        page.close()
        await readable(listener)  # the page had its chance
        client.sendall(GET)
        with accepted(listener) as connection:
            assert connection.recv(100) == GET
