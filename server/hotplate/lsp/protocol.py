"""Hotplate's own messages, beside LSP's: what `docs/protocol.md` describes, and a test compares.

Every notification can be ignored by a client that does not know it. Field names are camelCase on
the wire; an optional field is left out where there is nothing to say.
"""

from __future__ import annotations

from typing import Any

import attrs
from lsprotocol.types import Range

STATE = "hotplate/state"
REMOVED = "hotplate/removed"
DEBUGGER_PIN = "hotplate/debuggerPin"
PIN_WANTED = "hotplate/pinWanted"
TRACEBACK = "hotplate/traceback"
OUTPUT = "hotplate/output"

COMMANDS = (
    "hotplate.start",
    "hotplate.stop",
    "hotplate.restart",
    "hotplate.openInBrowser",
    "hotplate.openDebugger",
    "hotplate.debuggerPin",
    "hotplate.useFreePort",
    "hotplate.state",
)


OPTIONAL = {"optional": True}
"""Marks a field that is left out of the message where it is None."""


@attrs.frozen
class StateError:
    """Why the state is `failed`; the place where the person can act on it, if there is one."""

    type: str
    message: str
    uri: str | None = attrs.field(default=None, metadata=OPTIONAL)
    range: Range | None = attrs.field(default=None, metadata=OPTIONAL)


@attrs.frozen
class StateParams:
    """An app's state has changed. `readyMs` is from the trigger to accepting."""

    app: str
    name: str
    folder: str
    state: str
    generation: int
    url: str | None = attrs.field(default=None, metadata=OPTIONAL)
    pid: int | None = attrs.field(default=None, metadata=OPTIONAL)
    reason: str | None = attrs.field(default=None, metadata=OPTIONAL)
    files: list[str] | None = attrs.field(default=None, metadata=OPTIONAL)
    ready_ms: int | None = attrs.field(default=None, metadata=OPTIONAL)
    error: StateError | None = attrs.field(default=None, metadata=OPTIONAL)


@attrs.frozen
class RemovedParams:
    """An app is none of the workspace's any more."""

    app: str


@attrs.frozen
class DebuggerPinParams:
    """The PIN that Werkzeug's debugger will ask for; null where it asks for none. Secret."""

    app: str
    generation: int
    pin: str | None
    url: str | None = attrs.field(default=None, metadata=OPTIONAL)


@attrs.frozen
class PinWantedParams:
    """A page of the debugger has just asked its reader for the PIN."""

    app: str
    generation: int


@attrs.frozen
class TracebackFrame:
    """A line of a traceback. `code` is the line without its indentation."""

    uri: str
    range: Range
    function: str
    code: str
    in_workspace: bool


@attrs.frozen
class TracebackCause:
    """A chained exception, or a member of a group. `relation`: cause, context, group or caught."""

    type: str
    message: str
    relation: str
    frames: list[TracebackFrame]


@attrs.frozen
class TracebackRequest:
    """The request that raised."""

    method: str
    url: str


@attrs.frozen
class TracebackParams:
    """An exception. `when` is `startup`, `request`, `thread` or `template`; frames are outermost
    first; `debuggerUrl` is the interactive page, as long as the process lives. Secret."""

    app: str
    generation: int
    id: str
    when: str
    type: str
    message: str
    text: str
    frames: list[TracebackFrame]
    causes: list[TracebackCause] | None = attrs.field(default=None, metadata=OPTIONAL)
    request: TracebackRequest | None = attrs.field(default=None, metadata=OPTIONAL)
    debugger_url: str | None = attrs.field(default=None, metadata=OPTIONAL)


@attrs.frozen
class OutputParams:
    """Whole lines that the app has printed to `stdout` or `stderr`."""

    app: str
    generation: int
    stream: str
    text: str


NOTIFICATIONS: dict[str, type[Any]] = {
    STATE: StateParams,
    REMOVED: RemovedParams,
    DEBUGGER_PIN: DebuggerPinParams,
    PIN_WANTED: PinWantedParams,
    TRACEBACK: TracebackParams,
    OUTPUT: OutputParams,
}


def camel(name: str) -> str:
    """A field's name on the wire."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def to_json(value: Any) -> Any:
    """What a message's params look like on the wire."""
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if not attrs.has(type(value)):
        return value
    return {
        camel(field.name): to_json(getattr(value, field.name))
        for field in attrs.fields(type(value))
        if not (field.metadata.get("optional") and getattr(value, field.name) is None)
    }
