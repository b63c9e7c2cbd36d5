"""The accept loop: Werkzeug's server, on the language server's socket, stopped without delay.

Werkzeug's own `serve_forever` looks for a stop each half second. This one is woken. It also keeps
the promise that a request sent after a save is never answered by older code, without gaps:

- A connection is given to Werkzeug only when its first byte has come. Until then it is nobody's,
  and goes to the next generation when this one is told to drain (browsers open connections
  ahead of time, and use them after the save).
- Before each hand-over to Werkzeug, the channel is looked at, under the lock under which the
  reader takes messages from it. If the order to drain stands in it, nothing is begun any more.
"""

import os
import selectors
import socket
import time
from typing import Any, Callable, Dict, Optional, Tuple

from hotplate_agent import strangers
from hotplate_agent.connections import AGAIN_SECONDS, FULL, Given

_REAL_SOCKET = socket.socket
_Address = Any
UNIX = "unix://"


class Acceptor:
    """Accepts for one Werkzeug server, from `run` until `stop`.

    `gate` is the lock under which the channel is read, `pending` tells whether it has something
    unread. `stop` and `adopt` are called by the channel's reader thread, `run` by the thread
    that serves, which may be a greenlet's.
    """

    def __init__(self, server: Any, listener: int, gate: Any, pending: Callable[[], bool]) -> None:
        self._server = server
        self._listener = _REAL_SOCKET(fileno=listener)
        self._listener.setblocking(False)
        self._gate = gate
        self._pending = pending
        self._waiting: Dict[int, Tuple[int, _Address]] = {}
        self._adopted: Dict[int, _Address] = {}
        self._pid = os.getpid()
        self._given = Given()
        self._in_flight = 0
        self._stopped = False
        self._deadline = 0.0
        self._full_until = 0.0
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._finish = server.shutdown_request
        server.shutdown_request = self._finished

    # ------------------------------------------------------------ from the reader thread

    def adopt(self, connection: int) -> None:
        """Take a connection that the previous generation accepted and did not begin.

        Call with the gate held.
        """
        self._adopted[connection] = None
        self._wake()

    def stop(self, seconds: float, hand_over: Callable[[int], None]) -> None:
        """Accept and begin nothing more. Call with the gate held.

        What has not begun goes to `hand_over`; what is in flight may take `seconds`.
        """
        self._stopped = True
        self._deadline = time.monotonic() + seconds
        for connection in [*self._waiting, *self._adopted]:
            hand_over(connection)
        self._given.hang_up_upgraded()
        self._wake()

    def shut_down(self) -> None:
        """The app ends its own server, in place of `BaseServer.shutdown`."""
        with self._gate:
            if not self._stopped:
                self.stop(0, lambda connection: None)

    # ------------------------------------------------------------ the serving thread

    def run(self, released: Callable[[], None]) -> None:
        """Serve until stopped, call `released`, then wait for what is in flight."""
        # Looked up now: gevent and eventlet put selectors of their own here.
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_read, selectors.EVENT_READ)
            selector.register(self._listener, selectors.EVENT_READ)
            while not self._stopped:
                for key, _events in selector.select(self._pause(selector)):
                    if key.fd == self._wake_read:
                        self._woken(selector)
                    elif key.fd == self._listener.fileno():
                        self._accept(selector)
                    else:
                        self._begin(selector, key.fd)
                        self._server.service_actions()  # `processes=4`: no more than four
        # The gate is held until all are handed over: only then are these copies ours to close.
        with self._gate:
            for connection in [*self._waiting, *self._adopted]:
                os.close(connection)
        self._listener.close()
        released()
        self._drain()

    def _pause(self, selector: Any) -> Optional[float]:
        """How long to look at connections alone, since there is no descriptor for a new one."""
        if not self._full_until:
            return None
        left = self._full_until - time.monotonic()
        if left > 0:
            return left
        self._full_until = 0.0
        selector.register(self._listener, selectors.EVENT_READ)
        return None

    def _accept(self, selector: Any) -> None:
        with self._gate:
            if self._stopped or self._pending():
                return
            try:
                connection, address = self._listener._accept()  # type: ignore[attr-defined]
            except OSError as error:
                if error.errno in FULL:  # to look again at once would be all that we do
                    selector.unregister(self._listener)
                    self._full_until = time.monotonic() + AGAIN_SECONDS
                return  # else it was taken back by the client meanwhile
            self._wait_for_first_byte(selector, connection, address)

    def _woken(self, selector: Any) -> None:
        try:
            os.read(self._wake_read, 4096)
        except BlockingIOError:
            pass
        with self._gate:
            if self._stopped:
                return
            for connection, address in self._adopted.items():
                self._wait_for_first_byte(selector, connection, address)
            self._adopted.clear()

    def _wait_for_first_byte(self, selector: Any, connection: int, address: _Address) -> None:
        self._waiting[connection] = (connection, address)
        selector.register(connection, selectors.EVENT_READ)

    def _begin(self, selector: Any, descriptor: int) -> None:
        with self._gate:
            if self._stopped or self._pending():
                return
            connection, address = self._waiting.pop(descriptor)
            self._given.add(connection)
            if not getattr(self._server, "multiprocess", False):
                self._in_flight += 1
        selector.unregister(descriptor)
        # Now, for the same reason, and so that handlers of a patched app cooperate.
        request: Any = socket.socket(fileno=connection)
        request.setblocking(True)
        if address is None:
            address = _peer(request)
        try:
            request = self._secured(request)
            if self._server.verify_request(request, address):
                self._server.process_request(request, address)
            else:
                self._server.shutdown_request(request)
        except Exception:
            self._server.handle_error(request, address)
            self._server.shutdown_request(request)

    def _secured(self, request: Any) -> Any:
        context = getattr(self._server, "ssl_context", None)
        if context is None:
            return request
        # The handshake is the handler thread's: a client that is slow at it holds up nobody.
        return context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)

    def _finished(self, request: Any) -> None:
        if os.getpid() != self._pid:  # a worker of `processes=4`
            self._finish(request)
            return
        try:
            self._finish(request)
        finally:
            with self._gate:
                self._in_flight -= 1
            if self._stopped:
                self._wake()

    def _drain(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_read, selectors.EVENT_READ)
            while self._busy():
                left = self._deadline - time.monotonic()
                if left <= 0:
                    return
                # Forked workers (`processes=4`) end without a word to us: look now and then.
                forked = getattr(self._server, "active_children", None)
                if selector.select(min(left, 0.05) if forked else left):
                    self._woken(selector)

    def _busy(self) -> bool:
        children = getattr(self._server, "active_children", None)
        if children:
            self._server.collect_children()
        return self._in_flight > 0 or bool(children)

    def _wake(self) -> None:
        try:
            os.write(self._wake_write, b"\0")
        except OSError:  # full: it is awake
            pass


