"""Tables in the documentation, as a reader of Markdown sees them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def sections(page: str) -> dict[str, str]:
    """The text under each heading of a page of `docs/`, up to the next heading of any level."""
    parts = re.split(r"^#+ +(.+?) *$", (DOCS / page).read_text("utf-8"), flags=re.MULTILINE)
    return {plain(title): text for title, text in zip(parts[1::2], parts[2::2], strict=True)}


def table(text: str) -> list[dict[str, str]]:
    """The first table of a section, a row by its column names."""
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith("|")]
    head, _rule, *rows = [_cells(line) for line in lines]
    return [dict(zip(head, row, strict=True)) for row in rows]


def plain(cell: str) -> str:
    """A cell without the backticks around code."""
    return cell.replace("`", "")


def code(cell: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
