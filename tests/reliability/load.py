"""Restart upon restart, while many ask without a pause and some listen slowly.

What is counted: who was refused; who got half an answer; who got an older one than the server had
been told of, or than somebody had got already.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks.prober import HOST, judge, request
from reliability.workplace import Workplace

Say = Callable[[str], None]

CLIENTS, STREAMS = 16, 4
SECONDS = 40.0
DRAIN = 20.0
"""Far more than a stream takes, however busy the machine is: none may be cut."""

APP = """\
import time

from flask import Flask, Response

import version

app = Flask(__name__)


@app.get("/")
def index():
    return str(version.NUMBER)


@app.get("/slow")
def slow():
    def parts():
        for _ in range(4):
            yield f"{version.NUMBER:08}"
            time.sleep(0.05)
        yield "the end."
    return Response(parts(), headers={"Content-Length": 5 * 8})
"""
PART, END = 8, b"the end."


def lay_out(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "app.py").write_text(APP)
    (folder / "version.py").write_text("NUMBER = 0\n")


class Load:
    """Those who ask, and what has come of it."""

    def __init__(self, place: Workplace) -> None:
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []
        """What is known of those that were not answered as they should have been."""
        self._place = place
        self._known = 0
        """What the server has been told of."""
        self._newest = 0
        """What somebody has been answered."""
        self._news = threading.Condition()
        self._ended = False

    def press(self, restarts: int, say: Say = lambda _: None) -> None:
        """Restart so often, each time as soon as the save before has been answered."""
        threads = [
            threading.Thread(target=self._repeat, args=[what], daemon=True)
            for what, count in ((self._ask, CLIENTS), (self._listen, STREAMS))
            for _ in range(count)
        ]
        for thread in threads:
            thread.start()
        began = time.monotonic()
        for number in range(1, restarts + 1):
            self._place.save("version.py", f"NUMBER = {number}\n")
            self._known = number
            with self._news:
                answered = self._news.wait_for(lambda: self._newest >= self._known, SECONDS)
            assert answered, f"save {number} was never answered\n{self._place.describe()}"
            if number % max(1, restarts // 10) == 0:
                say(f"{number:6} restarts, {time.monotonic() - began:5.0f} s: {self}")
        self._ended = True
        for thread in threads:
            thread.join(SECONDS)
            assert not thread.is_alive(), "a request was never answered"

    def __str__(self) -> str:
        names = ("answers", "streams", "refused", "cut", "errors", "stale", "out of order")
        counts = ", ".join(f"{name} {self.counts[name]}" for name in names)
        return "\n".join([counts, *self.faults])

    def _repeat(self, what: Callable[[], tuple[str, int]]) -> None:
        while not self._ended:
            known, newest = self._known, self._newest
            began = time.monotonic()
            try:
                kind, version = what()
            except OSError as error:
                kind, version = "refused" if isinstance(error, ConnectionRefusedError) else "cut", 0
                self.faults.append(f"{what.__name__}: {error!r}")
            with self._news:
                self.counts[kind] += 1
                if kind in ("answers", "streams"):
                    self.counts["stale"] += version < known
                    self.counts["out of order"] += version < newest
                    if version > self._newest:
                        self._newest = version
                        self._news.notify_all()
                else:
                    took = time.monotonic() - began
                    self.faults.append(f"{what.__name__}: {kind} after {took:.1f} s, save {known}")

    def _ask(self) -> tuple[str, int]:
        received = self._exchange("/")
        kind, version = judge(received)
        if kind != "answer":
            self.faults.append(f"received: {received!r}")
        return {"answer": "answers", "error": "errors"}.get(kind, kind), version

    def _listen(self) -> tuple[str, int]:
        """One who takes an answer that comes in parts. All parts are of one version."""
        received = self._exchange("/slow")
        body = received.partition(b"\r\n\r\n")[2]
        parts = {body[at : at + PART] for at in range(0, 4 * PART, PART)}
        if judge(received)[0] == "cut" or not body.endswith(END) or len(parts) != 1:
            self.faults.append(f"received: {received!r}")
            return "cut", 0
        return "streams", int(parts.pop())

    def _exchange(self, path: str) -> bytes:
        """A request, and all that comes until the end of the connection. Raises OSError."""
        received = b""
        with socket.create_connection((HOST, self._place.port), SECONDS) as connection:
            connection.sendall(request(self._place.port, path))
            while part := connection.recv(65536):
                received += part
        return received