def _peer(request: Any) -> _Address:
    try:
        return request.getpeername()
    except OSError:
        return ("", 0)


def nameable(host: str) -> str:
    """The host by which Werkzeug can make a server on a socket that is there.

    Up to 2.0 it binds one of its own first, and would put it in the place of a Unix socket.
    """
    import werkzeug.serving

    old = hasattr(werkzeug.serving, "run_with_reloader")
    return "localhost" if old and host.startswith(UNIX) else host


def quiet(handler: Optional[type], secret_path: str) -> type:
    """A handler like `handler` that logs no request to the debugger, and keeps no connection.

    Werkzeug logs whole request lines, and those of its debugger hold the PIN and the secret. And
    before 2.1 it can be told to keep connections (`protocol_version`): a request that comes on
    one after a save would be answered by the code from before.
    """
    if handler is None:
        from werkzeug.serving import WSGIRequestHandler as handler
    base: Any = handler

    class Handler(base):  # type: ignore[misc]
        def log_request(self, *args: Any, **kwargs: Any) -> None:
            path = getattr(self, "path", "")
            query = {"QUERY_STRING": path.partition("?")[2]}
            if strangers.command(query) is None and not path.startswith(secret_path):
                super().log_request(*args, **kwargs)

        def handle_expect_100(self) -> bool:
            self.send_response_only(100)
            super().end_headers()  # this is no answer yet
            return True

        def initiate_shutdown(self) -> None:  # `werkzeug.server.shutdown`, up to 2.0
            self.server.shutdown()

        def end_headers(self) -> None:
            if not self.close_connection:
                self.send_header("Connection", "close")
            super().end_headers()

    Handler.__name__ = base.__name__
    Handler.__qualname__ = base.__qualname__
    Handler.__module__ = base.__module__
    return Handler
