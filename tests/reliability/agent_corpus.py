"""One good message of each class, as it stands on the wire. Standard library only."""

from __future__ import annotations

from typing import Any, get_type_hints

from hotplate_agent import messages as m

FRAME = m.Frame("/p/app.py", 3, "view", "1 / 0", 4, 3, 9, "1 / 0")
CAUSE = m.Cause("ValueError", "no", [FRAME], "cause")
REPORT = m.Report(
    "KeyError", "'x'", "Traceback\nKeyError: 'x'", [FRAME, FRAME], [CAUSE], None, "1-1"
)
FILE = m.FileRead("/p/app.py", 1_700_000_000_000_000_000, 120)
SAMPLES: dict[Any, Any] = {
    int: 3, str: "text", bool: True, float: 0.2, m.Report: REPORT, m.FileRead: FILE,
    m.Load: m.Load(1, "/p", app="app"), m.Frame: FRAME, m.Cause: CAUSE,
}  # fmt: skip


def good(cls: type[Any]) -> Any:
    """A message of this class with all its fields set."""
    return cls(**{name: _sample(hint) for name, hint in get_type_hints(cls).items()})


def _sample(hint: Any) -> Any:
    inner = getattr(hint, "__args__", None) or ()
    if type(None) in inner:
        return _sample(inner[0])
    origin = getattr(hint, "__origin__", hint)
    if origin is list:
        return [_sample(inner[0])] * 2
    if origin is dict:
        return {"flask": "3.1"}
    return SAMPLES[hint]


def wire(*classes: type[Any]) -> list[dict[str, Any]]:
    """What `channel.encode` would make of one of each."""
    return [m.to_wire(good(cls)) for cls in classes or m.MESSAGES.values()]


TO_AGENT = (m.Load, m.Warm, m.Fork, m.Take, m.Grant, m.Refuse, m.Connection, m.AskWhere)
FROM_AGENT = (
    m.Booted, m.Warmed, m.Unfit, m.Forked, m.Learnt, m.Spoilt, m.Read, m.Ask, m.Accepting, m.Failed,
    m.Raised, m.Recovered, m.Pin, m.PinWanted, m.Loaded, m.Handover, m.Released, m.Where, m.Trouble,
)  # fmt: skip
