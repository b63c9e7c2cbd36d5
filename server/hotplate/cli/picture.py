"""A problem as an editor shows it: the line, and a squiggle under the exact expression."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hotplate.cli.terminal import faint, red


def problem_picture(file: Path, diagnostic: Mapping[str, Any], before: int = 1) -> list[str]:
    """The diagnostic's line with `before` lines above it, as a compiler would print it."""
    source = file.read_text("utf-8", "replace").split("\n")
    start, end = diagnostic["range"]["start"], diagnostic["range"]["end"]
    number = min(start["line"], len(source) - 1)
    gutter = len(str(number + 1))
    shown = [
        f"{faint(f'{line + 1:>{gutter}} │')} {source[line]}"
        for line in range(max(number - before, 0), number + 1)
    ]
    line = source[number]
    last = _code_points(line, end["character"]) if end["line"] == number else len(line)
    first = _code_points(line, start["character"])
    squiggle = red("^" * max(_columns(line[first:last]), 1))
    return [*shown, f"{faint(f'{chr(32) * gutter} │')} {_blank(line[:first])}{squiggle}"]


def place(diagnostic: Mapping[str, Any]) -> str:
    """`line:column`, counted from 1 as editors show it."""
    start = diagnostic["range"]["start"]
    return f"{start['line'] + 1}:{start['character'] + 1}"


def _code_points(line: str, units: int) -> int:
    """LSP counts in UTF-16."""
    return len(line.encode("utf-16-le", "replace")[: units * 2].decode("utf-16-le", "ignore"))


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _blank(text: str) -> str:
    """As wide as the text, tabs included."""
    return "".join(char if char == "\t" else " " * _columns(char) for char in text)
