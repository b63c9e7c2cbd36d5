"""The page that the server itself answers with, while there is no process that could.

A connection that has sent nothing belongs to nobody, as in the agent: when the page makes room
for the next generation, those connections go to it, so that no answer is older than the save.
"""

from __future__ import annotations

import asyncio
import html
import socket

from hotplate.supervision.events import Failure

READ_SECONDS = 10.0
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
        self, listener: socket.socket, failure: Failure, words: str, waiting: list[int]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._answer = render(failure, words)
        self._waiting: dict[int, socket.socket] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop.add_reader(listener, self._accept)
        for descriptor in waiting:
            self._wait(socket.socket(fileno=descriptor))

    def close(self) -> list[int]:
        """Accept no more. Answers under way are finished; the rest is the caller's now."""
        self._loop.remove_reader(self._listener)
        for connection in self._waiting.values():
            self._loop.remove_reader(connection)
        left = [connection.detach() for connection in self._waiting.values()]
        self._waiting.clear()
        return left

    def _accept(self) -> None:
        try:
            connection, _address = self._listener.accept()
        except OSError:
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
        with connection:
            try:
                head = await asyncio.wait_for(self._head(connection), READ_SECONDS)
                if head:
                    body = b"" if head.startswith(b"HEAD ") else self._answer
                    answer = _head(len(self._answer)) + body
                    await asyncio.wait_for(
                        self._loop.sock_sendall(connection, answer), READ_SECONDS
                    )
                    connection.shutdown(socket.SHUT_WR)
                    # Closing with unread bytes would reset the answer: let the client close.
                    await asyncio.wait_for(self._until_closed(connection), READ_SECONDS)
            except (OSError, TimeoutError, asyncio.TimeoutError):
                pass

    async def _head(self, connection: socket.socket) -> bytes:
        head = b""
        while b"\r\n\r\n" not in head and len(head) < 65536:
            data = await self._loop.sock_recv(connection, 65536)
            if not data:
                return b""
            head += data
        return head

    async def _until_closed(self, connection: socket.socket) -> None:
        while await self._loop.sock_recv(connection, 65536):
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
    from werkzeug.exceptions import InternalServerError  # not before a start has failed

    report = failure.report
    title = html.escape(report.type)
    text = html.escape(report.text or report.message)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        f"<title>{title} // Hotplate</title><style>{_STYLE}</style>"
        f"<h1>{title}</h1><p>{html.escape(words)}</p><pre>{text}</pre>"
        f"<p class=hint>{InternalServerError.code}: the app is not running. It starts again when "
        "you save a Python file of the project.</p></html>"
    ).encode("utf-8", "replace")
