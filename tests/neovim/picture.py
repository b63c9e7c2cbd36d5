"""A terminal's screen as a picture (SVG), for the documentation."""

from __future__ import annotations

import re
from typing import NamedTuple
from xml.sax.saxutils import escape

WIDTH, HEIGHT, BASELINE = 8.4, 18, 13
FOREGROUND, BACKGROUND = "#e0e2ea", "#14161b"
_SEQUENCE = re.compile(r"\x1b\[([\d;:]*)m|\x1b[()].")
_BASIC = [
    "#000000", "#cd3131", "#0dbc79", "#e5e510", "#2472c8", "#bc3fbc", "#11a8cd", "#e5e5e5",
    "#666666", "#f14c4c", "#23d18b", "#f5f543", "#3b8eea", "#d670d6", "#29b8db", "#ffffff",
]  # fmt: skip


class Style(NamedTuple):
    """How some cells look."""

    foreground: str | None = None
    background: str | None = None
    bold: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False

    @property
    def colours(self) -> tuple[str, str]:
        front, back = self.foreground or FOREGROUND, self.background or BACKGROUND
        return (back, front) if self.reverse else (front, back)


class Run(NamedTuple):
    """Cells of one look that stand side by side."""

    column: int
    text: str
    style: Style


def runs(line: str, style: Style) -> tuple[list[Run], Style]:
    """The runs of a line of `capture-pane -e`, and the style that the next line begins with."""
    found: list[Run] = []
    column = at = 0
    for match in [*_SEQUENCE.finditer(line), None]:
        text = line[at : match.start() if match else len(line)]
        if text:
            found.append(Run(column, text, style))
            column += len(text)
        if match:
            at = match.end()
            style = _apply(style, match[1]) if match[1] is not None else style
    return found, style


def svg(screen: str, columns: int) -> str:
    """The picture of a screen."""
    lines = screen.rstrip("\n").split("\n")
    width, height = columns * WIDTH + 16, len(lines) * HEIGHT + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" '
        f'viewBox="0 0 {width:.0f} {height}" font-size="14" xml:space="preserve" '
        "font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\">",
        f'<rect width="100%" height="100%" rx="6" fill="{BACKGROUND}"/>',
    ]
    style = Style()
    for row, line in enumerate(lines):
        of_line, style = runs(line, style)
        for run in of_line:
            parts += _draw(run, row)
    return "\n".join([*parts, "</svg>", ""])


def _draw(run: Run, row: int) -> list[str]:
    front, back = run.style.colours
    left, top = 8 + run.column * WIDTH, 8 + row * HEIGHT
    width = len(run.text) * WIDTH
    parts = []
    if back != BACKGROUND:
        box = f'x="{left:.1f}" y="{top}" width="{width:.1f}" height="{HEIGHT}"'
        parts.append(f'<rect {box} fill="{back}"/>')
    if run.style.underline:
        line = f'x="{left:.1f}" y="{top + 15}" width="{width:.1f}" height="1.5"'
        parts.append(f'<rect {line} fill="{front}"/>')
    if run.text.strip():
        looks = f' fill="{front}"'
        looks += ' font-weight="bold"' if run.style.bold else ""
        looks += ' font-style="italic"' if run.style.italic else ""
        place = f'x="{left:.1f}" y="{top + BASELINE}" textLength="{width:.1f}"'
        parts.append(f"<text {place}{looks}>{escape(run.text)}</text>")
    return parts


def _apply(style: Style, parameters: str) -> Style:
    codes = [int(code or 0) for code in re.split("[;:]", parameters.replace("::", ":"))]
    while codes:
        code = codes.pop(0)
        if code == 0:
            style = Style()
        elif code in (1, 22):
            style = style._replace(bold=code == 1)
        elif code in (3, 23):
            style = style._replace(italic=code == 3)
        elif code in (4, 24):
            style = style._replace(underline=code == 4)
        elif code in (7, 27):
            style = style._replace(reverse=code == 7)
        elif code in (38, 48):
            colour, codes = _extended(codes)
            style = _with_colour(style, code == 38, colour)
        elif code in (39, 49):
            style = _with_colour(style, code == 39, None)
        elif 30 <= code <= 37 or 40 <= code <= 47:
            style = _with_colour(style, code < 40, _BASIC[code % 10])
        elif 90 <= code <= 97 or 100 <= code <= 107:
            style = _with_colour(style, code < 100, _BASIC[code % 10 + 8])
    return style


def _with_colour(style: Style, front: bool, colour: str | None) -> Style:
    return style._replace(foreground=colour) if front else style._replace(background=colour)


def _extended(codes: list[int]) -> tuple[str, list[int]]:
    if codes[0] == 2:
        red, green, blue = codes[1:4]
        return f"#{red:02x}{green:02x}{blue:02x}", codes[4:]
    number = codes[1]
    if number < 16:
        return _BASIC[number], codes[2:]
    if number >= 232:
        return f"#{8 + (number - 232) * 10:02x}" * 3, codes[2:]
    levels = (0, 95, 135, 175, 215, 255)
    cube = number - 16
    parts = (levels[cube // 36], levels[cube // 6 % 6], levels[cube % 6])
    return "#{:02x}{:02x}{:02x}".format(*parts), codes[2:]
