"""More than one at work: two editors on one project, two apps in one workspace."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from compatibility.person import APP, Person
from compatibility.rows import row
from support.session import Session, free_port

Project = Callable[..., Path]
WorkOn = Callable[[Path], Person]
Open = Callable[[Path], Session]


class Second:
    """A second editor on a project; it says what it was asked, and opened in the browser."""

    def __init__(self, session: Session, choice: str | None) -> None:
        self.session = session
        self.asked: list[types.ShowMessageRequestParams] = []
        self.opened: list[str] = []
        self._choice = choice
        session.answers[types.WINDOW_SHOW_MESSAGE_REQUEST] = self._answer
        session.answers[types.WINDOW_SHOW_DOCUMENT] = self._open

    async def start(self, port: int, **settings: Any) -> types.ShowMessageRequestParams:
        """What it is asked once it has found the port taken."""
        await self.session.start({"port": port, "interpreter": sys.executable, **settings})
        failed = await self.session.state("failed")
        assert failed["error"]["type"] == "PortTaken"
        await self.session.until(lambda: self.asked, what="the question")
        (asked,) = self.asked
        assert asked.message == failed["error"]["message"]
        return asked

    def _answer(self, params: types.ShowMessageRequestParams) -> types.MessageActionItem | None:
        self.asked.append(params)
        actions = params.actions or []
        return next((a for a in actions if a.title.startswith(self._choice or "no")), None)

    def _open(self, params: types.ShowDocumentParams) -> types.ShowDocumentResult:
        self.opened.append(params.uri)
        return types.ShowDocumentResult(success=True)


def titles(asked: types.ShowMessageRequestParams) -> list[str]:
    return [action.title for action in asked.actions or []]


@row(
    "Serving",
    "two editors on one project",
    hotplate="the second is told which editor serves it already, and offered to open that or to "
    "take another port",
    stock="“Port 5000 is in use by another program”",
)
async def test_the_second_editor_opens_what_the_first_serves(
    project: Project, work_on: WorkOn, open_session: Open
) -> None:
    folder = project({"app.py": APP})
    first = work_on(folder)
    url = await first.open()
    second = Second(open_session(folder), "Open it")
    asked = await second.start(int(url.rpartition(":")[2]))
    assert titles(asked)[0] == "Open it" and titles(asked)[1].startswith("Use port ")
    for text in ("this app", "already", f"(pid {first.state['pid']})", "hotplate.port"):
        assert text in asked.message
    await second.session.until(lambda: second.opened, what="the browser")
    assert second.opened == [url]
    await second.session.state("stopped")
    await second.session.barrier()
    assert second.session.all_diagnostics() == {}
    # A save in the second reaches the first by its own watcher.
    second.session.save("app.py", APP.replace("one", "two"))
    first.session.changed_outside("app.py")
    first.state = await first.session.state("running", after=1, reason="external")
    assert await first.look() == "two"
    await first.session.end()
    await second.session.command("start")
    assert (await second.session.state("running"))["url"] == url


async def test_the_second_editor_takes_another_port(
    project: Project, work_on: WorkOn, open_session: Open
) -> None:
    folder = project({"app.py": APP})
    first = work_on(folder)
    url = await first.open()
    second = Second(open_session(folder), "Use port ")
    asked = await second.start(int(url.rpartition(":")[2]))
    running = await second.session.state("running")
    assert running["url"].endswith(":" + titles(asked)[1].removeprefix("Use port "))
    assert second.opened == []
    second.session.save("app.py", APP.replace("one", "two"))
    again = await second.session.state("running", after=running["generation"])
    assert again["url"] == running["url"]
    assert await second.session.get(again["url"]) == (200, "two")
    assert await first.look() == "one"  # it has not been told


@pytest.mark.parametrize("there", ["serves", "has died"])
async def test_the_app_of_another_project_is_named(
    there: str, project: Project, work_on: WorkOn, open_session: Open
) -> None:
    """That one is nothing to open from here."""
    first = work_on(project({"app.py": APP}, "admin"))
    url = await first.open()
    if there == "has died":
        first.session.save("app.py", APP + "import os\nos._exit(1)\n")
        await first.session.state("failed", reason="crash")
    second = Second(open_session(project({"app.py": APP}, "shop")), None)
    asked = await second.start(int(url.rpartition(":")[2]))
    assert [title.split()[0] for title in titles(asked)] == ["Use", "Stop"]
    assert ("the app in ../admin" if there == "serves" else "an app") in asked.message
    assert "Hotplate serves" in asked.message


@row(
    "Serving",
    "two apps of one workspace on the same port",
    hotplate="the second says so, and offers a free one",
    stock="“Port 5000 is in use by another program”",
)
async def test_two_apps_on_one_port(project: Project, open_session: Open) -> None:
    folder = project({"shop/app.py": APP, "admin/app.py": APP})
    session = open_session(folder)
    second = Second(session, "Use port ")
    port = free_port()
    apps = [{"folder": "shop"}, {"folder": "admin"}]
    asked = await second.start(port, apps=apps)
    assert "which runs here as well" in asked.message
    first = await session.state("running", url=f"http://127.0.0.1:{port}")
    other = await session.notification(
        "hotplate/state", lambda p: p["state"] == "running" and p["app"] != first["app"]
    )
    assert other["url"] != first["url"]
    for each in (first, other):
        assert await session.get(each["url"]) == (200, "one")


CALLER = """\
from urllib.request import urlopen

