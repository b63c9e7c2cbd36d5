"""The main job at a terminal, as a person sees it. `HOTPLATE_PICTURES=docs/images` makes the
documentation's pictures of it."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from neovim.editor import ROOT, Neovim
from neovim.picture import svg
from neovim.shop import LINES, byte_column, row_of
from neovim.terminal import COLUMNS, SECONDS, Terminal
from neovim.tools import debian_command, git
from support.browser import Browser, Page
from support.processes import marked, needs_proc, until_free, until_nobody

PICTURES = ("broken", "traceback", "float", "output")
IMAGES = ROOT / "docs" / "images"


@pytest.fixture
def neovim(nvim: Path, shop: Path, port: int) -> Neovim:
    return Neovim(nvim, shop, port)


@pytest.fixture
def terminal(neovim: Neovim) -> Iterator[Terminal]:
    terminal = Terminal(debian_command("tmux", "tmux"), neovim)
    yield terminal
    terminal.close()


@pytest.fixture
def take(terminal: Terminal) -> Callable[[str], None]:
    """Take a picture, where pictures are wanted."""

    def take(name: str) -> None:
        assert name in PICTURES
        picture = svg(terminal.colours(), COLUMNS)
        ElementTree.fromstring(picture)
        if folder := os.environ.get("HOTPLATE_PICTURES"):
            (ROOT / folder).mkdir(parents=True, exist_ok=True)
            (ROOT / folder / f"neovim-{name}.svg").write_text(picture)

    return take


@needs_proc
async def test_what_is_seen(
    neovim: Neovim, terminal: Terminal, take: Callable[[str], None]
) -> None:
    address = f"http://127.0.0.1:{neovim.port}"
    browser = Browser()

    async def look(path: str = "/") -> Page:
        return await browser.open(address + path)

    terminal.open("app.py")
    await terminal.until(LINES[0], f"● shop :{neovim.port}")
    assert (await look()).html == "first"

    terminal.command("%s/first/second/ | write")
    await terminal.until("return 'second'", "written")
    await until_page(browser, address, "second")

    terminal.command("%s/'second'/&.nothing(/ | write")
    await terminal.until(f"✗ shop :{neovim.port}", "SyntaxError: '(' was never closed")
    take("broken")
    page = await look()
    assert page.status == 500 and "never closed" in page.html

    terminal.keys("u")
    terminal.command("write")
    await terminal.until(f"● shop :{neovim.port}", without="never closed")
    assert (await look()).html == "second"

    assert (await look("/price?of=tea")).status == 500
    terminal.command("Hotplate tracebacks")
    row, column = row_of("PRICES["), byte_column("PRICES[") + 1
    await terminal.until(f"app.py|{row} col {column}-", "flask/app.py|", "KeyError: 'tea' (GET")
    take("traceback")
    terminal.keys("Enter")
    terminal.command("cclose")
    terminal.command("redraw | echo getcurpos()[1:2] expand('%:t')")
    await terminal.until(f"[{row}, {column}] app.py")
    under = terminal.screen().splitlines()[terminal.cursor()[1]]
    assert under[terminal.cursor()[0] :].startswith("PRICES[request.args")

    terminal.command("Hotplate tracebacks float")
    await terminal.until("<CR> goes to the frame", f"app.py:{row} in price")
    take("float")
    terminal.keys("q")
    await terminal.until("app = Flask(__name__)", without="<CR> goes to the frame")

    terminal.command("Hotplate output")
    await terminal.until("hotplate://output/~/shop", "KeyError: 'tea'")
    await look("/colours")
    await look("/many?lines=8")
    await terminal.until("before red after", "/many?lines=8 HTTP")
    [line] = [line for line in terminal.colours().splitlines() if "before" in line]
    assert re.search(r"before \x1b\[[\d;]*m(\x1b\[[\d;]*m)*red", line)
    take("output")
    terminal.command("close")

    terminal.command("Hotplate pin")
    await terminal.until("the PIN is in the clipboard")
    pin = terminal.clipboard()
    assert pin.replace("-", "").isdigit()
    terminal.command("messages")
    assert pin not in await terminal.until("the PIN is in the clipboard")
    terminal.keys("Enter")
    terminal.command("Hotplate debugger")
    page = await browser.open(await until_opened(neovim))
    assert await browser.unlock(page, pin)

    terminal.command("Hotplate stop")
    await terminal.until("○ shop")
    await until_free(neovim.port)
    terminal.command("Hotplate start")
    await terminal.until(f"● shop :{neovim.port}")
    assert len(marked(neovim.mark)) >= 3
    terminal.command("qall!")
    await until_nobody(neovim.mark)
    await until_free(neovim.port)
    assert not terminal.is_open


async def test_coming_back_from_another_window(
    neovim: Neovim, terminal: Terminal, shop: Path
) -> None:
    """A `git checkout` elsewhere is heard of when Neovim gets the focus; one from it, at once."""
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message=one"]):
        git(shop, *words)
    app = shop / "app.py"
    terminal.open("app.py")
    await terminal.until(f"● shop :{neovim.port}")

    app.write_text(app.read_text().replace("'first'", "'from outside'"))
    terminal.type("\x1b[I")  # what a terminal sends
    await terminal.until("return 'from outside'")
    browser = Browser()
    await until_page(browser, f"http://127.0.0.1:{neovim.port}", "from outside")

    terminal.command("silent !git checkout --quiet app.py")
    await terminal.until("return 'first'")
    await until_page(browser, f"http://127.0.0.1:{neovim.port}", "first")
    terminal.command("qall!")


async def until_page(browser: Browser, address: str, html: str) -> None:
    """The server hears of what is on the screen a moment later; then no answer is older."""
    deadline = time.monotonic() + SECONDS
    while (page := await browser.open(f"{address}/")).html != html:
        assert time.monotonic() < deadline, page.html
        await asyncio.sleep(0.02)


async def until_opened(neovim: Neovim) -> str:
    """The address that the browser has been told to open."""
    noted = neovim.scratch / "browser"
    deadline = time.monotonic() + SECONDS
    while not (noted.exists() and noted.read_text().endswith("\n")):
        assert time.monotonic() < deadline, "no address has been opened"
        await asyncio.sleep(0.02)
    return noted.read_text().splitlines()[-1]


@pytest.mark.parametrize("name", PICTURES)
def test_the_pictures_are_in_the_documentation(name: str) -> None:
    picture = ElementTree.parse(IMAGES / f"neovim-{name}.svg")
    shown = "".join(picture.getroot().itertext())
    assert "shop :" in shown
    assert f"neovim-{name}.svg" in (ROOT / "neovim-client" / "README.md").read_text()
