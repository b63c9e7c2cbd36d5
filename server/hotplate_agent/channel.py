"""The private line between the language server and an agent: framed JSON and file descriptors.

A message is four bytes of length, big-endian, then UTF-8 JSON. It runs over a Unix stream socket
of its own, so nothing that the app prints can disturb it. A descriptor rides on the first byte
of its message (`SCM_RIGHTS`); a receiver keeps the descriptors in a queue, and each message of a
class that carries one takes the next.
"""

import _thread
import array
import json
import os
import select
import socket
import sys
from collections import deque
from typing import Any, Deque, Iterator, List, Optional, Tuple

from hotplate_agent import messages

LIMIT = 64 * 1024 * 1024
LOST = -1
"""In place of a descriptor, where there was no number left for it (EMFILE)."""
_WITH_DESCRIPTOR = (
    messages.Grant, messages.Connection, messages.Handover, messages.Fork, messages.Take,
)  # fmt: skip
_leave = os._exit
_dumps, _loads = json.dumps, json.loads  # bound now: an app may put its own in their place
_ANCILLARY = socket.CMSG_SPACE(64 * array.array("i").itemsize)


def encode(message: Any) -> bytes:
    """The bytes of a message, length first. What is no UTF-8 becomes an escape."""
    body = _dumps(messages.to_wire(message)).encode("utf-8", "backslashreplace")
    return len(body).to_bytes(4, "big") + body


class ProtocolError(Exception):
    """The other side sent what is no message."""


