"""The environment that the app will see, and what it says of the app, without importing Flask.

`flask run` reads `FLASK_APP` and `FLASK_RUN_*` itself, in the app's own process. What is found
here is a forecast, good enough to hold a port and to show an address before the app has started.
It assumes that the person's interpreter has python-dotenv, without which Flask reads no file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import Factory, frozen

from hotplate.project.files import expand, is_file, normal, upward
from hotplate.project.schema import Settings

DEFAULT_NAMES = (".env", ".flaskenv")
"""The files that Flask looks for by itself, the stronger first."""


@frozen
class Peek:
    """What the environment says of the app; None where it says nothing."""

    app: str | None = None
    host: str | None = None
    port: int | None = None
    debug: bool | None = None
    cert: str | None = None
    key: str | None = None
    sources: Mapping[str, str] = Factory(dict)
    """For each field that is known, the place in words: `FLASK_RUN_PORT in .flaskenv`."""


def layered_env(
    settings: Settings, folder: Path, base: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The environment of the app's process: ours, with the settings' `env` over it.

    The dotenv files are left out on purpose: the app's process reads them at each start, so that
    an edit of them counts. Were they handed down from here, the first reading would last.
    """
    env = dict(base)
    if "PWD" in env:
        env["PWD"] = str(settings.working_directory(folder))  # as a shell standing there has it
    return env | settings.env


def peek(settings: Settings, folder: Path, base: Mapping[str, str] = os.environ) -> Peek:
    """What `flask run` will find in the environment, `envFile`, `.env` and `.flaskenv`."""
    env = layered_env(settings, folder, base)
    places: list[tuple[str, Mapping[str, str]]] = [("the environment", env)]
    for path in _files_in_force(settings, folder, env):
        shown = os.path.relpath(path, settings.working_directory(folder))
        places.append((shown, _read(path, env)))

    texts: dict[str, str] = {}
    sources: dict[str, str] = {}
    for field, variable in (
        ("app", "FLASK_APP"),
        ("host", "FLASK_RUN_HOST"),
        ("port", "FLASK_RUN_PORT"),
        ("debug", "FLASK_DEBUG"),
        ("cert", "FLASK_RUN_CERT"),
        ("key", "FLASK_RUN_KEY"),
    ):
        place, values = next(((p, v) for p, v in places if variable in v), ("", {}))
        # An empty variable hides what a weaker place says, and says nothing itself.
        if place and _means_something(field, values[variable]):
            texts[field] = values[variable]
            sources[field] = f"{variable} in {place}"
    return Peek(
        app=texts.get("app"),
        host=texts.get("host"),
        port=_port(texts["port"]) if "port" in texts else None,
        debug=not _says_no(texts["debug"]) if "debug" in texts else None,
        cert=texts.get("cert"),
        key=texts.get("key"),
        sources=sources,
    )


def dotenv_files(settings: Settings, folder: Path) -> list[Path]:
    """The files whose change may change what `peek` or the settings say, existing or not."""
    folder = normal(folder)
    start = settings.working_directory(folder)
    files = [folder / "pyproject.toml"]
    if env_file := _env_file(settings, folder):
        files.append(env_file)
    for name in DEFAULT_NAMES:
        # A new file nearer than the one in force would take its place; one beyond would not.
        found = _find_upward(name, start)
        files += [parent / name for parent in upward(start, found.parent if found else folder)]
    return list(dict.fromkeys(files))


def _files_in_force(settings: Settings, folder: Path, env: Mapping[str, str]) -> Iterator[Path]:
    """The files that Flask will read, the strongest first."""
    if env_file := _env_file(settings, folder):
        yield env_file
    skip = env.get("FLASK_SKIP_DOTENV")
    if not skip or _says_no(skip):
        for name in DEFAULT_NAMES:
            if found := _find_upward(name, settings.working_directory(folder)):
                yield found


def _env_file(settings: Settings, folder: Path) -> Path | None:
    if settings.env_file is None:
        return None
    return expand(settings.working_directory(folder), settings.env_file)


def _find_upward(name: str, start: Path) -> Path | None:
    # As python-dotenv does for Flask: from the working directory up to the file system's root,
    # past folders of that name (a virtual environment called .env).
    candidates = (parent / name for parent in (start, *start.parents))
    return next((path for path in candidates if is_file(path) or _is_pipe(path)), None)


def _is_pipe(path: Path) -> bool:
    try:
        return path.is_fifo()
    except OSError:
        return False


def _read(path: Path, env: Mapping[str, str]) -> dict[str, str]:
    # A named pipe (a password manager's) is for the app alone: reading it here would use it up.
    if not is_file(path):
        return {}
    from dotenv.main import DotEnv  # not before there is a file
    from dotenv.variables import parse_variables

    values: dict[str, str | None] = {}
    try:
        # python-dotenv would fill in ${NAME} from our own environment, not from the app's.
        for name, text in DotEnv(path, interpolate=False, encoding="utf-8").parse():
            known = {**env, **values}
            values[name] = text and "".join(atom.resolve(known) for atom in parse_variables(text))
    except (OSError, UnicodeDecodeError):
        return {}  # Flask will say so itself, at the start
    return {name: text for name, text in values.items() if text is not None}


def _means_something(field: str, text: str) -> bool:
    if field == "port":
        return _port(text) is not None  # for a bad one Flask has its own words, at the start
    return field == "debug" or bool(text)


def _port(text: str) -> int | None:
    try:
        port = int(text)
    except ValueError:
        return None
    return port if 0 <= port <= 65535 else None


def _says_no(text: str) -> bool:
    return text.lower() in {"", "0", "false", "no"}
