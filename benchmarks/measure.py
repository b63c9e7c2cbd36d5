"""One block: a peer is started, some saves are made, it is stopped."""

from __future__ import annotations

import math
import random
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from benchmarks.analysis import Outcome, Save, outcomes
from benchmarks.environments import Environment
from benchmarks.lsp_client import result_of
from benchmarks.peers import Peer, Running
from benchmarks.prober import NEVER, Prober, Stream, free_port
from benchmarks.projects import FIRST, Project
from benchmarks.scenarios import Scenario

PHASE = 1.2
"""A save comes after a random wait of up to so many seconds: a poller's look at the disk, which is
due each second at most, is then as likely to be near as far."""

SETTLE = 0.3
"""Seconds of watching after a fresh answer, for what may still go wrong."""

FIRST_SETTLE = 2.0
"""Seconds after a start: by then each peer has made its first round, or its preparations."""

HOPELESS, HOPELESS_FIRST = 3, 2
"""After so many saves one after the other that were never answered, a peer is given up; after two
where they are the first of its process."""


@dataclass
class Block:
    """What came of one block."""

    outcomes: list[Outcome] = field(default_factory=list)
    cut_streams: int = 0
    streams: int = 0
    given_up: int = 0
    """After how many saves in a row that were never answered; 0 where it was not."""


@dataclass
class Round:
    """How a block is made: what all peers of a round have in common."""

    scenario: Scenario
    steps: int
    """Saves to be measured; in a scenario of bursts, bursts."""

    rng: random.Random


def run_block(round_: Round, peer: Peer, environment: Environment, folder: Path) -> Block:
    """Run one block in an empty folder. Raises RuntimeError where the peer does not come up."""
    (folder / "project").mkdir(parents=True)
    project = round_.scenario.make(folder / "project")
    port = free_port()
    log = folder / f"{peer.name}.log"
    with (
        peer.serve(environment, project, port, log, round_.scenario.streams) as running,
        Prober(port) as prober,
    ):
        return _Saving(round_, project, running, prober).run()


class _Saving:
    """The saves of one block."""

    def __init__(self, round_: Round, project: Project, running: Running, prober: Prober) -> None:
        self._round = round_
        self._project = project
        self._running = running
        self._prober = prober
        self._versions = count(FIRST + 1)
        self._saves: list[Save] = []
        self._known: list[Future[float] | None] = []

    def run(self) -> Block:
        block = Block()
        scenario, rng = self._round.scenario, self._round.rng
        time.sleep(FIRST_SETTLE)
        # The first save of a process is not like the others: bytecode, caches. It is not counted.
        answered = self._save()
        warm = len(self._saves)
        unanswered = 0 if answered else 1
        patience = HOPELESS if answered else HOPELESS_FIRST
        for _ in range(self._round.steps):
            time.sleep(SETTLE + rng.uniform(0, PHASE))
            stream = Stream(self._running.port) if scenario.streams else None
            if stream is not None:
                stream.begin()
            for number in range(scenario.burst):
                if number:
                    self._until(self._saves[-1].at + scenario.gap)
                self._write()
            unanswered = 0 if self._answered() else unanswered + 1
            if stream is not None:
                stream.end()
                block.streams += 1
                block.cut_streams += not stream.whole
            if unanswered >= patience:
                block.given_up = unanswered
                break
        time.sleep(SETTLE)
        # Those who are told of a save have long answered by now.
        saves = [
            save._replace(known=result_of(known, "a save") if known is not None else None)
            for save, known in zip(self._saves, self._known, strict=True)
        ]
        block.outcomes = outcomes(saves, self._prober.samples, NEVER)[warm:]
        return block

    def _save(self) -> bool:
        self._write()
        return self._answered()

    def _write(self) -> None:
        version = next(self._versions)
        self._project.write(version)
        at = time.monotonic()
        self._known.append(self._running.saved(self._project.saved))
        self._saves.append(Save(at, version))

    def _answered(self) -> bool:
        return self._prober.wait(self._saves[-1].version)

    @staticmethod
    def _until(moment: float) -> None:
        time.sleep(max(moment - time.monotonic(), 0))


# ---------------------------------------------------------------- what an import costs

_IMPORT = """\
import sys, time
sys.path.insert(0, "")
began = time.perf_counter()
import {module}
print(time.perf_counter() - began)
"""


def bare_imports(
    scenario: Scenario, environment: Environment, folder: Path, times: int
) -> list[float]:
    """What importing the scenario's modules takes in a process of its own, in seconds.

    The time is taken inside of it. A first import, which writes the bytecode, is not counted.
    """
    folder.mkdir(parents=True)
    scenario.make(folder)
    command = [str(environment.python), "-c", _IMPORT.format(module=scenario.imports)]

    def once() -> float:
        done = subprocess.run(
            command, cwd=folder, env=environment.variables(), capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"A bare import of {scenario.imports} failed:\n{done.stderr}")
        return float(done.stdout)

    return [once() for _ in range(times + 1)][1:]


Say = Callable[[str], None]


def shortly(block: Block) -> str:
    """A block in a few words, for the person who waits."""
    seconds = [each.seconds for each in block.outcomes]
    if not seconds:
        return "never"
    texts = ["never" if math.isinf(each) else f"{each * 1000:.0f}" for each in seconds]
    return f"{' '.join(texts)} ms"
