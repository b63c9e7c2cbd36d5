"""What no well-behaved client sends, and folders that nobody would choose: the server stays up."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.broken import WORKING
from support.permissions import bound_server
from support.processes import needs_proc, until_nobody
from support.raw import RawServer, frame
from support.session import Session, free_port, get

APP = """\
from flask import Flask

app = Flask(__name__)
app.add_url_rule("/", view_func=lambda: "hello")
"""
METHOD_NOT_FOUND = -32601
NOT_INITIALIZED = -32002


async def initialized(server: RawServer) -> RawServer:
    await server.spawn()
    await server.initialize({"autoStart": "never"})
    return server


def request(number: int, method: Any = "workspace/executeCommand", **more: Any) -> dict[str, Any]:
    params = {"command": "hotplate.state"}
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params, **more}


# ---------------------------------------------------------------- bytes


NOISE = {
    "garbage": b"\x00\xff\xfegarbage\r\nmore garbage\r\n\r\n",
    "a line without an end": b"x" * 3_000_000 + b"\r\n\r\n",
    "no length": b"Content-Type: application/json\r\n\r\n",
    "a length that is none": b"Content-Length: many\r\n\r\n",
    "a negative length": b"Content-Length: -5\r\n\r\n",
    "an empty body": b"Content-Length: 0\r\n\r\n",
    "no JSON": b"Content-Length: 9\r\n\r\nnot json!",
    "no UTF-8": b"Content-Length: 4\r\n\r\n\xff\xfe\xfd\xfc",
    "a list": b"Content-Length: 2\r\n\r\n[]",
    "a batch": b"Content-Length: 40\r\n\r\n" + b'[{"jsonrpc":"2.0","method":"x","id":91}]',
    "a number": b"Content-Length: 2\r\n\r\n42",
    "null": b"Content-Length: 4\r\n\r\nnull",
    "an empty object": b"Content-Length: 2\r\n\r\n{}",
    "NaN": b"Content-Length: 3\r\n\r\nNaN",
    "deep": b"Content-Length: 400000\r\n\r\n" + b"[" * 400_000,
    "deep params": b"Content-Length: 20044\r\n\r\n"
    + b'{"jsonrpc":"2.0","method":"x","params":[%s]}' % (b"[" * 10_001 + b"]" * 10_001),
    "a number too long": b"Content-Length: 5000\r\n\r\n" + b"9" * 5_000,
}  # fmt: skip


async def test_noise(project: Callable[..., Path], raw_server: Callable[[Path], RawServer]) -> None:
    server = await initialized(raw_server(project({"app.py": APP})))
    for noise in NOISE.values():
        server.send_bytes(noise)
        await server.is_responsive()
        server.send_bytes(noise * 2)
        await server.is_responsive()


async def test_a_length_that_is_too_short(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    """The rest of the body is noise; the next message that begins on a line of its own counts."""
    server = await initialized(raw_server(project({"app.py": APP})))
    body = json.dumps(request(90)).encode()
    server.send_bytes(b"Content-Length: %d\r\n\r\n%s\r\n" % (len(body) - 10, body))
    await server.is_responsive()


async def test_a_length_beyond_all_measure_ends_the_server(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    """Nothing behind it can be understood, and nobody is to wait for ever."""
    server = await initialized(raw_server(project({"app.py": APP})))
    server.send_bytes(b"Content-Length: 99999999999999\r\n\r\n{}")
    await asyncio.wait_for(server.process.wait(), 10)


HEADERS = {
    "odd case": b"CONTENT-length:%d\r\n\r\n%s",
    "blanks": b"  Content-Length  :   %d  \r\n\r\n%s",
    "with type": b"Content-Length: %d\r\n"
    b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n%s",
    "type first": b"content-type: application/json; charset=utf8\r\nContent-Length: %d\r\n\r\n%s",
    "newlines only": b"Content-Length: %d\n\n%s",
    "empty lines before": b"\r\n\r\n\r\nContent-Length: %d\r\n\r\n%s",
    "unknown ones": b"X-What: ever\r\nContent-Length: %d\r\nY: z\r\n\r\n%s",
}


async def test_headers(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    server = await initialized(raw_server(project({"app.py": APP})))
    for number, header in enumerate(HEADERS.values(), 900):
        body = json.dumps(request(number)).encode()
        server.send_bytes(header % (len(body), body))
        assert "result" in await server.answer_to(number)


async def test_a_message_in_single_bytes(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    server = await initialized(raw_server(project({"app.py": APP})))
    assert server.process.stdin is not None
    for byte in frame(request(90)):
        server.send_bytes(bytes([byte]))
        await server.process.stdin.drain()
    assert "result" in await server.answer_to(90)


@needs_proc
@pytest.mark.parametrize("half", [b"Content-Le", b"Content-Length: 100\r\n", frame({"a": 1})[:-3]])
async def test_half_a_message_and_the_end(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer], half: bytes
) -> None:
    server = raw_server(project({"app.py": APP}))
    await server.spawn()
    await server.initialize({"port": free_port()})
    await server.state("running")
    server.send_bytes(half)
    assert server.process.stdin is not None
    server.process.stdin.close()
    await until_nobody(server.mark)


# ---------------------------------------------------------------- messages


async def test_unknown_methods(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    server = await initialized(raw_server(project({"app.py": APP})))
    for method in ("no/such", "$/no/such", "hotplate/state", "textDocument/hover", ""):
        answer = await server.request(method, {"a": 1})
        assert answer["error"]["code"] == METHOD_NOT_FOUND, answer
        server.notify(method, {"a": 1})
    await server.is_responsive()
    assert not server.all("window/showMessage")


ABSURD: list[dict[str, Any]] = [
    {"id": 90, "method": "hotplate.state"},
    {"jsonrpc": "1.0", "id": 90, "method": "shutdown"},
    {"jsonrpc": "2.0", "id": 90, "method": 7},
    {"jsonrpc": "2.0", "id": 90, "method": None},
    {"jsonrpc": "2.0", "id": 90, "method": ["shutdown"]},
    request(90, params=None),
    request(90, params=[]),
    request(90, params="hotplate.state"),
    request(90, params={"command": 1}),
    request(90, params={"command": "no.such"}),
    request(90, params={"command": "hotplate.start", "arguments": [7]}),
    request(90, params={"command": "hotplate.start", "arguments": [[]]}),
    request(90, params={"command": "hotplate.start", "arguments": [{"app": "none"}]}),
    request(90, params={"command": "hotplate.start", "arguments": [{"app": 7}]}),
    request(90, params={"command": "hotplate.start", "arguments": 5}),
    request(90, "textDocument/codeLens", params=None),
    request(90, "textDocument/codeLens", params={"textDocument": 5}),
    request(90, "initialize", params=None),
    request(90, "initialize", params={"capabilities": 4}),
]


async def test_requests_that_make_no_sense(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    server = await initialized(raw_server(project({"app.py": APP})))
    for number, message in enumerate(ABSURD, 900):
        server.send_bytes(frame({**message, "id": number}))
        answer = await server.answer_to(number)
        assert answer.get("error", {}).get("message"), (message, answer)
        await server.is_responsive()


async def test_notifications_that_make_no_sense(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    server = raw_server(project({"app.py": APP}))
    await server.spawn()
    await server.initialize({"port": free_port()})
    await server.state("running")
    for method in (
        "textDocument/didSave",
        "textDocument/willSave",
        "textDocument/didOpen",
        "textDocument/didChange",
        "textDocument/didClose",
        "workspace/didChangeWatchedFiles",
        "workspace/didChangeConfiguration",
        "workspace/didChangeWorkspaceFolders",
        "window/workDoneProgress/cancel",
        "$/cancelRequest",
        "$/setTrace",
        "initialized",
    ):
        for params in (
            None, [], "x", 5, {}, {"textDocument": None}, {"textDocument": {"uri": 5}},
            {"textDocument": {"uri": ""}}, {"changes": [{"uri": None, "type": 9}]},
            {"settings": [1]}, {"settings": {"hotplate": "x"}}, {"id": {}}, {"event": {}},
        ):  # fmt: skip
            server.notify(method, params)
        await server.is_responsive()
    for response in ({"id": 12345}, {"id": None}, {"id": []}, {"id": "x", "error": 5}):
        server.send_bytes(frame({"jsonrpc": "2.0", "result": None, **response}))
    await server.is_responsive()
    assert server.all("hotplate/state")[-1]["state"] == "running"


async def test_before_initialize(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    server = raw_server(project({"app.py": APP}))
    await server.spawn()
    server.notify("initialized", {})
    server.save("app.py")
    for method in ("workspace/executeCommand", "textDocument/codeLens", "textDocument/hover"):
        params = {"command": "hotplate.state", "textDocument": {"uri": server.folder.as_uri()}}
        answer = await server.request(method, params)
        assert answer["error"]["code"] == NOT_INITIALIZED
    assert "result" in await server.initialize({"port": free_port()})
    await server.state("running")


async def test_initialize_twice(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    server = raw_server(project({"app.py": APP}))
    await server.spawn()
    await server.initialize({"port": free_port()})
    url = (await server.state("running"))["url"]
    assert "error" in await server.initialize({"port": free_port()})
    apps = (await server.command("state"))["result"]["apps"]
    assert [app["state"] for app in apps] == ["running"]
    assert await asyncio.to_thread(get, url) == (200, "hello")


# ---------------------------------------------------------------- files and folders


async def test_saves_of_what_is_no_file(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    server = raw_server(project({"app.py": APP}))
    await server.spawn()
    await server.initialize({"port": free_port()})
    await server.state("running")
    here = server.folder.as_uri()
    for uri in (
        f"{here}/missing.py",
        f"{here}/missing/missing.py",
        here,
        "untitled:Untitled-1",
        f"git:{server.folder}/app.py?%7B%22ref%22%3A%22HEAD%22%7D",
        f"vscode-notebook-cell:{server.folder}/x.ipynb#W0sZmlsZQ",
        f"{here}/app.py%00",
        f"{here}/%ff%fe.py",
        "file://server/share/app.py",
        "file:///",
        "file:",
        "file:////app.py",
        "file:///C%3A/app.py",
        "http://localhost/app.py",
        "://",
        "app.py",
        "file://[bad/app.py",
        f"{here}/{'x' * 5000}.py",
        "\ud800",
    ):
        params = {"textDocument": {"uri": uri}}
        server.notify("textDocument/willSave", {**params, "reason": 2})
        server.notify("textDocument/didSave", params)
        server.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": uri, "type": 2}]})
        server.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": uri, "type": 3}]})
        assert "error" not in await server.request("textDocument/codeLens", params), uri
        await server.is_responsive()
    assert (server.all("hotplate/state")[-1]["state"]) == "running"
    assert (server.all("hotplate/state")[-1]["generation"]) == 1


async def test_a_folder_that_vanishes(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    """The save finds nothing to run, says so, and all is well once the folder is back."""
    server = raw_server(project({"app.py": APP}))
    await server.spawn()
    await server.initialize({"port": free_port()})
    url = (await server.state("running"))["url"]
    shutil.rmtree(server.folder)
    server.save("app.py")
    failed = await server.state("failed")
    assert failed["error"]["message"]
    assert (await asyncio.to_thread(get, url))[0] == 500
    server.folder.mkdir()
    server.save("app.py", APP)
    await server.state("running", after=failed["generation"])
    assert await asyncio.to_thread(get, url) == (200, "hello")


FOLDERS: dict[str, Any] = {
    "none": {"rootUri": None, "workspaceFolders": None},
    "no list": {"rootUri": None, "workspaceFolders": []},
    "not on this machine": {
        "rootUri": "vscode-remote://ssh/x",
        "workspaceFolders": [{"uri": "vscode-remote://ssh/x", "name": "x"}],
    },
    "missing": {
        "rootUri": "file:///no/such/folder",
        "workspaceFolders": [{"uri": "file:///no/such/folder", "name": "x"}],
    },
    "odd": {"rootUri": "", "workspaceFolders": [{"uri": "", "name": ""}]},
}


@pytest.mark.parametrize("folders", FOLDERS)
async def test_workspaces_without_a_folder(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer], folders: str
) -> None:
    server = raw_server(project({"app.py": APP}))
    await server.spawn()
    await server.initialize(**FOLDERS[folders])
    await server.is_responsive()
    assert "error" in await server.command("stop", {"app": "x"})
    server.save("app.py")
    added = {"uri": server.folder.as_uri(), "name": "shop"}
    event = {"added": [added], "removed": []}
    server.notify("workspace/didChangeWorkspaceFolders", {"event": event})
    await server.state("running")
    event = {"added": [], "removed": [added]}
    server.notify("workspace/didChangeWorkspaceFolders", {"event": event})
    await server.state("stopped")


async def test_the_root_uri_of_old_clients(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    folder = project({"app.py": APP})
    for params in ({"rootUri": folder.as_uri()}, {"rootPath": str(folder), "rootUri": None}):
        server = raw_server(folder)
        await server.spawn()
        await server.initialize({"port": free_port()}, **{"workspaceFolders": None, **params})
        await server.state("running")


NAMES = ["naïve café 🐈 漢字", "100% #1 [x] ?& ; {y}", '-dash\'s "two"']


@pytest.mark.parametrize("name", NAMES)
async def test_names_of_folders(
    project: Callable[..., Path], open_session: Callable[[Path], Session], name: str
) -> None:
    folder = project({"app.py": "import part\n" + APP, "part.py": ""}, name)
    session = open_session(folder)
    running = await session.run()
    assert running["folder"] == folder.as_uri()
    session.save("part.py", "x = 1 / 0\n")
    failed = await session.state("failed")
    assert failed["error"]["uri"] == (folder / "part.py").as_uri()
    await session.diagnostic(folder / "part.py", "ZeroDivisionError")
    session.save("part.py", "")
    await session.state("running", after=2)
    await session.no_diagnostics(folder / "part.py")


async def test_a_folder_that_is_a_symbolic_link(
    project: Callable[..., Path], open_session: Callable[[Path], Session], tmp_path: Path
) -> None:
    """What is told is spelled as the editor spells it."""
    real = project({"app.py": "import part\n" + APP, "part.py": ""})
    folder = tmp_path / "link"
    os.symlink(real, folder)
    session = open_session(folder)
    running = await session.run()
    session.save("part.py", "x = 1 / 0\n")
    failed = await session.state("failed")
    assert failed["error"]["uri"] == (folder / "part.py").as_uri()
    await session.diagnostic(folder / "part.py", "ZeroDivisionError")
    session.save("part.py", "")
    await session.state("running", after=2)
    assert running["folder"] == folder.as_uri()


async def test_a_folder_that_cannot_be_written_to(
    project: Callable[..., Path], open_session: Callable[[Path], Session]
) -> None:
    folder = project({"app.py": APP})
    folder.chmod(0o555)
    try:
        session = open_session(folder)
        session.command_line = bound_server()
        url = (await session.run())["url"]
        assert await session.get(url) == (200, "hello")
    finally:
        folder.chmod(0o755)


@pytest.mark.parametrize(
    "settings",
    [
        {"env": {"A": "x\0y"}},
        {"env": {"A=B": "x"}},
        {"env": {"": "x"}},
        {"cwd": "a\0b"},
        {"app": "\0"},
        {"app": "(" * 300},
        {"host": "no such host"},
        {"host": "\0"},
        {"host": "x" * 300},
        {"host": "ü" * 70},
        {"interpreter": "/dev/null"},
        {"interpreter": "a\0b"},
        {"envFile": "\0"},
        {"extraFiles": ["\0"]},
        {"cert": "\0"},
        {"args": ["\0"], "script": "app.py"},
        {"script": "\0"},
    ],
    ids=repr,
)
async def test_settings_that_make_no_sense(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer], settings: dict[str, Any]
) -> None:
    """The start comes to an end, good or bad."""
    server = raw_server(project({"app.py": APP}))
    sane = {"port": free_port(), "interpreter": sys.executable}
    await server.spawn()
    await server.initialize({**sane, "autoStart": "always", **settings})
    await server.until(
        lambda: any(p["state"] in ("running", "failed") for p in server.all("hotplate/state")),
        "an end of the start",
    )
    await server.is_responsive()
    await server.command("stop")
    await server.state("stopped")


async def test_a_linked_folder_whose_start_could_not_be_planned(
    project: Callable[..., Path], open_session: Callable[[Path], Session], tmp_path: Path
) -> None:
    """Promise 6: while it is failed, any Python file of the project sets it off."""
    real = project({"app.py": WORKING})
    folder = tmp_path / "link"
    os.symlink(real, folder)
    session = open_session(folder)
    await session.start({"port": free_port(), "interpreter": "bin/python"})
    await session.state("failed")
    (real / "bin").mkdir()
    os.symlink(sys.executable, real / "bin/python")
    session.save("app.py", WORKING)
    await session.state("running", after=1)


@pytest.mark.parametrize("key", ["folder", "cwd"])
async def test_a_folder_that_cannot_be_looked_at(
    key: str, project: Callable[..., Path], open_session: Callable[[Path], Session]
) -> None:
    """As one that may not be entered, which root may."""
    session = open_session(project({"app.py": WORKING}))
    await session.start({"port": 0, "interpreter": sys.executable, "app": "app", key: "x" * 300})
    failed = await session.state("failed")
    assert failed["error"]["type"] == "FolderNotFound"
    told = [p["message"] for p in session.notifications("window/showMessage")]
    assert not [message for message in told if "mistake of Hotplate's" in message]


async def test_localhost_in_a_uri(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    folder = project({"app.py": WORKING})
    uri = f"file://localhost{folder}"
    server = raw_server(folder)
    await server.spawn()
    folders = [{"uri": uri, "name": "shop"}]
    await server.initialize({"port": 0}, rootUri=uri, workspaceFolders=folders)
    await server.state("running")
