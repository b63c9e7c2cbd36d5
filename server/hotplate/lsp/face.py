"""What an app's supervisor tells, as messages to the editor and as problems in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import attrs
from lsprotocol import types

from hotplate.lsp import protocol
from hotplate.lsp.app_problems import AppProblems
from hotplate.lsp.client import Client
from hotplate.lsp.explain import Explained, cut, explain, short
from hotplate.lsp.places import Places
from hotplate.lsp.progress import StartProgress
from hotplate.lsp.reports import Spot
from hotplate.lsp.tracebacks import Tracebacks
from hotplate.project.planner import AppPlanner
from hotplate.supervision.events import Failure, Phase
from hotplate.supervision.face import Status
from hotplate_agent import messages as m
from hotplate_agent.debugger import is_loopback


class EditorFace:
    """The face of one supervisor (see `supervision.face.Face`).

    `port_taken(failure, message)` is called for a start whose port somebody else has.
    """

    def __init__(
        self,
        id_: str,
        name: str,
        planner: AppPlanner,
        client: Client,
        places: Places,
        problems: AppProblems,
        port_taken: Callable[[Failure, str], None],
    ) -> None:
        self._id = id_
        self._name = name
        self._planner = planner
        self._client = client
        self._places = places
        self._problems = problems
        self._port_taken = port_taken
        self.tracebacks = Tracebacks(client)
        self._progress = StartProgress(client, name)
        self.last_state = self._state(Status(Phase.STOPPED, 0, "start"))
        self._opened = False
        self._warned: str | None = None

    # ------------------------------------------------------------ the state

    def status(self, status: Status) -> None:
        """The app's state has changed."""
        self._problems.moved_on()
        if status.phase is Phase.STARTING:
            self._progress.begin()
        else:
            self._progress.end(status.phase.value)
        spot = None
        if status.phase is Phase.FAILED and status.failure is not None:
            spot = self._failed(status, status.failure)
        elif status.phase is Phase.RUNNING:
            self._problems.running()
        elif status.phase is Phase.STOPPED:
            self._problems.ended()
        self.last_state = self._state(status, spot)
        self._tell_state()
        if status.phase is Phase.RUNNING:
            self._running(status)

    def introduce(self) -> None:
        """Tell of an app that is not started by itself, so that a client of ours can offer it."""
        if self._client.own_messages:
            self._tell_state()

    def _tell_state(self) -> None:
        self._client.notify(protocol.STATE, self.last_state)
        self._client.refresh_lenses()

    def _state(self, status: Status, spot: Spot | None = None) -> protocol.StateParams:
        error = None
        if status.failure is not None:
            explained = self._explain(status.failure)
            error = protocol.StateError(
                explained.type,
                explained.message,
                spot.uri if spot else None,
                spot.range if spot else None,
            )
        return protocol.StateParams(
            app=self._id,
            name=self._name,
            folder=self._places.uri(os.path.realpath(self._planner.folder)),
            state=status.phase.value,
            generation=status.generation,
            url=status.url,
            pid=status.pid,
            reason=status.reason,
            files=[self._places.uri(path) for path in status.files] or None,
            ready_ms=status.ready_ms,
            error=error,
        )

    def _failed(self, status: Status, failure: Failure) -> Spot:
        explained = self._explain(failure)
        id_ = self._told("startup", status.generation, failure.report, explained, status.page)
        spot = self._problems.failed(failure.report, explained, id_)
        if failure.kind == "port" and explained.type == "PortTaken":
            self._port_taken(failure, explained.message)
        return spot

    def _running(self, status: Status) -> None:
        settings = self._planner.settings
        host = status.host
        if host is not None and not is_loopback(host):
            warning = f"{self._name} listens on {host}, where others can reach it"
            if settings.console_for_others:
                warning += (
                    ", and the interactive debugger's console with it: whoever has the PIN can run "
                    "code. Set hotplate.debugger to false, or hotplate.host to 127.0.0.1."
                )
            else:
                warning += (
                    ": the interactive debugger's console is off. Set hotplate.debugger to true "
                    "in the editor's settings to have it there."
                )
            if self._warned != warning:
                self._client.tell(warning, types.MessageType.Warning)
            self._warned = warning
        if settings.open_browser == "onFirstStart" and not self._opened and status.url:
            self._opened = True
            self._client.later(self._client.open(status.url))

    # ------------------------------------------------------------ exceptions

    def raised(self, generation: int, raised: m.Raised, page: str | None) -> None:
        """A request or a thread has raised."""
        report = raised.report
        explained = Explained(short(report.type), cut(report.message))
        when = raised.when
        innermost = self._problems.reports.innermost(report)
        if when == "request" and innermost and not innermost.file.endswith((".py", ".pyw")):
            when = "template"
        request = protocol.TracebackRequest(raised.method, raised.url) if raised.method else None
        id_ = self._told(when, generation, report, explained, page, request)
        self._problems.raised(raised, explained, id_)

    def recovered(self, generation: int, view: str) -> None:
        """A view that had raised has answered."""
        self._problems.recovered(view)

    def failing(self) -> list[str]:
        """The views whose next answer is waited for."""
        return self._problems.failing()

    def hangs(self, generation: int, frames: Sequence[m.Frame], seconds: float) -> None:
        """The start takes too long; show where it is, and let it go on."""
        message = f"{self._name} has been starting for {seconds:g} s, and is still here."
        self._problems.hangs(message, frames)

    def words(self, failure: Failure) -> str:
        """What to say of a failure on the page that stands in the app's place."""
        return self._explain(failure).message

    def _explain(self, failure: Failure) -> Explained:
        return explain(failure, self._planner.found, self._planner.located)

    def _told(
        self,
        when: str,
        generation: int,
        report: m.Report,
        explained: Explained,
        page: str | None,
        request: protocol.TracebackRequest | None = None,
    ) -> str:
        """Tell a traceback; its id."""
        reports = self._problems.reports
        params = reports.traceback(self._id, generation, "", when, report, explained)
        return self.tracebacks.tell(attrs.evolve(params, request=request, debugger_url=page))

    # ------------------------------------------------------------ the rest

    def pin(self, generation: int, pin: str | None, url: str | None) -> None:
        params = protocol.DebuggerPinParams(self._id, generation, pin, url)
        self._client.notify(protocol.DEBUGGER_PIN, params)
        self._client.refresh_lenses()

    def pin_wanted(self) -> None:
        if self._client.own_messages:
            generation = self.last_state.generation
            params = protocol.PinWantedParams(self._id, generation)
            self._client.notify(protocol.PIN_WANTED, params)
        else:
            self._client.tell(
                "A debugger page asks for its PIN: run the code lens “Show the PIN” on the app's "
                "line, or the command hotplate.debuggerPin."
            )

    def output(self, generation: int, stream: str, text: str) -> None:
        self._client.notify(
            protocol.OUTPUT, protocol.OutputParams(self._id, generation, stream, text)
        )
        if not self._client.own_messages:
            self._client.log(text.rstrip("\n"))
