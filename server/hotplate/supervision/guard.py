"""A process whose only work is to kill what is left, should this one be killed.

Only an app that starts processes of its own gets one, for only those can be left: where C code
holds the interpreter's lock, so that the agent can't end its family, or where the app is killed
in the same instant as we are. `watchman` is the other side.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import sys
from pathlib import Path

from hotplate.supervision import orphans

logger = logging.getLogger(__name__)

FAMILY_SECONDS = 0.5
"""What the end of a family may take. It takes milliseconds."""
WATCHMAN = str(Path(__file__).with_name("watchman.py"))


class Guard:
    """Has a watchman as long as there is somebody to keep."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._wards: dict[int, int] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None

    def keep(self, pid: int, lifeline: int) -> None:
        """An agent has a family, or a larger one. `lifeline` is our end of its own."""
        if not orphans.adopt():
            return
        self._wards[pid] = lifeline
        if self._process is None:
            self._start()
        else:
            self._tell(pid, lifeline)

    def forget(self, pid: int) -> None:
        """An agent has ended, and its family is about to."""
        if self._wards.pop(pid, None) is not None:
            self._loop.call_later(FAMILY_SECONDS, self._forgotten, pid)

    def _forgotten(self, pid: int) -> None:
        if self._wards:
            self._tell(pid, None)
        else:
            self._let_go()

    def close(self) -> None:
        """Nobody is to be kept any more."""
        self._wards.clear()
        self._let_go()

    def _start(self) -> None:
        try:
            self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._line.setblocking(False)
            with theirs, orphans.birth():
                # Not in our session: Ctrl-C in the editor's terminal is not meant for it.
                self._process = subprocess.Popen(
                    [sys.executable, "-I", "-S", WATCHMAN],
                    cwd="/",
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
                orphans.ours.add(self._process.pid)
        except (OSError, subprocess.SubprocessError) as error:
            logger.info("There is no guard for what the app starts: %s.", error)
            self._let_go()
            return
        self._loop.add_reader(self._line, self._ended)
        for pid, lifeline in self._wards.items():
            self._tell(pid, lifeline)

    def _tell(self, pid: int, lifeline: int | None) -> None:
        if self._line is None:
            return
        try:
            descriptors = [lifeline] if lifeline is not None else []
            socket.send_fds(self._line, [pid.to_bytes(4, "big")], descriptors)
        except OSError:  # it has ended, and we will hear of it
            pass

    def _ended(self) -> None:
        """It says nothing, ever; so it was killed. One that is killed at once is made no more."""
        self._let_go()
        if self._wards:
            self._loop.call_later(1.0, self._start_again)

    def _start_again(self) -> None:
        if self._wards and self._process is None:
            self._start()

    def _let_go(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            self._loop.remove_reader(line)
            line.close()
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            orphans.ours.discard(process.pid)
