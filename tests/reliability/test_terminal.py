"""What is typed into the terminal in which the editor was started reaches the server as well: both
are in the terminal's foreground group."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import subprocess
import sys
import termios
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reliability.families import WITH_FAMILY, members, until_all_gone
from support.processes import (
    MARK,
    needs_proc,
    until_free,
    until_gone,
    until_nobody,
)
from support.raw import frame
from support.session import SECONDS, SERVER, free_port

pytestmark = needs_proc

EDITOR = """\
import os, signal, subprocess, sys

for name in sys.argv[2:]:
    signal.signal(getattr(signal, name), lambda *_: None)  # a handler is not inherited
server = subprocess.Popen(
    [sys.executable, "-m", "hotplate", "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
)
os.write(server.stdin.fileno(), open(sys.argv[1], "rb").read())
heard = b""
while b'"state": "running"' not in heard and b'"state":"running"' not in heard:
    heard += os.read(server.stdout.fileno(), 65536)
os.write(1, b"running %d\\n" % server.pid)
while True:
    os.read(server.stdout.fileno(), 65536) or signal.pause()
"""


class Terminal:
    """A terminal with an editor in it, started as a shell does."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.mark = uuid.uuid4().hex
        self.ours, theirs = pty.openpty()
        messages = folder.parent / "messages"
        messages.write_bytes(b"".join(map(frame, greeting(folder, port))))
        self._command = [sys.executable, "-c", EDITOR, str(messages)]
        self._theirs = theirs

    def open(self, *survives: str) -> None:
        def take_terminal() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.editor = subprocess.Popen(
            [*self._command, *survives],
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(SERVER), MARK: self.mark},
            preexec_fn=take_terminal,
        )
        os.close(self._theirs)

    async def running(self) -> int:
        """Once the app runs, the server's process."""
        shown = b""
        while b"\n" not in shown:
            shown += await asyncio.wait_for(asyncio.to_thread(os.read, self.ours, 1024), SECONDS)
        return int(shown.split()[1])

    def close(self) -> None:
        """Close the window."""
        if self.ours >= 0:
            os.close(self.ours)
            self.ours = -1


def greeting(folder: Path, port: int) -> Iterator[object]:
    """What an editor says first."""
    options = {"trusted": True, "interpreter": sys.executable, "port": port}
    params = {
        "processId": None,
        "capabilities": {},
        "rootUri": folder.as_uri(),
        "initializationOptions": options,
    }
    yield {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    yield {"jsonrpc": "2.0", "method": "initialized", "params": {}}


@pytest.fixture
def terminal(project: Callable[..., Path]) -> Iterator[Callable[[int], Terminal]]:
    made: list[Terminal] = []

    def make(port: int) -> Terminal:
        made.append(Terminal(project({"app.py": WITH_FAMILY}), port))
        return made[-1]

    yield make
    for each in made:
        each.editor.kill()
        each.editor.wait()
        each.close()


def type_in(keys: bytes) -> Callable[[Terminal], object]:
    return lambda terminal: os.write(terminal.ours, keys)


WAYS: dict[str, Callable[[Terminal], object]] = {
    "Ctrl-C": type_in(b"\x03"),
    "Ctrl-Backslash": type_in(b"\x1c"),
    "the window is closed": Terminal.close,
}


@pytest.mark.parametrize("way", WAYS)
async def test_the_editor_ends_by_it(terminal: Callable[[int], Terminal], way: str) -> None:
    port = free_port()
    window = terminal(port)
    window.open()
    await window.running()
    family = await members(window.folder)
    WAYS[way](window)
    await until_nobody(window.mark)
    await until_all_gone(family)
    await until_free(port)


@pytest.mark.parametrize("way", ["Ctrl-C", "Ctrl-Backslash"])
async def test_the_editor_goes_on(terminal: Callable[[int], Terminal], way: str) -> None:
    """The server has got it all the same, ends, and leaves the editor alone."""
    port = free_port()
    window = terminal(port)
    window.open("SIGINT", "SIGQUIT")
    server = await window.running()
    family = await members(window.folder)
    WAYS[way](window)
    await until_gone(server, 1)
    await until_nobody(window.mark, but={window.editor.pid})
    await until_all_gone(family)
    await until_free(port)
    assert window.editor.poll() is None
