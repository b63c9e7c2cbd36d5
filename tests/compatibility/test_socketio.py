"""Flask-SocketIO, which the stock reloader gets along with in one of its three modes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from compatibility.person import Person
from compatibility.rows import case, row
from support.environments import EXTENSIONS, python_of
from support.session import SECONDS, free_port

APP = """\
PATCH
print("begun")
from flask import Flask
from flask_socketio import SocketIO

from words import WORD

app = Flask(__name__)
socketio = SocketIO(app, async_mode="MODE")


@app.get("/")
def index():
    return WORD


@socketio.event
def ask(data):
    return WORD


if __name__ == "__main__":
    socketio.run(app, port=PORT, debug=True)
"""

PATCHES = {
    "threading": "",
    "gevent": "from gevent import monkey; monkey.patch_all()",
    "eventlet": "import eventlet; eventlet.monkey_patch()",
}

CLIENT = """\
import json, sys, socketio

client = socketio.Client(reconnection_delay=0.01, reconnection_delay_max=0.05)


def tell(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)


@client.event
def connect():
    tell("connect", transport=client.transport())
    client.emit("ask", "what", callback=lambda word: tell("answer", word=word))


@client.event
def disconnect(reason=None):
    tell("disconnect")


client.connect(sys.argv[1], transports=sys.argv[2:])
client.wait()
"""


class Browser:
    """A page with a Socket.IO client, which connects anew by itself. Tells what happens to it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def told(self, event: str) -> dict[str, Any]:
        """The next event, which is of this kind."""
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), SECONDS)
        told: dict[str, Any] = json.loads(line)
        assert told["event"] == event, told
        return told


@asynccontextmanager
async def browser(python: str, url: str, transport: str) -> AsyncIterator[Browser]:
    """A page that is open at `url`."""
    process = await asyncio.create_subprocess_exec(
        python, "-c", CLIENT, url, transport, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield Browser(process)
    finally:
        process.kill()
        await process.wait()


WELL = "works; a WebSocket is closed at a save, and its client finds the new code"
ENDS = "imported twice at the start; a save with an error in it ends the app for good"


@pytest.mark.parametrize(
    "mode",
    [
        case("Extensions", f"Flask-SocketIO, `async_mode` {mode}", mode, hotplate=WELL, stock=ENDS)
        for mode in PATCHES
    ],
)
async def test_a_page_that_is_connected(
    project: Callable[..., Path], work_on: Callable[[Path], Person], mode: str
) -> None:
    """A WebSocket is closed at a save, and its client finds the new code at once."""
    port = free_port()
    app = APP.replace("PATCH", PATCHES[mode]).replace("MODE", mode).replace("PORT", str(port))
    person = work_on(project({"app.py": app, "words.py": 'WORD = "one"\n'}))
    python = python_of(EXTENSIONS)
    url = await person.open(python, script="app.py", port=None)
    assert url == f"http://127.0.0.1:{port}"
    async with browser(python, url, "websocket") as page:
        await page.told("connect")  # and is closed again, which is no error
    async with browser(python, url, "websocket") as page:
        assert (await page.told("connect"))["transport"] == "websocket"
        assert (await page.told("answer"))["word"] == "one"
        await person.edit("words.py", '"one"', '"two"')
        assert await person.look() == "two"
        await page.told("disconnect")
        await page.told("connect")
        assert (await page.told("answer"))["word"] == "two"
        await person.break_and_mend("words.py")
        await page.told("disconnect")
        await page.told("connect")
        assert (await page.told("answer"))["word"] == "two"
    await person.imported_once()
    assert not person.session.all_diagnostics()


@row(
    "Extensions",
    "Flask-SocketIO, by long polling alone (no WebSocket)",
    hotplate="works; a poll that waits holds up no save, is ended after `drainSeconds`, and "
    "its client finds the new code",
)
@pytest.mark.parametrize("mode", PATCHES)
async def test_a_page_that_polls(
    project: Callable[..., Path], work_on: Callable[[Path], Person], mode: str
) -> None:
    """A poll is a request that ends when there is news, or never: none comes after the connect."""
    port = free_port()
    app = APP.replace("PATCH", PATCHES[mode]).replace("MODE", mode).replace("PORT", str(port))
    person = work_on(project({"app.py": app, "words.py": 'WORD = "one"\n'}))
    python = python_of(EXTENSIONS)
    url = await person.open(python, script="app.py", port=None, drainSeconds=1)
    async with browser(python, url, "polling") as page:
        assert (await page.told("connect"))["transport"] == "polling"
        assert (await page.told("answer"))["word"] == "one"
        for old, new in [("one", "two"), ("two", "six")]:
            await person.edit("words.py", old, new)
            assert await person.look() == new
            await page.told("disconnect")
            assert (await page.told("connect"))["transport"] == "polling"
            assert (await page.told("answer"))["word"] == new
        await person.break_and_mend("words.py")
        await page.told("disconnect")
        await page.told("connect")
        assert (await page.told("answer"))["word"] == "six"
    await person.imported_once()
    assert not person.session.all_diagnostics()
