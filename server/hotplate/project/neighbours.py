"""Another Hotplate that holds a port: the same project in a second editor, most likely.

Nothing is written down for it, for what is written can be wrong. A process of the agent's is known
by its command, its server is its parent, and the parent of that is the editor.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePath

from attrs import frozen

from hotplate.project import ports
from hotplate.project.listeners import Owner, name_of, parent_of

_AGENT = ("hotplate_agent", "__main__.py")


@frozen
class Neighbour:
    """Who holds the port: the process of an app, or its server while the app has none."""

    owner: Owner
    server: int
    editor: str | None

    @property
    def is_here(self) -> bool:
        """Whether it is another app of our own."""
        return self.server == os.getpid()

    def serves(self, folder: Path) -> bool:
        """Whether it is the app of this folder, in another editor."""
        cwd = self.owner.cwd
        same = cwd is not None and os.path.realpath(cwd) == os.path.realpath(folder)
        return same and not self.is_here and self.owner.pid != self.server

    def described(self, folder: Path) -> str:
        """In a few words, such as `this app, which Hotplate serves for nvim (pid 7) already`."""
        app = "an app"
        if self.serves(folder):
            app = "this app"
        elif self.owner.pid != self.server and self.owner.cwd is not None:
            app = f"the app in {ports.short(self.owner.cwd, folder)}"
        if self.is_here:
            return f"{app}, which runs here as well"
        editor = f"in {self.editor}" if self.editor else "in another editor"
        return f"{app}, which Hotplate serves {editor} already (pid {self.owner.pid})"


def behind(owner: Owner) -> Neighbour | None:
    """The Hotplate behind a process that listens; None where there is none."""
    if owner.pid is None:
        return None
    if any(PurePath(word).parts[-2:] == _AGENT for word in owner.command):
        server = parent_of(owner.pid)
    elif owner.pid == os.getpid() or _is_server(owner.command):
        server = owner.pid
    else:
        return None
    if server is None:
        return None
    editor = parent_of(server)
    name = name_of(editor) if editor is not None else None
    return Neighbour(owner, server, f"{name} (pid {editor})" if name else None)


def _is_server(command: tuple[str, ...]) -> bool:
    """Each editor has its way to run it: `hotplate lsp`, or a script of an extension's own."""
    return "lsp" in command and any("hotplate" in word for word in command[:-1])
