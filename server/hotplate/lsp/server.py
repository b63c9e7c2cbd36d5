"""The language server: which LSP message does what. Read this first."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import traceback
from collections.abc import Mapping
from typing import Any

from lsprotocol import types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInternalError,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcMethodNotFound,
    JsonRpcParseError,
    JsonRpcServerNotInitialized,
)
from pygls.lsp.server import LanguageServer

from hotplate import __version__
from hotplate.lsp.client import Client
from hotplate.lsp.commands import register_commands
from hotplate.lsp.fixes import actions
from hotplate.lsp.places import Places
from hotplate.lsp.rpc import Protocol
from hotplate.lsp.transport import (
    ParseError,
    open_input,
    open_output,
    read_messages,
    take_standard_streams,
)
from hotplate.lsp.trouble import Telling, handle_unforeseen
from hotplate.lsp.workspace import Workspace
from hotplate.supervision import orphans

logger = logging.getLogger(__name__)

END_SECONDS = 1.2

NOT_OURS = (
    types.TEXT_DOCUMENT_DID_OPEN,
    types.TEXT_DOCUMENT_DID_CHANGE,
    types.TEXT_DOCUMENT_DID_CLOSE,
    types.NOTEBOOK_DOCUMENT_DID_OPEN,
    types.NOTEBOOK_DOCUMENT_DID_CHANGE,
    types.NOTEBOOK_DOCUMENT_DID_CLOSE,
)
"""What pygls would keep a copy of each open document by. What counts here is on the disk."""
MOST_REASONS = 1000
LAST_SECONDS = 0.3


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
            raise _invalid("The server has not been initialized.")
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


def create_server() -> HotplateServer:
    """A server with all its features, not yet started."""
    server = HotplateServer()
    for method in NOT_OURS:
        server.protocol.fm.builtin_features.pop(method, None)
    for register in (_lifecycle, _documents, _files, _lenses, _fixes, register_commands):
        register(server)
    return server


def _lifecycle(server: HotplateServer) -> None:
    @server.feature(types.INITIALIZE)
    def initialize(ls: HotplateServer, params: types.InitializeParams) -> None:
        """`initialize`: who the client is, and which folders it has open."""
        options = params.initialization_options
        trusted = False
        if isinstance(options, Mapping):
            options = dict(options)
            trusted = options.pop("trusted", False) is True
        client = params.client_info
        logger.info(
            "Hotplate %s, Python %s, %s, for %s %s",
            *(__version__, sys.version.split()[0], sys.platform),
            *((client.name, client.version) if client is not None else ("a client", "of no name")),
        )
        ls.client = Client(ls, params)
        Telling(ls.client.tell).attach()
        places = Places(ls.workspace.position_encoding)
        ls.apps = Workspace(ls.client, places, options, trusted)
        ls.folders = [folder.uri for folder in params.workspace_folders or []]
        if not ls.folders and ls.workspace.root_uri:
            ls.folders = [ls.workspace.root_uri]
        _watch_editor(ls, params.process_id)

    @server.feature(types.INITIALIZED)
    async def initialized(ls: HotplateServer, params: types.InitializedParams) -> None:
        """`initialized`: register what is registered late, then find and start the apps."""
        client = ls.client
        assert client is not None
        ls.running.watching.begin()
        if client.changed_configuration:
            section = types.DidChangeConfigurationRegistrationOptions(section="hotplate")
            client.later(client.register(types.WORKSPACE_DID_CHANGE_CONFIGURATION, section))
        await ls.running.change_folders(ls.folders)

    @server.feature(types.SHUTDOWN)
    async def shutdown(ls: HotplateServer, params: None) -> None:
        """`shutdown`: end the apps. `exit` may never come."""
        if ls.apps is not None:
            await ls.apps.close()

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    async def folders_changed(
        ls: HotplateServer, params: types.DidChangeWorkspaceFoldersParams
    ) -> None:
        """`workspace/didChangeWorkspaceFolders`."""
        event = params.event
        await ls.running.change_folders(
            [folder.uri for folder in event.added], [folder.uri for folder in event.removed]
        )

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def configuration_changed(
        ls: HotplateServer, params: types.DidChangeConfigurationParams
    ) -> None:
        """`workspace/didChangeConfiguration`: ask anew; take what is sent where we can't ask."""
        await ls.running.configure_all(params.settings)


