"""The tables, as Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from benchmarks.figures import median, milliseconds, percentile, ratio, times
from benchmarks.hotplate_peer import HOTPLATE
from benchmarks.runner import Row, Table
from benchmarks.scenarios import Scenario


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table whose columns but the first are figures, aligned to the right where they are."""
    cells = [list(head), *(list(row) for row in rows)]
    widths = [max(max(len(row[i]) for row in cells), 3) for i in range(len(head))]
    aligned = [[row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in cells]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return [f"| {' | '.join(row)} |" for row in (aligned[0], rule, *aligned[1:])]


def table(result: Table) -> list[str]:
    """A scenario's table, and below it what no column holds."""
    hotplate = next((row for row in result.rows if row.peer is HOTPLATE), None)
    base = median(hotplate.seconds) if hotplate else math.nan
    head = ["", "median, ms", "p95, ms", "to Hotplate", "refused", "cut", "stale"]
    more = _columns(result.scenario)
    rows = [
        [*_cells(row, base), *(told(row) for told in more.values())]
        for row in result.rows
        if not row.problem
    ]
    lines = [f"### {result.scenario.title}", "", *markdown([*head, *more], rows)]
    notes = [note for row in result.rows for note in _notes(row)]
    if result.bare_imports:
        text = milliseconds(median(result.bare_imports))
        notes.append(f"A bare import of the same modules: {text} ms.")
    if notes:
        lines += ["", *(f"- {note}" for note in notes)]
    return lines


def _cells(row: Row, base: float) -> list[str]:
    middle = median(row.seconds)
    return [
        row.peer.title,
        milliseconds(middle),
        milliseconds(percentile(row.seconds, 0.95)),
        times(ratio(middle, base)),
        *(str(row.total(name)) for name in ("refused", "cut", "stale")),
    ]


def _columns(scenario: Scenario) -> dict[str, Callable[[Row], str]]:
    """What is told of this scenario alone."""
    if scenario.burst > 1:
        return {"in time for the next": lambda row: f"{row.in_time} of {len(row.outcomes)}"}
    if scenario.streams:
        return {"streams whole": lambda row: f"{row.streams - row.cut_streams} of {row.streams}"}
    return {}


def _notes(row: Row) -> Iterable[str]:
    name, count = row.peer.title, len(row.outcomes)
    if row.problem:
        said = row.problem.splitlines()
        yield f"{name} did not come up: {said[0]} {said[-1] if len(said) > 1 else ''}".strip()
        return
    if row.given_up:
        yield f"{name}: given up, as {row.given_up} saves in a row were never answered."
    elif row.never:
        yield f"{name}: never answered were {row.never} of {count} saves."


def versions(rows: Iterable[Row]) -> str:
    """Which releases were measured: of Flask and Werkzeug, and what each peer brings."""
    found: dict[str, set[str]] = {}
    for row in rows:
        for name in ("flask", "werkzeug", *row.peer.tells):
            if version := row.versions.get(name):
                found.setdefault(name, set()).add(version)
    return ", ".join(f"{name} {' and '.join(sorted(each))}" for name, each in found.items())


def as_json(result: Table) -> Mapping[str, object]:
    """A scenario with every single figure."""
    return {
        "scenario": result.scenario.name,
        "bareImports": result.bare_imports,
        "peers": {
            row.peer.name: {
                "problem": row.problem or None,
                "givenUp": row.given_up,
                "streams": row.streams,
                "cutStreams": row.cut_streams,
                "saves": [
                    {**each._asdict(), "seconds": each.seconds if each.seconds < math.inf else None}
                    for each in row.outcomes
                ],
                "versions": row.versions,
            }
            for row in result.rows
        },
    }
