"""Servers that are not Werkzeug's, in apps that are started as scripts.

`socketio.run(app)` with gevent or eventlet, `waitress.serve(app)`, gevent's `WSGIServer`, an
asyncio server: each makes a listening socket of its own. Which of a script's sockets is the
app's? The first that listens, and is then waited for in the main thread: whoever polls a socket
asks for its number (`fileno`), or calls `accept`. A script's other servers (for metrics, say) run
in threads. Known servers may run in any, and say so themselves (`servers`).

From that moment a `Front` stands in the socket's place, and the language server is asked for its
own, as for Werkzeug's. It may hold that address since an earlier start; then the app's `bind`
would fail. It is done elsewhere, unseen. And a script that looks whether somebody is there, to
take the next port if so, finds nobody, as it would without us.
"""

import _socket
import _thread
import errno
import os
import socket
import sys
from typing import Any, Callable, Dict, FrozenSet, List, NamedTuple, Optional, Tuple

from hotplate_agent.front import Front

_INET = (socket.AF_INET, socket.AF_INET6)
_NOWHERE = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
_NAMES = {
    socket.AF_INET: frozenset(["localhost", "127.0.0.1", "0.0.0.0", ""]),
    socket.AF_INET6: frozenset(["localhost", "::1", "::", ""]),
}
_ANYWHERE = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}
_WHILE_LOOKING = ("fileno", "listen", "connect", "connect_ex")
"""What is replaced only until the app's server is known."""
_get_ident = _thread.get_ident  # bound now: eventlet has one that tells greenlets
_real: Any = _socket.socket
"""What Python's and gevent's sockets inherit their methods from."""


class Place(NamedTuple):
    """Where the app has bound a socket to. The inode tells it from a later one of its number.

    `elsewhere`: it is not there in truth, for the language server is.
    """

    inode: int
    host: str
    port: int
    elsewhere: bool


