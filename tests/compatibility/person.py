"""Somebody who works on a Flask project with Hotplate in the editor."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from support.session import Session, free_port

APP = """\
from flask import Flask

app = Flask(__name__)
WORD = "one"


@app.route("/")
def index():
    return WORD
"""
"""The plainest one: its page is a word that a save can change."""
BROKEN = "\n1 / 0  # broken\n"


class Person:
    """A session, and what is done in it day by day. Each step waits for what must come of it."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.folder: Path = session.folder
        self.state: dict[str, Any] = {}
        self.socket: str | None = None
        """Where to look for the app if it has no address that a browser knows."""

    @property
    def url(self) -> str:
        return self.socket or str(self.state["url"])

    async def open(self, python: str = sys.executable, **settings: Any) -> str:
        """Open the project, with the interpreter of its environment, and wait until the app runs;
        its address. Settings are as an editor has them."""
        await self.session.start({"port": free_port(), "interpreter": python, **settings})
        self.state = await self.session.state("running")
        return self.url

    async def look(self, path: str = "/", **headers: str) -> str:
        """The page, as it is told to be well."""
        status, text = await self.session.get(self.url, path, **headers)
        assert status == 200, text
        return text

    async def edit(self, name: str, old: str, new: str) -> None:
        """Save a file with a change in it; the app runs with it when this comes back."""
        file = self.folder / name
        text = file.read_text("utf-8")
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {name}"
        await self.save(name, text.replace(old, new))

    async def save(self, name: str, text: str) -> None:
        """Save a file that matters; the app runs with it when this comes back."""
        generation = self.state["generation"]
        self.session.save(name, text)
        self.state = await self.session.state("running", after=generation, reason="save")

    def printed(self) -> str:
        """All that the app has printed."""
        return "".join(p["text"] for p in self.session.notifications("hotplate/output"))

    async def imported_once(self, said: str = "begun") -> None:
        """Each start has imported the module that prints this, once. A start that failed, too;
        one that another start has replaced need not have come so far."""
        await self.session.barrier()
        states = self.session.states()
        ended = {number for state, number in states if state in ("running", "failed")}
        starts = {number for _, number in states}
        times = self.printed().count(said)
        assert len(ended) <= times <= len(starts), (states, self.printed())

    async def break_and_mend(self, name: str, fails: str = "ZeroDivisionError") -> None:
        """Break a module: the problem is on its line, and the browser has it on the same port.
        Mend it: both are gone. `fails` is what the start fails with, if the app catches that."""
        file = self.folder / name
        whole = file.read_text("utf-8")
        generation = self.state["generation"]
        url = self.url
        self.session.save(name, whole + BROKEN)
        failed = await self.session.state("failed", after=generation)
        assert failed["error"]["type"] == fails
        problem = await self.session.diagnostic(file, "division by zero")
        line = whole.count("\n") + 1
        assert problem["range"]["start"]["line"] == problem["range"]["end"]["line"] == line
        status, page = await self.session.get(url)
        assert status == 500 and "ZeroDivisionError" in page
        await self.save(name, whole)
        await self.session.no_diagnostics(file)
        assert self.url == url
