"""Anything, in any order, to a real server with real processes: a state machine of Hypothesis.

One server lives through many sequences. Each begins with an app that is whole and runs, goes
through saves, commands, kills and requests at random moments, and ends with rest: what is served
then is what is on disk, the editor has been told so, and nothing is left over. Afterwards the
person mends what is broken, and that must bring the app back.

A seed decides what is done. The moments are the machine's, so a seed that has failed may pass.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from reliability.callers import Caller
from reliability.census import census, children, connections, descriptors
from reliability.disk import APP, AWAY, CONFIG, DOTENV, MANY, MODULES, PYTHON, SCRIPT, Disk
from reliability.workplace import Workplace
from support.processes import describe, marked
from support.session import free_port

STEPS = 10
OF_A_CHILD = 6
"""Descriptors of the server's for each process: channel, box, lifeline, two outputs, pidfd."""

KINDS = st.sampled_from(("good",) * 8 + PYTHON)
SAVED = st.sampled_from((APP, *MODULES, *MODULES, MANY[7], CONFIG, DOTENV))
CREATED, CHANGED, DELETED = 1, 2, 3
TOLD_BY = st.sampled_from(("its watcher", "the editor", "both"))
"""What the editor does itself it tells as such; its file watcher may tell it again, or alone."""
LONG, SHORT = 20.0, 0.2


