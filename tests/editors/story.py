"""The main job, as a person does it in any editor: open, edit, break, mend, raise, quit."""

from __future__ import annotations

import asyncio
import http.client
import sys

from editors.editor import Editor
from editors.records import load, understood
from support.processes import until_free, until_nobody
from support.session import get

APP = """\
import os

from flask import Flask

import words

app = Flask(__name__)
PRICES = {"coffee": 3}


@app.route("/")
def index():
    return "first"


@app.route("/word")
def word():
    return words.WORD


@app.route("/price")
def price():
    print("somebody", "asks", flush=True)
    return "costs " + str(PRICES["tea"])


@app.route("/menu")
def menu():
    return "🍵 " + PRICES["menu"]


@app.route("/process")
def process():
    return str(os.getpid())
"""

PRINTED = "somebody asks"

EXACT = sys.version_info >= (3, 11)
"""Whether this interpreter knows the expression that raised; else it is the line's code."""


def files(port: int | None) -> dict[str, str]:
    """The project. Without a port, that is the editor's to set."""
    settings = "" if port is None else f"\n[tool.hotplate]\nport = {port}\n"
    return {
        "app.py": APP,
        "words.py": "WORD = 'hello'\n",
        "pyproject.toml": f"[project]\nname = 'shop'\n{settings}",
    }


class Page:
    """The app's address, fetched as a browser does."""

    def __init__(self, editor: Editor, port: int) -> None:
        self._editor = editor
        self.port = port

    async def get(self, path: str = "/") -> tuple[int, str]:
        return await asyncio.to_thread(get, f"http://127.0.0.1:{self.port}", path)

    async def until(self, status: int, text: str, path: str = "/") -> None:
        """Fetch until it is so."""

        async def found() -> bool:
            try:
                answered, body = await self.get(path)
            except (ConnectionError, http.client.HTTPException):
                return False
            return answered == status and text in body

        await self._editor.wait(f"{path} to be {status} {text!r}", found)

    async def fresh(self, text: str) -> None:
        """What was saved is served: at once, where the editor tells that its save was heard."""
        if await self._editor.heard():
            assert await self.get() == (200, text)
        else:
            await self.until(200, text)

    async def process(self) -> str:
        """Which one answers; nothing while none does."""
        try:
            return (await self.get("/process"))[1]
        except (ConnectionError, http.client.HTTPException):
            return ""

    async def another_process(self, than: str) -> None:
        async def found() -> bool:
            return await self.process() not in ("", than)

        await self._editor.wait("another process", found)


async def play(editor: Editor, page: Page) -> dict[str, str]:
    """The story to its end. What every editor must show is checked; what else was seen is told."""
    await editor.open("app.py")
    if editor.asks:
        await editor.answer("Always for this folder")
    await page.until(200, "first")

    await editor.edit("first", "second")
    await page.fresh("second")

    await editor.edit("3", "1 / 0")
    await stands_on(editor, "ZeroDivisionError", "1 / 0", 'PRICES = {"coffee": 1 / 0}')
    await page.until(500, "ZeroDivisionError")
    frames = await editor.related()
    await editor.edit("1 / 0", "4")
    await editor.no_problem()
    await page.fresh("second")

    assert (await page.get("/price"))[0] == 500
    line = '    return "costs " + str(PRICES["tea"])'
    await stands_on(editor, "KeyError: 'tea'", 'PRICES["tea"]', line)
    assert (await page.get("/menu"))[0] == 500
    columns = await _columns(editor)
    if load(editor.client).shown["output"] == "yes":
        await editor.tells(PRINTED)  # it may come a moment later
    printed = PRINTED in await editor.told()

    seen = {
        "question": _yes(editor.asks),
        "frames": _yes(bool(frames)),
        "columns": columns,
        "output": _yes(printed),
        "lenses": await _lenses(editor, page),
        "commands": await _commands(editor, page),
        "outside": await _outside(editor, page),
    }
    await editor.quit()
    await until_free(page.port)
    await until_nobody(editor.mark)
    return seen


async def stands_on(editor: Editor, message: str, expression: str, line: str) -> None:
    """A problem with this message is shown for an expression, in a line of the app's file."""
    problem = await editor.problem(message)
    text = (editor.folder / "app.py").read_text("utf-8").splitlines()[problem.line]
    assert text == line
    whole = line.strip()
    wanted = expression if EXACT else whole
    assert problem.column == line.index(wanted)
    assert problem.end_column in (None, problem.column + len(wanted))


async def _columns(editor: Editor) -> str:
    """Whether a problem stands on its expression behind what takes several bytes and units."""
    problem = await editor.problem("KeyError: 'menu'")
    line = '    return "🍵 " + PRICES["menu"]'
    assert line == (editor.folder / "app.py").read_text("utf-8").splitlines()[problem.line]
    if not EXACT:  # then there is nothing in front of it
        return load(editor.client).shown["columns"]
    return _yes(problem.column == line.index('PRICES["menu"]'))


async def _lenses(editor: Editor, page: Page) -> str:
    titles = await editor.lenses()
    if not titles:
        return "no"
    assert titles == [f"● Running http://127.0.0.1:{page.port}", "Restart", "Stop", "Show the PIN"]
    before = await page.process()
    await editor.click("Restart")
    await page.another_process(before)
    return "yes"


async def _commands(editor: Editor, page: Page) -> str:
    before = await page.process()
    if not await editor.run("restart"):
        return "no"
    await page.another_process(before)
    await editor.edit("4", "1 / 0")
    await editor.problem("ZeroDivisionError")
    if not await editor.run("stop"):
        await editor.edit("1 / 0", "5")
        await page.until(200, "second")
        return "restart"
    await editor.no_problem()
    await until_free(page.port)
    await editor.edit("1 / 0", "5")
    assert await editor.run("start")
    await page.until(200, "second")
    assert await editor.run("openInBrowser")
    await editor.tells(f"Open http://127.0.0.1:{page.port} in your browser.")
    assert await editor.run("debuggerPin")
    await editor.tells("The debugger's PIN: ")
    return "yes"


async def _outside(editor: Editor, page: Page) -> str:
    """Something else than the editor changes a file that the app is made of."""
    if not understood(editor.client).watched_files:
        return "no"
    assert (await page.get("/word"))[1] == "hello"
    (editor.folder / "words.py").write_text("WORD = 'goodbye'\n", "utf-8")
    await page.until(200, "goodbye", "/word")
    return "yes"


def _yes(condition: bool) -> str:
    return "yes" if condition else "no"
