"""What to do next: the one place where it is decided.

`Core.handle` takes an event and returns effects. It reads no clock, no file and no socket, so
every interleaving of saves, commands and processes that end can be tried in a test.

A start goes through gates, in this order:

    Spawn ─ Booted ─┐
    Settle ─ Settled ┼─ Load ─ FileSeen… ─ Asked ─┐
    Kill(old) ─ Gone ┘           Released(old) ───┴─ Grant ─ Accepting

- `Load` waits until saves have settled (a Save All is one restart; the interpreter boots in the
  meantime) and until a start that was given up is gone (it might still write bytecode).
- `Grant` waits until the generation before accepts no more, so one connection never sees two.

Which saves matter is for `saves` to say.
"""

from __future__ import annotations

from collections.abc import Iterable

from hotplate.supervision.events import (
    Accepting,
    Asked,
    AskWhere,
    Booted,
    CloseListener,
    Drain,
    Effect,
    Event,
    Failed,
    Failure,
    FileSeen,
    Gone,
    Grant,
    Hangs,
    HidePage,
    Kill,
    LibrariesSeen,
    Load,
    Located,
    Phase,
    Publish,
    Reason,
    Released,
    Respawn,
    Restart,
    Rewritten,
    Saved,
    Settle,
    Settled,
    ShowPage,
    Slow,
    Spawn,
    Stale,
    Start,
    Stop,
    TellAlone,
    WantsAlone,
)
from hotplate.supervision.saves import Saves

FIRST_SETTLE = 0.008
"""Seconds to wait for a second save after the first one: more than an editor needs to send a
batch, less than a person sees."""
NEXT_SETTLE = 0.05
"""The same once a second one came: this is a Save All."""


