"""What an editor with no plugin of ours is shown: standard LSP, and only what it has declared."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import converters, types
from pygls.exceptions import JsonRpcMethodNotFound

from support.broken import WORKING
from support.session import Session, free_port

Project = Callable[..., Path]
Open = Callable[[Path], Session]

CAPABILITIES = Path(__file__).resolve().parents[1] / "fixtures" / "capabilities"
CLIENTS = sorted(path.stem for path in CAPABILITIES.glob("*.json"))

APP = """\
import os

from flask import Flask

print("loading", flush=True)
app = Flask(__name__)


@app.route("/")
def index():
    print("told to stdout")
    return "one"


@app.route("/raise")
def view():
    return 1 / int("0")
"""
PUBLISH = "textDocument/publishDiagnostics"
LINE = 5  # where the app is made


def capabilities_of(client: str) -> types.ClientCapabilities:
    data = json.loads((CAPABILITIES / f"{client}.json").read_text("utf-8"))
    return converters.get_converter().structure(data, types.ClientCapabilities)


def requests(session: Session, method: str) -> list[dict[str, Any]]:
    return [
        message["params"]
        for message in session.received
        if message.get("method") == method and "id" in message
    ]


def progress(session: Session) -> list[str]:
    return [params["value"]["kind"] for params in session.notifications("$/progress")]


@pytest.mark.parametrize("client", CLIENTS)
async def test_the_short_story_in_every_editor(
    client: str, project: Project, open_session: Open
) -> None:
    """Start, save, break, mend, raise: with the capabilities that a real editor has sent."""
    folder = project({"app.py": APP})
    session = open_session(folder)
    capabilities = capabilities_of(client)
    settings = {"port": free_port(), "interpreter": sys.executable}
    result = await session.start(settings, options=settings, capabilities=capabilities)
    assert result.capabilities.code_lens_provider is not None
    running = await session.state("running")
    url = running["url"]
    assert await session.get(url) == (200, "one")
    session.save("app.py", APP.replace('"one"', '"two"'))
    await session.barrier()
    assert await session.get(url) == (200, "two")
    session.save("app.py", APP + "1 / 0\n")
    await session.state("failed", after=2)
    problem = await session.diagnostic(folder / "app.py", "ZeroDivisionError")
    published = capabilities.text_document and capabilities.text_document.publish_diagnostics
    if not (published and published.related_information):
        assert "relatedInformation" not in problem
    session.save("app.py", APP)
    await session.state("running", after=3)
    await session.no_diagnostics(folder / "app.py")
    assert (await session.get(url, "/raise"))[0] == 500
    problem = await session.diagnostic(folder / "app.py", "ZeroDivisionError")
    assert problem["range"]["start"]["line"] == 16
    await session.command("openInBrowser", {})
    assert len(await lenses(session)) == 4
    await session.end()

    # It is asked for nothing that it has not declared.
    window = capabilities.window or types.WindowClientCapabilities()
    workspace = capabilities.workspace or types.WorkspaceClientCapabilities()
    documents = bool(window.show_document and window.show_document.support)
    assert bool(requests(session, "window/showDocument")) == documents
    if not documents:
        assert any(url in p["message"] for p in session.notifications("window/showMessage"))
    if not window.work_done_progress:
        assert not requests(session, "window/workDoneProgress/create")
        assert not progress(session)
    if not workspace.configuration:
        assert not requests(session, "workspace/configuration")
    if not (workspace.code_lens and workspace.code_lens.refresh_support):
        assert not requests(session, "workspace/codeLens/refresh")
    watched = workspace.did_change_watched_files
    registered = {
        registration["method"]
        for params in requests(session, "client/registerCapability")
        for registration in params["registrations"]
    }
    expected = bool(watched and watched.dynamic_registration)
    assert ("workspace/didChangeWatchedFiles" in registered) == expected
    told = "\n".join(p["message"] for p in session.notifications("window/logMessage"))
    assert "told to stdout" in told


# ---------------------------------------------------------------- questions


async def test_an_editor_that_knows_no_questions(project: Project, open_session: Open) -> None:
    """Kate answers that it does not know the request. Then the person is told what to do."""

    def unknown(params: Any) -> Any:
        raise JsonRpcMethodNotFound("window/showMessageRequest")

    session = open_session(project({"app.py": APP}))
    session.answers["window/showMessageRequest"] = unknown
    settings = {"port": free_port(), "interpreter": sys.executable}
    await session.start(settings, trusted=False)
    told = await session.notification("window/showMessage")
    assert "shop" in told["message"] and "trusted" in told["message"]
    assert "initializationOptions" in told["message"]
    await session.command("start", {})
    await session.state("running")


async def test_a_stop_is_told_before_it_is_answered(project: Project, open_session: Open) -> None:
    """lsp-mode loses what comes in one breath with an answer that it waits for."""
    session = open_session(project({"app.py": APP + "1 / 0\n"}))
    await session.start({"port": free_port(), "interpreter": sys.executable})
    await session.state("failed")
    before = len(session.received)
    await session.command("stop", {})
    told = session.received[before:]
    (answered,) = [number for number, message in enumerate(told) if "result" in message]
    published = [m["params"] for m in told[:answered] if m.get("method") == PUBLISH]
    assert [params["diagnostics"] for params in published] == [[]]
    states = [m["params"]["state"] for m in told[:answered] if m.get("method") == "hotplate/state"]
    assert states[-1] == "stopped"


# ---------------------------------------------------------------- output


@pytest.mark.parametrize("own", [True, False])
async def test_output(own: bool, project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": APP}))
    settings = {"port": free_port(), "interpreter": sys.executable}
    await session.start(settings, experimental=own)
    running = await session.state("running")
    await session.get(running["url"])
    await session.notification("hotplate/output", lambda p: "told to stdout" in p["text"])
    await session.barrier()
    logged = "\n".join(p["message"] for p in session.notifications("window/logMessage"))
    assert ("told to stdout" in logged) == (not own)
    assert ("loading" in logged) == (not own)


async def test_no_word_in_the_log_of_what_is_not_offered(
    project: Project, open_session: Open
) -> None:
    """Kate asks for symbols at each change, offered or not, and shows the log to the person."""
    session = open_session(project({"app.py": APP}))
    await session.run()
    params = types.DocumentSymbolParams(types.TextDocumentIdentifier((session.folder).as_uri()))
    with pytest.raises(JsonRpcMethodNotFound):
        await session.client.text_document_document_symbol_async(params)
    await session.end()
    assert b"documentSymbol" not in session.stderr


# ---------------------------------------------------------------- progress


WAITING = (
    """\
