"""Processes seen from outside: what they take, and that none is left. Figures are Linux's."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from hotplate.cli.processes import alive, family

__all__ = ["alive", "cpu_seconds", "family", "pss", "stop"]

STOP_SECONDS = 4.0


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, to one tick of the clock (10 ms mostly)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pss(pids: Iterable[int]) -> float:
    """Memory in MiB, a page that several processes share counted in parts."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads a group, and all that descends from it."""
    members = family(process.pid)
    _signal(process, signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    deadline = time.monotonic() + STOP_SECONDS
    while left := alive(members) - {os.getpid()}:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it has just ended
        if time.monotonic() > deadline:
            raise RuntimeError(f"These processes can't be ended: {sorted(left)}")
        process.poll()
        time.sleep(0.01)
    process.wait()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    if process.poll() is None:
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            pass
