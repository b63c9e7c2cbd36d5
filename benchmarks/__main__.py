"""`python -m benchmarks`: measure, and print the tables."""

from __future__ import annotations

import json
import os
import platform
import random
import signal
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click

from benchmarks import cost, idle, report, runner, targets
from benchmarks.hotplate_peer import PEERS
from benchmarks.peers import Peer
from benchmarks.runner import Row, Table
from benchmarks.scenarios import SCENARIOS
from hotplate import __version__

QUICK_SAVES, SAVES = 3, 20
QUICK_IDLE, IDLE = 5.0, 60.0
MEASURED_IN_PROC = ("idle", "cost")
HAS_PROC = Path("/proc/self/smaps_rollup").exists()


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--scenario",
    "scenarios",
    multiple=True,
    type=click.Choice([*SCENARIOS, *MEASURED_IN_PROC]),
    help="Only this; may be given several times.",
)
@click.option(
    "--peer",
    "peers",
    multiple=True,
    type=click.Choice(list(PEERS)),
    help="Only this; may be given several times.",
)
@click.option("--saves", type=click.IntRange(1), help=f"Saves of each peer (default: {SAVES}).")
@click.option("--quick", is_flag=True, help=f"{QUICK_SAVES} saves: to see whether it works.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random waits.")
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Every figure, into a file.",
)
def main(
    scenarios: tuple[str, ...],
    peers: tuple[str, ...],
    saves: int | None,
    quick: bool,
    seed: int,
    json_file: Path | None,
) -> None:
    """Hotplate beside its peers: from a save to the first answer of the new code.

    Tables go to standard output, what is being done to standard error. The exit code is 1 where a
    peer could not be measured; a target that is missed is told, and is no error.
    """
    _catch_signals()
    names = scenarios or (*SCENARIOS, *(MEASURED_IN_PROC if HAS_PROC else ()))
    if not HAS_PROC and set(names) & set(MEASURED_IN_PROC):
        raise click.UsageError("idle and cost read /proc, which is Linux's: leave them out here.")
    run = Run(
        chosen=[PEERS[name] for name in peers or PEERS],
        idle_peers=[PEERS[name] for name in peers or idle.PEERS],
        saves=saves or (QUICK_SAVES if quick else SAVES),
        quick=quick,
        rng=random.Random(seed),
    )
    about = _about()
    print(f"{_headline(about)} {run.saves} saves each, seed {seed}.\n", flush=True)
    for name in names:
        try:
            run.measure(name)
        except RuntimeError as error:
            run.problems.append(f"{name}: {error}")
            _say(run.problems[-1])
    run.conclude()
    if json_file is not None:
        found = {**about, "seed": seed, "saves": run.saves, **run.raw()}
        json_file.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    if run.problems or any(row.problem for row in run.rows):
        sys.exit(1)


@dataclass
class Run:
    """What is asked for, and what has been measured of it so far."""

    chosen: list[Peer]
    idle_peers: list[Peer]
    saves: int
    quick: bool
    rng: random.Random
    tables: dict[str, Table] = field(default_factory=dict)
    checked: list[targets.Target] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    """What could not be measured at all."""

    @property
    def rows(self) -> list[Row]:
        return [row for table in self.tables.values() for row in table.rows]

    def measure(self, name: str) -> None:
        """Measure one of the scenarios and print its table. Raises RuntimeError."""
        if name == "idle":
            self._idle()
        elif name == "cost":
            self._cost()
        else:
            table = runner.run(SCENARIOS[name], self.chosen, self.saves, self.rng, _say)
            self.tables[name] = table
            _print(report.table(table))

    def _idle(self) -> None:
        seconds = QUICK_IDLE if self.quick else IDLE
        found = idle.run(self.idle_peers, seconds, _say)
        _print(idle.table(found, seconds))
        self.checked += idle.targets(found)
        self.more["idle"] = [[each.peer.name, each.process, each.cpu] for each in found]

    def _cost(self) -> None:
        found = cost.run(self.saves, ("hello",) if self.quick else ("hello", "data"), _say)
        _print(cost.table(found))
        self.checked += cost.targets(found)
        self.more["cost"] = vars(found)

    def conclude(self) -> None:
        """Print the verdicts, and what was measured."""
        self.checked = [*targets.evaluate(self.tables), *self.checked]
        if verdict := targets.lines(self.checked):
            _print(["### Targets", "", *verdict])
        if self.rows:
            _print([f"Versions: {report.versions(self.rows)}."])

    def raw(self) -> dict[str, Any]:
        """Every figure, for machines."""
        return {
            "scenarios": [report.as_json(table) for table in self.tables.values()],
            **self.more,
            "targets": [each.as_json() for each in self.checked if each.met is not None],
        }


def _about() -> dict[str, Any]:
    return {
        "hotplate": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": os.cpu_count(),
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def _headline(about: dict[str, Any]) -> str:
    return (
        f"Hotplate {about['hotplate']}, Python {about['python']}, {about['system']}, "
        f"{about['cores']} cores, {about['when']}."
    )


def _print(lines: list[str]) -> None:
    print("\n".join([*lines, ""]), flush=True)


_BEGAN = time.monotonic()


def _say(text: str) -> None:
    minutes, seconds = divmod(int(time.monotonic() - _BEGAN), 60)
    print(f"{minutes:3}:{seconds:02}  {text}", file=sys.stderr, flush=True)


def _catch_signals() -> None:
    """End what was started, however we are ended; and let peers hear Ctrl-C.

    A shell starts what it puts in the background with Ctrl-C ignored. That is inherited, and
    watchfiles ends what it has started by just this signal.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), lambda number, frame: sys.exit(128 + number))


if __name__ == "__main__":
    main()
