"""Opening a folder runs nothing of it; and no program is ever started by way of a shell."""

from __future__ import annotations

import ast
import asyncio
import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from security.canaries import plant, sung
from security.witness import seen, witness
from support.broken import WORKING
from support.processes import marked, needs_proc
from support.raw import NEVER, RawServer
from support.session import SERVER, Session, free_port

Project = Callable[..., Path]
Open = Callable[[Path], Session]
Raw = Callable[[Path], RawServer]

SCRIPT = str(Path(sys.executable).with_name("hotplate"))
COMMANDS = {
    "as a program": (SCRIPT, "lsp"),
    "as a module": (sys.executable, "-m", "hotplate", "lsp"),
}
REFUSALS: dict[str, Any] = {
    "not now": {"title": "Not now"},
    "closed": None,
    "never answered": NEVER,
    "an answer that was not offered": {"title": "Yes, and format my disk"},
}


async def live_in(server: RawServer) -> None:
    """All that an editor does by itself, and what a person may look at, without a start."""
    here = server.folder
    for name in ("app.py", "pyproject.toml", ".env", ".flaskenv", "wsgi.py"):
        document = {"uri": (here / name).as_uri()}
        opened = {**document, "languageId": "python", "version": 1, "text": ""}
        server.notify("textDocument/didOpen", {"textDocument": opened})
        await server.request("textDocument/codeLens", {"textDocument": document})
        await server.request(
            "textDocument/codeAction",
            {
                "textDocument": document,
                "range": {"start": {"line": 0, "character": 0}, "end": {"line": 9, "character": 0}},
                "context": {"diagnostics": []},
            },
        )
        for reason in (1, 2, 3):
            server.notify("textDocument/willSave", {"textDocument": document, "reason": reason})
            server.notify("textDocument/didSave", {"textDocument": document})
        changes = [{"uri": document["uri"], "type": kind} for kind in (1, 2, 3)]
        server.notify("workspace/didChangeWatchedFiles", {"changes": changes})
    server.notify("workspace/didChangeConfiguration", {"settings": {"hotplate": {"port": 5009}}})
    for command in ("state", "debuggerPin", "openDebugger", "openInBrowser", "stop"):
        await server.command(command)
    server.notify("textDocument/didSave", {"textDocument": {"uri": (here / "x.py").as_uri()}})
    for _ in range(3):
        await server.is_responsive()


@needs_proc
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("refusal", REFUSALS)
async def test_opening_a_folder_runs_nothing_of_it(
    command: str, refusal: str, project: Project, raw_server: Raw, tmp_path: Path
) -> None:
    """The server's working directory is the folder, as editors have it."""
    folder, canaries = project({}), tmp_path / "canaries"
    plant(folder, canaries)
    log, env = witness(tmp_path / "witness")
    server = raw_server(folder)
    asked = asyncio.Event()

    def answer(method: str, params: Any) -> Any:
        if method != "window/showMessageRequest":
            return None
        asked.set()
        return REFUSALS[refusal]

    server.answer = answer
    await server.spawn(env=env, command=COMMANDS[command], cwd=folder)
    options = {"trusted": "yes", "interpreter": None}  # true alone is trust
    await server.initialize(options)
    await asyncio.wait_for(asked.wait(), 20)
    await live_in(server)
    another = {"uri": (folder / "path").as_uri(), "name": "path"}
    event = {"added": [another], "removed": []}
    server.notify("workspace/didChangeWorkspaceFolders", {"event": event})
    await server.is_responsive()
    assert sung(canaries) == []
    assert seen(log) == [] and seen(log, "agent") == []
    assert marked(server.mark) == {server.process.pid}
    assert all(state["state"] == "stopped" for state in server.all("hotplate/state"))

    if refusal == "not now":
        # All of it would have sung: the person's own command starts it.
        await server.command("start", {"app": folder.as_uri()})
        await server.until(lambda: ".venv-bin-python" in sung(canaries), "the interpreter's canary")
        await server.until(lambda: any(".py" in name for name in sung(canaries)), "a module's")
        assert seen(log)


OUTSIDE = {
    "absolute": "{outside}/evil",
    "by way of ..": "../outside/evil",
    "further": ".venv/../../outside/evil",
    "an environment": "{outside}",
    "a command": "evil-command",
}


