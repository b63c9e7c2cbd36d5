"""The page that the server itself answers with, while there is no process that could.

A connection that has sent nothing belongs to nobody, as in the agent: when the page makes room
for the next generation, those connections go to it, so that no answer is older than the save.
"""

from __future__ import annotations

import asyncio
import errno
import html
import socket
import ssl
from collections.abc import Awaitable, Callable

from hotplate.supervision.events import Failure

READ_SECONDS = 10.0
LONGEST = 65536
FULL = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
AGAIN_SECONDS = 0.5
"""How long to let those who have come wait where there is no descriptor for them."""
TLS = b"\x16"
"""The first byte of a TLS handshake; that of an HTTP request is a letter."""

Secure = Callable[[], Awaitable["ssl.SSLContext | None"]]


async def _no_tls() -> ssl.SSLContext | None:
    return None


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:3rem auto;max-width:60rem;padding:0 1rem;"
    "color:#222;background:#fff}h1{font-size:1.4rem;color:#b00020}pre{background:#f6f6f6;"
    "padding:1rem;overflow:auto;border-radius:6px;font-size:14px}p.hint{color:#666}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}pre{background:#222}"
    "h1{color:#ff6b81}}"
)


class Page:
    """Answers every request on a listening socket with one failure, until `close`."""

    def __init__(
        self,
        listener: socket.socket,
        failure: Failure,
        words: str,
        waiting: list[int],
        secure: Secure = _no_tls,
    ) -> None:
        """`secure` gives what a connection that speaks TLS is answered with."""
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._answer = render(failure, words)
        self._secure = secure
        self._waiting: dict[int, socket.socket] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._listen()
        for descriptor in waiting:
            self._wait(socket.socket(fileno=descriptor))

    def close(self) -> list[int]:
        """Accept no more. Answers under way are finished; the rest is the caller's now."""
        self._loop.remove_reader(self._listener)
        if self._pause is not None:
            self._pause.cancel()
        for connection in self._waiting.values():
            self._loop.remove_reader(connection)
        left = [connection.detach() for connection in self._waiting.values()]
        self._waiting.clear()
        return left

    def _listen(self) -> None:
        self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        try:
            connection, _address = self._listener.accept()
        except OSError as error:
            if error.errno in FULL:  # to look again at once would be all that we do
                self._loop.remove_reader(self._listener)
                self._pause = self._loop.call_later(AGAIN_SECONDS, self._listen)
            return
        self._wait(connection)

    def _wait(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._waiting[connection.fileno()] = connection
        self._loop.add_reader(connection, self._begin, connection)

    def _begin(self, connection: socket.socket) -> None:
        self._loop.remove_reader(connection)
        del self._waiting[connection.fileno()]
        task = self._loop.create_task(self._respond(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _respond(self, connection: socket.socket) -> None:
        try:
            secure = connection.recv(1, socket.MSG_PEEK) == TLS
            context = await self._secure() if secure else None
            if secure and context is None:
                return connection.close()
            reader, writer = await self._streams(connection, context)
        except OSError:
            return connection.close()
        try:
            await self._answer_to(reader, writer)
        except (OSError, EOFError, TimeoutError, asyncio.TimeoutError, asyncio.LimitOverrunError):
            pass  # gone, or no HTTP
        finally:
            writer.close()

    async def _streams(
        self, connection: socket.socket, context: ssl.SSLContext | None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader = asyncio.StreamReader(LONGEST)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await self._loop.connect_accepted_socket(
            lambda: protocol,
            connection,
            ssl=context,
            ssl_handshake_timeout=READ_SECONDS if context is not None else None,
        )
        return reader, asyncio.StreamWriter(transport, protocol, reader, self._loop)

    async def _answer_to(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), READ_SECONDS)
        body = b"" if head.startswith(b"HEAD ") else self._answer
        writer.write(_head(len(self._answer)) + body)
        await asyncio.wait_for(writer.drain(), READ_SECONDS)
        if writer.can_write_eof():
            writer.write_eof()
        # Closing with unread bytes would reset the answer: let the client close.
        await asyncio.wait_for(_until_closed(reader), READ_SECONDS)


async def _until_closed(reader: asyncio.StreamReader) -> None:
    while await reader.read(LONGEST):
        pass


def _head(length: int) -> bytes:
    return (
        "HTTP/1.1 500 Internal Server Error\r\n"
        "Content-Type: text/html; charset=utf-8\r\n"
        f"Content-Length: {length}\r\n"
        "Cache-Control: no-store\r\n"
        "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "Connection: close\r\n\r\n"
    ).encode()


def render(failure: Failure, words: str) -> bytes:
    """The failure as a page, `words` first. It loads nothing and runs nothing."""
    report = failure.report
    title = html.escape(report.type)
    text = html.escape(report.text or report.message)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        f"<title>{title} // Hotplate</title><style>{_STYLE}</style>"
        f"<h1>{title}</h1><p>{html.escape(words)}</p><pre>{text}</pre>"
        f"<p class=hint>500: the app is not running. It starts again when "
        "you save a Python file of the project.</p></html>"
    ).encode("utf-8", "replace")
