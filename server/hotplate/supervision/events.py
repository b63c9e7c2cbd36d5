"""What can happen to an app, and what can be done about it: the core's inputs and outputs.

Events carry the generation that they speak of, so that a late one can be told from a fresh one.
Effects are orders for the shell (`supervisor`), which performs them and reports back as events.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Literal, NamedTuple, TypeAlias

import attrs

from hotplate_agent.messages import Frame, Report

Reason = Literal["start", "save", "command", "crash", "configuration", "external"]


class Phase(str, Enum):
    """The states of the contract."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    FAILED = "failed"
    STOPPING = "stopping"


class Signature(NamedTuple):
    """What tells one version of a file from another."""

    mtime_ns: int
    size: int


class Change(NamedTuple):
    """A file that changed. `signature` is what the disk says now; None: it is gone."""

    path: str
    signature: Signature | None


@attrs.frozen
class Failure:
    """Why a start failed, or a running app ended.

    `kind` is "error", "exit" or "idle" as the agent says it (see `messages.Failed`), "death" for
    a process that ended without a word, and for what failed before there was one: "interpreter",
    "flask", "port" or "settings". `report` is the exception, or a report made of what is known.
    """

    kind: str
    report: Report
    versions: dict[str, str] = attrs.field(factory=dict)
    port: int | None = None
    host: str | None = None
    elsewhere: str | None = None
    """Where this very app is served already, for another editor."""


# ---------------------------------------------------------------- events: from the person


@attrs.frozen
class Start:
    reason: Reason
    at: int
    """Wall-clock nanoseconds, comparable with a file's modification time."""


@attrs.frozen
class Restart:
    """Start anew whatever runs. `fresh`: a process spawned before must not be used; where nothing
    is to run, nothing is started."""

    reason: Reason
    at: int
    files: tuple[str, ...] = ()
    fresh: bool = False


@attrs.frozen
class Stop:
    pass


@attrs.frozen
class Saved:
    """The person has saved files, or (`external`) something else has changed them."""

    changes: tuple[Change, ...]
    at: int
    external: bool = False


# ---------------------------------------------------------------- events: from a child


@attrs.frozen
class Settled:
    """No further save came for a moment."""

    generation: int


@attrs.frozen
class Booted:
    generation: int


@attrs.frozen
class FileSeen:
    """The child has loaded or read one of the person's files, in this version of it."""

    generation: int
    path: str
    signature: Signature


@attrs.frozen
class LibrariesSeen:
    generation: int
    paths: Sequence[str]


@attrs.frozen
class Asked:
    """The child has loaded and wants the listening socket (`failed`: for the error's page)."""

    generation: int
    failed: bool


@attrs.frozen
class Accepting:
    generation: int
    extra_files: Sequence[str]
    exclude_patterns: Sequence[str]


@attrs.frozen
class Failed:
    """The start has failed. `alive`: there is a process, which serves the error's page or ends."""

    generation: int
    failure: Failure
    alive: bool


@attrs.frozen
class Released:
    """The child accepts no more."""

    generation: int


@attrs.frozen
class Gone:
    """The process has ended and is reaped; `failure` is what is known of why."""

    generation: int
    failure: Failure


@attrs.frozen
class Stale:
    """The process that was to `Load` has read, before it was this generation's, what has been
    saved since (`.env`). It has not come to the app."""

    generation: int


@attrs.frozen
class Slow:
    """The start takes longer than `startSeconds`."""

    generation: int


@attrs.frozen
class Located:
    """The answer to `AskWhere`."""

    generation: int
    frames: Sequence[Frame]


@attrs.frozen
class Rewritten:
    """The app is about to write a file that it has read."""

    generation: int
    path: str


@attrs.frozen
class WantsAlone:
    """The app is about to take what the generation before may hold."""

    generation: int


Event: TypeAlias = (
    Start
    | Restart
    | Stop
    | Saved
    | Settled
    | Booted
    | FileSeen
    | LibrariesSeen
    | Asked
    | Accepting
    | Failed
    | Released
    | Gone
    | Stale
    | Slow
    | Located
    | Rewritten
    | WantsAlone
)


# ---------------------------------------------------------------- effects


@attrs.frozen
class Spawn:
    """Make the process of a generation. It boots, and waits for `Load`."""

    generation: int


@attrs.frozen
class Respawn:
    """Make another process for a generation in place of the one that it has."""

    generation: int


@attrs.frozen
class Settle:
    """Report `Settled` once `seconds` have passed; a later `Settle` replaces this one."""

    generation: int
    seconds: float


@attrs.frozen
class Load:
    """Let it load the app. `changed`: sources whose bytecode is not to be trusted."""

    generation: int
    changed: tuple[str, ...]


@attrs.frozen
class Grant:
    """Give it the listening socket: nobody else accepts."""

    generation: int


@attrs.frozen
class Drain:
    """Have it accept no more, answer what is in flight, and end, by force if need be."""

    generation: int


@attrs.frozen
class Kill:
    """End it: it has not served anything."""

    generation: int


@attrs.frozen
class ShowPage:
    """Nobody is there to answer: the server itself answers with the failure's page."""

    failure: Failure


@attrs.frozen
class HidePage:
    pass


@attrs.frozen
class CloseListener:
    """Give the port back."""


@attrs.frozen
class TellAlone:
    """The generations before it are gone."""

    generation: int


@attrs.frozen
class AskWhere:
    generation: int


@attrs.frozen
class Hangs:
    """Tell the person where the start hangs."""

    generation: int
    frames: Sequence[Frame]


@attrs.frozen
class Publish:
    """Tell the editor the state."""

    phase: Phase
    generation: int
    reason: Reason
    files: tuple[str, ...]
    failure: Failure | None


Effect: TypeAlias = (
    Spawn
    | Respawn
    | Settle
    | Load
    | Grant
    | Drain
    | Kill
    | ShowPage
    | HidePage
    | CloseListener
    | TellAlone
    | AskWhere
    | Hangs
    | Publish
)
