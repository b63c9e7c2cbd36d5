"""Which Flask goes with which Werkzeug: what imports and answers, whatever the two declare."""

from __future__ import annotations

import re
from typing import NamedTuple

Version = tuple[int, ...]


class _Era(NamedTuple):
    """Flasks below `before`, and the Werkzeugs that they work with: from `least`, below `most`."""

    before: Version
    least: Version
    most: Version


# Tried one by one. What breaks them: `BaseResponse` (gone in 2.1), `ContextVar` (came in 2.0),
# `unbound_message` (came in 2.2), `url_quote` (gone in 3.0).
_ERAS = (
    _Era((2, 0), (0, 15), (2, 1)),
    _Era((2, 2), (2, 0), (3, 0)),
    _Era((2, 2, 4), (2, 2), (3, 0)),
    _Era((99,), (2, 2), (99,)),
)


def go_together(flask: str, werkzeug: str) -> bool:
    """Whether an app with this pair can start."""
    mine, theirs = _version(flask), _version(werkzeug)
    era = next((era for era in _ERAS if mine < era.before), _ERAS[-1])
    return era.least <= theirs < era.most


def _version(text: str) -> Version:
    return tuple(int(number) for number in re.findall(r"\d+", text.partition("+")[0])[:3])
