"""What happens in the demo, chapter by chapter. Each checks what it shows, and raises Off."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import statistics
import time
from typing import Any
from urllib.parse import urlsplit

from hotplate.cli import demo_shop as shop
from hotplate.cli.demo_browser import expect
from hotplate.cli.demo_editor import Editor, Off
from hotplate.cli.demo_page import Page
from hotplate.cli.demo_shop import Edit, Shop
from hotplate.cli.processes import alive, family

BETWEEN_EDITS = 0.4
"""Seconds between two edits: nobody types faster."""
GONE_WITHIN = 1.0
"""Seconds after the server's death in which all of its processes are to be gone."""


class Story:
    """A session. What it has measured is on the page at its end, or at the chapter that is off."""

    def __init__(self, editor: Editor, folder: Shop, page: Page) -> None:
        self._editor = editor
        self._shop = folder
        self._page = page
        self._url = ""
        self._raised: dict[str, Any] = {}

    async def tell(self, settings: dict[str, Any]) -> None:
        """The whole of it."""
        await self._open(settings)
        await self._edit()
        await self._break()
        await self._mend()
        await self._raise()
        await self._debug()
        await self._save_all()
        await self._kill()

    async def _open(self, settings: dict[str, Any]) -> None:
        self._page.chapter("The folder is opened")
        since = time.perf_counter()
        await self._editor.open(settings)
        running = await self._editor.state("running")
        self._url = running["url"]
        self._page.good(
            f"running at {self._url}", since, "folder opened → app running, server's start included"
        )
        since = time.perf_counter()
        await self._front(200, shop.HEADING)
        self._page.good(f"GET / → 200, “{shop.HEADING}”", since)

    async def _edit(self) -> None:
        self._page.chapter("A view is edited, and saved")
        old = shop.HEADING
        times: list[float] = []
        for new in shop.HEADINGS:
            edit = shop.rename_heading(old, new)
            number = self._shop.make(edit)
            times.append(await self._until_fresh(edit, new))
            if len(times) == 1:
                self._page.edit(edit, number)
                self._page.good(f"the first answer is fresh: “{new}”", took=times[0])
            old = new
            await asyncio.sleep(BETWEEN_EDITS)
        median = statistics.median(times)
        each = ", ".join(f"{seconds * 1000:.0f}" for seconds in times[1:])
        self._page.good(f"{len(times) - 1} more such edits ({each} ms), the median", took=median)
        spread = f"{min(times) * 1000:.0f} to {max(times) * 1000:.0f}, {len(times)} edits"
        self._page.figure(f"save → first fresh answer, median ({spread})", median)

    async def _until_fresh(self, edit: Edit, text: str) -> float:
        """Save an edit that is on disk, ask right after, and get the new text: the seconds."""
        saved = self._editor.save(self._shop.path(edit.file))
        await self._editor.caught_up()
        await self._front(200, text)
        return time.perf_counter() - saved

    async def _break(self) -> None:
        self._page.chapter("The app is broken")
        generation = self._editor.generation
        number = self._shop.make(shop.BREAK)
        self._page.edit(shop.BREAK, number)
        path = self._shop.path(shop.BREAK.file)
        saved = self._editor.save(path)
        await self._editor.state("failed", after=generation)
        problem = await self._problem(shop.BREAK.file, f"NameError: name '{shop.BROKEN_NAME}'")
        self._page.good(
            "the error is in the editor, on its line", saved, "save → error on its line"
        )
        self._page.problem(path, problem)
        line = problem["range"]["start"]["line"] + 1
        if line != number:
            raise Off(f"the error on line {number}", f"line {line}")
        since = time.perf_counter()
        await self._front(500, f"name '{shop.BROKEN_NAME}' is not defined")
        self._page.good("GET / → 500, a page with the same error", since)

    async def _mend(self) -> None:
        self._page.chapter("It is mended")
        path = self._shop.path(shop.BREAK.file)
        number = self._shop.make(shop.BREAK.undone)
        self._page.edit(shop.BREAK.undone, number)
        saved = self._editor.save(path)
        await self._editor.caught_up()
        await self._front(200, shop.HEADINGS[-1])
        self._page.good("GET / → 200", saved, "mended → first good answer")
        await self._editor.until(
            f"no problem in {shop.BREAK.file}", lambda: not self._editor.problems(path)
        )
        self._page.good("the problem is gone", saved)

    async def _raise(self) -> None:
        self._page.chapter("A request raises")
        generation = self._editor.generation
        self._page.edit(shop.RAISE, self._shop.make(shop.RAISE))
        path = self._shop.path(shop.RAISE.file)
        self._editor.save(path)
        await self._editor.state("running", after=generation)
        asked = time.perf_counter()
        await expect(self._url + shop.RAISING_PATH, shop.RAISING_PATH, 500, "KeyError")
        problem = await self._problem(shop.RAISE.file, "KeyError: 'clearance'")
        self._page.good(
            f"GET {shop.RAISING_PATH} → 500, and the error is in the editor",
            asked,
            "a request raises → error on its line",
        )
        self._page.problem(path, problem)
        self._raised = await self._editor.until(
            "the request's traceback",
            lambda: next((t for t in self._editor.tracebacks if t["when"] == "request"), None),
        )
        own = [frame for frame in self._raised["frames"] if frame["inWorkspace"]]
        if len(own) != 4:
            raise Off("4 frames of the shop's own code", f"{len(own)} of {self._raised['frames']}")
        self._page.traceback(self._raised, self._shop)

    async def _debug(self) -> None:
        self._page.chapter("The debugger's page of that traceback is opened")
        shown = len(self._editor.shown)
        await self._editor.command("hotplate.openDebugger", {"id": self._raised["id"]})
        opened = self._editor.shown[shown:]
        if not opened or not opened[0].startswith(self._url):
            raise Off("the editor to be asked to open the page", "no such request")
        since = time.perf_counter()
        # Its address is a secret, like the PIN.
        await expect(opened[0], f"{urlsplit(self._url).netloc}/…", 200, "EVALEX = true")
        self._page.good("GET → 200, with a console in every frame (EVALEX is true)", since)
        if not any(told["pin"] for told in self._editor.pins):
            raise Off("the debugger's PIN", "none")
        self._page.good("PIN received (shown by your editor)")

    async def _save_all(self) -> None:
        self._page.chapter(f"Save All, of {len(shop.SAVE_ALL)} files")
        generation = self._editor.generation
        self._shop.make(shop.RAISE.undone)
        for name in shop.SAVE_ALL:
            self._shop.touch_up(name)
        saved = self._editor.save(*map(self._shop.path, shop.SAVE_ALL))
        await self._editor.caught_up()
        await expect(self._url + shop.RAISING_PATH, shop.RAISING_PATH, 200, "Corner Shop")
        self._page.good(f"GET {shop.RAISING_PATH} → 200", saved, "Save All → first fresh answer")
        await self._editor.until("no problem at all", lambda: not self._editor.all_problems)
        await asyncio.sleep(BETWEEN_EDITS)
        restarts = self._editor.generation - generation
        if restarts != 1:
            raise Off("one restart", f"{restarts}")
        self._page.good("one restart, and no problem is left")

    async def _kill(self) -> None:
        self._page.chapter("The language server is killed (kill -9)")
        pid = self._editor.server.pid
        processes = await asyncio.to_thread(family, pid)
        killed = time.perf_counter()
        os.kill(pid, signal.SIGKILL)
        while left := await asyncio.to_thread(alive, processes):
            if time.perf_counter() - killed > GONE_WITHIN:
                raise Off(f"no process left after {GONE_WITHIN:g} s", f"still there: {left}")
            await asyncio.sleep(0.005)
        gone = f"all {len(processes)} processes are gone, the app's own too"
        self._page.good(gone, killed, "server killed → no process left")
        port = urlsplit(self._url).port or 0
        while not _is_free(port):
            if time.perf_counter() - killed > GONE_WITHIN:
                raise Off(f"port {port} free after {GONE_WITHIN:g} s", "it is taken")
            await asyncio.sleep(0.005)
        self._page.good(f"port {port} is free", killed)

    async def _front(self, status: int, text: str) -> None:
        await expect(f"{self._url}/", "/", status, text)

    async def _problem(self, name: str, text: str) -> dict[str, Any]:
        """The problem in a file whose message holds this text."""

        def found() -> dict[str, Any] | None:
            shown = self._editor.problems(self._shop.path(name))
            return next((problem for problem in shown if text in problem["message"]), None)

        result: dict[str, Any] = await self._editor.until(f"“{text}” in {name}", found)
        return result


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
            trial.listen(1)
        except OSError:
            return False
    return True