import os

with open(os.environ["GATE"]) as gate:
    gate.read()
"""
    + WORKING
)


async def test_progress_of_a_long_start(
    project: Project, open_session: Open, tmp_path: Path
) -> None:
    """The app's import waits for this test; the progress is there for as long."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    session = open_session(project({"app.py": WAITING}))
    await session.start(
        {"port": free_port(), "interpreter": sys.executable, "env": {"GATE": str(gate)},
         "autoStart": "always"}
    )  # fmt: skip
    await session.until(lambda: progress(session) == ["begin"], what="progress")
    begun = session.notifications("$/progress")[0]["value"]
    assert "shop" in begun["message"]
    # A restart in the middle of it does not make it two.
    await session.command("restart", {})
    await session.state("starting", after=1)
    await session.barrier()
    assert progress(session) == ["begin"]
    _open_gate(gate)
    await session.state("running")
    await session.until(lambda: len(progress(session)) > 1, what="the end of the progress")
    assert progress(session) == ["begin", "end"]
    tokens = {params["token"] for params in session.notifications("$/progress")}
    assert len(tokens) == 1


async def test_no_progress_for_quick_starts(project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": WORKING}))
    await session.run()
    for number in range(3):
        session.save("app.py", WORKING + "\n" * number)
        await session.state("running", after=number + 1)
    quick = [p["readyMs"] < 300 for p in session.notifications("hotplate/state") if "readyMs" in p]
    if all(quick):  # a machine under load may be slower
        assert progress(session) == []


def _open_gate(gate: Path) -> None:
    """Let all pass that wait at the gate or will come to it."""
    gate_file = os.open(gate, os.O_RDWR)
    other = gate.with_suffix(".open")
    other.write_text("open")
    other.replace(gate)
    os.close(gate_file)


# ---------------------------------------------------------------- lenses


async def lenses(session: Session, name: str = "app.py") -> list[types.CodeLens]:
    identifier = types.TextDocumentIdentifier((session.folder / name).as_uri())
    params = types.CodeLensParams(identifier)
    return list(await session.client.text_document_code_lens_async(params) or [])


async def titles(session: Session) -> list[str]:
    return [lens.command.title for lens in await lenses(session) if lens.command]


async def run(session: Session, title: str) -> Any:
    """Click the lens with this title, as any editor would."""
    (command,) = [
        lens.command
        for lens in await lenses(session)
        if lens.command and title in lens.command.title
    ]
    params = types.ExecuteCommandParams(command.command, command.arguments)
    return await session.client.workspace_execute_command_async(params)


async def test_lenses_in_every_state(project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": APP, "other.py": "x = 1\n"}))
    await session.start({"port": free_port(), "interpreter": sys.executable, "autoStart": "never"})

    async def stands() -> bool:
        return bool(await lenses(session))

    while not await stands():  # until the folder has been looked at
        pass
    assert await titles(session) == ["▶ Start shop"]
    (lens,) = await lenses(session)
    assert (lens.range.start.line, lens.range.start.character) == (LINE, 0)
    assert await lenses(session, "other.py") == []

    await run(session, "Start")
    running = await session.state("running")
    url = running["url"]
    assert await titles(session) == [
        f"● Running {url}",
        "Restart",
        "Stop",
        "Show the PIN",
    ]
    await run(session, "Running")
    await session.until(lambda: requests(session, "window/showDocument"), what="the browser")
    assert requests(session, "window/showDocument")[0]["uri"] == url

    pin = (await run(session, "PIN"))["pin"]
    told = await session.notification("window/showMessage", lambda p: pin in p["message"])
    assert "PIN" in told["message"]

    await run(session, "Restart")
    await session.state("running", after=1, reason="command")

    session.save("app.py", APP + "broken(\n")
    await session.state("failed", after=2)
    assert await titles(session) == [f"✗ Failed {url}", "Restart", "Stop", "Show the PIN"]
    await run(session, "Restart")
    await session.state("failed", after=3)
    await run(session, "Stop")
    await session.state("stopped")
    assert await titles(session) == ["▶ Start shop"]
    assert session.all_diagnostics() == {}
    # The line moves with the source.
    session.save("app.py", "# a line more\n" + APP)
    await run(session, "Start")
    await session.state("running", after=4)
    assert {lens.range.start.line for lens in await lenses(session)} == {LINE + 1}


async def test_lens_while_starting(project: Project, open_session: Open, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    session = open_session(project({"app.py": WAITING}))
    await session.start(
        {"port": free_port(), "interpreter": sys.executable, "env": {"GATE": str(gate)},
         "autoStart": "always"}
    )  # fmt: skip
    await session.state("starting")
    await session.until(lambda: progress(session), what="progress")
    assert await titles(session) == ["Starting…", "Stop"]
    answer = await run(session, "Starting")
    assert answer["apps"][0]["state"] == "starting"
    await run(session, "Stop")
    await session.state("stopped")
    await session.until(lambda: progress(session) == ["begin", "end"], what="its end")


async def test_lenses_of_a_factory(project: Project, open_session: Open) -> None:
    text = "from flask import Flask\n\n\ndef create_app(mode):\n    return Flask(__name__)\n"
    session = open_session(project({"shop/__init__.py": text}))
    await session.run(app="shop:create_app('dev')")
    (first, *_rest) = await lenses(session, "shop/__init__.py")
    assert first.range.start.line == 3


async def test_keystrokes_are_not_asked_for(project: Project, open_session: Open) -> None:
    """What is on disk counts; an editor has every file of every language open with us."""
    session = open_session(project({"app.py": APP}))
    result = await session.start({"port": free_port(), "autoStart": "never"})
    sync = result.capabilities.text_document_sync
    assert isinstance(sync, types.TextDocumentSyncOptions)
    assert sync.change is types.TextDocumentSyncKind.None_
    assert sync.open_close and sync.save and sync.will_save


@pytest.mark.parametrize("auto_start", ["never", "ask"])
async def test_the_lens_of_an_app_that_is_not_started(
    auto_start: str, project: Project, open_session: Open
) -> None:
    """The editor has asked for lenses before the app was found: it is told to ask again."""
    folder = project({"app.py": WORKING})
    session = open_session(folder)
    gate = asyncio.Event()

    async def answer(params: types.ConfigurationParams) -> list[Any]:
        await gate.wait()
        return [{"port": 0, "interpreter": sys.executable, "autoStart": auto_start}]

    session.answers[types.WORKSPACE_CONFIGURATION] = answer
    session.answers[types.WINDOW_SHOW_MESSAGE_REQUEST] = lambda _: asyncio.Event().wait()
    await session.start(trusted=False)
    params = types.CodeLensParams(types.TextDocumentIdentifier((folder / "app.py").as_uri()))
    assert not await session.client.text_document_code_lens_async(params)
    gate.set()
    await session.until(
        lambda: any(m.get("method") == "workspace/codeLens/refresh" for m in session.received),
        what="the refresh",
    )
