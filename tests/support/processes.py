"""Processes seen from outside: who is there, who is at work. Linux, by way of /proc."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Collection
from pathlib import Path

import pytest

MARK = "HOTPLATE_TEST_MARK"
"""A variable of the server's environment, which all that it starts inherits."""

needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="no /proc here")


def marked(mark: str) -> set[int]:
    """The processes that live and carry a mark. One that is dead and not yet reaped does not."""
    wanted = f"{MARK}={mark}".encode()
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    found.add(int(folder.name))
            except OSError:  # gone meanwhile, or somebody else's
                pass
    return found


def ticks(pid: int) -> int:
    """CPU time used, in ticks of the clock (10 ms mostly)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def wakeups(pid: int) -> int:
    """How often its threads have gone to sleep of their own accord."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                total += int(line.split()[1])
    return total


def describe(pids: set[int]) -> list[str]:
    """Command lines, for the message of a test that fails."""
    lines = []
    for pid in sorted(pids):
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            line = "gone"
        lines.append(f"{pid}: {line}")
    return lines


async def until_nobody(mark: str, seconds: float = 1.0, but: Collection[int] = frozenset()) -> None:
    """Wait until no marked process is alive `but` some; that takes a second at most."""
    deadline = time.monotonic() + seconds
    while left := marked(mark).difference(but):
        assert time.monotonic() < deadline, f"still alive: {describe(left)}"
        await asyncio.sleep(0.01)


async def until_gone(pid: int, seconds: float) -> None:
    """Wait until a process has ended."""
    deadline = time.monotonic() + seconds
    while alive(pid):
        assert time.monotonic() < deadline, f"still alive: {describe({pid})}"
        await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet reaped does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


async def until_free(port: int, seconds: float = 1.0) -> None:
    """Wait until a port can be bound; a process that ends lets go of it last."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return bind(port)
        except OSError:
            assert time.monotonic() < deadline, f"port {port} is still held"
            await asyncio.sleep(0.01)


def bind(port: int) -> None:
    """Raises OSError where somebody still holds the port."""
    with socket.socket() as sock:
        if os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
        sock.listen()