class Storm:
    """The server that is played with, and what is known of it from outside."""

    def __init__(self, place: Workplace, disk: Disk) -> None:
        self.place = place
        self.disk = disk
        self.base = 0
        self.setting = 0
        self.wanted = True
        self.settings: dict[str, Any] = {}
        self.events = self.sequences = 0
        self.failure: str | None = None

    @property
    def restarts(self) -> int:
        generation: int = self.place.state()["generation"]
        return generation - 1

    def open(self) -> None:
        """Wait for the first start, and count what the server holds by itself."""
        self.place.until_state("running")
        self.place.at_rest()
        self.base = census(self.place.pid).descriptors - 3 * OF_A_CHILD - 1

    # ------------------------------------------------------------ a sequence

    def begin(self) -> None:
        self.sequences += 1
        self.log: list[str] = []
        self.callers: list[Caller] = []
        self.killed = self.may_refuse = self.may_cut = self.boomed = False
        self.configure(drainSeconds=LONG)

    def note(self, *words: object) -> None:
        self.log.append(" ".join(map(str, words)))

    def event(self, *words: object) -> None:
        """Something that may lead to one restart at most."""
        self.note(*words)
        self.events += 1

    def tell(self, kinds: dict[str, int]) -> None:
        """What the editor's file watcher has seen."""
        changes = [{"uri": self.uri(name), "type": kind} for name, kind in kinds.items()]
        self.place.client.notify("workspace/didChangeWatchedFiles", {"changes": changes})

    def tell_moved(self, old: str, new: str, by: str) -> None:
        """A file has another name."""
        if by != "its watcher":
            uris = {f"{which}Uri": self.uri(name) for which, name in (("old", old), ("new", new))}
            self.place.client.notify("workspace/didRenameFiles", {"files": [uris]})
        if by != "the editor":
            self.tell({old: DELETED, new: CREATED})

    def tell_deleted(self, name: str, by: str) -> None:
        if by != "its watcher":
            files = [{"uri": self.uri(name)}]
            self.place.client.notify("workspace/didDeleteFiles", {"files": files})
        if by != "the editor":
            self.tell({name: DELETED})

    def uri(self, name: str) -> str:
        return (self.place.folder / name).as_uri()

    def configure(self, **settings: Any) -> None:
        self.settings.update(settings)
        params = {"settings": {"hotplate": self.settings}}
        self.place.client.notify("workspace/didChangeConfiguration", params)

    def ask(self, path: str) -> None:
        """A request, by somebody who knows what the server has been told."""
        self.place.state()
        self.callers.append(Caller(self.place.port, path, self.disk.versions()))

    def leave(self) -> None:
        """Those who would listen for ever go."""
        for caller in self.callers:
            if caller.path == "/endless":
                caller.leave()

    # ------------------------------------------------------------ rest

    def rest(self) -> None:
        """Wait for it, and hold the server to what it must be like then."""
        self.leave()
        self.place.until(self.wrong_now)
        self.note("rest:", self.place.state()["state"])

    def wrong_now(self) -> str:
        try:
            return self.wrong()
        except OSError as error:  # it is not there yet, or any more
            return str(error)

    def wrong(self) -> str:
        """What is not as it must be at rest, or nothing."""
        state = self.place.state()
        told = [n.params for n in self.place.client.notifications if n.method == "hotplate/state"]
        if told[-1] != state:
            return f"the editor was told {told[-1]}, and asked: {state}"
        if state["generation"] - 1 > self.events:
            return f"{state['generation'] - 1} restarts for {self.events} events"
        outcome = self.disk.outcome()
        if not self.wanted:
            return self.wrong_when_stopped(state)
        by_a_kill = self.killed and (state.get("error") or {}).get("type") == "SIGKILL"
        if by_a_kill and state["state"] == "failed":
            return self.wrong_page("SIGKILL") or self.wrong_family(0)
        if state["state"] != outcome.state:
            return f"{outcome} is due, and it is {state}"
        if outcome.state == "starting":
            return self.wrong_family(self.disk.company())
        if outcome.state == "failed":
            error = state["error"]
            if outcome.words not in f"{error['type']}: {error['message']}":
                return f"{outcome} is due, and it is {state}"
            alive = self.disk.company() if state.get("pid") else 0
            return (
                self.wrong_problems(outcome.file, error.get("uri"))
                or self.wrong_page(outcome.words)
                or self.wrong_family(alive)
            )
        return (
            self.wrong_problems(None, None)
            or self.wrong_answer()
            or self.wrong_family(self.disk.company())
        )

    def wrong_when_stopped(self, state: dict[str, Any]) -> str:
        if state["state"] != "stopped":
            return f"it was stopped, and it is {state}"
        return self.wrong_problems(None, None) or self.wrong_family(0)

    def wrong_problems(self, file: str | None, uri: str | None) -> str:
        """A failed start is one problem in the file to blame, and no other file has any."""
        shown = {}
        for told in self.place.client.notifications:
            if told.method == "textDocument/publishDiagnostics":
                shown[told.params["uri"]] = told.params["diagnostics"]
        found = {each: problems for each, problems in shown.items() if problems}
        if uri is not None and not found.pop(uri, None):
            return f"no problem in {uri}"
        if file is not None and uri != (self.place.folder / file).as_uri():
            return f"{file} is to blame, and it is {uri}"
        if self.boomed:
            found.pop((self.place.folder / APP).as_uri(), None)
        return f"these problems are shown: {found}" if found else ""

    def wrong_page(self, words: str) -> str:
        status, page = self.place.get()
        return "" if status == 500 and words in page else f"{words} is due, and this: {page[:2000]}"

    def wrong_answer(self) -> str:
        status, text = self.place.get()
        due = {name: f"{version:07}" for name, version in self.disk.versions().items()}
        if self.place.settings.get("script"):
            del due[DOTENV]  # `app.run` reads it, when the module has been imported
        if self.setting:
            due["setting"] = f"{self.setting:07}"
        if status == 200:
            found = json.loads(text)
            wrong = {name: (due[name], found.get(name)) for name in due if due[name] != found[name]}
            return f"not what is on disk (due, found): {wrong}" if wrong else ""
        return f"an answer is due, and this: {status} {text[:2000]}"

    def wrong_family(self, company: int) -> str:
        """Who is alive, and what is open."""
        server, stopped = self.place.pid, not self.wanted
        family = children(server)
        if "Z" in family.values():
            return f"dead and not reaped: {family}"
        guards = [pid for pid in family if "watchman" in describe({pid})[0]]
        if len(family) - len(guards) > (0 if stopped else 3) or len(guards) > (not stopped):
            return f"too many children: {describe(set(family))}"
        others = marked(self.place.mark) - family.keys() - {server}
        sleeping = [pid for pid in others if "sleep" in describe({pid})[0]]
        if len(others) != len(sleeping) or len(sleeping) != company:
            return f"{company} processes of the app's are due, and there are {describe(others)}"
        agents = len(family) - len(guards)
        due = self.base + OF_A_CHILD * agents + len(guards) + (not stopped)
        # Who had connected before the drain, and asked after it, waits here for a start that hangs.
        waiting = connections(server, self.place.port) if self.hangs() else 0
        if waiting > sum(caller.outcome is None for caller in self.callers):
            return f"{waiting} connections wait, more than there are callers"
        due += waiting
        held = descriptors(server)
        return f"{due} descriptors are due, and there are {len(held)}" if len(held) != due else ""

    def hangs(self) -> bool:
        return self.disk.outcome().state == "starting"

    # ------------------------------------------------------------ the end of a sequence

    def heal(self) -> None:
        """The person mends it all, and starts what is stopped. That must bring it back."""
        for name in self.disk.bad():
            self.disk.write(name)
        threaded = {"threaded": True, "warmup": "dependencies"}
        if any(self.settings.get(key, value) != value for key, value in threaded.items()):
            self.event("settings as they were")
            self.configure(**threaded)
        self.killed = self.boomed = False
        self.disk.write(APP)
        self.event("mended")
        self.place.did_save([APP])
        if not self.wanted:
            self.wanted = True
            self.event("start")
            self.place.command("start")
        self.rest()
        for caller in self.callers:
            assert caller.join(), f"never answered: {caller}"
            assert not caller.stale, caller.stale
            if caller.path != "/endless":
                assert caller.outcome != "refused" or self.may_refuse, caller
                assert caller.outcome != "cut" or self.may_cut, caller


