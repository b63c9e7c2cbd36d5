"""A restart while the app is busy: nobody is refused, cut off, or answered by older code.

`./dev load` does it a thousand times; docs/reliability.md has the figures.
"""

from __future__ import annotations

import base64
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.prober import HOST, request
from reliability import load
from reliability.workplace import Workplace
from support.environments import Environment, python_of
from support.processes import alive, needs_proc

RESTARTS = 100
SOCK = Environment("flask-sock", "", ("flask>=3.1,<3.2", "python-dotenv", "flask-sock"))

ENDLESS = """\
import time

from flask import Flask, Response
from flask_sock import Sock

import version

app = Flask(__name__)
sock = Sock(app)


@app.get("/")
def index():
    return str(version.NUMBER)


@app.get("/events")
def events():
    def parts():
        while True:
            yield f"data: {version.NUMBER}\\n\\n"
            time.sleep(0.02)
    return Response(parts(), mimetype="text/event-stream")


@sock.route("/echo")
def echo(ws):
    while True:
        ws.send(ws.receive())
"""


@pytest.mark.timeout(300)
def test_restarts_under_load(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    load.lay_out(folder)
    with Workplace(folder, drainSeconds=load.DRAIN) as place:
        place.until_state("running")
        pressed = load.Load(place)
        pressed.press(RESTARTS)
        assert place.state()["generation"] == 1 + RESTARTS
        place.at_rest()
    assert set(+pressed.counts) == {"answers", "streams"}, str(pressed)


def until(connection: socket.socket, words: bytes) -> None:
    """Read until these have come."""
    received = b""
    while words not in received:
        part = connection.recv(4096)
        assert part, received
        received += part


def listen(port: int) -> socket.socket:
    """Someone who listens to events, and has heard one."""
    connection = socket.create_connection((HOST, port), 30)
    connection.sendall(request(port, "/events"))
    until(connection, b"data: ")
    return connection


def converse(port: int) -> socket.socket:
    """A WebSocket over which a word has gone there and back."""
    connection = socket.create_connection((HOST, port), 30)
    key = base64.b64encode(os.urandom(16)).decode()
    lines = (
        "GET /echo HTTP/1.1",
        f"Host: {HOST}:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    )
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    until(connection, b"\r\n\r\n")
    # A text frame of two bytes, masked with zeros, as a client's has to be.
    connection.sendall(struct.pack("!BB4s2s", 0x81, 0x82, b"\0\0\0\0", b"hi"))
    until(connection, b"\x81\x02hi")
    return connection


@needs_proc
@pytest.mark.parametrize("who", [listen, converse])
def test_who_listens_for_ever_does_not_hold_a_restart(
    tmp_path: Path, who: Callable[[int], socket.socket]
) -> None:
    """Nor does its process stay."""
    drain = 0.3
    folder = tmp_path / "shop"
    load.lay_out(folder)
    (folder / "app.py").write_text(ENDLESS)
    with Workplace(folder, drainSeconds=drain, interpreter=python_of(SOCK)) as place:
        pids = [place.until_state("running")["pid"]]
        for number in range(1, 6):
            listeners = [who(place.port) for _ in range(4)]
            place.forget()
            place.save("version.py", f"NUMBER = {number}\n")
            assert place.get() == (200, str(number))
            pids.append(place.until_state("running")["pid"])
            place.until(lambda: [pid for pid in pids[:-1] if alive(pid)], drain + 1.5)
            for listener in listeners:
                with listener:
                    while listener.recv(65536):
                        pass  # what it had still said; then the end, and no reset
        place.at_rest()
