"""Kate on a screen that nobody sees: typed into by xdotool, read as a screen reader reads it."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

import pytest

from editors.desktop import Desktop, Widget
from editors.editor import SECONDS, Editor, Shown, write
from support import debian

PROGRAMS = ("kate", "Xvfb", "xdotool", "dbus-daemon")
LAUNCHER = Path("/usr/libexec/at-spi-bus-launcher")
PACKAGES = ("kate", "xvfb", "xdotool", "dbus", "at-spi2-core")


class Kate(Editor):
    """`settings` are the User Server Settings, from the page."""

    client = "kate"
    programs = {"Kate": "kate"}

    @classmethod
    def need(cls) -> None:
        def present() -> bool:
            return LAUNCHER.exists() and all(map(shutil.which, PROGRAMS))

        debian.need("Kate", present, *PACKAGES)
        if not cls.version().startswith("Kate 22."):
            pytest.skip(f"{cls.version()} lists its diagnostics elsewhere than 22.12 does")

    def __init__(self, folder: Path, home: Path, settings: str) -> None:
        super().__init__(folder, home)
        self._desktop = Desktop(home)
        self._process: asyncio.subprocess.Process | None = None
        self._file = ""
        self._known: dict[tuple[str, str], Widget] = {}
        write(home / ".config" / "kate" / "lspclient" / "settings.json", settings)

    async def open(self, file: str) -> None:
        self._file = file
        await self._desktop.start({"PATH": self.environment()["PATH"], "LC_ALL": "C.UTF-8"})
        self._process = await asyncio.create_subprocess_exec(
            "kate", "--new", "--block", str(self.folder / file),
            cwd=self.folder,
            env={**self.environment(), **self._desktop.environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        await self._desktop.keys("search", "--sync", "--onlyvisible", "--name", f"^{file}")
        await self._desktop.look()
        # Kate asks once for each command line of a language server.
        await self._desktop.press(await self._widget("push button", "Yes"))
        await self.wait("the question to go", self._unasked)
        await self._desktop.keys(
            "search", "--onlyvisible", "--name", f"^{file}", "windowfocus", "--sync"
        )

    async def edit(self, before: str, after: str) -> None:
        view = await self._widget("text", self._file)
        text = await self._text(view)
        assert before in text, before
        await self._click(view)
        await self._desktop.ask(
            view, "Text", "SetCaretOffset", "i", len(_units(text[: text.index(before)])) // 2
        )
        await self._desktop.keys("key", "--delay", "0", "--repeat", str(len(before)), "Delete")
        await self._desktop.keys("type", "--delay", "0", after)
        await self._desktop.keys("key", "ctrl+s")
        wanted = text.replace(before, after, 1)

        async def saved() -> bool:
            return (self.folder / self._file).read_text("utf-8") == wanted

        await self.wait(f"the file to be saved with {after}", saved)

    async def problems(self) -> list[Shown]:
        """Those of the tab “Diagnostics”; each is clicked to see where Kate goes."""
        shown = []
        for item in await self._diagnostics():
            if match := re.match(r"\[hotplate\] \(\w+\) (.*)", item.name, re.DOTALL):
                try:
                    shown.append(Shown(*await self._go(item), None, match[1]))
                except LookupError:  # gone meanwhile
                    pass
        return shown

    async def run(self, command: str) -> bool:
        """There is only the editor's own restart of the language server."""
        if command == "restart":
            await self._desktop.press(await self._widget("menu item", "Restart LSP Server"))
        return command == "restart"

    async def related(self) -> list[str]:
        """The lines below a problem."""
        names = [item.name for item in await self._diagnostics()]
        return [name for name in names if re.match(r"\[\S+:\d+\] ", name)]

    async def told(self) -> str:
        """What stands in the tool view “Output”."""
        texts = []
        for label in await self._desktop.widgets("label"):
            try:
                texts.append(await self._desktop.ask(label, "Text", "GetText", "ii", 0, -1))
            except LookupError:  # a label without text
                pass
        return "\n".join(map(str, texts))

    async def quit(self) -> None:
        assert self._process is not None
        await self._desktop.keys("key", "ctrl+q")
        await asyncio.wait_for(self._process.wait(), SECONDS)

    async def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def close(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
        await self._desktop.stop()

    async def scene(self) -> str:
        view = await self._widget("text", self._file)
        shown = [item.name for item in await self._desktop.widgets("tree item", "dialog", "label")]
        return f"{await self._text(view)}\n{shown}"

    async def _click(self, widget: Widget) -> None:
        x, y, width, height = await self._desktop.ask(widget, "Component", "GetExtents", "u", 0)
        middle = (str(x + width // 2), str(y + height // 2))
        await self._desktop.keys("mousemove", *middle, "click", "1")

    async def _text(self, widget: Widget) -> str:
        return str(await self._desktop.ask(widget, "Text", "GetText", "ii", 0, -1))

    async def _unasked(self) -> bool:
        return not await self._desktop.widgets("dialog")

    async def _widget(self, role: str, name: str) -> Widget:
        """A widget that stays, once it is there."""
        if (role, name) in self._known:
            return self._known[role, name]

        async def found() -> Widget | None:
            widgets = await self._desktop.widgets(role)
            return next((each for each in widgets if each.name == name), None)

        widget = await self.wait(f"the {role} {name!r}", found)
        assert widget is not None
        self._known[role, name] = widget
        return widget

    async def _diagnostics(self) -> list[Widget]:
        await self._desktop.press(await self._widget("menu item", "Switch to Diagnostics Tab"))
        return await self._desktop.widgets("tree item")

    async def _go(self, item: Widget) -> tuple[int, int]:
        """Click on a problem: the line and column to which Kate goes."""
        await self._click(item)
        view = await self._widget("text", self._file)
        text = await self._text(view)
        before = _units(text)[: 2 * await self._desktop.caret(view)].decode("utf-16-le")
        return before.count("\n"), len(before.rpartition("\n")[2])


def _units(text: str) -> bytes:
    """As Qt counts: two bytes for each unit of UTF-16."""
    return text.encode("utf-16-le")
