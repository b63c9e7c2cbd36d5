"""The standby's own side, with real processes: what comes of it when its process does not go on."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
import pytest_asyncio

from hotplate.supervision import orphans
from hotplate.supervision.child import Child
from hotplate.supervision.plan import Plan
from hotplate.supervision.process import Line, Process
from hotplate.supervision.standby import Standby
from hotplate_agent import messages as m

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="copies are made on Linux only")


class Nobody:
    """Hears nothing."""

    def message(self, child: Child, message: Any, descriptor: int | None) -> None: ...
    def output(self, child: Child, stream: str, data: bytes) -> None: ...
    def gone(self, child: Child, status: int) -> None: ...


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    load = m.Load(0, str(tmp_path), app="app.py", learn=True)
    return Plan(
        interpreter=sys.executable,
        cwd=str(tmp_path),
        env=dict(os.environ),
        load=load,
        address=None,
        tls=False,
        insist_host=None,
        insist_port=None,
        heeded=frozenset(),
        excluded=(),
        project=(),
        drain_seconds=2.0,
        start_seconds=30.0,
        warmup="framework",
    )


@pytest_asyncio.fixture
async def standby(plan: Plan) -> AsyncIterator[Standby]:
    """One that is ready, and whose copy for the next start has been given away."""
    standby = Standby()
    standby.learnt(plan, m.Learnt([], whole=True, unused=False))
    await until(lambda: standby._warm is not None and standby._warm.made() is not None)
    child = await standby.take(plan, 1, Nobody())
    assert child is not None
    child.kill_group()
    yield standby
    standby.close()


async def until(seen: Callable[[], Any]) -> None:
    """Let the loop run until it is so; pytest's own limit ends a test where it never is."""
    while not seen():
        await asyncio.sleep(0.001)


async def taken(standby: Standby, plan: Plan) -> asyncio.Task[Child | None]:
    """A start that waits for a copy, which a process that stands still does not make."""
    assert standby._warm is not None
    os.kill(standby._warm.child.pid, signal.SIGSTOP)
    task = asyncio.create_task(standby.take(plan, 2, Nobody()))
    warm = standby._warm
    await until(lambda: warm.forking)
    return task


async def test_killed_while_a_start_waits_for_its_copy(standby: Standby, plan: Plan) -> None:
    """There is none to be had: the start makes a process of its own."""
    task = await taken(standby, plan)
    assert standby._warm is not None
    os.kill(standby._warm.child.pid, signal.SIGKILL)
    assert await task is None


async def test_thrown_away_while_a_start_waits_for_its_copy(standby: Standby, plan: Plan) -> None:
    task = await taken(standby, plan)
    standby.discard()
    assert await task is None


@pytest.mark.parametrize("before", ["FLASK_APP=one\n", None])
async def test_a_dotenv_file_that_changes_while_it_imports(
    before: str | None, plan: Plan, tmp_path: Path
) -> None:
    """It may have been read already; nobody can tell, as long as it has not said what it read."""
    file = tmp_path / ".flaskenv"
    if before:
        file.write_text(before)
    plan = attrs.evolve(plan, environment=frozenset([str(file)]))
    standby = Standby()
    try:
        standby.learnt(plan, m.Learnt([], whole=True, unused=False))
        await until(lambda: standby._warm is not None)
        assert standby._warm is not None and standby._warm.inputs is None
        file.write_text("FLASK_APP=two\n")
        assert await standby.take(plan, 1, Nobody()) is None
    finally:
        standby.close()


async def test_one_that_has_said_that_it_is_unfit_is_not_given_out(plan: Plan) -> None:
    """It is about to end, and the start would be told as one that has failed."""
    standby = Standby()
    standby.learnt(plan, m.Learnt([], whole=True, unused=False))
    await until(lambda: standby._warm is not None and standby._warm.child.booted)
    assert standby._warm is not None
    child = standby._warm.child
    os.kill(child.pid, signal.SIGSTOP)  # it has said so, and its end is still to come
    standby.message(child, m.Unfit("", "prints something"), None)
    try:
        assert await standby.take(plan, 1, Nobody()) is None
    finally:
        child.kill_group()
        standby.close()


async def spare(standby: Standby) -> Child:
    """The copy that is there ahead of the next start."""
    standby._rest()
    await until(lambda: standby._warm is not None and standby._warm.made() is not None)
    assert standby._warm is not None
    made = standby._warm.made()
    assert made is not None
    return made


async def given_up(task: asyncio.Task[Child | None]) -> bool:
    """Whether the start could be given up before it had its process."""
    if not task.cancel():
        return False
    with pytest.raises(asyncio.CancelledError):
        await task
    return True


async def test_a_start_given_up_leaves_no_copy(standby: Standby, plan: Plan) -> None:
    child = await spare(standby)
    task = asyncio.create_task(standby.take(plan, 2, Nobody()))
    assert standby._warm is not None
    while standby._warm.spare is not None:
        await asyncio.sleep(0)
    if await given_up(task):
        await until(lambda: child.ended)
    else:  # it was quicker
        child.kill_group()


async def test_a_start_given_up_as_its_copy_comes_leaves_none(standby: Standby, plan: Plan) -> None:
    task = await taken(standby, plan)
    warm = standby._warm
    assert warm is not None
    copied = warm.forking[0][1]
    os.kill(warm.child.pid, signal.SIGCONT)
    while not copied.done():
        await asyncio.sleep(0)
    assert await given_up(task)
    await until(lambda: copied.result().ended)


async def test_a_copy_that_leads_no_group_yet_is_killed_all_the_same() -> None:
    """It comes to that a moment after it was made."""
    line = Line()
    line.given()
    popen = subprocess.Popen(["sleep", "1000"])
    child = Child(0, Process(popen.pid, line, popen), Nobody())
    child.kill_group()
    await until(lambda: child.ended)
    assert popen.returncode == -signal.SIGKILL


async def test_a_copy_that_dies_as_it_is_taken_is_not_given_out(
    standby: Standby, plan: Plan
) -> None:
    child = await spare(standby)
    task = asyncio.create_task(standby.take(plan, 2, Nobody()))
    assert standby._warm is not None
    while standby._warm.spare is not None:
        await asyncio.sleep(0)
    os.kill(child.pid, signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    given = await task
    assert given is None or not given.ended


async def test_without_a_descriptor_for_its_line_there_is_no_copy(
    standby: Standby, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dup(descriptor: int) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    births = orphans._births
    standby._rest()
    if standby._warm is not None and (made := standby._warm.made()) is not None:
        made.kill_group()
        standby._warm.spare = None
        births = orphans._births
    with monkeypatch.context() as full:
        full.setattr(os, "dup", dup)
        assert await standby.take(plan, 2, Nobody()) is None
    assert orphans._births == births
