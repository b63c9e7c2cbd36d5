"""What a start needs to know: made anew for each one, so that an edited `.env` takes effect."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import attrs

from hotplate.supervision.events import Failure
from hotplate_agent.messages import Load, Report


@attrs.frozen
class Plan:
    """One start's orders.

    `load` is the message for the agent, whose generation, PIN and the like the supervisor fills
    in. `address` is where it will most likely listen, None where only the script knows;
    `insist` are the parts of the address that the person has set, which win over a script's.
    """

    interpreter: str
    cwd: str
    env: Mapping[str, str]
    load: Load
    address: tuple[str, int] | None
    tls: bool
    insist_host: str | None
    insist_port: int | None
    heeded: frozenset[str]
    excluded: tuple[str, ...]
    project: tuple[str, ...]
    drain_seconds: float
    start_seconds: float
    certificate: tuple[str, ...] = ()
    """The files of the certificate and its key, where the settings name any."""
    environment: frozenset[str] = frozenset()
    """Those of the heeded files that are read before the app is loaded: `.env` and its like."""
    warmup: str = "off"
    """What a standby imports ahead of time: "framework", "dependencies"; "off": there is none."""


class PlanError(Exception):
    """No start can be tried; the failure says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.report.message)
        self.failure = failure


class Planner(Protocol):
    """Makes plans. Called in a thread, for it reads files and may ask other programs."""

    def plan(self) -> Plan:
        """The orders for the next start. Raises PlanError."""
        ...

    def listen_failure(self, kind: str, host: str, port: int, why: str) -> Failure:
        """What to tell of an address that can't be had (see `ListenError`)."""
        ...

    @property
    def folder(self) -> Path: ...


def cannot_run(plan: Plan, error: Exception) -> Failure:
    """What to tell where the interpreter of a plan could not be started."""
    lack = lacking(error)
    if lack is not None:
        return lack
    why = getattr(error, "strerror", None) or error
    message = (
        f"The interpreter {plan.interpreter} can't be run: {why}. "
        "Set hotplate.interpreter to the Python of your app's virtual environment."
    )
    if not os.path.isdir(plan.cwd):
        message = f"The app's folder {plan.cwd} is not there any more. Set hotplate.cwd."
    return Failure("interpreter", Report("InterpreterNotFound", message, message, [], []))


_LACKS = {
    "descriptors": "Hotplate has no file descriptor left ({why}). Close folders or apps that you "
    "don't need, or raise the limit (`ulimit -n`) before the editor is started.",
    "processes": "No further process or thread can be started ({why}). End some that you don't "
    "need, or raise the limit (`ulimit -u`).",
    "memory": "There is not enough memory to start the app ({why}). End a program that uses much.",
    "space": "There is no space left on the disk ({why}). Make some.",
}
_LACKING = {
    errno.EMFILE: "descriptors",
    errno.ENFILE: "descriptors",
    errno.EAGAIN: "processes",
    errno.ENOMEM: "memory",
    errno.ENOSPC: "space",
    errno.EDQUOT: "space",
}


def lacking(error: BaseException) -> Failure | None:
    """What to tell where the machine has run out of something; None if that is not why."""
    if isinstance(error, OSError):
        lack = _LACKING.get(error.errno or 0)
    elif isinstance(error, MemoryError):
        lack = "memory"
    else:
        lack = "processes" if "can't start new thread" in str(error) else None
    if lack is None:
        return None
    why = getattr(error, "strerror", None) or str(error) or type(error).__name__
    message = f"{_LACKS[lack].format(why=why)} The next save tries again."
    return Failure("lack", Report("NothingLeft", message, message, [], []))


def mistake(error: Exception) -> Failure:
    """What the person is told of a start that we have failed."""
    lack = lacking(error)
    if lack is not None:
        return lack
    name = type(error).__name__
    message = f"Hotplate could not start the app, by a mistake of its own: {name}: {error}"
    return Failure("settings", Report(name, message, message, [], []))
