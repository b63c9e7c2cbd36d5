"""The core, played against a world in which everything takes its time.

`World` simulates what the shell does for real: a disk, an editor that tells of saves late, and
processes that read files, ask, fail and die when they please. Words of one process arrive in
their order; nothing else is promised. `Play` lets Hypothesis choose what happens next, and holds
the core to the contract: at each effect, after each step, and whenever the world has come to rest.

With `HYPOTHESIS_PROFILE=long` it plays far longer.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from functools import partial

import attrs
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hotplate.supervision import events as ev
from hotplate.supervision.core import Core
from hotplate.supervision.events import Change, Failure, Phase, Signature
from hotplate_agent.messages import Frame, Report

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"

APP = "/p/app.py"
CONFIG = "/p/config.toml"
MODULE = "/p/module.py"
GENERATED = "/p/generated.py"
"""Read by the app, and excluded."""
HEEDED = "/p/.env"
EXTRA = "/p/extra.bin"
"""Asked for by `app.run(extra_files=…)`; no audit hook sees that it is read."""
LIBRARY = "/lib/library.py"
TEST = "/p/tests/test_app.py"
STYLE = "/p/static/style.css"

READ = (APP, CONFIG, MODULE, HEEDED, GENERATED, EXTRA, LIBRARY)
NEVER_READ = (TEST, STYLE)
FILES = (*READ, *NEVER_READ)
OF_A_SAVE_ALL = (APP, CONFIG, MODULE)

MOODS = ("well", "no app", "no app, no page", "no socket", "no process")
"""How the next steps of starts end."""

ERROR = Failure("error", Report("ValueError", "no", "", [Frame(APP, 1, "<module>")], []))
DEATH = Failure("death", Report("SIGKILL", "dead", "", [], []))
NOBODY = Failure("interpreter", Report("InterpreterNotFound", "none", "", [], []))


class State(Enum):
    """How far a process has come."""

    PLANNED = auto()
    BOOTING = auto()
    BOOTED = auto()
    LOADING = auto()
    ASKING = auto()
    GRANTED = auto()
    SERVING = auto()
    ENDING = auto()
    DEAD = auto()


@attrs.define
class Process:
    """One generation's process: `orders` are under way to it, `words` from it."""

    generation: int
    state: State = State.PLANNED
    orders: deque[ev.Effect] = attrs.field(factory=deque)
    words: deque[ev.Event] = attrs.field(factory=deque)
    found: dict[str, Signature] = attrs.field(factory=dict)
    """What each file looked like just before it was read."""
    looking: str | None = None
    """The file that it has looked at and reads next."""
    read: dict[str, int] = attrs.field(factory=dict)
    """The version that it has read of each file."""
    told: set[str] = attrs.field(factory=set)
    """The files that the core knows it to have read."""
    loads: int = 0
    loaded_at: int = 0
    failed: bool = False
    holds: bool = False
    """It has the listening socket, or is about to get it, and may accept at any moment."""
    killed: bool = False
    reaped: bool = False

    @property
    def alive(self) -> bool:
        return self.state is not State.DEAD

    def versioned(self) -> set[str]:
        """The files of which the core knows in which version it has read them."""
        return self.told - {EXTRA, LIBRARY}

    def take(self, order: ev.Effect) -> None:
        if self.alive:
            self.orders.append(order)


