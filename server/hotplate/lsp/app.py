"""One app as the editor sees it: what its supervisor tells becomes messages and problems."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
from lsprotocol import types

from hotplate.lsp import fixes, protocol
from hotplate.lsp.client import Client
from hotplate.lsp.diagnostics import Problems
from hotplate.lsp.explain import Explained, blamed, cut, explain, short
from hotplate.lsp.lenses import lenses
from hotplate.lsp.places import START, Places, in_units
from hotplate.lsp.reports import Reports, Spot
from hotplate.project import ports
from hotplate.project.planner import AppPlanner
from hotplate.project.schema import Settings
from hotplate.supervision.events import Failure, Phase, Signature
from hotplate.supervision.face import Status
from hotplate.supervision.supervisor import Supervisor
from hotplate_agent import messages as m

PROGRESS_AFTER = 0.3
STOP_SECONDS = 0.25
KEPT = 50
OPEN, STOP = "Open it", "Stop"

# Settings whose change is nothing to the process that runs.
TAKES_EFFECT_AT_ONCE = frozenset(
    {
        "name", "extra_files", "exclude_patterns", "warmup", "drain_seconds", "start_seconds",
        "auto_start", "restart_on_save", "watch_external_changes", "open_browser", "sources",
    }
)  # fmt: skip


@attrs.frozen
class Kept:
    """A traceback that was told, for `hotplate.openDebugger`."""

    generation: int
    url: str | None


class App:
    """The face of one supervisor (see `supervisor.Face`), and its owner."""

    def __init__(
        self,
        id_: str,
        name: str,
        planner: AppPlanner,
        client: Client,
        places: Places,
        problems: Problems,
    ) -> None:
        self.id = id_
        self.name = name
        self.planner = planner
        self._client = client
        self._places = places
        self._problems = problems
        self.reports = self._new_reports()
        self.supervisor = Supervisor(planner, self)
        self.left_out: dict[str, Signature | None] = {}
        """Files saved in a way that does not count (`restartOnSave`), in that version."""
        self.last_state = self._state(self.supervisor.status)
        self._tracebacks: OrderedDict[str, Kept] = OrderedDict()
        self._views: dict[str, str] = {}
        self._progress: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()
        self._stopped = asyncio.Event()
        self._opened = False
        self._warned_of_host: str | None = None

    @property
    def settings(self) -> Settings:
        return self.planner.settings

    @property
    def untouched(self) -> bool:
        """Whether nobody has started it yet."""
        return self.supervisor.status.generation == 0

    def _new_reports(self) -> Reports:
        roots = (self.planner.workspace, self.planner.folder)
        return Reports(self._places, roots, self.anchor)

    def owner(self, what: str) -> str:
        return f"{self.id}:{what}"

    # ------------------------------------------------------------ what the person does

    def reconfigure(self, settings: Settings) -> None:
        """Take new settings; restart only for those that the process has been given."""
        before, self.planner.settings = self.planner.settings, settings
        changed = {
            field.name
            for field in attrs.fields(Settings)
            if getattr(before, field.name) != getattr(settings, field.name)
        }
        named = before.sources.get("port") != settings.sources.get("port")
        if self.planner.port_override is not None and ("port" in changed or named):
            # The person has named a port: it counts, though it may be the one that was taken.
            self.planner.port_override = None
            changed.add("port")
        if not changed:
            return
        self.reports = self._new_reports()
        if changed - TAKES_EFFECT_AT_ONCE:
            if self.supervisor.status.phase is not Phase.STOPPED:
                self.supervisor.restart("configuration", fresh=True)
        else:
            self.supervisor.retune()

    def file_saved(self, uri: str) -> None:
        """What a view or a thread had raised in this file is answered by the save."""
        for what in ("request ", "thread "):
            prefix = self.owner(what)
            for owner in self._problems.owners_in(uri, prefix):
                self._problems.clear(owner)
                self.supervisor.failing.discard(owner[len(prefix) :])

    async def use_free_port(self) -> int:
        """Start on the next port that is free, until the settings name another; that port."""
        failure = self.supervisor.status.failure
        taken = failure.port if failure is not None and failure.port else self.settings.port
        port = await self._next_port(taken or 5000)
        self._take_port(port)
        return port

    async def _next_port(self, port: int) -> int:
        loop = asyncio.get_running_loop()
        host = self.settings.host or "127.0.0.1"
        return await loop.run_in_executor(None, ports.next_free, host, port)

    def _take_port(self, port: int) -> None:
        self.planner.port_override = port
        self.supervisor.restart("command")

    async def stop(self) -> None:
        """Stop, and come back when that has been told, if it takes no more than a moment.

        lsp-mode loses what comes in one breath with the answer to a command, so the answer is last.
        """
        self._stopped.clear()
        self.supervisor.stop()
        if self.supervisor.status.phase is not Phase.STOPPED:
            try:
                await asyncio.wait_for(self._stopped.wait(), STOP_SECONDS)
            except (TimeoutError, asyncio.TimeoutError):
                pass

    async def open_in_browser(self) -> None:
        url = self.supervisor.status.url
        if url is None:
            self._client.tell(f"{self.name} is not running. Start it first.")
        else:
            await self._client.open(url)

    async def open_debugger(self, id_: str | None) -> dict[str, Any]:
        """Open a traceback's interactive page: the last one, unless named."""
        if id_ is None and self._tracebacks:
            id_ = next(reversed(self._tracebacks))
        kept = self._tracebacks.get(id_ or "")
        if kept is None:
            raise ValueError("There is no such traceback. Ask for one that was told lately.")
        if kept.generation != self.supervisor.status.generation:
            raise ValueError(
                "The process that raised this is gone: the app has been restarted since. "
                "Make the request again."
            )
        if kept.url is None:
            raise ValueError(
                "There is no interactive debugger: it is off (hotplate.debugger, debug mode), or "
                "the process is gone."
            )
        await self._client.open(kept.url)
        return {"url": kept.url}

    def has_traceback(self, id_: str) -> bool:
        return id_ in self._tracebacks

    def fixes(self, problem: types.Diagnostic) -> list[fixes.Fix]:
        """What can be done about one of its problems."""
        data = problem.data if isinstance(problem.data, dict) else {}
        id_ = str(data.get("traceback"))
        kept = self._tracebacks.get(id_)
        alive = kept is not None and kept.generation == self.supervisor.status.generation
        return fixes.fixes(
            fixes.Case(
                app=self.id,
                name=self.name,
                type=str(problem.code),
                traceback=id_ if alive and kept is not None and kept.url is not None else None,
                has_pin=self.supervisor.pin is not None,
                commands=self._client.commands,
            )
        )

    def lenses(self, path: str) -> list[types.CodeLens]:
        """The lenses for a file, if the app stands in it."""
        located = self.planner.located
        if located is None or located.file is None or os.path.realpath(located.file) != path:
            return []
        range_ = in_units(self._places, path, located.line or 0)
        status, pin = self.supervisor.status, self.supervisor.pin
        return lenses(range_, self.id, self.name, status, pin is not None)

    def anchor(self) -> Spot:
        """Where a problem goes that no line of code is to blame for: the app's own line."""
        located = self.planner.located
        if located is not None and located.file is not None:
            return self._at(located.file, located.line or 0)
        for name in ("pyproject.toml", "wsgi.py", "app.py"):
            if (self.planner.folder / name).exists():
                return self._at(self.planner.folder / name, 0)
        return Spot(self._places.uri(str(self.planner.folder / "app.py")), START)

    def _at(self, path: Path, line: int) -> Spot:
        real = os.path.realpath(path)
        return Spot(self._places.uri(real), in_units(self._places, real, line))

    # ------------------------------------------------------------ told by the supervisor

    def status(self, status: Status) -> None:
        """The app's state has changed."""
        self._problems.clear(self.owner("hang"))
        if status.phase is Phase.STARTING:
            self._begin_progress()
        else:
            self._settled.set()
        spot = None
        if status.phase is Phase.FAILED and status.failure is not None:
            spot = self._failed(status, status.failure)
        elif status.phase in (Phase.RUNNING, Phase.STOPPED):
            self._problems.clear(self.owner("start"))
            for owner in self._problems.owners(self.owner("thread ")):
                self._problems.clear(owner)
        self.last_state = self._state(status, spot)
        self._client.notify(protocol.STATE, self.last_state)
        self._client.refresh_lenses()
        if status.phase is Phase.STOPPED:
            self._stopped.set()
        if status.phase is Phase.RUNNING:
            self._running(status)

    def _state(self, status: Status, spot: Spot | None = None) -> protocol.StateParams:
        error = None
        if status.failure is not None:
            explained = explain(status.failure, self.planner.found, self.planner.located)
            error = protocol.StateError(
                explained.type,
                explained.message,
                spot.uri if spot else None,
                spot.range if spot else None,
            )
        return protocol.StateParams(
            app=self.id,
            name=self.name,
            folder=self._places.uri(os.path.realpath(self.planner.folder)),
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
        explained = explain(failure, self.planner.found, self.planner.located)
        page = self.supervisor.page_url(failure.report.fault)
        id_ = self._told("startup", status.generation, failure.report, explained, page)
        spot, diagnostic = self.reports.diagnostic(
            failure.report, explained, {"app": self.id, "traceback": id_}, self._client.related
        )
        if not self.reports.innermost(failure.report):
            spot = self._place_of_cause(explained) or spot
            diagnostic.range = spot.range
        self._problems.put(self.owner("start"), {spot.uri: [diagnostic]})
        if failure.kind == "port" and explained.type == "PortTaken":
            self._client.later(self._offer_port(status.generation, failure, explained))
        return spot

    def _place_of_cause(self, explained: Explained) -> Spot | None:
        """The setting to blame, where it stands in a file."""
        for field in blamed(explained):
            place = self.planner.place_of(field)
            if place is not None:
                return self._at(*place)
        return None

    async def _offer_port(self, generation: int, failure: Failure, explained: Explained) -> None:
        free = await self._next_port(failure.port or 5000)
        use = f"Use port {free}"
        choices = [OPEN, use, STOP] if failure.elsewhere else [use, STOP]
        answer = await self._client.choose(explained.message, choices, warning=True)
        if self.supervisor.status.generation != generation:
            return
        if answer == use:
            self._take_port(free)
        elif answer is not None:
            self.supervisor.stop()
            if answer == OPEN and failure.elsewhere is not None:
                await self._client.open(failure.elsewhere)

    def _running(self, status: Status) -> None:
        host = self.supervisor.host
        loopback = host is None or host in ("localhost", "::1")
        loopback = loopback or host.startswith(("127.", "unix://"))  # type: ignore[union-attr]
        if not loopback and self._warned_of_host != host and self.settings.debugger is not True:
            self._warned_of_host = host
            self._client.tell(
                f"{self.name} listens on {host}, where others can reach it: the interactive "
                "debugger's console is off. Set hotplate.debugger to true to have it there.",
                types.MessageType.Warning,
            )
        if self.settings.open_browser == "onFirstStart" and not self._opened:
            self._opened = True
            self._client.later(self.open_in_browser())

    def pin(self, generation: int, pin: str | None, url: str | None) -> None:
        params = protocol.DebuggerPinParams(self.id, generation, pin, url)
        self._client.notify(protocol.DEBUGGER_PIN, params)
        self._client.refresh_lenses()

    def pin_wanted(self) -> None:
        if self._client.own_messages:
            generation = self.supervisor.status.generation
            params = protocol.PinWantedParams(self.id, generation)
            self._client.notify(protocol.PIN_WANTED, params)
        else:
            self._client.tell(
                "A debugger page asks for its PIN: run the code lens “Show the PIN” on the app's "
                "line, or the command hotplate.debuggerPin."
            )

    def raised(self, generation: int, raised: m.Raised, page: str | None) -> None:
        """A request or a thread has raised."""
        report = raised.report
        explained = Explained(short(report.type), cut(report.message))
        when = raised.when
        innermost = self.reports.innermost(report)
        if when == "request" and innermost and not innermost.file.endswith((".py", ".pyw")):
            when = "template"
        request = protocol.TracebackRequest(raised.method, raised.url) if raised.method else None
        id_ = self._told(when, generation, report, explained, page, request)
        spot, diagnostic = self.reports.diagnostic(
            report, explained, {"app": self.id, "traceback": id_}, self._client.related
        )
        kind = "thread" if raised.when == "thread" else "request"
        self._problems.put(self.owner(f"{kind} {raised.view}"), {spot.uri: [diagnostic]})

    def recovered(self, generation: int, view: str) -> None:
        self._problems.clear(self.owner(f"request {view}"))

    def hangs(self, generation: int, frames: Sequence[m.Frame], seconds: float) -> None:
        """The start takes too long; show where it is, and let it go on."""
        message = f"{self.name} has been starting for {seconds:g} s, and is still here."
        report = m.Report("StillStarting", message, message, list(frames), [])
        spot, diagnostic = self.reports.diagnostic(
            report, Explained("StillStarting", message), {"app": self.id}, self._client.related
        )
        diagnostic.severity = types.DiagnosticSeverity.Warning
        self._problems.put(self.owner("hang"), {spot.uri: [diagnostic]})

    def output(self, generation: int, stream: str, text: str) -> None:
        self._client.notify(
            protocol.OUTPUT, protocol.OutputParams(self.id, generation, stream, text)
        )
        if not self._client.own_messages:
            self._client.log(text.rstrip("\n"))

    def words(self, failure: Failure) -> str:
        return explain(failure, self.planner.found).message

    # ------------------------------------------------------------ helpers

    def _told(
        self,
        when: str,
        generation: int,
        report: m.Report,
        explained: Explained,
        page: str | None,
        request: protocol.TracebackRequest | None = None,
    ) -> str:
        """Tell a traceback and remember it. Its id names it among all apps'."""
        id_ = secrets.token_hex(6)
        params = self.reports.traceback(self.id, generation, id_, when, report, explained)
        params = attrs.evolve(params, request=request, debugger_url=page)
        self._tracebacks[id_] = Kept(generation, page)
        while len(self._tracebacks) > KEPT:
            self._tracebacks.popitem(last=False)
        self._client.notify(protocol.TRACEBACK, params)
        return id_

    def _begin_progress(self) -> None:
        if self._progress is None or self._progress.done():
            self._settled = asyncio.Event()
            self._progress = asyncio.ensure_future(self._show_progress(self._settled))
            self._client.later(self._progress)

    async def _show_progress(self, settled: asyncio.Event) -> None:
        """Show progress for a start that takes longer than a moment."""
        try:
            await asyncio.wait_for(settled.wait(), PROGRESS_AFTER)
            return
        except (TimeoutError, asyncio.TimeoutError):
            pass
        token = await self._client.begin_progress("Hotplate", f"starting {self.name}")
        await settled.wait()
        if token is not None:
            self._client.end_progress(token, self.supervisor.status.phase.value)
