"""Interpreters are found among real virtual environments."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import platformdirs
import pytest

from hotplate.project import interpreter
from hotplate.project.interpreter import (
    Interpreter,
    InterpreterNotFound,
    needs_consent,
    probe,
)
from hotplate.project.managers import pipenv_name
from hotplate.project.poetry import environment_name
from hotplate.project.settings import Settings
from project.conftest import MakeVenv, write

pytestmark = pytest.mark.usefixtures("home")

NONE: Mapping[str, str] = {"PATH": ""}


def find(
    folder: Path, env: Mapping[str, str] = NONE, settings: Settings | None = None
) -> Interpreter:
    return interpreter.find(settings or Settings(), folder, env)


def command(path: Path, text: str = "#!/bin/sh\n") -> Path:
    """Something that can be run."""
    write(path, text).chmod(0o755)
    return path


def link_python(directory: Path) -> Path:
    """The least that makes a folder an environment; real ones are made where it matters."""
    python = directory / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    return python


# --- the setting ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wanted", [".venv", ".venv/bin/python", "./.venv/", "~/e", "../shop/.venv"]
)
def test_the_setting_names_a_python_or_an_environment(
    wanted: str, workspace: Path, home: Path, make_venv: MakeVenv
) -> None:
    python = make_venv(workspace / ".venv")
    (home / "e").symlink_to(workspace / ".venv")
    found = find(workspace, settings=Settings(interpreter=wanted))
    expected = home / "e" / "bin" / "python" if wanted.startswith("~") else python
    assert found == Interpreter(expected, "hotplate.interpreter", "setting")
    assert probe(found.path).prefix == str(found.path.parent.parent)


def test_the_setting_is_seen_from_the_apps_folder_and_then_from_the_workspace(
    workspace: Path,
) -> None:
    outer, inner = link_python(workspace / "e"), link_python(workspace / "api" / "e")
    assert find(workspace, settings=Settings(interpreter="e", folder="api")).path == inner
    assert find(workspace, settings=Settings(interpreter="e", folder="web")).path == outer


def test_the_setting_names_a_command_on_path(workspace: Path, tmp_path: Path) -> None:
    tool = command(tmp_path / "bin" / "python3.99")
    env = {"PATH": str(tool.parent)}
    assert find(workspace, env, Settings(interpreter="python3.99")).path == tool


def test_the_setting_goes_before_all_else(workspace: Path) -> None:
    link_python(workspace / ".venv")
    chosen, active = link_python(workspace / "chosen"), link_python(workspace / "active")
    env = {"VIRTUAL_ENV": str(active.parent.parent), "PATH": ""}
    assert find(workspace, env, Settings(interpreter="chosen")).path == chosen


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ("missing", "no such command on PATH"),
        ("./missing", "there is nothing of that name"),
        ("folder", "holds no Python"),
        ("text.txt", "cannot be run"),
    ],
)
def test_a_setting_that_names_no_python_is_told(workspace: Path, wanted: str, why: str) -> None:
    (workspace / "folder").mkdir()
    write(workspace / "text.txt")
    link_python(workspace / ".venv")  # not taken instead: the person chose another
    with pytest.raises(InterpreterNotFound) as caught:
        find(workspace, settings=Settings(interpreter=wanted))
    assert f'hotplate.interpreter is "{wanted}"' in str(caught.value)
    assert why in str(caught.value)
    assert "remove it" in str(caught.value)


def test_an_interpreter_of_the_projects_file_from_outside_needs_consent(
    workspace: Path, tmp_path: Path
) -> None:
    link_python(workspace / ".venv")
    link_python(tmp_path / "elsewhere")
    tool = command(tmp_path / "bin" / "snake")
    env = {"PATH": str(tool.parent)}

    def asked(wanted: str, source: str = "pyproject") -> bool:
        settings = Settings(interpreter=wanted, sources={"interpreter": source})  # type: ignore[dict-item]
        return needs_consent(settings, workspace, env)

    assert not asked(".venv")  # a link that leads outside, as every environment's Python is
    assert asked("../elsewhere")
    assert asked(".venv/../../elsewhere")
    assert asked(str(tmp_path / "elsewhere"))
    assert asked("snake")
    assert not asked("missing")
    assert not asked("../elsewhere", "editor")
    assert not needs_consent(Settings(), workspace, env)


def test_the_projects_file_cannot_choose_through_env_what_it_may_not_choose_outright(
    workspace: Path, tmp_path: Path
) -> None:
    elsewhere = link_python(tmp_path / "elsewhere").parent.parent
    settings = Settings(
        env={"VIRTUAL_ENV": str(elsewhere), "PATH": str(elsewhere / "bin")},
        sources={"env": "pyproject"},
    )
    with pytest.raises(InterpreterNotFound):
        find(workspace, settings=settings)


# --- what is active, and what stands in the project ----------------------------------------------


def test_the_active_environment_goes_before_the_projects(
    workspace: Path, tmp_path: Path, make_venv: MakeVenv
) -> None:
    active = make_venv(tmp_path / "active")
    in_project = link_python(workspace / ".venv")
    env = {"VIRTUAL_ENV": str(tmp_path / "active"), "PATH": ""}
    assert find(workspace, env) == Interpreter(active, "VIRTUAL_ENV", "VIRTUAL_ENV")
    env["VIRTUAL_ENV"] = str(tmp_path / "removed")
    assert find(workspace, env).path == in_project


def test_hotplates_own_environment_gives_way_to_the_projects(workspace: Path) -> None:
    env = {"VIRTUAL_ENV": sys.prefix, "PATH": ""}
    assert find(workspace, env).path == Path(sys.prefix) / "bin" / "python"
    in_project = link_python(workspace / ".venv")
    assert find(workspace, env).path == in_project


@pytest.mark.parametrize("name", [".venv", "venv", "env"])
def test_an_environment_in_the_project(name: str, workspace: Path, make_venv: MakeVenv) -> None:
    python = make_venv(workspace / name)
    assert find(workspace) == Interpreter(python, f"`{name}` in the project", "venv")
    assert find(workspace).path.is_symlink()  # never resolved: it would be another Python
    assert probe(find(workspace).path).prefix == str(workspace / name)


def test_the_nearest_environment_wins_up_to_the_workspace(workspace: Path) -> None:
    link_python(workspace.parent / ".venv")  # outside: not ours to take
    outer = link_python(workspace / ".venv")
    settings = Settings(folder="api", cwd="src")
    assert find(workspace, settings=settings).path == outer
    middle = link_python(workspace / "api" / "venv")
    assert find(workspace, settings=settings).path == middle
    inner = link_python(workspace / "api" / "src" / "env")
    found = find(workspace, settings=settings)
    assert (found.path, found.reason) == (inner, "`api/src/env` in the project")


def test_an_app_that_runs_outside_of_the_workspace_is_looked_after(
    workspace: Path, tmp_path: Path
) -> None:
    outer = link_python(tmp_path / "far" / ".venv")
    assert find(workspace, settings=Settings(cwd="../far")).path == outer


def test_a_folder_called_env_that_is_no_environment_is_passed_by(workspace: Path) -> None:
    write(workspace / "env" / "settings.py")
    write(workspace / ".venv", "FLASK_APP=shop/web\n")
    assert find(workspace, {"PATH": str(Path(sys.executable).parent)}).source == "PATH"


def test_a_venv_that_is_a_file_names_one(workspace: Path, tmp_path: Path, home: Path) -> None:
    beside = link_python(tmp_path / "envs" / "shop")
    write(workspace / ".venv", "../envs/shop\n")
    assert find(workspace).path == beside
    write(workspace / ".venv", "named")
    named = link_python(home / ".local" / "share" / "virtualenvs" / "named")
    assert find(workspace).path == named


def test_uv(workspace: Path, make_venv: MakeVenv) -> None:
    python = make_venv(workspace / ".venv")
    with (workspace / ".venv" / "pyvenv.cfg").open("a") as file:
        file.write("uv = 0.9.0\n")
    assert find(workspace) == Interpreter(python, "`.venv` in the project", "uv")
    custom = link_python(workspace / "build" / "e")
    env = {"UV_PROJECT_ENVIRONMENT": "build/e", "PATH": ""}
    assert find(workspace, env) == Interpreter(custom, "UV_PROJECT_ENVIRONMENT", "uv")


def test_an_environment_of_the_repository_around_the_workspace(workspace: Path) -> None:
    python = link_python(workspace.parent / ".venv")
    with pytest.raises(InterpreterNotFound):
        find(workspace)
    (workspace.parent / ".git").mkdir()
    assert find(workspace).path == python
    (workspace / ".git").mkdir()  # now the workspace is the repository
    with pytest.raises(InterpreterNotFound):
        find(workspace)


def test_a_broken_environment_is_told_and_not_passed_over(
    workspace: Path, make_venv: MakeVenv
) -> None:
    for python in make_venv(workspace / ".venv").parent.glob("python*"):
        python.unlink()
        python.symlink_to("/nowhere/python")
    with pytest.raises(InterpreterNotFound) as caught:
        find(workspace, {"PATH": str(Path(sys.executable).parent)})
    assert "`.venv` is a virtual environment whose Python is gone" in str(caught.value)
    assert "python3 -m venv --clear .venv" in str(caught.value)


# --- what the tools keep elsewhere ---------------------------------------------------------------


def test_poetrys_and_pipenvs_names_are_theirs() -> None:
    # As Poetry 2.5 and Pipenv 2026.10 name them.
    assert environment_name("My.Shop_x", Path("/srv/My Shop (v2)")) == "my-shop-x-LSHKO4wK"
    assert pipenv_name(Path("/srv/My Shop (v2)/Pipfile")) == "My_Shop__v2_-bEiOi8zh"


def poetry_project(folder: Path, name: str = '[project]\nname = "My_Shop"\n') -> str:
    write(folder / "pyproject.toml", name)
    write(folder / "poetry.lock")
    return environment_name("My_Shop", folder)


def test_poetry(workspace: Path, make_venv: MakeVenv) -> None:
    base = poetry_project(workspace)
    environments = platformdirs.user_cache_path("pypoetry", appauthor=False) / "virtualenvs"
    python = make_venv(environments / f"{base}-py3.9")
    assert find(workspace) == Interpreter(python, "Poetry's environment", "poetry")
    assert find(workspace, settings=Settings(cwd="src")).path == python
    # The latest, unless `poetry env use` has chosen.
    newer = link_python(environments / f"{base}-py3.10")
    assert find(workspace).path == newer
    write(environments / "envs.toml", f'[{base}]\nminor = "3.9"\npatch = "3.9.1"\n')
    assert find(workspace).path == python
    # An environment in the project goes before.
    inside = link_python(workspace / ".venv")
    assert find(workspace).path == inside


@pytest.mark.parametrize("way", ["variable", "cache variable", "project", "config"])
def test_poetrys_environments_where_its_configuration_has_them(
    way: str, workspace: Path, tmp_path: Path
) -> None:
    base = poetry_project(workspace, '[tool.poetry]\nname = "My_Shop"\n')
    env = dict(NONE)
    environments = tmp_path / "cache" / "virtualenvs"
    if way == "variable":
        env["POETRY_VIRTUALENVS_PATH"] = str(environments)
    elif way == "cache variable":
        env["POETRY_CACHE_DIR"] = str(tmp_path / "cache")
    elif way == "project":
        write(
            workspace / "poetry.toml",
            '[virtualenvs]\npath = "{project-dir}/../cache/virtualenvs"\n',
        )
    else:
        config = platformdirs.user_config_path("pypoetry", appauthor=False, roaming=True)
        write(config / "config.toml", f'cache-dir = "{tmp_path / "cache"}"\n')
    python = link_python(environments / f"{base}-py3.12")
    assert find(workspace, env).path == python


def test_a_project_of_poetrys_that_is_known_by_its_build_system(workspace: Path) -> None:
    build = '[build-system]\nbuild-backend = "poetry.core.masonry.api"\n'
    write(workspace / "pyproject.toml", f'[project]\nname = "shop"\n{build}')
    environments = platformdirs.user_cache_path("pypoetry", appauthor=False) / "virtualenvs"
    python = link_python(environments / f"{environment_name('shop', workspace)}-py3.12")
    assert find(workspace).path == python


def test_poetry_is_asked_where_nothing_else_helps(workspace: Path, tmp_path: Path) -> None:
    poetry_project(workspace)
    python = link_python(tmp_path / "odd")
    command(
        tmp_path / "bin" / "poetry",
        f'#!/bin/sh\n[ "$*" = "env info --path" ] && [ -f poetry.lock ] && echo "{tmp_path}/odd"\n',
    )
    env = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}
    assert find(workspace, env).path == python
    assert interpreter.find(Settings(), workspace, env, run_tools=False).source == "PATH"
    command(tmp_path / "bin" / "poetry", "#!/bin/sh\nexit 1\n")
    assert find(workspace, env).source == "PATH"


def test_poetry_is_not_asked_at_each_start(workspace: Path, tmp_path: Path) -> None:
    """It takes a second, and in many a container there is no environment of its own."""
    poetry_project(workspace)
    script = f'#!/bin/sh\necho asked >>"{tmp_path}/asked"\nexit 1\n'
    command(tmp_path / "bin" / "poetry", script)
    env = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}

    def asked() -> int:
        assert find(workspace, env).source == "PATH"
        return (tmp_path / "asked").read_text().count("asked")

    assert asked() == asked() == 1
    write(workspace / "poetry.lock", "# another\n")
    assert asked() == 2
    environments = platformdirs.user_cache_path("pypoetry", appauthor=False) / "virtualenvs"
    (environments / "another-project-py3.12").mkdir(parents=True)
    assert asked() == 3


def test_pipenv(workspace: Path, home: Path, tmp_path: Path, make_venv: MakeVenv) -> None:
    pipfile = write(workspace / "Pipfile")
    name = pipenv_name(pipfile)
    python = make_venv(home / ".local" / "share" / "virtualenvs" / name)
    expected = Interpreter(python, "Pipenv's environment", "pipenv")
    assert find(workspace) == expected
    assert find(workspace, settings=Settings(folder="api")) == expected
    # Pipenv sees the real path of its working directory.
    (tmp_path / "link").symlink_to(workspace)
    assert find(tmp_path / "link") == expected
    custom = link_python(tmp_path / "envs" / "mine")
    env = {**NONE, "WORKON_HOME": str(tmp_path / "envs"), "PIPENV_CUSTOM_VENV_NAME": "mine"}
    assert find(workspace, env).path == custom


def test_pdm(workspace: Path, tmp_path: Path) -> None:
    python = link_python(tmp_path / "pdm")
    write(workspace / ".pdm-python", str(python))
    expected = Interpreter(python, "`.pdm-python` in the project", "pdm")
    assert find(workspace) == expected
    write(workspace / ".pdm-python", "python")  # no path: not PDM's writing
    with pytest.raises(InterpreterNotFound):
        find(workspace)


def test_hatch(workspace: Path, tmp_path: Path) -> None:
    write(workspace / "pyproject.toml", '[project]\nname = "My.Shop"\n')
    # The same hash as Poetry's, of the folder alone.
    checksum = environment_name("x", workspace).removeprefix("x-")
    data = platformdirs.user_data_path("hatch", appauthor=False)
    tail = Path("env", "virtual", "my-shop", checksum, "my-shop")
    python = link_python(data / tail)
    assert find(workspace) == Interpreter(python, "Hatch's environment", "hatch")
    moved = link_python(tmp_path / "data" / tail)
    assert find(workspace, {**NONE, "HATCH_DATA_DIR": str(tmp_path / "data")}).path == moved


def test_conda_that_is_active_but_not_its_base(workspace: Path, tmp_path: Path) -> None:
    python = link_python(tmp_path / "miniforge3" / "envs" / "work")
    env = {
        "CONDA_PREFIX": str(tmp_path / "miniforge3" / "envs" / "work"),
        "CONDA_DEFAULT_ENV": "work",
        "PATH": "",
    }
    assert find(workspace, env) == Interpreter(python, "the active conda environment", "conda")
    env["CONDA_DEFAULT_ENV"] = "base"
    with pytest.raises(InterpreterNotFound):
        find(workspace, env)


@pytest.mark.parametrize("way", ["noted", "envs", "root", "home", "folder"])
def test_conda_by_what_the_project_says(
    way: str, workspace: Path, tmp_path: Path, home: Path
) -> None:
    write(
        workspace / "environment.yml", "# ours\nname: 'shop'  # the name\ndependencies: [flask]\n"
    )
    env = dict(NONE)
    if way == "noted":
        python = link_python(tmp_path / "odd" / "shop")
        write(home / ".conda" / "environments.txt", f"/gone/shop\n{tmp_path / 'odd' / 'shop'}\n")
    elif way == "envs":
        python = link_python(tmp_path / "envs" / "shop")
        env["CONDA_ENVS_PATH"] = str(tmp_path / "envs")
    elif way == "root":
        python = link_python(tmp_path / "conda" / "envs" / "shop")
        env["CONDA_EXE"] = str(tmp_path / "conda" / "bin" / "conda")
    elif way == "home":
        python = link_python(home / "miniforge3" / "envs" / "shop")
    else:
        python = link_python(workspace / ".conda")
    found = find(workspace, env)
    assert (found.path, found.source) == (python, "conda")


# --- the rest ------------------------------------------------------------------------------------


def test_python3_and_then_python_on_path(workspace: Path, tmp_path: Path) -> None:
    python = command(tmp_path / "bin" / "python")
    env = {"PATH": str(tmp_path / "bin")}
    assert find(workspace, env) == Interpreter(python, "`python` on PATH", "PATH")
    python3 = command(tmp_path / "bin" / "python3")
    assert find(workspace, env) == Interpreter(python3, "`python3` on PATH", "PATH")


@pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="runs in no virtual environment")
def test_hotplates_own_python_on_path_is_the_last_resort(workspace: Path, tmp_path: Path) -> None:
    own = str(Path(sys.prefix) / "bin")
    assert str(find(workspace, {"PATH": own}).path).startswith(own)
    other = command(tmp_path / "bin" / "python")
    assert find(workspace, {"PATH": f"{own}{os.pathsep}{tmp_path / 'bin'}"}).path == other


def test_no_python_at_all_is_told_with_what_was_tried(workspace: Path) -> None:
    with pytest.raises(InterpreterNotFound) as caught:
        find(workspace)
    assert str(workspace) in str(caught.value)
    assert "set hotplate.interpreter" in str(caught.value)


def test_a_project_whose_files_are_nonsense_is_survived(workspace: Path) -> None:
    write(workspace / "pyproject.toml", "[project\n")
    write(workspace / "poetry.lock", "\0")
    write(workspace / "Pipfile", "\0")
    write(workspace / ".pdm-python", "\0\n\0")
    write(workspace / ".venv", "\0/\0")
    write(workspace / "environment.yml", "name:\n")
    assert shutil.which("python3", path=str(Path(sys.executable).parent))
    assert find(workspace, {"PATH": str(Path(sys.executable).parent)}).source == "PATH"


# --- the client's hint ---------------------------------------------------------------------------


def hinted(python: Path | str) -> Settings:
    return Settings(interpreter=str(python), sources={"interpreter": "hint"})


def test_an_environment_that_the_client_offers_comes_before_the_search(
    workspace: Path, tmp_path: Path, make_venv: MakeVenv
) -> None:
    make_venv(workspace / ".venv")
    other = make_venv(tmp_path / "other")
    found = find(workspace, {"VIRTUAL_ENV": str(workspace / ".venv")}, hinted(other))
    assert (found.path, found.source) == (other, "editor")
    assert find(workspace, settings=hinted(tmp_path / "other")).path == other


def test_an_offer_that_is_gone_is_no_error(workspace: Path, make_venv: MakeVenv) -> None:
    python = make_venv(workspace / ".venv")
    found = find(workspace, settings=hinted(workspace / "gone/bin/python"))
    assert (found.path, found.source) == (python, "venv")


def test_a_python_at_large_gives_way_to_the_apps_own_environment_only(
    workspace: Path, tmp_path: Path, make_venv: MakeVenv
) -> None:
    large = command(tmp_path / "usr" / "bin" / "python3")
    make_venv(workspace / ".venv")
    assert find(workspace, settings=hinted(large)).path == large  # the person may want just that
    own = make_venv(workspace / "api" / ".venv")
    app = Settings(interpreter=str(large), folder="api", sources={"interpreter": "hint"})
    assert find(workspace, settings=app).path == own


# --- pyenv ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "directory"),
    [
        ("3.11.7\n", "3.11.7"),
        ("3.11", "3.11.10"),  # the newest that it begins
        ("python-3.11.7", "3.11.7"),
        ("# of the team\n\n  shop  \r\n3.11.7\n", "shop"),
        ("3.9.1\n3.11.7\n", "3.11.7"),  # the first that is there
        ("3.11.7/envs/shop", "3.11.7/envs/shop"),
    ],
)
def test_pyenvs_versions(text: str, directory: str, workspace: Path, home: Path) -> None:
    versions = home / ".pyenv" / "versions"
    for name in ("3.11.7", "3.11.10", "3.11.11rc1", "3.12-dev", "shop", "3.11.7/envs/shop"):
        link_python(versions / name)
    write(workspace / ".python-version", text)
    found = find(workspace, settings=Settings(cwd="api"))
    assert found.path == versions / directory / "bin" / "python"
    assert found.source == "pyenv"
    assert "`.python-version` in the project" in found.reason
    moved = link_python(workspace.parent / "pyenv" / "versions" / directory)
    env = {**NONE, "PYENV_ROOT": str(workspace.parent / "pyenv")}
    assert find(workspace, env).path == moved


@pytest.mark.parametrize("text", ["../../elsewhere", "/usr", "..", ".", "3.9.1", ""])
def test_a_python_version_of_nothing_that_pyenv_has(text: str, workspace: Path, home: Path) -> None:
    link_python(home / "elsewhere")
    link_python(home / ".pyenv" / "versions" / "3.11.7")
    write(workspace / ".python-version", text)
    assert find(workspace, {"PATH": "/usr/bin:/bin"}).source == "PATH"


def test_pyenvs_shims_are_seen_through(workspace: Path, home: Path) -> None:
    root = home / ".pyenv"
    shim = command(root / "shims" / "python3")
    env = {"PATH": f"{shim.parent}:/usr/bin:/bin"}
    assert find(workspace, env).path == shim  # nothing is chosen: it passes on to /usr/bin
    python = link_python(root / "versions" / "3.11.7")
    write(root / "version", "3.11.7\n")
    found = find(workspace, env)
    assert (found.path, found.reason) == (python, "pyenv's global version (3.11.7)")
    write(workspace / ".python-version", "system")
    assert find(workspace, env).path == shim
    write(workspace / ".python-version", "3.9.1")
    with pytest.raises(InterpreterNotFound, match=r"pyenv install 3\.9\.1"):
        find(workspace, env)
    chosen = link_python(root / "versions" / "3.12.1")
    assert find(workspace, {**env, "PYENV_VERSION": "3.12.1"}).path == chosen


def test_a_version_of_pyenvs_is_no_environment(workspace: Path, home: Path) -> None:
    """It gives way to the one that Hotplate was started from, an environment of pyenv's not."""
    write(workspace / ".python-version", "3.11.7\n")
    pinned = link_python(home / ".pyenv" / "versions" / "3.11.7")
    env = {**NONE, "VIRTUAL_ENV": sys.prefix}
    assert find(workspace, env).source == "VIRTUAL_ENV"
    write(home / ".pyenv" / "versions" / "3.11.7" / "pyvenv.cfg")
    assert find(workspace, env).path == pinned
    inside = link_python(workspace / ".venv")
    assert find(workspace, env).path == inside
