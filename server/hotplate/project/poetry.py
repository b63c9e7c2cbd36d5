"""Where Poetry keeps a project's environment, worked out as Poetry does but without running it.

The folder's name is the project's name and a hash of its path; Poetry itself takes a second and
more to say so.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
from pathlib import Path
from typing import Any

import platformdirs

from hotplate.project.commands import CommandFailed, ask
from hotplate.project.files import expand, is_dir, is_file, normal, read_toml
from hotplate.project.venvs import Interpreter, Search, python_in

_TIME_LIMIT = 15.0


def find_poetry(search: Search) -> Interpreter | None:
    """The environment of the nearest Poetry project, outside of the project's folder."""
    for folder in search.folders:
        project = read_toml(folder / "pyproject.toml")
        if not is_file(folder / "poetry.lock") and not _is_poetrys(project):
            continue
        python = _computed(search, folder, project) or _asked(search, folder)
        return Interpreter(python, "Poetry's environment", "poetry") if python else None
    return None


def _is_poetrys(project: dict[str, Any]) -> bool:
    """Whether it says so itself: since Poetry 2 there need be no table of its own."""
    backend = _table(project, "build-system").get("build-backend")
    return "poetry" in _table(project, "tool") or str(backend).startswith("poetry.")


def environment_name(project_name: str, folder: Path) -> str:
    """The folder's name, but for the Python version that ends it."""
    canonical = re.sub(r"[-_.]+", "-", project_name).lower()
    sanitized = re.sub(r'[ $`!*@"\\\r\n\t]', "_", canonical)[:42]
    real = os.path.normcase(os.path.realpath(folder))
    digest = hashlib.sha256(os.fsencode(real)).digest()
    return f"{sanitized}-{base64.urlsafe_b64encode(digest).decode()[:8]}"


def _computed(search: Search, folder: Path, project: dict[str, Any]) -> Path | None:
    name = (
        _table(project, "project").get("name")
        or _table(project, "tool", "poetry").get("name")
        or "non-package-mode"  # what Poetry calls a project without a name
    )
    environments = _environments(search, folder)
    base = environment_name(str(name), folder)
    chosen = _table(read_toml(environments / "envs.toml"), base).get("minor")
    versions = [str(chosen)] if chosen else []
    try:
        versions += sorted(
            (path.name.removeprefix(f"{base}-py") for path in environments.glob(f"{base}-py*")),
            key=lambda version: [int(digits) for digits in re.findall(r"\d+", version)],
            reverse=True,
        )
    except OSError:
        return None
    pythons = (python_in(environments / f"{base}-py{version}") for version in versions)
    return next((python for python in pythons if python), None)


def _environments(search: Search, folder: Path) -> Path:
    """The folder that holds all of Poetry's environments."""
    config = search.env.get("POETRY_CONFIG_DIR") or platformdirs.user_config_path(
        "pypoetry", appauthor=False, roaming=True
    )
    files = [read_toml(folder / "poetry.toml"), read_toml(Path(config) / "config.toml")]
    cache = search.env.get("POETRY_CACHE_DIR") or _first(files, "cache-dir")
    cache = cache or str(platformdirs.user_cache_path("pypoetry", appauthor=False))
    path = search.env.get("POETRY_VIRTUALENVS_PATH") or _first(files, "virtualenvs", "path")
    path = (path or "{cache-dir}/virtualenvs").replace("{cache-dir}", cache)
    return expand(folder, path.replace("{project-dir}", str(folder)))


def _asked(search: Search, folder: Path) -> Path | None:
    """Poetry's own answer, where its configuration is beyond what we know of.

    It is asked again when the project or the folder of all environments has changed, not at each
    start: where the project has no environment, as in many a container, each would wait for it.
    """
    poetry = shutil.which("poetry", path=search.env.get("PATH"))
    if poetry is None or not search.run_tools:
        return None
    files = [folder / name for name in ("poetry.lock", "poetry.toml", "pyproject.toml")]
    stamps = tuple(_stamp(path) for path in (Path(poetry), *files, _environments(search, folder)))
    # An environment that happens to be active is what it would name, whosever that is.
    env = {name: text for name, text in search.env.items() if name != "VIRTUAL_ENV"}
    told = tuple(sorted(item for item in env.items() if item[0].startswith("POETRY_")))
    key = (poetry, folder, stamps, told)
    answer = _answers.get(key)
    if key not in _answers or (answer is not None and not is_dir(answer)):
        answer = _answers[key] = _ask(poetry, folder, env)
    return python_in(answer) if answer is not None else None


_answers: dict[tuple[Any, ...], Path | None] = {}


def _ask(poetry: str, folder: Path, env: dict[str, str]) -> Path | None:
    try:
        answer = ask([poetry, "env", "info", "--path"], _TIME_LIMIT, env, folder)
    except CommandFailed:
        return None
    directory = answer.stdout.strip()
    if answer.code or not directory or not is_dir(Path(directory)):
        return None
    return normal(directory)


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _first(files: list[dict[str, Any]], *keys: str) -> str | None:
    for file in files:
        value = _table(file, *keys[:-1]).get(keys[-1])
        if isinstance(value, str) and value:
            return value
    return None


def _table(data: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}
