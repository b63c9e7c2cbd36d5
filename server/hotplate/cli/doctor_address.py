"""Where an app would listen: host and port, who says so, and whether they can be had."""

from __future__ import annotations

import os

import attrs

from hotplate.cli.doctor_findings import Address, Obstacle
from hotplate.cli.doctor_subject import Subject
from hotplate.project import neighbours, ports
from hotplate.project.files import exists, expand
from hotplate.supervision.listener import UNIX, Listener, ListenError


def examine_address(subject: Subject) -> Address:
    """Settle the address, and try it for a moment."""
    settings, known = subject.settings, subject.planner.peek()
    if settings.script and settings.port is None:
        return Address(settings.host, "the script", None, "the script")
    _examine_certificate(subject, settings.cert or known.cert)
    host = settings.host or known.host or "127.0.0.1"
    port = settings.port if settings.port is not None else known.port
    port = 5000 if port is None else port
    address = Address(
        host=host,
        host_from=subject.source("host", known.sources.get("host", "default")),
        port=port,
        port_from=subject.source("port", known.sources.get("port", "default")),
    )
    return address if host.startswith(UNIX) else _try(subject, address, host, port)


def _try(subject: Subject, address: Address, host: str, port: int) -> Address:
    """Listen there for a moment; where that fails, see who does."""
    try:
        Listener(host, port).close()
        return attrs.evolve(address, free=True)
    except ListenError as error:
        kind = error.kind
    owner = ports.owner(port, host) if kind == "taken" else None
    if owner is not None and _is_ours(subject, owner):
        holder = f"this very app, which Hotplate runs in an editor (pid {owner.pid})"
        return attrs.evolve(address, free=False, holder=holder, ours=True)
    failure = subject.planner.listen_failure(kind, host, port)
    subject.obstacles.append(Obstacle.of(failure.report.message))
    taken_by = ports.describe(owner, subject.cwd) if kind == "taken" else None
    return attrs.evolve(address, free=False, holder=taken_by)


def _is_ours(subject: Subject, owner: ports.Owner) -> bool:
    here = owner.cwd is not None and os.path.realpath(owner.cwd) == os.path.realpath(subject.cwd)
    return here and neighbours.behind(owner) is not None


def _examine_certificate(subject: Subject, cert: str | None) -> None:
    """A path has to be there; Flask also takes `adhoc`, and a name to import."""
    for name, value in (("cert", cert), ("key", subject.settings.key)):
        is_path = bool(value) and (os.sep in str(value) or "." in str(value).strip("."))
        if value and is_path and not exists(expand(subject.cwd, value)):
            subject.in_the_way(
                f"The {name} {value} is not there (seen from {subject.cwd}).",
                f"Set hotplate.{name} to a file that is, or leave it out.",
            )
