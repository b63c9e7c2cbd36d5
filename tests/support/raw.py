"""A server spoken to byte by byte: for what no well-behaved client would send, or leave undone."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from support.processes import MARK
from support.session import SECONDS, SERVER

NEVER = object()
"""Given by an answerer: this request of the server's gets no answer."""


def frame(message: Any) -> bytes:
    """A message with its header."""
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


class RawServer:
    """One server process. `answer` is asked for each request of the server's; by default it
    answers none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = uuid.uuid4().hex
        self.received: list[dict[str, Any]] = []
        self.answer: Callable[[str, Any], Any] = lambda method, params: NEVER
        self.reading = asyncio.Event()
        self.reading.set()
        self.stalled = asyncio.Event()
        self.process: asyncio.subprocess.Process
        self._news = asyncio.Condition()
        self._number = 0
        self._task: asyncio.Task[None] | None = None

    # ------------------------------------------------------------ life

    async def spawn(
        self,
        env: Mapping[str, str] | None = None,
        command: Sequence[str] = (sys.executable, "-m", "hotplate", "lsp"),
        **popen: Any,
    ) -> None:
        """Start the process; nothing is said to it yet."""
        self.process = await asyncio.create_subprocess_exec(
            *command,
            stdin=popen.pop("stdin", asyncio.subprocess.PIPE),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(SERVER), MARK: self.mark, **(env or {})},
            **popen,
        )
        self._task = asyncio.create_task(self._read())

    async def initialize(
        self, settings: Mapping[str, Any] | None = None, **params: Any
    ) -> dict[str, Any]:
        """`initialize` and `initialized`, with the settings in initializationOptions."""
        return await self.answer_to(self.post_initialize(settings, **params))

    def post_initialize(self, settings: Mapping[str, Any] | None = None, **params: Any) -> int:
        """The same without waiting for the answer; its id."""
        number = self.post(
            "initialize",
            {
                "processId": os.getpid(),
                "capabilities": {},
                "rootUri": self.folder.as_uri(),
                "workspaceFolders": [{"uri": self.folder.as_uri(), "name": "shop"}],
                "initializationOptions": {
                    "trusted": True,
                    "interpreter": sys.executable,
                    **(settings or {}),
                },
                **params,
            },
        )
        self.notify("initialized", {})
        return number

    async def end(self) -> None:
        """Whatever has become of it, it is gone after this."""
        if self.process.returncode is None:
            if self.process.stdin is not None:
                self.process.stdin.close()
            self.reading.set()
            try:
                await asyncio.wait_for(self.process.wait(), 3)
            except (TimeoutError, asyncio.TimeoutError):
                self.process.kill()
                await self.process.wait()
        if self._task is not None:
            self._task.cancel()

    # ------------------------------------------------------------ to the server

    def send_bytes(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def notify(self, method: str, params: Any) -> None:
        self.send_bytes(frame({"jsonrpc": "2.0", "method": method, "params": params}))

    def post(self, method: str, params: Any = None) -> int:
        """Send a request, and do not wait for its answer; its id."""
        self._number += 1
        message = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
        self.send_bytes(frame(message))
        return self._number

    async def request(self, method: str, params: Any = None) -> dict[str, Any]:
        """The whole answer, be it a result or an error."""
        return await self.answer_to(self.post(method, params))

    async def answer_to(self, number: int) -> dict[str, Any]:
        return await self.until(
            lambda: next(
                (m for m in self.received if m.get("id") == number and "method" not in m), None
            ),
            f"the answer to request {number}",
        )

    async def command(self, name: str, *arguments: Any) -> dict[str, Any]:
        params = {"command": f"hotplate.{name}", "arguments": list(arguments)}
        return await self.request("workspace/executeCommand", params)

    async def is_responsive(self) -> None:
        """Fails where the server does not answer any more."""
        assert "apps" in (await self.command("state"))["result"]

    def save(self, name: str, text: str | None = None) -> None:
        """didSave, of a file that is written before if there is something to write."""
        path = self.folder / name
        if text is not None:
            path.write_text(text)
        self.notify("textDocument/didSave", {"textDocument": {"uri": path.as_uri()}})

    async def is_not_read(self) -> None:
        """After `reading.clear()`: come back once nothing is read any more."""
        self.post("workspace/executeCommand", {"command": "hotplate.state"})
        await self.stalled.wait()

    # ------------------------------------------------------------ from the server

    async def until(self, found: Callable[[], Any], what: str) -> Any:
        """Wait for messages until `found()` is true; its value."""

        async def wait() -> Any:
            async with self._news:
                while not (value := found()):
                    assert self._task is not None and not self._task.done(), (
                        f"the server has ended; waited for {what}"
                    )
                    await self._news.wait()
                return value

        try:
            return await asyncio.wait_for(wait(), SECONDS)
        except (TimeoutError, asyncio.TimeoutError):
            raise AssertionError(f"waited in vain for {what}: {self.received[-5:]}") from None

    def all(self, method: str) -> list[dict[str, Any]]:
        return [m["params"] for m in self.received if m.get("method") == method]

    async def state(self, state: str, after: int = 0) -> dict[str, Any]:
        def found() -> Any:
            for params in self.all("hotplate/state"):
                if params["state"] == state and params["generation"] > after:
                    return params
            return None

        return await self.until(found, f"{state} after {after}")

    async def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        try:
            while True:
                if not self.reading.is_set():
                    self.stalled.set()
                    await self.reading.wait()
                length = 0
                while line := (await stream.readuntil(b"\r\n")).strip():
                    name, _, value = line.partition(b":")
                    assert name in (b"Content-Length", b"Content-Type"), line
                    if name == b"Content-Length":
                        length = int(value)
                message = json.loads(await stream.readexactly(length))
                self.received.append(message)
                if "method" in message and "id" in message:
                    result = self.answer(message["method"], message.get("params"))
                    if result is not NEVER:
                        answer = {"jsonrpc": "2.0", "id": message["id"], "result": result}
                        self.send_bytes(frame(answer))
                async with self._news:
                    self._news.notify_all()
        except asyncio.IncompleteReadError:
            pass
        finally:
            self._task = asyncio.current_task()
            asyncio.get_running_loop().call_soon(self._wake)

    def _wake(self) -> None:
        async def wake() -> None:
            async with self._news:
                self._news.notify_all()

        self._last = asyncio.ensure_future(wake())
