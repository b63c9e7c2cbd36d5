"""Werkzeug's debugger: one PIN for good, a page for every traceback, and no leak of either."""

from __future__ import annotations

import http.client
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from support.browser import Browser, Page
from support.session import Session, free_port

Project = Callable[..., Path]
Open = Callable[[Path], Session]

APP = """\
import os
import threading

from flask import Flask, request

app = Flask(__name__)


@app.route("/")
def index():
    return "one"


@app.route("/raise/<word>")
def view(word):
    raise ValueError(word)


@app.route("/thread")
def thread():
    secret_of_thread = 6 * 7

    def work():
        answer = 41
        {}[answer]

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    return "done"


@app.route("/exit")
def leave():
    os._exit(1)
"""
BROKEN = "stock = 12\nraise LookupError('at import')\n"


def shown(session: Session) -> list[str]:
    """The addresses that the server wanted opened in the browser, in order."""
    return [
        message["params"]["uri"]
        for message in session.received
        if message.get("method") == "window/showDocument"
    ]


def pins(session: Session) -> list[Any]:
    return [params["pin"] for params in session.notifications("hotplate/debuggerPin")]


async def debugger_page(session: Session, browser: Browser, *arguments: Any) -> Page:
    """What `hotplate.openDebugger` opens in the browser."""
    before = len(shown(session))
    await session.command("openDebugger", *arguments)
    (url,) = shown(session)[before:]
    request = next(
        message["params"]
        for message in reversed(session.received)
        if message.get("method") == "window/showDocument"
    )
    assert request["external"] is True
    return await browser.open(url)


async def raised(session: Session, word: str) -> dict[str, Any]:
    """Make a request that raises, as curl would; the traceback that is told."""
    url = session.notifications("hotplate/state")[-1]["url"]
    await session.get(url, f"/raise/{word}")
    return await session.notification("hotplate/traceback", lambda p: p["message"] == word)


async def test_a_browser_unlocked_once_stays_unlocked(project: Project, open_session: Open) -> None:
    """Over a first start that fails, restarts, failures and crashes."""
    session = open_session(project({"app.py": BROKEN}))
    await session.start({"port": free_port(), "interpreter": sys.executable, "autoStart": "always"})
    failed = await session.state("failed")
    url = failed["url"]
    pin = (await session.notification("hotplate/debuggerPin"))["pin"]
    assert re.fullmatch(r"\d{3}-\d{3}-\d{3}", pin)
    assert await session.command("debuggerPin", {}) == {"pin": pin}

    browser = Browser()
    page = await browser.open(url)
    assert page.interactive and not page.unlocked
    assert not await browser.unlock(page, "000-000-000")
    assert await browser.unlock(page, pin)
    assert (await browser.open(url)).unlocked
    assert "12" in await browser.evaluate(page, "stock")

    session.save("app.py", APP)
    await session.state("running")
    page = await browser.open(f"{url}/raise/one")
    assert page.interactive and page.unlocked
    assert "'one'" in await browser.evaluate(page, "word")
    assert "/raise/one" in await browser.evaluate(page, "request.path")

    session.save("app.py", APP.replace('"one"', '"two"'))
    await session.state("running", after=2)
    assert (await browser.open(f"{url}/raise/two")).unlocked

    session.save("app.py", APP + "syntax error\n")
    await session.state("failed", after=3)
    page = await browser.open(url)
    assert page.status == 500
    assert page.interactive and page.unlocked

    session.save("app.py", APP)
    await session.state("running", after=4)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        await browser.open(f"{url}/exit")
    await session.state("failed", after=4)
    await session.command("restart")
    await session.state("running", after=5)
    assert (await browser.open(f"{url}/raise/three")).unlocked

    assert set(pins(session)) == {pin}
    # The PIN comes before the first `running`.
    methods = [
        (m["method"], m["params"].get("state"))
        for m in session.received
        if m.get("method", "").startswith("hotplate/")
    ]
    assert methods.index(("hotplate/debuggerPin", None)) < methods.index(
        ("hotplate/state", "running")
    )
    # A stranger's browser is asked.
    assert not (await Browser().open(f"{url}/raise/four")).unlocked


