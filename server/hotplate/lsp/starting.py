"""Which apps of a folder start by themselves, and the question whether they may."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from lsprotocol import types

from hotplate.lsp.app import App
from hotplate.lsp.client import Client
from hotplate.lsp.which import NOT_NOW
from hotplate.project.approvals import Approvals
from hotplate.project.evidence import looks_like_flask
from hotplate.project.planner import AppPlanner
from hotplate.project.settings import Settings

START, ALWAYS = "Start", "Always for this folder"


class Starting:
    """What is known of it for one workspace folder. `trusted` is the client's word for all.

    An app that is closed while the person thinks does not start any more: its supervisor sees to
    that.
    """

    def __init__(
        self, client: Client, folder: Path, approvals: Approvals, trusted: bool = False
    ) -> None:
        self._client = client
        self._folder = folder
        self._approvals = approvals
        self._trusted = trusted
        self._unlikely: list[App] = []

    @property
    def vouched_for(self) -> bool:
        """Whether the folder's code may run without a question."""
        return self._trusted or self._approvals.approved(self._folder)

    async def begin(self, apps: Sequence[App]) -> None:
        """Start those that are to start by themselves."""
        always = [app for app in apps if person_says_always(app.settings)]
        for app in always:
            app.supervisor.start()
        others = [app for app in apps if app not in always]
        loop = asyncio.get_running_loop()
        likely = [app for app in others if await loop.run_in_executor(None, _is_flask, app.planner)]
        others, likely = _open(others), _open(likely)
        for app in likely:
            if app.settings.auto_start == "never":
                app.face.introduce()
        asking = [app for app in others if app.settings.auto_start != "never"]
        self._unlikely += [app for app in asking if app not in likely]
        asking = [app for app in asking if app in likely]
        if asking and await self._may_start(asking):
            for app in asking:
                app.supervisor.start()

    @property
    def waits(self) -> bool:
        """Whether there are apps in whose source there was no Flask yet."""
        return bool(self._unlikely)

    async def look_again(self) -> None:
        """A file has been saved: it may have brought the Flask."""
        again, self._unlikely = self._unlikely, []
        await self.begin([app for app in _open(again) if app.untouched])

    async def _may_start(self, apps: list[App]) -> bool:
        if self.vouched_for:
            return True
        for app in apps:
            app.face.introduce()  # the person may start it by hand instead
        names = " and ".join(app.name for app in apps)
        question = f"Start the Flask app {names} in {self._folder}? Hotplate will run its code."
        answer = await self._client.choose(question, [START, ALWAYS, NOT_NOW])
        if self._client.knows_no_questions:
            self._client.tell(
                f"Hotplate has not started {names}: this editor cannot show the question whether "
                "it may. Set trusted to true in the server's initializationOptions.",
                types.MessageType.Warning,
            )
        if answer == ALWAYS and not self._approvals.approve(self._folder):
            self._client.tell(
                f"Hotplate cannot write {self._approvals.path}: {self._folder} is approved until "
                "the editor is closed, and Hotplate will ask again then. Make that file's folder "
                "writable, or name another one in the variable HOTPLATE_STATE_DIR.",
                types.MessageType.Warning,
            )
        return answer in (START, ALWAYS)


def person_says_always(settings: Settings) -> bool:
    """Whether to start without a question. A project's own file can't say so: it may have come
    with a clone, and opening that must not run its code."""
    return settings.auto_start == "always" and settings.sources.get("auto_start") == "editor"


def is_let_go(before: Settings, now: Settings) -> bool:
    """Whether an app that was held back by its settings is so no more."""
    if now.auto_start == "never":
        return False
    says_always = person_says_always(now) and not person_says_always(before)
    return before.auto_start == "never" or says_always


def _open(apps: Sequence[App]) -> list[App]:
    return [app for app in apps if not app.supervisor.closed]


def _is_flask(planner: AppPlanner) -> bool:
    """Whether to start without being told: the person has named an app, or the code has one."""
    located = planner.locate()
    return located.kind == "configured" or (
        located.kind == "found" and looks_like_flask(planner.folder)
    )