class World:
    """Everything around a core. Its methods are what may happen; each checks the answer."""

    def __init__(self) -> None:
        self.core = Core()
        self.core.saves.project = ("/p/",)
        self.core.saves.heeded = frozenset([HEEDED])
        self.core.saves.excluded = ("*/generated.py",)
        self.clock = 1_000
        self.versions = dict.fromkeys(FILES, 1)
        self.disk: dict[str, Signature | None] = {path: Signature(0, 1) for path in FILES}
        self.untold: deque[tuple[tuple[str, ...], bool]] = deque()
        self.heard: dict[str, Signature | None] = {}
        self.heard_when: dict[str, int] = {}
        self.trusted_since = 0
        self.processes: dict[int, Process] = {}
        self.timer: int | None = None
        self.page = False
        self.listening = False
        self.wanted = False
        self.outdated = False
        """The next process that is to load has read something too early."""
        self.mood = MOODS[0]
        self.reading: tuple[str, ...] = READ
        self.published = ev.Publish(Phase.STOPPED, 0, "start", (), None)

    # ------------------------------------------------------------ the disk and the editor

    def now(self) -> int:
        self.clock += 10
        return self.clock

    def write(self, path: str, twin: bool = False) -> None:
        """A new version. A `twin` looks like the one before: the disk's clock is coarse."""
        self.versions[path] += 1
        if self.disk[path] is None or not twin:
            self.disk[path] = Signature(self.now(), 1 + self.versions[path] % 2)

    def delete(self, path: str) -> None:
        self.versions[path] += 1
        self.disk[path] = None

    def tell_next(self) -> None:
        """The oldest word of a save arrives."""
        paths, external = self.untold.popleft()
        self.tell(paths, external)

    def tell_all(self) -> None:
        while self.untold:
            self.tell_next()

    def tell(self, paths: tuple[str, ...], external: bool) -> None:
        core, phase = self.core, self.core.phase
        process = self.processes.get(core.generation)
        changes = tuple(Change(path, self.disk[path]) for path in paths)
        known = {path: process.found.get(path) for path in process.versioned()} if process else {}
        news = [
            path
            for path, now in changes
            if not external or (path, now) not in self.heard.items() or known.get(path, now) != now
        ]
        effects = self.handle(ev.Saved(changes, self.now(), external))
        restarted = any(isinstance(effect, ev.Spawn) for effect in effects)
        self.heard.update(changes)
        self.heard_when.update(dict.fromkeys(news, self.clock))
        if not news or phase in (Phase.STOPPED, Phase.STOPPING):
            assert not effects
        elif process is not None and process.loads:
            if phase is Phase.RUNNING and not any(matters(path, process) for path in news):
                assert not effects, "it matters to nobody"
            must = any(self.is_stale(path, process) for path in news)
            must |= HEEDED in news and HEEDED not in process.found
            must |= phase is Phase.FAILED and any(concerns(path, process) for path in news)
            if must:
                assert restarted, "a save that matters"
                if process.holds:
                    assert effects[0] == ev.Drain(process.generation), "no older answer from now on"

    def is_stale(self, path: str, process: Process) -> bool:
        """Whether the core knows that the process has read the file, in another version.

        Twins can't be told apart while word of the second one is still to come.
        """
        return (
            path in process.told
            and process.read.get(path, self.versions[path]) != self.versions[path]
            and not any(path in paths and not external for paths, external in self.untold)
            and path != GENERATED
        )

    # ------------------------------------------------------------ the shell

    def handle(self, event: ev.Event) -> list[ev.Effect]:
        effects = self.core.handle(event)
        for effect in effects:
            self.perform(effect)
        return effects

    def perform(self, effect: ev.Effect) -> None:
        match effect:
            case ev.Publish():
                self.publish(effect)
            case ev.Spawn(generation):
                assert generation not in self.processes, "spawned once"
                self.processes[generation] = Process(generation)
            case ev.Respawn(generation):
                assert not self.addressee(generation).loads, "imported twice"
                self.processes[generation] = Process(generation)
            case ev.Settle(generation, seconds):
                assert generation == self.core.generation and seconds > 0
                self.timer = generation
            case ev.Load(generation, changed):
                process = self.addressee(generation)
                assert process.state in (State.BOOTED, State.DEAD) and not process.killed
                if self.outdated:
                    self.outdated = False
                    self.handle(ev.Stale(generation))
                    return
                assert self.timer is None, "loaded before saves had settled"
                assert not any(other.killed and other.alive for other in self.processes.values())
                unsettled = {
                    path for path, when in self.heard_when.items() if when > self.trusted_since
                }
                assert unsettled <= set(changed), "bytecode that can't be trusted"
                process.loads += 1
                process.loaded_at = self.clock
                assert process.loads == 1, "loaded once"
                process.take(effect)
            case ev.Grant(generation):
                process = self.addressee(generation)
                assert process.state in (State.ASKING, State.DEAD) and not process.killed
                assert self.core.phase in (Phase.STARTING, Phase.FAILED)
                process.holds = process.alive
                process.take(effect)
            case ev.Drain(generation):
                process = self.addressee(generation)
                ending = process.state in (State.ENDING, State.DEAD)
                assert process.holds or ending, "it has nothing to drain"
                process.take(effect)
            case ev.Kill(generation):
                process = self.addressee(generation)
                assert not process.holds and not process.killed, "it may be answering"
                process.killed = True
                if process.state is State.PLANNED:
                    self.die(process)
            case ev.ShowPage():
                assert not self.page
                self.page = True
            case ev.HidePage():
                assert self.page
                self.page = False
            case ev.CloseListener():
                assert not self.page
                self.listening = False
            case ev.TellAlone(generation):
                assert not any(
                    other.alive for other in self.processes.values()
                    if other is not self.addressee(generation)
                ), "what it wants may be held yet"  # fmt: skip
            case ev.AskWhere(generation):
                self.addressee(generation).words.append(ev.Located(generation, []))
        self.check_acceptors()

    def addressee(self, generation: int) -> Process:
        """Who is to get an order: the shell knows a process until it has told that it is gone."""
        process = self.processes[generation]
        assert not process.reaped, "an order to a process that is gone"
        return process

    def publish(self, effect: ev.Publish) -> None:
        before, self.published = self.published, effect
        on = (Phase.STARTING, Phase.RUNNING, Phase.FAILED)
        allowed = {
            Phase.STARTING: (Phase.STOPPED, *on),
            Phase.RUNNING: (Phase.STARTING,),
            Phase.FAILED: (Phase.STARTING, Phase.RUNNING),
            Phase.STOPPING: on,
            Phase.STOPPED: (*on, Phase.STOPPING),
        }
        assert before.phase in allowed[effect.phase]
        assert effect.generation == before.generation + (effect.phase is Phase.STARTING)
        assert effect.phase is not Phase.FAILED or effect.failure is not None

    # ------------------------------------------------------------ the processes

    def hear(self, process: Process) -> None:
        """The oldest word of a process arrives."""
        word = process.words.popleft()
        told: set[str] = set()
        match word:
            case ev.FileSeen(_, path, _):
                told = {path}
            case ev.LibrariesSeen(_, paths):
                told = set(paths)
            case ev.Accepting(generation, paths, _) if not process.failed:
                told = set(paths)
                if generation == self.core.generation and self.core.phase is Phase.STARTING:
                    self.trusted_since = process.loaded_at
            case ev.Gone():
                process.reaped = True
        process.told |= told
        effects = self.handle(word)
        if told and any(isinstance(effect, ev.Spawn) for effect in effects):
            told.discard(GENERATED)
            assert any(self.heard_when.get(path, 0) > process.loaded_at for path in told), (
                "nothing was saved since it began to load"
            )

    def hear_all(self, process: Process) -> None:
        while process.words:
            self.hear(process)

    def go_on(self, process: Process) -> None:
        """The process, or who makes it, does the next thing that it has to do."""
        match process.state:
            case _ if process.orders:
                self.obey(process, process.orders.popleft())
            case State.PLANNED if self.mood == "no process":
                process.state = State.DEAD
                process.reaped = True
                self.handle(ev.Failed(process.generation, NOBODY, alive=False))
            case State.PLANNED:
                process.state = State.BOOTING
                self.listening = True
            case State.BOOTING:
                process.state = State.BOOTED
                process.words.append(ev.Booted(process.generation))
            case State.LOADING | State.SERVING if process.looking is not None:
                self.read(process)
            case State.LOADING | State.SERVING if path := self.next_file(process):
                self.look(process, path)
            case State.LOADING | State.GRANTED if self.mood == "no app, no page":
                process.words.append(ev.Failed(process.generation, ERROR, alive=True))
                self.die(process)
            case State.LOADING | State.GRANTED if self.mood == "no app" and not process.failed:
                process.failed = True
                process.state = State.ASKING
                process.words.append(ev.Failed(process.generation, ERROR, alive=True))
                process.words.append(ev.Asked(process.generation, failed=True))
            case State.LOADING:
                process.state = State.ASKING
                process.words.append(ev.Asked(process.generation, failed=False))
            case State.GRANTED:
                process.state = State.SERVING
                process.words.append(ev.Accepting(process.generation, [EXTRA], []))
                if LIBRARY in process.read:
                    process.words.append(ev.LibrariesSeen(process.generation, [LIBRARY]))
            case State.ENDING:
                self.die(process)

    def obey(self, process: Process, order: ev.Effect) -> None:
        match order:
            case ev.Load():
                process.state = State.LOADING
            case ev.Grant() if self.mood == "no socket" and not process.orders:
                # The address that only the app knew is taken.
                process.holds = False
                process.state = State.ENDING
                self.handle(ev.Failed(process.generation, NOBODY, alive=True))
            case ev.Grant():
                process.state = State.GRANTED
            case ev.Drain():
                process.holds = False
                process.state = State.ENDING
                process.words.append(ev.Released(process.generation))

    def next_file(self, process: Process) -> str | None:
        left = [path for path in self.reading if path not in process.found and self.disk[path]]
        return left[0] if left else None

    def look(self, process: Process, path: str) -> None:
        signature = self.disk[path]
        assert signature is not None
        process.found[path] = signature
        process.looking = path
        if path not in (EXTRA, LIBRARY):
            process.words.append(ev.FileSeen(process.generation, path, signature))

    def read(self, process: Process) -> None:
        assert process.looking is not None
        process.read[process.looking] = self.versions[process.looking]
        process.looking = None

    def die(self, process: Process) -> None:
        process.state = State.DEAD
        process.holds = False
        process.looking = None
        process.orders.clear()
        process.words.append(ev.Gone(process.generation, DEATH))

    # ------------------------------------------------------------ time

    def moves(self) -> list[Callable[[], None]]:
        """What may happen next without anybody's doing."""
        moves: list[Callable[[], None]] = []
        if self.timer is not None:
            moves.append(self.settled)
        if self.untold:
            moves.append(self.tell_next)
        for process in reversed(self.processes.values()):
            if self.can_go_on(process):
                moves.append(partial(self.go_on, process))
            if process.words:
                moves.append(partial(self.hear, process))
            if process.killed and process.alive:
                moves.append(partial(self.die, process))
        return moves

    def can_go_on(self, process: Process) -> bool:
        match process.state:
            case State.DEAD:
                return False
            case State.BOOTED | State.ASKING:
                return bool(process.orders)
            case State.SERVING:
                return bool(process.orders or process.looking or self.next_file(process))
        return True

    def settled(self) -> None:
        generation, self.timer = self.timer, None
        assert generation is not None
        self.handle(ev.Settled(generation))

    def unfold(self, state: State | None = None, choice: int = 0) -> None:
        """Let what is under way arrive, until the newest process has come to a state, or all is
        at rest. `choice` says in which order."""
        for _ in range(1_000):
            moves = self.moves()
            if not moves:
                break
            moves[choice % len(moves)]()
            process = self.processes.get(self.core.generation)
            if process is not None and process.state is state:
                return
        else:
            raise AssertionError("it never comes to rest")
        self.check_rest()

    # ------------------------------------------------------------ what must be true

    def check_acceptors(self) -> None:
        holders = [process for process in self.processes.values() if process.holds]
        assert len(holders) + self.page <= 1, "two would answer"

    def check_stopped(self) -> None:
        if self.core.phase is Phase.STOPPED:
            assert not any(process.alive for process in self.processes.values())
            assert not self.page and not self.listening

    def check_slow(self) -> None:
        process = self.processes.get(self.core.generation)
        if process is not None and process.loads:
            asked = [ev.AskWhere(process.generation)]
            slow = self.core.phase is Phase.STARTING
            assert self.handle(ev.Slow(process.generation)) == (asked if slow else [])

    def check_alone(self) -> None:
        process = self.processes.get(self.core.generation)
        if process is not None and self.core.phase is Phase.STARTING and process.loads:
            generations = {each.generation for each in self.processes.values() if not each.reaped}
            alone = generations == {process.generation}
            told = self.handle(ev.WantsAlone(process.generation))
            assert told == ([ev.TellAlone(process.generation)] if alone else [])

    def check_rest(self) -> None:
        core = self.core
        process = self.processes.get(core.generation)
        assert all(other is process or not other.alive for other in self.processes.values()), (
            "somebody is left behind"
        )
        assert self.published.phase is core.phase
        if not self.wanted:
            assert core.phase is Phase.STOPPED
            return
        assert core.phase in (Phase.RUNNING, Phase.FAILED)
        assert process is not None
        if core.phase is Phase.RUNNING:
            assert process.state is State.SERVING and not process.failed and not self.page
        else:
            assert core.failure is not None
            page_of_its_own = process.state is State.SERVING and process.failed
            assert page_of_its_own != self.page, "the browser gets the error"
        for path in process.told - {GENERATED}:
            assert process.read.get(path, self.versions[path]) == self.versions[path], path


