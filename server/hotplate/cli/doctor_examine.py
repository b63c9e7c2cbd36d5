"""Looking at a folder as the server would before a start, without importing or running its code."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from hotplate.cli.doctor_address import examine_address
from hotplate.cli.doctor_findings import (
    App,
    Findings,
    Host,
    Obstacle,
    Python,
    SettingsProblem,
    Target,
)
from hotplate.cli.doctor_python import examine_python, has_module
from hotplate.cli.doctor_subject import Subject
from hotplate.project.approvals import Approvals
from hotplate.project.discovery import Located, looks_like_flask
from hotplate.project.environment import dotenv_files
from hotplate.project.files import is_dir, is_file
from hotplate.project.problems import Problem
from hotplate.project.settings import app_id, app_name, read_pyproject, resolve


def examine(folder: Path, env: Mapping[str, str] = os.environ) -> Findings:
    """What there is, and what stands in the way."""
    table, mistakes = read_pyproject(folder)
    resolved = resolve(None, table, folder)
    alone = len(resolved.apps) == 1
    apps = [_examine_app(Subject(settings, folder, env, alone)) for settings in resolved.apps]
    _compare(apps)
    return Findings(
        host=Host.here(),
        folder=str(folder),
        approved=Approvals().approved(folder),
        settings=sorted(table or ()),
        settings_problems=[_problem(each) for each in [*mistakes, *resolved.problems]],
        apps=apps,
        could_start=not any(app.obstacles for app in apps),
    )


def _problem(problem: Problem) -> SettingsProblem:
    return SettingsProblem(
        message=problem.message,
        key=problem.key,
        file=str(problem.path) if problem.path is not None else None,
        line=problem.line + 1 if problem.line is not None else None,
    )


def _compare(apps: list[App]) -> None:
    """Two apps cannot have one port."""
    seen: dict[tuple[str | None, int], str] = {}
    for app in apps:
        if not app.address.port:
            continue
        first = seen.setdefault((app.address.host, app.address.port), app.id)
        if first != app.id:
            name = next(each.name for each in apps if each.id == first)
            obstacle = Obstacle(
                f"Port {app.address.port} is the port of {name} too.",
                'Give one of the two another "port" in `apps`.',
            )
            app.obstacles.append(obstacle)


def _examine_app(subject: Subject) -> App:
    settings, workspace = subject.settings, subject.workspace
    if not is_dir(subject.cwd):
        subject.in_the_way(
            f"The app's folder {subject.cwd} is not there.",
            "Set hotplate.folder or hotplate.cwd to one that is.",
        )
    python = examine_python(subject)
    env_files = _examine_env_files(subject, python)
    return App(
        id=app_id(workspace, settings),
        name=app_name(workspace, settings),
        folder=str(settings.home(workspace)),
        app=_examine_target(subject, python),
        python=python,
        address=examine_address(subject),
        env_files=env_files,
        auto_start=settings.auto_start,
        auto_start_from=subject.source("auto_start", "default"),
        notes=subject.notes,
        obstacles=subject.obstacles,
    )


def _examine_env_files(subject: Subject, python: Python | None) -> list[str]:
    """The files that Flask would read, if it can: that takes python-dotenv."""
    settings = subject.settings
    if settings.env_file is not None and not is_file(subject.cwd / settings.env_file):
        subject.note(f"envFile {settings.env_file} is not there (seen from {subject.cwd}).")
    files = [
        str(path)
        for path in dotenv_files(settings, subject.workspace)
        if path.name != "pyproject.toml" and is_file(path)
    ]
    if files and python is not None and python.flask and not python.dotenv:
        subject.note(
            f"Flask does not read {' and '.join(map(os.path.basename, files))}: that takes "
            f"python-dotenv ({python.path} -m pip install python-dotenv)."
        )
        subject.ignore_dotenv()
    return files


def _examine_target(subject: Subject, python: Python | None) -> Target:
    """Where the app stands, and whether there is one at all."""
    located = subject.planner.locate()
    known = len(subject.obstacles)
    if subject.several:
        subject.in_the_way(
            f"There are several Flask apps: {', '.join(each.title for each in subject.several)}.",
            "Choose one in your editor, which asks; or name it: hotplate.folder and hotplate.app.",
        )
    elif located.kind == "none":
        subject.obstacles.append(Obstacle.of(located.reason[:1].upper() + located.reason[1:]))
    elif located.file is None:
        _look_elsewhere(subject, located, python)
    elif located.kind == "found" and not looks_like_flask(subject.planner.folder):
        subject.in_the_way(
            f"{located.file} is there, but nothing in the folder imports or requires Flask.",
            'If it is a Flask app all the same, name it: hotplate.app, such as "app:app".',
        )
    elif located.line is None and not subject.settings.script:
        subject.note(f"No app and no factory was seen in {located.file}.")
    if located.file is not None:
        _check_syntax(subject, located.file, python)
    return Target(
        target=located.target,
        file=str(located.file) if located.file is not None else None,
        line=located.line + 1 if located.line is not None else None,
        reason=located.reason,
        good=len(subject.obstacles) == known,
    )


def _look_elsewhere(subject: Subject, located: Located, python: Python | None) -> None:
    """The target is no file of the project: is it installed?"""
    target = (located.target or "").removeprefix("-m").strip()
    module = target.partition(":")[0].partition(".")[0]
    is_file_name = target.endswith(".py") or not module.isidentifier()
    if not is_file_name and (python is None or python.error):
        return  # there is nobody to ask, which is told already
    if is_file_name or python is None or not has_module(subject, Path(python.path), module):
        origin = located.reason.partition(",")[0]
        subject.in_the_way(
            f'"{located.target}" ({origin}) is neither in {subject.cwd} nor installed.',
            'Name the app as in "shop:create_app" or "src/main.py", seen from that folder.',
        )


def _check_syntax(subject: Subject, file: Path, python: Python | None) -> None:
    """Compile the app's own file, where its Python has the grammar that ours has."""
    ours = "{}.{}.".format(*sys.version_info)
    if python is None or not (python.version or "").startswith(ours):
        return
    try:
        compile(file.read_bytes(), str(file), "exec", dont_inherit=True)
    except SyntaxError as error:
        subject.in_the_way(
            f"{type(error).__name__} in {file}, line {error.lineno or 1}: {error.msg}.",
            "Mend that line.",
        )
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        subject.in_the_way(f"{file} cannot be read as Python: {error}.", "Mend the file.")
