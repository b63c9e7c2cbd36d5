"""A folder of the workspace: its settings, and the apps that follow from them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
from lsprotocol import types

from hotplate.lsp.app import App
from hotplate.lsp.asked import Asked
from hotplate.lsp.client import Client
from hotplate.lsp.diagnostics import Problems
from hotplate.lsp.places import Places, in_units
from hotplate.lsp.starting import Starting, is_let_go
from hotplate.lsp.watching import Watching
from hotplate.lsp.which import Which
from hotplate.project.approvals import Approvals
from hotplate.project.planner import AppPlanner
from hotplate.project.problems import Problem
from hotplate.project.settings import (
    Resolved,
    Settings,
    app_id,
    app_name,
    read_pyproject,
    real_app_id,
    resolve,
)


@attrs.define(eq=False)
class Common:
    """What the folders of a workspace share."""

    client: Client
    places: Places
    problems: Problems
    watching: Watching
    initial: object
    """The initializationOptions."""
    trusted: bool
    pushed: Any = None
    """What a client sends that can't be asked."""
    approvals: Approvals = attrs.field(factory=Approvals)
    folders: dict[str, Folder] = attrs.field(factory=dict)
    """Those that are open, by their URIs."""

    def watch(self) -> None:
        """Have the files watched that the settings name."""
        apps = [app for folder in self.folders.values() for app in folder.apps.values()]
        self.watching.renew(path for app in apps for path in app.planner.extra_files)


@attrs.define(eq=False)
class _Wish:
    """What is wanted of a `configure` that has not begun."""

    look: bool
    said: bool
    ask: bool
    done: asyncio.Future[None] | None = None


