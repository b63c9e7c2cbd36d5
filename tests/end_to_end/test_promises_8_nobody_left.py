"""Promise 8: however the editor, the server or the app ends, nobody is left a second later."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.processes import (
    alive,
    bind,
    marked,
    needs_proc,
    until_free,
    until_gone,
    until_nobody,
)
from support.raw import RawServer
from support.session import free_port

pytestmark = needs_proc

APP = """\
from flask import Flask

app = Flask(__name__)
app.add_url_rule("/", view_func=lambda: "hello")
"""
FAMILY = (
    APP
    + """\
import multiprocessing, subprocess, sys, time
subprocess.Popen(["sleep", "600"])
subprocess.Popen([sys.executable, "-c", '''
import signal, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
time.sleep(600)
'''])
context = multiprocessing.get_context("fork")
context.Process(target=time.sleep, args=(600,), daemon=True).start()
"""
)
STUBBORN = (
    APP
    + """\
import atexit, signal, threading, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
threading.Thread(target=time.sleep, args=(600,)).start()
atexit.register(time.sleep, 600)
"""
)
HANGING = "import time\nprint('here', flush=True)\ntime.sleep(600)\n"
LOCKED = "import re\nprint('here', flush=True)\nre.match(r'(a|aa)*$', 'a' * 100 + 'b')\n"


async def running(server: RawServer, port: int) -> int:
    """Start the app of a server; its process."""
    await server.spawn()
    await server.initialize({"port": port})
    pid: int = (await server.state("running"))["pid"]
    assert {server.process.pid, pid} <= marked(server.mark)
    return pid


async def nobody(server: RawServer, port: int) -> None:
    await until_nobody(server.mark)
    await until_free(port)


def close_input(server: RawServer) -> None:
    assert server.process.stdin is not None
    server.process.stdin.close()


WAYS: dict[str, Callable[[RawServer, int], None]] = {
    "kill -9": lambda server, app: server.process.kill(),
    "kill -9 both": lambda server, app: (server.process.kill(), os.kill(app, signal.SIGKILL))[1],
    "SIGTERM": lambda server, app: server.process.terminate(),
    "SIGHUP": lambda server, app: server.process.send_signal(signal.SIGHUP),
    "SIGINT": lambda server, app: server.process.send_signal(signal.SIGINT),
    "end of input": lambda server, app: close_input(server),
}


@pytest.mark.parametrize("way", WAYS)
async def test_8_the_server_ends(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer], way: str
) -> None:
    server, port = raw_server(project({"app.py": APP})), free_port()
    app = await running(server, port)
    WAYS[way](server, app)
    await nobody(server, port)


@pytest.mark.parametrize("way", ["kill -9", "SIGTERM", "end of input"])
@pytest.mark.parametrize("kind", ["FAMILY", "STUBBORN"])
async def test_8_the_server_ends_and_the_app_has_company(
    project: Callable[..., Path],
    raw_server: Callable[[Path], RawServer],
    kind: str,
    way: str,
) -> None:
    server, port = raw_server(project({"app.py": globals()[kind]})), free_port()
    app = await running(server, port)
    WAYS[way](server, app)
    await nobody(server, port)


@pytest.mark.parametrize("way", ["kill -9", "SIGTERM"])
@pytest.mark.parametrize("kind", ["HANGING", "LOCKED"])
async def test_8_the_server_ends_while_a_start_hangs(
    project: Callable[..., Path],
    raw_server: Callable[[Path], RawServer],
    way: str,
    kind: str,
) -> None:
    """In a sleep, and in C code that holds the interpreter's lock."""
    server, port = raw_server(project({"app.py": APP + globals()[kind]})), free_port()
    await server.spawn()
    await server.initialize({"port": port})
    await server.until(
        lambda: any("here" in params["text"] for params in server.all("hotplate/output")), "output"
    )
    WAYS[way](server, 0)
    await nobody(server, port)


