"""Connections that have been given to the app's server, as far as the kernel shows them."""

import errno
import os
import socket
from typing import Any, Dict

_REAL_SOCKET = socket.socket
PEEK = 16 * 1024
FULL = frozenset([errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
"""What there may be nothing left of for a connection that has come."""
AGAIN_SECONDS = 0.1
"""How long to let those who have come wait then."""


class Given:
    """Which connections the server has, and whether they are open: it does not tell its ends.

    A descriptor's number is given to another connection once it is closed; its inode is not.
    """

    def __init__(self) -> None:
        self._inodes: Dict[int, int] = {}
        self._upgraded: Dict[int, int] = {}
        self._prune_at = 64

    def add(self, descriptor: int) -> None:
        """A connection whose first bytes have come, before it is served."""
        if len(self._inodes) >= self._prune_at:
            self._inodes = {fd: i for fd, i in self._inodes.items() if _inode(fd) == i}
            self._upgraded = {fd: i for fd, i in self._upgraded.items() if _inode(fd) == i}
            self._prune_at = 64 + 2 * len(self._inodes)
        inode = _inode(descriptor)
        self._inodes[descriptor] = inode
        self._upgraded.pop(descriptor, None)
        if _asks_to_upgrade(descriptor):
            self._upgraded[descriptor] = inode

    def any_open(self) -> bool:
        """Whether one of them is in use still."""
        return any(_inode(descriptor) == inode for descriptor, inode in self._inodes.items())

    def hang_up_upgraded(self) -> None:
        """Let the server see the end of what is not HTTP any more.

        A WebSocket has no end of its own. What it says would come from old code, and its client
        makes a new one when it is closed.
        """
        for descriptor, inode in self._upgraded.items():
            try:
                # Of a copy, whose number nobody else can close and open meanwhile.
                with _REAL_SOCKET(fileno=os.dup(descriptor)) as sock:
                    if _inode(sock.fileno()) == inode:
                        sock.shutdown(socket.SHUT_RD)
            except OSError:  # it is closed, from this side or the other
                pass


def peer(descriptor: int) -> Any:
    """Whose connection it is, as `accept` has it."""
    sock = _REAL_SOCKET(fileno=descriptor)
    try:
        return sock.getpeername()
    except OSError:  # the client has gone again
        return ("", 0)
    finally:
        sock.detach()


def _inode(descriptor: int) -> int:
    try:
        return os.fstat(descriptor).st_ino
    except OSError:
        return -1


def _asks_to_upgrade(descriptor: int) -> bool:
    """Whether the first request is for a WebSocket or the like. Not to be seen under TLS."""
    sock = _REAL_SOCKET(fileno=descriptor)
    try:
        head = sock.recv(PEEK, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:
        return False
    finally:
        sock.detach()
    # Not `h2c`, which HTTP clients offer with ordinary requests.
    lines = head.partition(b"\r\n\r\n")[0].lower().split(b"\n")
    return any(line.startswith(b"upgrade:") and b"websocket" in line for line in lines)
