"""When something is wrong with Hotplate itself: one message with the cause and the next step, the
log has the rest, and the app goes on being served.

The faults are put into real processes by a `sitecustomize`, one of ours, which both the server and
the agents import before their first line.
"""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from support.session import SERVER, Session, free_port

Project = Callable[..., Path]
Open = Callable[[Path], Session]

APP = """\
import threading

from flask import Flask

app = Flask(__name__)


@app.route("/")
def index():
    return "hello"


@app.route("/raise/<word>")
def boom(word):
    raise ValueError(word)


@app.route("/thread")
def thread():
    def fail():
        raise OSError("in a thread")

    worker = threading.Thread(target=fail)
    worker.start()
    worker.join()
    return "done"
"""

START = types.Range(types.Position(0, 0), types.Position(1, 0))
PLAIN, ASYNC, AFTER, ONCE = "boom", "awaited", "after", "once"


def fault(folder: Path, where: str, name: str, how: str = PLAIN) -> dict[str, str]:
    """The environment that makes `module.Class.method` raise in the server or in the agent."""
    module, cls, method = name.rsplit(".", 2)
    source = f"""
import sys
if {where!r} == ("agent" if "hotplate_agent" in " ".join(sys.orig_argv) else "server"):
    import {module} as module
    holder = getattr(module, {cls!r})
    real = getattr(holder, {method!r})
    async def awaited(*args, **kwargs):
        raise RuntimeError("injected into {name}")
    def boom(*args, **kwargs):
        raise RuntimeError("injected into {name}")
    def once(*args, **kwargs):
        holder.{method} = real
        raise RuntimeError("injected into {name}")
    def after(*args, **kwargs):
        real(*args, **kwargs)
        raise RuntimeError("injected into {name}")
    setattr(holder, {method!r}, {how})
"""
    place = folder.parent / "fault"
    place.mkdir(exist_ok=True)
    (place / "sitecustomize.py").write_text(source)
    return {"PYTHONPATH": os.pathsep.join([str(place), str(SERVER)])}


def told(session: Session) -> list[str]:
    return [
        params["message"]
        for params in session.notifications("window/showMessage")
        if params["type"] == 1
    ]


async def one_message(session: Session, name: str) -> str:
    """The one that is shown for a fault that happens again and again."""
    await session.until(lambda: told(session), what="the message")
    for _ in range(3):
        await session.barrier()
    (message,) = told(session)
    assert f"RuntimeError: injected into {name}" in message
    assert "mistake of Hotplate's" in message
    assert "report" in message
    return message


async def begin(
    project: Project, open_session: Open, where: str, name: str, how: str = PLAIN
) -> tuple[Session, Path, dict[str, object]]:
    folder = project({"app.py": APP})
    log = folder.parent / "logs" / "hotplate.log"
    session = open_session(folder)
    await session.start(
        {"port": free_port(), "interpreter": sys.executable},
        env=fault(folder, where, name, how),
        arguments=("--log-file", str(log)),
    )
    running = await session.state("running")
    return session, log, running


HANDLERS = [
    "hotplate.lsp.workspace.Workspace.saved",
    "hotplate.lsp.app.App.lenses",
    "hotplate.lsp.workspace.Workspace.fixes",
    "hotplate.lsp.workspace.Workspace.changed_outside",
]


@pytest.mark.parametrize("name", HANDLERS)
async def test_a_handler(name: str, project: Project, open_session: Open) -> None:
    session, log, running = await begin(project, open_session, "server", name)
    document = types.TextDocumentIdentifier((session.folder / "app.py").as_uri())
    for _ in range(5):
        session.save("app.py", APP)
        session.changed_outside("app.py")
        for asked in (
            session.client.text_document_code_lens_async(types.CodeLensParams(document)),
            session.client.text_document_code_action_async(
                types.CodeActionParams(document, START, types.CodeActionContext([]))
            ),
        ):
            try:
                await asyncio.wait_for(asked, 20)
            except JsonRpcException as error:
                assert "injected" in str(error)
        await session.barrier()
    message = await one_message(session, name)
    assert str(log) in message
    assert log.read_text().count("Traceback") >= 5
    assert await session.get(str(running["url"])) == (200, "hello")


