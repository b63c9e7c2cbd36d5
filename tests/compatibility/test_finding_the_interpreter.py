"""The Python of the project is found where its tool has put it, and `doctor` says why it is that.

No setting is given in any of these, and the tools are not on the PATH.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from compatibility import tools
from compatibility.environments import make_venv
from compatibility.rows import case, row
from compatibility.tools import APP, Tool, changed, made_by, unknown
from support.environments import base_of_this, once, run
from support.session import SERVER, Session, free_port

Open = Callable[[Path], Session]
Env = Mapping[str, str | None]


def user_base(base: str) -> Path:
    """Where `pip install --user` of this Python has put Flask, as in a development container."""

    def make(folder: Path) -> None:
        pip = [
            base,
            "-m",
            "pip",
            "install",
            "--user",
            "--break-system-packages",
            "--ignore-installed",
        ]
        env = {**os.environ, "PYTHONUSERBASE": str(folder)}
        run([*pip, "--quiet", "--no-warn-script-location", "flask>=3.1,<3.2"], env=env)

    return once("user", base, make)


def doctor(folder: Path, env: Env) -> dict[str, Any]:
    """What `hotplate doctor` says of the Python."""
    done = subprocess.run(
        [sys.executable, "-m", "hotplate", "doctor", "--json", str(folder)],
        env=changed({"PYTHONPATH": str(SERVER), **env}),
        capture_output=True,
        text=True,
    )
    python: dict[str, Any] = json.loads(done.stdout)["apps"][0]["python"]
    return python


async def taken(session: Session, env: Env, python: Path, reason: str) -> None:
    """The app runs with this Python, and `doctor` says that it would and why."""
    await session.start({"port": free_port()}, env=env)
    running = await session.state("running")
    assert (await session.get(running["url"]))[1] == str(python)
    said = await asyncio.to_thread(doctor, session.folder, env)
    assert (said["path"], said["fit"]) == (str(python), True)
    assert reason in said["reason"]


@pytest.mark.parametrize(
    ("tool", "reason"),
    [
        case("Finding the interpreter", "uv (`uv sync`)", tools.UV, "`.venv` in the project"),
        case("Finding the interpreter", "Poetry", tools.POETRY, "Poetry's environment"),
        case(
            "Finding the interpreter",
            "Poetry with `virtualenvs.in-project`",
            tools.POETRY_INSIDE,
            "`.venv` in the project",
        ),
        case("Finding the interpreter", "Pipenv", tools.PIPENV, "Pipenv's environment"),
        case("Finding the interpreter", "PDM", tools.PDM, "`.venv` in the project"),
        case(
            "Finding the interpreter",
            "PDM with `venv.in_project` off",
            tools.PDM_OUTSIDE,
            "`.pdm-python` in the project",
        ),
        case("Finding the interpreter", "Hatch", tools.HATCH, "Hatch's environment"),
    ],
)
async def test_the_environment_of_a_tool(tool: Tool, reason: str, open_session: Open) -> None:
    """Made by the tool itself, which has said where."""
    made = await asyncio.to_thread(made_by, tool)
    await taken(open_session(made.project), unknown(made.home), made.python, reason)


@pytest.mark.parametrize(
    "name",
    [
        case("Finding the interpreter", f"`{name}` in the project", name)
        for name in (".venv", "venv", "env")
    ],
)
async def test_an_environment_in_the_project(
    name: str, project: Callable[..., Path], open_session: Open, tmp_path: Path
) -> None:
    folder = project({"app.py": APP})
    python = make_venv(folder / name)
    await taken(open_session(folder), unknown(tmp_path), python, f"`{name}` in the project")


@row("Finding the interpreter", "an environment that is active where the editor was started")
async def test_the_active_environment(
    project: Callable[..., Path], open_session: Open, tmp_path: Path
) -> None:
    folder = project({"app.py": APP})
    make_venv(folder / ".venv")
    python = make_venv(tmp_path / "active")
    env = {**unknown(tmp_path), "VIRTUAL_ENV": str(tmp_path / "active")}
    await taken(open_session(folder), env, python, "VIRTUAL_ENV")


@pytest.mark.parametrize(
    "way",
    [
        case("Finding the interpreter", "conda: the active environment", "active"),
        case("Finding the interpreter", "conda: the one that `environment.yml` names", "named"),
        case("Finding the interpreter", "conda: `.conda` in the project", "prefix"),
        case("Finding the interpreter", "conda: `base` is active, and there is a `.venv`", "base"),
    ],
)
async def test_conda(
    way: str, project: Callable[..., Path], open_session: Open, tmp_path: Path
) -> None:
    """A folder laid out as conda lays it out, for conda itself is on no package index."""
    folder = project({"app.py": APP, "environment.yml": "name: shop\ndependencies: [flask]\n"})
    root = tmp_path / "miniforge3"
    place = {"prefix": folder / ".conda", "base": folder / ".venv"}.get(way, root / "envs" / "shop")
    python = make_venv(place)
    env = unknown(tmp_path)
    if way == "base":
        make_venv(root)
        env |= {"CONDA_PREFIX": str(root), "CONDA_DEFAULT_ENV": "base"}
    else:
        (place / "conda-meta").mkdir()
        (place / "conda-meta" / "history").write_text("==> 2024-01-01 00:00:00 <==\n", "utf-8")
    if way == "active":
        (folder / "environment.yml").unlink()
        env |= {"CONDA_PREFIX": str(place), "CONDA_DEFAULT_ENV": "shop"}
    reason = {
        "active": "the active conda environment",
        "named": "the conda environment that `environment.yml` names",
        "prefix": "`.conda`",
        "base": "`.venv` in the project",
    }
    await taken(open_session(folder), env, python, reason[way])


@pytest.mark.parametrize(
    ("text", "directory"),
    [
        case(
            "Finding the interpreter", "pyenv: a version in `.python-version`", "3.10\n", "3.10.9"
        ),
        case(
            "Finding the interpreter",
            "pyenv: an environment of pyenv-virtualenv's in `.python-version`",
            "shop\n",
            "shop",
        ),
    ],
)
@pytest.mark.parametrize("shims", [True, False])
async def test_pyenv(
    text: str,
    directory: str,
    shims: bool,
    project: Callable[..., Path],
    open_session: Open,
    tmp_path: Path,
) -> None:
    """With its shims on the PATH and, as where an editor was not started from a shell, without."""
    root = tmp_path / "pyenv"
    for version in ("3.10.9", "3.10.4", "3.11.2"):
        python = root / "versions" / version / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.symlink_to(base_of_this())
    make_venv(root / "versions" / "shop")
    folder = project({"app.py": APP, ".python-version": text})
    env = {
        **unknown(tmp_path),
        "PYENV_ROOT": str(root),
        "PYTHONUSERBASE": str(await asyncio.to_thread(user_base, base_of_this())),
    }
    expected = root / "versions" / directory / "bin" / "python"
    if shims:
        shim = root / "shims" / "python3"
        shim.parent.mkdir()
        shim.write_text("#!/bin/sh\nexit 1\n", "utf-8")
        shim.chmod(0o755)
        env["PATH"] = f"{shim.parent}:{os.environ['PATH']}"
    real = shutil.which("pyenv")
    if real is not None:
        said = run([real, "which", "python"], cwd=folder, env=changed(env))
        assert said.strip() == str(expected)
    await taken(open_session(folder), env, expected, "`.python-version` in the project")


@row("Finding the interpreter", "pyenv: one that it has built itself, below `~/.pyenv`")
async def test_a_version_that_pyenv_has_built(
    project: Callable[..., Path], open_session: Open
) -> None:
    """Not the one that runs the tests, so it can't be taken by chance."""
    built = Path.home() / ".pyenv" / "versions"
    found = [it for it in sorted(built.glob("3.1[0-3].*")) if it != Path(sys.base_prefix)]
    if not found:
        pytest.skip("pyenv: no version of its own below ~/.pyenv/versions")
    version = found[-1].name
    python = found[-1] / "bin" / "python"
    folder = project({"app.py": APP, ".python-version": f"{version}\n"})
    flask = await asyncio.to_thread(user_base, str(python))
    env = {**unknown(Path.home()), "PYTHONUSERBASE": str(flask)}
    real = shutil.which("pyenv")
    if real is not None:
        said = run([real, "which", "python"], cwd=folder, env=changed(env))
        assert said.strip() == str(python)
    await taken(open_session(folder), env, python, f"`.python-version` in the project ({version}")


