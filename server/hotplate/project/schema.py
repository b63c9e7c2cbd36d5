"""The settings of one app: their names, types and defaults. The contract's table, as code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_type_hints

import attrs
from attrs import frozen

from hotplate.project.files import expand
from hotplate.project.problems import Source
from hotplate.project.values import Paths, Port, Seconds, Variables, Words


@frozen(kw_only=True)
class Settings:
    """What one app is to run with, settled from the editor and `pyproject.toml`.

    `None` means that the person said nothing: the environment, `.env` and `.flaskenv` come next
    (see `environment.peek`), and only then Flask's own default.
    """

    app: str | None = None
    script: str | None = None
    args: Words = ()
    name: str | None = None
    folder: str | None = None
    interpreter: str | None = None
    cwd: str | None = None
    env: Variables = attrs.field(factory=dict, repr=False)  # it may hold secrets; logs do not
    env_file: str | None = None
    host: str | None = None
    port: Port | None = None
    cert: str | None = None
    key: str | None = None
    threaded: bool | None = None
    debug: bool | None = None
    debugger: bool | None = None
    extra_files: Paths = ()
    exclude_patterns: Paths = ()
    warmup: Literal["off", "framework", "dependencies"] = "dependencies"
    drain_seconds: Seconds = 2.0
    start_seconds: Seconds = 30.0
    auto_start: Literal["always", "ask", "never"] = "ask"
    restart_on_save: Literal["never", "manual", "all"] = "manual"
    watch_external_changes: bool = True
    open_browser: Literal["never", "onFirstStart"] = "never"

    sources: Mapping[str, Source] = attrs.Factory(dict)
    """Where each setting that the person gave stands. What a project's own file asks for may need
    their word first: it could have come with a clone."""

    @property
    def explicit(self) -> frozenset[str]:
        """The fields that the person gave, whether or not with the default's value."""
        return frozenset(self.sources)

    @property
    def interpreter_source(self) -> Source | None:
        """Who chose the interpreter; None where it is to be found."""
        return self.sources.get("interpreter")

    @property
    def console_for_others(self) -> bool:
        """Whether the debugger's console is on where others can reach it: by the person's own word,
        for a project's file may have come with a clone."""
        return self.debugger is True and self.sources.get("debugger") == "editor"

    def home(self, workspace: Path) -> Path:
        """The app's own folder: the workspace's, or `folder` within it."""
        return expand(workspace, self.folder or ".")

    def working_directory(self, workspace: Path) -> Path:
        """Where the app runs: its folder, or `cwd` as seen from there."""
        return expand(self.home(workspace), self.cwd or ".")


def kinds() -> dict[str, Any]:
    """Each setting's field name, and its type."""
    hints = get_type_hints(Settings, include_extras=True)
    return {
        field.name: hints[field.name] for field in attrs.fields(Settings) if field.name != "sources"
    }


def spell(field: str, source: Source) -> str:
    """The setting's name as that source writes it: `envFile` in an editor, `env-file` in TOML."""
    if source == "pyproject":
        return field.replace("_", "-")
    first, *rest = field.split("_")
    return first + "".join(word.capitalize() for word in rest)
