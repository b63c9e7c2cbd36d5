"""The workspace: its folders, their settings, and the apps that follow from them."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
from lsprotocol import types

from hotplate.lsp.app import App
from hotplate.lsp.client import Client
from hotplate.lsp.diagnostics import Problems
from hotplate.lsp.fixes import Fix
from hotplate.lsp.places import Places, in_units
from hotplate.lsp.which import NOT_NOW, Which
from hotplate.project.approvals import Approvals
from hotplate.project.evidence import looks_like_flask, mentions_flask
from hotplate.project.ownership import python_files_in
from hotplate.project.planner import AppPlanner
from hotplate.project.problems import Problem
from hotplate.project.settings import (
    Resolved,
    Settings,
    app_id,
    app_name,
    read_pyproject,
    resolve,
)
from hotplate.supervision.events import Phase
from hotplate.supervision.files import signature

logger = logging.getLogger(__name__)

LARGEST_TYPED = 1_000_000
"""Bytes of a source that a person may be typing in."""

START, ALWAYS = "Start", "Always for this folder"


@attrs.define
class Folder:
    """A workspace folder and the apps in it."""

    uri: str
    path: Path
    which: Which
    apps: dict[str, App] = attrs.field(factory=dict)
    spare: AppPlanner | None = None
    unlikely: list[App] = attrs.field(factory=list)
    """Apps in whose source there is no Flask yet: looked at again when a file is saved."""
    complained: set[str] = attrs.field(factory=set)
    turn: asyncio.Lock = attrs.field(factory=asyncio.Lock)


class Workspace:
    """All folders. `initial` are the initializationOptions, `trusted` the client's word for it."""

    def __init__(self, client: Client, places: Places, initial: object, trusted: bool) -> None:
        self.client = client
        self.places = places
        self.problems = Problems(client.publish)
        self._initial = initial
        self._pushed: Any = None
        self._trusted = trusted
        self._approvals = Approvals()
        self._folders: dict[str, Folder] = {}

    @property
    def apps(self) -> list[App]:
        return [app for folder in self._folders.values() for app in folder.apps.values()]

    def find_app(self, argument: Mapping[str, Any]) -> App:
        """The app that a command means. Raises ValueError with what to say."""
        apps = self.apps
        if not apps:
            raise ValueError("There is no Flask app in this workspace. Name one in hotplate.app.")
        wanted = argument.get("app")
        if wanted is None:
            traceback = argument.get("id")
            apps = [app for app in apps if app.has_traceback(str(traceback))] or apps
            if len(apps) == 1:
                return apps[0]
            raise ValueError("There are several apps: say which, " + _names(apps))
        for app in apps:
            if app.id == wanted:
                return app
        raise ValueError(f"There is no app {wanted!r}: there is " + _names(apps))

    # ------------------------------------------------------------ folders and settings

    async def add_folder(self, uri: str) -> None:
        """Find the folder's apps, and start those that are to start by themselves."""
        path = self.places.path(uri)
        if path is None:
            self.client.tell(
                f"Hotplate can run apps only in folders on this machine, not in {uri}.",
                types.MessageType.Warning,
            )
            return
        spelled = Path(_spelled(uri, path))
        self.places.add_folder(spelled)
        folder = self._folders.setdefault(uri, Folder(uri, spelled, Which(self.client, spelled)))
        await self.configure(folder)

    async def remove_folder(self, uri: str) -> None:
        folder = self._folders.pop(uri, None)
        if folder is not None:
            await asyncio.gather(*(self._close(app) for app in folder.apps.values()))
            self.problems.clear(f"settings:{uri}")

    async def configure_all(self, pushed: Any = None) -> None:
        """The settings may have changed. `pushed` is what a client sends that can't be asked."""
        if isinstance(pushed, Mapping) and pushed.get("hotplate") is not None:
            self._pushed = pushed["hotplate"]
        await asyncio.gather(*(self.configure(folder) for folder in self._folders.values()))

    async def configure(self, folder: Folder, look: bool = True, said: bool = False) -> None:
        """Read the folder's settings and bring its apps in line with them. `look` for an app where
        none is named; start what is new if the person has `said` so."""
        async with folder.turn:
            asked = await self.client.settings(folder.uri)
            editor = [self._initial, self._pushed, asked]
            loop = asyncio.get_running_loop()
            resolved = await loop.run_in_executor(None, _resolve, editor, folder.path)
            self._complain(folder, resolved.problems)
            apps = resolved.apps
            if len(apps) == 1:
                apps = [await folder.which.apply(apps[0], look)]
            fresh = await self._arrange(folder, apps)
            for app in fresh if said else ():
                app.supervisor.start()
        if fresh and not said:
            self.client.later(self._auto_start(folder, fresh))

    async def _arrange(self, folder: Folder, wanted: list[Settings]) -> list[App]:
        """Close what is not wanted any more, and make what is new; the new ones."""
        loop = asyncio.get_running_loop()
        settings = {app_id(folder.path, each): each for each in wanted}
        for id_ in [id_ for id_ in folder.apps if id_ not in settings]:
            await self._close(folder.apps.pop(id_))
        fresh: list[App] = []
        for id_, each in settings.items():
            if id_ in folder.apps:
                await folder.apps[id_].reconfigure(each)
                continue
            planner = AppPlanner(each, folder.path)
            located = await loop.run_in_executor(None, planner.locate)
            missing = located.kind == "none" and each.auto_start != "always"
            if len(settings) == 1 and (folder.which.several or missing):
                folder.spare = planner  # no Flask app here, and nobody says that there is
                if each.auto_start != "never" and not folder.which.asked:
                    self._ask_which(folder)
                continue
            fresh.append(self._add_app(folder, planner))
        return fresh

    def _add_app(self, folder: Folder, planner: AppPlanner) -> App:
        id_ = app_id(folder.path, planner.settings)
        name = app_name(folder.path, planner.settings)
        app = App(id_, name, planner, self.client, self.places, self.problems)
        folder.apps[id_] = app
        folder.spare = None
        return app

    def app_to_start(self, argument: Mapping[str, Any]) -> App | None:
        """As `find_app`; where none was found, the person says that there is one all the same.
        None: there are several, and the person is asked which."""
        for folder in self._folders.values():
            if not self.apps and folder.spare is not None:
                if self._ask_which(folder):
                    return None
                return self._add_app(folder, folder.spare)
        return self.find_app(argument)

    def _ask_which(self, folder: Folder) -> bool:
        """Ask which of several apps is to run, if there are."""
        if folder.which.several:
            folder.which.asked = True
            self.client.later(self._choose(folder))
        return bool(folder.which.several)

    async def _choose(self, folder: Folder) -> None:
        vouched_for = self._trusted or self._approvals.approved(folder.path)
        if await folder.which.ask(vouched_for) and folder.spare is not None:
            settings = folder.spare.settings
            await self.configure(folder, said=True)
            if await folder.which.offer_to_remember(settings):
                await self.configure(folder)

    async def _close(self, app: App) -> None:
        await app.close()

    def _complain(self, folder: Folder, mistakes: Iterable[Problem]) -> None:
        """Tell each mistake in the settings once: on its line, or as a message."""
        shown: dict[str, list[types.Diagnostic]] = {}
        told: set[str] = set()
        for mistake in mistakes:
            if mistake.path is not None:
                path = os.path.realpath(mistake.path)
                diagnostic = types.Diagnostic(
                    range=in_units(self.places, path, mistake.line or 0),
                    message=mistake.message,
                    severity=types.DiagnosticSeverity.Warning,
                    source="hotplate",
                )
                shown.setdefault(self.places.uri(path), []).append(diagnostic)
            else:
                told.add(mistake.message)
                if mistake.message not in folder.complained:
                    self.client.tell(mistake.message, types.MessageType.Warning)
        folder.complained = told
        self.problems.put(f"settings:{folder.uri}", shown)

    def fixes(self, uri: str, range_: types.Range) -> list[tuple[types.Diagnostic, list[Fix]]]:
        """What can be done about each problem of an app's that touches a range."""
        path = self.places.path(uri)
        if path is None:
            return []
        apps = {app.id: app for app in self.apps}
        found = []
        for problem in self.problems.at(self.places.uri(path), range_):
            data = problem.data if isinstance(problem.data, dict) else {}
            app = apps.get(str(data.get("app")))
            if app is not None:
                found.append((problem, app.fixes(problem)))
        return found

    # ------------------------------------------------------------ starting by itself

    async def _auto_start(self, folder: Folder, apps: list[App]) -> None:
        always = [app for app in apps if _person_says_always(app.settings)]
        for app in always:
            app.supervisor.start()
        others = [app for app in apps if app not in always]
        loop = asyncio.get_running_loop()
        likely = [app for app in others if await loop.run_in_executor(None, _is_flask, app.planner)]
        for app in likely:
            if app.settings.auto_start == "never":
                app.face.introduce()
        likely = [app for app in likely if app.settings.auto_start != "never"]
        asking = [app for app in others if app.settings.auto_start != "never"]
        folder.unlikely += [app for app in asking if app not in likely]
        if likely and await self._may_start(folder, likely):
            for app in likely:
                app.supervisor.start()

    async def _may_start(self, folder: Folder, apps: list[App]) -> bool:
        if self._trusted or self._approvals.approved(folder.path):
            return True
        for app in apps:
            app.face.introduce()  # the person may start it by hand instead
        names = " and ".join(app.name for app in apps)
        question = f"Start the Flask app {names} in {folder.path}? Hotplate will run its code."
        answer = await self.client.choose(question, [START, ALWAYS, NOT_NOW])
        if self.client.knows_no_questions:
            self.client.tell(
                f"Hotplate has not started {names}: this editor cannot show the question whether "
                "it may. Set trusted to true in the server's initializationOptions.",
                types.MessageType.Warning,
            )
        if answer == ALWAYS:
            self._approvals.approve(folder.path)
        return answer in (START, ALWAYS)

    # ------------------------------------------------------------ files

    def saved(self, uri: str, automatic: bool) -> None:
        """The person has saved a file; `automatic`: the editor has, after a delay."""
        path = self.places.path(uri)
        if path is None:
            return
        for app in self.apps:
            policy = app.settings.restart_on_save
            if policy == "never" or (automatic and policy == "manual"):
                app.left_out[path] = signature(path)
                continue
            app.file_saved(uri)
            if automatic and path.endswith(".py"):
                self.client.later(self._saved_if_it_parses(app, path))
            else:
                app.supervisor.saved([path])
        self._heed_settings([path])

    async def _saved_if_it_parses(self, app: App, path: str) -> None:
        """A line half written is saved too, after a delay; it is no reason to break the app."""
        app.left_out[path] = signature(path)
        if await asyncio.get_running_loop().run_in_executor(None, _parses, path):
            app.supervisor.saved([path])

    def moved(self, uris: Iterable[str]) -> None:
        """The person has created, renamed or deleted files in the editor, perhaps whole folders:
        an editor's watcher does not always tell what was in one."""
        paths = [path for path in map(self.places.path, uris) if path is not None]
        paths = [each for path in paths for each in (path, *python_files_in(path))]
        for app in self.apps:
            if app.settings.restart_on_save == "never":
                app.left_out.update((path, signature(path)) for path in paths)
            else:
                # Not as saves: what the app has read under its new name already is no news.
                app.supervisor.saved(paths, external=True)
        self._heed_settings(paths)

    def changed_outside(self, uris: Iterable[str]) -> None:
        """The editor has seen files change that it did not save: git, a generator."""
        paths = [path for path in map(self.places.path, uris) if path is not None]
        for app in self.apps:
            # The editor's watcher repeats its own saves: those that do not count stay out.
            news = [path for path in paths if not app.leaves_out(path)]
            if app.settings.watch_external_changes and news:
                app.supervisor.saved(news, external=True)
        self._heed_settings(paths)

    def _heed_settings(self, paths: list[str]) -> None:
        for folder in list(self._folders.values()):
            if os.path.realpath(folder.path / "pyproject.toml") in paths:
                self.client.later(self.configure(folder))
            elif not folder.apps and any(path.endswith(".py") for path in paths):
                self.client.later(self._look_again(folder, paths))
            elif folder.which.gone:
                self.client.later(self.configure(folder))  # it has got another name
            elif folder.unlikely and any(path.endswith(".py") for path in paths):
                again, folder.unlikely = folder.unlikely, []
                again = [app for app in again if app.untouched and app in folder.apps.values()]
                self.client.later(self._auto_start(folder, again))

    async def _look_again(self, folder: Folder, paths: list[str]) -> None:
        """It may be the first app.py of a new project."""
        loop = asyncio.get_running_loop()
        look = await loop.run_in_executor(None, _any_mentions_flask, paths)
        await self.configure(folder, look)

    # ------------------------------------------------------------ the end

    async def close(self) -> None:
        """End all apps."""
        await asyncio.gather(*(app.supervisor.close() for app in self.apps))

    def abandon(self) -> None:
        """Kill all that is left."""
        for app in self.apps:
            app.supervisor.abandon()

    @property
    def at_rest(self) -> bool:
        return all(app.supervisor.status.phase is Phase.STOPPED for app in self.apps)


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


