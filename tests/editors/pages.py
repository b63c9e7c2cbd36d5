"""The configuration that a person copies: the code blocks of `docs/editors`."""

from __future__ import annotations

import re
from pathlib import Path

PAGES = Path(__file__).resolve().parents[2] / "docs" / "editors"
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)


def blocks(page: str, heading: str, language: str) -> list[str]:
    """The blocks of a language under a heading of a page, in their order."""
    text = _section((PAGES / page).read_text("utf-8"), heading)
    return [body for marked, body in _FENCE.findall(text) if marked == language]


def _section(text: str, heading: str) -> str:
    plain = _FENCE.sub(lambda block: "\n" * 0 + " " * len(block[0]), text)
    starts = [(match[1], match.start()) for match in _HEADING.finditer(plain)]
    for (name, start), (_, end) in zip(starts, [*starts[1:], ("", len(text))], strict=True):
        if name == heading:
            return text[start:end]
    raise LookupError(f"no heading {heading!r}")
