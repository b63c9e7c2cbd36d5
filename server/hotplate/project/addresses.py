"""Why an address can't be had, in words that the person can act on."""

from __future__ import annotations

from pathlib import Path

import attrs

from hotplate.project import neighbours, ports
from hotplate.supervision.events import Failure
from hotplate.supervision.listener import UNIX, url
from hotplate_agent.messages import Report


def refused(kind: str, host: str, port: int, why: str, folder: Path, tls: bool) -> Failure:
    """The failure for a `ListenError`. `folder` is the app's, `tls` how it would be served."""
    if host.startswith(UNIX):
        return _socket(kind, host[len(UNIX) :], why)
    if kind == "taken":
        return attrs.evolve(_taken(host, port, folder, tls), host=host)
    if kind == "forbidden":
        return _failure(
            "PortForbidden",
            f"Port {port} on {host} may not be used: ports below 1024 belong to the "
            "administrator. Set hotplate.port to a higher one, such as 5000.",
            port,
        )
    return _failure(
        "HostUnknown",
        f"The host {host!r} is none of this machine's addresses. Set hotplate.host to "
        "127.0.0.1, or to an address of this machine.",
        port,
    )


def _taken(host: str, port: int, folder: Path, tls: bool) -> Failure:
    owner = ports.owner(port, host)
    neighbour = neighbours.behind(owner) if owner is not None else None
    if neighbour is None:
        who = ports.describe(owner, folder) if owner is not None else "another program"
        return _failure(
            "PortTaken", f"Port {port} is taken by {who}. Stop it, or set hotplate.port.", port
        )
    said = f"Port {port} is taken by {neighbour.described(folder)}."
    if neighbour.serves(folder):
        return _failure(
            "PortTaken",
            f"{said} Open it there, or set hotplate.port to run it here as well.",
            port,
            url(host, port, tls),
        )
    if neighbour.is_here:
        return _failure("PortTaken", f"{said} Give each of them its own hotplate.port.", port)
    return _failure("PortTaken", f"{said} Stop it there, or set hotplate.port.", port)


def _socket(kind: str, path: str, why: str) -> Failure:
    if kind == "taken":
        return _failure(
            "SocketTaken",
            f"The socket {path} is taken by another program. Stop it, or set hotplate.host.",
        )
    return _failure(
        "SocketRefused",
        f"The socket {path} can't be made: {why}. Set hotplate.host to unix:// and a short path "
        "in a folder that is there.",
    )


def _failure(
    type_: str, message: str, port: int | None = None, elsewhere: str | None = None
) -> Failure:
    report = Report(type_, message, message, [], [])
    return Failure("port", report, port=port, elsewhere=elsewhere)
