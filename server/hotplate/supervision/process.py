"""How a process of the user's interpreter is made: by running it, or as a copy of one that waits.

Either way it leads a process group of its own, so that what the app starts goes with it, and is
this process's child. A copy is made by the standby (see `standby` in the agent) and comes to us
because its maker ends at once: orphans of our descendants become our children (`orphans`).
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import hotplate_agent
from hotplate.supervision import orphans
from hotplate_agent.blackbox import PAGE

AGENT = str(Path(hotplate_agent.__file__).parent / "__main__.py")


class Line:
    """The descriptors that tie a process to us: our ends, and its own until it has them."""

    def __init__(self) -> None:
        """Raises OSError where there is no descriptor left; then none is lost."""
        with contextlib.ExitStack() as undo:

            def pipe() -> tuple[int, int]:
                ends = os.pipe()
                for end in ends:
                    undo.callback(os.close, end)
                return ends

            self.channel, self.theirs = socket.socketpair()
            undo.callback(self.channel.close)
            undo.callback(self.theirs.close)
            self.box = _box()
            undo.callback(self.box.close)
            # Nothing is ever written into the lifeline; see `lifeline` in the agent.
            end, self.lifeline = pipe()
            stdout, their_stdout = pipe()
            stderr, their_stderr = pipe()
            undo.pop_all()
        self.output = {"stdout": stdout, "stderr": stderr}
        self.roles = {"lifeline": end, "stdout": their_stdout, "stderr": their_stderr}

    def given(self) -> None:
        """The process has its ends: close our copies of them."""
        self.theirs.close()
        for descriptor in self.roles.values():
            os.close(descriptor)
        self.roles.clear()

    def close_output(self, name: str) -> None:
        descriptor = self.output.pop(name, None)
        if descriptor is not None:
            os.close(descriptor)

    def close(self) -> None:
        """Close our ends."""
        self.channel.close()
        for name in list(self.output):
            self.close_output(name)
        if not self.box.closed:
            self.box.close()
            os.close(self.lifeline)


def _box() -> IO[bytes]:
    """The black box (see `blackbox` in the agent). The agent maps it into its memory: were it a
    file on a disk that is full, a write would kill the app."""
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create("hotplate", os.MFD_CLOEXEC), "w+b")
    box = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
    try:
        box.write(bytes(PAGE))
        box.flush()
    except OSError:
        box.close()
        raise
    return box


class Process:
    """`pid`, its `line`, and the one way to learn how it ended."""

    def __init__(self, pid: int, line: Line, popen: subprocess.Popen[bytes] | None = None) -> None:
        self.pid = pid
        self.line = line
        self._popen = popen
        orphans.ours.add(pid)

    def reap(self) -> int:
        """Wait for its end: the exit code, or minus the signal, as `subprocess` has it."""
        orphans.ours.discard(self.pid)
        orphans.careless.discard(self.pid)
        if self._popen is not None:
            return self._popen.wait()
        try:
            _, status = os.waitpid(self.pid, 0)
        except ChildProcessError:  # it ended before we knew of it, and `orphans` has buried it
            return 0
        return os.waitstatus_to_exitcode(status)


def run(interpreter: str, cwd: str, env: Mapping[str, str]) -> Process:
    """Run the agent. Raises OSError, ValueError or SubprocessError where that can't be done."""
    line = Line()
    given = (line.theirs.fileno(), line.box.fileno(), line.roles["lifeline"])
    try:
        popen = subprocess.Popen(
            [interpreter, AGENT, *map(str, given)],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=line.roles["stdout"],
            stderr=line.roles["stderr"],
            pass_fds=given,
            start_new_session=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        line.given()
        line.close()
        raise
    line.given()
    return Process(popen.pid, line, popen)