@row("Finding the interpreter", "a development container: the system's Python, with Flask in it")
async def test_the_systems_python(
    project: Callable[..., Path], open_session: Open, tmp_path: Path
) -> None:
    folder = project({"app.py": APP})
    python = tmp_path / "bin" / "python3"
    python.parent.mkdir()
    python.symlink_to(base_of_this())
    env = {
        **unknown(tmp_path),
        "PATH": f"{python.parent}:/usr/bin:/bin",
        "PYTHONUSERBASE": str(await asyncio.to_thread(user_base, base_of_this())),
    }
    await taken(open_session(folder), env, python, "`python3` on PATH")


TOOLS = ("uv", "poetry", "pipenv", "pdm", "hatch", "conda", "pyenv", "git", "python", "python3")


@row(
    "Finding the interpreter",
    "a folder that is opened for the first time, with lock files of all of these tools",
    hotplate="runs nothing, no tool and no Python, before the person has said so",
)
async def test_nothing_is_run_where_a_folder_is_opened(
    project: Callable[..., Path], open_session: Open, tmp_path: Path
) -> None:
    folder = project(
        {
            "app.py": APP,
            "pyproject.toml": '[project]\nname = "shop"\n[tool.poetry]\n[tool.pdm]\n[tool.hatch]\n',
            "poetry.lock": "",
            "uv.lock": "",
            "pdm.lock": "",
            "Pipfile": "",
            "environment.yml": "name: shop\n",
            ".python-version": "3.11\n",
        }
    )
    said = tmp_path / "said"
    traps = [tmp_path / "bin" / name for name in TOOLS]
    for trap in traps:
        trap.parent.mkdir(exist_ok=True, parents=True)
        then = f'exec {sys.executable} "$@"' if trap.name.startswith("python") else "exit 1"
        trap.write_text(f"#!/bin/sh\necho {trap.name} >>{said}\n{then}\n", "utf-8")
        trap.chmod(0o755)
    session = open_session(folder)
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def reply(params: types.ShowMessageRequestParams) -> types.MessageActionItem:
        asked.set()
        await may_answer.wait()
        return types.MessageActionItem("Start")

    session.answers[types.WINDOW_SHOW_MESSAGE_REQUEST] = reply
    env = {**unknown(tmp_path), "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}
    await session.start({"port": free_port()}, env=env, trusted=False)
    await asyncio.wait_for(asked.wait(), 30)
    await session.barrier()
    assert not said.exists()
    may_answer.set()
    await session.state("running")
    ran = said.read_text("utf-8").split()
    assert set(ran) == {"poetry", "python3"}  # whose answer helps; so they can be seen
