"""The core's rules, one by one. `test_core_machine` looks for what these do not think of."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hotplate.supervision.core import FIRST_SETTLE, NEXT_SETTLE, Core
from hotplate.supervision.events import (
    Accepting,
    Asked,
    AskWhere,
    Booted,
    Change,
    CloseListener,
    Drain,
    Effect,
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
    Released,
    Restart,
    Rewritten,
    Saved,
    Settle,
    Settled,
    ShowPage,
    Signature,
    Slow,
    Spawn,
    Start,
    Stop,
    TellAlone,
    WantsAlone,
)
from hotplate_agent.messages import Cause, Frame, Report

APP, CONFIG, LIBRARY = "/p/app.py", "/p/config.toml", "/lib/flask.py"

START_AT = 1_000
OLD = Signature(500, 10)
"""How files look that were written before the start."""
NEW = Signature(1_500, 11)
LATER = 2_000

DEATH = Failure("death", Report("SIGKILL", "killed", "", [], []))
ERROR = Failure("error", Report("ValueError", "bad", "", [Frame("/lib/deep.py", 3, "f")], []))


class App:
    """A core, and the words that bring it to where a test begins."""

    def __init__(self) -> None:
        self.core = Core()
        self.core.saves.project = ("/p/",)
        self.core.saves.heeded = frozenset(["/p/.env"])
        self.core.saves.excluded = ("*/generated/*",)
        self.handle = self.core.handle

    def load(self) -> None:
        """From `Spawn` to `Load`."""
        generation = self.core.generation
        self.handle(Booted(generation))
        assert Load in map(type, self.handle(Settled(generation)))

    def serve(self, files: Sequence[str] = (APP, CONFIG), extra: Sequence[str] = ()) -> None:
        """From `Load` to running."""
        generation = self.core.generation
        for path in files:
            self.handle(FileSeen(generation, path, OLD))
        assert self.handle(Asked(generation, failed=False)) == [Grant(generation)]
        self.handle(Accepting(generation, extra, ()))
        assert self.core.phase is Phase.RUNNING

    def save(self, path: str, now: Signature | None = NEW, at: int = LATER) -> list[Effect]:
        return self.handle(Saved((Change(path, now),), at))

    def change(self, path: str, now: Signature | None = NEW, at: int = LATER) -> list[Effect]:
        """As `save`, but it was not the editor."""
        return self.handle(Saved((Change(path, now),), at, external=True))


@pytest.fixture
def starting() -> App:
    """A first start, not yet loaded."""
    app = App()
    app.handle(Start("start", START_AT))
    return app


@pytest.fixture
def loading(starting: App) -> App:
    starting.load()
    return starting


@pytest.fixture
def running(loading: App) -> App:
    """An app that has read app.py and config.toml."""
    loading.serve()
    return loading


def published(effects: Sequence[Effect]) -> list[str]:
    return [effect.phase.value for effect in effects if isinstance(effect, Publish)]


def orders(effects: Sequence[Effect]) -> list[Effect]:
    return [effect for effect in effects if not isinstance(effect, Publish)]


def test_the_story_of_a_save() -> None:
    core = Core()

    assert core.handle(Start("start", START_AT)) == [
        Publish(Phase.STARTING, 1, "start", (), None),
        Spawn(1),
        Settle(1, FIRST_SETTLE),
    ]
    assert core.handle(Settled(1)) == []
    assert core.handle(Booted(1)) == [Load(1, ())]
    assert core.handle(FileSeen(1, APP, OLD)) == []
    assert core.handle(Asked(1, failed=False)) == [Grant(1)]
    assert core.handle(Accepting(1, (), ())) == [Publish(Phase.RUNNING, 1, "start", (), None)]

    assert core.handle(Saved((Change(APP, NEW),), LATER)) == [
        Drain(1),
        Publish(Phase.STARTING, 2, "save", (APP,), None),
        Spawn(2),
        Settle(2, FIRST_SETTLE),
    ]
    assert core.handle(Booted(2)) == []
    assert core.handle(Settled(2)) == [Load(2, (APP,))]
    assert core.handle(FileSeen(2, APP, NEW)) == []
    assert core.handle(Asked(2, failed=False)) == [], "the old one may still accept"
    assert core.handle(Released(1)) == [Grant(2)]
    assert core.handle(Accepting(2, (), ())) == [Publish(Phase.RUNNING, 2, "save", (APP,), None)]
    assert core.handle(Gone(1, DEATH)) == []

    assert core.handle(Stop()) == [
        Publish(Phase.STOPPING, 2, "command", (), None),
        Drain(2),
        CloseListener(),
    ]
    assert core.handle(Released(2)) == []
    assert core.handle(Gone(2, DEATH)) == [Publish(Phase.STOPPED, 2, "command", (), None)]


# ---------------------------------------------------------------- what sets off a restart


@pytest.mark.parametrize(
    ("path", "now", "restarts"),
    [
        pytest.param(APP, NEW, True, id="a module"),
        pytest.param(CONFIG, NEW, True, id="a file that it read"),
        pytest.param(CONFIG, None, True, id="a file that it read, and that is gone"),
        pytest.param("/p/.env", NEW, True, id="a file to be heeded"),
        pytest.param("/p/extra.yaml", NEW, True, id="a file of app.run(extra_files=…)"),
        pytest.param(LIBRARY, NEW, True, id="a library's file"),
        pytest.param("/p/test_app.py", NEW, False, id="a test"),
        pytest.param("/p/static/style.css", NEW, False, id="a stylesheet"),
        pytest.param("/p/generated/a.py", NEW, False, id="an excluded file"),
    ],
)
@pytest.mark.parametrize("external", [False, True], ids=["saved", "changed"])
def test_only_what_matters(path: str, now: Signature, restarts: bool, external: bool) -> None:
    app = App()
    app.handle(Start("start", START_AT))
    app.load()
    app.serve([APP, CONFIG, "/p/generated/a.py"], extra=["/p/extra.yaml"])
    app.handle(LibrariesSeen(1, [LIBRARY]))

    effects = app.handle(Saved((Change(path, now),), LATER, external))

    assert orders(effects) == ([Drain(1), Spawn(2), Settle(2, FIRST_SETTLE)] if restarts else [])


def test_a_save_of_what_it_has_read_restarts_though_it_looks_the_same(running: App) -> None:
    # The clock of the disk is coarse, or the person means it.
    assert orders(running.save(APP, OLD))[0] == Drain(1)


def test_what_a_file_watcher_tells_again_is_no_news(loading: App) -> None:
    loading.handle(Failed(1, ERROR, alive=True))
    assert Spawn(2) in loading.save("/p/never_imported.py")
    loading.handle(Gone(1, DEATH))
    loading.load()
    loading.handle(Failed(2, ERROR, alive=True))

    assert loading.change("/p/never_imported.py") == []
    assert Spawn(3) in loading.change("/p/never_imported.py", Signature(1_501, 11))


def test_a_file_that_went_came_unheard_and_went_again_is_news(running: App) -> None:
    assert Spawn(2) in running.change(CONFIG, None)
    running.handle(Released(1))
    running.load()
    running.serve()
    assert Spawn(3) in running.change(CONFIG, None)


def test_a_file_about_to_be_read_needs_no_restart(loading: App) -> None:
    assert loading.save(APP, NEW) == []
    assert loading.handle(FileSeen(1, APP, NEW)) == []


def test_a_save_that_a_read_has_missed_restarts_when_the_read_is_told(loading: App) -> None:
    assert loading.save(APP, NEW) == []
    assert orders(loading.handle(FileSeen(1, APP, OLD)))[:2] == [Kill(1), Spawn(2)]


@pytest.mark.parametrize("path", ["/p/extra.yaml", LIBRARY])
def test_a_save_restarts_as_soon_as_the_file_is_known_to_matter(loading: App, path: str) -> None:
    assert loading.save(path) == []
    loading.handle(Asked(1, failed=False))
    effects = loading.handle(Accepting(1, ["/p/extra.yaml"], ()))
    effects += loading.handle(LibrariesSeen(1, [LIBRARY]))
    assert orders(effects)[:2] == [Drain(1), Spawn(2)]


@pytest.mark.parametrize(
    ("path", "restarts"),
    [
        ("/p/never_imported.py", True),
        ("/lib/deep.py", True),
        ("/lib/cause.py", True),
        ("/p/missing.json", True),
        ("/p/.env", True),
        (CONFIG, True),
        ("/elsewhere/a.py", False),
        ("/p/static/style.css", False),
        ("/p/generated/a.py", False),
    ],
)
def test_what_sets_off_a_restart_while_failed(loading: App, path: str, restarts: bool) -> None:
    cause = Cause("KeyError", "x", [Frame("/lib/cause.py", 1, "g")], "cause")
    message = "[Errno 2] No such file or directory: 'missing.json'"
    report = Report("FileNotFoundError", message, "", [Frame("/lib/deep.py", 3, "f")], [cause])
    loading.handle(FileSeen(1, CONFIG, OLD))
    loading.handle(Failed(1, Failure("error", report), alive=True))

    assert (Spawn(2) in loading.save(path)) == restarts


# ---------------------------------------------------------------- many saves, one restart


def test_a_save_all_of_fifty_files_is_one_restart(running: App) -> None:
    effects = [effect for n in range(50) for effect in running.save(f"/p/m{n}.py")]
    assert effects == [], "none of them was ever read"

    effects = running.save(APP)
    for n in range(49):
        effects += running.save(f"/p/m{n}.py")

    assert published(effects) == ["starting"]
    assert orders(effects)[-1] == Settle(2, NEXT_SETTLE), "each one gives the next one time"
    running.handle(Booted(2))
    (load,) = running.handle(Settled(2))
    assert isinstance(load, Load)
    assert len(load.changed) == 51


def test_the_tail_of_a_save_all_is_no_second_restart(running: App) -> None:
    running.save(APP, NEW, at=LATER)
    running.load()
    tail = Signature(LATER + 5, 12)
    running.handle(FileSeen(2, CONFIG, tail))

    assert running.save(CONFIG, tail, at=LATER + 60) == [], "it was read after it was written"
    assert orders(running.save(CONFIG, tail, at=LATER + 61))[0] == Kill(2), "a second save"


def test_a_coarse_clock_hides_no_save(loading: App) -> None:
    twin = Signature(START_AT - 1, 10)
    assert loading.save(APP, twin) == []
    effects = loading.handle(FileSeen(1, APP, twin))
    assert orders(effects)[0] == Kill(1), "it may have read the version before"


def test_bytecode_of_what_was_saved_is_distrusted_until_a_start_has_dropped_it() -> None:
    app = App()
    app.save(CONFIG)
    app.handle(Start("start", START_AT))
    app.save(APP)
    app.handle(Booted(1))
    assert app.handle(Settled(1)) == [Load(1, (APP, CONFIG))]
    app.save("/p/lazy.py")
    app.serve([])

    app.handle(Restart("command", LATER))
    app.handle(Booted(2))
    assert app.handle(Settled(2)) == [Load(2, ("/p/lazy.py",))]


# ---------------------------------------------------------------- gates


def test_a_start_that_was_given_up_is_gone_before_the_next_one_loads(starting: App) -> None:
    assert orders(starting.handle(Restart("configuration", LATER, fresh=True)))[0] == Kill(1)
    starting.handle(Booted(2))
    assert starting.handle(Settled(2)) == []
    assert starting.handle(Gone(1, DEATH)) == [Load(2, ())]


def test_a_restart_uses_a_process_that_has_looked_at_nothing(starting: App) -> None:
    assert starting.handle(Restart("command", LATER)) == [Settle(1, NEXT_SETTLE)]


def test_a_process_that_died_before_it_was_told_to_load_is_told_nothing(starting: App) -> None:
    starting.handle(Booted(1))
    assert published(starting.handle(Gone(1, DEATH))) == ["failed"]
    assert starting.handle(Settled(1)) == []


@pytest.mark.parametrize("end", [Released(1), Gone(1, DEATH)])
def test_nobody_accepts_beside_the_one_before(running: App, end: Released | Gone) -> None:
    running.handle(Restart("command", LATER))
    running.load()
    assert running.handle(Asked(2, failed=False)) == []
    assert running.handle(end) == [Grant(2)]
    assert running.handle(Released(1)) == [], "it is the second one's now"
    assert orders(running.handle(Restart("command", LATER)))[0] == Drain(2)


def test_late_words_of_an_old_generation_change_nothing(running: App) -> None:
    running.handle(Restart("command", LATER))
    for word in (
        Settled(1),
        Booted(1),
        FileSeen(1, APP, NEW),
        LibrariesSeen(1, [LIBRARY]),
        Asked(1, failed=True),
        Accepting(1, (), ("*",)),
        Failed(1, ERROR, alive=True),
        Slow(1),
        Located(1, ()),
    ):
        assert running.handle(word) == []
    assert running.core.phase is Phase.STARTING


# ---------------------------------------------------------------- failures


def test_a_failed_start_serves_its_own_page(loading: App) -> None:
    effects = loading.handle(Failed(1, ERROR, alive=True))
    assert effects == [Publish(Phase.FAILED, 1, "start", (), ERROR)]
    assert loading.handle(Asked(1, failed=True)) == [Grant(1)]
    assert loading.handle(Accepting(1, (), ())) == []
    assert orders(loading.save(APP))[:2] == [Drain(1), Spawn(2)]


def test_the_server_shows_the_page_where_there_is_no_process(starting: App) -> None:
    assert starting.handle(Failed(1, ERROR, alive=False)) == [
        Publish(Phase.FAILED, 1, "start", (), ERROR),
        ShowPage(ERROR),
    ]
    assert orders(starting.save(APP))[:2] == [HidePage(), Spawn(2)]


def test_the_page_waits_until_the_app_before_accepts_no_more(running: App) -> None:
    running.handle(Restart("command", LATER))
    assert orders(running.handle(Failed(2, ERROR, alive=False))) == []
    assert running.handle(Released(1)) == [ShowPage(ERROR)]


def test_a_process_that_died_while_it_asked_gets_nothing(running: App) -> None:
    running.handle(Restart("command", LATER))
    running.load()
    running.handle(Asked(2, failed=False))
    assert orders(running.handle(Gone(2, DEATH))) == [], "the one before may still accept"
    assert running.handle(Released(1)) == [ShowPage(DEATH)]


def test_an_app_that_dies_has_failed_and_gets_a_page(running: App) -> None:
    assert running.handle(Gone(1, DEATH)) == [
        Publish(Phase.FAILED, 1, "crash", (), DEATH),
        ShowPage(DEATH),
    ]


def test_a_process_that_fails_with_the_socket_in_hand_is_given_it_again(loading: App) -> None:
    assert loading.handle(Asked(1, failed=False)) == [Grant(1)]
    loading.handle(Failed(1, ERROR, alive=True))
    assert loading.handle(Asked(1, failed=True)) == [Grant(1)]


def test_the_first_failure_is_the_one_to_tell(loading: App) -> None:
    no_port = Failure("port", Report("PortTaken", "taken", "", [], []))
    loading.handle(Failed(1, ERROR, alive=True))
    loading.handle(Asked(1, failed=True))
    assert loading.handle(Failed(1, no_port, alive=True)) == []
    assert loading.handle(Gone(1, DEATH)) == [ShowPage(ERROR)]


def test_a_start_that_hangs_is_asked_where(loading: App) -> None:
    frames = [Frame(APP, 3, "<module>")]
    assert loading.handle(Slow(1)) == [AskWhere(1)]
    assert loading.handle(Located(1, frames)) == [Hangs(1, frames)]
    loading.serve()
    assert loading.handle(Located(1, frames)) == []


# ---------------------------------------------------------------- stopping


def test_stop_waits_for_every_process(running: App) -> None:
    running.handle(Restart("command", LATER))
    running.load()
    running.handle(Asked(2, failed=False))
    assert running.handle(Stop()) == [
        Publish(Phase.STOPPING, 2, "command", (), None),
        Kill(2),
        CloseListener(),
    ]
    assert running.save(APP) == []
    assert running.handle(Released(1)) == [], "the one that asked is to end"
    assert running.handle(Gone(1, DEATH)) == []
    assert published(running.handle(Gone(2, DEATH))) == ["stopped"]


@pytest.mark.parametrize("again", [Start("command", LATER), Restart("command", LATER)])
def test_a_start_while_it_stops_comes_after(running: App, again: Start | Restart) -> None:
    running.handle(Stop())
    assert running.handle(again) == []
    assert published(running.handle(Gone(1, DEATH))) == ["stopped", "starting"]


def test_changed_settings_do_not_start_what_is_being_stopped(running: App) -> None:
    fresh = Restart("configuration", LATER, fresh=True)
    running.handle(Stop())
    assert running.handle(fresh) == []
    assert published(running.handle(Gone(1, DEATH))) == ["stopped"]
    assert running.handle(fresh) == []


def test_the_last_command_wins(running: App) -> None:
    running.handle(Stop())
    running.handle(Start("command", LATER))
    running.handle(Stop())
    assert published(running.handle(Gone(1, DEATH))) == ["stopped"]


def test_stop_takes_the_page_away(running: App) -> None:
    running.handle(Gone(1, DEATH))
    assert running.handle(Stop()) == [
        Publish(Phase.STOPPED, 1, "command", (), None),
        HidePage(),
        CloseListener(),
    ]


def test_what_only_one_can_have_is_had_once_the_one_before_is_gone(running: App) -> None:
    running.save(APP)
    running.load()
    assert running.handle(WantsAlone(2)) == []
    assert running.handle(Released(1)) == []  # it may be answering yet
    assert running.handle(Gone(1, DEATH)) == [TellAlone(2)]
    assert running.handle(WantsAlone(2)) == [TellAlone(2)]
    assert running.handle(WantsAlone(1)) == []


def test_what_the_app_writes_itself_is_no_news_from_the_editors_watcher(running: App) -> None:
    assert running.handle(Rewritten(1, CONFIG)) == []
    assert running.change(CONFIG) == []
    assert published(running.save(CONFIG, Signature(1_600, 12))) == ["starting"]
    running.load()
    running.handle(Released(1))
    running.serve()
    assert running.change(CONFIG, Signature(1_700, 13)) == []  # it will do so again
    assert published(running.change(APP)) == ["starting"]


def test_a_folder_stands_for_what_was_read_in_it(running: App) -> None:
    running.handle(FileSeen(1, "/p/parts/words.py", OLD))
    running.handle(FileSeen(1, "/p/parts_of/words.py", OLD))
    assert running.core.saves.known_below(["/p/parts"]) == ["/p/parts/words.py"]
    assert running.core.saves.known_below([APP]) == []


@pytest.mark.parametrize("end", ["failed", "gone"])
def test_a_save_that_a_failing_start_had_not_come_to_is_tried(loading: App, end: str) -> None:
    """A missing module, written while the start fails for want of it."""
    assert loading.save("/p/missing.py") == []
    event = Failed(1, ERROR, alive=True) if end == "failed" else Gone(1, DEATH)
    effects = loading.handle(event)
    phases = [each.phase for each in effects if isinstance(each, Publish)]
    assert phases == [Phase.FAILED, Phase.STARTING]
    assert Spawn(2) in effects and loading.core.generation == 2
    assert loading.core.phase is Phase.STARTING


def test_a_save_that_it_had_read_is_not_tried_again(loading: App) -> None:
    loading.save("/p/late.py")
    loading.save("/p/notes.txt")
    loading.save("/p/generated/a.py")
    loading.handle(FileSeen(1, "/p/late.py", NEW))
    loading.handle(Failed(1, ERROR, alive=True))
    assert loading.core.phase is Phase.FAILED and loading.core.generation == 1


def test_what_was_saved_long_before_a_crash_starts_nothing(running: App) -> None:
    running.save("/p/test_app.py")
    running.handle(Gone(1, DEATH))
    assert running.core.phase is Phase.FAILED and running.core.generation == 1