class Folder:
    """One workspace folder."""

    def __init__(self, uri: str, path: Path, common: Common) -> None:
        self.path = path
        self.apps: dict[str, App] = {}
        self.spare: AppPlanner | None = None
        """For the app that the person says there is, though none was found."""
        self.which = Which(common.client, path)
        self.starting = Starting(common.client, path, common.approvals, common.trusted)
        self.complained: set[str] = set()
        """What is wrong with the editor's settings, as far as it is told."""
        self.refused: set[str] = set()
        """The ids of apps that another folder has."""
        self._common = common
        self._client = common.client
        self._problems = f"settings:{uri}"
        self._asked = Asked(common.client, uri, self._answered_late)
        self._turn = asyncio.Lock()
        self._wish: _Wish | None = None
        self._closed = False
        self.looked = asyncio.Event()
        """Set once it is known which apps there are."""

    def _answered_late(self) -> None:
        self._client.later(self.configure(ask=False))

    async def configure(self, look: bool = True, said: bool = False, ask: bool = True) -> None:
        """Read the folder's settings and bring its apps in line with them. `look` for an app where
        none is named; start what is new if the person has `said` so; `ask` the editor anew.

        All who want it while it waits for its turn share it: a checkout of a thousand files is one.
        """
        wish = self._wish
        if wish is None:
            wish = self._wish = _Wish(look, said, ask)
            wish.done = asyncio.ensure_future(self._configure(wish))
        else:
            wish.look, wish.said, wish.ask = wish.look or look, wish.said or said, wish.ask or ask
        assert wish.done is not None
        try:
            await asyncio.shield(wish.done)
        finally:
            self.looked.set()

    async def _configure(self, wish: _Wish) -> None:
        """The folder may be closed at each `await`. Nothing is made in it after that."""
        async with self._turn:
            self._wish = None
            if wish.ask and not self._closed:
                await self._asked.renew()
            if self._closed:
                return
            editor = [self._common.initial, self._common.pushed, self._asked.value]
            loop = asyncio.get_running_loop()
            resolved = await loop.run_in_executor(None, _resolve, editor, self.path)
            if self._closed:
                return
            self._complain(resolved.problems)
            apps = resolved.apps
            if len(apps) == 1:
                apps = [await self.which.apply(apps[0], wish.look)]
            fresh = await self._arrange(apps)
            self._common.watch()
            for app in fresh if wish.said else ():
                app.supervisor.start()
        if fresh and not wish.said:
            self._client.later(self.starting.begin(fresh))
        elif self.starting.waits:
            self._client.later(self.starting.look_again())

    async def _arrange(self, wanted: list[Settings]) -> list[App]:
        """Close what is not wanted any more, and make what is new; what is to start by itself."""
        loop = asyncio.get_running_loop()
        settings = {app_id(self.path, each): each for each in wanted}
        for id_ in [id_ for id_ in self.apps if id_ not in settings]:
            if self._closed:
                return []
            app = self.apps.pop(id_)
            await app.close()
            self._give_up(self._real_id(app.settings))
        self.refused.intersection_update(map(self._real_id, wanted))
        fresh: list[App] = []
        for id_, each in settings.items():
            known = self.apps.get(id_)
            if known is not None:
                if known.untouched and is_let_go(known.settings, each):
                    fresh.append(known)
                await known.reconfigure(each)
                if self._closed:
                    return []
                continue
            planner = AppPlanner(each, self.path)
            located = await loop.run_in_executor(None, planner.locate)
            if self._closed:
                return []
            missing = located.kind == "none" and each.auto_start != "always"
            if len(settings) == 1 and (self.which.several or missing):
                self.spare = planner  # no Flask app here, and nobody says that there is
                if each.auto_start != "never" and not self.which.asked:
                    self.ask_which()
            elif not self._is_taken(planner):
                fresh.append(self.add_app(planner))
        return fresh

    def add_app(self, planner: AppPlanner) -> App:
        common = self._common
        id_ = app_id(self.path, planner.settings)
        name = app_name(self.path, planner.settings)
        app = App(id_, name, planner, common.client, common.places, common.problems)
        self.apps[id_] = app
        self.spare = None
        # It has one now, be it started or not. A mistake at that is no reason not to start it.
        asyncio.get_running_loop().call_soon(self._client.refresh_lenses)
        return app

    def _real_id(self, settings: Settings) -> str:
        return real_app_id(self.path, settings)

    def _holds(self, real_id: str) -> bool:
        return any(self._real_id(app.settings) == real_id for app in self.apps.values())

    def _is_taken(self, planner: AppPlanner) -> bool:
        """Whether another folder leads to the same app, and has it already. The person is told."""
        id_ = self._real_id(planner.settings)
        others = [each for each in self._common.folders.values() if each is not self]
        holder = next((each for each in others if each._holds(id_)), None)
        if holder is None:
            self.refused.discard(id_)
            return False
        if id_ not in self.refused:
            self.refused.add(id_)
            name = app_name(self.path, planner.settings)
            self._client.tell(
                f"The app {name} in {planner.folder} is that of the workspace folder "
                f"{holder.path}, too, and runs once, with the settings of that one. Close one of "
                f"the two folders, or give the app a name in hotplate.apps of {self.path} to run "
                "it twice."
            )
        return True

    def _give_up(self, id_: str) -> None:
        """An app is closed here; another folder may have been waiting for it."""
        for other in list(self._common.folders.values()):
            if id_ in other.refused:
                self._client.later(other.configure(ask=False))

    def ask_which(self) -> bool:
        """Ask which of several apps is to run, if there are."""
        if self.which.several:
            self.which.asked = True
            self._client.later(self._choose())
        return bool(self.which.several)

    async def _choose(self) -> None:
        if await self.which.ask(self.starting.vouched_for) and self.spare is not None:
            settings = self.spare.settings
            await self.configure(said=True)
            if not self._closed and await self.which.offer_to_remember(settings):
                await self.configure()

    def _complain(self, mistakes: Iterable[Problem]) -> None:
        """Tell each mistake in the settings once: on its line, or as a message."""
        places = self._common.places
        shown: dict[str, list[types.Diagnostic]] = {}
        told: set[str] = set()
        known = {each for other in self._common.folders.values() for each in other.complained}
        for mistake in mistakes:
            if mistake.path is not None:
                path = os.path.realpath(mistake.path)
                diagnostic = types.Diagnostic(
                    range=in_units(places, path, mistake.line or 0),
                    message=mistake.message,
                    severity=types.DiagnosticSeverity.Warning,
                    source="hotplate",
                )
                shown.setdefault(places.uri(path), []).append(diagnostic)
            else:
                told.add(mistake.message)
                if mistake.message not in known:  # the editor gives each folder the same
                    known.add(mistake.message)
                    self._client.tell(mistake.message, types.MessageType.Warning)
        self.complained = told
        self._common.problems.put(self._problems, shown)

    async def close(self) -> None:
        """End its apps. Settings that are under way make no new ones."""
        self._closed = True
        await asyncio.gather(*(app.close() for app in self.apps.values()))
        self._common.problems.clear(self._problems)
        for app in self.apps.values():
            self._give_up(self._real_id(app.settings))
        self._common.watch()

    async def end(self) -> None:
        """The same for the end of the server, which has nothing more to say."""
        self._closed = True
        await asyncio.gather(*(app.supervisor.close() for app in self.apps.values()))


def _resolve(editor: Iterable[object], path: Path) -> Resolved:
    """`editor` are the settings in each of the ways in which it tells them, the weakest first."""
    table, problems = read_pyproject(path)
    merged: dict[str, Any] = {}
    for each in editor:
        if isinstance(each, Mapping):
            merged.update({key: value for key, value in each.items() if value is not None})
        else:  # that one alone is passed over, and told
            problems = [*problems, *resolve(each, None, path).problems]
    resolved = resolve(merged, table, path)
    return attrs.evolve(resolved, problems=[*resolved.problems, *problems])
