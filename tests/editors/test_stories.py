"""The main job in editors that have no plugin of ours, with the configuration of their pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from editors.editor import Editor
from editors.emacs import Eglot, LspMode
from editors.kate import Kate
from editors.pages import blocks
from editors.records import compare
from editors.story import Page, files, play
from editors.vim import Ale
from support.processes import needs_proc
from support.session import free_port

Open = Callable[..., Editor]

# What a person copies from the page, block by block.
COPIED: dict[type[Editor], tuple[str, str, str]] = {
    Eglot: ("emacs.md", "eglot", "elisp"),
    LspMode: ("emacs.md", "lsp-mode", "elisp"),
    Ale: ("vim.md", "ALE", "vim"),
    Kate: ("kate.md", "LSP Client", "json"),
}
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


def configuration(kind: type[Editor]) -> str:
    """The first block, which is enough by itself, and the one with the commands."""
    copied = blocks(*COPIED[kind])
    return "\n".join([copied[0], *(block for block in copied if "restart" in block)])
