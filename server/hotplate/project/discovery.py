"""Where the person's app stands, found as `flask run` finds it but without importing anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from attrs import frozen

from hotplate.project.environment import Peek
from hotplate.project.evidence import looks_like_flask, mentions_flask
from hotplate.project.files import expand, is_file
from hotplate.project.ownership import is_own
from hotplate.project.schema import Settings
from hotplate.project.source import find_app_line

__all__ = ["Located", "is_own", "locate", "looks_like_flask", "mentions_flask"]


@frozen
class Located:
    """Where the app is, or why it is nowhere."""

    kind: Literal["configured", "found", "none"]
    target: str | None
    """As Flask or Python is to be told; None where Flask finds it by itself."""
    file: Path | None
    """None where the target is not in the project, such as an installed package's app."""
    line: int | None
    """Of the app or its factory, from 0."""
    reason: str


def locate(settings: Settings, peek: Peek, workspace: Path) -> Located:
    """The app that the settings or the environment name, or else the one that Flask would find."""
    cwd = settings.working_directory(workspace)
    if settings.script:
        file = _script(settings.script, cwd)
        return _configured(settings.script, file, None, _title("script", settings))
    if target := settings.app or peek.app:
        path, name = _split(target)
        file = next(_module_files(path, cwd), None)
        if settings.sources.get("app") == "found" and file is not None:
            where = file.relative_to(workspace) if file.is_relative_to(workspace) else file
            line = find_app_line(file, name)
            return Located("found", target, file, line, f"{where}, where a Flask app was found")
        origin = _title("app", settings) if settings.app else peek.sources.get("app", "FLASK_APP")
        return _configured(target, file, name, origin)
    for module in ("wsgi", "app"):
        if file := next(_file_or_package(cwd / module), None):
            reason = f"{file.relative_to(cwd)}, which Flask takes where no app is named"
            return Located("found", None, file, find_app_line(file), reason)
    return Located(
        "none",
        None,
        None,
        None,
        f"no app is named (hotplate.app, FLASK_APP), and {cwd} has neither wsgi.py nor app.py. "
        'Set hotplate.app, for example to "shop:create_app" or "src/main.py".',
    )


def _configured(target: str, file: Path | None, name: str | None, origin: str) -> Located:
    line = find_app_line(file, name) if file else None
    where = "" if file else f', which is no file of the project ("{target}")'
    return Located("configured", target, file, line, origin + where)


def _title(key: str, settings: Settings) -> str:
    if settings.sources.get(key) == "pyproject":
        return f"[tool.hotplate] {key}"
    return f"hotplate.{key}"


def _split(target: str) -> tuple[str, str | None]:
    """`shop.web:create_app("dev")` in its module and the name in it, without the call."""
    # As Flask splits; the colon of a Windows drive is followed by a slash.
    path, _, name = re.sub(r":(?![\\/])", "\0", target.strip(), count=1).partition("\0")
    return path, name.partition("(")[0].strip() or None


def _module_files(path: str, cwd: Path) -> Iterator[Path]:
    """The files that Flask may mean by a path or a module's dotted name, the likeliest first."""
    if "/" in path or "\\" in path or path.startswith("~"):
        yield from _file_or_package(expand(cwd, path.removesuffix(".py")))
        return
    module = path.removesuffix(".py").removesuffix(".__init__")
    for base in (cwd, cwd / "src"):
        yield from _file_or_package(base.joinpath(*module.split(".")))


def _script(script: str, cwd: Path) -> Path | None:
    """The file of `app.py` or of `-m shop.web`."""
    if module := re.fullmatch(r"-m\s*(\S+)", script.strip()):
        for base in (cwd, cwd / "src"):
            path = base.joinpath(*module[1].split("."))
            for file in (path / "__main__.py", path.with_name(f"{path.name}.py")):
                if is_file(file):
                    return file
        return None
    path = expand(cwd, script)
    return path if is_file(path) else None


def _file_or_package(path: Path) -> Iterator[Path]:
    if not path.name:
        return  # the file system's root
    # Python prefers a package to a module of the same name.
    for file in (path / "__init__.py", path.with_name(f"{path.name}.py")):
        if is_file(file):
            yield file
