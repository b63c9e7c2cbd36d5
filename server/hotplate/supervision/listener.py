"""The listening socket: opened once, held over every restart, lent to the generation that serves.

Connections made while nobody accepts wait in its queue; that is why a restart refuses nobody.
"""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

QUEUE = 1024
"""Connections that may wait through a restart; the kernel caps it (Linux: somaxconn, 4096)."""

UNIX = "unix://"


class ListenError(Exception):
    """No socket can be had at an address. `kind` is "taken", "forbidden" or "unknown"."""

    def __init__(self, kind: str, host: str, port: int, error: OSError) -> None:
        self.why = error.strerror or str(error)
        super().__init__(f"{host}:{port}: {self.why}")
        self.kind = kind
        self.host = host
        self.port = port


class Listener:
    """A bound, listening socket and the address it was asked for."""

    def __init__(self, host: str, port: int) -> None:
        """Bind and listen; blocks while a host name is looked up. Raises ListenError."""
        self.host = host
        self.asked_port = port
        self.socket = _open(host, port)
        self.port = port if host.startswith(UNIX) else int(self.socket.getsockname()[1])

    def serves(self, host: str | None, port: int | None) -> bool:
        """Whether this is what a request for an address would get. None is any; port 0 the one
        that is held."""
        return host in (None, self.host) and port in (None, self.asked_port, self.port)

    def is_at(self, host: str, port: int) -> bool:
        """As `serves`, for another name of the same host; blocks while that is looked up."""
        if not self.serves(None, port) or UNIX in (host[: len(UNIX)], self.host[: len(UNIX)]):
            return False
        try:
            family, address = _resolve(host, self.port)
        except (OSError, UnicodeError, OverflowError):
            return False
        return family == self.socket.family and address == self.socket.getsockname()

    def url(self, tls: bool) -> str | None:
        """Where a browser on this machine finds it; None for a Unix socket."""
        return url(self.host, self.port, tls)

    def close(self) -> None:
        """Give the address back. Connections that still wait are reset."""
        self.socket.close()
        if self.host.startswith(UNIX):
            Path(self.host[len(UNIX) :]).unlink(missing_ok=True)


def url(host: str, port: int, tls: bool) -> str | None:
    """Where a browser on this machine finds what listens there; None for a Unix socket."""
    if host.startswith(UNIX):
        return None
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    if ":" in host:
        host = f"[{host}]"
    return f"{'https' if tls else 'http'}://{host}:{port}"


def absolute(host: str, folder: str) -> str:
    """The host, where it is a Unix socket by its whole path: it stands in the app's folder."""
    return UNIX + os.path.join(folder, host[len(UNIX) :]) if host.startswith(UNIX) else host


def _open(host: str, port: int) -> socket.socket:
    try:
        if host.startswith(UNIX):
            return _listen(socket.AF_UNIX, _fresh_path(host[len(UNIX) :]))
        return _listen(*_resolve(host, port))
    except (UnicodeError, OverflowError) as error:  # no name that could be looked up
        raise ListenError("unknown", host, port, OSError(str(error))) from error
    except OSError as error:
        kind = {errno.EADDRINUSE: "taken", errno.EACCES: "forbidden"}.get(error.errno or 0)
        raise ListenError(kind or "unknown", host, port, error) from error


def _resolve(host: str, port: int) -> tuple[int, object]:
    """A name's family and address, as Werkzeug picks them."""
    if not 0 <= port <= 65535:  # the C library would cut it to sixteen bits
        raise OverflowError(f"there is no port {port}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    return family, found[0][4]


def _listen(family: int, address: object) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family != socket.AF_UNIX and os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        sock.bind(address)  # type: ignore[arg-type]
        sock.listen(QUEUE)
    except OSError:
        sock.close()
        raise
    return sock


def _fresh_path(path: str) -> str:
    """A Unix socket's path; what a process that is gone has left there is taken away."""
    if Path(path).is_socket():
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(path)
            except ConnectionRefusedError:
                Path(path).unlink(missing_ok=True)
    return path
