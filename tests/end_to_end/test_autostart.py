"""What starts by itself, what asks first, and what is left alone."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from support.broken import WORKING
from support.permissions import bound_server
from support.session import Session, free_port

Project = Callable[..., Path]
Open = Callable[[Path], Session]


async def opened(session: Session, answer: str | None = None, **more: object) -> list[str]:
    """Open the folder, and answer the question if there is one; the questions so far."""
    asked: list[str] = []

    def reply(params: types.ShowMessageRequestParams) -> types.MessageActionItem | None:
        asked.append(params.message)
        for action in params.actions or []:
            if action.title == answer:
                return action
        return None

    session.answers[types.WINDOW_SHOW_MESSAGE_REQUEST] = reply
    trusted = bool(more.pop("trusted", False))
    await session.start(
        {"port": free_port(), "interpreter": sys.executable, **more}, trusted=trusted
    )
    return asked


async def test_asks_once_and_starts(project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": WORKING}))
    asked = await opened(session, "Start")
    running = await session.state("running")
    assert running["reason"] == "start"
    (question,) = asked
    assert str(session.folder) in question
    request = next(
        message["params"]
        for message in session.received
        if message.get("method") == "window/showMessageRequest"
    )
    titles = [action["title"] for action in request["actions"]]
    assert titles == ["Start", "Always for this folder", "Not now"]
    session.save("app.py", WORKING + "\n")
    await session.state("running", after=1)
    assert len(asked) == 1
    await session.end()

    # That was for once.
    later = open_session(session.folder)
    asked = await opened(later, "Not now")
    await later.until(lambda: asked, what="the question")


async def test_always_for_this_folder_is_remembered(project: Project, open_session: Open) -> None:
    folder = project({"app.py": WORKING})
    files = sorted(folder.rglob("*"))
    session = open_session(folder)
    asked = await opened(session, "Always for this folder")
    await session.state("running")
    assert len(asked) == 1
    await session.end()
    left = {path for path in folder.rglob("*") if "__pycache__" not in str(path)}
    assert sorted(left) == files  # it is remembered elsewhere

    again = open_session(folder)
    asked = await opened(again, None)
    await again.state("running")
    assert asked == []
    await again.end()

    # Another folder is another matter.
    other = open_session(project({"app.py": WORKING}, name="other"))
    asked = await opened(other, "Not now")
    await other.until(lambda: asked, what="the question")


@pytest.mark.parametrize("answer", ["Not now", None])
async def test_not_now(answer: str | None, project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": WORKING}))
    asked = await opened(session, answer)
    await session.until(lambda: asked, what="the question")
    await session.barrier()
    session.save("app.py", WORKING + "\n")
    await session.barrier()
    assert session.states() == []
    answered = await session.command("state", {})
    assert [each["state"] for each in answered["apps"]] == ["stopped"]
    await session.command("start", {})
    await session.state("running")
    assert len(asked) == 1


async def test_a_client_that_never_answers(project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": WORKING}))
    session.answers[types.WINDOW_SHOW_MESSAGE_REQUEST] = lambda _: asyncio.Event().wait()
    await session.start({"port": free_port(), "interpreter": sys.executable}, trusted=False)
    await session.until(
        lambda: any(m.get("method") == "window/showMessageRequest" for m in session.received)
    )
    await session.command("start", {})
    await session.state("running")


async def test_trusted_starts_at_once(project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": WORKING}))
    asked = await opened(session, None, trusted=True)
    await session.state("running")
    assert asked == []


async def test_always_needs_no_trust(project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": WORKING}))
    asked = await opened(session, None, autoStart="always")
    await session.state("running")
    assert asked == []


async def test_a_project_does_not_vouch_for_itself(project: Project, open_session: Open) -> None:
    """A clone's pyproject.toml must not run the clone's code."""
    folder = project(
        {"app.py": WORKING, "pyproject.toml": '[tool.hotplate]\nauto-start = "always"\n'}
    )
    session = open_session(folder)
    asked = await opened(session, "Not now")
    await session.until(lambda: asked, what="the question")
    await session.barrier()
    assert session.states() == []


async def test_never(project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": WORKING}))
    asked = await opened(session, None, autoStart="never", trusted=True)
    await _settled(session)
    assert session.states() == []
    assert asked == []
    await session.command("start", {})
    await session.state("running")


NOT_FLASK = {
    "empty": {},
    "readme": {"README.md": "# Flask, one day\n"},
    "plain": {"main.py": "print('hello')\n"},
    "django": {"wsgi.py": "from django.core.wsgi import get_wsgi_application\n"},
    "fastapi": {"app.py": "from fastapi import FastAPI\n\napp = FastAPI()\n"},
}


@pytest.mark.parametrize("name", NOT_FLASK)
async def test_no_flask_app(name: str, project: Project, open_session: Open) -> None:
    """Nothing is started, and nothing is said."""
    session = open_session(project(NOT_FLASK[name]))
    asked = await opened(session, "Start", trusted=True)
    await _settled(session)
    assert session.states() == []
    assert asked == []
    spoken = {message.get("method") for message in session.received} - {None}
    quiet = {"workspace/configuration", "client/registerCapability"}
    assert spoken <= quiet | {"workspace/codeLens/refresh", "window/logMessage"}
    answer = await session.command("state", {})
    assert all(each["state"] == "stopped" for each in answer["apps"])


async def test_the_first_app_of_a_new_project(project: Project, open_session: Open) -> None:
    session = open_session(project({"README.md": "soon\n"}))
    await opened(session, None, trusted=True)
    await _settled(session)
    session.save("app.py", WORKING)
    running = await session.state("running")
    assert await session.get(running["url"]) == (200, "mended")


async def test_the_first_app_that_is_unfinished(project: Project, open_session: Open) -> None:
    """app.py is there before it has a Flask app in it."""
    session = open_session(project({"app.py": "\n"}))
    await opened(session, None, trusted=True)
    await _settled(session)
    assert session.states() == []
    session.save("app.py", WORKING)
    await session.state("running")


async def _settled(session: Session) -> None:
    """Wait until the folder has been looked at.

    Its settings are read in turn; so a mistake that is sent now is told when the folder's first
    turn is over, and a second one when what followed from that has had its time.
    """
    settings = session.client.get_configuration(section="hotplate")
    for key in ("nonsense", "more nonsense"):
        session.configure({**settings, key: 1})
        await session.notification("window/showMessage", lambda p, key=key: key in p["message"])
    session.received[:] = [
        message for message in session.received if message.get("method") != "window/showMessage"
    ]


@pytest.mark.parametrize("now", ["always", "ask"])
async def test_never_no_more(now: str, project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": WORKING}))
    asked = await opened(session, "Start", autoStart="never")
    await _settled(session)
    settings = session.client.get_configuration(section="hotplate")
    session.configure({**settings, "autoStart": now})
    await session.state("running")
    assert len(asked) == (now == "ask")


@pytest.mark.parametrize("where", ["in a file", "in a folder that may not be written to"])
async def test_always_for_this_folder_cannot_be_written(
    where: str, project: Project, open_session: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project({"app.py": WORKING})
    if where == "in a file":
        (folder / "file").touch()
    else:
        (folder / "file").mkdir(mode=0o555)
    monkeypatch.setenv("HOTPLATE_STATE_DIR", str(folder / "file"))
    session = open_session(folder)
    session.command_line = bound_server()
    await opened(session, "Always for this folder")
    told = await session.notification("window/showMessage")
    assert str(folder / "file" / "approved-folders.json") in told["message"]
    assert "HOTPLATE_STATE_DIR" in told["message"]
    await session.state("running")


async def test_a_start_before_the_settings_have_come(project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": WORKING}))

    async def answer(params: types.ConfigurationParams) -> list[Any]:
        await asyncio.sleep(0.5)
        return [{"port": 0, "interpreter": sys.executable, "autoStart": "never"}]

    session.answers[types.WORKSPACE_CONFIGURATION] = answer
    await session.start(trusted=False)
    await session.command("start", {})  # "There is no Flask app in this workspace."
    await session.state("running")


UNLIKELY = "import importlib\napp = importlib.import_module('flask').Flask('x')\n"


@pytest.mark.parametrize("how", ["named", "required"])
async def test_an_unlikely_app_becomes_likely(
    how: str, project: Project, open_session: Open
) -> None:
    session = open_session(project({"app.py": UNLIKELY, "pyproject.toml": ""}))
    settings = {"port": free_port(), "interpreter": sys.executable}
    await session.start(settings)

    async def found() -> bool:
        return bool((await session.command("state"))["apps"])

    while not await found():
        pass
    await asyncio.sleep(0.5)  # nothing starts by itself
    assert session.states() == []
    if how == "named":
        session.configure({**settings, "app": "app:app"})
    else:
        session.save("pyproject.toml", '[project]\nname = "x"\ndependencies = ["flask"]\n')
    await session.state("running")
