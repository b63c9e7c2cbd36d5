"""A real editor and the person in front of it: what the story asks of every editor."""

from __future__ import annotations

import abc
import asyncio
import os
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import attrs

from support import debian
from support.processes import MARK

SECONDS = 45.0
T = TypeVar("T")


@attrs.frozen
class Shown:
    """A problem as the editor has it, counted in characters from 0; None: it does not tell."""

    line: int
    column: int
    end_column: int | None
    message: str


class Editor(abc.ABC):
    """One editor with the configuration of its page in `docs/editors`, and nothing else of ours.

    `mark` is found on all processes that come of it. `client` names its row of the table and the
    capabilities that it sends.
    """

    client: str
    programs: dict[str, str]
    """What it is made of, by the name of Debian's package."""
    asks = False
    """Whether its page leaves it to Hotplate to ask before the first start."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.home = home
        self.mark = uuid.uuid4().hex
        self.programs_first: Path | None = None
        """A folder whose programs come before all others on the PATH."""
        home.mkdir(mode=0o700, parents=True)

    @classmethod
    @abc.abstractmethod
    def need(cls) -> None:
        """Have it installed, or skip the test."""

    @classmethod
    def version(cls) -> str:
        parts = [f"{name} {debian.version(package)}" for name, package in cls.programs.items()]
        return ", ".join(parts)

    # ------------------------------------------------------------ what the person does

    @abc.abstractmethod
    async def open(self, file: str) -> None:
        """Start the editor on a file of the project."""

    @abc.abstractmethod
    async def edit(self, before: str, after: str) -> None:
        """Replace a text in a line of the buffer, and save, by the editor's own means."""

    @abc.abstractmethod
    async def quit(self) -> None:
        """As the person does it; comes back when the editor has ended."""

    async def answer(self, choice: str) -> None:
        """Choose an answer to Hotplate's question, once it is asked."""
        raise NotImplementedError

    async def run(self, command: str) -> bool:
        """Run a command, by what the page says; False where there is no way to."""
        return False

    async def click(self, title: str) -> None:
        """Click on a code lens."""
        raise NotImplementedError

    # ------------------------------------------------------------ what the person sees

    @abc.abstractmethod
    async def problems(self) -> list[Shown]:
        """The problems that the editor shows for the buffer."""

    async def related(self) -> list[str]:
        """The other frames, where the editor shows any with a problem."""
        return []

    async def lenses(self) -> list[str]:
        """The titles of the code lenses."""
        return []

    @abc.abstractmethod
    async def told(self) -> str:
        """All messages, and what there is of a server's log."""

    @abc.abstractmethod
    async def scene(self) -> str:
        """What it shows, for a test that fails."""

    # ------------------------------------------------------------ for the test

    @abc.abstractmethod
    async def kill(self) -> None:
        """kill -9; comes back when the editor has ended."""

    async def heard(self) -> bool:
        """Come back once the server has handled what was sent; False where there is no telling."""
        return False

    @abc.abstractmethod
    async def close(self) -> None:
        """End it, if it still runs."""

    async def wait(self, what: str, condition: Callable[[], Awaitable[T]]) -> T:
        """Wait until a condition holds; its value."""
        deadline = time.monotonic() + SECONDS
        while not (value := await condition()):
            if time.monotonic() > deadline:
                scene = await self.scene()
                raise AssertionError(f"{self.client}: waited in vain for {what}.\n{scene}")
            await asyncio.sleep(0.02)
        return value

    async def problem(self, text: str) -> Shown:
        """The first problem shown whose message holds `text`, now or soon."""

        async def found() -> Shown | None:
            return next((each for each in await self.problems() if text in each.message), None)

        shown = await self.wait(f"the problem {text!r}", found)
        assert shown is not None
        return shown

    async def no_problem(self) -> None:
        async def none() -> bool:
            return not await self.problems()

        await self.wait("the problem to go", none)

    async def tells(self, text: str) -> None:
        async def found() -> bool:
            return text in await self.told()

        await self.wait(f"the message {text!r}", found)

    def environment(self) -> dict[str, str]:
        """That of a person who has activated a virtual environment with Hotplate in it."""
        scripts = Path(sys.executable).parent
        assert (scripts / "hotplate").exists(), (
            f"no hotplate in {scripts}: pip install --editable ."
        )
        first = f"{self.programs_first}{os.pathsep}" if self.programs_first else ""
        foreign = ("XDG_", "EMACS", "VIM", "DBUS_", "DISPLAY", "WAYLAND", "QT_", "LC_", "LANG")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return {
            **kept,
            MARK: self.mark,
            "PATH": f"{first}{scripts}{os.pathsep}{kept.get('PATH', os.defpath)}",
            "VIRTUAL_ENV": sys.prefix,
            "HOME": str(self.home),
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
        }


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


async def output_of(*command: str | Path) -> str:
    """What a command prints. Raises AssertionError where it fails."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, errors = await asyncio.wait_for(process.communicate(), SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, f"{command[0]}: {errors.decode(errors='replace')}"
    return out.decode(errors="replace")
