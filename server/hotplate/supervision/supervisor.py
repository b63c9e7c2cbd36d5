"""The shell around the core: performs its effects, and turns what happens into its events.

Everything here runs in the event loop's thread. `post` handles an event at once, to its last
effect, unless it is called from within an effect; then it waits its turn. So when the handler of
a didSave returns, the order to stop accepting is in the old process's channel.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import attrs

from hotplate.supervision import events as ev
from hotplate.supervision import orphans
from hotplate.supervision.autopsy import examine
from hotplate.supervision.child import Child
from hotplate.supervision.core import Core
from hotplate.supervision.door import Door
from hotplate.supervision.events import Event, Failure, Phase, Signature
from hotplate.supervision.face import Face, Status
from hotplate.supervision.files import real, signature
from hotplate.supervision.guard import Guard
from hotplate.supervision.output import Output, Untold
from hotplate.supervision.plan import Plan, Planner, mistake
from hotplate.supervision.secrets import Secrets, redact, redact_report
from hotplate.supervision.spawning import Spawner
from hotplate.supervision.standby import is_current
from hotplate_agent import messages as m

logger = logging.getLogger(__name__)

SHUTDOWN_DRAIN = 0.3
SHUTDOWN_SECONDS = 0.8
"""What the end of the editor leaves: VS Code kills after two seconds, and the contract says that
nothing of ours is alive after one."""


class Supervisor:
    """One app: its processes, its socket, its generations."""

    def __init__(self, planner: Planner, face: Face) -> None:
        self._planner = planner
        self._face = face
        self._core = Core()
        self._core.saves.project = (os.path.realpath(planner.folder) + os.sep,)
        self._door = Door(planner)
        self._loop = asyncio.get_running_loop()
        self._inbox: deque[Event] = deque()
        self._handling = False
        self._children: dict[int, Child] = {}
        self._spawner = Spawner(planner, self._door, self, self._heed, self._made, self._no_child)
        self._standby = self._spawner.standby
        self._guard = Guard()
        self._untold = Untold(self._print)
        self._plans = self._spawner.plans
        self._output = Output(self._print)
        self._granting: dict[int, m.Ask] = {}
        self._settling: asyncio.TimerHandle | None = None
        self._slow: asyncio.TimerHandle | None = None
        self._served: set[int] = set()
        self._triggered = 0.0
        self._secrets = Secrets()
        self._stopped = asyncio.Event()
        self._stopped.set()
        self.closed = False
        """Set by `close`: from then on nothing starts it."""
        self.status = Status(Phase.STOPPED, 0, "start")

    # ------------------------------------------------------------ what the editor may do

    def start(self, reason: ev.Reason = "start") -> None:
        """Start, unless it runs or starts already."""
        self.post(ev.Start(reason, time.time_ns()))

    def restart(self, reason: ev.Reason, files: tuple[str, ...] = (), fresh: bool = False) -> None:
        """Start anew, whatever runs."""
        self.post(ev.Restart(reason, time.time_ns(), files, fresh))

    def stop(self) -> None:
        """End the app and give the port back."""
        self.post(ev.Stop())

    def saved(self, paths: Sequence[str]) -> None:
        """Files have been saved."""
        self._post_saved([ev.Change(path, signature(path)) for path in paths], external=False)

    def changed(self, changes: Sequence[ev.Change]) -> None:
        """Files have been changed by something else, and are so now."""
        self._post_saved(changes, external=True)

    def _post_saved(self, changes: Sequence[ev.Change], external: bool) -> None:
        named = dict(changes)
        below = [path for path in self._core.saves.known_below(named) if path not in named]
        named.update({path: signature(path) for path in below})
        every = tuple(ev.Change(path, found) for path, found in named.items())
        self.post(ev.Saved(every, time.time_ns(), external))

    def retune(self) -> None:
        """Take over what changed settings mean for the process that runs, without a restart."""
        if self._core.phase not in (Phase.STOPPED, Phase.STOPPING):
            self._loop.create_task(self._spawner.retune(lambda: self._core.generation))

    def _heed(self, plan: Plan) -> None:
        self._core.saves.heeded = plan.heeded
        self._core.saves.excluded = plan.excluded
        self._core.saves.project = plan.project

    async def stopped(self, seconds: float) -> bool:
        """Wait until it is stopped, for so long at the most; whether it is, and that was told."""
        try:
            await asyncio.wait_for(self._stopped.wait(), seconds)
        except (TimeoutError, asyncio.TimeoutError):
            return False
        return True

    async def close(self) -> None:
        """End everything, within a second. The supervisor can't be used after that."""
        self.closed = True
        self.stop()
        for child in self._children.values():
            child.drain(SHUTDOWN_DRAIN, SHUTDOWN_SECONDS - SHUTDOWN_DRAIN)
        if not await self.stopped(SHUTDOWN_SECONDS):
            for child in list(self._children.values()):
                child.kill_group()
            await self.stopped(0.2)
        self.abandon()

    def abandon(self) -> None:
        """Kill and close whatever is left, without waiting."""
        self._spawner.abandon()
        for child in list(self._children.values()):
            child.kill_group()
            child.close()
        self._children.clear()
        self._guard.close()
        self._untold.close()
        self._door.close()

    @property
    def pin(self) -> str | None:
        """What Werkzeug will ask for."""
        return self._secrets.pin

    # ------------------------------------------------------------ one inbox

    def post(self, event: Event) -> None:
        """Handle an event, after those that came before it."""
        if self.closed and isinstance(event, (ev.Start, ev.Restart)):
            return  # an answer that the person gave late, or settings that were under way
        self._inbox.append(event)
        if self._handling:
            return
        self._handling = True
        try:
            while self._inbox:
                self._handle(self._inbox.popleft())
        finally:
            self._handling = False

    def _handle(self, event: Event) -> None:
        """A mistake of ours in one effect must not cost the others, or the events behind it."""
        try:
            effects = self._core.handle(event)
        except Exception:
            logger.exception("Hotplate could not decide on %s.", type(event).__name__)
            return
        for effect in effects:
            try:
                self._perform(effect)
            except Exception as error:
                logger.exception("Hotplate failed to %s.", type(effect).__name__)
                if isinstance(effect, ev.Load):  # else the start would never end
                    self.post(ev.Failed(effect.generation, mistake(error), alive=True))

    def _perform(self, effect: ev.Effect) -> None:
        match effect:
            case ev.Publish():
                self._publish(effect)
            case ev.Respawn(generation):
                self._standby.take_back(self._children.pop(generation))
                self._spawner.spawn(generation)
            case ev.Spawn(generation):
                self._spawner.spawn(generation)
            case ev.Settle(generation, seconds):
                if self._settling is not None:
                    self._settling.cancel()
                self._settling = self._loop.call_later(seconds, self.post, ev.Settled(generation))
            case ev.Load(generation, changed):
                self._load(generation, changed)
            case ev.Grant(generation):
                self._loop.create_task(self._grant(generation))
            case ev.Drain(generation):
                seconds = self._plans[generation].drain_seconds
                self._children[generation].drain(SHUTDOWN_DRAIN if self.closed else seconds)
            case ev.Kill(generation):
                self._kill(generation)
            case ev.ShowPage(failure):
                self._door.show_page(failure, self._face.words(failure))
            case ev.HidePage():
                self._door.hide_page()
            case ev.CloseListener():
                self._door.close()
            case ev.TellAlone(generation):
                self._children[generation].send(m.NowAlone())
            case ev.AskWhere(generation):
                self._children[generation].send(m.AskWhere())
            case ev.Hangs(generation, frames):
                seconds = self._plans[generation].start_seconds
                self._face.hangs(generation, frames, seconds)
                # Where it was may have been a library's code: look again after as long a time.
                self._look_later(generation)

    # ------------------------------------------------------------ effects

    def _made(self, child: Child) -> None:
        self._children[child.generation] = child
        self._look_later(child.generation)

    def _no_child(self, generation: int, failure: Failure) -> None:
        self.post(ev.Failed(generation, failure, alive=False))

    def _load(self, generation: int, changed: tuple[str, ...]) -> None:
        if not is_current(self._children[generation]):
            self.post(ev.Stale(generation))
            return
        plan = self._plans[generation]
        self._look_later(generation)
        load = self._secrets.entrust(plan.load)._replace(
            generation=generation, changed=list(changed), failing=self._face.failing()
        )
        self._children[generation].send(self._door.entrust(load))

    def _look_later(self, generation: int) -> None:
        """Look, after `startSeconds`, if the start hangs."""
        if self._slow is not None:
            self._slow.cancel()
        seconds = self._plans[generation].start_seconds
        self._slow = self._loop.call_later(seconds, self.post, ev.Slow(generation))

    async def _grant(self, generation: int) -> None:
        ask = self._granting.pop(generation, None)
        child = self._children.get(generation)
        if ask is None or child is None:
            return  # it has died as it asked

        def wanted() -> bool:
            current = generation == self._core.generation
            return current and self._core.phase is not Phase.STOPPING and not child.ended

        failure = await self._door.let_in(child, ask, self._plans[generation], wanted)
        if failure is not None:
            self.post(ev.Failed(generation, failure, alive=True))

    def _kill(self, generation: int) -> None:
        nobody = Failure("death", m.Report("Cancelled", "", "", [], []))
        if not self._spawner.give_up(generation, lambda: self.post(ev.Gone(generation, nobody))):
            self._children[generation].kill()

    # ------------------------------------------------------------ a child's words

    def message(self, child: Child, message: Any, descriptor: int | None) -> None:
        """An agent has said something."""
        generation = child.generation
        match message:
            case m.Read(file):
                seen = Signature(file.mtime_ns, file.size)
                # By its real name, as saves are: the app may know it through a symbolic link.
                self.post(ev.FileSeen(generation, real(file.path, child.folders), seen))
            case m.Booted():
                self.post(ev.Booted(generation))
            case m.Learnt():
                if generation == self._core.generation:
                    self._standby.learnt(self._plans[generation], message)
            case m.Spoilt() | m.Unfit():
                self._standby.spoilt(message)
                if generation == self._core.generation:
                    self.restart(self.status.reason, self.status.files, fresh=True)
            case m.Loaded(files):
                self.post(ev.LibrariesSeen(generation, [*child.libraries, *files]))
            case m.Ask():
                self._granting[generation] = message
                self.post(ev.Asked(generation, message.failed))
            case m.Rewrites(path):
                self.post(ev.Rewritten(generation, real(path, child.folders)))
            case m.AskAlone():
                self.post(ev.WantsAlone(generation))
            case m.Adhoc(pem):
                self._door.certificate.adhoc = pem
            case m.Accepting(extra_files, exclude_patterns):
                self._served.add(generation)
                self.post(ev.Accepting(generation, extra_files, exclude_patterns))
            case m.Failed():
                report = redact_report(message.report)
                failure = Failure(message.kind, report, message.versions)
                self.post(ev.Failed(generation, failure, alive=True))
            case m.Raised():
                if generation == self._core.generation:
                    address = self.status.url or self._door.url
                    page = self._secrets.page(address, message.report.fault)
                    report = redact_report(message.report)
                    url = redact(message.url)
                    self._face.raised(generation, message._replace(report=report, url=url), page)
            case m.Untold():
                self._untold.count(generation)
            case m.Recovered(view):
                if generation == self._core.generation:
                    self._face.recovered(generation, view)
            case m.Pin():
                self._secrets.keep(message)
                self._tell_pin(generation)
            case m.PinWanted():
                self._face.pin_wanted()
            case m.Spawns(keeps):
                if keeps:
                    self._guard.keep(child.pid, child.lifeline)
                else:
                    orphans.careless.add(child.pid)
            case m.Handover():
                if descriptor is None:
                    logger.warning("A connection is lost: no file descriptor is left for it.")
                else:
                    self._door.keep(descriptor)
            case m.Released():
                self.post(ev.Released(generation))
            case m.Where(frames):
                self.post(ev.Located(generation, frames))

    def output(self, child: Child, stream: str, data: bytes) -> None:
        """An app has printed something."""
        self._output.feed(child.generation, stream, data)

    def _print(self, generation: int, stream: str, text: str) -> None:
        self._face.output(generation, stream, redact(text))

    def gone(self, child: Child, status: int) -> None:
        """A process has ended."""
        generation = child.generation
        self._output.end(generation)
        self._untold.say()
        serving = generation in self._served
        failure = examine(status, child.black_box(), child.stderr_tail, serving)
        failure = attrs.evolve(failure, report=redact_report(failure.report))
        self._children.pop(generation, None)
        self._guard.forget(child.pid)
        self._served.discard(generation)
        self._granting.pop(generation, None)
        self.post(ev.Gone(generation, failure))
        self._plans.pop(generation, None)

    # ------------------------------------------------------------ telling

    def _tell_pin(self, generation: int) -> None:
        news = self._secrets.news(self._door.url)
        if news is not None:
            self._face.pin(generation, *news)

    def _publish(self, effect: ev.Publish) -> None:
        now = time.monotonic()
        if effect.phase is Phase.STARTING:
            self._triggered = now
        elif self._slow is not None:
            self._slow.cancel()
            self._slow = None
        self._door.shut = effect.phase in (Phase.STOPPED, Phase.STOPPING)
        child = self._children.get(effect.generation)
        running = effect.phase is Phase.RUNNING
        failure = effect.failure if effect.phase is Phase.FAILED else None
        url = self._door.url if effect.phase is not Phase.STOPPED else None
        self.status = Status(
            effect.phase,
            effect.generation,
            effect.reason,
            effect.files,
            failure,
            url,
            child.pid if child is not None else None,
            round((now - self._triggered) * 1000) if running else None,
            self._door.host,
            self._secrets.page(url, failure.report.fault) if failure is not None else None,
        )
        died = effect.failure is not None and effect.failure.kind == "death"
        if self._door.shut or died:
            # What kills a process may be in what was imported ahead, or a lack of memory.
            self._standby.discard()
        if effect.phase is Phase.STOPPED:
            self._guard.close()
            self._stopped.set()
        else:
            self._stopped.clear()
        self._log_status()
        self._face.status(self.status)

    def _log_status(self) -> None:
        status, failure = self.status, self.status.failure
        logger.info(
            "%s: %s, generation %d (%s), process %s%s",
            self._planner.folder,
            status.phase.value,
            status.generation,
            status.reason,
            status.pid,
            f", {failure.report.type}" if failure is not None else "",
        )
