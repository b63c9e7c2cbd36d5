"""The person who looks at the page: requests one after the other, each on a connection of its own.

One thread asks, waits for the whole answer, and asks again two milliseconds later. So a peer's
time is known to that, its old process is not kept busy all the time, and a request that waits in
the socket's queue is answered the moment the new code is there.
"""

from __future__ import annotations

import socket
import threading
import time
from typing import Literal, NamedTuple

from benchmarks.projects import STREAM_END

HOST = "127.0.0.1"
PAUSE = 0.002
NEVER = 15.0
"""Seconds after which an answer counts as never given."""

Kind = Literal["answer", "refused", "cut", "error"]


class Sample(NamedTuple):
    """One request. Times are those of `time.monotonic`."""

    sent: float
    done: float
    kind: Kind
    version: int = 0
    """What an answer said. Of no meaning where there is none."""


def request(port: int, path: str = "/") -> bytes:
    """A request in full, as it goes over the wire."""
    lines = (f"GET {path} HTTP/1.1", f"Host: {HOST}:{port}", "Connection: close", "", "")
    return "\r\n".join(lines).encode()


def ask(port: int) -> Sample:
    """One request and what became of it."""
    sent = time.monotonic()
    try:
        with socket.create_connection((HOST, port), NEVER + 1) as connection:
            connection.sendall(request(port))
            kind, version = judge(_read(connection))
    except ConnectionRefusedError:
        kind, version = "refused", 0
    except OSError:
        kind, version = "cut", 0
    return Sample(sent, time.monotonic(), kind, version)


def _read(connection: socket.socket) -> bytes:
    """The response. It is whole when its length is reached, as it is for a browser."""
    response = b""
    while not is_whole(response) and (part := connection.recv(65536)):
        response += part
    return response


def is_whole(response: bytes) -> bool:
    """Whether nothing is missing any more. Without a length, only the end of it can tell."""
    head, blank, body = response.partition(b"\r\n\r\n")
    length = _length(head) if blank else None
    return length is not None and len(body) >= length


def _length(head: bytes) -> int | None:
    for field in head.lower().split(b"\r\n"):
        if field.startswith(b"content-length:"):
            return int(field[15:])
    return None


def judge(response: bytes) -> tuple[Kind, int]:
    """What a response is: a version; an error; nothing whole."""
    head, blank, body = response.partition(b"\r\n\r\n")
    if not blank or len(body) < (_length(head) or 0):
        return "cut", 0
    if head.split()[1:2] != [b"200"] or not body.isdigit():
        return "error", 0
    return "answer", int(body)


class Prober:
    """A thread that asks as long as the block lasts."""

    def __init__(self, port: int) -> None:
        self.samples: list[Sample] = []
        self._port = port
        self._news = threading.Condition()
        self._ended = False
        self._newest = 0
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Prober:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        # Where a request hangs, its thread does, until the peer is stopped: nobody waits for it.
        self._thread.join(1)

    def wait(self, version: int, seconds: float = NEVER) -> bool:
        """Whether a version, or one after it, is answered in time."""
        with self._news:
            return self._news.wait_for(lambda: self._newest >= version, seconds)

    def _run(self) -> None:
        while not self._ended:
            sample = ask(self._port)
            self.samples.append(sample)
            if sample.kind == "answer" and sample.version > self._newest:
                with self._news:
                    self._newest = sample.version
                    self._news.notify_all()
            time.sleep(PAUSE)


class Stream:
    """A request whose answer takes its time."""

    def __init__(self, port: int) -> None:
        self.whole = False
        self._port = port
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def begin(self) -> bool:
        """Ask, and wait for the first of the answer; whether it has come."""
        self._thread.start()
        return self._begun.wait(NEVER)

    def end(self) -> None:
        """Wait for the last of it."""
        self._thread.join(NEVER)

    def _run(self) -> None:
        received = b""
        try:
            with socket.create_connection((HOST, self._port), NEVER) as connection:
                connection.sendall(request(self._port, "/stream"))
                while part := connection.recv(65536):
                    received += part
                    if b"\r\n\r\n" in received:
                        self._begun.set()
        except OSError:
            pass  # cut: what has come is what counts
        self.whole = STREAM_END in received


def free_port() -> int:
    """A port that was free just now."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])
