"""`hotplate demo`: a real session with the example app, told and timed."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from hotplate import __version__
from hotplate.cli.demo_editor import Editor, Off
from hotplate.cli.demo_page import Page
from hotplate.cli.demo_python import DemoPython, choose_python
from hotplate.cli.demo_shop import Shop, copied_shop
from hotplate.cli.demo_story import Story
from hotplate.cli.terminal import Terminal, faint, strong


def run_demo(interpreter: str | None, keep: bool) -> int:
    """Tell the story; the exit code is 1 where anything is off."""
    # pygls warns of every message that the demo's editor has no use for.
    logging.getLogger("pygls").setLevel(logging.CRITICAL)
    terminal = Terminal()
    python = choose_python(interpreter, lambda text: terminal.line(faint(text)))
    with copied_shop(keep) as shop:
        _introduce(terminal, python, shop, keep)
        complete = asyncio.run(_session(terminal, python, shop))
        if keep:
            terminal.line(f"The copy is kept in {shop.folder}.")
    return 0 if complete else 1


def _introduce(terminal: Terminal, python: DemoPython, shop: Shop, keep: bool) -> None:
    fate = "kept" if keep else "removed at the end"
    terminal.line(strong(f"Hotplate {__version__}: what an editor sees"))
    terminal.line(f"   Server  hotplate lsp --stdio, {faint('spoken to as an editor does')}")
    terminal.line(f"   App     {shop.folder} {faint(f'(a copy of the example, {fate})')}")
    terminal.line(f"   Python  {python.path} {faint(f'({python.version}, Flask {python.flask})')}")


async def _session(terminal: Terminal, python: DemoPython, shop: Shop) -> bool:
    """One story with one server, which is gone afterwards however it went."""
    page, editor = Page(terminal), Editor(shop.folder)
    settings: dict[str, Any] = {"interpreter": str(python.path), "host": "127.0.0.1", "port": 0}
    complete = False
    try:
        await Story(editor, shop, page).tell(settings)
        complete = True
    except Off as off:
        page.off(off, editor)
    finally:
        await editor.close()
    page.end(complete)
    return complete
