"""Broken projects for tests: the place where the problem is to stand is marked in the source."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

OPEN, CLOSE = "«", "»"
EXACT = sys.version_info >= (3, 11)
"""Whether the interpreter of the tests knows the exact expression of a frame."""

WORKING = """\
from flask import Flask

app = Flask(__name__)


@app.route("/")
def index():
    return "mended"
"""


class Marked(NamedTuple):
    """A source, and the range that was marked in it: LSP's, in UTF-16."""

    text: str
    range: dict[str, Any] | None


def marked(source: str, exact: bool = True) -> Marked:
    """The source without its marks. `exact=False`: the marked line's code, from 3.10's view."""
    text = source.replace(OPEN, "").replace(CLOSE, "")
    if OPEN not in source:
        return Marked(text, None)
    before, _, rest = source.partition(OPEN)
    inside, _, _ = rest.partition(CLOSE)
    start, end = _position(before), _position(before + inside)
    if not exact:
        line = text.split("\n")[start["line"]]
        lead = line[: len(line) - len(line.lstrip())]
        start = {"line": start["line"], "character": _units(lead)}
        end = {"line": start["line"], "character": _units(line.rstrip())}
    return Marked(text, {"start": start, "end": end})


def _position(text: str) -> dict[str, int]:
    lines = text.split("\n")
    return {"line": len(lines) - 1, "character": _units(lines[-1])}


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def cut(path: Path, range_: dict[str, Any]) -> str:
    """What stands in a range of a file, for one line."""
    line = path.read_text(encoding="utf-8").split("\n")[range_["start"]["line"]]
    units = line.encode("utf-16-le")
    start, end = range_["start"]["character"], range_["end"]["character"]
    return units[start * 2 : end * 2].decode("utf-16-le")
