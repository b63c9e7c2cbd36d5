"""What a process holds, counted from outside. Linux, by way of /proc."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

LISTENING = "0A"
"""A socket's state in /proc/net/tcp."""


class Census(NamedTuple):
    """One look at a process."""

    descriptors: int
    threads: int
    children: int
    zombies: int
    kib: int
    """Memory that is its own alone."""


def census(pid: int) -> Census:
    """Look at a process. Raises OSError where there is none."""
    family = children(pid)
    return Census(
        descriptors=len(os.listdir(f"/proc/{pid}/fd")),
        threads=len(os.listdir(f"/proc/{pid}/task")),
        children=len(family),
        zombies=sum(state == "Z" for state in family.values()),
        kib=own_memory(pid),
    )


def children(pid: int) -> dict[int, str]:
    """The children of a process, and the state of each ("Z": it is dead and not yet reaped)."""
    found: dict[int, str] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            text = (task / "children").read_text()
        except OSError:  # a thread that has just ended
            continue
        for child in map(int, text.split()):
            try:
                status = Path(f"/proc/{child}/stat").read_text()
            except OSError:
                continue
            found[child] = status.rpartition(")")[2].split()[0]
    return found


def own_memory(pid: int) -> int:
    """KiB that a process shares with no other."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def descriptors(pid: int) -> list[str]:
    """What each descriptor of a process leads to, for the message of a test that fails."""
    found = []
    for entry in sorted(Path(f"/proc/{pid}/fd").iterdir(), key=lambda entry: int(entry.name)):
        try:
            found.append(f"{entry.name}: {os.readlink(entry)}")
        except OSError:
            pass
    return found


def connections(pid: int, port: int) -> int:
    """How many connections to a TCP port of IPv4 a process holds itself."""
    sockets = {
        line.rpartition("[")[2].rstrip("]") for line in descriptors(pid) if "socket:" in line
    }
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(
        row[1].endswith(f":{port:04X}") and row[3] != LISTENING and row[9] in sockets
        for row in rows
    )
