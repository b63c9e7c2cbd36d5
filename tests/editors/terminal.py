"""A program in a terminal of its own, as a person has it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import struct
import termios
from collections.abc import Mapping
from pathlib import Path

_ESCAPES = re.compile(
    rb"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|[=>78MDE])"
)
KEPT = 1 << 20


class Terminal:
    """Whatever it draws is read at once, and the last of it kept for a test that fails."""

    def __init__(self, rows: int = 40, columns: int = 140) -> None:
        self._size = struct.pack("HHHH", rows, columns, 0, 0)
        self._drawn = b""
        self._master = -1
        self.process: asyncio.subprocess.Process

    async def start(self, *command: str | Path, cwd: Path, env: Mapping[str, str]) -> None:
        self._master, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, self._size)
        try:
            self.process = await asyncio.create_subprocess_exec(
                *command, cwd=cwd, env=env,
                stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
                preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so there is a /dev/tty
            )  # fmt: skip
        finally:
            os.close(terminal)
        os.set_blocking(self._master, False)
        asyncio.get_running_loop().add_reader(self._master, self._read)

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    @property
    def drawn(self) -> str:
        """What has been drawn lately, without colours and places."""
        return _ESCAPES.sub(b" ", self._drawn).decode(errors="replace")

    def close(self) -> None:
        """End the program if it still runs, as closing the window does."""
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)
        if self.process.returncode is None:
            self.process.kill()

    def _read(self) -> None:
        try:
            data = os.read(self._master, 65536)
        except BlockingIOError:
            return
        except OSError:  # the program has gone
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._master)
        self._drawn = (self._drawn + data)[-KEPT:]
