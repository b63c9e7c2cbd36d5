"""Those who ask the app while the storm goes on: each in a thread, each with what it may expect."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Mapping

from reliability.disk import mark

SECONDS = 40.0
_MARK = re.compile(r"([\w/]+\.py)@(\d{7})")


class Caller:
    """One request. `known` are the versions that the server had been told of before it."""

    def __init__(self, port: int, path: str, known: Mapping[str, int]) -> None:
        self.path = path
        self.outcome: str | None = None
        """"whole", "refused" or "cut", once it has ended."""
        self.stale: list[str] = []
        self._port = port
        self._known = dict(known)
        self._connection: socket.socket | None = None
        self._left = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Close the connection from this side: the person has closed the page."""
        self._left = True
        connection = self._connection
        if connection is not None:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def join(self, seconds: float = SECONDS) -> bool:
        """Whether it has ended in time."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def __repr__(self) -> str:
        return f"GET {self.path}: {self.outcome}"

    def _run(self) -> None:
        try:
            with socket.create_connection(("127.0.0.1", self._port), SECONDS) as connection:
                self._connection = connection
                if self._left:
                    return
                request = f"GET {self.path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                connection.sendall(request.encode())
                received = bytearray()
                while part := connection.recv(65536):
                    received += part
                    if self.path == "/endless":
                        del received[4096:]
        except ConnectionRefusedError:
            self.outcome = "refused"
            return
        except OSError:
            self.outcome = "cut"
            return
        self._judge(bytes(received))

    def _judge(self, received: bytes) -> None:
        head, blank, body = received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        if not blank or length is None or len(body) < int(length[1]):
            self.outcome = "cut"
            return
        self.outcome = "whole"
        if head.split()[1] == b"200":
            found = {name: int(version) for name, version in json.loads(body).items() if version}
        else:
            found = {name: int(version) for name, version in _MARK.findall(body.decode())}
        self.stale = [
            f"{mark(name, version)} where {self._known[name]} had been saved"
            for name, version in found.items()
            if version < self._known.get(name, 0)
        ]
