"""What a supervisor tells, and to whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import attrs

from hotplate.supervision import events as ev
from hotplate.supervision.events import Failure, Phase
from hotplate_agent import messages as m


@attrs.frozen
class Status:
    """The app's state as the editor is told it."""

    phase: Phase
    generation: int
    reason: ev.Reason
    files: tuple[str, ...] = ()
    failure: Failure | None = None
    url: str | None = None
    pid: int | None = None
    ready_ms: int | None = None
    host: str | None = None
    """Where it listens."""
    page: str | None = attrs.field(default=None, repr=False)
    """The address of the failure's interactive page. It is a secret."""


class Face(Protocol):
    """Who is told: the language server's side. No call may block or raise."""

    def status(self, status: Status) -> None: ...
    def pin(self, generation: int, pin: str | None, url: str | None) -> None: ...
    def pin_wanted(self) -> None: ...
    def raised(self, generation: int, raised: m.Raised, page: str | None) -> None: ...
    def recovered(self, generation: int, view: str) -> None: ...
    def hangs(self, generation: int, frames: Sequence[m.Frame], seconds: float) -> None: ...
    def output(self, generation: int, stream: str, text: str) -> None: ...

    def failing(self) -> list[str]:
        """The views whose last request has raised: the next process tells when they recover."""
        ...

    def words(self, failure: Failure) -> str:
        """What to say of a failure on the page that stands in the app's place."""
        ...