def matters(path: str, process: Process) -> bool:
    """Whether there is any reason to restart for a file, while the app runs."""
    return path in (*process.found, HEEDED, EXTRA) and path != GENERATED


def concerns(path: str, process: Process) -> bool:
    """Whether a file surely sets off a restart of an app that has failed."""
    ours = path.startswith("/p/") and path.endswith(".py") and path != GENERATED
    return ours and path not in process.found


# ---------------------------------------------------------------- the play


class Play(RuleBasedStateMachine):
    """What may happen, in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    # ------------------------------------------------------------ the person

    @initialize()
    def begin(self) -> None:
        self.command("start")
        self.world.unfold()

    @rule(what=st.sampled_from(["restart", "fresh restart", "stop", "stop and start", "start"]))
    def command(self, what: str) -> None:
        world, core = self.world, self.world.core
        if what.startswith("stop"):
            world.wanted = False
            world.handle(ev.Stop())
        if what.endswith("start") and what != "fresh restart":
            world.wanted = True
        if what in ("start", "stop and start"):
            world.handle(ev.Start("start", world.now()))
        elif what.endswith("restart"):
            fresh, generation, phase = what == "fresh restart", core.generation, core.phase
            waits = phase is Phase.STARTING and not world.processes[generation].loads
            world.handle(ev.Restart("command", world.now(), (), fresh))
            off = (Phase.STOPPED, Phase.STOPPING) if fresh else (Phase.STOPPING,)
            new = phase not in off and (fresh or not waits)
            assert core.generation == generation + new

    @rule(path=st.sampled_from(FILES), twin=st.booleans(), tell=st.booleans(), echo=st.booleans())
    def save(self, path: str, twin: bool, tell: bool, echo: bool) -> None:
        """Word of it comes now or later, and perhaps the editor's file watcher tells it again."""
        self.world.write(path, twin)
        self.world.untold.append(((path,), False))
        if tell:
            self.world.tell_all()
        if echo:
            self.world.untold.append(((path,), True))

    @rule(
        path=st.sampled_from(READ),
        before=st.booleans(),
        acts=st.permutations(["save", "save", "look", "read", "tell", "hear"]),
        twins=st.booleans(),
        choice=st.integers(0, 9),
    )
    def saves_race_a_start(
        self, path: str, before: bool, acts: list[str], twins: bool, choice: int
    ) -> None:
        """The file is saved, perhaps `before` the start loads, and while it is read."""
        world = self.world
        self.command("restart")
        if before:
            self.save(path, twins, tell=True, echo=False)
        world.reading = ()
        world.unfold(State.LOADING, choice)
        process = world.processes[world.core.generation]
        for act in acts:
            match act:
                case "save":
                    self.save(path, twins, tell=False, echo=False)
                case "look" if process.state is State.LOADING and world.disk[path] is not None:
                    if process.looking is None and path not in process.found:
                        world.look(process, path)
                case "read" if process.looking is not None:
                    world.read(process)
                case "tell":
                    world.tell_all()
                case "hear":
                    world.hear_all(process)

    @precondition(lambda self: self.world.wanted)
    @rule(
        paths=st.lists(st.sampled_from(OF_A_SAVE_ALL), min_size=2, max_size=6),
        outdated=st.booleans(),
    )
    def save_all(self, paths: list[str], outdated: bool) -> None:
        """However many files, it is one restart; also where one was read ahead of it."""
        self.world.outdated = outdated
        generation = self.world.core.generation
        for path in paths:
            self.world.write(path)
        for path in paths:
            self.world.tell((path,), False)
        assert self.world.core.generation <= generation + 1

    @precondition(lambda self: self.world.wanted)
    @rule(
        paths=st.lists(st.sampled_from(FILES), min_size=1, max_size=3, unique=True),
        gone=st.booleans(),
    )
    def change_from_outside(self, paths: list[str], gone: bool) -> None:
        for path in paths:
            if gone:
                self.world.delete(path)
            else:
                self.world.write(path)
        self.world.untold.append((tuple(paths), True))

    # ------------------------------------------------------------ time, and the processes

    @rule(
        choices=st.lists(st.integers(0, 9), min_size=1, max_size=20),
        mood=st.sampled_from(MOODS),
        reading=st.lists(st.sampled_from(READ), max_size=3, unique=True),
    )
    def time_passes(self, choices: list[int], mood: str, reading: list[str]) -> None:
        self.world.mood, self.world.reading = mood, tuple(reading)
        for choice in choices:
            moves = self.world.moves()
            if moves:
                moves[choice % len(moves)]()
        self.world.check_slow()
        self.world.check_alone()

    @rule(
        state=st.sampled_from([State.LOADING, State.ASKING, State.GRANTED, State.SERVING, None]),
        mood=st.sampled_from(MOODS),
        reading=st.lists(st.sampled_from(READ), max_size=3, unique=True),
        choice=st.integers(0, 9),
        heard=st.booleans(),
    )
    def start_unfolds(
        self, state: State | None, mood: str, reading: list[str], choice: int, heard: bool
    ) -> None:
        self.world.mood, self.world.reading = mood, tuple(reading)
        self.world.unfold(state, choice)
        if heard:
            self.world.hear_all(self.world.processes[self.world.core.generation])

    @precondition(lambda self: self.living())
    @rule(back=st.integers(0, 2))
    def process_dies(self, back: int) -> None:
        living = self.living()
        self.world.die(living[-1 - back % len(living)])

    def living(self) -> list[Process]:
        return [
            process
            for process in self.world.processes.values()
            if process.state not in (State.PLANNED, State.DEAD)
        ]

    @invariant()
    def nobody_answers_beside_another(self) -> None:
        self.world.check_acceptors()

    @invariant()
    def stopped_is_stopped(self) -> None:
        self.world.check_stopped()

    def teardown(self) -> None:
        if sys.exc_info()[0] is not None:
            return  # it has failed before
        self.world.mood, self.world.reading = MOODS[0], READ
        self.world.unfold()


TestPlay = pytest.mark.timeout(0 if LONG else 120)(Play.TestCase)
TestPlay.settings = settings(
    max_examples=50_000 if LONG else 1_000,
    stateful_step_count=50,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow],
)
