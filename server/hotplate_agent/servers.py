"""What is changed in servers that are not Werkzeug's, once one of them is the app's.

Each connection is closed after its answer, as with Werkzeug: a request that comes on a kept one
after a save would be answered by the code from before. And requests to the debugger are not
logged, for their lines hold the PIN and the secret.
"""

import sys
from types import ModuleType
from typing import Any, Callable

from hotplate_agent import strangers
from hotplate_agent.foreign import Foreign
from hotplate_agent.imports import AfterImport
from hotplate_agent.trouble import Troubles
from hotplate_agent.watching import PAGES


def install(after: AfterImport, foreign: Foreign, troubles: Troubles) -> None:
    """Patch what is imported and, when it comes, what is not yet."""

    def patch(name: str, how: Callable[[Any], None]) -> None:
        # A release that is made otherwise must not fail in the app's own import.
        after.call(name, troubles.guarded("patching " + name, how))

    patch("gevent._socket3", lambda module: foreign.also(module._wrefsocket))
    patch("gevent.pywsgi", lambda module: _patch_gevent(module, foreign))
    patch("geventwebsocket.handler", lambda module: _keep_secrets(module.WebSocketHandler))
    patch("eventlet.greenio.base", lambda module: foreign.also(module._original_socket))
    patch("eventlet.wsgi", lambda module: _patch_eventlet(module, foreign))
    patch("waitress.server", lambda module: _patch_waitress_server(module, foreign))
    patch("waitress.task", lambda module: _patch_waitress_task(module, foreign))
    patch("cheroot.server", lambda module: _patch_cheroot(module, foreign))
    patch("flask_socketio", _patch_socketio)


def _patch_gevent(module: Any, foreign: Foreign) -> None:
    cls = module.WSGIHandler
    read, finalize = cls.read_request, cls.finalize_headers

    def read_request(self: Any, *args: Any) -> Any:
        well = read(self, *args)
        if foreign.front is not None:
            self.close_connection = True
        return well

    def finalize_headers(self: Any) -> Any:
        done = finalize(self)
        if foreign.front is not None and self.code != 101:
            headers = [pair for pair in self.response_headers if pair[0].lower() != b"connection"]
            self.response_headers = [*headers, (b"Connection", b"close")]
        return done

    cls.read_request, cls.finalize_headers = read_request, finalize_headers
    _keep_secrets(cls)
    start = module.WSGIServer.start_accepting

    def start_accepting(self: Any) -> Any:
        if foreign.looking:
            foreign.serve(self.socket, bool(self.ssl_enabled))
        return start(self)

    module.WSGIServer.start_accepting = start_accepting


def _keep_secrets(cls: Any) -> None:
    log = cls.log_request

    def log_request(self: Any) -> None:
        if not _is_secret(getattr(self, "requestline", "")):
            log(self)

    cls.log_request = log_request


def _patch_eventlet(module: Any, foreign: Foreign) -> None:
    create = module.Server.__init__

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        create(self, *args, **kwargs)
        if foreign.looking or foreign.front is not None:
            self.keepalive = False
            self.log = _Quiet(self.log)

    module.Server.__init__ = __init__


class _Quiet:
    """A log that does not get requests to the debugger."""

    def __init__(self, log: Any) -> None:
        self._log = log

    def info(self, message: Any, *args: Any, **kwargs: Any) -> None:
        if not _is_secret(message):
            self._log.info(message, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


def _patch_waitress_server(module: Any, foreign: Foreign) -> None:
    cls = module.BaseWSGIServer
    accept = cls.accept_connections

    def accept_connections(self: Any) -> Any:
        result = accept(self)
        foreign.serve(self.socket, False)
        return result

    cls.accept_connections = accept_connections


def _patch_waitress_task(module: Any, foreign: Foreign) -> None:
    cls = module.Task
    build = cls.build_response_header

    def build_response_header(self: Any) -> Any:
        if foreign.front is not None:
            self.request.headers["CONNECTION"] = "close"
        return build(self)

    cls.build_response_header = build_response_header


def _patch_cheroot(module: Any, foreign: Foreign) -> None:
    cls = module.HTTPRequest
    read = cls.read_request_headers

    def read_request_headers(self: Any) -> Any:
        well = read(self)
        if foreign.front is not None:
            self.close_connection = True
        return well

    cls.read_request_headers = read_request_headers


def _patch_socketio(module: ModuleType) -> None:
    """It serves with Werkzeug only where a developer sits at a terminal. One sits at an editor."""

    class Stdin:
        def isatty(self) -> bool:
            return True

        def __getattr__(self, name: str) -> Any:
            return getattr(sys.stdin, name)

    class Sys:
        stdin = Stdin()

        def __getattr__(self, name: str) -> Any:
            return getattr(sys, name)

    if getattr(module, "sys", None) is sys:
        module.sys = Sys()  # type: ignore[attr-defined]


def _is_secret(line: Any) -> bool:
    """Whether a line with `"GET /path?query HTTP/1.1"` in it is one of the debugger's."""
    for word in str(line).split():
        path, _, query = word.partition("?")
        if path.startswith(PAGES) or strangers.command({"QUERY_STRING": query}) is not None:
            return True
    return False
