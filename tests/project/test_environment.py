"""What is peeked is held against Flask itself, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hotplate.project.environment import Peek, dotenv_files, layered_env, peek
from hotplate.project.settings import Settings
from project.conftest import write

# What `flask run` does with its environment before it loads the app.
ORACLE = """
import json, os, sys
from flask import cli, helpers
cli.load_dotenv(sys.argv[1] if sys.argv[1:] else None, load_defaults=helpers.get_load_dotenv())
names = ["FLASK_APP", "FLASK_RUN_HOST", "FLASK_RUN_PORT", "FLASK_RUN_CERT"]
found = {name: os.environ.get(name) or None for name in names}
found["debug"] = helpers.get_debug_flag() if "FLASK_DEBUG" in os.environ else None
print(json.dumps(found))
"""


def ask_flask(settings: Settings, folder: Path, env: dict[str, str]) -> Peek:
    command = [sys.executable, "-c", ORACLE]
    if settings.env_file:
        command.append(settings.env_file)
    done = subprocess.run(
        command,
        cwd=settings.working_directory(folder),
        env={"PATH": os.environ["PATH"], **layered_env(settings, folder, env)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    port = found["FLASK_RUN_PORT"]
    return Peek(
        app=found["FLASK_APP"],
        host=found["FLASK_RUN_HOST"],
        port=None if port is None else int(port),
        debug=found["debug"],
        cert=found["FLASK_RUN_CERT"],
    )


CASES: dict[str, tuple[dict[str, str], Settings, dict[str, str]]] = {
    "nothing": ({}, Settings(), {}),
    "flaskenv": (
        {".flaskenv": "FLASK_APP=shop\nFLASK_RUN_PORT=8000\nFLASK_DEBUG=1\n"},
        Settings(),
        {},
    ),
    "env beats flaskenv": (
        {".flaskenv": "FLASK_APP=weak\nFLASK_RUN_HOST=::1\n", ".env": "export FLASK_APP=strong\n"},
        Settings(),
        {},
    ),
    "the environment beats both": (
        {".env": "FLASK_APP=file\nFLASK_RUN_CERT=adhoc\n"},
        Settings(),
        {"FLASK_APP": "environment", "FLASK_DEBUG": "no"},
    ),
    "the settings' env beats the environment": (
        {".env": "FLASK_APP=file\n"},
        Settings(env={"FLASK_APP": "setting"}),
        {"FLASK_APP": "environment"},
    ),
    "env-file beats the rest": (
        {"dev.env": "FLASK_APP=chosen\n", ".env": "FLASK_APP=weak\nFLASK_RUN_PORT=1\n"},
        Settings(env_file="dev.env"),
        {},
    ),
    "files further up": (
        {"../.env": "FLASK_APP=above\n", ".flaskenv": "FLASK_APP=here\nFLASK_DEBUG=False\n"},
        Settings(),
        {},
    ),
    "the nearest file hides those above": (
        {"sub/.env": "FLASK_DEBUG=1\n", ".env": "FLASK_APP=above\n"},
        Settings(cwd="sub"),
        {},
    ),
    "skipped": (
        {".env": "FLASK_APP=skipped\n", "dev.env": "FLASK_RUN_HOST=a\n"},
        Settings(env_file="dev.env"),
        {"FLASK_SKIP_DOTENV": "1"},
    ),
    "not skipped": ({".env": "FLASK_APP=read\n"}, Settings(), {"FLASK_SKIP_DOTENV": "False"}),
    "interpolation": (
        {".env": "BASE=80\nFLASK_RUN_PORT=${BASE}0${NINE:-9}\nFLASK_APP=${FROM_SETTINGS}\n"},
        Settings(env={"FROM_SETTINGS": "shop"}),
        {},
    ),
    "quotes and comments": (
        {".env": "# FLASK_APP=no\nFLASK_APP='a # b'\nFLASK_RUN_HOST=h # said\n"},
        Settings(),
        {},
    ),
    "the lowest port": ({".env": "FLASK_RUN_PORT=0\n"}, Settings(), {}),
    "the highest port": ({".env": "FLASK_RUN_PORT=65535\n"}, Settings(), {}),
    "empty": (
        {".env": "FLASK_APP=\nFLASK_DEBUG=\nFLASK_RUN_PORT\n", ".flaskenv": "FLASK_APP=x\n"},
        Settings(),
        {"FLASK_RUN_HOST": ""},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_peek_is_what_flask_will_see(name: str, workspace: Path) -> None:
    files, settings, env = CASES[name]
    for file, text in files.items():
        write(workspace / file, text)
    found = peek(settings, workspace, env)
    expected = ask_flask(settings, workspace, env)
    assert (found.app, found.host, found.port, found.debug, found.cert) == (
        expected.app,
        expected.host,
        expected.port,
        expected.debug,
        expected.cert,
    )


def test_where_each_value_comes_from(workspace: Path) -> None:
    write(workspace / ".env", "FLASK_APP=x\n")
    write(workspace / "api" / "dev.env", "FLASK_RUN_PORT=1\n")
    settings = Settings(folder="api", env_file="dev.env")
    found = peek(settings, workspace, {"FLASK_DEBUG": "1"})
    assert found.sources == {
        "app": "FLASK_APP in ../.env",
        "port": "FLASK_RUN_PORT in dev.env",
        "debug": "FLASK_DEBUG in the environment",
    }


@pytest.mark.parametrize("port", ["http", "65536", "-1", "5000.5"])
def test_a_port_that_is_none_is_left_for_flask_to_tell(workspace: Path, port: str) -> None:
    write(workspace / ".env", f"FLASK_RUN_PORT={port}\n")
    assert peek(Settings(), workspace, {}) == Peek()


def test_a_file_that_cannot_be_read_is_left_for_flask_to_tell(workspace: Path) -> None:
    (workspace / ".env").write_bytes(b"FLASK_APP=\xff\n")
    write(workspace / ".flaskenv", "FLASK_APP=x\n")
    assert peek(Settings(), workspace, {}).app == "x"


def test_a_named_pipe_is_not_used_up(workspace: Path) -> None:
    os.mkfifo(workspace / ".env")  # reading it would wait for ever
    assert peek(Settings(), workspace, {}) == Peek()


def test_a_folder_called_env_is_passed_by(workspace: Path) -> None:
    (workspace / "sub" / ".env").mkdir(parents=True)
    write(workspace / ".env", "FLASK_APP=above\n")
    assert peek(Settings(cwd="sub"), workspace, {}).app == "above"


def test_the_apps_environment(workspace: Path) -> None:
    write(workspace / ".env", "FROM_FILE=1\n")
    settings = Settings(env={"A": "setting", "EMPTY": ""}, cwd="src")
    base = {"A": "base", "B": "base", "PWD": "/elsewhere"}
    assert layered_env(settings, workspace, base) == {
        "A": "setting",
        "B": "base",
        "EMPTY": "",
        "PWD": str(workspace / "src"),
    }
    assert base["A"] == "base"


def test_the_files_that_matter_whether_they_exist_or_not(workspace: Path) -> None:
    settings = Settings(folder="api", cwd="src", env_file="../dev.env")
    api = workspace / "api"
    assert set(dotenv_files(settings, workspace)) == {
        workspace / "pyproject.toml",
        api / "dev.env",
        *(
            place / name
            for place in (api / "src", api, workspace)
            for name in (".env", ".flaskenv")
        ),
    }


def test_no_file_beyond_the_one_in_force_matters(workspace: Path) -> None:
    write(workspace / ".env")
    write(workspace.parent / ".flaskenv")
    assert dotenv_files(Settings(cwd="src"), workspace) == [
        workspace / "pyproject.toml",
        workspace / "src" / ".env",
        workspace / ".env",
        workspace / "src" / ".flaskenv",
        workspace / ".flaskenv",
        workspace.parent / ".flaskenv",
    ]