class Decoder:
    """Turns what was read into messages, however it was cut into pieces."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._descriptors: Deque[int] = deque()

    def feed(self, data: bytes, descriptors: List[int]) -> Iterator[Tuple[Any, Optional[int]]]:
        """Each whole message in order, with its descriptor where its class carries one.

        None instead if that was lost.
        """
        self._buffer += data
        self._descriptors.extend(descriptors)
        while len(self._buffer) >= 4:
            size = int.from_bytes(self._buffer[:4], "big")
            if size > LIMIT:
                raise ProtocolError("a message of {} bytes".format(size))
            if len(self._buffer) < 4 + size:
                return
            body = bytes(self._buffer[4 : 4 + size])
            del self._buffer[: 4 + size]
            try:
                message = messages.from_wire(_loads(body))
            except (
                AttributeError,
                ArithmeticError,
                KeyError,
                TypeError,
                ValueError,
                RecursionError,
            ) as exc:
                raise ProtocolError("{} bytes that are no message".format(size)) from exc
            descriptor = None
            if isinstance(message, _WITH_DESCRIPTOR):
                if not self._descriptors:
                    raise ProtocolError("{} without its descriptor".format(type(message).__name__))
                descriptor = self._descriptors.popleft()
            yield message, None if descriptor == LOST else descriptor

    def close(self) -> None:
        """Close descriptors that no message has claimed."""
        while self._descriptors:
            descriptor = self._descriptors.popleft()
            if descriptor != LOST:
                os.close(descriptor)


def receive(sock: socket.socket) -> Tuple[bytes, List[int]]:
    """One read: bytes (none at end of file) and the descriptors that came with them.

    `LOST` stands for one that could not be taken in. A read ends where the next descriptor
    would come, so there is never more than one.
    """
    data, ancillary, flags, _address = sock.recvmsg(65536, _ANCILLARY)
    descriptors = array.array("i")
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(payload[: len(payload) - len(payload) % descriptors.itemsize])
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    if flags & socket.MSG_CTRUNC and not descriptors:
        return data, [LOST]
    return data, list(descriptors)


def rights(descriptor: int) -> List[Tuple[int, int, "array.array[int]"]]:
    """The ancillary data that carries a descriptor."""
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]


class Channel:
    """The agent's end. Threads may send at any time; one reader at a time receives.

    Locks come from `_thread`, so that an app that patches `threading` (gevent) changes nothing.
    """

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(True)
        self._socket.set_inheritable(False)
        self._identity = self._who()
        self._decoder = Decoder()
        self._inbox: Deque[Tuple[Any, Optional[int]]] = deque()
        self._lock = _thread.allocate_lock()
        self._owner = 0
        self._late: Deque[Tuple[bytes, Optional[int]]] = deque()
        self._open = True

    def send(self, message: Any, descriptor: Optional[int] = None) -> None:
        """Send, and be silent if the server is gone: the reader ends the process then."""
        self._write(encode(message), descriptor)

    def _write(self, data: bytes, descriptor: Optional[int]) -> None:
        if self._owner == _thread.get_ident():
            # A signal handler or an audit hook has come in the middle of a send of this thread.
            self._late.append((data, descriptor))
            return
        with self._lock:
            self._owner = _thread.get_ident()
            try:
                self._put(data, descriptor)
                while self._late:
                    self._put(*self._late.popleft())
            finally:
                self._owner = 0

    def _put(self, data: bytes, descriptor: Optional[int]) -> None:
        if not self._open:
            return
        self._check()
        try:
            if descriptor is not None:
                sent = self._socket.sendmsg([data], rights(descriptor))
                data = data[sent:]
            if data:
                self._socket.sendall(data)
        except OSError:
            pass

    def receive(self) -> Tuple[Any, Optional[int]]:
        """The next message; blocks. Raises EOFError once the server is gone."""
        while not self._inbox:
            self.read()
        return self._inbox.popleft()

    def read(self) -> None:
        """Take one read's worth of messages into the inbox. Raises EOFError at the end."""
        self._check()
        try:
            data, descriptors = receive(self._socket)
        except OSError:
            raise EOFError from None
        if not data:
            raise EOFError
        self._inbox.extend(self._decoder.feed(data, descriptors))

    def _who(self) -> Optional[Tuple[int, int]]:
        try:
            status = os.fstat(self._socket.fileno())
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _check(self) -> None:
        """End the process if the app has closed the line, as one that makes itself a daemon does.

        Its number may belong to a file or a connection of the app's by now, so nothing must be
        written to it any more.
        """
        if self._who() != self._identity:
            sys.stderr.write(
                "Hotplate: the app has closed file descriptor {}, which it did not open. It can't "
                "be run so: does it close all descriptors, to become a daemon?\n".format(
                    self._socket.fileno()
                )
            )
            sys.stderr.flush()
            _leave(1)

    def take(self) -> Optional[Tuple[Any, Optional[int]]]:
        """The next message already read, or None."""
        return self._inbox.popleft() if self._inbox else None

    def wait(self) -> None:
        """Block until there is something to read."""
        _poll(self._socket.fileno(), None)

    def pending(self) -> bool:
        """Whether the server has written something that was not read yet."""
        return _poll(self._socket.fileno(), 0)

    def close(self) -> None:
        """Let go of the line, in a process that has another one."""
        self._open = False
        self._socket.close()

    def forget(self) -> None:
        """In a forked child: the line is the parent's. Its number is kept busy, not freed."""
        self._open = False
        self._lock = _thread.allocate_lock()
        self._owner = 0
        cover(self._socket.fileno())


def cover(descriptor: int) -> None:
    """Put /dev/null over a descriptor, so that its number stays valid for who still holds it."""
    null = os.open(os.devnull, os.O_RDWR)
    try:
        os.dup2(null, descriptor, inheritable=False)
    finally:
        os.close(null)


if hasattr(select, "poll"):
    # Bound now: gevent takes `poll` away later, and this one has to block its thread for real.
    _new_poll = select.poll

    def _poll(descriptor: int, timeout: Optional[int]) -> bool:
        poll = _new_poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(timeout))

else:  # pragma: no cover - no platform of ours is without it
    _real_select = select.select

    def _poll(descriptor: int, timeout: Optional[int]) -> bool:
        seconds = None if timeout is None else timeout / 1000
        return bool(_real_select([descriptor], [], [], seconds)[0])
