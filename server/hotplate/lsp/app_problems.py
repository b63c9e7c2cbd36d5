"""An app's problems: what is shown on which line, and what takes it away again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from lsprotocol import types

from hotplate.lsp.diagnostics import Problems
from hotplate.lsp.explain import Explained, blamed
from hotplate.lsp.places import START, Places, in_units
from hotplate.lsp.reports import Reports, Spot
from hotplate.project.files import exists
from hotplate.project.planner import AppPlanner
from hotplate_agent import messages as m

MOST = 50
"""Of problems of requests and threads, each: the oldest goes where there are more."""


class AppProblems:
    """Owners are named by the app and by what clears the problem: its start, a view, a thread."""

    def __init__(
        self, id_: str, planner: AppPlanner, places: Places, problems: Problems, related: bool
    ) -> None:
        self._id = id_
        self._planner = planner
        self._places = places
        self._problems = problems
        self._related = related
        self.renew()

    def renew(self) -> None:
        """The app's folders may have changed."""
        roots = (self._planner.workspace, self._planner.folder)
        self.reports = Reports(self._places, roots, self.anchor)

    # ------------------------------------------------------------ what is shown

    def failed(self, report: m.Report, explained: Explained, traceback: str) -> Spot:
        """A start has failed; where the person can act on it."""
        spot, diagnostic = self._problem(report, explained, traceback)
        if not self.reports.innermost(report):
            spot = self._place_of_cause(explained) or spot
            diagnostic.range = spot.range
        self._problems.put(self._owner("start"), {spot.uri: [diagnostic]})
        return spot

    def raised(self, raised: m.Raised, explained: Explained, traceback: str) -> None:
        """A request or a thread has raised."""
        spot, diagnostic = self._problem(raised.report, explained, traceback)
        if raised.when == "thread":
            # Threads come and go under names of their own: it is the place that fails again.
            line = spot.range.start.line
            owner = self._owner(f"thread {explained.type} {spot.uri}:{line}")
        else:
            owner = self._owner(f"request {raised.view}")
        self._problems.put(owner, {spot.uri: [diagnostic]})
        kind = self._owner("thread " if raised.when == "thread" else "request ")
        for oldest in self._problems.owners(kind)[:-MOST]:
            self._problems.clear(oldest)

    def hangs(self, message: str, frames: Sequence[m.Frame]) -> None:
        """A start takes too long; where it is."""
        report = m.Report("StillStarting", message, message, list(frames), [])
        explained = Explained("StillStarting", message)
        spot, diagnostic = self.reports.diagnostic(
            report, explained, {"app": self._id}, self._related
        )
        diagnostic.severity = types.DiagnosticSeverity.Warning
        self._problems.put(self._owner("hang"), {spot.uri: [diagnostic]})

    def _problem(
        self, report: m.Report, explained: Explained, traceback: str
    ) -> tuple[Spot, types.Diagnostic]:
        data = {"app": self._id, "traceback": traceback}
        return self.reports.diagnostic(report, explained, data, self._related)

    # ------------------------------------------------------------ what takes it away

    def moved_on(self) -> None:
        """A start that hung does so no longer."""
        self._problems.clear(self._owner("hang"))

    def running(self) -> None:
        """The start is well, and the threads of the process before are gone."""
        self._problems.clear(self._owner("start"))
        self._clear(self._problems.owners(self._owner("thread ")))

    def ended(self) -> None:
        """The app has been stopped, or is none of the workspace's any more."""
        self._clear(self._problems.owners(self._owner("")))

    def recovered(self, view: str) -> None:
        """A view has answered without an exception."""
        self._problems.clear(self._owner(f"request {view}"))

    def saved(self, uri: str) -> None:
        """What a view or a thread has raised in a file is answered by its save."""
        for what in ("request ", "thread "):
            self._clear(self._problems.owners_in(uri, self._owner(what)))

    def failing(self) -> list[str]:
        """The views whose last request has raised, as far as that is shown."""
        prefix = self._owner("request ")
        return sorted(owner[len(prefix) :] for owner in self._problems.owners(prefix))

    def _clear(self, owners: list[str]) -> None:
        for owner in owners:
            self._problems.clear(owner)

    def _owner(self, what: str) -> str:
        return f"{self._id}\0{what}"  # no id holds a NUL: none begins as another

    # ------------------------------------------------------------ where the person can act

    def anchor(self) -> Spot:
        """Where a problem goes that no line of code is to blame for: the app's own line."""
        located = self._planner.located
        if located is not None and located.file is not None:
            return self._at(located.file, located.line or 0)
        for name in ("pyproject.toml", "wsgi.py", "app.py"):
            if exists(self._planner.folder / name):
                return self._at(self._planner.folder / name, 0)
        return Spot(self._places.uri(str(self._planner.folder / "app.py")), START)

    def _at(self, path: Path, line: int) -> Spot:
        real = os.path.realpath(path)
        return Spot(self._places.uri(real), in_units(self._places, real, line))

    def _place_of_cause(self, explained: Explained) -> Spot | None:
        """The setting to blame, where it stands in a file."""
        for field in blamed(explained):
            place = self._planner.place_of(field)
            if place is not None:
                return self._at(*place)
        return None
