"""Who has put which problem where, and what is published."""

from __future__ import annotations

import pytest
from lsprotocol.types import Diagnostic, Position, Range

from hotplate.lsp.diagnostics import Problems

A, B = "file:///a.py", "file:///b.py"


def problem(message: str) -> Diagnostic:
    return Diagnostic(Range(Position(0, 0), Position(0, 1)), message)


class Editor:
    """What an editor has been told, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, list[str]]] = []
        self.problems = Problems(self.publish)

    def publish(self, uri: str, diagnostics: list[Diagnostic]) -> None:
        self.told.append((uri, [each.message for each in diagnostics]))


@pytest.fixture
def editor() -> Editor:
    return Editor()


def test_put_and_clear(editor: Editor) -> None:
    editor.problems.put("start", {A: [problem("one")]})
    editor.problems.clear("start")
    assert editor.told == [(A, ["one"]), (A, [])]


def test_what_stays_is_not_published_again(editor: Editor) -> None:
    editor.problems.put("start", {A: [problem("one")]})
    editor.problems.put("start", {A: [problem("one")]})
    editor.problems.clear("nobody")
    assert len(editor.told) == 1


def test_a_problem_that_moves_is_shown_before_the_old_one_goes_or_after(editor: Editor) -> None:
    editor.problems.put("start", {A: [problem("one")]})
    editor.problems.put("start", {B: [problem("two")]})
    assert sorted(editor.told[1:]) == [(A, []), (B, ["two"])]


def test_owners_share_a_file(editor: Editor) -> None:
    editor.problems.put("view index", {A: [problem("one")]})
    editor.problems.put("view share", {A: [problem("two")]})
    editor.problems.clear("view index")
    assert editor.told == [(A, ["one"]), (A, ["one", "two"]), (A, ["two"])]


def test_a_problem_in_other_words_replaces_without_a_gap(editor: Editor) -> None:
    editor.problems.put("start", {A: [problem("one")]})
    editor.problems.put("start", {A: [problem("two")]})
    assert editor.told == [(A, ["one"]), (A, ["two"])]


def test_owners_by_prefix_and_file(editor: Editor) -> None:
    editor.problems.put("x:request a", {A: [problem("one")]})
    editor.problems.put("x:request b", {B: [problem("two")]})
    editor.problems.put("y:request a", {A: [problem("three")]})
    assert editor.problems.owners("x:") == ["x:request a", "x:request b"]
    assert editor.problems.owners_in(A, "x:") == ["x:request a"]


def test_what_touches_a_range(editor: Editor) -> None:
    first, second = problem("first"), problem("second")
    second.range = Range(Position(2, 4), Position(2, 9))
    editor.problems.put("start", {A: [first]})
    editor.problems.put("view", {A: [second]})

    def at(line: int, start: int, end: int) -> list[Diagnostic]:
        return editor.problems.at(A, Range(Position(line, start), Position(line, end)))

    assert at(0, 0, 0) == [first]
    assert at(2, 9, 9) == [second]
    assert at(2, 0, 3) == []
    assert editor.problems.at(A, Range(Position(0, 0), Position(9, 0))) == [first, second]
    assert editor.problems.at(B, Range(Position(0, 0), Position(9, 0))) == []
