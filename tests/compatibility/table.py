"""The tables in `docs/compatibility.md`, made of the rows that the tests tell.

PYTHONPATH=server:tests .venv/bin/python -m compatibility.table   writes them into the page
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from compatibility.rows import GROUPS, ROWS, Row

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "compatibility.md"
BEGIN = "<!-- Made by tests/compatibility/table.py; a test compares. -->\n"
END = "<!-- End of what is made. -->\n"


def rows() -> list[Row]:
    """All rows, in the order of the groups and then of the files."""
    for file in sorted(HERE.glob("test_*.py")):
        importlib.import_module(f"compatibility.{file.stem}")
    return sorted(ROWS, key=lambda row: (GROUPS.index(row.group), row.test))


def made() -> str:
    """The tables as the page has them."""
    text = ""
    for group in GROUPS:
        of_group = [row for row in rows() if row.group == group]
        if of_group:
            head = [_line("", "With Hotplate", "The stock way"), "|---|---|---|"]
            lines = [*head, *map(_told, of_group)]
            text += f"\n## {group}\n\n" + "".join(f"{line}\n" for line in lines)
    return text + "\n"


def page(text: str) -> str:
    """The page with the tables of today."""
    pattern = f"({re.escape(BEGIN)}).*?({re.escape(END)})"
    changed, count = re.subn(pattern, lambda m: f"{m[1]}{made()}{m[2]}", text, flags=re.DOTALL)
    assert count == 1, f"no marks in {PAGE}"
    return changed


def _told(row: Row) -> str:
    test = f"[test](../tests/{row.test})"
    return _line(row.what, f"{row.hotplate or 'works'} ({test})", row.stock)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
