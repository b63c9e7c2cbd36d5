"""The menu for a problem, in a session with a real app; and what a client's own commands add."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from support.broken import WORKING
from support.browser import Browser
from support.session import Session, free_port

Project = Callable[..., Path]
Open = Callable[[Path], Session]

RAISING = """\
from flask import Flask

app = Flask(__name__)


@app.route("/")
def index():
    return {}["naïve"]
"""
OWN = {"commands": ["hotplate.copyPin", "hotplate.selectInterpreter"]}


async def menu(
    session: Session, line: int, name: str = "app.py", only: list[str] | None = None
) -> list[dict[str, Any]]:
    """What an editor is offered on a line, as it comes over the wire."""
    params = types.CodeActionParams(
        types.TextDocumentIdentifier((session.folder / name).as_uri()),
        types.Range(types.Position(line, 4), types.Position(line, 30)),
        types.CodeActionContext([], only=only),
    )
    before = len(session.received)
    await session.client.text_document_code_action_async(params)
    answers = [m["result"] for m in session.received[before:] if "id" in m and "result" in m]
    return list(answers[-1] or [])


def titles(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["title"] for entry in entries]


async def run(session: Session, entry: dict[str, Any]) -> Any:
    """Choose an entry, as any editor would: it is a code action, or a command of old."""
    command = entry["command"] if isinstance(entry["command"], dict) else entry
    params = types.ExecuteCommandParams(command["command"], command["arguments"])
    return await session.client.workspace_execute_command_async(params)


async def test_an_exception_in_a_request(project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": RAISING}))
    await session.start({"port": free_port(), "interpreter": sys.executable}, experimental=OWN)
    running = await session.state("running")
    await session.get(running["url"])
    problem = await session.diagnostic(session.folder / "app.py", "KeyError")
    line = problem["range"]["start"]["line"]
    entries = await menu(session, line)
    assert titles(entries) == [
        "Open the debugger in the browser",
        "Copy the debugger's PIN",
        "Restart shop",
    ]
    assert await menu(session, 0) == []
    assert await menu(session, line, only=["refactor"]) == []
    assert titles(await menu(session, line, only=["quickfix"])) == titles(entries)
    (told,) = session.notifications("hotplate/traceback")
    assert await run(session, entries[0]) == {"url": told["debuggerUrl"]}

    # With its process the debugger of an exception is gone, and so is its entry.
    await run(session, entries[2])
    await session.state("running", after=1)
    assert titles(await menu(session, line)) == ["Restart shop"]


async def test_a_client_without_commands_of_its_own(project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": RAISING}))
    running = await session.run()
    await session.get(running["url"])
    problem = await session.diagnostic(session.folder / "app.py", "KeyError")
    entries = await menu(session, problem["range"]["start"]["line"])
    assert titles(entries)[1] == "Show the debugger's PIN"
    pin = (await run(session, entries[1]))["pin"]
    await session.notification("window/showMessage", lambda p: pin in p["message"])


async def test_a_port_that_is_taken(project: Project, open_session: Open) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        session = open_session(project({"app.py": WORKING}))
        await session.start({"port": port, "interpreter": sys.executable})
        await session.state("failed")
        problem = await session.diagnostic(session.folder / "app.py", "PortTaken")
        entries = await menu(session, problem["range"]["start"]["line"])
        assert titles(entries) == ["Use the next free port", "Restart shop"]
        answer = await run(session, entries[0])
        running = await session.state("running")
        assert running["url"].endswith(f":{answer['port']}")
        assert answer["port"] != port
        assert (await session.get(running["url"]))[0] == 200
        await session.no_diagnostics(session.folder / "app.py")


async def test_the_port_that_the_person_names_counts_again(
    project: Project, open_session: Open
) -> None:
    port = free_port()
    folder = project({"app.py": WORKING, "pyproject.toml": f"[tool.hotplate]\nport = {port}\n"})
    session = open_session(folder)
    await session.start({"interpreter": sys.executable})
    await session.state("running")
    answer = await session.command("useFreePort", {})
    running = await session.state("running", after=1)
    assert running["url"].endswith(f":{answer['port']}") and answer["port"] != port
    session.configure({"interpreter": sys.executable, "port": port})
    running = await session.state("running", after=2)
    assert running["url"].endswith(f":{port}")


async def test_an_interpreter_that_is_none(project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": WORKING}))
    await session.start({"port": free_port(), "interpreter": "/nowhere"}, experimental=OWN)
    await session.state("failed")
    problem = await session.diagnostic(session.folder / "app.py", "InterpreterNotFound")
    entries = await menu(session, problem["range"]["start"]["line"])
    assert titles(entries)[0] == "Choose another interpreter…"
    assert entries[0]["command"]["command"] == "hotplate.selectInterpreter"


async def test_a_page_that_asks_for_the_pin(project: Project, open_session: Open) -> None:
    """A client that shows the PIN itself is told when; the PIN is not in that message."""
    session = open_session(project({"app.py": RAISING}))
    await session.start({"port": free_port(), "interpreter": sys.executable}, experimental=True)
    running = await session.state("running")
    page = await Browser().open(running["url"])
    assert session.notifications("hotplate/pinWanted") == []
    await Browser().open(f"{running['url']}/?__debugger__=yes&cmd=printpin&s={page.secret}")
    told = await session.notification("hotplate/pinWanted")
    assert told == {"app": running["app"], "generation": 1}
    assert session.notifications("window/showMessage") == []


async def test_a_hint_restarts_the_app_if_it_is_another_interpreter(
    project: Project, open_session: Open, tmp_path: Path
) -> None:
    folder = Path(sys.executable).parent
    same = str(folder / ".." / folder.name / Path(sys.executable).name)
    (tmp_path / "other").symlink_to(folder.parent)
    other = str(tmp_path / "other" / folder.name / Path(sys.executable).name)
    session = open_session(project({"app.py": WORKING}))
    port = free_port()
    await session.start({"port": port}, env={"VIRTUAL_ENV": str(folder.parent)})
    first = await session.state("running")
    # What the editor's Python tool says late is what was found without it.
    session.configure({"port": port, "interpreterHint": same})
    await session.barrier()
    session.save("app.py", WORKING + "\n")
    saved = await session.state("running", after=first["generation"])
    session.configure({"port": port, "interpreterHint": other})
    running = await session.state("running", after=saved["generation"])
    assert (saved["reason"], running["reason"]) == ("save", "configuration")
    assert running["generation"] == first["generation"] + 2
    session.configure({"port": port, "interpreterHint": "/nowhere", "interpreter": sys.executable})
    running = await session.state("running", after=running["generation"])
    # Where the person has said it, a hint is nothing to anyone.
    session.configure({"port": port, "interpreterHint": same, "interpreter": sys.executable})
    await session.barrier()
    session.save("app.py", WORKING + "\n\n")
    last = await session.state("running", after=running["generation"])
    assert (last["reason"], last["generation"]) == ("save", running["generation"] + 1)
    assert not session.notifications("window/showMessage")


async def test_settings_that_are_no_object(project: Project, open_session: Open) -> None:
    """What is wrong in one place costs that place only, and is told."""
    port = free_port()
    folder = project({"app.py": WORKING, "pyproject.toml": f"[tool.hotplate]\nport = {port}\n"})
    session = open_session(folder)
    session.answers[types.WORKSPACE_CONFIGURATION] = lambda _params: ["nonsense"]
    await session.start(options={"interpreter": sys.executable, "drainSeconds": 1})
    running = await session.state("running")
    assert running["url"].endswith(f":{port}")
    told = await session.notification("window/showMessage")
    assert "expected an object" in told["message"] and "nonsense" in told["message"]


async def test_a_port_for_no_app(project: Project, open_session: Open) -> None:
    session = open_session(project({"readme.txt": "no app here"}))
    await session.start({"autoStart": "never"})
    with pytest.raises(JsonRpcException, match="no Flask app"):
        await session.command("useFreePort", {})
