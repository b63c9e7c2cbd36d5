"""The squiggle stands under the very expression, whatever stands before it."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from hotplate.cli.picture import place, problem_picture


def picture(tmp_path: Path, source: str, *at: int) -> list[str]:
    file = tmp_path / "app.py"
    file.write_text(source, encoding="utf-8")
    line, start, end_line, end = at
    diagnostic = {
        "range": {
            "start": {"line": line, "character": start},
            "end": {"line": end_line, "character": end},
        }
    }
    return [click.unstyle(text) for text in problem_picture(file, diagnostic)]


@pytest.mark.parametrize(
    ("source", "at", "shown"),
    [
        ("x = 1\ny = 2 + z\n", (1, 8, 1, 9), ["1 │ x = 1", "2 │ y = 2 + z", "  │         ^"]),
        ("y = z\n", (0, 4, 0, 5), ["1 │ y = z", "  │     ^"]),
        # Two UTF-16 units and two columns; then one unit and two columns; then a tab.
        ("s = '🔥' + z\n", (0, 11, 0, 12), ["1 │ s = '🔥' + z", "  │ " + " " * 11 + "^"]),
        ("s = '日' + z\n", (0, 10, 0, 11), ["1 │ s = '日' + z", "  │ " + " " * 11 + "^"]),
        ("\tx = z\n", (0, 5, 0, 6), ["1 │ \tx = z", "  │ \t    ^"]),
        ("f(\n  a)\n", (0, 0, 1, 4), ["1 │ f(", "  │ ^^"]),  # over several lines: its first
        ("x", (7, 0, 7, 0), ["1 │ x", "  │ ^"]),  # the file has changed since
    ],
)  # fmt: skip
def test_pictures(tmp_path: Path, source: str, at: tuple[int, ...], shown: list[str]) -> None:
    assert picture(tmp_path, source, *at) == shown


def test_a_place_is_counted_from_1() -> None:
    assert place({"range": {"start": {"line": 22, "character": 26}}}) == "23:27"
