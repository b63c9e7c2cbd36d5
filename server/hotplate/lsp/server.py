"""The language server: which LSP message does what. Read this first."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping

from lsprotocol import types

from hotplate import __version__
from hotplate.lsp.client import Client
from hotplate.lsp.commands import register_commands
from hotplate.lsp.fixes import actions
from hotplate.lsp.language_server import HotplateServer
from hotplate.lsp.places import Places
from hotplate.lsp.trouble import Telling
from hotplate.lsp.workspace import Workspace

logger = logging.getLogger(__name__)

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
        ls.watch_editor(params.process_id)

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
