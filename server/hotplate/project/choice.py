"""Which app a folder is to run where neither the settings nor Flask can say: the only one that is
found, or the one that the person chooses."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import attrs

from hotplate.project.candidates import Candidate, find_apps, targets_in
from hotplate.project.discovery import locate
from hotplate.project.environment import peek
from hotplate.project.problems import Source
from hotplate.project.schema import Settings

# Who sets one of these has said where the app is.
_SAID = frozenset({"app", "script", "cwd"})


def settle(
    settings: Settings, workspace: Path, base: Mapping[str, str] = os.environ
) -> tuple[Candidate | None, list[Candidate]]:
    """The app to run, if there is one only; else what there is to choose from."""
    candidates = _candidates(settings, workspace, base)
    found = list({(each.folder, each.app): each for each in candidates}.values())
    return (found[0], []) if len(found) == 1 else (None, found)


def choose(settings: Settings, candidate: Candidate) -> Settings:
    """The settings with this app, unless they have come to name one themselves."""
    if settings.explicit & _SAID:
        return settings
    values: dict[str, Any] = dict(named(settings, candidate))
    found: dict[str, Source] = dict.fromkeys(values, "found")
    return attrs.evolve(settings, **values, sources={**settings.sources, **found})


def named(settings: Settings, candidate: Candidate) -> dict[str, str]:
    """The settings that name this app."""
    folder = str(PurePosixPath(settings.folder or ".", candidate.folder))
    values = {"folder": folder} if folder != "." else {}
    return {**values, "app": candidate.app} if candidate.app else values


def _candidates(settings: Settings, workspace: Path, base: Mapping[str, str]) -> list[Candidate]:
    if settings.explicit & _SAID:
        return []
    located = locate(settings, peek(settings, workspace, base), workspace)
    if located.kind == "found" and located.file is not None:
        file = located.file
        module = file.parent.name if file.name == "__init__.py" else file.stem
        several = [target for target in targets_in(file) if target]
        return [Candidate(".", f"{module}:{target}", file) for target in several]
    if located.kind == "configured":
        return []
    found = find_apps(settings.home(workspace))
    return [_as_flask_would(each, settings, workspace, base) for each in found]


def _as_flask_would(
    candidate: Candidate, settings: Settings, workspace: Path, base: Mapping[str, str]
) -> Candidate:
    """What the app's own folder says of it, in a `.flaskenv`, counts."""
    there = choose(settings, attrs.evolve(candidate, app=None))
    if peek(there, workspace, base).app is not None:
        return attrs.evolve(candidate, app=None)
    return candidate
