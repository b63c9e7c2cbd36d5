"""Thousands of messages that are nearly right: the server answers on, holds no more, and makes no
mistake of its own.

`HOTPLATE_FUZZ=100000` makes it that many; `HOTPLATE_FUZZ_SEED` makes it others. What is printed at
the end stands in docs/reliability.md.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reliability.mutate import dumps, mutate, odd, scramble
from support.processes import describe, marked, needs_proc
from support.raw import NEVER, RawServer
from support.session import free_port, get

MESSAGES = int(os.environ.get("HOTPLATE_FUZZ", "5000"))
SEED = int(os.environ.get("HOTPLATE_FUZZ_SEED", "1"))
BATCH = 100
GROWTH = 16 * 1024 * 1024
"""Bytes in the second half: folders that were added are held, and what the allocator keeps."""

APP = """\
from flask import Flask

app = Flask(__name__)
app.add_url_rule("/", view_func=lambda: "hello")
"""


def corpus(folder: Path, port: int) -> list[tuple[int, dict[str, Any]]]:
    """Good messages, each with how often it comes."""
    app = {"uri": (folder / "app.py").as_uri()}
    other = {"uri": (folder / "other.py").as_uri()}
    range_ = {"start": {"line": 0, "character": 0}, "end": {"line": 5, "character": 1}}
    problem = {"range": range_, "message": "x", "source": "hotplate", "code": "NameError",
               "data": {"app": folder.as_uri(), "traceback": "abc"}}  # fmt: skip
    opened = {**other, "languageId": "python", "version": 1, "text": "x = 1\n"}
    edit = [{"range": range_, "text": "y"}]

    def notify(method: str, **params: Any) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "method": method, "params": params}

    def ask(method: str, **params: Any) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": 777_000_000, "method": method, "params": params}

    def command(name: str, *arguments: Any) -> dict[str, Any]:
        return ask("workspace/executeCommand", command=name, arguments=list(arguments))

    named = {"app": folder.as_uri()}
    settings = {"hotplate": {"port": port, "extraFiles": ["a.txt"], "restartOnSave": "manual",
                             "drainSeconds": 2, "env": {"A": "b"}, "excludePatterns": ["*.x"],
                             "apps": [], "warmup": "off", "debug": True}}  # fmt: skip
    added = {"event": {"added": [{"uri": other["uri"], "name": "x"}], "removed": []}}
    removed = {"event": {"added": [], "removed": [{"uri": other["uri"], "name": "x"}]}}
    return [
        (30, notify("textDocument/didOpen", textDocument=opened)),
        (30, notify("textDocument/didChange", textDocument={**other, "version": 2},
                    contentChanges=edit)),
        (30, notify("textDocument/didClose", textDocument=other)),
        (40, notify("textDocument/willSave", textDocument=other, reason=1)),
        (40, notify("textDocument/didSave", textDocument=other)),
        (4, notify("textDocument/didSave", textDocument=app)),
        (40, notify("workspace/didChangeWatchedFiles",
                    changes=[{**other, "type": 2}, {**other, "type": 3}])),
        (3, notify("workspace/didChangeConfiguration", settings=settings)),
        (1, notify("workspace/didChangeWorkspaceFolders", **added)),
        (1, notify("workspace/didChangeWorkspaceFolders", **removed)),
        (10, notify("$/setTrace", value="verbose")),
        (10, notify("$/cancelRequest", id=777_000_000)),
        (10, notify("window/workDoneProgress/cancel", token="x")),
        (10, notify("initialized")),
        (10, notify("notebookDocument/didSave", notebookDocument=other)),
        (40, ask("textDocument/codeLens", textDocument=app)),
        (40, ask("textDocument/codeAction", textDocument=app, range=range_,
                 context={"diagnostics": [problem], "only": ["quickfix"]})),
        (20, ask("textDocument/hover", textDocument=app, position=range_["start"])),
        (20, command("hotplate.state", named)),
        (20, command("hotplate.debuggerPin", named)),
        (20, command("hotplate.openDebugger", {"id": "abc", **named})),
        (10, command("hotplate.openInBrowser", named)),
        (2, command("hotplate.start", named)),
        (2, command("hotplate.restart", named)),
        (1, command("hotplate.stop", named)),
        (1, command("hotplate.useFreePort", named)),
        (20, {"jsonrpc": "2.0", "id": "778", "result": None}),
        (20, {"jsonrpc": "2.0", "id": 5, "error": {"code": -32601, "message": "no", "data": 1}}),
    ]  # fmt: skip


def framed(chance: random.Random, body: bytes) -> bytes:
    """The message with a header, which may be odd; what follows can be understood again."""
    kind = chance.randrange(40)
    size = len(body)
    if kind == 0:  # too short: the rest is noise
        return b"Content-Length: %d\r\n\r\n%s\r\n" % (max(0, size - 9), body.replace(b"\n", b" "))
    if kind == 1:  # too long: what is missing comes
        return b"Content-Length: %d\r\n\r\n%s%s" % (size + 9, body, b" " * 9)
    if kind == 2:
        return chance.randbytes(chance.randrange(200)).replace(b":", b"") + b"\r\n\r\n"
    header = {
        3: b"content-length:%d\n\n", 4: b"X: y\r\nContent-Length: %d\r\nZ:\r\n\r\n",
        5: b"Content-Length: 1\r\nContent-Length: %d\r\n\r\n",
        6: b"\r\n\r\nContent-Length: %d\r\n\r\n",
    }.get(kind, b"Content-Length: %d\r\n\r\n")  # fmt: skip
    return header % size + body


def held(pid: int) -> tuple[int, int, int]:
    """Bytes of memory, open files and threads of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    folder = Path(f"/proc/{pid}")
    return (
        pages * os.sysconf("SC_PAGESIZE"),
        len(list((folder / "fd").iterdir())),
        len(list((folder / "task").iterdir())),
    )


