"""Promises 11 and 12: no client can hang the server; who has nothing to do does nothing."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hotplate.cli.processes import family
from support.processes import describe, needs_proc, ticks, wakeups
from support.raw import NEVER, RawServer
from support.session import free_port, get

APP = """\
from flask import Flask

app = Flask(__name__)
app.add_url_rule("/", view_func=lambda: "hello")
"""
EVERYTHING = {
    "workspace": {
        "configuration": True,
        "workspaceFolders": True,
        "didChangeWatchedFiles": {"dynamicRegistration": True},
        "didChangeConfiguration": {"dynamicRegistration": True},
        "codeLens": {"refreshSupport": True},
        "applyEdit": True,
    },
    "window": {
        "workDoneProgress": True,
        "showDocument": {"support": True},
        "showMessage": {"messageActionItem": {}},
    },
    "textDocument": {"publishDiagnostics": {"relatedInformation": True}},
}


@pytest.mark.parametrize("answer", [NEVER, None, 42], ids=["never", "null", "nonsense"])
async def test_11_a_client_that_does_not_answer(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer], answer: Any
) -> None:
    """Its app runs, its commands are answered, its saves count."""
    server = raw_server(project({"app.py": "import time; time.sleep(0.4)\n" + APP}))
    server.answer = lambda method, params: answer
    await server.spawn()
    await server.initialize({"port": free_port()}, capabilities=EVERYTHING)
    await server.is_responsive()
    url = (await server.state("running"))["url"]
    assert await asyncio.to_thread(get, url) == (200, "hello")
    server.save("app.py", APP.replace("hello", "again"))
    await server.is_responsive()
    assert await asyncio.to_thread(get, url) == (200, "again")
    opened = server.post("workspace/executeCommand", {"command": "hotplate.openInBrowser"})
    await server.is_responsive()
    server.notify("workspace/didChangeConfiguration", {"settings": None})
    await server.command("restart")
    await server.state("running", after=2)
    await server.command("stop")
    await server.state("stopped")
    if answer is not NEVER:
        await server.answer_to(opened)


async def test_11_a_question_that_nobody_answers(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    """The question whether to start stays open; the command starts."""
    server = raw_server(project({"app.py": APP}))
    await server.spawn()
    await server.initialize({"port": free_port(), "trusted": False}, capabilities=EVERYTHING)
    await server.until(
        lambda: any(m.get("method") == "window/showMessageRequest" for m in server.received),
        "the question",
    )
    await server.is_responsive()
    await server.command("start")
    await server.state("running")


PRINTING = (
    APP
    + """
@app.get("/print/<int:count>")
def print_much(count):
    for number in range(count):
        print(f"{number:07}", "x" * 92)
    return "printed"
"""
)


async def test_11_a_client_that_stops_reading(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    """The app goes on serving; once the client reads again, it has missed nothing."""
    server = raw_server(project({"app.py": PRINTING}))
    await server.spawn()
    await server.initialize({"port": free_port()})
    url = (await server.state("running"))["url"]
    server.reading.clear()
    await server.is_not_read()
    count = 50_000  # five megabytes
    assert await asyncio.to_thread(get, url, f"/print/{count}") == (200, "printed")
    assert await asyncio.to_thread(get, url) == (200, "hello")
    server.save("app.py", PRINTING.replace("hello", "again"))
    asked = server.post("workspace/executeCommand", {"command": "hotplate.state"})
    while await asyncio.to_thread(get, url) != (200, "again"):
        pass  # a save reaches a client's server, read or not
    server.reading.set()
    await server.answer_to(asked)
    await server.state("running", after=1)

    def lines() -> list[str]:
        texts = (p["text"] for p in server.all("hotplate/output") if p["stream"] == "stdout")
        return "".join(texts).splitlines()

    await server.until(lambda: len(lines()) >= count, "all lines")
    assert [int(line[:7]) for line in lines()] == list(range(count))


async def test_11_many_requests_at_once(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    server = raw_server(project({"app.py": APP}))
    await server.spawn()
    await server.initialize({"port": free_port()})
    await server.state("running")
    posted = [
        server.post("workspace/executeCommand", {"command": "hotplate.state", "arguments": [{}]})
        for _ in range(500)
    ]
    answers = [await server.answer_to(number) for number in posted]
    assert all("result" in answer for answer in answers)


@needs_proc
async def test_12_idle_is_idle(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    server = raw_server(project({"app.py": APP}))
    await server.spawn()
    await server.initialize({"port": free_port()}, capabilities=EVERYTHING)
    url = (await server.state("running"))["url"]
    assert await asyncio.to_thread(get, url) == (200, "hello")
    server.save("app.py", APP)
    await server.state("running", after=1)
    await asyncio.sleep(2.5)  # what was put off, such as a request that has no answer, is done
    everyone = family(server.process.pid)
    # The server, the app, the standby; and where there are copies of it, the next one.
    assert len(everyone) == (4 if sys.platform == "linux" else 3), describe(everyone)
    pids = {line: int(line.partition(":")[0]) for line in describe(everyone)}
    before = {who: (ticks(each), wakeups(each)) for who, each in pids.items()}
    await asyncio.sleep(3)
    for who, each in pids.items():
        used, woken = ticks(each) - before[who][0], wakeups(each) - before[who][1]
        assert used <= 1, f"{who}: {used} ticks"
        assert woken <= 3, f"{who}: woken {woken} times"
    assert json.dumps(server.all("hotplate/state")[-1])
