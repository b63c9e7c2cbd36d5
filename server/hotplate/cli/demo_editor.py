"""The demo's editor: it speaks LSP to a real server, and nobody sits at it."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lsprotocol import types

from hotplate.cli.demo_client import Client
from hotplate.lsp import protocol

PATIENCE = 10.0
"""Seconds to wait for anything. All of it comes within one, where all is well."""


class Off(Exception):
    """Something is not as it should be."""

    def __init__(self, expected: str, came: str) -> None:
        super().__init__(f"expected {expected}; came: {came}")
        self.expected = expected
        self.came = came


class Editor:
    """One window with one folder open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.states: list[dict[str, Any]] = []
        self.tracebacks: list[dict[str, Any]] = []
        self.pins: list[dict[str, Any]] = []
        self.shown: list[str] = []
        """The addresses that the server has had opened in the person's browser."""
        self.output: deque[str] = deque(maxlen=12)
        self.complaints: deque[str] = deque(maxlen=12)
        """What the server has written to its standard error or popped up."""
        self._problems: dict[str, list[dict[str, Any]]] = {}
        self._news = asyncio.Event()
        self._client = Client(self._heard, self._news.set)
        self._reading: asyncio.Task[None] | None = None

    # ------------------------------------------------------------ life

    async def open(self, settings: Mapping[str, Any]) -> None:
        """Start the server and open the folder, as one that the person trusts."""
        self._answer(settings)
        await self._client.start_io(
            sys.executable, "-m", "hotplate", "lsp", "--stdio", env=_environment()
        )
        self._reading = asyncio.create_task(self._read_errors())
        capabilities = types.ClientCapabilities(
            workspace=types.WorkspaceClientCapabilities(configuration=True),
            window=types.WindowClientCapabilities(
                show_document=types.ShowDocumentClientCapabilities(support=True)
            ),
            experimental={"hotplate": True},
        )
        uri = self.folder.as_uri()
        initializing = self._client.initialize_async(
            types.InitializeParams(
                process_id=os.getpid(),
                capabilities=capabilities,
                root_uri=uri,
                workspace_folders=[types.WorkspaceFolder(uri, self.folder.name)],
                initialization_options={"trusted": True},
            )
        )
        await self._answered("an answer to `initialize`", initializing)
        self._client.initialized(types.InitializedParams())

    @property
    def server(self) -> asyncio.subprocess.Process:
        """The language server's process."""
        assert self._client._server is not None
        return self._client._server

    async def close(self) -> None:
        """End the server, the polite way first."""
        if self._client._server is None:
            return
        try:
            if self.server.returncode is None:
                await asyncio.wait_for(self._client.shutdown_async(None), 2)
                self._client.exit(None)
                await asyncio.wait_for(self.server.wait(), 2)
        except Exception:
            pass  # whatever it was that went wrong, the server is about to be gone
        finally:
            if self.server.returncode is None:
                self.server.kill()
            await self.server.wait()
            if self._reading is not None:
                self._reading.cancel()

    # ------------------------------------------------------------ what the person does

    def save(self, *paths: Path) -> float:
        """Tell of files that have been written; the moment, by `time.perf_counter`."""
        moment = time.perf_counter()
        for path in paths:
            document = types.TextDocumentIdentifier(path.as_uri())
            self._client.text_document_did_save(types.DidSaveTextDocumentParams(document))
        return moment

    async def caught_up(self) -> None:
        """Wait until the server has read all that was sent: it handles messages in their order."""
        await self.command("hotplate.state")

    async def command(self, name: str, *arguments: Any) -> Any:
        """Run a command; its answer."""
        params = types.ExecuteCommandParams(name, list(arguments))
        running = self._client.workspace_execute_command_async(params)
        return await self._answered(f"an answer to the command {name}", running)

    # ------------------------------------------------------------ what the person sees

    def problems(self, path: Path) -> list[dict[str, Any]]:
        """What is shown in a file now."""
        return self._problems.get(path.as_uri(), [])

    @property
    def all_problems(self) -> list[dict[str, Any]]:
        return [each for problems in self._problems.values() for each in problems]

    @property
    def generation(self) -> int:
        """How often the app has been started."""
        return int(self.states[-1]["generation"]) if self.states else 0

    async def state(self, wanted: str, after: int = 0) -> dict[str, Any]:
        """The app in a state, in a generation above `after`: that one, and no other outcome."""
        outcomes = {wanted, "running", "failed", "stopped"}

        def found() -> dict[str, Any] | None:
            fresh = (state for state in self.states if state["generation"] > after)
            return next((state for state in fresh if state["state"] in outcomes), None)

        expected = f"the app to be {wanted}"
        outcome: dict[str, Any] = await self.until(expected, found)
        if outcome["state"] != wanted:
            raise Off(expected, self._situation())
        return outcome

    async def until(self, expected: str, found: Callable[[], Any]) -> Any:
        """Wait for messages until `found()` is true; its value. Raises Off."""
        deadline = time.monotonic() + PATIENCE
        while not (value := found()):
            if self.server.returncode is not None:
                raise Off(expected, f"the language server has ended ({self.server.returncode})")
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), max(deadline - time.monotonic(), 0.001))
            except (TimeoutError, asyncio.TimeoutError):
                raise Off(expected, f"not that in {PATIENCE:g} s; {self._situation()}") from None
        return value

    async def _answered(self, expected: str, request: Any) -> Any:
        try:
            return await asyncio.wait_for(request, PATIENCE)
        except (TimeoutError, asyncio.TimeoutError):
            raise Off(expected, f"none in {PATIENCE:g} s; {self._situation()}") from None
        except Exception as error:
            raise Off(expected, str(error)) from error

    def _situation(self) -> str:
        if not self.states:
            return "the server has told no state"
        last = self.states[-1]
        error = last.get("error")
        why = f" ({error['type']}: {error['message']})" if error else ""
        shown = [problem["message"] for problem in self.all_problems]
        return f"the last state is {last['state']}{why}, shown problems: {shown or 'none'}"

    # ------------------------------------------------------------ messages

    def _heard(self, message: dict[str, Any]) -> None:
        params = message.get("params")
        match message.get("method"):
            case protocol.STATE:
                self.states.append(params or {})
            case protocol.TRACEBACK:
                self.tracebacks.append(params or {})
            case protocol.DEBUGGER_PIN:
                self.pins.append(params or {})
            case protocol.OUTPUT:
                self.output += (params or {})["text"].splitlines()
            case types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS:
                published = params or {}
                self._problems[published["uri"]] = published["diagnostics"]
            case types.WINDOW_SHOW_MESSAGE | types.WINDOW_SHOW_MESSAGE_REQUEST:
                self.complaints.append((params or {})["message"])
            case types.WINDOW_SHOW_DOCUMENT:
                self.shown.append((params or {})["uri"])
        self._news.set()

    def _answer(self, settings: Mapping[str, Any]) -> None:
        """What the server asks of an editor."""

        def configuration(params: types.ConfigurationParams) -> list[Any]:
            return [dict(settings) for _ in params.items]

        def show_document(params: types.ShowDocumentParams) -> types.ShowDocumentResult:
            return types.ShowDocumentResult(success=True)

        def ask(params: types.ShowMessageRequestParams) -> None:
            return None  # closed without a choice

        for method, answer in (
            (types.WORKSPACE_CONFIGURATION, configuration),
            (types.WINDOW_SHOW_DOCUMENT, show_document),
            (types.WINDOW_SHOW_MESSAGE_REQUEST, ask),
        ):
            self._client.feature(method)(answer)

    async def _read_errors(self) -> None:
        errors = self.server.stderr
        while errors is not None and (line := await errors.readline()):
            self.complaints.append(line.decode("utf-8", "replace").rstrip())


def _environment() -> dict[str, str]:
    """Ours, without what would tell Flask about another app than the demo's."""
    env = {name: text for name, text in os.environ.items() if not name.startswith("FLASK_")}
    return {**env, "FLASK_SKIP_DOTENV": "1"}
