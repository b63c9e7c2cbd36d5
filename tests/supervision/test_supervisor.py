"""The shell around the core, with real processes: what comes in an order that is hard to have."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
import pytest_asyncio

from hotplate.supervision import core, door
from hotplate.supervision.child import Child
from hotplate.supervision.events import Failure, Phase
from hotplate.supervision.face import Status
from hotplate.supervision.listener import Listener
from hotplate.supervision.plan import Plan
from hotplate.supervision.supervisor import Supervisor
from hotplate_agent import messages as m
from supervision.test_standby import plan, until
from support.session import free_port

__all__ = ["plan"]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ends are told by pidfd on Linux")

APP = "from flask import Flask\n\napp = Flask(__name__)\n"


class Planner:
    """Gives out what it has been given; while there is a `gate`, not before that is open."""

    def __init__(self, plan: Plan) -> None:
        self.made, self.folder = plan, Path(plan.cwd)
        self.gate: threading.Event | None = None

    def plan(self) -> Plan:
        made = self.made
        if self.gate is not None:
            self.gate.wait(20)
        return made

    def listen_failure(self, kind: str, host: str, port: int, why: str = "") -> Failure:
        return Failure("port", m.Report("PortTaken", f"{host}:{port} {kind}", "", [], []))


class Face:
    """Looks at states alone."""

    def __init__(self) -> None:
        self.states: list[tuple[int, Phase]] = []

    def status(self, status: Status) -> None:
        self.states.append((status.generation, status.phase))

    def pin(self, generation: int, pin: str | None, url: str | None) -> None: ...
    def pin_wanted(self) -> None: ...
    def raised(self, generation: int, raised: m.Raised, page: str | None) -> None: ...
    def recovered(self, generation: int, view: str) -> None: ...
    def hangs(self, generation: int, frames: Any, seconds: float) -> None: ...
    def output(self, generation: int, stream: str, text: str) -> None: ...
    def failing(self) -> list[str]:
        return []

    def words(self, failure: Failure) -> str:
        return "words"


@attrs.define
class Place:
    supervisor: Supervisor
    planner: Planner
    face: Face

    async def until(self, *phases: Phase) -> None:
        await until(lambda: self.supervisor.status.phase in phases)


@pytest_asyncio.fixture
async def place(plan: Plan) -> AsyncIterator[Place]:
    port = free_port()
    Path(plan.cwd, "app.py").write_text(APP)
    load = plan.load._replace(host="127.0.0.1", port=port, learn=False)
    planner = Planner(
        attrs.evolve(
            plan,
            warmup="off",
            load=load,
            address=("127.0.0.1", port),
            insist_host="127.0.0.1",
            insist_port=port,
        )
    )
    face = Face()
    supervisor = Supervisor(planner, face)
    yield Place(supervisor, planner, face)
    await supervisor.close()


async def rounds(count: int = 50) -> None:
    """Let all that is ready in the loop and its threads have its turn."""
    for _ in range(count):
        await asyncio.sleep(0.001)


async def test_settings_that_change_while_a_start_is_planned_count(place: Place) -> None:
    """Its plan is of the settings before, and Poetry may take its time for it."""
    gate = place.planner.gate = threading.Event()
    place.supervisor.start()
    await rounds()
    place.planner.gate = None
    place.planner.made = attrs.evolve(place.planner.made, heeded=frozenset(["/p/extra"]))
    place.supervisor.retune()
    gate.set()
    await place.until(Phase.RUNNING)
    await until(lambda: place.supervisor._core.saves.heeded == {"/p/extra"})


async def test_the_last_of_two_changes_of_settings_counts(place: Place) -> None:
    place.supervisor.start()
    await place.until(Phase.RUNNING)
    gate = place.planner.gate = threading.Event()
    place.planner.made = attrs.evolve(place.planner.made, heeded=frozenset(["/p/one"]))
    place.supervisor.retune()
    await rounds()
    place.planner.gate = None
    place.planner.made = attrs.evolve(place.planner.made, heeded=frozenset(["/p/two"]))
    place.supervisor.retune()
    await rounds()
    gate.set()
    await rounds()
    assert place.supervisor._core.saves.heeded == {"/p/two"}


async def test_settings_count_where_the_process_is_gone(place: Place) -> None:
    Path(place.planner.made.cwd, "app.py").write_text("import os\nos._exit(3)\n")
    place.supervisor.start()
    await place.until(Phase.FAILED)
    await until(lambda: not place.supervisor._children)
    place.planner.made = attrs.evolve(place.planner.made, heeded=frozenset(["/p/extra"]))
    place.supervisor.retune()
    await until(lambda: place.supervisor._core.saves.heeded == {"/p/extra"})


async def test_who_dies_while_the_socket_is_opened_gets_a_page(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor, planner = place.supervisor, place.planner
    planner.made = attrs.evolve(planner.made, address=None)  # as for a script
    gate, reached = threading.Event(), threading.Event()

    class Slow(Listener):
        def __init__(self, host: str, port: int) -> None:
            reached.set()
            gate.wait(20)
            super().__init__(host, port)

    monkeypatch.setattr(door, "Listener", Slow)
    supervisor.start()
    await until(reached.is_set)
    os.kill(next(iter(supervisor._children.values())).pid, signal.SIGKILL)
    await place.until(Phase.FAILED)
    gate.set()
    await until(lambda: supervisor._door.host)
    reader, writer = await asyncio.open_connection("127.0.0.1", planner.made.insist_port)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    assert b"500" in await reader.readline()
    writer.close()


async def test_who_dies_as_it_asks_is_no_mistake_of_ours(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    supervisor = place.supervisor

    def message(child: Child, said: Any, descriptor: int | None) -> None:
        if isinstance(said, m.Ask):
            os.kill(child.pid, signal.SIGKILL)
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
            asyncio.get_running_loop().call_soon(child._exited)  # seen in the same round
        Supervisor.message(supervisor, child, said, descriptor)

    supervisor.message = message  # type: ignore[method-assign]
    supervisor.start()
    await place.until(Phase.FAILED)
    await rounds()
    gc.collect()
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR], caplog.text


async def test_a_restart_as_a_library_turns_out_to_be_unfit(place: Place) -> None:
    """The standby has said so, and is about to end: the start must not be given that process."""
    supervisor, planner = place.supervisor, place.planner
    Path(planner.made.cwd, "app.py").write_text("import this\n" + APP)
    load = planner.made.load._replace(learn=True)
    planner.made = attrs.evolve(planner.made, warmup="dependencies", load=load)
    said: list[Child] = []
    hear: Callable[..., None] = supervisor._standby.message

    def message(child: Child, told: Any, descriptor: int | None) -> None:
        hear(child, told, descriptor)
        if isinstance(told, m.Unfit):
            said.append(child)
            asyncio.get_running_loop().remove_reader(child._pidfd)  # seen a moment later
            supervisor.restart("command")

    supervisor._standby.message = message  # type: ignore[method-assign]
    supervisor.start()
    await until(lambda: said)
    os.waitid(os.P_PID, said[0].pid, os.WEXITED | os.WNOWAIT)
    await until(lambda: 2 in supervisor._children)
    said[0]._exited()
    await until(
        lambda: (
            supervisor.status.generation >= 2
            and supervisor.status.phase in (Phase.RUNNING, Phase.FAILED)
        )
    )
    assert supervisor.status.phase is Phase.RUNNING, supervisor.status.failure


async def test_a_dotenv_file_saved_once_its_process_is_chosen_makes_no_second_start(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy of the standby has read the old one. Another process takes its place."""
    supervisor, planner = place.supervisor, place.planner
    folder = Path(planner.made.cwd)
    app, dotenv = folder / "app.py", folder / ".env"
    dotenv.write_text("COLOUR=red\n")
    app.write_text("import os\nopen('seen', 'a').write(os.environ['COLOUR'] + ' ')\n" + APP)
    files = frozenset([str(dotenv)])
    load = planner.made.load._replace(learn=True)
    planner.made = attrs.evolve(
        planner.made, warmup="framework", load=load, heeded=files, environment=files
    )
    supervisor.start()
    await until(lambda: supervisor._standby._warm and supervisor._standby._warm.made())
    monkeypatch.setattr(core, "FIRST_SETTLE", 60)  # the next save is in time, whenever it comes
    place.face.states.clear()
    app.write_text(app.read_text() + "# saved\n")
    supervisor.saved([str(app)])
    await until(lambda: 2 in supervisor._children)
    chosen = supervisor._children[2]
    assert chosen.environment, "it is a copy"
    dotenv.write_text("COLOUR=green\n")
    supervisor.saved([str(dotenv)])
    await until(lambda: (2, Phase.RUNNING) in place.face.states)
    assert place.face.states == [(2, Phase.STARTING), (2, Phase.RUNNING)]
    assert (folder / "seen").read_text() == "red green "
    await until(lambda: chosen.ended)
