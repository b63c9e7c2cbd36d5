"""What pygls keeps of messages that are done with: nothing."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from pygls.protocol import LanguageServerProtocol

from hotplate.lsp.language_server import HotplateServer
from hotplate.lsp.server import create_server


class Written:
    """What the server has written, in place of its standard output."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []

    def write(self, data: bytes) -> None:
        self.answers.append(json.loads(data.partition(b"\r\n\r\n")[2]))

    def close(self) -> None: ...


def send(server: HotplateServer, **message: Any) -> None:
    protocol = server.protocol
    protocol.handle_message(protocol.structure_message({"jsonrpc": "2.0", **message}))


async def until_answered(written: Written, number: int) -> None:
    while not any(answer.get("id") == number for answer in written.answers):
        await asyncio.sleep(0)


async def test_what_is_done_is_forgotten() -> None:
    """Commands and notifications whose handlers are coroutines, and commands that fail."""
    server, written = create_server(), Written()
    assert isinstance(server.protocol, LanguageServerProtocol)
    server.protocol.set_writer(written)  # type: ignore[arg-type]
    send(server, id=1, method="initialize", params={"processId": None, "capabilities": {}})
    await until_answered(written, 1)
    send(server, method="initialized", params={})
    for number in range(2, 12):
        command = "hotplate.state" if number % 2 else "hotplate.openInBrowser"
        params = {"command": command, "arguments": []}
        send(server, id=number, method="workspace/executeCommand", params=params)
        send(server, method="workspace/didChangeConfiguration", params={"settings": None})
        await until_answered(written, number)
    await asyncio.sleep(0)  # the callbacks of the last one
    await asyncio.sleep(0)
    assert server.protocol._request_futures == {}
