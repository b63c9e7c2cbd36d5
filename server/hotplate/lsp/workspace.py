"""The workspace: its folders, its apps, and what the editor tells of its files."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lsprotocol import types

from hotplate.lsp.app import App
from hotplate.lsp.client import Client
from hotplate.lsp.diagnostics import Problems
from hotplate.lsp.fixes import Fix
from hotplate.lsp.folders import Common, Folder
from hotplate.lsp.outside import Outside
from hotplate.lsp.places import Places, file_path
from hotplate.lsp.watching import Watching
from hotplate.project.evidence import mentions_flask
from hotplate.project.halves import parses
from hotplate.project.ownership import python_files_in
from hotplate.supervision.events import Change, Phase
from hotplate.supervision.files import signature


class Workspace:
    """All folders. `initial` are the initializationOptions, `trusted` the client's word for it."""

    def __init__(self, client: Client, places: Places, initial: object, trusted: bool) -> None:
        self.client = client
        self.places = places
        self.problems = Problems(client.publish)
        self.watching = Watching(client, places)
        self._common = Common(client, places, self.problems, self.watching, initial, trusted)
        self._folders = self._common.folders
        self._outside = Outside(places, client.later, self._found_changed)
        self._leaving: dict[Folder, asyncio.Future[None]] = {}

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

    async def change_folders(self, added: Iterable[str], removed: Iterable[str] = ()) -> None:
        """Folders are opened and closed. Find the apps of new ones, and start those that are to
        start by themselves.

        All are entered and struck out at once: the client's next message may be about them.
        """
        for uri in removed:
            folder = self._folders.pop(uri, None)
            if folder is not None:
                self._leaving[folder] = asyncio.ensure_future(folder.close())
        fresh = [folder for folder in map(self._enter, added) if folder is not None]
        await self._left()  # a new one may be an old one, and want its port
        await asyncio.gather(*(folder.configure() for folder in fresh))

    def _enter(self, uri: str) -> Folder | None:
        path = self.places.path(uri)
        if path is None:
            self.client.tell(
                f"Hotplate can run apps only in folders on this machine, not in {uri}.",
                types.MessageType.Warning,
            )
            return None
        spelled = Path(_spelled(uri, path))
        self.places.add_folder(spelled)
        return self._folders.setdefault(uri, Folder(uri, spelled, self._common))

    async def _left(self) -> None:
        """Wait until the folders that are being closed are so."""
        leaving = dict(self._leaving)
        await asyncio.gather(*leaving.values())
        for folder in leaving:
            self._leaving.pop(folder, None)

    async def configure_all(self, pushed: Any = None) -> None:
        """The settings may have changed. `pushed` is what a client sends that can't be asked."""
        if isinstance(pushed, Mapping) and pushed.get("hotplate") is not None:
            self._common.pushed = pushed["hotplate"]
        await asyncio.gather(*(folder.configure() for folder in self._folders.values()))

    async def looked(self) -> None:
        """Wait, where there is no app, until each folder has been looked at once."""
        if not self.apps:
            await asyncio.gather(*(folder.looked.wait() for folder in self._folders.values()))

    def app_to_start(self, argument: Mapping[str, Any]) -> App | None:
        """As `find_app`; where none was found, the person says that there is one all the same.
        None: there are several, and the person is asked which."""
        for folder in self._folders.values():
            if not self.apps and folder.spare is not None:
                if folder.ask_which():
                    return None
                return folder.add_app(folder.spare)
        return self.find_app(argument)

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
            app.file_saved(self.places.uri(path))
            if automatic and path.endswith(".py"):
                self.client.later(self._saved_if_it_parses(app, path))
            else:
                app.supervisor.saved([path])
        self._heed_settings([path])

    async def _saved_if_it_parses(self, app: App, path: str) -> None:
        """A line half written is saved too, after a delay; it is no reason to break the app."""
        app.left_out[path] = signature(path)
        if await asyncio.get_running_loop().run_in_executor(None, parses, path):
            app.supervisor.saved([path])

    def moved(self, uris: Iterable[str]) -> None:
        """The person has created, renamed or deleted files in the editor, perhaps whole folders:
        an editor's watcher does not always tell what was in one."""
        paths = [path for path in map(self.places.path, uris) if path is not None]
        paths = [each for path in paths for each in (path, *python_files_in(path))]
        changes = [Change(path, signature(path)) for path in dict.fromkeys(paths)]
        for app in self.apps:
            if app.settings.restart_on_save == "never":
                app.left_out.update(changes)
            else:
                # Not as saves: what the app has read under its new name already is no news.
                app.supervisor.changed(changes)
        self._heed_settings(paths)

    def changed_outside(self, uris: Sequence[str]) -> None:
        """The editor has seen files change that it did not save: git, a generator."""
        self._outside.told(uris)

    def _found_changed(self, changes: Sequence[Change]) -> None:
        for app in self.apps:
            # The editor's watcher repeats its own saves: those that do not count stay out.
            news = [change for change in changes if not app.leaves_out(change)]
            if app.settings.watch_external_changes and news:
                app.supervisor.changed(news)
        self._heed_settings([change.path for change in changes])

    def _heed_settings(self, paths: list[str]) -> None:
        for folder in list(self._folders.values()):
            if os.path.realpath(folder.path / "pyproject.toml") in paths:
                self.client.later(folder.configure())
            elif not folder.apps and any(path.endswith(".py") for path in paths):
                self.client.later(self._look_again(folder, paths))
            elif folder.which.gone:
                self.client.later(folder.configure())  # it has got another name
            elif folder.starting.waits and any(path.endswith(".py") for path in paths):
                self.client.later(folder.starting.look_again())

    async def _look_again(self, folder: Folder, paths: list[str]) -> None:
        """It may be the first app.py of a new project."""
        loop = asyncio.get_running_loop()
        look = await loop.run_in_executor(None, _any_mentions_flask, paths)
        await folder.configure(look)

    # ------------------------------------------------------------ the end

    async def close(self) -> None:
        """End all apps."""
        await asyncio.gather(self._left(), *(folder.end() for folder in self._folders.values()))

    def abandon(self) -> None:
        """Kill all that is left."""
        for folder in (*self._folders.values(), *self._leaving):
            for app in folder.apps.values():
                app.supervisor.abandon()

    @property
    def at_rest(self) -> bool:
        return all(app.supervisor.status.phase is Phase.STOPPED for app in self.apps)


def _any_mentions_flask(paths: list[str]) -> bool:
    return any(path.endswith(".py") and mentions_flask(Path(path)) for path in paths)


def _spelled(uri: str, real: str) -> str:
    """The folder's path as the editor writes it, symbolic links and all."""
    path = file_path(uri)
    return os.path.normpath(path) if path else real


def _names(apps: Iterable[App]) -> str:
    return ", ".join(f"{app.name} ({app.id})" for app in apps)