@needs_proc
@pytest.mark.timeout(60 + MESSAGES // 20)
async def test_messages_that_are_nearly_right(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    folder, port = project({"app.py": APP, "other.py": "x = 1\n"}), free_port()
    chance = random.Random(SEED)
    server = raw_server(folder)
    server.answer = lambda method, params: chance.choice((NEVER, None, odd(chance)))
    await server.spawn()
    await server.initialize({"port": port}, capabilities=CAPABILITIES)
    await server.state("running")
    good = corpus(folder, port)
    weights, messages = [weight for weight, _ in good], [message for _, message in good]

    middle = (0, 0, 0)
    begun = time.monotonic()
    slowest = 0.0
    for number in range(MESSAGES):
        message = mutate(chance, chance.choices(messages, weights)[0])
        body = dumps(message)
        if chance.random() < 0.25:
            body = scramble(chance, body)
        server.send_bytes(framed(chance, body))
        if number % BATCH == BATCH - 1:
            asked = time.monotonic()
            await server.is_responsive()
            slowest = max(slowest, time.monotonic() - asked)
            wrong = [p for p in server.all("window/showMessage") if "mistake of" in p["message"]]
            assert not wrong, wrong
            server.received.clear()
        if number == MESSAGES // 2:
            middle = held(server.process.pid)
    took = time.monotonic() - begun

    # And all is well: what a person would do now works.
    server.answer = lambda method, params: None
    server.notify("workspace/didChangeConfiguration", {"settings": {"hotplate": {"port": port}}})
    argument = {"app": folder.as_uri()}
    assert "error" not in await server.command("stop", argument)
    server.received.clear()
    assert "error" not in await server.command("restart", argument)
    url = (await server.state("running"))["url"]
    assert (await asyncio.to_thread(get, url)) == (200, "hello")
    end = held(server.process.pid)
    print(
        f"\n{MESSAGES} messages in {took:.0f} s; the slowest batch was answered after "
        f"{slowest:.2f} s; memory {middle[0] >> 20} -> {end[0] >> 20} MB, files {middle[1]} -> "
        f"{end[1]}, threads {middle[2]} -> {end[2]}"
    )
    assert end[0] - middle[0] < GROWTH
    assert end[1] <= middle[1] + 12  # the app's and its standby's are there or not
    assert end[2] <= 40
    assert len(marked(server.mark)) <= 4, describe(marked(server.mark))


CAPABILITIES: dict[str, Any] = {
    "workspace": {
        "configuration": False,
        "codeLens": {"refreshSupport": True},
        "didChangeWatchedFiles": {"dynamicRegistration": True},
    },
    "window": {"workDoneProgress": True, "showDocument": {"support": True}},
    "textDocument": {"publishDiagnostics": {"relatedInformation": True}},
}
