"""What keeps an app from starting that is no line of it: interpreter, port, host, certificate."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from support import environments
from support.broken import WORKING
from support.permissions import bound_server, lowest_port
from support.session import Session, free_port

Project = Callable[..., Path]
Open = Callable[[Path], Session]

LISTENER = """\
import socket, sys
sock = socket.create_server(("127.0.0.1", 0))
print(sock.getsockname()[1], flush=True)
sys.stdin.read()
"""


async def failing(session: Session, **settings: Any) -> dict[str, Any]:
    """Start a session whose app can't be started; its state."""
    await session.start({"port": free_port(), "interpreter": sys.executable, **settings})
    return await session.state("failed")


def the_problem(session: Session) -> tuple[str, dict[str, Any]]:
    """The one problem that is shown, and the name of its file."""
    ((uri, (problem,)),) = session.all_diagnostics().items()
    return uri.rpartition("/")[2], problem


async def test_interpreter_missing(project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": WORKING}))
    failed = await failing(session, interpreter="/nowhere/bin/python")
    assert failed["error"]["type"] == "InterpreterNotFound"
    assert "/nowhere/bin/python" in failed["error"]["message"]
    assert "hotplate.interpreter" in failed["error"]["message"]
    name, problem = the_problem(session)
    assert (name, problem["range"]["start"]["line"]) == ("app.py", 2)  # the app's own line
    (told,) = session.notifications("hotplate/traceback")
    assert told["when"] == "startup"

    session.client.set_configuration(
        {"hotplate": {"port": free_port(), "interpreter": sys.executable}}
    )
    session.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
    running = await session.state("running")
    assert running["reason"] == "configuration"
    await session.barrier()
    assert session.all_diagnostics() == {}


async def test_interpreter_without_flask(project: Project, open_session: Open) -> None:
    python = environments.python_of(environments.BARE)
    session = open_session(project({"app.py": WORKING}))
    failed = await failing(session, interpreter=python)
    assert failed["error"]["type"] == "ModuleNotFoundError"
    for text in ("Flask", python, "hotplate.interpreter", "-m pip install flask"):
        assert text in failed["error"]["message"]
    name, _problem = the_problem(session)
    assert name == "app.py"
    status, page = await session.get(failed["url"])
    assert status == 500  # there is no Werkzeug: the server itself answers
    assert "ModuleNotFoundError" in page
    assert "flask" in page


async def test_flask_and_werkzeug_that_do_not_fit(project: Project, open_session: Open) -> None:
    python = environments.python_of(environments.MISMATCHED)
    session = open_session(project({"app.py": WORKING}))
    failed = await failing(session, interpreter=python)
    assert failed["error"]["type"] == "ImportError"
    for text in ("Flask 2.0.3 and Werkzeug 3.0.6", "-m pip install --upgrade", python):
        assert text in failed["error"]["message"]
    status, page = await session.get(failed["url"])
    assert status == 500
    assert "ImportError" in page


@pytest.mark.parametrize("choice", ["use", "stop", None])
async def test_port_taken(choice: str | None, project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": WORKING}))
    asked: list[types.ShowMessageRequestParams] = []

    def answer(params: types.ShowMessageRequestParams) -> types.MessageActionItem | None:
        asked.append(params)
        use, stop = params.actions or []
        return {"use": use, "stop": stop, None: None}[choice]

    session.answers[types.WINDOW_SHOW_MESSAGE_REQUEST] = answer
    with subprocess.Popen(
        [sys.executable, "-c", LISTENER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        port = int(await asyncio.to_thread(other.stdout.readline))
        failed = await failing(session, port=port)
        assert failed["error"]["type"] == "PortTaken"
        for text in (str(port), str(other.pid), "python", "hotplate.port"):
            assert text in failed["error"]["message"]
        await session.until(lambda: asked, what="the question")
        (params,) = asked
        assert str(other.pid) in params.message
        assert params.actions is not None
        titles = [action.title for action in params.actions]
        assert titles[1] == "Stop"
        assert titles[0].startswith("Use port ")
        chosen = int(titles[0].rpartition(" ")[2])
        if choice == "use":
            running = await session.state("running")
            assert running["url"] == f"http://127.0.0.1:{chosen}"
            assert await session.get(running["url"]) == (200, "mended")
            # It stays there: an editor's page is open on it.
            session.save("app.py", WORKING.replace("mended", "again"))
            later = await session.state("running", after=running["generation"])
            assert later["url"] == running["url"]
        elif choice == "stop":
            await session.state("stopped", after=0)
            await session.barrier()
            assert session.all_diagnostics() == {}
        other.communicate()
    if choice is None:  # closed without an answer; the person has ended the other program
        assert "PortTaken" in the_problem(session)[1]["message"]
        await session.command("restart")
        running = await session.state("running")
        assert running["url"].endswith(f":{port}")


@pytest.mark.skipif(lowest_port() <= 80, reason="this machine lets anybody use port 80")
async def test_port_forbidden(project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": WORKING}))
    session.command_line = bound_server()
    failed = await failing(session, port=80)
    assert failed["error"]["type"] == "PortForbidden"
    assert "hotplate.port" in failed["error"]["message"]


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
async def test_host_unknown(host: str, project: Project, open_session: Open) -> None:
    folder = project({"app.py": WORKING, "pyproject.toml": f'[tool.hotplate]\nhost = "{host}"\n'})
    session = open_session(folder)
    failed = await failing(session)
    assert failed["error"]["type"] == "HostUnknown"
    assert host in failed["error"]["message"]
    assert "hotplate.host" in failed["error"]["message"]
    name, problem = the_problem(session)
    assert (name, problem["range"]["start"]["line"]) == ("pyproject.toml", 1)
    session.save("pyproject.toml", "")
    await session.state("running")
    await session.barrier()
    assert session.all_diagnostics() == {}


async def test_a_unix_socket_that_is_taken_or_cannot_be_made(
    project: Project, open_session: Open
) -> None:
    session = open_session(project({"app.py": WORKING}))
    path = session.folder / "taken"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        failed = await failing(session, host="unix://taken")
        assert failed["error"]["type"] == "SocketTaken"
        for text in (str(path), "hotplate.host"):
            assert text in failed["error"]["message"]
    session.configure({"interpreter": sys.executable, "host": "unix://no/such/folder"})
    failed = await session.state("failed", after=1)
    assert failed["error"]["type"] == "SocketRefused"
    for text in (str(session.folder / "no/such/folder"), "No such file", "hotplate.host"):
        assert text in failed["error"]["message"]
    assert session.notifications("window/showMessageRequest") == []


async def test_port_taken_that_a_flaskenv_names(project: Project, open_session: Open) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        folder = project({"app.py": WORKING, ".flaskenv": f"A=1\nFLASK_RUN_PORT={port}\n"})
        session = open_session(folder)
        await session.start({"interpreter": sys.executable})
        failed = await session.state("failed")
        assert failed["error"]["type"] == "PortTaken"
        name, problem = the_problem(session)
        assert (name, problem["range"]["start"]["line"]) == (".flaskenv", 1)
        session.save(".flaskenv", f"FLASK_RUN_PORT={free_port()}\n")
        await session.state("running")


async def test_certificate_missing(project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": WORKING}))
    failed = await failing(session, cert="cert.pem", key="key.pem")
    assert "cert.pem" in failed["error"]["message"]
    assert "hotplate.cert" in failed["error"]["message"]
    assert len(session.all_diagnostics()) == 1
    assert len(session.notifications("hotplate/traceback")) == 1


async def test_folder_missing(project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": WORKING}))
    failed = await failing(session, cwd="nowhere", autoStart="always")
    assert failed["error"]["type"] == "FolderNotFound"
    assert "nowhere" in failed["error"]["message"]


async def test_a_start_that_hangs(project: Project, open_session: Open) -> None:
    hanging = "import threading\n\n\n\n\nthreading.Event().wait()\n"
    session = open_session(project({"app.py": hanging}))
    await session.start(
        {
            "port": free_port(),
            "interpreter": sys.executable,
            "autoStart": "always",
            "startSeconds": 1,
        }
    )
    problem = await session.diagnostic(session.folder / "app.py", "starting")
    assert problem["severity"] == 2
    assert problem["range"]["start"]["line"] == 5
    assert problem["code"] == "StillStarting"
    assert session.states() == [("starting", 1)]
    session.save("app.py", WORKING)
    running = await session.state("running")
    assert await session.get(running["url"]) == (200, "mended")
    await session.barrier()
    assert session.all_diagnostics() == {}
    assert "failed" not in dict(session.states())
