"""A real language server over real stdio, spoken to by pytest-lsp, with an app beside it."""

from __future__ import annotations

import asyncio
import copy
import functools
import http.client
import os
import socket
import ssl
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lsprotocol import types
from pytest_lsp import LanguageClient, client_capabilities
from pytest_lsp.client import DEFAULT_CLIENT_FEATURES
from pytest_lsp.protocol import LanguageClientProtocol

SERVER = Path(__file__).resolve().parents[2] / "server"
SECONDS = 30.0


class RecordingProtocol(LanguageClientProtocol):
    """Keeps every message of the server as it came over the wire."""

    session: Session

    def structure_message(self, data: dict[str, Any]) -> Any:
        if "jsonrpc" in data:
            self.session.record(copy.deepcopy(data))
        return super().structure_message(data)


class Session:
    """One server, one client, and what has passed between them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.received: list[dict[str, Any]] = []
        self.answers: dict[str, Callable[[Any], Any]] = {}
        """What to answer to the server's requests, by method, where the default won't do."""
        self.command_line: list[str] = []
        """How the server is started, where that is not with this checkout's code."""
        self.stderr = b""
        self._news = asyncio.Condition()
        self._read = 0
        self.client: LanguageClient
        self.process: asyncio.subprocess.Process

    # ------------------------------------------------------------ life

    async def start(
        self,
        settings: Mapping[str, Any] | None = None,
        *,
        options: Mapping[str, Any] | None = None,
        capabilities: types.ClientCapabilities | str = "visual-studio-code",
        experimental: bool | Mapping[str, Any] = False,
        env: Mapping[str, str | None] | None = None,
        trusted: bool = True,
        arguments: tuple[str, ...] = (),
        folders: list[Path] | None = None,
        trace: types.TraceValue | None = None,
    ) -> types.InitializeResult:
        """Start the server and initialize it. `settings` are what workspace/configuration gives."""
        self.client = LanguageClient(protocol_cls=_protocol_of(self))
        _answer(self)
        self.client.set_configuration({"hotplate": dict(settings or {})})
        path = {} if self.command_line else {"PYTHONPATH": str(SERVER)}
        command = self.command_line or [sys.executable, "-m", "hotplate", "lsp"]
        seen = {**os.environ, **path, **(env or {})}
        seen = {name: text for name, text in seen.items() if text is not None}
        await self.client.start_io(*command, *arguments, env=seen)
        assert self.client._server is not None
        self.process = self.client._server
        if self.client._stderr_forwarder is not None:
            self.client._stderr_forwarder.cancel()
        self.client._stderr_forwarder = asyncio.create_task(self._keep_stderr())
        if isinstance(capabilities, str):
            capabilities = client_capabilities(capabilities)
        if experimental:
            capabilities.experimental = {"hotplate": experimental}
        opened = folders if folders is not None else [self.folder]
        return await self.client.initialize_session(
            types.InitializeParams(
                process_id=os.getpid(),
                capabilities=capabilities,
                root_uri=opened[0].as_uri() if opened else None,
                workspace_folders=[types.WorkspaceFolder(f.as_uri(), f.name) for f in opened],
                initialization_options={"trusted": trusted, **(options or {})},
                trace=trace,
            )
        )

    async def run(self, **settings: Any) -> dict[str, Any]:
        """Start the server with some settings, and wait until the app runs; its state."""
        await self.start({"port": free_port(), "interpreter": sys.executable, **settings})
        return await self.state("running")

    async def end(self) -> None:
        """shutdown and exit, as an editor does it."""
        if self.process.returncode is None:
            await self.client.shutdown_session()
            await asyncio.wait_for(self.process.wait(), SECONDS)

    async def _keep_stderr(self) -> None:
        assert self.process.stderr is not None
        while data := await self.process.stderr.read(65536):
            self.stderr += data
            sys.stderr.write(data.decode("utf-8", "replace"))

    # ------------------------------------------------------------ what came

    def record(self, message: dict[str, Any]) -> None:
        self.received.append(message)
        asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    def notifications(self, method: str) -> list[dict[str, Any]]:
        """The params of all notifications of a method so far."""
        return [m["params"] for m in self.received if m.get("method") == method]

    async def until(
        self, found: Callable[[], Any], seconds: float = SECONDS, what: str = ""
    ) -> Any:
        """Wait for messages until `found()` is true; its value."""
        deadline = time.monotonic() + seconds
        async with self._news:
            while not (value := found()):
                left = deadline - time.monotonic()
                try:
                    await asyncio.wait_for(self._news.wait(), max(left, 0.001))
                except (TimeoutError, asyncio.TimeoutError):
                    tail = [m for m in self.received if m.get("method") != "window/logMessage"]
                    raise AssertionError(f"waited in vain for {what}: {tail[-6:]}") from None
            return value

    async def notification(
        self, method: str, matches: Callable[[dict[str, Any]], bool] = lambda _: True
    ) -> dict[str, Any]:
        """The first notification that matches, come or to come."""

        def found() -> dict[str, Any] | None:
            return next((p for p in self.notifications(method) if matches(p)), None)

        result: dict[str, Any] = await self.until(found, what=method)
        return result

    async def state(self, state: str, after: int = 0, **matching: Any) -> dict[str, Any]:
        """The first `hotplate/state` of a state whose generation is above `after`."""

        def matches(params: dict[str, Any]) -> bool:
            return (
                params["state"] == state
                and params["generation"] > after
                and all(params.get(key) == value for key, value in matching.items())
            )

        return await self.notification("hotplate/state", matches)

    def states(self) -> list[tuple[str, int]]:
        return [(p["state"], p["generation"]) for p in self.notifications("hotplate/state")]

    def diagnostics(self, path: Path) -> list[dict[str, Any]]:
        """What is shown for a file now."""
        uri = path.as_uri()
        published = [
            p for p in self.notifications("textDocument/publishDiagnostics") if p["uri"] == uri
        ]
        return published[-1]["diagnostics"] if published else []

    def published(self, path: Path) -> list[list[dict[str, Any]]]:
        """Every list of problems that was ever shown for a file."""
        uri = path.as_uri()
        told = self.notifications("textDocument/publishDiagnostics")
        return [params["diagnostics"] for params in told if params["uri"] == uri]

    def all_diagnostics(self) -> dict[str, list[dict[str, Any]]]:
        """What is shown now, for every file that has a problem."""
        shown = {
            params["uri"]: params["diagnostics"]
            for params in self.notifications("textDocument/publishDiagnostics")
        }
        return {uri: problems for uri, problems in shown.items() if problems}

    async def diagnostic(self, path: Path, text: str = "") -> dict[str, Any]:
        """The first problem shown for a file whose message holds `text`."""

        def found() -> dict[str, Any] | None:
            return next((d for d in self.diagnostics(path) if text in d["message"]), None)

        result: dict[str, Any] = await self.until(found, what=f"a problem in {path.name}")
        return result

    async def no_diagnostics(self, path: Path) -> None:
        await self.until(lambda: not self.diagnostics(path), what=f"no problem in {path.name}")

    # ------------------------------------------------------------ what the person does

    def write(self, name: str, text: str | bytes) -> Path:
        """Write a file of the project, without a word to the server."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def did_save(self, *names: str) -> None:
        """didSave for files that are on disk already."""
        for name in names:
            identifier = types.TextDocumentIdentifier((self.folder / name).as_uri())
            self.client.text_document_did_save(types.DidSaveTextDocumentParams(identifier))

    def save(self, name: str, text: str | bytes) -> Path:
        """What an editor does: write the file, then say so."""
        path = self.write(name, text)
        self.did_save(name)
        return path

    def configure(self, settings: Mapping[str, Any], push: bool = False) -> None:
        """The person edits the editor's settings. `push`: the client sends them along."""
        self.client.set_configuration({"hotplate": dict(settings)})
        sent = {"hotplate": dict(settings)} if push else None
        self.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(sent))

    def changed_outside(self, *names: str) -> None:
        """The editor tells of files that something else has changed."""
        self.client.workspace_did_change_watched_files(
            types.DidChangeWatchedFilesParams(
                [
                    types.FileEvent((self.folder / name).as_uri(), types.FileChangeType.Changed)
                    for name in names
                ]
            )
        )

    def will_save(self, name: str, reason: types.TextDocumentSaveReason) -> None:
        """What an editor says before it saves."""
        identifier = types.TextDocumentIdentifier((self.folder / name).as_uri())
        self.client.text_document_will_save(types.WillSaveTextDocumentParams(identifier, reason))

    async def command(self, name: str, *arguments: Any) -> Any:
        """A command's answer."""
        params = types.ExecuteCommandParams(f"hotplate.{name}", list(arguments))
        return await asyncio.wait_for(self.client.workspace_execute_command_async(params), SECONDS)

    async def barrier(self) -> None:
        """Come back once the server has handled all that was sent before."""
        await self.command("state")

    async def get(self, url: str, path: str = "/", **headers: str) -> tuple[int, str]:
        """GET, on a connection of its own: the status and the body."""
        return await asyncio.to_thread(get, url, path, headers)