class Foreign:
    """Notices the app's own server, and has it served: `serve(front, host, port, tls)`."""

    def __init__(self, make: Callable[[], Front], serve: Callable[..., None]) -> None:
        self._make = make
        self._serve = serve
        self._main_thread = _get_ident()
        self._pid = 0
        self._port = 0
        self._held: Dict[int, FrozenSet[str]] = {}
        self._nobody: Any = None
        self._places: Dict[int, Place] = {}
        self._listening: Dict[int, int] = {}
        self._classes: List[Any] = [socket.socket]
        self.front: Optional[Front] = None
        self.looking = False

    # ------------------------------------------------------------ life

    def look(self, port: int, held: Optional[str]) -> None:
        """Begin. `port` is the one that the language server holds at the host `held`, or, if that
        is None, would take."""
        self._pid = os.getpid()
        self._port = port
        if held is not None:
            family = socket.AF_INET6 if ":" in held else socket.AF_INET
            self._held = {family: _NAMES[family] | {held}}
        self.looking = True
        for cls in self._classes:
            self._patch(cls)

    def also(self, cls: Any) -> None:
        """Sockets of this class count, too."""
        self._classes.append(cls)
        if self.looking or self.front is not None:
            self._patch(cls)

    def stop(self) -> None:
        """The app's server is known."""
        self.looking = False
        self._listening.clear()
        if self._nobody is not None:
            self._nobody.close()
            self._nobody = None
        for cls in self._classes:
            for name in _WHILE_LOOKING:
                if name in cls.__dict__:
                    delattr(cls, name)

    def _patch(self, cls: Any) -> None:
        foreign = self

        def bind(sock: Any, address: Any) -> None:
            foreign._bind(sock, address)

        def listen(sock: Any, *backlog: int) -> None:
            _real.listen(sock, *backlog)
            foreign._listens(sock)

        def fileno(sock: Any) -> int:
            if foreign._listening and not _is_wrapped_now():
                foreign._polled(sock)
            return int(_real.fileno(sock))

        def _accept(sock: Any) -> Tuple[int, Any]:
            front = foreign.front
            # Who waits for somebody to call at a port that nobody could know is no server of the
            # app's (debugpy waits so for its adapter).
            if foreign._listening and foreign._has_known_port(sock):
                foreign._polled(sock)
                front = foreign.front
            if front is not None and front.stands_for(sock):
                return front.accept(_real.gettimeout(sock))
            return _real._accept(sock)  # type: ignore[no-any-return]

        def getsockname(sock: Any) -> Any:
            if foreign.front is not None and foreign.front.stands_for(sock):
                return foreign.front.name
            name = _real.getsockname(sock)
            place = foreign._place(sock)
            if place is None or not place.elsewhere:
                return name
            return (place.host, place.port, *name[2:])

        def getpeername(sock: Any) -> Any:
            if foreign.front is not None and foreign.front.stands_for(sock):
                raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
            return _real.getpeername(sock)

        def setsockopt(sock: Any, *args: Any) -> None:
            if foreign.front is None or not foreign.front.stands_for(sock):
                _real.setsockopt(sock, *args)

        def connect(sock: Any, address: Any) -> None:
            _real.connect(sock, foreign._instead_of(sock, address))

        def connect_ex(sock: Any, address: Any) -> int:
            return int(_real.connect_ex(sock, foreign._instead_of(sock, address)))

        always = (bind, _accept, getsockname, getpeername, setsockopt)
        for method in (*always, listen, fileno, connect, connect_ex):
            if self.looking or method.__name__ not in _WHILE_LOOKING:
                setattr(cls, method.__name__, method)

    # ------------------------------------------------------------ what the app does

    def _bind(self, sock: Any, address: Any) -> None:
        if not self._concerns(sock) or not isinstance(address, tuple):
            _real.bind(sock, address)
            return
        # It is not even tried: who binds for real waits for the old generation's end (`alone`).
        elsewhere = address[1] == self._port and (self.looking or self.front is not None)
        _real.bind(sock, (_NOWHERE[sock.family], 0) if elsewhere else address)
        host = str(address[0]) or _ANYWHERE[sock.family]
        self._places[_real.fileno(sock)] = Place(_inode(sock), host, address[1], elsewhere)

    def _instead_of(self, sock: Any, address: Any) -> Any:
        """Where to connect. But for the language server's socket nobody would be there yet, so it
        is where nobody is: a socket that is bound and never listens."""
        if not (
            self.looking
            and self._concerns(sock)
            and isinstance(address, tuple)
            and address[1] == self._port
            and address[0] in self._held.get(sock.family, ())
        ):
            return address
        if self._nobody is None:
            self._nobody = _real(sock.family, socket.SOCK_STREAM)
            self._nobody.bind((_NOWHERE[sock.family], 0))
        return self._nobody.getsockname()

    def _listens(self, sock: Any) -> None:
        if self.looking and self._concerns(sock):
            self._listening[_real.fileno(sock)] = _inode(sock)

    def _polled(self, sock: Any) -> None:
        if self._listening.get(_real.fileno(sock)) != _inode(sock):
            return
        place = self._place(sock)
        expected = place is not None and place.port == self._port
        if expected or _get_ident() == self._main_thread:
            self.serve(sock, hasattr(sock, "do_handshake") or _has_context())

    def _has_known_port(self, sock: Any) -> bool:
        place = self._place(sock)
        return place is None or place.port != 0

    def serve(self, sock: Any, tls: bool) -> None:
        """This is the socket of the app's server, which is about to serve."""
        if not self.looking or not self._concerns(sock):
            return
        place = self._place(sock)
        host, port = _real.getsockname(sock)[:2] if place is None else place[1:3]
        front = self._make()
        front.replace(_real.fileno(sock))
        self.stop()
        self._serve(front, host, port, tls)
        self._port = front.name[1]
        self.front = front

    def _concerns(self, sock: Any) -> bool:
        kind = sock.type & 15  # without the flags that Linux keeps beside it
        return os.getpid() == self._pid and sock.family in _INET and kind == socket.SOCK_STREAM

    def _place(self, sock: Any) -> Optional[Place]:
        place = self._places.get(_real.fileno(sock)) if self._places else None
        return place if place is not None and place.inode == _inode(sock) else None


def _inode(sock: Any) -> int:
    try:
        return os.fstat(_real.fileno(sock)).st_ino
    except OSError:
        return -1


def _is_wrapped_now() -> bool:
    """Whether it is `ssl` that asks for a number: it will take the socket over, and then poll."""
    return str(sys._getframe(2).f_globals.get("__name__")).endswith("ssl")


def _has_context() -> bool:
    """Whether an asyncio server polls the socket that will speak TLS on its connections."""
    frame = sys._getframe(1)
    for _ in range(8):
        if frame.f_locals.get("sslcontext") is not None:
            return True
        if frame.f_back is None:
            break
        frame = frame.f_back
    return False