from flask import Flask

app = Flask(__name__)


@app.route("/")
def index():
    with urlopen("http://127.0.0.1:{port}/", timeout=20) as answer:
        return "the other says " + answer.read().decode()
"""


@row("Serving", "two apps of one workspace that call each other, one request at a time")
async def test_an_app_calls_one_that_restarts(project: Project, open_session: Open) -> None:
    """A call that comes while the other starts anew waits, and is answered by the new code."""
    port = free_port()
    folder = project({"shop/app.py": CALLER.format(port=port), "stock/app.py": APP})
    os.mkfifo(folder / "stock" / "gate")
    session = open_session(folder)
    apps = [{"folder": "shop", "port": free_port()}, {"folder": "stock", "port": port}]
    await session.start({"apps": apps, "threaded": False, "interpreter": sys.executable})
    shop = await session.state("running", name="shop")
    stock = await session.state("running", name="stock")
    assert await session.get(shop["url"]) == (200, "the other says one")
    changed = APP.replace("one", "two") + "open('gate').read()\n"
    session.save("stock/app.py", changed)
    await session.state("starting", after=stock["generation"], name="stock")
    asking = asyncio.create_task(session.get(shop["url"]))
    await asyncio.to_thread((folder / "stock" / "gate").write_text, "")  # as it is being loaded
    assert await asking == (200, "the other says two")
    await session.state("running", after=stock["generation"], name="stock")
    assert [p["generation"] for p in session.notifications("hotplate/state")
            if p["name"] == "shop"][-1] == 1  # fmt: skip


METRICS = """\
import http.server
import os
import threading

from flask import Flask

app = Flask(__name__)
WORD = "one"


class Metrics(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(WORD.encode())


metrics = http.server.ThreadingHTTPServer(("127.0.0.1", {port}), Metrics)
threading.Thread(target=metrics.serve_forever, daemon=True).start()


@app.route("/")
def index():
    return WORD


@app.route("/held")
def held():
    with open("gate") as gate:
        return gate.read()
"""


@row(
    "Serving",
    "an app with a second port of its own, for metrics say",
    hotplate="works; the new process waits for the old one's last request before it takes it",
    stock="`Address already in use`: the reloader's parent has loaded the app as well",
)
async def test_a_second_port(project: Project, work_on: WorkOn) -> None:
    port = free_port()
    person = work_on(project({"app.py": METRICS.format(port=port)}))
    os.mkfifo(person.folder / "gate")
    url = await person.open()
    metrics = f"http://127.0.0.1:{port}"
    assert await person.session.get(metrics) == (200, "one")
    for number, word in enumerate(("two", "three")):
        held = asyncio.create_task(person.session.get(url, "/held"))
        gate = await asyncio.to_thread(open, person.folder / "gate", "w")  # it is in the view
        before = person.state["generation"]
        source = METRICS.format(port=port).replace('"one"', f'"{word}"')
        person.session.save("app.py", source)
        await person.session.state("starting", after=before)
        if number:
            await asyncio.sleep(0.3)  # long enough for it to come to the port, which is held yet
        with gate:
            gate.write("whole")
        assert await held == (200, "whole")
        person.state = await person.session.state("running", after=before)
        assert await person.look() == word
        assert await person.session.get(metrics) == (200, word)
    assert [state for state, _ in person.session.states()].count("failed") == 0
    await person.break_and_mend("app.py")
