"""Reports of exceptions as the editor is shown them."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol.types import DiagnosticSeverity

from hotplate.lsp.explain import Explained
from hotplate.lsp.places import START, Places
from hotplate.lsp.reports import MOST_RELATED, Reports, Spot
from hotplate_agent.messages import Cause, Frame, Report

ANCHOR = Spot("file:///anchor.py", START)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "shop"
    (folder / ".venv" / "lib").mkdir(parents=True)
    return folder


@pytest.fixture
def reports(shop: Path) -> Reports:
    return Reports(Places(), (shop,), lambda: ANCHOR)


def frame(path: Path | str, line: int = 1, function: str = "f") -> Frame:
    return Frame(str(path), line, function, "  code()")


def shown(reports: Reports, report: Report, related: bool = True) -> tuple[str, list[str]]:
    explained = Explained(report.type, report.message)
    spot, diagnostic = reports.diagnostic(report, explained, None, related)
    assert diagnostic.severity is DiagnosticSeverity.Error
    others = [
        f"{Path(each.location.uri).name}:{each.location.range.start.line} {each.message}"
        for each in diagnostic.related_information or []
    ]
    return f"{Path(spot.uri).name}:{spot.range.start.line}", others


def test_the_innermost_own_frame(reports: Reports, shop: Path) -> None:
    library = shop / ".venv" / "lib" / "site-packages" / "x.py"
    report = Report(
        "E", "m", "", [frame("/usr/lib/flask.py"), frame(shop / "a.py", 3), frame(library, 9)], []
    )
    assert shown(reports, report) == ("a.py:2", ["x.py:8 in f", "flask.py:0 in f"])


def test_no_own_frame(reports: Reports) -> None:
    report = Report("E", "m", "", [frame("/usr/lib/flask.py")], [])
    assert shown(reports, report) == ("anchor.py:0", ["flask.py:0 in f"])


def test_an_own_frame_in_a_cause(reports: Reports, shop: Path) -> None:
    cause = Cause("pkg.KeyError", "'x'", [frame(shop / "b.py", 7)], "cause")
    report = Report("E", "m", "", [frame("/usr/lib/x.py")], [cause])
    assert shown(reports, report) == (
        "b.py:6",
        ["x.py:0 in f", "b.py:6 caused by KeyError: 'x'"],
    )


@pytest.mark.parametrize(
    ("relation", "text"),
    [
        ("cause", "caused by KeyError: 'x'"),
        ("context", "raised while handling KeyError: 'x'"),
        ("group", "one of the group: KeyError: 'x'"),
        ("caught", "caught by the app before: KeyError: 'x'"),
    ],
)
def test_relations(relation: str, text: str, reports: Reports, shop: Path) -> None:
    cause = Cause("KeyError", "'x'", [frame(shop / "b.py", 7), frame(shop / "c.py", 8)], relation)
    report = Report("E", "m", "", [frame(shop / "a.py")], [cause])
    assert shown(reports, report)[1] == [f"c.py:7 {text}", "b.py:6 in f"]


def test_a_client_without_related_information(reports: Reports, shop: Path) -> None:
    report = Report("E", "m", "", [frame(shop / "a.py"), frame(shop / "b.py")], [])
    assert shown(reports, report, related=False) == ("b.py:0", [])


def test_a_deep_recursion_is_bounded(reports: Reports, shop: Path) -> None:
    frames = [frame(shop / "a.py", line) for line in range(1, 500)]
    assert len(shown(reports, Report("E", "m", "", frames, []))[1]) == MOST_RELATED


def test_what_is_no_file(reports: Reports, shop: Path) -> None:
    """Code from a string has no place in the editor, and must not look as if it had."""
    report = Report("E", "m", "", [frame(shop / "a.py"), frame("<string>", 2)], [])
    assert shown(reports, report) == ("a.py:0", [])
    told = reports.traceback("app", 1, "id", "request", report, Explained("E", "m"))
    assert [each.uri for each in told.frames][1] == "python:<string>"
    assert [each.in_workspace for each in told.frames] == [True, False]


def test_a_frame_without_source_marks_the_line(reports: Reports, shop: Path) -> None:
    (shop / "a.py").write_text("\n  two()\n")
    spot = reports.spot(Report("E", "m", "", [Frame(str(shop / "a.py"), 2, "")], []))
    assert (spot.range.start.character, spot.range.end.character) == (2, 7)


def test_traceback(reports: Reports, shop: Path) -> None:
    cause = Cause("pkg.KeyError", "'x'", [], "context")
    report = Report("pkg.E", "m", "the text", [frame(shop / "a.py", 2)], [cause])
    told = reports.traceback("app", 3, "id", "startup", report, Explained("E", "short"))
    assert (told.app, told.generation, told.id, told.when) == ("app", 3, "id", "startup")
    assert (told.type, told.message, told.text) == ("E", "short", "the text")
    assert told.frames[0].code == "code()"
    assert told.causes is not None
    assert (told.causes[0].type, told.causes[0].relation) == ("KeyError", "context")
