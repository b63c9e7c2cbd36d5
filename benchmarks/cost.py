"""What the server itself costs: its start, its handler of didSave, its memory and its app's."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.environments import Environment, environment
from benchmarks.figures import median, milliseconds, percentile
from benchmarks.hotplate_peer import COMMAND, HOTPLATE, HotplatePeer, session, variables
from benchmarks.lsp_client import LspClient, result_of
from benchmarks.measure import FIRST_SETTLE, Say
from benchmarks.peers import RELOADERS
from benchmarks.prober import ask, free_port
from benchmarks.processes import pss
from benchmarks.projects import FIRST, Project
from benchmarks.report import markdown
from benchmarks.scenarios import SCENARIOS
from benchmarks.targets import Target

PLAIN_PEER = next(peer for peer in RELOADERS if peer.name == "flask-stat")


_TIMED = """\
import sys, time
from hotplate.cli import main
from hotplate.lsp.workspace import Workspace

saved = Workspace.saved

def timed(*args, **kwargs):
    began = time.perf_counter()
    saved(*args, **kwargs)
    print("handled in", time.perf_counter() - began, "s", file=sys.stderr, flush=True)

Workspace.saved = timed
sys.argv[1:] = ["lsp"]
main()
"""
"""The server, with a clock around what the handler of didSave calls."""


@dataclass
class Cost:
    """Times in seconds, memory in MiB."""

    initialize: list[float] = field(default_factory=list)
    handler: list[float] = field(default_factory=list)
    question: list[float] = field(default_factory=list)
    saved: list[float] = field(default_factory=list)
    memory: list[tuple[str, str, float]] = field(default_factory=list)
    """Scenario, process, PSS."""


def run(saves: int, scenarios: Sequence[str], say: Say) -> Cost:
    """Measure it all. Memory is told for the apps of some scenarios."""
    cost = Cost()
    place = environment(HOTPLATE.packages, say)
    with TemporaryDirectory(prefix="hotplate-bench-") as name:
        folder = Path(name).resolve()
        for _ in range(saves):
            cost.initialize.append(_start(folder, place))
        _saves(cost, saves, folder, place)
    say(f"cost: initialize answered after {milliseconds(median(cost.initialize))} ms")
    for scenario in scenarios:
        packages = (*HOTPLATE.packages, *SCENARIOS[scenario].packages)
        cost.memory += _memory(scenario, environment(packages, say))
        say(f"cost: memory with {scenario} taken")
    return cost


def _start(folder: Path, place: Environment) -> float:
    """From the server's spawn to `initialize` answered, in a folder without an app."""
    log = folder / "start.log"
    with log.open("wb") as output:
        client = LspClient(COMMAND, variables(place, log), output)
        try:
            answer = client.initialize(folder, {"autoStart": "never"})
        finally:
            client.close()
    return answer.at - client.spawned


def _saves(cost: Cost, saves: int, folder: Path, place: Environment) -> None:
    """How long the server is busy with a didSave that sets off a restart: in its handler, and as
    a client sees it, whose next request has to wait."""
    project = _project("hello", folder / "saves")
    log = folder / "saves.log"
    with session(place, project, free_port(), log, (sys.executable, "-c", _TIMED)) as client:
        generation = 0
        for version in range(FIRST + 1, FIRST + 1 + saves):
            generation = client.state("running", generation).params["generation"]
            began = time.monotonic()
            alone = client.request("workspace/executeCommand", {"command": "hotplate.state"})
            cost.question.append(alone.at - began)
            project.write(version)
            began = time.monotonic()
            saved = result_of(client.saved(project.saved), "a save")
            cost.saved.append(saved.at - began)
        client.state("running", generation)
    told = re.findall(r"^handled in (\S+) s$", log.read_text("utf-8"), re.MULTILINE)
    cost.handler = [float(each) for each in told]
    if len(told) != saves:
        raise RuntimeError(f"{saves} saves were made, and the handler told of {len(told)}.")


def _memory(scenario: str, place: Environment) -> list[tuple[str, str, float]]:
    """PSS of each process once things are quiet; of `flask run --debug` the sum."""
    found = []
    with TemporaryDirectory(prefix="hotplate-bench-") as name:
        folder = Path(name).resolve()
        for peer in (HOTPLATE, PLAIN_PEER):
            project = _project(scenario, folder / peer.name)
            port = free_port()
            with peer.serve(place, project, port, folder / f"{peer.name}.log", False) as running:
                ask(port)
                time.sleep(FIRST_SETTLE)
                pids = running.pids()
                if isinstance(running, HotplatePeer):
                    found += [(scenario, who, pss([pid])) for who, pid in pids.items()]
                else:
                    found.append((scenario, peer.title, pss(pids.values())))
    return found


def _project(scenario: str, folder: Path) -> Project:
    folder.mkdir()
    return SCENARIOS[scenario].make(folder)


def table(cost: Cost) -> list[str]:
    """Two tables: times and memory."""
    times = [
        ["from start to `initialize` answered", *_spread(cost.initialize)],
        ["in the handler of a didSave", *_spread(cost.handler)],
        ["a request answered", *_spread(cost.question)],
        ["the same behind a didSave", *_spread(cost.saved)],
    ]
    memory = [[f"{scenario}: {who}", f"{amount:.0f}"] for scenario, who, amount in cost.memory]
    return [
        "### The server's own cost",
        "",
        *markdown(["", "median, ms", "p95, ms"], times),
        "",
        *markdown(["", "PSS, MiB"], memory),
    ]


def _spread(values: Sequence[float]) -> list[str]:
    return [milliseconds(median(values)), milliseconds(percentile(values, 0.95))]


def targets(cost: Cost) -> list[Target]:
    """Half a second to the first answer, two milliseconds for a save."""
    return [
        Target("ms from start to `initialize` answered", median(cost.initialize) * 1000, 500),
        Target("ms in the handler of didSave", median(cost.handler) * 1000, 2),
    ]