def _person_says_always(settings: Settings) -> bool:
    """Whether to start without a question. A project's own file can't say so: it may have come
    with a clone, and opening that must not run its code."""
    return settings.auto_start == "always" and settings.sources.get("auto_start") == "editor"


def _is_flask(planner: AppPlanner) -> bool:
    """Whether to start without being told: the person has named an app, or the code has one."""
    located = planner.locate()
    return located.kind == "configured" or (
        located.kind == "found" and looks_like_flask(planner.folder)
    )


def _any_mentions_flask(paths: list[str]) -> bool:
    return any(path.endswith(".py") and mentions_flask(Path(path)) for path in paths)


def _parses(path: str) -> bool:
    """Whether it is no line half written. Nobody types into what is too large to be looked at:
    to compile 50 MB takes ten seconds, in which nothing else here would run."""
    try:
        if os.path.getsize(path) > LARGEST_TYPED:
            return True
        compile(Path(path).read_bytes(), path, "exec", dont_inherit=True)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _spelled(uri: str, real: str) -> str:
    """The folder's path as the editor writes it, symbolic links and all."""
    from pygls import uris

    path = uris.to_fs_path(uri)
    return os.path.normpath(path) if path else real


def _names(apps: Iterable[App]) -> str:
    return ", ".join(f"{app.name} ({app.id})" for app in apps)
