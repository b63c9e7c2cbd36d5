"""What Hotplate has set itself, and whether a run has shown it. Ratios of one run, mostly."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.figures import median, ratio
from benchmarks.hotplate_peer import HOTPLATE
from benchmarks.report import markdown
from benchmarks.runner import Row, Table

Tables = Mapping[str, Table]


@dataclass(frozen=True)
class Target:
    """One line of it. `measured` is NaN where the run has not tried."""

    text: str
    measured: float
    limit: float
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        """None where it was not measured."""
        if math.isnan(self.measured):
            return None
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    def as_json(self) -> dict[str, object]:
        """For machines, which know no infinity."""
        finite = self.measured if math.isfinite(self.measured) else None
        return {"target": self.text, "limit": self.limit, "measured": finite, "met": self.met}


def evaluate(tables: Tables) -> list[Target]:
    """Every target that can be told from the tables of saves."""
    ours = _median(tables, "hello", HOTPLATE.name)
    data = _median(tables, "data", HOTPLATE.name)
    modules = _median(tables, "modules", HOTPLATE.name)
    bare = median(tables["modules"].bare_imports) if "modules" in tables else math.nan

    def faster(name: str) -> float:
        return ratio(_median(tables, "hello", name), ours)

    restarting = ratio(_fastest(tables), ours)
    rapid = ratio(_median(tables, "rapid", HOTPLATE.name), data)
    return [
        Target("times faster than `flask run --debug`", faster("flask-stat"), 25, at_least=True),
        Target("times faster than the fastest that restarts", restarting, 5, at_least=True),
        Target("times faster than jurigged", faster("jurigged"), 3, at_least=True),
        Target("with pandas and SQLAlchemy, to hello", ratio(data, ours), 1.3),
        Target("500 own modules, to their import and hello", ratio(modules, bare + ours), 1.15),
        Target("rapid saves, to single ones", rapid, 2),
        Target("requests refused", _sum(tables, "refused"), 0),
        Target("requests cut", _sum(tables, "cut"), 0),
        Target("answers stale", _sum(tables, "stale"), 0),
        Target("streams cut", _cut_streams(tables), 0),
    ]


def lines(targets: list[Target]) -> list[str]:
    """The table of targets; what was not measured is left out."""
    verdicts = {True: "met", False: "**missed**"}
    rows = [
        [
            target.text,
            f"{'≥' if target.at_least else '≤'} {amount(float(target.limit))}",
            amount(float(target.measured)),
            verdicts[target.met],
        ]
        for target in targets
        if target.met is not None
    ]
    return markdown(["Hotplate", "target", "measured", ""], rows) if rows else []


def amount(value: float) -> str:
    """A ratio, a count or a time, exact enough to tell which side of its limit it is on."""
    return f"{value:.0f}" if value.is_integer() or value >= 1000 else f"{value:.4g}"


def _median(tables: Tables, scenario: str, peer: str) -> float:
    row = _row(tables, scenario, peer)
    return median(row.seconds) if row is not None else math.nan


def _row(tables: Tables, scenario: str, peer: str) -> Row | None:
    rows = tables[scenario].rows if scenario in tables else []
    return next((row for row in rows if row.peer.name == peer), None)


def _fastest(tables: Tables) -> float:
    """Of those that load the app anew. NaN where none was measured."""
    rows = tables["hello"].rows if "hello" in tables else []
    medians = [
        median(row.seconds) for row in rows if row.peer is not HOTPLATE and row.peer.restarts
    ]
    return min((each for each in medians if math.isfinite(each)), default=math.nan)


def _cut_streams(tables: Tables) -> float:
    row = _row(tables, "streaming", HOTPLATE.name)
    return float(row.cut_streams) if row is not None and row.streams else math.nan


def _sum(tables: Tables, name: str) -> float:
    rows = [_row(tables, scenario, HOTPLATE.name) for scenario in tables]
    counted = [row.total(name) for row in rows if row is not None and row.outcomes]
    return float(sum(counted)) if counted else math.nan
