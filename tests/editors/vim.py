"""Vim in a terminal, spoken to over a channel that it opens (`:help channel-use`)."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

from editors.editor import SECONDS, Editor, Shown, write
from editors.terminal import Terminal
from support import debian

ALE = Path("/usr/share/vim/vimfiles/pack/dist-bundle/opt/ale")


class Ale(Editor):
    """`vimrc` is the configuration, from the page."""

    client = "ale"
    programs = {"ALE": "vim-ale", "Vim": "vim"}

    @classmethod
    def need(cls) -> None:
        def present() -> bool:
            return bool(shutil.which("vim")) and ALE.exists()

        debian.need("Vim with ALE", present, *cls.programs.values())

    def __init__(self, folder: Path, home: Path, vimrc: str) -> None:
        super().__init__(folder, home)
        self._terminal = Terminal()
        self._vimrc = vimrc
        self._channel: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]]

    async def open(self, file: str) -> None:
        self._channel = asyncio.get_running_loop().create_future()
        listener = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        # Nothing but what the page says, with ALE as Debian packs it and its other linters off.
        write(
            self.home / ".vimrc",
            "set nocompatible noswapfile hidden encoding=utf-8\nfiletype plugin on\n"
            "let g:ale_linters = {'python': ['hotplate']}\n"
            f"packadd! ale\n{self._vimrc}\n"
            "autocmd VimEnter * let g:test_channel = "
            f"ch_open('127.0.0.1:{port}', {{'waittime': 5000}})\n",
        )
        await self._terminal.start("vim", file, cwd=self.folder, env=self.environment())
        await asyncio.wait_for(self._channel, SECONDS)
        listener.close()

    async def evaluate(self, expression: str) -> Any:
        """The value of an expression."""
        reader, writer = self._channel.result()
        writer.write(json.dumps(["expr", expression, -1]).encode())
        number, value = json.loads(await asyncio.wait_for(reader.readline(), SECONDS))
        assert number == -1
        assert value != "ERROR", f"{expression}\n{await self.scene()}"
        return value

    async def execute(self, command: str) -> str:
        """What an Ex command has printed."""
        return str(await self.evaluate(f"execute({json.dumps(command, ensure_ascii=False)})"))

    async def edit(self, before: str, after: str) -> None:
        lines = "\n".join(await self.evaluate("getline(1, '$')"))
        assert before in lines, before
        changed = json.dumps(lines.replace(before, after, 1).split("\n"), ensure_ascii=False)
        await self.evaluate(f"setline(1, json_decode('{changed.replace(chr(39), chr(39) * 2)}'))")
        await self.execute("write")

    async def problems(self) -> list[Shown]:
        found = await self.evaluate(
            "map(getloclist(0), {_, item -> [item.lnum, item.col, item.end_col, item.text]})"
        )
        return [
            Shown(line - 1, column - 1, end if end else None, text)
            for line, column, end, text in found
        ]

    async def run(self, command: str) -> bool:
        self._terminal.type(f"\x1b:Hotplate {command}\r")
        return True

    async def heard(self) -> bool:
        await self.execute("let g:test_heard = 0")
        message = [0, "workspace/executeCommand", {"command": "hotplate.state", "arguments": []}]
        await self.execute(
            f"call ale#lsp_linter#SendRequest(1, 'hotplate', {json.dumps(message)}, "
            "{_ -> execute('let g:test_heard = 1')})"
        )

        async def answered() -> bool:
            return bool(await self.evaluate("g:test_heard"))

        await self.wait("the server's answer", answered)
        return True

    async def told(self) -> str:
        return self._terminal.drawn  # ALE's messages are not kept in `:messages`

    async def quit(self) -> None:
        self._terminal.type("\x1b:qall\r")
        await asyncio.wait_for(self._terminal.process.wait(), SECONDS)

    async def kill(self) -> None:
        self._terminal.process.kill()
        await self._terminal.process.wait()

    async def close(self) -> None:
        if self._channel.done():
            self._channel.result()[1].close()
        self._terminal.close()

    async def scene(self) -> str:
        return self._terminal.drawn[-4000:]

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._channel.set_result((reader, writer))
