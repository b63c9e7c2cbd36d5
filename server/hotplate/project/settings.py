"""What the person asked for: the editor's settings over `[tool.hotplate]`, app by app.

The rules, in full:

- The editor's value wins over `pyproject.toml`'s, key by key; `env` variable by variable.
- Each object in `apps` starts from the values beside it and puts its own over them. `name` is its
  own alone. `apps` itself is taken whole from the editor, or else from `pyproject.toml`.
- `app` and `script` exclude each other: naming one at a stronger place drops the other's.
- The interpreter that a client offers (`interpreterHint`) is weaker than all of these.
- A value that is wrong is told, and the default serves, whatever a weaker place says.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from hotplate.project.layers import Layer, Reader
from hotplate.project.problems import Problem, Source
from hotplate.project.pyproject import read_pyproject
from hotplate.project.schema import Settings

__all__ = [
    "Problem",
    "Resolved",
    "Settings",
    "Source",
    "app_id",
    "app_name",
    "read_pyproject",
    "resolve",
]


@frozen
class Resolved:
    """The apps of a workspace folder, and what is wrong with what was asked."""

    apps: list[Settings]
    problems: list[Problem]


def resolve(editor: object, pyproject: object, folder: Path) -> Resolved:
    """The apps of a workspace folder. Both sources are raw: what JSON and TOML gave, or None."""
    readers = Reader("pyproject", folder), Reader("editor", folder)
    weaker, stronger = readers[0].read(pyproject), readers[1].read(editor)
    shared = _settle([readers[1].hint(editor), weaker, stronger])
    own = stronger.apps or weaker.apps
    if own:
        sources = {key: source for key, source in shared.sources.items() if key != "name"}
        shared = attrs.evolve(shared, name=None, sources=sources)
        apps = [_settle([layer], onto=shared) for layer in own]
        apps = _distinct(apps, own, readers[1] if stronger.apps else readers[0], folder)
    else:
        apps = [shared]
    return Resolved(apps, [*readers[1].problems, *readers[0].problems])


def app_id(workspace_folder: Path, settings: Settings) -> str:
    """A name for one app that stays the same while it is configured, and differs from all others'.

    Its folder as a URI, and its name where it has one.
    """
    return _id_in(settings.home(workspace_folder), settings)


def real_app_id(workspace_folder: Path, settings: Settings) -> str:
    """The same for all the ways that lead to an app, symbolic links among them."""
    return _id_in(Path(os.path.realpath(settings.home(workspace_folder))), settings)


def _id_in(home: Path, settings: Settings) -> str:
    return f"{home.as_uri()}#{settings.name}" if settings.name else home.as_uri()


def app_name(workspace_folder: Path, settings: Settings) -> str:
    """What to call the app in front of the person."""
    return settings.name or settings.home(workspace_folder).name or "app"


def _settle(layers: Iterable[Layer], onto: Settings | None = None) -> Settings:
    """Lay each layer over what came before."""
    base = onto or Settings()
    values: dict[str, Any] = {name: getattr(base, name) for name in base.sources}
    sources = dict(base.sources)
    for layer in layers:
        dropped = layer.written - layer.values.keys()
        for one, other in (("app", "script"), ("script", "app")):
            if one in layer.values:
                dropped.add(other)
        for name in dropped:
            values.pop(name, None)
            sources.pop(name, None)
        for name, value in layer.values.items():
            values[name] = {**values.get("env", {}), **value} if name == "env" else value
            sources[name] = layer.source
    return Settings(**values, sources=sources)


def _distinct(
    apps: list[Settings], layers: list[Layer], reader: Reader, folder: Path
) -> list[Settings]:
    """Each app with an id of its own; where nothing tells two apart, the later is told and left."""
    crowded = Counter(app_id(folder, app) for app in apps)
    seen: dict[str, int] = {}
    kept: list[Settings] = []
    for index, app in enumerate(apps):
        if not app.name and crowded[app_id(folder, app)] > 1:
            # Several in one folder, as in [{"app": "shop"}, {"app": "admin"}]: what they run
            # tells them apart, so the person need not name them.
            app = attrs.evolve(app, name=app.script or app.app)
        first = seen.setdefault(app_id(folder, app), index)
        if first == index:
            kept.append(app)
            continue
        where = layers[index].where
        reader.report(
            f"{reader.title(where)} cannot be told from apps[{first}] and is left out: "
            'they have the same folder and the same name. Give each a "name" of its own.',
            where,
        )
    return kept