SHELL = {
    # What is told to the editor fails, at each start.
    "hotplate.lsp.client.Client.refresh_lenses": PLAIN,
    "hotplate.lsp.face.EditorFace._running": PLAIN,
    # A task on its way.
    "hotplate.lsp.progress.StartProgress._show": ASYNC,
    # What only saves time.
    "hotplate.supervision.standby.Standby.take": ASYNC,
    "hotplate.supervision.standby.Standby._make": PLAIN,
    "hotplate.supervision.standby.Standby.learnt": AFTER,
    # What an agent says.
    "hotplate.lsp.face.EditorFace.raised": PLAIN,
    "hotplate.lsp.face.EditorFace.output": PLAIN,
}


@pytest.mark.parametrize("name", SHELL)
async def test_the_shell(name: str, project: Project, open_session: Open) -> None:
    """An error on the way to the editor, or in a task, keeps no request from its answer."""
    session, log, running = await begin(project, open_session, "server", name, SHELL[name])
    for number in range(3):
        await session.get(str(running["url"]), f"/raise/{number}")
        await session.get(str(running["url"]), "/thread")
        session.save("app.py", APP + "\n" * number)
        running = await session.state("running", after=session.states()[-1][1])
        assert await session.get(str(running["url"])) == (200, "hello")
    await one_message(session, name)
    assert f"injected into {name}" in log.read_text()


STARTS = [
    "hotplate.supervision.door.Door.open_ahead",
    "hotplate.supervision.door.Door.open",
    "hotplate.supervision.supervisor.Supervisor._load",
    "hotplate.project.planner.AppPlanner.plan",
]


@pytest.mark.parametrize("name", STARTS)
async def test_a_start_that_we_fail(name: str, project: Project, open_session: Open) -> None:
    """It is told as a failed start, and the next save starts anew."""
    folder = project({"app.py": APP})
    session = open_session(folder)
    await session.start(
        {"port": free_port(), "interpreter": sys.executable},
        env=fault(folder, "server", name, ONCE),
    )
    failed = await session.state("failed")
    assert f"injected into {name}" in failed["error"]["message"]
    assert "mistake of its own" in failed["error"]["message"]
    session.save("app.py", APP)
    running = await session.state("running", after=failed["generation"])
    assert await session.get(running["url"]) == (200, "hello")
    await one_message(session, name)


AGENT = [
    "hotplate_agent.watching.Watch._request_raised",
    "hotplate_agent.watching.Watch._thread_raised",
    "hotplate_agent.watching.Watch.install_flask",
    "hotplate_agent.agent.Agent._tell_libraries",
    "hotplate_agent.debugger.Debugger.keep",
]


@pytest.mark.parametrize("name", AGENT)
async def test_the_agent(name: str, project: Project, open_session: Open) -> None:
    """What goes wrong beside the app is told, and no request notices."""
    session, log, running = await begin(project, open_session, "agent", name)
    url = str(running["url"])
    for number in range(3):
        assert await session.get(url) == (200, "hello")
        status, body = await session.get(url, f"/raise/{number}")
        assert status == 500 and f"ValueError: {number}" in body
        assert await session.get(url, "/thread") == (200, "done")
    message = await one_message(session, name)
    assert "beside the app" in message
    assert f"injected into {name}" in log.read_text()
    session.save("app.py", APP + "\n")
    running = await session.state("running", after=1)
    assert await session.get(running["url"]) == (200, "hello")
    assert len(told(session)) == 1