def _in_our_code(error: BaseException) -> bool:
    frames = traceback.extract_tb(error.__traceback__)
    return any(os.path.dirname(__file__) in frame.filename for frame in frames)


def _documents(server: HotplateServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_WILL_SAVE)
    def will_save(ls: HotplateServer, params: types.WillSaveTextDocumentParams) -> None:
        """`textDocument/willSave`: it alone says whether the person or a timer saves."""
        if len(ls.save_reasons) > MOST_REASONS:  # of saves that have never come
            ls.save_reasons.clear()
        ls.save_reasons[params.text_document.uri] = params.reason

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE, types.SaveOptions(include_text=False))
    def did_save(ls: HotplateServer, params: types.DidSaveTextDocumentParams) -> None:
        """`textDocument/didSave`: when this returns, no older code accepts a request."""
        uri = params.text_document.uri
        reason = ls.save_reasons.pop(uri, types.TextDocumentSaveReason.Manual)
        ls.running.saved(uri, reason is types.TextDocumentSaveReason.AfterDelay)

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(ls: HotplateServer, params: types.DidOpenTextDocumentParams) -> None:
        """`textDocument/didOpen`: nothing to do; clients expect it to be known."""

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(ls: HotplateServer, params: types.DidCloseTextDocumentParams) -> None:
        """`textDocument/didClose`."""
        ls.save_reasons.pop(params.text_document.uri, None)


def _files(server: HotplateServer) -> None:
    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def watched_files_changed(
        ls: HotplateServer, params: types.DidChangeWatchedFilesParams
    ) -> None:
        """`workspace/didChangeWatchedFiles`: what the editor did not save itself."""
        ls.running.changed_outside([change.uri for change in params.changes])

    every = types.FileOperationRegistrationOptions(
        [types.FileOperationFilter(types.FileOperationPattern("**/*"), scheme="file")]
    )

    @server.feature(types.WORKSPACE_DID_CREATE_FILES, every)
    def files_created(ls: HotplateServer, params: types.CreateFilesParams) -> None:
        """`workspace/didCreateFiles`."""
        ls.running.moved([file.uri for file in params.files])

    @server.feature(types.WORKSPACE_DID_RENAME_FILES, every)
    def files_renamed(ls: HotplateServer, params: types.RenameFilesParams) -> None:
        """`workspace/didRenameFiles`: of a folder, too; then it is told alone."""
        ls.running.moved([uri for file in params.files for uri in (file.old_uri, file.new_uri)])

    @server.feature(types.WORKSPACE_DID_DELETE_FILES, every)
    def files_deleted(ls: HotplateServer, params: types.DeleteFilesParams) -> None:
        """`workspace/didDeleteFiles`."""
        ls.running.moved([file.uri for file in params.files])


def _lenses(server: HotplateServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    def code_lens(ls: HotplateServer, params: types.CodeLensParams) -> list[types.CodeLens]:
        """`textDocument/codeLens`: the app's state and commands, on its line."""
        path = ls.running.places.path(params.text_document.uri)
        if path is None:
            return []
        return [lens for app in ls.running.apps for lens in app.lenses(path)]


def _fixes(server: HotplateServer) -> None:
    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix]),
    )
    def code_action(
        ls: HotplateServer, params: types.CodeActionParams
    ) -> list[types.CodeAction | types.Command]:
        """`textDocument/codeAction`: what can be done about the problems in a range."""
        only = params.context.only
        if only and not any(kind in ("", types.CodeActionKind.QuickFix) for kind in only):
            return []
        found = ls.running.fixes(params.text_document.uri, params.range)
        return actions(found, ls.client is not None and ls.client.code_actions)


def _invalid(message: str) -> JsonRpcException:
    return JsonRpcInvalidParams(message)


# ---------------------------------------------------------------- running


def _watch_editor(server: HotplateServer, process_id: int | None) -> None:
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
        server.ended.set()

    loop.add_reader(pidfd, gone)


def serve() -> int:
    """Speak LSP on standard input and output until the client ends; the exit code."""
    protocol_in, protocol_out = take_standard_streams()
    try:
        return asyncio.run(_serve(protocol_in, protocol_out))
    except Exception:
        logger.critical("Hotplate has ended.", exc_info=True)
        return 1