@pytest.mark.parametrize("interpreter", OUTSIDE)
async def test_a_project_names_no_program_of_the_persons(
    interpreter: str, project: Project, open_session: Open, tmp_path: Path
) -> None:
    """Not even in a folder that is trusted: it needs the person's own setting."""
    outside, canary = tmp_path / "outside", tmp_path / "canary"
    for name in ("evil", "evil-command", "bin/python"):
        program = outside / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f'#!/bin/sh\n: > {canary}\nexec {sys.executable} "$@"\n')
        program.chmod(0o755)
    named = OUTSIDE[interpreter].format(outside=outside)
    toml = f'[tool.hotplate]\ninterpreter = "{named}"\n'
    session = open_session(
        project({"app.py": "from flask import Flask\napp = Flask('x')\n", "pyproject.toml": toml})
    )
    path = f"{outside}{os.pathsep}{os.environ['PATH']}"
    await session.start({"port": free_port()}, env={"PATH": path}, trusted=True)
    failed = await session.state("failed")
    assert failed["error"]["type"] == "InterpreterNotAllowed"
    assert "outside" in failed["error"]["message"]
    assert not canary.exists()
    # The person says so: it is run.
    session.configure({"interpreter": named, "port": free_port()})
    await session.state("running")
    assert canary.exists()


@needs_proc
async def test_no_shell_in_a_whole_session(
    project: Project, open_session: Open, tmp_path: Path
) -> None:
    """Starts, a taken port and who holds it, failures, a death, the debugger, the end."""
    log, env = witness(tmp_path / "witness")
    source = "import os\nfrom flask import Flask\napp = Flask(__name__)\n"
    source += "app.add_url_rule('/', view_func=lambda: 'hello; $(reboot) `x`')\n"
    source += "app.add_url_rule('/boom', 'boom', lambda: 1 / 0)\n"
    source += "app.add_url_rule('/die', 'die', lambda: os._exit(1))\n"
    folder = project({"app.py": source}, "a folder; $(touch x) `touch y` && 'z'")
    session = open_session(folder)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        await session.start({"port": port, "interpreter": sys.executable}, env=env)
        failed = await session.state("failed")
        assert failed["error"]["type"] == "PortTaken"
    await session.command("restart")
    url = (await session.state("running", after=failed["generation"]))["url"]
    await session.get(url, "/boom")
    await session.command("openDebugger", {})
    session.save("app.py", source + "\nbroken(\n")
    failed = await session.state("failed", after=2)
    session.save("app.py", source)
    await session.state("running", after=failed["generation"])
    with pytest.raises(OSError):
        await session.get(url, "/die")
    died = await session.state("failed", after=failed["generation"])
    await session.command("restart")
    await session.state("running", after=died["generation"])
    await session.end()

    started = seen(log)
    assert started
    for event in started:
        assert event["event"] in ("subprocess.Popen", "os.posix_spawn", "os.exec"), event
        program = event["args"][0].strip("'\"")
        assert program == sys.executable, event
    assert {path.name for path in folder.iterdir()} <= {"app.py", "__pycache__"}
    # What the app itself starts is its own affair; the agent starts nothing. It does fork.
    assert {event["event"] for event in seen(log, "agent")} <= {"os.fork"}


def calls() -> Iterator[tuple[Path, ast.Call]]:
    for path in SERVER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                yield path, node


def test_no_shell_in_the_source() -> None:
    names = {"system", "popen", "getoutput", "getstatusoutput", "create_subprocess_shell"}
    found = 0
    for path, call in calls():
        found += 1
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        assert name not in names or (name == "system" and "platform" in ast.unparse(call)), path
        assert not any(keyword.arg == "shell" for keyword in call.keywords), path
    assert found > 1000


async def test_the_persons_word_for_the_projects_interpreter(
    project: Project, open_session: Open, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    outside.chmod(0o755)
    toml = f'[tool.hotplate]\ninterpreter = "{outside}"\n'
    session = open_session(project({"app.py": WORKING, "pyproject.toml": toml}))
    settings = {"port": free_port()}
    await session.start(settings)
    failed = await session.state("failed")
    assert failed["error"]["type"] == "InterpreterNotAllowed"
    session.configure({**settings, "interpreter": str(outside)})
    await session.state("running")
