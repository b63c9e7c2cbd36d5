"""The main job in editors that have no plugin of ours, with the configuration of their pages."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from editors.editor import Editor, write
from editors.emacs import Eglot, LspMode
from editors.kate import Kate
from editors.pages import blocks
from editors.records import compare, load, recorded
from editors.story import Page, files, play
from editors.vim import Ale
from support.processes import needs_proc, until_free, until_nobody
from support.session import free_port

Open = Callable[..., Editor]

# What a person copies from the page, block by block.
COPIED: dict[type[Editor], tuple[str, str, str]] = {
    Eglot: ("emacs.md", "eglot", "elisp"),
    LspMode: ("emacs.md", "lsp-mode", "elisp"),
    Ale: ("vim.md", "ALE", "vim"),
    Kate: ("kate.md", "LSP Client", "json"),
}
# Settings that "stand beside `trusted`".
BESIDE_TRUST: dict[type[Editor], dict[str, str]] = {
    Ale: {"{'trusted': v:true}": "{{'trusted': v:true, 'port': {port}}}"},
    Kate: {'{ "trusted": true }': '{{ "trusted": true, "port": {port} }}'},
}
TEE = Path(__file__).parent / "tee.py"
EDITORS = [pytest.param(kind, id=kind.__name__) for kind in COPIED]

pytestmark = [needs_proc, pytest.mark.timeout(600)]


@pytest_asyncio.fixture
async def open_editor(tmp_path: Path) -> AsyncIterator[Open]:
    """Editors in a project; each is ended after the test."""
    opened: list[Editor] = []

    def make(kind: Callable[[Path, Path, str], Editor], folder: Path, configuration: str) -> Editor:
        opened.append(kind(folder, tmp_path / f"home{len(opened)}", configuration))
        return opened[-1]

    yield make
    for editor in opened:
        await editor.close()


@pytest.mark.parametrize("kind", EDITORS)
async def test_the_main_job(
    kind: type[Editor], project: Callable[..., Path], open_editor: Open
) -> None:
    kind.need()
    port = free_port()
    editor = open_editor(kind, project(files(port)), configuration(kind))
    seen = await play(editor, Page(editor, port))
    compare(kind.client, kind.version(), seen)


@pytest.mark.parametrize("kind", EDITORS)
async def test_settings_and_trust_of_the_page(
    kind: type[Editor], project: Callable[..., Path], open_editor: Open, tmp_path: Path
) -> None:
    """The app starts unasked, with the editor's own setting. What the editor says is looked at."""
    kind.need()
    port = free_port()
    editor = open_editor(kind, project(files(None)), configured(kind, port))
    log = listen(editor, tmp_path)
    await editor.open("app.py")
    await Page(editor, port).until(200, "first")
    await editor.quit()
    await until_free(port)
    await until_nobody(editor.mark)

    said = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    (initialize,) = [each["params"] for each in said if each.get("method") == "initialize"]
    if kind.version() == load(kind.client).version:
        assert settled(initialize["capabilities"]) == settled(recorded(kind.client))


@pytest.mark.parametrize("kind", EDITORS)
async def test_nobody_is_left_of_a_killed_editor(
    kind: type[Editor], project: Callable[..., Path], open_editor: Open
) -> None:
    kind.need()
    port = free_port()
    editor = open_editor(kind, project(files(None)), configured(kind, port))
    await editor.open("app.py")
    await Page(editor, port).until(200, "first")
    await editor.kill()
    await until_free(port)
    await until_nobody(editor.mark)


async def test_kate_tells_that_it_cannot_ask(
    project: Callable[..., Path], open_editor: Open
) -> None:
    """Without `trusted`, there is a word of what to do. ALE answers nothing: its page has to do."""
    Kate.need()
    untrusted = configuration(Kate).replace('"trusted": true', "")
    editor = open_editor(Kate, project(files(free_port())), untrusted)
    await editor.open("app.py")
    await editor.tells("Set trusted to true in the server's initializationOptions.")
    await editor.quit()
    await until_nobody(editor.mark)


def settled(capabilities: dict[str, Any]) -> dict[str, Any]:
    """Without what another package decides: eglot shows Markdown where there is a mode for it."""
    document = {**capabilities["textDocument"], "hover": None}
    return {**capabilities, "textDocument": document}


def listen(editor: Editor, folder: Path) -> Path:
    """Where all that the editor says to the server will stand."""
    log = folder / "said"
    command = shlex.join([sys.executable, str(TEE), str(log), sys.executable, "-m", "hotplate"])
    hotplate = write(folder / "programs" / "hotplate", f'#!/bin/sh\nexec {command} "$@"\n')
    hotplate.chmod(0o755)
    editor.programs_first = hotplate.parent
    return log


def configured(kind: type[Editor], port: int) -> str:
    """All that the page says of settings, with this port, and of trust."""
    copied = [block.replace("8000", str(port)) for block in blocks(*COPIED[kind])]
    if kind is LspMode:
        whole = [each for each in copied if each not in fragments(copied)]
        for line in fragments(copied):
            whole[0] = whole[0].replace(":add-on? t\n", f":add-on? t\n{line}")
        return "\n".join(whole)
    for before, after in BESIDE_TRUST.get(kind, {}).items():
        assert before in copied[0]
        copied[0] = copied[0].replace(before, after.format(port=port))
    return "\n".join(copied)


def fragments(copied: list[str]) -> list[str]:
    """Blocks that are lines of another one."""
    return [block for block in copied if block.startswith(":")]


def configuration(kind: type[Editor]) -> str:
    """The first block, which is enough by itself, and the one with the commands."""
    copied = blocks(*COPIED[kind])
    return "\n".join([copied[0], *(block for block in copied if "restart" in block)])