async def _serve(protocol_in: Any, protocol_out: Any) -> int:
    server = create_server()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(handle_unforeseen)
    for name in ("SIGTERM", "SIGHUP", "SIGINT"):
        if hasattr(signal, name):
            loop.add_signal_handler(getattr(signal, name), server.ended.set)
    orphans.end_them(loop)
    output = await open_output(protocol_out)
    server.protocol.set_writer(output)
    reading = asyncio.create_task(_read(server, await open_input(protocol_in)))
    ending = asyncio.create_task(server.ended.wait())
    await asyncio.wait({reading, ending}, return_when=asyncio.FIRST_COMPLETED)
    code = reading.result() if reading.done() else 1
    if server.apps is not None:
        try:
            await asyncio.wait_for(server.apps.close(), END_SECONDS)
        except (TimeoutError, asyncio.TimeoutError):
            server.apps.abandon()
    orphans.end_all(LAST_SECONDS)
    await output.flush(0.2)
    # Threads may still wait for the disk or a name server; nothing of theirs is wanted any more.
    logging.shutdown()
    os._exit(code)


async def _read(server: HotplateServer, reader: asyncio.StreamReader) -> int:
    """Handle the client's messages until `exit` or the end of the input."""
    async for message in read_messages(reader):
        if isinstance(message, ParseError):
            logger.warning("The client has sent %s", message)
            error = JsonRpcParseError(str(message)).to_response_error()
            server.protocol._send_data(types.ResponseErrorMessage(id=None, error=error))
            continue
        awaited = _is_awaited(server, message)
        try:
            server.protocol.handle_message(_structure(server, message, awaited))
        except SystemExit as exit_:
            return int(exit_.code or 0)
        except Exception as mistake:
            # Some editors ask for what is not offered, at each change: the answer says it.
            level = logging.DEBUG if isinstance(mistake, JsonRpcMethodNotFound) else logging.WARNING
            logger.log(level, "A message of the client could not be used: %s", mistake)
            _reject(server, message, mistake, awaited)
    return 0 if server.apps is None or server.apps.at_rest else 1


def _is_awaited(server: HotplateServer, message: dict[str, Any]) -> bool:
    """Whether it answers a request of ours. pygls keeps the client's requests under ids, too, and
    would take an answer with such an id for one to them."""
    id_ = message.get("id")
    return isinstance(id_, (str, int)) and id_ in server.protocol._result_types


def _structure(server: HotplateServer, message: dict[str, Any], awaited: bool) -> Any:
    """The message as pygls takes it. Raises what is to be answered."""
    if message.get("jsonrpc") != "2.0":
        raise JsonRpcInvalidRequest("This is no JSON-RPC 2.0.")
    if "method" in message:
        if "id" in message and not isinstance(message["id"], (str, int)):
            raise JsonRpcInvalidRequest("The id is neither a string nor a whole number.")
        _admit(server, message["method"], "id" in message)
    elif not awaited:
        raise JsonRpcInvalidRequest("It answers nothing that was asked.")
    return server.protocol.structure_message(message)


def _admit(server: HotplateServer, method: Any, request: bool) -> None:
    """Keep out what pygls would misunderstand, or not answer. Raises JsonRpcException."""
    if not isinstance(method, str):
        raise JsonRpcInvalidRequest("The method is no string.")
    if method == types.EXIT:
        return
    if (method == types.INITIALIZE) is (server.apps is not None):
        if server.apps is None:
            raise JsonRpcServerNotInitialized("`initialize` has not come yet.")
        raise JsonRpcInvalidRequest("`initialize` has come before.")
    if request and server.protocol._shutdown:
        raise JsonRpcInvalidRequest("`shutdown` has come before.")
    known = server.protocol.fm
    if request and method not in known.features and method not in known.builtin_features:
        raise JsonRpcMethodNotFound.of(method)


def _reject(
    server: HotplateServer, message: dict[str, Any], error: Exception, awaited: bool
) -> None:
    """Let nobody wait for a message that could not be used: neither the client nor ourselves."""
    id_ = message.get("id")
    if "method" in message and "id" in message:
        if not isinstance(error, JsonRpcException):
            error = JsonRpcInvalidRequest(str(error))
        response = types.ResponseErrorMessage(id=id_, error=error.to_response_error())
        server.protocol._send_data(response)
    elif awaited:
        future = server.protocol._request_futures.pop(message["id"], None)
        if future is not None and not future.done():
            future.set_exception(error)