async def test_the_agents_reader(project: Project, open_session: Open) -> None:
    """An order that it fails at is told; it goes on reading, and is replaced at the next save."""
    name = "hotplate_agent.intake.Intake.drain"
    session, _log, running = await begin(project, open_session, "agent", name)
    session.save("app.py", APP.replace("hello", "again"))
    running = await session.state("running", after=1)
    assert await session.get(running["url"]) == (200, "again")
    await one_message(session, name)


async def test_there_is_no_storm(project: Project, open_session: Open) -> None:
    """Ever new causes: ten messages in a session, and all of them in the log."""
    folder = project({"app.py": APP})
    env = fault(folder, "server", "hotplate.lsp.workspace.Workspace.saved")
    place = Path(env["PYTHONPATH"].split(os.pathsep)[0]) / "sitecustomize.py"
    lines = "".join(
        f"    if number == {n}:\n        raise RuntimeError('cause {n}')\n" for n in range(20)
    )
    place.write_text(
        "import sys, itertools\n"
        "if 'hotplate_agent' not in ' '.join(sys.orig_argv):\n"
        "  import hotplate.lsp.workspace as module\n"
        "  counter = itertools.count()\n"
        "  def saved(*args):\n    number = next(counter)\n"
        f"{lines}"
        "  module.Workspace.saved = saved\n"
    )
    log = folder.parent / "hotplate.log"
    session = open_session(folder)
    await session.start(
        {"port": free_port(), "interpreter": sys.executable},
        env=env,
        arguments=("--log-file", str(log)),
    )
    running = await session.state("running")
    for _ in range(20):
        session.did_save("app.py")
    await session.barrier()
    await session.barrier()
    assert len(told(session)) == 10
    assert log.read_text().count("RuntimeError: cause") == 20
    assert await session.get(running["url"]) == (200, "hello")


# ---------------------------------------------------------------- the log itself


async def test_the_log_is_the_persons_alone_and_bounded(
    project: Project, open_session: Open
) -> None:
    name = "hotplate.lsp.workspace.Workspace.changed_outside"
    session, log, running = await begin(project, open_session, "server", name)
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    for _ in range(30):
        for _ in range(200):
            session.changed_outside("app.py")
        await session.barrier()
    sizes = [path.stat().st_size for path in log.parent.iterdir()]
    assert len(sizes) == 2, "it has been turned over"
    assert max(sizes) < 1_100_000
    assert len(told(session)) == 1
    assert await session.get(str(running["url"])) == (200, "hello")


@pytest.mark.parametrize("where", ["/proc/nowhere/hotplate.log", "app.py/hotplate.log"])
async def test_a_log_that_cannot_be_written(
    where: str, project: Project, open_session: Open
) -> None:
    """The app is not to wait for that; standard error has the log, and says so."""
    folder = project({"app.py": APP})
    session = open_session(folder)
    await session.start(
        {"port": free_port(), "interpreter": sys.executable},
        arguments=("--log-file", str(folder / where)),
    )
    running = await session.state("running")
    assert await session.get(running["url"]) == (200, "hello")
    await session.end()
    assert b"can't be written" in session.stderr


async def test_the_log_by_the_environment(project: Project, open_session: Open) -> None:
    """For editors that leave no room for an argument."""
    folder = project({"app.py": APP})
    log = folder.parent / "by-variable.log"
    session = open_session(folder)
    await session.start(
        {"port": free_port(), "interpreter": sys.executable}, env={"HOTPLATE_LOG_FILE": str(log)}
    )
    await session.state("running")
    await session.end()
    assert log.exists()


async def test_an_ill_will_of_the_client_is_no_mistake_of_ours(
    project: Project, open_session: Open
) -> None:
    session = open_session(project({"app.py": APP}))
    await session.run()
    with pytest.raises(JsonRpcException, match="no such traceback"):
        await session.command("openDebugger", {"id": "nonsense"})
    with pytest.raises(JsonRpcException, match="argument"):
        await session.command("start", 7)
    await session.barrier()
    assert told(session) == []
