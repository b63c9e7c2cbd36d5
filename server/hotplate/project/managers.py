"""Where Pipenv, PDM, Hatch and conda keep a project's environment, without running them."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from hotplate.project.files import (
    expand,
    is_executable,
    is_file,
    normal,
    read_text,
    read_toml,
)
from hotplate.project.venvs import Interpreter, Search, python_in, workon_home


def find_pipenv(search: Search) -> Interpreter | None:
    """The environment of the nearest `Pipfile`: named after its folder, and a hash of its path."""
    if named := search.env.get("PIPENV_PIPFILE"):
        pipfiles = [expand(search.cwd, named)]
    else:
        pipfiles = [folder / "Pipfile" for folder in search.folders]
    pipfile = next(filter(is_file, pipfiles), None)
    if pipfile is None:
        return None
    name = search.env.get("PIPENV_CUSTOM_VENV_NAME") or pipenv_name(pipfile)
    if version := search.env.get("PIPENV_PYTHON"):
        name += f"-{Path(version).name if Path(version).is_absolute() else version}"
    python = python_in(workon_home(search.env) / name)
    return Interpreter(python, "Pipenv's environment", "pipenv") if python else None


def pipenv_name(pipfile: Path) -> str:
    """What Pipenv calls the environment of this `Pipfile`."""
    # Pipenv starts from its working directory, which the system reports without symlinks.
    folder = Path(os.path.realpath(pipfile.parent))
    sanitized = re.sub(r'[ &$`!*@"()\[\]\\\r\n\t]', "_", folder.name)[:42]
    digest = hashlib.sha256(os.fsencode(folder / pipfile.name)).digest()[:6]
    return f"{sanitized}-{base64.urlsafe_b64encode(digest).decode()[:8]}"


def find_pdm(search: Search) -> Interpreter | None:
    """The interpreter that `pdm use` has noted in `.pdm-python`."""
    for folder in search.folders:
        noted = (read_text(folder / ".pdm-python", 4096) or "").strip()
        # Not expanded nor searched for: PDM writes a full path.
        if noted and (path := Path(noted)).is_absolute() and is_executable(path):
            return Interpreter(normal(path), "`.pdm-python` in the project", "pdm")
    return None


def find_hatch(search: Search) -> Interpreter | None:
    """Hatch's `default` environment of the nearest project that has a name."""
    for folder in search.folders:
        project = read_toml(folder / "pyproject.toml").get("project")
        name = project.get("name") if isinstance(project, dict) else None
        if not isinstance(name, str):
            continue
        canonical = re.sub(r"[-_.]+", "-", name).lower()
        digest = hashlib.sha256(os.fsencode(os.path.realpath(folder))).digest()
        checksum = base64.urlsafe_b64encode(digest).decode()[:8]
        data = search.env.get("HATCH_DATA_DIR") or platformdirs.user_data_path(
            "hatch", appauthor=False
        )
        directory = Path(data, "env", "virtual", canonical, checksum, canonical)
        if chosen := search.env.get("HATCH_ENV_TYPE_VIRTUAL_PATH"):
            directory = expand(folder, chosen)
        python = python_in(directory)
        return Interpreter(python, "Hatch's environment", "hatch") if python else None
    return None


def find_conda(search: Search) -> Interpreter | None:
    """The active conda environment, or the one that the project's `environment.yml` names."""
    prefix = search.env.get("CONDA_PREFIX")
    # "base" is active in most people's shells all of the time, and says nothing of the project.
    if (
        prefix
        and search.env.get("CONDA_DEFAULT_ENV") != "base"
        and (python := python_in(Path(prefix)))
    ):
        return Interpreter(python, "the active conda environment", "conda")
    for folder in search.folders:
        if python := python_in(folder / ".conda"):
            return Interpreter(python, f"`{search.shown(folder / '.conda')}`", "conda")
        for file in ("environment.yml", "environment.yaml"):
            text = read_text(folder / file, 65536) or ""
            named = re.search(r"^name:\s*['\"]?([^\s'\"#]+)", text, re.M)
            for directory in _conda_environments(search, named[1]) if named else ():
                if python := python_in(directory):
                    reason = f"the conda environment that `{file}` names"
                    return Interpreter(python, reason, "conda")
    return None


def _conda_environments(search: Search, name: str) -> Iterator[Path]:
    """The places where conda and its kin may have put an environment of that name."""
    home = Path.home()
    # conda notes all that it makes there, wherever they are.
    for line in (read_text(home / ".conda" / "environments.txt") or "").splitlines():
        if Path(line).name == name:
            yield Path(line)
    env = search.env
    for variable in ("CONDA_ENVS_PATH", "CONDA_ENVS_DIRS"):
        yield from (Path(part, name) for part in env.get(variable, "").split(os.pathsep) if part)
    roots = [env.get("MAMBA_ROOT_PREFIX"), env.get("CONDA_PREFIX")]
    if executable := env.get("CONDA_EXE"):
        roots.append(str(Path(executable).parent.parent))
    kinds = ("miniforge3", "miniconda3", "anaconda3", "mambaforge", "micromamba", ".conda")
    for root in (*filter(None, roots), *(str(home / kind) for kind in kinds)):
        yield Path(root, "envs", name)
