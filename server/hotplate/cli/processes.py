"""Which processes a server has, and whether they are alive: the proof that none stays."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple


class _Process(NamedTuple):
    pid: int
    parent: int
    state: str


def family(pid: int) -> set[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for process in _all():
        children.setdefault(process.parent, []).append(process.pid)
    found, pending = set(), [pid]
    while pending:
        current = pending.pop()
        found.add(current)
        pending += children.get(current, [])
    return found


def alive(pids: set[int]) -> set[int]:
    """Those that run; one that has ended and is not yet reaped by its parent does not."""
    return {process.pid for process in _all() if process.pid in pids and process.state != "Z"}


def _all() -> list[_Process]:
    if Path("/proc/self/stat").exists():
        return [process for entry in Path("/proc").iterdir() if (process := _from_proc(entry))]
    ask = ["ps", "-A", "-o", "pid=,ppid=,state="]
    lines = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.splitlines()
    return [
        _Process(int(pid), int(parent), state[:1]) for pid, parent, state in map(str.split, lines)
    ]


def _from_proc(entry: Path) -> _Process | None:
    if not entry.name.isdecimal():
        return None
    try:
        # The name stands in brackets, and may hold anything.
        state, parent, *_ = (
            (entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        )
    except (OSError, ValueError):
        return None  # it has just ended
    return _Process(int(entry.name), int(parent), state)
