"""A Neovim in a terminal: tmux holds it, types into it, and reads its screen."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from neovim.editor import HERE, Neovim

COLUMNS, LINES = 104, 30
SECONDS = 20.0


class Terminal:
    """One Neovim in a terminal of its own. Keys are tmux's names, such as `Enter`."""

    def __init__(self, tmux: str, neovim: Neovim) -> None:
        self._neovim = neovim
        self._folder = Path(tempfile.mkdtemp(prefix="hotplate-tmux-"))  # a socket's name is short
        self._tmux = [tmux, "-S", str(self._folder / "socket"), "-f", "/dev/null"]

    def open(self, file: str) -> None:
        """Start it with a file of its folder."""
        own = self._neovim.environment("terminal.lua")
        own["HOME"] = str(self._neovim.folder.parent)
        differ = own.items() - os.environ.items()
        variables = [f"{name}={value}" for name, value in sorted(differ)]
        editor = [self._neovim.binary, "--clean", "-u", HERE / "terminal.lua", file]
        plain = ["-u", "DISPLAY", "-u", "WAYLAND_DISPLAY"]
        command = ["env", *plain, *variables, "LC_ALL=C.UTF-8", "COLORTERM=truecolor", *editor]
        size = ["-x", str(COLUMNS), "-y", str(LINES)]
        self._run("new-session", "-d", *size, "-c", str(self._neovim.folder), *map(str, command))

    def keys(self, *names: str) -> None:
        self._run("send-keys", *names)

    def type(self, text: str) -> None:
        """Type a text as it stands."""
        self._run("send-keys", "-l", text)

    def command(self, text: str) -> None:
        """Type a command of Neovim's."""
        self.keys("Escape")
        self.type(f":{text}")
        self.keys("Enter")

    def screen(self) -> str:
        return self._run("capture-pane", "-p")

    def colours(self) -> str:
        """The screen with its escape sequences."""
        return self._run("capture-pane", "-p", "-e")

    def cursor(self) -> tuple[int, int]:
        """Column and row on the screen, from 0."""
        column, row = self._run("display-message", "-p", "#{cursor_x} #{cursor_y}").split()
        return int(column), int(row)

    def clipboard(self) -> str:
        """tmux's own, which Neovim takes for the register +."""
        return self._run("show-buffer")

    async def until(self, *texts: str, without: str | None = None) -> str:
        """Wait until the screen shows some texts, and another one no more; the screen."""
        deadline = time.monotonic() + SECONDS
        while True:
            screen = self.screen()
            if all(text in screen for text in texts) and (without is None or without not in screen):
                return screen
            assert time.monotonic() < deadline, f"{texts} without {without!r}:\n{screen}"
            await asyncio.sleep(0.02)

    @property
    def is_open(self) -> bool:
        done = subprocess.run([*self._tmux, "has-session"], capture_output=True, timeout=SECONDS)
        return done.returncode == 0

    def close(self) -> None:
        """End it, whatever it does."""
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, timeout=SECONDS)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            [*self._tmux, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout
