"""Emacs in a terminal, typed into, and read by its own emacsclient."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

from editors.editor import SECONDS, Editor, Shown, output_of, write
from editors.terminal import Terminal
from support import debian

SITE = Path("/usr/share/emacs/site-lisp/elpa")
DRIVER = Path(__file__).parent / "driver.el"


class Emacs(Editor):
    """`init` is the configuration, from the page."""

    package: str
    asks = True
    clear = ""
    """The keys that take away what the minibuffer suggests."""
    heard_form: str
    """Sends `hotplate.state`, and comes back with its answer."""

    @classmethod
    def need(cls) -> None:
        def present() -> bool:
            found = SITE.glob(f"{cls.package.removeprefix('elpa-')}-[0-9]*")
            return bool(shutil.which("emacs") and shutil.which("emacsclient") and any(found))

        debian.need(f"Emacs with {cls.package}", present, "emacs-nox", cls.package)

    def __init__(self, folder: Path, home: Path, init: str) -> None:
        super().__init__(folder, home)
        self._terminal = Terminal()
        self._socket = home / "server"
        # Compiling its libraries in the background would take the test's processors.
        write(home / ".emacs.d" / "early-init.el", "(setq native-comp-deferred-compilation nil)\n")
        write(home / ".emacs.d" / "init.el", f'{init}\n(load "{DRIVER}")\n')

    async def open(self, file: str) -> None:
        env = {**self.environment(), "HOTPLATE_TEST_SOCKET": str(self._socket)}
        await self._terminal.start("emacs", "-nw", file, cwd=self.folder, env=env)

        async def listens() -> bool:
            assert self._terminal.process.returncode is None, await self.scene()
            return self._socket.exists()

        await self.wait("Emacs to listen", listens)

    async def edit(self, before: str, after: str) -> None:
        await self.evaluate(
            f"""(save-excursion
                  (goto-char (point-min))
                  (search-forward {json.dumps(before, ensure_ascii=False)})
                  (replace-match {json.dumps(after, ensure_ascii=False)} t t)
                  (save-buffer) t)"""
        )

    async def quit(self) -> None:
        self._terminal.type("\x18\x03")  # C-x C-c
        await asyncio.wait_for(self._terminal.process.wait(), SECONDS)

    async def answer(self, choice: str) -> None:
        async def asked() -> bool:
            return bool(await self.evaluate("(hotplate-test-question)"))

        await self.wait("the question", asked)
        # A space would complete a word; a tab completes the whole.
        self._terminal.type(f"{self.clear}{choice.split()[0]}\t\r")

    async def run(self, command: str) -> bool:
        self._terminal.type(f"\x1bxhotplate\r{command}\r")  # M-x
        return True

    async def problems(self) -> list[Shown]:
        found = await self.evaluate("(hotplate-test-problems)")
        return [Shown(line, begin, end, text) for line, begin, end, text in found or []]

    async def related(self) -> list[str]:
        return [each.message for each in await self.problems() if "load_app" in each.message]

    async def told(self) -> str:
        return str(await self.evaluate("(hotplate-test-told)"))

    async def heard(self) -> bool:
        await self.evaluate(self.heard_form)
        return True

    async def evaluate(self, form: str) -> Any:
        """The value of a form in the project's buffer, as JSON has it."""
        # By a file: emacsclient breaks what is long, and what the server prints, apart.
        answer = self.home / "answer"
        form = f"(hotplate-test-evaluate '{form} {json.dumps(str(answer))})"
        await output_of("emacsclient", "--socket-name", self._socket, "--eval", form)
        value = json.loads(answer.read_text("utf-8"))
        answer.unlink()
        return value

    async def scene(self) -> str:
        return self._terminal.drawn[-4000:]

    async def kill(self) -> None:
        self._terminal.process.kill()
        await self._terminal.process.wait()

    async def close(self) -> None:
        self._terminal.close()


class Eglot(Emacs):
    client = "eglot"
    clear = "\x01\x0b"  # C-a C-k
    package = "elpa-eglot"
    programs = {"eglot": "elpa-eglot", "Emacs": "emacs-nox"}
    heard_form = """(jsonrpc-request (eglot-current-server) :workspace/executeCommand
                                     '(:command "hotplate.state" :arguments []))"""


class LspMode(Emacs):
    client = "lspmode"
    package = "elpa-lsp-mode"
    programs = {"lsp-mode": "elpa-lsp-mode", "Emacs": "emacs-nox"}
    heard_form = '(ignore (lsp-workspace-command-execute "hotplate.state" []))'

    def __init__(self, folder: Path, home: Path, init: str) -> None:
        # lsp-mode asks for each new project whether it is one. That is answered before.
        super().__init__(folder, home, f"(setq lsp-auto-guess-root t)\n{init}")

    async def lenses(self) -> list[str]:
        async def shown() -> list[str]:
            titles = await self.evaluate("(hotplate-test-lenses)") or []
            return titles if any(title.startswith("● Running") for title in titles) else []

        return await self.wait("the code lenses", shown)

    async def click(self, title: str) -> None:
        await self.evaluate(f'(ignore (hotplate-test-click "{title}"))')
