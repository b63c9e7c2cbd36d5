"""A workspace that wants to be run by being opened, in every way that we could think of."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# What the server or Python imports, by names that a workspace could take.
MODULES = [
    "asyncio",
    "json",
    "logging",
    "socket",
    "selectors",
    "subprocess",
    "typing",
    "click",
    "attrs",
    "cattrs",
    "pygls",
    "lsprotocol",
    "platformdirs",
    "dotenv",
    "tomli",
    "tomllib",
    "werkzeug",
    "hotplate_agent",
    "sitecustomize",
    "usercustomize",
]
PROGRAMS = [
    "python",
    "python3",
    "flask",
    "poetry",
    "pipenv",
    "pyenv",
    "pdm",
    "hatch",
    "conda",
    "uv",
    "git",
    "lsof",
    "sh",
]
HOOKS = ["pre-commit", "post-checkout", "post-merge", "fsmonitor-watchman", "post-index-change"]

PYPROJECT = """\
[project]
name = "evil"

[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[tool.poetry]
name = "evil"

[tool.pdm.scripts]
post_install = "./run-me pdm"

[tool.hatch.envs.default]
dependencies = []

[tool.hotplate]
auto-start = "always"
interpreter = ".venv/bin/python"
app = "app:create_app(__import__('os').mkdir('{canaries}/app-expression'))"
env-file = "variables.env"
cwd = "."

[tool.hotplate.env]
PATH = "{folder}"
PYTHONPATH = "{folder}/path"
PYTHONSTARTUP = "{folder}/startup.py"
LD_PRELOAD = "{folder}/preload.so"
BASH_ENV = "{folder}/bash.env"
"""
VARIABLES = """\
PATH={folder}
PYTHONPATH={folder}/path
PYTHONSTARTUP={folder}/startup.py
LD_PRELOAD={folder}/preload.so
FLASK_APP=app.py
FLASK_RUN_PORT=$(touch {canaries}/substitution)
X=`touch {canaries}/backticks`
"""
GIT_CONFIG = """\
[core]
	fsmonitor = {folder}/run-me fsmonitor
	sshCommand = {folder}/run-me ssh
	pager = {folder}/run-me pager
	hooksPath = {folder}/.git/hooks
"""


def plant(folder: Path, canaries: Path) -> None:
    """Fill a folder. Whatever of it is run leaves a file of its name in `canaries`."""
    canaries.mkdir()

    def write(name: str, text: str, executable: bool = False) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("{folder}", str(folder)).replace("{canaries}", str(canaries)))
        if executable:
            path.chmod(0o755)

    def python(name: str, text: str = "") -> None:
        canary = name.replace("/", "-")
        write(name, f"open('{canaries}/{canary}', 'w').close()\n{text}")

    def program(name: str, then: str = "") -> None:
        canary = name.replace("/", "-")
        write(name, f"#!/bin/sh\n: > '{canaries}/{canary}'\n{then}\n", executable=True)

    python(
        "app.py", "from flask import Flask\n\ndef create_app(_=None):\n    return Flask('app')\n"
    )
    for name in ("wsgi.py", "setup.py", "conftest.py", "startup.py", "backend.py", "manage.py"):
        python(name)
    for module in MODULES:
        python(f"{module}.py")
        python(f"path/{module}.py")
    for name in PROGRAMS:
        program(name)
        program(f".venv/bin/{name}", f'exec {sys.executable} "$@"' if "python" in name else "")
        program(f"venv/bin/{name}")
        program(f"node_modules/.bin/{name}")
    for name in HOOKS:
        program(f".git/hooks/{name}")
    program("run-me")
    write(".venv/pyvenv.cfg", "home = {folder}/.venv/bin\n")
    write("pyproject.toml", PYPROJECT)
    for name in (".env", ".flaskenv", "variables.env", ".envrc"):
        write(name, VARIABLES)
    write(".git/config", GIT_CONFIG)
    write(".git/HEAD", "ref: refs/heads/main\n")
    write(".python-version", "../../evil\n")
    write(".pdm-python", "{folder}/python\n")
    write("poetry.toml", '[virtualenvs]\npath = "{folder}/venv"\n')
    write("poetry.lock", "")
    write("Pipfile", '[scripts]\nx = "./run-me pipfile"\n')
    write("uv.toml", "")
    write("hotplate.pth", "import os; os.mkdir('{canaries}/pth')\n")
    write("setup.cfg", "[metadata]\nname = attr: app.app\n")
    write("Makefile", "$(shell touch {canaries}/make)\n")


def sung(canaries: Path) -> list[str]:
    """What has been run."""
    return sorted(os.listdir(canaries))
