"""The editor, as far as we may speak to it: each client is asked only for what it has declared."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Sequence
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcMethodNotFound
from pygls.lsp.server import LanguageServer

from hotplate.lsp import protocol
from hotplate.lsp.requests import ask, demand

logger = logging.getLogger(__name__)


class Client:
    """What this editor can do, and the ways to reach the person through it."""

    def __init__(self, server: LanguageServer, params: types.InitializeParams) -> None:
        self._server = server
        capabilities = params.capabilities
        window = capabilities.window or types.WindowClientCapabilities()
        workspace = capabilities.workspace or types.WorkspaceClientCapabilities()
        document = capabilities.text_document or types.TextDocumentClientCapabilities()
        published = document.publish_diagnostics
        lens = workspace.code_lens
        watched = workspace.did_change_watched_files
        changed = workspace.did_change_configuration
        experimental = capabilities.experimental
        self.progress = bool(window.work_done_progress)
        self.documents = bool(window.show_document and window.show_document.support)
        self.related = bool(published and published.related_information)
        self.lens_refresh = bool(lens and lens.refresh_support)
        self.configuration = bool(workspace.configuration)
        self.watched_files = bool(watched and watched.dynamic_registration)
        self.relative_patterns = bool(watched and watched.relative_pattern_support)
        self.changed_configuration = bool(changed and changed.dynamic_registration)
        own = experimental.get("hotplate") if isinstance(experimental, dict) else None
        self.own_messages = bool(own)
        commands = own.get("commands") if isinstance(own, dict) else None
        self.commands = frozenset(
            each
            for each in (commands if isinstance(commands, list) else ())
            if isinstance(each, str)
        )
        """Commands of the client's own that a quick fix may name."""
        self.code_actions = bool(
            document.code_action and document.code_action.code_action_literal_support
        )
        self.knows_no_questions = False
        """Set by the answer to the first one."""
        self._tasks: set[asyncio.Task[Any]] = set()

    def later(self, work: Any) -> None:
        """Do something that waits for the client, and go on."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("Something went wrong in Hotplate.", exc_info=task.exception())

    # ------------------------------------------------------------ one way

    def notify(self, method: str, params: Any) -> None:
        """One of our own notifications."""
        self._server.protocol.notify(method, protocol.to_json(params))

    def publish(self, uri: str, diagnostics: list[types.Diagnostic]) -> None:
        self._server.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri, diagnostics)
        )

    def tell(self, message: str, kind: types.MessageType = types.MessageType.Info) -> None:
        """Show the person a message that needs no answer."""
        self._server.window_show_message(types.ShowMessageParams(kind, message))

    def log(self, message: str, kind: types.MessageType = types.MessageType.Log) -> None:
        self._server.window_log_message(types.LogMessageParams(kind, message))

    def refresh_lenses(self) -> None:
        if self.lens_refresh:
            refresh = self._server.workspace_code_lens_refresh_async
            self.later(ask(types.WORKSPACE_CODE_LENS_REFRESH, lambda: refresh(None)))

    # ------------------------------------------------------------ with an answer

    async def choose(
        self, message: str, choices: Sequence[str], warning: bool = False
    ) -> str | None:
        """Ask the person. None: they have closed it, or this client `knows_no_questions`."""
        kind = types.MessageType.Warning if warning else types.MessageType.Info
        actions = [types.MessageActionItem(choice) for choice in choices]
        params = types.ShowMessageRequestParams(kind, message, actions)
        method = types.WINDOW_SHOW_MESSAGE_REQUEST
        answer = await ask(method, lambda: self._question(params), seconds=None)
        return answer.title if answer is not None else None

    async def _question(
        self, params: types.ShowMessageRequestParams
    ) -> types.MessageActionItem | None:
        # There is no capability for it: that a client knows the request shows in its answer.
        try:
            return await self._server.window_show_message_request_async(params)
        except JsonRpcMethodNotFound:
            self.knows_no_questions = True
            return None

    async def open(self, url: str) -> None:
        """Open an address in the person's browser, or show it where the editor can't."""
        if self.documents:
            params = types.ShowDocumentParams(uri=url, external=True, take_focus=True)
            show = self._server.window_show_document_async
            answer = await ask(types.WINDOW_SHOW_DOCUMENT, lambda: show(params), 10)
            if answer is not None and answer.success:
                return
        self.tell(f"Open {url} in your browser.")

    async def settings(self, scope: str) -> Any:
        """The editor's `hotplate` section for a folder; None where it gives none. Raises Unanswered
        where it does not say."""
        if not self.configuration:
            return None
        item = types.ConfigurationItem(scope_uri=scope, section="hotplate")
        params = types.ConfigurationParams([item])
        return await demand(types.WORKSPACE_CONFIGURATION, lambda: self._section(params))

    async def _section(self, params: types.ConfigurationParams) -> Any:
        answer = await self._server.workspace_configuration_async(params)
        return answer[0] if answer else None

    async def register(self, method: str, options: Any) -> str:
        """Register for a notification, where the client lets us; the id is for `unregister`."""
        registration = types.Registration(str(uuid.uuid4()), method, options)
        params = types.RegistrationParams([registration])
        register = self._server.client_register_capability_async
        await ask(types.CLIENT_REGISTER_CAPABILITY, lambda: register(params))
        return registration.id

    async def unregister(self, method: str, id_: str) -> None:
        """Take a registration back."""
        params = types.UnregistrationParams([types.Unregistration(id_, method)])
        unregister = self._server.client_unregister_capability_async
        await ask(types.CLIENT_UNREGISTER_CAPABILITY, lambda: unregister(params))

    async def begin_progress(self, title: str, message: str) -> str | None:
        """Show that something takes its time; the token is for `end_progress`."""
        token = str(uuid.uuid4())
        progress = self._server.work_done_progress
        if not self.progress:
            return None
        method = types.WINDOW_WORK_DONE_PROGRESS_CREATE
        created = await ask(method, lambda: _created(progress.create_async(token)))
        if created is None:
            return None
        progress.begin(token, types.WorkDoneProgressBegin(title=title, message=message))
        return token

    def end_progress(self, token: str, message: str) -> None:
        progress = self._server.work_done_progress
        progress.end(token, types.WorkDoneProgressEnd(message=message))
        progress.tokens.pop(token, None)


async def _created(creation: Any) -> bool:
    """True: `ask` takes the null that the client answers for no answer."""
    await creation
    return True