async def test_8_the_app_is_killed_and_what_it_started_goes_with_it(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    server, port = raw_server(project({"app.py": FAMILY})), free_port()
    app = await running(server, port)
    family = marked(server.mark) - {server.process.pid}
    assert len(family) >= 4
    os.kill(app, signal.SIGKILL)
    failed = await server.state("failed")
    assert "SIGKILL" in failed["error"]["type"]
    for pid in family:
        await until_gone(pid, 1)
    await server.is_responsive()


@pytest.mark.parametrize("kind", ["APP", "FAMILY", "STUBBORN"])
async def test_8_shutdown_without_exit(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer], kind: str
) -> None:
    """As Neovim ends: its apps end with `shutdown`, the server with its input."""
    server, port = raw_server(project({"app.py": globals()[kind]})), free_port()
    await running(server, port)
    assert (await server.request("shutdown"))["result"] is None
    assert marked(server.mark) == {server.process.pid}
    bind(port)
    close_input(server)
    await nobody(server, port)
    assert await server.process.wait() == 0


async def test_8_shutdown_and_exit(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    """And what comes in between is refused, not left without an answer."""
    server, port = raw_server(project({"app.py": APP})), free_port()
    await running(server, port)
    await server.request("shutdown")
    assert "error" in await server.command("start")
    assert "error" in await server.request("shutdown")
    server.notify("exit", None)
    assert await asyncio.wait_for(server.process.wait(), 5) == 0
    await nobody(server, port)


async def test_8_shutdown_while_a_request_is_under_way(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    """The client has not said yet whether it could show the page."""
    server, port = raw_server(project({"app.py": APP})), free_port()
    await server.spawn()
    shows = {"window": {"showDocument": {"support": True}}}
    await server.initialize({"port": port}, capabilities=shows)
    await server.state("running")
    asked = server.post("workspace/executeCommand", {"command": "hotplate.openInBrowser"})
    await server.until(
        lambda: any(m.get("method") == "window/showDocument" for m in server.received),
        "showDocument",
    )
    assert (await server.request("shutdown")).get("result", "none") is None
    assert "error" in await server.answer_to(asked)
    server.notify("exit", None)
    assert await asyncio.wait_for(server.process.wait(), 5) == 0
    await nobody(server, port)


async def test_8_exit_without_shutdown(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    server, port = raw_server(project({"app.py": APP})), free_port()
    await running(server, port)
    server.notify("exit", None)
    assert await asyncio.wait_for(server.process.wait(), 5) == 1
    await nobody(server, port)


async def test_8_the_editor_is_killed_and_somebody_keeps_the_pipe(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    """A sibling process has inherited the write end: the server's input never ends."""
    editor = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        server, port = raw_server(project({"app.py": APP})), free_port()
        await server.spawn()
        await server.initialize({"port": port}, processId=editor.pid)
        await server.state("running")
        editor.kill()
        editor.wait()
        await nobody(server, port)
    finally:
        editor.kill()
        editor.wait()


@pytest.mark.parametrize("text", [APP, APP + HANGING])
async def test_8_stop(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer], text: str
) -> None:
    server, port = raw_server(project({"app.py": text})), free_port()
    await server.spawn()
    await server.initialize({"port": port})
    await server.state("running" if text is APP else "starting")
    await server.command("stop")
    await server.state("stopped")
    bind(port)
    assert marked(server.mark) == {server.process.pid}


async def test_8_superseded_starts_leave_nobody(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    server, port = raw_server(project({"app.py": APP, "late.py": ""})), free_port()
    await running(server, port)
    for number in range(8):
        server.save("app.py", f"{APP}# {number}\n")
        await server.command("restart")
        await asyncio.sleep(0.03)
    server.save("app.py", HANGING)
    await server.until(
        lambda: any("here" in params["text"] for params in server.all("hotplate/output")), "output"
    )
    server.save("app.py", APP)
    last = server.all("hotplate/state")[-1]["generation"]
    final = await server.state("running", after=last)
    for pid in {p.get("pid") for p in server.all("hotplate/state")} - {final["pid"], None}:
        await until_gone(pid, 5)
    assert alive(final["pid"])
    assert server.all("hotplate/state")[-1] == final
