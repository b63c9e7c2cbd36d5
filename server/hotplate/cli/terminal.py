"""Words for the person's terminal: colours, marks and columns, or plain text where it has none."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence

import click

GOOD, BAD, CARE, NONE = "✓", "✗", "!", "·"
"""What a line is marked with: as it should be, in the way, worth a look, nothing to say."""

_STYLES = {GOOD: "green", BAD: "red", CARE: "yellow", NONE: "bright_black"}
_ASCII = str.maketrans(
    {
        "✓": "+", "✗": "x", "·": "-", "→": "->", "│": "|", "─": "-", "…": "...", "▸": ">",
        "“": '"', "”": '"',
    }
)  # fmt: skip


class Terminal:
    """Standard output. Everything may be said in Unicode; what it can't show is replaced."""

    def __init__(self) -> None:
        stream = sys.stdout
        encoding = getattr(stream, "encoding", None) or "ascii"
        self._plain = not _can_show(encoding)
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a file's own text may hold anything
        # None: click looks whether it is a terminal at all.
        silent = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        self._color = False if silent else None

    def line(self, text: str = "") -> None:
        """Print a line."""
        click.echo(text.translate(_ASCII) if self._plain else text, color=self._color)

    def lines(self, texts: Iterable[str]) -> None:
        """Print several."""
        for text in texts:
            self.line(text)


def mark(which: str) -> str:
    """One of the marks, in its colour."""
    return click.style(which, fg=_STYLES[which], bold=which != NONE)


def strong(text: str) -> str:
    return click.style(text, bold=True)


def faint(text: str) -> str:
    return click.style(text, dim=True) if text else ""


def red(text: str) -> str:
    return click.style(text, fg="red")


def green(text: str) -> str:
    return click.style(text, fg="green")


def width(text: str) -> int:
    """How many columns a text takes, its colours left out."""
    return len(click.unstyle(text))


def pad(text: str, columns: int) -> str:
    """The text, followed by spaces up to a column."""
    return text + " " * max(columns - width(text), 0)


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows with their columns aligned to the left, two spaces between them."""
    columns = max((len(row) for row in rows), default=0)
    widths = [max(width(row[i]) for row in rows if i < len(row)) for i in range(columns)]
    return ["  ".join(map(pad, row, widths)).rstrip() for row in rows]


def _can_show(encoding: str) -> bool:
    try:
        "✓✗·→│─…▸“”".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
