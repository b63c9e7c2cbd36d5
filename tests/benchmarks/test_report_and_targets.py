"""Tables and verdicts, made of outcomes that are put together here."""

from __future__ import annotations

import math

from benchmarks import report, targets
from benchmarks.analysis import Outcome
from benchmarks.hotplate_peer import PEERS
from benchmarks.runner import Row, Table
from benchmarks.scenarios import SCENARIOS


def row(peer: str, *milliseconds: float, **counts: int) -> Row:
    """A peer's row; the counts are those of its first save."""
    nothing = Outcome(0.0, 0, 0, 0, 0, False)
    outcomes = [nothing._replace(seconds=each / 1000) for each in milliseconds]
    if outcomes:
        outcomes[0] = outcomes[0]._replace(**counts)
    return Row(PEERS[peer], outcomes)


def table(scenario: str, *rows: Row, bare: tuple[float, ...] = ()) -> Table:
    return Table(SCENARIOS[scenario], list(rows), [each / 1000 for each in bare])


def cells(lines: list[str]) -> list[list[str]]:
    """A printed table's cells, its rule left out."""
    found = [line for line in lines if line.startswith("|")]
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in (found[0], *found[2:])]


def verdicts(*tables: Table) -> dict[str, bool | None]:
    checked = targets.evaluate({each.scenario.name: each for each in tables})
    return {target.text: target.met for target in checked}


# ---------------------------------------------------------------- tables


def test_a_table_has_a_line_for_each_peer_with_its_ratio_to_hotplate() -> None:
    lines = report.table(
        table(
            "hello",
            row("hotplate", 20, 22, 30),
            row("flask-stat", 500, 600, 1200, stale=2, refused=3, cut=4),
        )
    )
    assert lines[0] == "### One file, saved in place"
    assert cells(lines) == [
        ["", "median, ms", "p95, ms", "to Hotplate", "refused", "cut", "stale"],
        ["**Hotplate**", "22", "30", "1.00", "0", "0", "0"],
        ["`flask run --debug`, stat", "600", "1200", "27", "3", "4", "2"],
    ]
    assert len({len(line) for line in lines if line.startswith("|")}) == 1


def test_without_hotplate_there_are_no_ratios() -> None:
    lines = report.table(table("hello", row("jurigged", 70, 80)))
    assert cells(lines)[1][1:4] == ["75", "80", report.times(math.nan)]


def test_what_never_came_is_told() -> None:
    given_up = row("flask-watchdog", math.inf)
    given_up.given_up = 2
    some = row("hupper", 1000, math.inf, 1000)
    lines = report.table(table("hello", row("hotplate", 20), given_up, some))
    text = "\n".join(lines)
    assert cells(lines)[2][1:4] == ["never", "never", "∞"]
    assert "given up, as 2 saves in a row were never answered" in text
    assert "never answered were 1 of 3 saves" in text


def test_who_did_not_come_up_is_told_and_has_no_line() -> None:
    broken = row("uvicorn")
    broken.problem = "['uvicorn'] has ended.\nTraceback …\nImportError: no h11"
    lines = report.table(table("hello", row("hotplate", 20), broken))
    assert len(cells(lines)) == 2
    assert "did not come up: ['uvicorn'] has ended. ImportError: no h11" in "\n".join(lines)


def test_bursts_streams_and_imports_have_their_figures() -> None:
    burst = row("hotplate", 20, 20, 20, math.inf, overtaken=True)
    assert cells(report.table(table("rapid", burst)))[0][-1] == "in time for the next"
    assert cells(report.table(table("rapid", burst)))[1][-1] == "2 of 4"
    streaming = row("hotplate", 20)
    streaming.streams, streaming.cut_streams = 5, 1
    assert cells(report.table(table("streaming", streaming)))[1][-1] == "4 of 5"
    lines = report.table(table("modules", row("hotplate", 60), bare=(30, 40, 50)))
    assert "- A bare import of the same modules: 40 ms." in lines


def test_versions_are_told_once() -> None:
    rows = [row("hotplate", 1), row("jurigged", 1), row("jurigged", 1)]
    for each, watchdog in zip(rows, ("6.0", "6.0", "7.1"), strict=True):
        each.versions = {"flask": "3.1", "watchdog": watchdog, "jurigged": "0.6", "click": "8"}
    assert report.versions(rows) == "flask 3.1, jurigged 0.6, watchdog 6.0 and 7.1"


def test_json_has_every_figure_and_no_infinity() -> None:
    found = report.as_json(table("hello", row("hotplate", 20, math.inf, refused=1)))
    peers = found["peers"]
    assert isinstance(peers, dict)
    saves = peers["hotplate"]["saves"]
    assert [each["seconds"] for each in saves] == [0.02, None]
    assert [each["refused"] for each in saves] == [1, 0]


# ---------------------------------------------------------------- targets

GOOD = (
    table(
        "hello",
        row("hotplate", 20),
        row("flask-stat", 500),
        row("gunicorn-inotify", 100),
        row("flask-watchdog", math.inf),
        row("jurigged", 60),
    ),
    table("data", row("hotplate", 25.9)),
    table("modules", row("hotplate", 68.9), bare=(40,)),
    table("rapid", row("hotplate", 51.7)),
)


def test_at_its_limit_a_target_is_met() -> None:
    met = verdicts(*GOOD)
    assert met.pop("streams cut") is None
    assert set(met.values()) == {True}
    assert len(met) == 9


def test_beyond_its_limit_a_target_is_missed() -> None:
    worse = (
        table(
            "hello",
            row("hotplate", 20, refused=1, cut=1, stale=1),
            row("flask-stat", 499),
            row("gunicorn-inotify", 99),
            row("jurigged", 59),
        ),
        table("data", row("hotplate", 26.1)),
        table("modules", row("hotplate", 69.1), bare=(40,)),
        table("rapid", row("hotplate", 52.3)),
    )
    met = verdicts(*worse)
    assert met.pop("streams cut") is None
    assert set(met.values()) == {False}


def test_the_fastest_that_restarts_is_not_jurigged_and_not_hotplate() -> None:
    (found,) = (t for t in targets.evaluate({"hello": GOOD[0]}) if "fastest" in t.text)
    assert found.measured == 5.0


def test_what_was_not_measured_is_not_judged() -> None:
    met = verdicts(table("hello", row("hotplate", 20), row("hupper", 1000)))
    judged = {text for text, verdict in met.items() if verdict is not None}
    assert judged == {
        "times faster than the fastest that restarts",
        "requests refused",
        "requests cut",
        "answers stale",
    }
    assert verdicts(table("hello", row("hotplate"))) == dict.fromkeys(met)


def test_a_stream_that_was_cut_is_a_missed_target() -> None:
    streaming = row("hotplate", 20)
    streaming.streams, streaming.cut_streams = 5, 1
    assert verdicts(table("streaming", streaming))["streams cut"] is False


def test_the_verdicts_are_printed() -> None:
    checked = [
        targets.Target("times faster", 31.4, 25, at_least=True),
        targets.Target("to hello", 1.3049, 1.3),
        targets.Target("refused", 0.0, 0),
        targets.Target("unanswered", math.inf, 1500.5),
        targets.Target("unknown", math.nan, 1),
    ]
    assert cells(targets.lines(checked))[1:] == [
        ["times faster", "≥ 25", "31.4", "met"],
        ["to hello", "≤ 1.3", "1.305", "**missed**"],
        ["refused", "≤ 0", "0", "met"],
        ["unanswered", "≤ 1500", "inf", "**missed**"],
    ]
    assert targets.lines([checked[-1]]) == []