def machine(storm: Storm) -> type[RuleBasedStateMachine]:
    """The state machine that plays with a server."""

    def step(what: Callable[..., None]) -> Callable[..., None]:
        """Once something has gone wrong, nothing more is done: Hypothesis would play it again."""

        @functools.wraps(what)
        def run(self: Any, **arguments: Any) -> None:
            if storm.failure is not None:
                return
            try:
                what(self, **arguments)
            except Exception as error:
                done = "\n".join(f"  {line}" for line in storm.log)
                storm.failure = f"{error}\nwhat was done:\n{done}"
                raise

        return run

    class Weather(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            if storm.failure is None:
                storm.begin()

        @rule(name=SAVED, kind=KINDS)
        @step
        def save(self, name: str, kind: str) -> None:
            if name == DOTENV or (name == CONFIG and kind not in ("good", "syntax")):
                kind = "good"
            if name == APP and kind in ("exits", "stubborn"):
                kind = "raises"  # its first line says no less
            if kind == "port" and any(file.kind == "port" for file in storm.disk.files.values()):
                kind = "lock"
            storm.event("save", name, kind)
            storm.disk.write(name, kind)
            storm.place.did_save([name])

        @rule(name=st.sampled_from(MODULES), times=st.integers(2, 4))
        @step
        def save_within_a_second(self, name: str, times: int) -> None:
            second = int(time.time())
            for _ in range(times):
                storm.event("save within a second", name)
                storm.disk.write_within_the_second(name, second)
                storm.place.did_save([name])

        @rule(names=st.permutations([APP, *MODULES, CONFIG]), count=st.integers(2, 5))
        @step
        def save_several(self, names: list[str], count: int) -> None:
            chosen = names[:count]
            storm.note("save in one breath", chosen)
            storm.events += count
            for name in chosen:
                storm.disk.write(name)
            storm.place.did_save(chosen)

        @rule()
        @step
        def save_all(self) -> None:
            storm.note("save fifty")
            storm.events += len(MANY)
            for name in MANY:
                storm.disk.write(name)
            storm.place.did_save(MANY)

        @rule(
            name=st.sampled_from(MODULES),
            kind=st.sampled_from([kind for kind in PYTHON if kind != "port"]),
        )
        @step
        def undo(self, name: str, kind: str) -> None:
            for each in (kind, "good"):
                storm.event("save", name, each, "(undone)" if each == "good" else "")
                storm.disk.write(name, each)
                storm.place.did_save([name])

        @rule(name=SAVED, kind=KINDS, echo=st.booleans())
        @step
        def change_outside(self, name: str, kind: str, echo: bool) -> None:
            if name in (DOTENV, CONFIG, APP) or kind == "port":
                kind = "good"
            storm.event("change outside", name, kind, "(twice told)" if echo else "")
            storm.disk.write(name, kind, apart=True)
            for _ in range(1 + echo):
                storm.tell({name: CHANGED})

        @rule(name=st.sampled_from((*MODULES, CONFIG)), by=TOLD_BY)
        @step
        def delete(self, name: str, by: str) -> None:
            storm.event("delete", name, "told by", by)
            storm.disk.write(name, None)
            storm.tell_deleted(name, by)

        @rule(pause=st.integers(0, 30), by=TOLD_BY)
        @step
        def rename_and_back(self, pause: int, by: str) -> None:
            name = MODULES[0]
            storm.event("rename", name, "told by", by)
            if storm.disk.files[name].kind is None:
                storm.disk.write(name)  # deleted before, and never told to be back
            storm.disk.move_away(name)
            storm.tell_moved(name, AWAY, by)
            time.sleep(pause / 1000)
            storm.event("and back")
            storm.disk.move_back(name)
            storm.tell_moved(AWAY, name, by)

        @rule(how=st.sampled_from(("restart", "restart", "start", "stop")))
        @step
        def command(self, how: str) -> None:
            storm.event(how)
            storm.wanted = how != "stop"
            storm.may_refuse |= how == "stop"
            storm.may_cut |= how == "stop"
            storm.place.command(how)

        @rule()
        @step
        def configure_environment(self) -> None:
            storm.setting += 1
            storm.event("setting", storm.setting)
            storm.configure(env={"STORM_SETTING": f"{storm.setting:07}"})

        @rule(warmup=st.sampled_from(("off", "framework", "dependencies")))
        @step
        def configure_warmup(self, warmup: str) -> None:
            storm.event("warmup", warmup)
            storm.configure(warmup=warmup)

        @rule(threaded=st.booleans())
        @step
        def configure_threads(self, threaded: bool) -> None:
            storm.event("threaded", threaded)
            storm.configure(threaded=threaded)

        @rule()
        @step
        def configure_port(self) -> None:
            storm.event("another port")
            storm.may_refuse = storm.may_cut = True
            storm.place.port = free_port()
            storm.configure(port=storm.place.port)

        @rule()
        @step
        def drain_soon(self) -> None:
            storm.note("drain soon")
            storm.may_cut = True
            storm.configure(drainSeconds=SHORT)

        @rule(which=st.integers(0, 3), how=st.sampled_from((signal.SIGKILL, signal.SIGSTOP)))
        @step
        def kill(self, which: int, how: signal.Signals) -> None:
            pids = sorted(children(storm.place.pid))
            if not pids:
                return
            pid = pids[which % len(pids)]
            storm.event(how.name, describe({pid})[0])
            storm.killed = storm.may_cut = True
            try:
                os.kill(pid, how)
            except ProcessLookupError:
                return
            if how is signal.SIGSTOP:
                time.sleep(0.02)
                try:
                    os.kill(pid, signal.SIGCONT)
                except ProcessLookupError:
                    pass

        @rule(path=st.sampled_from(("/", "/", "/slow", "/slow", "/endless")))
        @step
        def ask(self, path: str) -> None:
            storm.note("ask", path)
            storm.ask(path)

        @precondition(lambda self: storm.wanted and storm.disk.outcome().state == "running")
        @rule()
        @step
        def boom(self) -> None:
            storm.note("boom")
            storm.boomed = True
            storm.ask("/boom")

        @rule(milliseconds=st.integers(0, 120))
        @step
        def wait(self, milliseconds: int) -> None:
            storm.note("wait", milliseconds)
            time.sleep(milliseconds / 1000)

        @rule()
        @step
        def rest(self) -> None:
            storm.rest()

        @step
        def teardown(self) -> None:
            storm.rest()
            storm.heal()

    return Weather


@contextmanager
def shelter(folder: Path, workers: bool) -> Iterator[Storm]:
    """A project, with its server. `workers`: a script that gives each request a process."""
    disk = Disk(folder / "shop")
    disk.lay_out()
    more: dict[str, Any] = {"script": SCRIPT} if workers else {}
    with Workplace(disk.folder, drainSeconds=LONG, **more) as place:
        storm = Storm(place, disk)
        storm.open()
        yield storm


def play(number: int, sequences: int, workers: bool = False) -> Storm:
    """So many sequences, as a seed decides. Raises AssertionError, or a group with one in it."""
    with (
        TemporaryDirectory(prefix="hotplate-storm-") as name,
        shelter(Path(name).resolve(), workers) as storm,
    ):
        try:
            run_state_machine_as_test(
                seed(number)(machine(storm)),
                settings=settings(
                    max_examples=sequences,
                    stateful_step_count=STEPS,
                    deadline=None,
                    database=None,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                ),
            )
        except BaseException:
            if storm.failure is None:
                raise
            raise AssertionError(f"seed {number}: {storm.failure}") from None
    return storm