def get(url: str, path: str = "/", headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    """GET, on a connection of its own: the status and the body. A certificate is not looked at;
    `unix://…` is a socket's path."""
    connection = _connection(url)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        response = connection.getresponse()
        return response.status, response.read().decode("utf-8", "replace")
    finally:
        connection.close()


def _connection(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    if parts.scheme == "https":
        context = ssl._create_unverified_context()
        return http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=SECONDS, context=context
        )
    connection = http.client.HTTPConnection(parts.hostname or "x", parts.port, timeout=SECONDS)
    if parts.scheme == "unix":
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(SECONDS)
        connection.sock.connect(url[len("unix://") :])
    return connection


def free_port() -> int:
    """A port that was free just now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _protocol_of(session: Session) -> type[RecordingProtocol]:
    class Protocol(RecordingProtocol):
        pass

    Protocol.session = session
    return Protocol


def _answer(session: Session) -> None:
    """Answer the server's requests; tests may put answers of their own."""
    client = session.client

    def answer(method: str, default: Callable[[Any], Any]) -> None:
        @client.feature(method)
        async def handler(params: Any) -> Any:
            reply = session.answers.get(method, default)(params)
            return await reply if isinstance(reply, Awaitable) else reply

    for method, feature in DEFAULT_CLIENT_FEATURES.items():
        answer(method, functools.partial(feature, client))
    answer(types.CLIENT_REGISTER_CAPABILITY, lambda _: None)
    answer(types.CLIENT_UNREGISTER_CAPABILITY, lambda _: None)
    answer(types.WORKSPACE_CODE_LENS_REFRESH, lambda _: None)
    answer(types.WINDOW_SHOW_MESSAGE_REQUEST, lambda _: None)
