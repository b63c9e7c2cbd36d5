"""How the demo's story is printed: chapters, what went well and how long it took, the figures."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pygls import uris

from hotplate.cli.demo_editor import Editor, Off
from hotplate.cli.demo_shop import Edit, Shop
from hotplate.cli.picture import place, problem_picture
from hotplate.cli.terminal import (
    BAD,
    GOOD,
    Terminal,
    faint,
    green,
    mark,
    pad,
    red,
    strong,
    table,
)

TIMES_AT = 72
"""The column in which measured times end."""
LONGEST_CODE = 42


class Page:
    """Prints the story, and keeps its figures for the table at the end."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._chapter = 0
        self._figures: list[tuple[str, float]] = []
        self._began = time.perf_counter()

    def chapter(self, title: str) -> None:
        self._chapter += 1
        self._terminal.line()
        self._terminal.line(f"{faint(str(self._chapter))}  {strong(title)}")

    def good(
        self,
        text: str,
        since: float | None = None,
        figure: str | None = None,
        took: float | None = None,
    ) -> None:
        """Something is as it should be; the time it took, and what to call that in the table."""
        if since is not None:
            took = time.perf_counter() - since
        if took is None:
            self._terminal.line(f"   {mark(GOOD)} {text}")
            return
        shown = _milliseconds(took)
        done = pad(f"   {mark(GOOD)} {text}", TIMES_AT - len(shown) - 1)
        self._terminal.line(f"{done} {strong(shown)}")
        if figure is not None:
            self.figure(figure, took)

    def figure(self, what: str, seconds: float) -> None:
        """A line for the table at the end."""
        self._figures.append((what, seconds))

    def edit(self, edit: Edit, number: int) -> None:
        """What the person has typed."""
        self._terminal.line(f"     {faint(f'{edit.file}:{number}')}")
        self._terminal.line(red(f"     - {edit.before.strip()}"))
        self._terminal.line(green(f"     + {edit.after.strip()}"))

    def problem(self, path: Path, diagnostic: Mapping[str, Any]) -> None:
        """What the editor shows in a file."""
        where = f"{path.parent.name}/{path.name}:{place(diagnostic)}"
        self._terminal.line(f"       {strong(where)}: {red(diagnostic['message'])}")
        self._terminal.lines(f"       {line}" for line in problem_picture(path, diagnostic))

    def traceback(self, told: Mapping[str, Any], shop: Shop) -> None:
        """The frames, the person's own ones marked, the others counted."""
        self._terminal.line(faint("     its traceback, with the shop's own code marked:"))
        rows: list[list[str]] = []
        others = 0
        for frame in told["frames"]:
            if frame["inWorkspace"]:
                rows += _folded(others)
                others = 0
                where = shop.shown(Path(uris.to_fs_path(frame["uri"]) or frame["uri"]))
                line = frame["range"]["start"]["line"] + 1
                rows.append(
                    [f"▸ {where}:{line}", f"{frame['function']}()", faint(_cut(frame["code"]))]
                )
            else:
                others += 1
        self._terminal.lines(f"       {line}" for line in table(rows + _folded(others)))

    def off(self, off: Off, editor: Editor) -> None:
        """Something is not as it should be: what was expected, and what came."""
        self._terminal.line(f"   {mark(BAD)} {red('expected')} {off.expected}")
        self._terminal.line(f"     {red('but came')} {off.came}")
        for title, lines in (("the server said", editor.complaints), ("the app", editor.output)):
            if lines:
                self._terminal.line(f"     {title}:")
                self._terminal.lines(f"       {line}" for line in lines)

    def end(self, complete: bool) -> None:
        """The figures, and how it went."""
        self._terminal.line()
        self._terminal.line(strong("In short"))
        rows = [(what, f"{_milliseconds(seconds):>9}") for what, seconds in self._figures]
        self._terminal.lines(f"   {line}" for line in table(rows))
        self._terminal.line()
        total = f"{time.perf_counter() - self._began:.1f} s"
        if complete:
            self._terminal.line(f"{mark(GOOD)} All of it is as it should be, in {total}.")
        else:
            self._terminal.line(f"{mark(BAD)} Something is off; see above. It took {total}.")


def _cut(code: str) -> str:
    return code if len(code) <= LONGEST_CODE else f"{code[: LONGEST_CODE - 1]}…"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def _folded(others: int) -> list[list[str]]:
    """Frames of Flask and the like, in one line."""
    return [[faint(f"  … {others} of Flask and others")]] if others else []
