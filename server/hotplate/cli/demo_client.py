"""The demo's end of the wire: pygls's own client, which also tells what came over it."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from typing import Any, cast

from pygls.lsp.client import LanguageClient
from pygls.protocol import LanguageServerProtocol

from hotplate import __version__


class _Protocol(LanguageServerProtocol):
    """Hands over every message as it came over the wire, before pygls makes objects of it."""

    def structure_message(self, data: dict[str, Any]) -> Any:
        cast(Client, self._server).heard(copy.deepcopy(data))
        return super().structure_message(data)


class Client(LanguageClient):
    """`heard` is told every message of the server, `ended` that its process has."""

    def __init__(self, heard: Callable[[dict[str, Any]], None], ended: Callable[[], None]) -> None:
        super().__init__("hotplate-demo", __version__, protocol_cls=_Protocol)
        self.heard = heard
        self._ended = ended

    async def server_exit(self, server: asyncio.subprocess.Process) -> None:
        self._ended()
