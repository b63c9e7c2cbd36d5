"""`python -m benchmarks`: measure, and print the tables."""

from __future__ import annotations

import json
import os
import platform
import random
import signal
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click

from benchmarks import cost, idle, report, runner, targets
from benchmarks.hotplate_peer import PEERS
from benchmarks.runner import Table
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
    saves = saves or (QUICK_SAVES if quick else SAVES)
    chosen = [PEERS[name] for name in (peers or PEERS)]
    rng = random.Random(seed)
    tables: dict[str, Table] = {}
    checked: list[targets.Target] = []
    raw: dict[str, Any] = {**_about(), "seed": seed, "saves": saves, "scenarios": []}
    print(f"{_headline(raw)} {saves} saves each, seed {seed}.\n", flush=True)
    for name in names:
        if name == "idle":
            seconds = QUICK_IDLE if quick else IDLE
            still = [PEERS[each] for each in idle.PEERS if not peers or each in peers]
            found = idle.run(still, seconds, _say)
            _print(idle.table(found, seconds))
            checked += idle.targets(found)
            raw["idle"] = [[each.peer.name, each.process, each.cpu] for each in found]
        elif name == "cost":
            costs = cost.run(saves, ("hello",) if quick else ("hello", "data"), _say)
            _print(cost.table(costs))
            checked += cost.targets(costs)
            raw["cost"] = vars(costs)
        else:
            tables[name] = runner.run(SCENARIOS[name], chosen, saves, rng, _say)
            _print(report.table(tables[name]))
            raw["scenarios"].append(report.as_json(tables[name]))
    checked = [*targets.evaluate(tables), *checked]
    rows = [row for table in tables.values() for row in table.rows]
    if verdict := targets.lines(checked):
        _print(["### Targets", "", *verdict])
    if rows:
        _print([f"Versions: {report.versions(rows)}."])
    raw["targets"] = [{**vars(each), "met": each.met} for each in checked if each.met is not None]
    if json_file is not None:
        json_file.write_text(json.dumps(raw, indent=1) + "\n", "utf-8")
    if any(row.problem for row in rows):
        sys.exit(1)


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
