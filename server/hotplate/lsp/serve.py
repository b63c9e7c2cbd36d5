"""Running the language server: messages in, an answer to each that can't be used, and its end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from typing import Any

from lsprotocol import types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidRequest,
    JsonRpcMethodNotFound,
    JsonRpcParseError,
    JsonRpcServerNotInitialized,
)

from hotplate.lsp.language_server import HotplateServer
from hotplate.lsp.server import create_server
from hotplate.lsp.transport import (
    ParseError,
    open_input,
    open_output,
    read_messages,
    take_standard_streams,
)
from hotplate.lsp.trouble import handle_unforeseen
from hotplate.supervision import orphans

logger = logging.getLogger(__name__)

END_SECONDS = 1.2
LAST_SECONDS = 0.3


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
