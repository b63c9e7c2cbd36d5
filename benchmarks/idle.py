"""What each takes while nothing is saved and nobody asks, in a project of 10,000 files."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.environments import environment
from benchmarks.hotplate_peer import HOTPLATE
from benchmarks.measure import Say
from benchmarks.peers import Peer
from benchmarks.prober import ask, free_port
from benchmarks.processes import cpu_seconds
from benchmarks.projects import many_files
from benchmarks.report import markdown
from benchmarks.targets import Target

PEERS = ("hotplate", "flask-stat", "flask-watchdog", "flask-watchdog6")
SETTLE = 5.0
"""Seconds after the first answers: what was put off until then is no part of being idle."""


@dataclass(frozen=True)
class Idle:
    """One process: what it is for, and its CPU time in seconds."""

    peer: Peer
    process: str
    cpu: float


def run(peers: Sequence[Peer], seconds: float, say: Say) -> list[Idle]:
    """Watch each peer for so long, one after the other."""
    return [each for peer in peers for each in _watch(peer, seconds, say)]


def _watch(peer: Peer, seconds: float, say: Say) -> list[Idle]:
    with TemporaryDirectory(prefix="hotplate-bench-") as name:
        folder = Path(name).resolve()
        (folder / "project").mkdir()
        project = many_files(folder / "project")
        port = free_port()
        place = environment(peer.packages, say)
        with peer.serve(place, project, port, folder / f"{peer.name}.log", False) as running:
            for _ in range(3):
                ask(port)
            time.sleep(SETTLE)
            pids = running.pids()
            before = {process: cpu_seconds(pid) for process, pid in pids.items()}
            time.sleep(seconds)
            found = [
                Idle(peer, process, cpu_seconds(pid) - before[process])
                for process, pid in pids.items()
            ]
    told = ", ".join(f"{each.process} {each.cpu * 1000:.0f} ms" for each in found)
    say(f"idle: {peer.name}: {told}")
    return found


def table(found: Sequence[Idle], seconds: float) -> list[str]:
    """The table, with the share of one core."""
    rows = [
        [
            f"{each.peer.title}: {each.process}",
            f"{each.cpu * 1000:.0f}",
            f"{each.cpu / seconds * 100:.1f} %",
        ]
        for each in found
    ]
    head = ["", f"CPU in {seconds:.0f} s, ms", "of one core"]
    return ["### Idle, in a project of 10,000 files", "", *markdown(head, rows)]


def targets(found: Sequence[Idle]) -> list[Target]:
    """One tick of the clock for each process of ours."""
    tick = os.sysconf("SC_CLK_TCK")
    return [
        Target(f"idle: ticks of the {each.process}", round(each.cpu * tick), 1)
        for each in found
        if each.peer is HOTPLATE
    ]
