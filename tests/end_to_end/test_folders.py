"""Folders of the workspace: closed while something is under way, and two that lead to one app."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from support.broken import WORKING
from support.session import Session, free_port

Project = Callable[..., Path]
Open = Callable[[Path], Session]

PYTHON = sys.executable


def change(session: Session, added: Sequence[Path] = (), removed: Sequence[Path] = ()) -> None:
    event = types.WorkspaceFoldersChangeEvent(
        *([types.WorkspaceFolder(f.as_uri(), f.name) for f in each] for each in (added, removed))
    )
    session.client.workspace_did_change_workspace_folders(
        types.DidChangeWorkspaceFoldersParams(event)
    )


def messages(session: Session) -> list[str]:
    return [params["message"] for params in session.notifications("window/showMessage")]


async def only(session: Session, folder: Path, others: list[Path]) -> None:
    """The app of `folder` runs, and nothing has ever been told of the others'."""
    await session.state("running", app=folder.as_uri())
    told = {params["app"] for params in session.notifications("hotplate/state")}
    assert told.isdisjoint(other.as_uri() for other in others)
    answered = await session.command("state", {})
    assert [each["app"] for each in answered["apps"]] == [folder.as_uri()]


# ---------------------------------------------------------------- closed meanwhile


async def test_closed_while_the_question_is_open(project: Project, open_session: Open) -> None:
    """Nobody could stop what the answer would start."""
    folder, other = project({"app.py": WORKING}), project({"README.md": ""}, name="other")
    session = open_session(folder)
    asked, closed = asyncio.Event(), asyncio.Event()

    async def answer(params: types.ShowMessageRequestParams) -> types.MessageActionItem:
        asked.set()
        await closed.wait()
        return types.MessageActionItem("Start")

    session.answers[types.WINDOW_SHOW_MESSAGE_REQUEST] = answer
    await session.start({"port": 0, "interpreter": PYTHON}, trusted=False, folders=[folder, other])
    await asked.wait()
    change(session, removed=[folder])
    await session.notification("hotplate/removed")
    closed.set()
    change(session, added=[project({"app.py": WORKING}, name="third")])
    await session.until(lambda: _questions(session) == 2, what="the third folder's question")
    await session.state("running", app=(folder.parent / "third").as_uri())
    assert not [
        p
        for p in session.notifications("hotplate/state")
        if p["generation"] and p["app"] == folder.as_uri()
    ]


def _questions(session: Session) -> int:
    return sum(m.get("method") == "window/showMessageRequest" for m in session.received)


async def test_closed_while_its_settings_are_asked_for(
    project: Project, open_session: Open
) -> None:
    folder, other = (project({"app.py": WORKING}, name=name) for name in ("shop", "other"))
    session = open_session(folder)
    asked, closed = asyncio.Event(), asyncio.Event()

    async def answer(params: types.ConfigurationParams) -> list[Any]:
        if params.items[0].scope_uri == folder.as_uri():
            asked.set()
        await closed.wait()
        return [{"port": 0, "interpreter": PYTHON}]

    session.answers[types.WORKSPACE_CONFIGURATION] = answer
    await session.start(folders=[folder, other])
    await asked.wait()
    change(session, removed=[folder])
    await session.barrier()
    closed.set()
    await only(session, other, [folder])


async def test_closed_as_soon_as_it_was_opened(project: Project, open_session: Open) -> None:
    folder, other = (project({"app.py": WORKING}, name=name) for name in ("shop", "other"))
    session = open_session(folder)
    await session.start({"port": 0, "interpreter": PYTHON}, folders=[folder, other])
    change(session, removed=[folder])  # `initialized` has been sent just before
    await only(session, other, [folder])


async def test_closed_and_opened_again(project: Project, open_session: Open) -> None:
    """It gets its port back, which its first app must have let go."""
    folder = project({"app.py": WORKING})
    session = open_session(folder)
    first = await session.run()
    change(session, removed=[folder])
    change(session, added=[folder])
    await session.until(lambda: len(_running(session)) == 2, what="a second start")
    assert _running(session)[1]["url"] == first["url"]
    assert "failed" not in [state for state, _ in session.states()]
    assert await session.get(first["url"]) == (200, "mended")


def _running(session: Session) -> list[dict[str, Any]]:
    return [p for p in session.notifications("hotplate/state") if p["state"] == "running"]


# ---------------------------------------------------------------- one app, two folders


async def test_two_folders_that_lead_to_one_app(project: Project, open_session: Open) -> None:
    repo = project({"shop/app.py": WORKING, "pyproject.toml": '[tool.hotplate]\nfolder = "shop"\n'})
    shop = repo / "shop"
    session = open_session(repo)
    await session.start({"port": 0, "interpreter": PYTHON}, folders=[repo, shop])
    await session.state("running", app=shop.as_uri())
    told = await session.until(lambda: messages(session), what="the message")
    assert [str(shop) in told[0], "runs once" in told[0]] == [True, True]
    answered = await session.command("state", {})
    assert [each["app"] for each in answered["apps"]] == [shop.as_uri()]

    session.configure({"port": 0, "interpreter": PYTHON, "env": {"A": "1"}})
    await session.state("running", after=1)
    assert len(messages(session)) == 1
    # Whichever of the two had it: the other takes over.
    change(session, removed=[repo])
    change(session, added=[repo], removed=[shop])
    await session.until(
        lambda: session.states()[-1][0] == "running" and len(_running(session)) > 2,
        what="the other folder's start",
    )
    answered = await session.command("state", {})
    assert [each["app"] for each in answered["apps"]] == [shop.as_uri()]
    with pytest.raises(JsonRpcException):
        await session.command("start", {"app": repo.as_uri()})


async def test_a_wrong_setting_is_told_once(project: Project, open_session: Open) -> None:
    """The editor gives it for each folder; the person has made one mistake."""
    folders = [project({"app.py": WORKING}, name=name) for name in ("one", "two", "three")]
    session = open_session(folders[0])
    settings = {"port": free_port(), "interpreter": PYTHON, "autoStart": "never"}
    await session.start({**settings, "nonsense": 1}, folders=folders)
    for key in ("then", "finally"):
        session.configure({**settings, "nonsense": 1, key: 1})
        await session.notification("window/showMessage", lambda p, key=key: key in p["message"])
    # Each folder has had its first turn before the second, and that before the third.
    assert sum("nonsense" in message for message in messages(session)) == 1
    assert sum("then" in message for message in messages(session)) == 1


async def test_a_folder_and_a_link_to_it(
    project: Project, open_session: Open, tmp_path: Path
) -> None:
    folder, link = project({"app.py": WORKING}), tmp_path / "link"
    os.symlink(folder, link)
    session = open_session(folder)
    await session.start(
        {"port": free_port(), "interpreter": sys.executable}, folders=[folder, link]
    )
    await session.state("running")
    told = await session.until(
        lambda: session.notifications("window/showMessage"), 10, what="the message"
    )
    assert "runs once" in told[0]["message"]
    assert len((await session.command("state", {}))["apps"]) == 1
