"""Rounds of short blocks: each peer has its turn in each round, and every other round is turned.

One peer is alive at a time, for several would disturb each other; and what the machine does beside
falls on all of them alike.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.analysis import Outcome
from benchmarks.environments import Environment, environment
from benchmarks.hotplate_peer import HOTPLATE
from benchmarks.measure import Block, Round, Say, bare_imports, run_block, shortly
from benchmarks.peers import Peer
from benchmarks.scenarios import Scenario

ROUNDS = 4


@dataclass
class Row:
    """A peer in a scenario, over all rounds."""

    peer: Peer
    outcomes: list[Outcome] = field(default_factory=list)
    streams: int = 0
    cut_streams: int = 0
    given_up: int = 0
    problem: str = ""
    """Why it could not be measured."""

    versions: dict[str, str] = field(default_factory=dict)

    def add(self, block: Block) -> None:
        self.outcomes += block.outcomes
        self.streams += block.streams
        self.cut_streams += block.cut_streams
        self.given_up = block.given_up

    @property
    def seconds(self) -> list[float]:
        return [outcome.seconds for outcome in self.outcomes]

    @property
    def never(self) -> int:
        return sum(map(math.isinf, self.seconds))

    @property
    def in_time(self) -> int:
        """Saves that were seen before the next one came."""
        return sum(
            math.isfinite(outcome.seconds) and not outcome.overtaken for outcome in self.outcomes
        )

    def total(self, name: str) -> int:
        """A count of `Outcome`, over all saves."""
        return sum(getattr(outcome, name) for outcome in self.outcomes)


@dataclass
class Table:
    """A scenario and what came of it."""

    scenario: Scenario
    rows: list[Row]
    bare_imports: list[float] = field(default_factory=list)


def run(
    scenario: Scenario, peers: Sequence[Peer], saves: int, rng: random.Random, say: Say
) -> Table:
    """Measure a scenario: `saves` saves of each peer, bursts where it has bursts."""
    rows = [Row(peer) for peer in peers]
    table = Table(scenario, rows)
    for row in rows:  # before anything is measured: pip would disturb it
        with _told(row, scenario, say):
            row.versions = _environment(row.peer, scenario, say).versions()
    steps = max(saves // scenario.burst, 1)
    for number, share in enumerate(shares(steps, ROUNDS)):
        # All peers of a round meet the same waits.
        seed = rng.random()
        for row in rows if number % 2 == 0 else reversed(rows):
            if row.given_up or row.problem:
                continue
            round_ = Round(scenario, share, random.Random(seed))
            with TemporaryDirectory(prefix="hotplate-bench-") as folder:
                _block(row, round_, Path(folder).resolve(), say)
        if scenario.imports:
            place = _environment(HOTPLATE, scenario, say)
            with TemporaryDirectory(prefix="hotplate-bench-") as folder:
                project = Path(folder).resolve() / "project"
                table.bare_imports += bare_imports(scenario, place, project, share)
    return table


def _block(row: Row, round_: Round, folder: Path, say: Say) -> None:
    with _told(row, round_.scenario, say):
        place = _environment(row.peer, round_.scenario, say)
        block = run_block(round_, row.peer, place, folder)
        row.add(block)
        say(f"{round_.scenario.name}: {row.peer.name}: {shortly(block)}")


@contextmanager
def _told(row: Row, scenario: Scenario, say: Say) -> Iterator[None]:
    """What goes wrong with one peer is told, and is its own: the others are measured all the
    same."""
    try:
        yield
    except RuntimeError as error:
        row.problem = str(error)
        say(f"{scenario.name}: {row.peer.name}: {error}")


def _environment(peer: Peer, scenario: Scenario, say: Say) -> Environment:
    return environment((*peer.packages, *scenario.packages), say)


def shares(steps: int, rounds: int) -> list[int]:
    """How many of the steps each round has: as equal as can be, and none empty."""
    rounds = min(rounds, steps)
    return [steps // rounds + (number < steps % rounds) for number in range(rounds)]
