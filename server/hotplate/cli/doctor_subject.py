"""One app under examination: what is asked of it, and what has come to light so far."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from hotplate.cli.doctor_findings import Obstacle
from hotplate.project.choice import choose, settle
from hotplate.project.planner import AppPlanner
from hotplate.project.settings import Settings


class Subject:
    """The app as its settings have it. Each examiner adds to the obstacles and the notes."""

    def __init__(
        self, settings: Settings, workspace: Path, env: Mapping[str, str], alone: bool = True
    ) -> None:
        # Where there are several in the settings, each is where it is said to be.
        found, self.several = settle(settings, workspace, env) if alone else (None, [])
        self.settings = settings = choose(settings, found) if found else settings
        self.workspace = workspace
        self.env = env
        self.cwd = settings.working_directory(workspace)
        self.planner = AppPlanner(settings, workspace, env)
        self.obstacles: list[Obstacle] = []
        self.notes: list[str] = []

    def in_the_way(self, what: str, step: str) -> None:
        """Something stands in the way; the step that comes next."""
        self.obstacles.append(Obstacle(what, step))

    def note(self, text: str) -> None:
        """Something is worth a look."""
        self.notes.append(text)

    def source(self, field: str, otherwise: str) -> str:
        """Who has set a setting."""
        if self.settings.sources.get(field, "found") == "found":
            return otherwise
        return f"[tool.hotplate] {field.replace('_', '-')}"

    def ignore_dotenv(self) -> None:
        """From now on, `.env` and `.flaskenv` say nothing."""
        env = {**self.env, "FLASK_SKIP_DOTENV": "1"}
        self.planner = AppPlanner(self.settings, self.workspace, env)

    def safe_env(self) -> dict[str, str]:
        """The environment to ask an interpreter in: no `sitecustomize` of the folder's runs."""
        env = dict(self.env)
        paths = env.pop("PYTHONPATH", "").split(os.pathsep)
        inside = os.path.realpath(self.workspace)
        kept = [
            path
            for path in paths
            if os.path.isabs(path) and not Path(os.path.realpath(path)).is_relative_to(inside)
        ]
        return {**env, "PYTHONPATH": os.pathsep.join(kept)} if kept else env
