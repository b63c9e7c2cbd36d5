"""What stands in the place of an app's own listening socket.

A server that is not Werkzeug's accepts by itself, in a loop of its own: gevent's, eventlet's,
waitress's, asyncio's. All of them wait until their listening socket can be read, and call
`accept`. So the descriptor of that socket is replaced by one end of a pair. A thread of ours
accepts at the language server's socket, as `serving` does for Werkzeug, and passes a connection
through the pair when its first byte has come. What lies in the pair when the order to drain comes
is taken back out of it, and goes to the next generation.
"""

import _socket
import _thread
import array
import errno
import os
import select
import socket
import time
from typing import Any, Callable, List, Optional, Set, Tuple

from hotplate_agent.channel import rights
from hotplate_agent.connections import AGAIN_SECONDS, FULL, Given, peer

# Bound now: gevent and eventlet put greenlets in their places later, and these have to be real.
_REAL_SOCKET = socket.socket
_REAL_FILENO = _socket.socket.fileno
_new_poll = select.poll
_start_thread = _thread.start_new_thread
_sleep = time.sleep
_now = time.monotonic
_ANCILLARY = socket.CMSG_SPACE(array.array("i").itemsize)
_LOOK_SECONDS = 0.01
"""How often a draining process looks if the connections that it has are closed."""


class Front:
    """Accepts, from `begin` until `stop`, for a server that knows only its own socket.

    `gate` is the lock under which the channel is read, `pending` tells whether it has something
    unread. `end` is called when what was in flight has ended, or has had its time.
    """

    def __init__(self, gate: Any, pending: Callable[[], bool], end: Callable[[], None]) -> None:
        self._gate = gate
        self._pending = pending
        self._end = end
        self._ours, self._theirs = _socket.socketpair()
        for sock in (self._ours, self._theirs):
            sock.setblocking(False)
            os.set_inheritable(sock.fileno(), False)
        self._inode = os.fstat(self._theirs.fileno()).st_ino
        self._full = False
        self._lacking_until = 0.0
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._listener: Any = None
        self._waiting: Set[int] = set()
        self._given = Given()
        self._stopped = False
        self._deadline = 0.0
        self.name: Any = None
        """The address, as `getsockname` has it."""

    def replace(self, descriptor: int) -> None:
        """Put the pair's end in the place of the app's listening socket, and close that."""
        os.dup2(self._theirs.fileno(), descriptor, inheritable=False)

    def take(self, listener: int) -> None:
        """This is the socket that connections come to. They are let wait."""
        self._listener = _REAL_SOCKET(fileno=listener)
        self._listener.setblocking(False)
        self.name = self._listener.getsockname()

    def begin(self) -> None:
        """Accept from now on, unless told to stop already."""
        _start_thread(self._run, ())

    def stands_for(self, sock: Any) -> bool:
        """Whether this is the app's socket, under whatever object, and still open."""
        try:
            return os.fstat(_REAL_FILENO(sock)).st_ino == self._inode
        except OSError:
            return False

    # ------------------------------------------------------------ from the channel's thread

    def adopt(self, connection: int) -> None:
        """Take a connection that the previous generation accepted and did not begin.

        Call with the gate held.
        """
        self._waiting.add(connection)
        self._wake()

    def stop(self, seconds: float, hand_over: Callable[[int], None]) -> None:
        """Accept and begin nothing more. Call with the gate held."""
        self._stopped = True
        self._deadline = _now() + seconds
        self._listener.close()
        for connection in [*self._waiting, *self._taken_back()]:
            hand_over(connection)
            os.close(connection)
        self._waiting.clear()
        self._given.hang_up_upgraded()
        self._wake()

    def _taken_back(self) -> List[int]:
        found = []
        connection = self._take()
        while connection is not None:
            found.append(connection)
            connection = self._take()
        return found

    # ------------------------------------------------------------ our thread

    def _run(self) -> None:
        while not self._stopped:
            for descriptor in self._wait_for_news():
                if descriptor == self._wake_read:
                    self._woken()
                elif not self._attend_to(descriptor):
                    _sleep(0.001)  # the channel's thread is about to read its order
        while self._given.any_open() and _now() < self._deadline:
            _sleep(_LOOK_SECONDS)
        self._end()

    def _wait_for_news(self) -> List[int]:
        poll = _new_poll()
        poll.register(self._wake_read, select.POLLIN)
        left = 0.0
        with self._gate:
            if self._stopped:
                return []
            if self._full:
                poll.register(self._ours.fileno(), select.POLLOUT)
            else:
                for descriptor in self._waiting:
                    poll.register(descriptor, select.POLLIN)
                left = self._lacking_until - _now()
                if left <= 0:
                    poll.register(self._listener.fileno(), select.POLLIN)
        return [descriptor for descriptor, _events in poll.poll(left * 1000 if left > 0 else None)]

    def _woken(self) -> None:
        try:
            os.read(self._wake_read, 4096)
        except BlockingIOError:
            pass

    def _attend_to(self, descriptor: int) -> bool:
        """False where nothing may be begun any more."""
        with self._gate:
            if self._stopped:
                return True
            if self._pending():
                return False
            if descriptor == self._ours.fileno():
                self._full = False
            elif descriptor == self._listener.fileno():
                self._accept()
            elif descriptor in self._waiting:
                self._pass_on(descriptor)
            return True

    def _accept(self) -> None:
        try:
            connection, _address = self._listener._accept()
        except OSError as error:  # taken back by the client meanwhile
            if error.errno in FULL:  # to look again at once would be all that we do
                self._lacking_until = _now() + AGAIN_SECONDS
            return
        self._waiting.add(connection)

    def _pass_on(self, connection: int) -> None:
        try:
            self._ours.sendmsg([b"\0"], rights(connection))
        except OSError:  # the server is slow to accept
            self._full = True
            return
        self._waiting.discard(connection)
        os.close(connection)

    def _wake(self) -> None:
        try:
            os.write(self._wake_write, b"\0")
        except OSError:  # full: it is awake
            pass

    # ------------------------------------------------------------ the server's thread

    def accept(self, timeout: Optional[float]) -> Tuple[int, Any]:
        """In place of `socket.socket._accept`: a connection's descriptor, and its address."""
        until = None if timeout is None else _now() + timeout
        while True:
            with self._gate:
                if not self._stopped and not self._pending():
                    connection = self._take()
                    if connection is not None:
                        self._given.add(connection)
                        return connection, peer(connection)
            if timeout == 0:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            left = None if until is None else until - _now()
            if left is not None and left <= 0:
                raise socket.timeout("timed out")
            poll = _new_poll()
            poll.register(self._theirs.fileno(), select.POLLIN)
            poll.poll(None if left is None else left * 1000)

    def _take(self) -> Optional[int]:
        """A connection out of the pair. One byte is one connection."""
        try:
            _data, ancillary, _flags, _address = self._theirs.recvmsg(1, _ANCILLARY)
        except OSError:
            return None
        found = array.array("i")
        for _level, _kind, payload in ancillary:
            found.frombytes(payload[: found.itemsize])
        for connection in found:
            os.set_inheritable(connection, False)
            return connection
        return None
