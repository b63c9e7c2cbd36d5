"""Problems of requests and threads do not pile up, and none stays for ever."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lsprotocol import types

from support.broken import WORKING
from support.session import Session, free_port

Project = Callable[..., Path]
Open = Callable[[Path], Session]

APP = """\
import threading

from flask import Flask

import helper

app = Flask(__name__)


@app.route("/")
def index():
    return "well"


@app.route("/thread")
def thread():
    worker = threading.Thread(target=helper.work)
    worker.start()
    worker.join()
    return "done"


@app.route("/view")
def view():
    return helper.work()
"""
HELPER = "def work():\n    return 1 / 0\n"
REFUSES = APP + "\n\n@app.before_request\ndef refuse():\n    helper.work()\n"


def tracebacks(session: Session) -> list[dict[str, Any]]:
    return session.notifications("hotplate/traceback")


async def told(session: Session, count: int) -> None:
    await session.until(lambda: len(tracebacks(session)) >= count, what=f"{count} tracebacks")
    await session.barrier()


async def test_a_thread_at_each_request_is_one_problem(
    project: Project, open_session: Open
) -> None:
    session = open_session(project({"app.py": APP, "helper.py": HELPER}))
    url = (await session.run())["url"]
    for _ in range(5):
        await session.get(url, "/thread")
    await told(session, 5)
    [problem] = session.diagnostics(session.folder / "helper.py")
    assert "division by zero" in problem["message"]


async def test_requests_that_match_nothing_are_one_problem(
    project: Project, open_session: Open
) -> None:
    session = open_session(project({"app.py": REFUSES, "helper.py": HELPER}))
    url = (await session.run())["url"]
    for number in range(5):
        await session.get(url, f"/no/such/{number}")
    await told(session, 5)
    assert len(session.diagnostics(session.folder / "helper.py")) == 1


async def test_a_stop_ends_the_problems_of_requests(project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": APP, "helper.py": HELPER}))
    url = (await session.run())["url"]
    await session.get(url, "/view")
    await session.diagnostic(session.folder / "helper.py")
    await session.command("stop")
    await session.no_diagnostics(session.folder / "helper.py")


async def test_a_view_that_is_gone_raises_no_more(project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": APP, "helper.py": HELPER}))
    url = (await session.run())["url"]
    await session.get(url, "/view")
    await session.diagnostic(session.folder / "helper.py")
    session.save("app.py", APP[: APP.index('\n\n@app.route("/view")')] + "\n")
    await session.state("running", after=1)
    assert session.diagnostics(session.folder / "helper.py")
    assert await session.get(url) == (200, "well")
    await session.no_diagnostics(session.folder / "helper.py")


async def test_a_save_by_another_spelling_of_the_address(
    project: Project, open_session: Open
) -> None:
    """Some editors leave a plus as it is, some write %2B."""
    folder = project({"app.py": APP, "helper.py": HELPER}, name="my+shop")
    session = open_session(folder)
    url = (await session.run())["url"]
    await session.get(url, "/thread")
    await session.diagnostic(folder / "helper.py")
    before = len(session.received)
    (folder / "helper.py").write_text(HELPER + "\n")
    identifier = types.TextDocumentIdentifier(f"file://{folder}/helper.py")
    assert identifier.uri != (folder / "helper.py").as_uri()
    session.client.text_document_did_save(types.DidSaveTextDocumentParams(identifier))
    await session.state("starting", after=1)
    since = [
        message["params"].get("state", "no problem")
        for message in session.received[before:]
        if message.get("method") in ("hotplate/state", "textDocument/publishDiagnostics")
    ]
    assert since[:2] == ["no problem", "starting"], "it was the save, not the start that came of it"


async def test_a_taken_port_is_asked_about_once(project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": APP, "helper.py": HELPER}))
    asked: list[Any] = []
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def ask(params: Any) -> Any:
        asked.append(params)
        return answer

    session.answers["window/showMessageRequest"] = ask
    with socket.create_server(("127.0.0.1", 0)) as other:
        await session.start({"port": other.getsockname()[1], "interpreter": sys.executable})
        for generation in range(3):
            await session.state("failed", after=generation)
            session.save("app.py", APP + f"# {generation}\n")
        await session.state("failed", after=3)
        await session.barrier()
        assert len(asked) == 1
        answer.set_result(asked[0].actions[0])
        assert asked[0].actions[0].title.startswith("Use port ")
        state = await session.state("running", after=4)
        assert await session.get(state["url"]) == (200, "well")


async def test_an_app_that_is_not_started_is_told(project: Project, open_session: Open) -> None:
    """So that the editor can show it, and start it by its id."""
    session = open_session(project({"app.py": APP, "helper.py": HELPER}))
    await session.start(
        {"port": free_port(), "interpreter": sys.executable, "autoStart": "never"},
        experimental=True,
    )
    state = await session.notification("hotplate/state")
    assert (state["state"], state["generation"]) == ("stopped", 0)
    await session.command("start", {"app": state["app"]})
    assert (await session.state("running"))["app"] == state["app"]


async def test_an_app_that_will_start_is_told_by_its_start(
    project: Project, open_session: Open
) -> None:
    session = open_session(project({"app.py": APP, "helper.py": HELPER}))
    await session.run()
    assert session.states()[0] == ("starting", 1)


async def test_an_app_that_goes_is_told(project: Project, open_session: Open) -> None:
    two = '[tool.hotplate]\napps = [{ name = "one", app = "app" }, { name = "two", app = "app" }]\n'
    session = open_session(
        project({"app.py": APP, "helper.py": HELPER, "pyproject.toml": two}, name="both")
    )
    await session.start({"port": 0, "interpreter": sys.executable})
    ids = {(await session.notification("hotplate/state", named(name)))["app"] for name in NAMES}
    assert len(ids) == 2
    session.save("pyproject.toml", two.replace('"two"', '"three"'))
    gone = await session.notification("hotplate/removed")
    assert gone == {"app": next(id_ for id_ in ids if id_.endswith("#two"))}
    last = [s for s in session.notifications("hotplate/state") if s["app"] == gone["app"]][-1]
    assert last["state"] == "stopped"


NAMES = ("one", "two")


def named(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda state: state["name"] == name


async def test_a_stop_takes_no_problem_of_another_app(project: Project, open_session: Open) -> None:
    session = open_session(project({"shop.py": WORKING}))
    apps = [{"app": "shop"}, {"app": "shop:nothing"}]
    await session.start({"port": 0, "interpreter": sys.executable, "apps": apps})
    running = await session.state("running", name="shop")
    await session.state("failed", name="shop:nothing")
    before = await session.until(session.all_diagnostics, what="the problem")
    await session.command("stop", {"app": running["app"]})
    await session.state("stopped", name="shop")
    await session.barrier()
    assert session.all_diagnostics() == before
