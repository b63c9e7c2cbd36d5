"""One app of the workspace, and what the person may do with it."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import attrs
from lsprotocol import types

from hotplate.lsp import fixes, protocol
from hotplate.lsp.app_problems import AppProblems
from hotplate.lsp.client import Client
from hotplate.lsp.diagnostics import Problems
from hotplate.lsp.face import EditorFace
from hotplate.lsp.lenses import lenses
from hotplate.lsp.places import Places, in_units
from hotplate.lsp.port_question import PortQuestion
from hotplate.project.planner import AppPlanner
from hotplate.project.schema import Settings
from hotplate.supervision.events import Change, Failure, Phase, Signature
from hotplate.supervision.supervisor import Supervisor

STOP_SECONDS = 0.25

# Settings whose change is nothing to the process that runs.
TAKES_EFFECT_AT_ONCE = frozenset(
    {
        "name", "extra_files", "exclude_patterns", "warmup", "drain_seconds", "start_seconds",
        "auto_start", "restart_on_save", "watch_external_changes", "open_browser", "sources",
    }
)  # fmt: skip


class App:
    """One app: its supervisor, its face in the editor, its problems."""

    def __init__(
        self,
        id_: str,
        name: str,
        planner: AppPlanner,
        client: Client,
        places: Places,
        problems: Problems,
    ) -> None:
        self.id = id_
        self.name = name
        self.planner = planner
        self._client = client
        self._places = places
        self.problems = AppProblems(id_, planner, places, problems, client.related)
        self.face = EditorFace(id_, name, planner, client, places, self.problems, self._port_taken)
        self.supervisor = Supervisor(planner, self.face)
        self._port = PortQuestion(client, planner, self.supervisor)
        self.left_out: dict[str, Signature | None] = {}
        """Files saved in a way that does not count (`restartOnSave`), in that version."""

    @property
    def settings(self) -> Settings:
        return self.planner.settings

    @property
    def untouched(self) -> bool:
        """Whether nobody has started it yet."""
        return self.supervisor.status.generation == 0

    @property
    def last_state(self) -> protocol.StateParams:
        """The state as it was told last."""
        return self.face.last_state

    # ------------------------------------------------------------ what the person does

    async def reconfigure(self, settings: Settings) -> None:
        """Take new settings; restart only for those that the process has been given."""
        before, self.planner.settings = self.planner.settings, settings
        changed = {
            field.name
            for field in attrs.fields(Settings)
            if getattr(before, field.name) != getattr(settings, field.name)
        }
        if before.interpreter_source != settings.interpreter_source:
            changed.add("interpreter")  # the same, but now the person vouches for it, or no more
        named = before.sources.get("port") != settings.sources.get("port")
        if self.planner.port_override is not None and ("port" in changed or named):
            # The person has named a port: it counts, though it may be the one that was taken.
            self.planner.port_override = None
            changed.add("port")
        if before.console_for_others != settings.console_for_others:
            changed.add("debugger")  # the value may be the same, and another's word
        if not changed:
            return
        self.problems.renew()
        if "interpreter" in changed and await self._keeps_interpreter():
            changed.remove("interpreter")
        if changed - TAKES_EFFECT_AT_ONCE:
            if self.supervisor.status.phase is not Phase.STOPPED:
                self.supervisor.restart("configuration", fresh=True)
        else:
            self.supervisor.retune()

    async def _keeps_interpreter(self) -> bool:
        """Whether what is said now is the interpreter at work: an editor's own Python tool often
        names, somewhat late, the one that was found without it."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, self.planner.keeps_interpreter)

    def leaves_out(self, change: Change) -> bool:
        """Whether a file is as it was when a save of it did not count."""
        path, found = change
        return path in self.left_out and self.left_out[path] == found

    def file_saved(self, uri: str) -> None:
        """What had been raised in this file is answered by the save."""
        self.problems.saved(uri)

    async def use_free_port(self) -> int:
        """Start on the next port that is free, until the settings name another; that port."""
        return await self._port.use_next()

    def _port_taken(self, failure: Failure, message: str) -> None:
        self._client.later(self._port.ask(failure, message))

    async def stop(self) -> None:
        """Stop, and come back when that has been told, if it takes no more than a moment.

        lsp-mode loses what comes in one breath with the answer to a command, so the answer is last.
        """
        self.supervisor.stop()
        await self.supervisor.stopped(STOP_SECONDS)

    async def close(self) -> None:
        """End it: it is none of the workspace's any more."""
        await self.supervisor.close()
        self.problems.ended()
        self._client.notify(protocol.REMOVED, protocol.RemovedParams(self.id))

    async def open_in_browser(self) -> None:
        url = self.supervisor.status.url
        if url is None:
            self._client.tell(f"{self.name} is not running. Start it first.")
        else:
            await self._client.open(url)

    async def open_debugger(self, id_: str | None) -> dict[str, Any]:
        """Open a traceback's interactive page: the last one, unless named."""
        url = self.face.tracebacks.page(id_, self.supervisor.status.generation)
        if self.supervisor.status.phase is Phase.STOPPED:
            raise ValueError(f"{self.name} has been stopped, and its debugger with it.")
        if not self._is_alive:
            raise ValueError(
                "The process that raised this has ended, and its debugger with it. Start the app, "
                "and make the request again."
            )
        await self._client.open(url)
        return {"url": url}

    @property
    def _is_alive(self) -> bool:
        """Whether there is a process that could show a page."""
        status = self.supervisor.status
        return status.phase in (Phase.RUNNING, Phase.FAILED) and status.pid is not None

    def has_traceback(self, id_: str) -> bool:
        return id_ in self.face.tracebacks

    def fixes(self, problem: types.Diagnostic) -> list[fixes.Fix]:
        """What can be done about one of its problems."""
        data = problem.data if isinstance(problem.data, dict) else {}
        id_ = str(data.get("traceback"))
        alive = self._is_alive
        alive = alive and self.face.tracebacks.is_alive(id_, self.supervisor.status.generation)
        return fixes.fixes(
            fixes.Case(
                app=self.id,
                name=self.name,
                type=str(problem.code),
                traceback=id_ if alive else None,
                has_pin=self.supervisor.pin is not None,
                commands=self._client.commands,
            )
        )

    def lenses(self, path: str) -> list[types.CodeLens]:
        """The lenses for a file, if the app stands in it."""
        located = self.planner.located
        if located is None or located.file is None or os.path.realpath(located.file) != path:
            return []
        range_ = in_units(self._places, path, located.line or 0)
        status, pin = self.supervisor.status, self.supervisor.pin
        return lenses(range_, self.id, self.name, status, pin is not None)