class Core:
    """The state of one app, and the rules by which it changes."""

    def __init__(self) -> None:
        self.phase = Phase.STOPPED
        self.generation = 0
        self.failure: Failure | None = None
        self.saves = Saves()
        self._reason: Reason = "start"
        self._files: tuple[str, ...] = ()
        self._alive: set[int] = set()
        self._given_up: set[int] = set()
        self._acceptor: int | None = None
        self._page = False
        self._start_again: Start | Restart | None = None
        self._reset()

    def _reset(self) -> None:
        """Forget what was true of the generation before."""
        self._booted = False
        self._hangs = False
        self._settled = False
        self._loaded = False
        self._asked = False
        self._wants_alone = False
        self.saves.reset()

    def handle(self, event: Event) -> list[Effect]:
        """What to do about an event. The effects are to be performed in their order."""
        if isinstance(event, (Start, Restart, Saved)):
            self.saves.heard_at = max(self.saves.heard_at, event.at)
        match event:
            case Start():
                return self._start(event)
            case Restart():
                return self._restart(event)
            case Stop():
                return self._stop()
            case Saved():
                return self._saved(event)
            case Released():
                return self._released(event.generation)
            case Gone():
                return self._gone(event)
        if event.generation != self.generation or self.phase is Phase.STOPPING:
            return []  # too late
        match event:
            case Settled():
                self._settled = True
                return self._load()
            case Booted():
                self._booted = True
                return self._load()
            case Stale():
                self._booted = self._loaded = False
                return [Respawn(self.generation)]
            case FileSeen():
                return self._overtaken(self.saves.missed(event.path, event.signature))
            case LibrariesSeen():
                return self._overtaken(self.saves.missed_libraries(event.paths))
            case Asked():
                self._asked = True
                return self._grant()
            case Accepting():
                return self._accepting(event)
            case Failed():
                return self._failed(event)
            case Slow() if self._waits():
                self._hangs = True  # nobody is there to be asked
                return [Hangs(self.generation, ())]
            case Slow() if self.phase is Phase.STARTING:
                return [AskWhere(self.generation)]
            case Rewritten(_, path):
                self.saves.rewritten.add(path)
            case WantsAlone():
                self._wants_alone = True
                return self._tell_alone()
            case Located() if self.phase is Phase.STARTING:
                return [Hangs(self.generation, event.frames)]
        return []

    # ------------------------------------------------------------ commands

    def _start(self, event: Start) -> list[Effect]:
        if self.phase is Phase.STOPPING:
            self._start_again = event
            return []
        if self.phase in (Phase.STARTING, Phase.RUNNING):
            return []
        return self._begin(event.reason, ())

    def _restart(self, event: Restart) -> list[Effect]:
        if event.fresh and self.phase in (Phase.STOPPED, Phase.STOPPING):
            return []  # what runs is of no use; it is not that anybody wants it to run
        if self.phase is Phase.STOPPING:
            self._start_again = event
            return []
        if self._waits() and not event.fresh and not self._hangs:
            # The process of this start has not looked at anything yet: it will do.
            self._files = tuple(dict.fromkeys([*self._files, *event.files]))
            return [self._settle_again()]
        return self._begin(event.reason, event.files)

    def _stop(self) -> list[Effect]:
        self._start_again = None
        if self.phase in (Phase.STOPPED, Phase.STOPPING):
            return []
        effects = self._end_current()
        if self._page:
            effects.append(HidePage())
            self._page = False
        effects.append(CloseListener())
        self.failure = None
        self._reason, self._files = "command", ()
        self.phase = Phase.STOPPING if self._alive else Phase.STOPPED
        return [self._publish(), *effects]

    # ------------------------------------------------------------ saves

    def _saved(self, event: Saved) -> list[Effect]:
        changes = self.saves.news(event)
        if self.phase in (Phase.STOPPED, Phase.STOPPING) or not changes:
            return []
        if self._waits() and not self._hangs:
            return [self._settle_again()]
        reason: Reason = "external" if event.external else "save"
        failure = self.failure if self.phase is Phase.FAILED else None
        mattering = self.saves.mattering(changes, event.external, failure)
        if mattering:
            return self._begin(reason, mattering)
        self.saves.remember(changes, reason)
        return []

    def _overtaken(self, missed: list[str]) -> list[Effect]:
        """Start anew if something was saved since `Load`, before it was known to matter."""
        return self._begin(self.saves.reason(missed[0]), missed) if missed else []

    # ------------------------------------------------------------ a start, gate by gate

    def _waits(self) -> bool:
        """Whether the current start has not been told to load: it will read what is on disk."""
        return self.phase is Phase.STARTING and not self._loaded

    def _begin(self, reason: Reason, files: Iterable[str]) -> list[Effect]:
        effects = self._end_current()
        if self._page:
            effects.append(HidePage())
            self._page = False
        self.generation += 1
        self.phase = Phase.STARTING
        self._reason, self._files = reason, tuple(files)
        self._reset()
        self._alive.add(self.generation)
        return [
            *effects,
            self._publish(),
            Spawn(self.generation),
            Settle(self.generation, FIRST_SETTLE),
        ]

    def _settle_again(self) -> Settle:
        self._settled = False
        return Settle(self.generation, NEXT_SETTLE)

    def _end_current(self) -> list[Effect]:
        """End the current generation's process as it deserves."""
        if self.generation not in self._alive:
            return []
        if self._acceptor == self.generation:
            return [Drain(self.generation)]
        self._given_up.add(self.generation)
        return [Kill(self.generation)]

    def _load(self) -> list[Effect]:
        if not (self._waits() and self._booted and self._settled) or self._given_up:
            return []
        self._loaded = True
        return [Load(self.generation, self.saves.load())]

    def _grant(self) -> list[Effect]:
        """Let somebody answer, once nobody does: the child that asked, or else the page."""
        if self._acceptor not in (None, self.generation):
            return []
        if self._asked:  # again, if it failed with the socket in hand
            self._asked = False
            self._acceptor = self.generation
            return [Grant(self.generation)]
        if self.phase is Phase.FAILED and self.generation not in self._alive:
            return self._show_page()
        return []

    def _accepting(self, event: Accepting) -> list[Effect]:
        if self.phase is not Phase.STARTING:
            return []  # it serves the page of its error
        missed = self.saves.missed_extra(event.extra_files, event.exclude_patterns)
        if missed:
            return self._overtaken(missed)
        self.phase = Phase.RUNNING
        self.failure = None
        return [self._publish()]

    # ------------------------------------------------------------ ends

    def _failed(self, event: Failed) -> list[Effect]:
        if not event.alive:
            self._ended(self.generation)
        if self.phase is Phase.FAILED:
            # There is no socket for the page of the error. The error is what is to be told.
            return self._grant()
        return self._fail(event.failure) or [self._publish(), *self._grant()]

    def _fail(self, failure: Failure) -> list[Effect]:
        """It has failed. What was saved while it started, and it had not come to, may be what it
        wanted: then it is started anew."""
        starting = self.phase is Phase.STARTING
        self.phase = Phase.FAILED
        self.failure = failure
        late = self.saves.missed_by_failure(self.failure) if starting else []
        return [self._publish(), *self._overtaken(late)] if late else []

    def _released(self, generation: int) -> list[Effect]:
        if self._acceptor != generation:
            return []
        self._acceptor = None
        return [] if self.phase is Phase.STOPPING else self._grant()

    def _gone(self, event: Gone) -> list[Effect]:
        self._ended(event.generation)
        if self.phase is Phase.STOPPING:
            return self._stopped()
        if event.generation != self.generation:
            return [*self._tell_alone(), *self._load(), *self._grant()]
        effects: list[Effect] = []
        if self.phase in (Phase.STARTING, Phase.RUNNING):
            self._reason, self._files = "crash", ()
            again = self._fail(event.failure)
            if again:
                return again
            effects.append(self._publish())
        self._asked = False
        return effects + self._grant()

    def _tell_alone(self) -> list[Effect]:
        """Let it take what only one can have, once all that came before are gone."""
        if not self._wants_alone or self._alive != {self.generation}:
            return []
        self._wants_alone = False
        return [TellAlone(self.generation)]

    def _ended(self, generation: int) -> None:
        self._alive.discard(generation)
        self._given_up.discard(generation)
        if self._acceptor == generation:
            self._acceptor = None

    def _show_page(self) -> list[Effect]:
        if self._page or self.failure is None:
            return []
        self._page = True
        return [ShowPage(self.failure)]

    def _stopped(self) -> list[Effect]:
        if self._alive:
            return []
        self.phase = Phase.STOPPED
        effects: list[Effect] = [self._publish()]
        again, self._start_again = self._start_again, None
        if again is not None:
            effects += self.handle(again)
        return effects

    def _publish(self) -> Publish:
        return Publish(self.phase, self.generation, self._reason, self._files, self.failure)
