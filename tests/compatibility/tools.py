"""Projects whose environments were made by uv, Poetry, Pipenv, PDM and Hatch themselves.

Each is made once, by the real tool, with a home folder of its own; the tool says where it has put
the environment, which is what Hotplate is held to.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from support.environments import Environment, once, python_of, run

_TOOLS = Environment("tools", "", ("uv", "poetry", "pipenv", "pdm", "hatch"))

_PYPROJECT = """\
[project]
name = "My_Shop"
version = "0.1"
requires-python = ">=3.10"
dependencies = ["flask>=3.1,<3.2"]
"""
APP = """\
import sys

from flask import Flask

app = Flask(__name__)


@app.route("/")
def index():
    return sys.executable
"""


class Tool(NamedTuple):
    """How a tool is told to make the environment, and how it is asked where that is."""

    name: str
    make: tuple[tuple[str, ...], ...]
    where: tuple[str, ...]
    pyproject: str = _PYPROJECT


UV = Tool(
    "uv",
    (("sync", "--no-install-project", "--python", sys.executable),),
    ("python", "find"),
)
# It and PDM ask a registry in ways that not every mirror knows; Flask is put there by pip.
POETRY = Tool(
    "poetry",
    (("env", "use", sys.executable),),
    ("env", "info", "--path"),
    _PYPROJECT + '[build-system]\nbuild-backend = "poetry.core.masonry.api"\n',
)
POETRY_INSIDE = POETRY._replace(
    name="poetry-in-project",
    make=(("config", "--local", "virtualenvs.in-project", "true"), *POETRY.make),
)
PIPENV = Tool("pipenv", (("install", "flask>=3.1,<3.2"),), ("--venv",), "")
PDM = Tool(
    "pdm",
    (("venv", "create", sys.executable), ("use", "--venv", "in-project")),
    ("info", "--python"),
)
PDM_OUTSIDE = PDM._replace(
    name="pdm-outside",
    make=(
        ("config", "--local", "venv.in_project", "false"),
        ("venv", "create", "--name", "shop", sys.executable),
        ("use", "--venv", "shop"),
    ),
)
HATCH = Tool(
    "hatch",
    (("env", "create"),),
    ("env", "find"),
    _PYPROJECT
    + '[tool.hatch.envs.default]\nskip-install = true\ndependencies = ["flask>=3.1,<3.2"]\n',
)


class Made(NamedTuple):
    """A project, the home folder to find its environment from, and that environment."""

    project: Path
    home: Path
    prefix: Path

    @property
    def python(self) -> Path:
        return self.prefix / "bin" / "python"


def made_by(tool: Tool) -> Made:
    """The project, made if it was not yet."""
    wanted = "\n".join([sys.executable, APP, *map(repr, tool)])
    folder = once(f"project-{tool.name}", wanted, lambda folder: _make(tool, folder))
    prefix = Path((folder / "prefix").read_text("utf-8"))
    return Made(folder / "shop", folder / "home", prefix)


def unknown(home: Path) -> dict[str, str | None]:
    """What to change in the environment so that nothing is known of who runs the tests."""
    personal = ("XDG_", "CONDA", "PYENV", "UV_", "POETRY_", "PIPENV_", "PDM_", "HATCH_")
    names = [name for name in os.environ if name.startswith(personal)]
    names += ["VIRTUAL_ENV", "PYTHONPATH", "WORKON_HOME"]
    return {**dict.fromkeys(names), "HOME": str(home)}


def changed(env: Mapping[str, str | None]) -> dict[str, str]:
    """Our environment with changes; None takes a variable away."""
    return {name: text for name, text in {**os.environ, **env}.items() if text is not None}


def _make(tool: Tool, folder: Path) -> None:
    project, home = folder / "shop", folder / "home"
    project.mkdir(parents=True)
    home.mkdir()
    (project / "app.py").write_text(APP, "utf-8")
    if tool.pyproject:
        (project / "pyproject.toml").write_text(tool.pyproject, "utf-8")
    python = python_of(_TOOLS)
    command = [str(Path(python).with_name(tool.name.partition("-")[0]))]
    env = changed(unknown(home))
    for arguments in tool.make:
        run([*command, *arguments], cwd=project, env=env)
    said = Path(run([*command, *tool.where], cwd=project, env=env).strip().splitlines()[-1])
    prefix = said if said.is_dir() else said.parent.parent  # some name the interpreter
    if not (prefix / "bin" / "flask").exists():
        pip = [python, "-m", "pip", "--python", str(prefix / "bin" / "python"), "install"]
        run([*pip, "--quiet", "flask>=3.1,<3.2"])
    (folder / "prefix").write_text(str(prefix), "utf-8")
