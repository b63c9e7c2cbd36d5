"""How `hotplate doctor` prints what it has found."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from hotplate.cli.doctor_findings import App, Findings, Obstacle, SettingsProblem
from hotplate.cli.terminal import (
    BAD,
    CARE,
    GOOD,
    NONE,
    Terminal,
    faint,
    mark,
    pad,
    strong,
)

Row = tuple[str, str, str, str]
"""A mark, what it is about, what was found, and where that comes from."""


def print_findings(terminal: Terminal, found: Findings) -> None:
    """All of it, what stands in the way at the end."""
    host = found.host
    death = "pidfd" if host.pidfd else "no pidfd"
    terminal.line(
        f"{strong(f'Hotplate {host.hotplate}')}  "
        f"{faint(f'in {host.executable} (Python {host.python}), {host.system}, {death}')}"
    )
    unknown = faint("(what an editor's own settings say is not known here)")
    terminal.line(f"{strong('Folder')}  {found.folder} {unknown}")
    terminal.line()
    terminal.lines(_aligned(_settings(found)))
    for app in found.apps:
        terminal.line()
        terminal.line(strong(f"App “{app.name}”"))
        terminal.lines(_aligned(_app(app, found)))
    terminal.line()
    terminal.lines(_conclusion(found))


def _aligned(rows: Iterator[Row]) -> list[str]:
    cells = [(which, topic, what, where) for which, topic, what, where in rows]
    topics = max(len(topic) for _, topic, _, _ in cells)
    wide = max((len(what) for _, _, what, where in cells if where), default=0)
    return [
        f"  {mark(which)} {pad(topic, topics)}  "
        + (f"{pad(what, wide)}  {faint(where)}" if where else what)
        for which, topic, what, where in cells
    ]


def _settings(found: Findings) -> Iterator[Row]:
    if found.settings:
        yield GOOD, "settings", ", ".join(found.settings), "[tool.hotplate] in pyproject.toml"
    else:
        yield NONE, "settings", "none", "no [tool.hotplate] in a pyproject.toml"
    for problem in found.settings_problems:
        yield CARE, _where(problem), problem.message, ""


def _where(problem: SettingsProblem) -> str:
    return "settings" if problem.file is None else f"{Path(problem.file).name}:{problem.line or 1}"


def _app(app: App, found: Findings) -> Iterator[Row]:
    yield _target(app, found.folder)
    yield from _python(app)
    yield from _address(app)
    files = ", ".join(os.path.relpath(file, app.folder) for file in app.env_files)
    has = "python-dotenv " + ((app.python and app.python.dotenv) or "is not there")
    yield GOOD if files else NONE, "env files", files or "none", has if app.python else ""
    yield _auto_start(app, found.approved)
    for note in app.notes:
        yield CARE, "note", note, ""


def _target(app: App, folder: str) -> Row:
    target = app.app
    which = GOOD if target.good else BAD
    if target.target is None and target.file is None:
        return which, "app", "none", ""
    places = [target.target] if target.target else []
    if target.file is not None:
        line = f":{target.line}" if target.line else ""
        places.append(os.path.relpath(target.file, folder) + line)
    return which, "app", ", ".join(places), target.reason


def _python(app: App) -> Iterator[Row]:
    python = app.python
    if python is None:
        yield BAD, "interpreter", "none", ""
        return
    version = f"Python {python.version}" if python.version else "no working Python"
    reason = f"{version}, taken from {python.reason}"
    yield BAD if python.error else GOOD, "interpreter", python.path, reason
    if not python.error:
        fit = {True: "they go together", False: "they do not go together", None: ""}[python.fit]
        versions = f"{python.flask or 'missing'}, Werkzeug {python.werkzeug or 'missing'}"
        yield GOOD if python.fit else BAD, "Flask", versions, fit


def _address(app: App) -> Iterator[Row]:
    address = app.address
    if address.port is None:
        yield NONE, "address", "the script's own", ""
        return
    port = "any that is free" if address.port == 0 else str(address.port)
    state = {True: "free", False: "not to be had", None: ""}[address.free]
    state = f"held by {address.holder}" if address.holder else state
    yield GOOD, "host", address.host or "", address.host_from
    where = ", ".join(filter(None, (address.port_from, state)))
    yield BAD if address.free is False and not address.ours else GOOD, "port", port, where


def _auto_start(app: App, approved: bool) -> Row:
    meaning = {
        "always": "it starts when the folder is opened",
        "never": "the command hotplate.start starts it",
        "ask": "the folder is approved: it starts when the folder is opened"
        if approved
        else "not approved yet: the editor vouches for the folder, or asks",
    }
    return NONE, "autoStart", app.auto_start, f"{app.auto_start_from}; {meaning[app.auto_start]}"


def _conclusion(found: Findings) -> Iterator[str]:
    obstacles = [(app, obstacle) for app in found.apps for obstacle in app.obstacles]
    if not obstacles:
        yield f"{mark(GOOD)} Nothing stands in the way."
        return
    yield strong("What stands in the way")
    for app, obstacle in obstacles:
        name = f"{app.name}: " if len(found.apps) > 1 else ""
        yield from _obstacle(name, obstacle)


def _obstacle(name: str, obstacle: Obstacle) -> Iterator[str]:
    yield f"  {mark(BAD)} {name}{obstacle.what}"
    yield f"    → {obstacle.next}"
