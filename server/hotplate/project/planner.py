"""From what the person asked for to the orders for a start."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from hotplate.project import addresses, discovery
from hotplate.project.environment import Peek, dotenv_files, layered_env, peek
from hotplate.project.files import expand, is_dir, read_text
from hotplate.project.interpreter import Interpreter, InterpreterNotFound, find, needs_consent
from hotplate.project.pyproject import find_line
from hotplate.project.schema import Settings
from hotplate.supervision.events import Failure
from hotplate.supervision.listener import absolute
from hotplate.supervision.plan import Plan, PlanError
from hotplate_agent.messages import Load, Report


class AppPlanner:
    """Plans one app's starts. Its settings may be replaced between two of them."""

    def __init__(
        self, settings: Settings, workspace: Path, base: Mapping[str, str] = os.environ
    ) -> None:
        self.settings = settings
        self.workspace = workspace
        self.port_override: int | None = None
        """The port that the person has chosen in place of a taken one."""
        self.found: Interpreter | None = None
        """The interpreter of the last plan."""
        self.located: discovery.Located | None = None
        """Where the app stood when it was last looked for."""
        self._base = base

    @property
    def folder(self) -> Path:
        return self.settings.home(self.workspace)

    def peek(self) -> Peek:
        """What the environment says of the app."""
        return peek(self.settings, self.workspace, self._base)

    def locate(self) -> discovery.Located:
        """Where the app stands in the source. Reads and parses it."""
        self.located = discovery.locate(self.settings, self.peek(), self.workspace)
        return self.located

    def interpreter(self) -> Interpreter:
        """The person's Python. Raises PlanError with what to do."""
        if needs_consent(self.settings, self.workspace, self._base):
            self.found = None
            raise _refused(
                "interpreter",
                "InterpreterNotAllowed",
                f"pyproject.toml names the interpreter {self.settings.interpreter}, which lies "
                "outside of the project. Set hotplate.interpreter in your editor if you trust it.",
            )
        try:
            self.found = find(self.settings, self.workspace, self._base)
        except InterpreterNotFound as error:
            self.found = None
            raise _refused("interpreter", "InterpreterNotFound", str(error)) from error
        return self.found

    def keeps_interpreter(self) -> bool:
        """Whether the settings of now lead to the interpreter of the last plan."""
        before = self.found
        try:
            return before is not None and self.interpreter().is_same(before)
        except PlanError:
            return False

    def place_of(self, field: str) -> tuple[Path, int] | None:
        """The file and line (from 0) where the person has set something, if it is in a file."""
        if self.settings.sources.get(field) == "pyproject":
            path = self.workspace / "pyproject.toml"
            key = field.replace("_", "-")
            return path, find_line(read_text(path) or "", ("tool", "hotplate", key))
        source = self.peek().sources.get(field)
        if source is None or field in self.settings.explicit:
            return None
        variable, _, name = source.partition(" in ")
        path = self.settings.working_directory(self.workspace) / name
        for number, line in enumerate((read_text(path) or "").splitlines()):
            if variable in line:
                return path, number
        return None

    def plan(self) -> Plan:
        """See `supervision.plan.Planner`."""
        settings, known = self.settings, self.peek()
        self.locate()
        interpreter = self.interpreter()
        cwd = settings.working_directory(self.workspace)
        if not is_dir(cwd):
            raise _refused(
                "settings",
                "FolderNotFound",
                f"The app's folder {cwd} is not there. Set hotplate.folder or hotplate.cwd.",
            )
        script, module = _script_or_module(settings.script)
        starts_itself = script is not None or module is not None
        port = self.port_override if self.port_override is not None else settings.port
        host = settings.host
        cert = settings.cert or known.cert
        address = (
            absolute(host or known.host or "127.0.0.1", str(cwd)),
            port if port is not None else (5000 if known.port is None else known.port),
        )
        return Plan(
            interpreter=str(interpreter.path),
            cwd=str(cwd),
            env=layered_env(settings, self.workspace, self._base),
            load=Load(
                generation=0,
                folder=str(self.folder),
                app=settings.app,
                script=script,
                module=module,
                args=list(settings.args),
                host=host,
                port=port,
                cert=settings.cert,
                key=settings.key,
                threaded=settings.threaded,
                debug=settings.debug,
                debugger=settings.debugger,
                console=settings.console_for_others,
                env_file=self._env_file(cwd),
                fallback_host=address[0],
                fallback_port=address[1],
                learn=settings.warmup != "off",
            ),
            # Only the script knows where it will listen, unless the person has said so.
            address=address if not starts_itself or port is not None else None,
            tls=cert is not None,
            insist_host=host and absolute(host, str(cwd)),
            insist_port=port,
            heeded=self.extra_files | self._environment(),
            excluded=tuple(settings.exclude_patterns),
            project=tuple(os.path.realpath(path) + os.sep for path in {self.folder, cwd}),
            drain_seconds=settings.drain_seconds,
            start_seconds=settings.start_seconds,
            certificate=_files(cwd, cert, settings.key or known.key),
            environment=self._environment(),
            warmup=settings.warmup,
        )

    def listen_failure(self, kind: str, host: str, port: int, why: str = "") -> Failure:
        """See `supervision.plan.Planner`."""
        tls = (self.settings.cert or self.peek().cert) is not None
        cwd = self.settings.working_directory(self.workspace)
        return addresses.refused(kind, host, port, why, cwd, tls)

    def _env_file(self, cwd: Path) -> str | None:
        path = self.settings.env_file
        return None if path is None else str(expand(cwd, path))

    @property
    def extra_files(self) -> frozenset[str]:
        """Files whose every save matters, because the person says so."""
        cwd = self.settings.working_directory(self.workspace)
        files = (expand(cwd, path) for path in self.settings.extra_files)
        return frozenset(os.path.realpath(path) for path in files)

    def _environment(self) -> frozenset[str]:
        """The dotenv files. A save of pyproject.toml is looked into instead."""
        files = dotenv_files(self.settings, self.workspace)
        return frozenset(os.path.realpath(each) for each in files if each.name != "pyproject.toml")


def _script_or_module(script: str | None) -> tuple[str | None, str | None]:
    """`script` is a file, or `-m` and a module."""
    module = re.fullmatch(r"-m\s*(\S.*)", (script or "").strip())
    return (None, module[1]) if module else (script, None)


def _files(cwd: Path, cert: str | None, key: str | None) -> tuple[str, ...]:
    """The certificate's, if it is one of files: Flask also takes `adhoc`, and a name to import."""
    if cert is None or cert == "adhoc":
        return ()
    return tuple(str(expand(cwd, path)) for path in (cert, key) if path)


def _refused(kind: str, type_: str, message: str) -> PlanError:
    return PlanError(Failure(kind, Report(type_, message, message, [], [])))
