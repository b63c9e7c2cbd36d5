"""The language server as what handles a message sees it: the client, and the workspace."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import traceback
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInternalError, JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer

from hotplate import __version__
from hotplate.lsp.client import Client
from hotplate.lsp.rpc import Protocol
from hotplate.lsp.workspace import Workspace

logger = logging.getLogger(__name__)


class HotplateServer(LanguageServer):
    """A pygls server whose workspace runs apps."""

    def __init__(self) -> None:
        super().__init__(
            "hotplate",
            __version__,
            protocol_cls=Protocol,
            # What is on disk counts: no editor needs to send each keystroke of each file.
            text_document_sync_kind=types.TextDocumentSyncKind.None_,
        )
        self.client: Client | None = None
        self.apps: Workspace | None = None
        self.save_reasons: dict[str, types.TextDocumentSaveReason] = {}
        self.folders: list[str] = []
        self.ended = asyncio.Event()

    @property
    def running(self) -> Workspace:
        """The workspace. Raises JsonRpcInvalidParams before `initialize`."""
        if self.apps is None:
            raise JsonRpcInvalidParams("The server has not been initialized.")
        return self.apps

    def report_server_error(self, error: Exception, source: Any) -> None:
        """A handler has raised, or has answered that it can't do what it was asked for.

        What it raised is still in the air: pygls gives only a copy of its text.
        """
        raised = sys.exc_info()[1] or error
        if isinstance(raised, JsonRpcException) and not isinstance(raised, JsonRpcInternalError):
            logger.info("%s: %s", getattr(source, "__name__", source), raised)
        elif _in_our_code(raised):
            logger.error("A message of the editor could not be handled.", exc_info=raised)
        else:  # such as a cancellation of what nobody knows
            logger.warning("A message of the editor makes no sense to pygls.", exc_info=raised)

    def watch_editor(self, process_id: int | None) -> None:
        """End when the editor's process does, even if somebody else keeps our input open."""
        if not process_id:
            return
        try:
            pidfd = os.pidfd_open(process_id)
        except (AttributeError, OSError):
            return  # then the end of the input is what tells
        loop = asyncio.get_running_loop()

        def gone() -> None:
            loop.remove_reader(pidfd)
            os.close(pidfd)
            self.ended.set()

        loop.add_reader(pidfd, gone)


def _in_our_code(error: BaseException) -> bool:
    frames = traceback.extract_tb(error.__traceback__)
    return any(os.path.dirname(__file__) in frame.filename for frame in frames)