async def test_the_page_of_every_traceback(project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": APP}))
    running = await session.run()
    url = running["url"]
    browser = Browser()

    with pytest.raises(JsonRpcException):
        await session.command("openDebugger", {})  # nothing has raised yet

    first = await raised(session, "first")
    second = await raised(session, "second")
    assert first["id"] != second["id"]
    page = await debugger_page(session, browser)
    assert page.status == 200
    assert page.url == second["debuggerUrl"]
    assert page.interactive and not page.unlocked
    assert "second" in page.html
    assert await browser.unlock(page, pins(session)[-1])
    assert "'second'" in await browser.evaluate(page, "word")
    assert "/raise/second" in await browser.evaluate(page, "request.path")

    page = await debugger_page(session, browser, {"id": first["id"]})
    assert page.unlocked
    assert "'first'" in await browser.evaluate(page, "word")
    # An editor's plugin may pass the id alone, or with the app.
    page = await debugger_page(session, browser, {"app": running["app"], "id": second["id"]})
    assert "'second'" in await browser.evaluate(page, "word")

    await session.get(url, "/thread")
    await session.notification("hotplate/traceback", lambda p: p["when"] == "thread")
    page = await debugger_page(session, browser)
    assert page.interactive and page.unlocked
    assert "41" in await browser.evaluate(page, "answer")

    with pytest.raises(JsonRpcException, match="no such traceback"):
        await session.command("openDebugger", {"id": "nonsense"})

    session.save("app.py", APP + "\nstock = 13\nraise LookupError('at import')\n")
    await session.state("failed", after=1)
    page = await debugger_page(session, browser)
    assert page.interactive and page.unlocked
    assert "LookupError" in page.html
    assert "13" in await browser.evaluate(page, "stock")

    with pytest.raises(JsonRpcException, match="restarted"):
        await session.command("openDebugger", {"id": first["id"]})
    # An old address shows that the page is gone, and not the app's own 404.
    status, _html = await session.get(first["debuggerUrl"], first["debuggerUrl"][len(url) :])
    assert status in (404, 410, 500)
    # Nobody guesses an address.
    guessed = re.sub(r"__hotplate__/[^/]+", "__hotplate__/guess", second["debuggerUrl"])
    assert (await Browser().open(guessed)).status in (404, 500)


@pytest.mark.parametrize("end", ["stopped", "died"])
async def test_the_page_goes_with_its_process(
    end: str, project: Project, open_session: Open
) -> None:
    app = APP + "\n\n@app.get('/die')\ndef die():\n    import os\n    os._exit(1)\n"
    session = open_session(project({"app.py": app}))
    running = await session.run()
    told = await raised(session, "word")
    if end == "stopped":
        await session.command("stop", {})
        await session.state("stopped")
    else:
        with pytest.raises((http.client.HTTPException, OSError)):
            await session.get(running["url"], "/die")
        await session.state("failed", reason="crash")
    with pytest.raises(JsonRpcException, match="stopped" if end == "stopped" else "has ended"):
        await session.command("openDebugger", {"id": told["id"]})


async def test_a_client_that_shows_no_documents_is_told_the_address(
    project: Project, open_session: Open
) -> None:
    session = open_session(project({"app.py": APP}))
    await session.start(
        {"port": free_port(), "interpreter": sys.executable},
        capabilities=types.ClientCapabilities(),
        options={"port": free_port(), "interpreter": sys.executable},
    )
    running = await session.state("running")
    await session.command("openInBrowser")
    told = await session.notification("window/showMessage")
    assert running["url"] in told["message"]


async def test_debugger_off(project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": APP}))
    await session.run(debugger=False)
    told = await raised(session, "word")
    assert "debuggerUrl" not in told
    assert pins(session) == [None]
    assert await session.command("debuggerPin", {}) == {"pin": None}
    with pytest.raises(JsonRpcException, match=r"hotplate\.debugger"):
        await session.command("openDebugger", {})
    await session.diagnostic(session.folder / "app.py", "ValueError")


async def test_where_others_can_reach_it_the_console_is_off(
    project: Project, open_session: Open
) -> None:
    session = open_session(project({"app.py": APP}))
    port = free_port()
    await session.start({"host": "0.0.0.0", "port": port, "interpreter": sys.executable})
    await session.state("running")
    warning = await session.notification("window/showMessage")
    assert "0.0.0.0" in warning["message"]
    assert "hotplate.debugger" in warning["message"]
    assert warning["type"] == 2
    assert pins(session) == [None]
    page = await Browser().open(f"http://127.0.0.1:{port}/raise/word")
    assert page.status == 500
    assert not page.interactive
    session.save("app.py", APP + "\n")
    await session.state("running", after=1)
    assert len(session.notifications("window/showMessage")) == 1  # told once

    session.client.set_configuration(
        {
            "hotplate": {
                "host": "0.0.0.0",
                "port": port,
                "interpreter": sys.executable,
                "debugger": True,
            }
        }
    )
    session.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
    await session.state("running", after=2)
    page = await Browser().open(f"http://127.0.0.1:{port}/raise/word")
    assert page.interactive
    assert pins(session)[-1] is not None
    warning = await session.notification("window/showMessage", lambda p: "PIN" in p["message"])
    assert "0.0.0.0" in warning["message"]
    assert warning["type"] == 2


async def test_a_clone_turns_no_console_on(project: Project, open_session: Open) -> None:
    """What is in `pyproject.toml` may be anybody's word."""
    port = free_port()
    toml = f'[tool.hotplate]\nhost = "0.0.0.0"\ndebugger = true\nport = {port}\n'
    session = open_session(project({"app.py": APP, "pyproject.toml": toml}))
    await session.start({"interpreter": sys.executable})
    await session.state("running")
    warning = await session.notification("window/showMessage")
    assert "console is off" in warning["message"]
    assert pins(session) == [None]
    page = await Browser().open(f"http://127.0.0.1:{port}/raise/word")
    assert page.status == 500
    assert not page.interactive

    session.configure({"interpreter": sys.executable, "debugger": True})  # now it is the person's
    await session.state("running", after=1)
    assert (await Browser().open(f"http://127.0.0.1:{port}/raise/word")).interactive


async def test_no_leak(project: Project, open_session: Open, tmp_path: Path) -> None:
    """Promise 9: neither the PIN nor the secret is anywhere but where the contract allows it."""
    log = tmp_path / "hotplate.log"
    session = open_session(project({"app.py": APP + '\nprint("PIN?", flush=True)\n'}))
    await session.start(
        {"port": free_port(), "interpreter": sys.executable},
        arguments=("--log-file", str(log), "-vv"),
    )
    session.client.protocol.notify("$/setTrace", types.SetTraceParams(types.TraceValue.Verbose))
    running = await session.state("running")
    url = running["url"]
    pin = pins(session)[-1]
    told = await raised(session, "first")
    secret = re.search(r"__hotplate__/([^/]+)/", told["debuggerUrl"])
    assert secret is not None
    browser = Browser()
    page = await debugger_page(session, browser)
    await browser.open(f"{url}/?__debugger__=yes&cmd=printpin&s={page.secret}")
    assert await browser.unlock(page, pin)
    await browser.evaluate(page, "1 + 1")
    await session.command("debuggerPin", {})
    session.save("app.py", APP + "\nsyntax error\n")
    await session.state("failed")
    await session.get(url)
    await debugger_page(session, browser)
    session.save("app.py", APP)
    await session.state("running", after=2)
    with pytest.raises(JsonRpcException):
        await session.command("openDebugger", {"id": told["id"]})
    commands = [
        path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if _readable(path)
    ]
    await session.end()

    written = {"the log": log.read_text(), "stderr": session.stderr.decode()}
    for message in session.received:
        allowed = ("hotplate/debuggerPin", "hotplate/traceback", "window/showDocument")
        if message.get("method") not in allowed and message.get("result") != {"pin": pin}:
            if "url" in (message.get("result") or {}):
                continue  # openDebugger's answer
            written.setdefault("messages", "")
            written["messages"] += json.dumps(message)
    assert written["messages"]
    assert log.stat().st_size
    for what in (pin, pin.replace("-", ""), secret[1], page.secret):
        for where, text in written.items():
            assert what not in text, f"{where} holds a secret"
        assert not any(what.encode() in command for command in commands)


def _readable(path: Path) -> bool:
    try:
        path.read_bytes()
    except OSError:
        return False
    return True
