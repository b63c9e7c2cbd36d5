"""Variables: where they come from, which wins, and what an edit of a file does. Flask itself says
what is right."""

from __future__ import annotations

import asyncio
import http.client
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from compatibility.environments import newest
from compatibility.person import Person
from compatibility.rows import case, row
from compatibility.tools import changed
from support.environments import EXTRAS, PAIRS, Environment, python_of, run
from support.session import Session, free_port

Project = Callable[..., Path]
Open = Callable[[Path], Session]
WorkOn = Callable[[Path], Person]

APP = """\
import os

from flask import Flask

app = Flask(__name__)
TEXT = " ".join([os.environ.get(name, "-") for name in "ABCDE"] + [os.path.basename(os.getcwd())])


@app.route("/")
def index():
    return TEXT


@app.route("/debug")
def debug():
    return repr(app.debug)


@app.cli.command("who")
def who():
    print(TEXT)
"""
FILES = {
    "app.py": APP,
    ".env": "A=env\nB=env\nC=env\n",
    ".flaskenv": "A=flaskenv\nB=flaskenv\nC=flaskenv\nD=flaskenv\n",
    "dev.env": "A=file\nB=file\nE=file\n",
}


async def flask_who(python: str, folder: Path, *options: str, **env: str) -> str:
    """What the app says under Flask's own command line."""
    command = [python, "-m", "flask", *options, "who"]
    return (await asyncio.to_thread(run, command, cwd=folder, env=changed(env))).strip()


# Flask 3.1 has made of the last the first.
RELEASES = {
    "Flask 1.1": PAIRS[0],
    "Flask 2.0": PAIRS[1],
    "Flask 2.2": PAIRS[3],
    "Flask 3.0": PAIRS[5],
    "Flask 3.1": newest("3.13"),
}


@pytest.mark.parametrize(
    "environment",
    [
        case("Environment", f"`.env`, `.flaskenv` and variables: which wins, {told}", each)
        for told, each in RELEASES.items()
    ],
)
async def test_which_wins(environment: Environment, project: Project, work_on: WorkOn) -> None:
    """Also from a folder below, where Flask 1.1 goes up to that of the file."""
    python = await asyncio.to_thread(python_of, environment)
    folder = project({**FILES, "below/app.py": APP})
    env = {"A": "environment"}
    person = work_on(folder)
    settings = {"port": free_port(), "interpreter": python, "env": env}
    await person.session.start(settings)
    person.state = await person.session.state("running")
    assert await person.look() == await flask_who(python, folder, **env)
    person.session.configure({**settings, "cwd": "below"})
    person.state = await person.session.state("running", after=1)
    assert await person.look() == await flask_who(python, folder / "below", **env)


@pytest.mark.parametrize("skip", ["0", "1"])
@pytest.mark.parametrize(
    "environment",
    [
        case("Environment", f"`--env-file`: which wins, {told}", each)
        for told, each in list(RELEASES.items())[2:]
    ],
)
async def test_env_file(
    environment: Environment, skip: str, project: Project, work_on: WorkOn
) -> None:
    """With `FLASK_SKIP_DOTENV`, too: it is about the other files only."""
    python = await asyncio.to_thread(python_of, environment)
    folder = project(FILES)
    env = {"A": "environment", "FLASK_SKIP_DOTENV": skip}
    person = work_on(folder)
    await person.open(python, env=env, envFile="dev.env")
    right = await flask_who(python, folder, "--env-file", "dev.env", **env)
    assert await person.look() == right
    # And from a standby.
    await person.save("app.py", APP + "\n")
    assert await person.look() == right
    await person.save("dev.env", "A=file\nB=other\nE=other\n")
    assert await person.look() == await flask_who(python, folder, "--env-file", "dev.env", **env)


async def test_an_env_file_that_is_missing(project: Project, open_session: Open) -> None:
    """It is told as `flask --env-file` tells it, and mended by making the file."""
    session = open_session(project({"app.py": APP}))
    settings = {"port": free_port(), "interpreter": sys.executable, "envFile": "dev.env"}
    await session.start(settings)
    failed = await session.state("failed")
    for text in ("dev.env", "does not exist", "hotplate.envFile"):
        assert text in failed["error"]["message"]
    session.save("dev.env", "E=made\n")
    running = await session.state("running")
    assert "made" in (await session.get(running["url"]))[1]


@row(
    "Environment",
    "an edit of `.env`",
    hotplate="the app is restarted with it; what is gone from the file is gone",
    stock="has no effect until `flask run` is ended and started again",
)
async def test_an_edit_of_env(project: Project, work_on: WorkOn) -> None:
    person = work_on(project({"app.py": APP, ".env": "A=one\nB=one\n"}))
    await person.open()
    assert await person.look() == "one one - - - shop"
    await person.save(".env", "A=two\n")
    assert await person.look() == "two - - - - shop"
    await person.save(".flaskenv", "A=weak\nC=new\n")  # a file that was not there
    assert await person.look() == "two - new - - shop"
    (person.folder / ".env").unlink()
    generation = person.state["generation"]
    person.session.changed_outside(".env")
    person.state = await person.session.state("running", after=generation)
    assert await person.look() == "weak - new - - shop"
    await person.save("app.py", APP + "\n")
    assert await person.look() == "weak - new - - shop"


@row(
    "Environment",
    "`.env` without python-dotenv",
    hotplate="no file is read, as Flask does it; the address is Flask's, too",
)
async def test_without_python_dotenv(project: Project, open_session: Open) -> None:
    environment = Environment("no-dotenv", "", ("flask>=3.1,<3.2",))
    python = await asyncio.to_thread(python_of, environment)
    other, port = free_port(), free_port()
    folder = project({**FILES, ".flaskenv": f"FLASK_RUN_PORT={other}\n"})
    session = open_session(folder)
    await session.start({"interpreter": python, "env": {"FLASK_RUN_PORT": str(port)}})
    running = await session.state("running")
    assert urlsplit(running["url"]).port == port
    assert (await session.get(running["url"]))[1] == await flask_who(python, folder)


@row("Environment", "`FLASK_SKIP_DOTENV`")
async def test_skip_dotenv(project: Project, work_on: WorkOn) -> None:
    folder = project(FILES)
    person = work_on(folder)
    env = {"FLASK_SKIP_DOTENV": "1"}
    await person.open(env=env)
    assert await person.look() == await flask_who(sys.executable, folder, **env)


# ------------------------------------------------------------------ debug mode


@pytest.mark.parametrize(
    ("environment", "file", "debug"),
    [
        case("Environment", "`FLASK_ENV=production`, Flask 1.1", PAIRS[0], "FLASK_ENV=production",
             False),
        case("Environment", "`FLASK_ENV=development`, Flask 2.0", PAIRS[1],
             "FLASK_ENV=development", True),
        case("Environment", "`FLASK_ENV=production`, Flask 2.2", PAIRS[3], "FLASK_ENV=production",
             False),
        case("Environment", "`FLASK_ENV=production` with `FLASK_DEBUG=1`, Flask 2.2", PAIRS[3],
             "FLASK_ENV=production\nFLASK_DEBUG=1", True),
        case("Environment", "`FLASK_ENV`, of which Flask 3.1 knows nothing", newest("3.13"),
             "FLASK_ENV=production", True),
        case("Environment", "`FLASK_DEBUG=0`, Flask 1.1", PAIRS[0], "FLASK_DEBUG=0", False,
             hotplate="saves are live all the same, and errors are on their line"),
        case("Environment", "`FLASK_DEBUG=0`, Flask 3.1", newest("3.13"), "FLASK_DEBUG=0", False,
             hotplate="saves are live all the same, and errors are on their line",
             stock="no reloader"),
    ],
)  # fmt: skip
async def test_debug_mode(
    environment: Environment, file: str, debug: bool, project: Project, work_on: WorkOn
) -> None:
    """Debug mode is on where nobody has said otherwise, as with `flask run --debug`."""
    python = await asyncio.to_thread(python_of, environment)
    person = work_on(project({"app.py": APP, ".flaskenv": f"{file}\n"}))
    await person.open(python)
    assert await person.look("/debug") == repr(debug)
    (told,) = person.session.notifications("hotplate/debuggerPin")[:1]
    assert (told["pin"] is not None) is debug
    await person.edit("app.py", '" ".join', '"+".join')
    assert "+" in await person.look()
    await person.break_and_mend("app.py")


# ------------------------------------------------------------------ FLASK_RUN_*


@row(
    "Environment",
    "`FLASK_RUN_PORT` and `FLASK_RUN_HOST` in `.flaskenv`",
    hotplate="an edit moves the app to the new address",
    stock="an edit has no effect until `flask run` is ended and started again",
)
async def test_run_port(project: Project, open_session: Open) -> None:
    first, second = free_port(), free_port()
    session = open_session(project({"app.py": APP, ".flaskenv": f"FLASK_RUN_PORT={first}\n"}))
    await session.start({"interpreter": sys.executable})
    running = await session.state("running")
    assert running["url"] == f"http://127.0.0.1:{first}"
    session.save(".flaskenv", f"FLASK_RUN_PORT={second}\nFLASK_RUN_HOST=localhost\n")
    running = await session.state("running", after=1)
    assert urlsplit(running["url"]).port == second
    assert (await session.get(running["url"]))[0] == 200


@row("Environment", "`FLASK_RUN_CERT=adhoc`")
async def test_run_cert(project: Project, open_session: Open) -> None:
    python = await asyncio.to_thread(python_of, EXTRAS)
    session = open_session(
        project({"app.py": APP, ".flaskenv": "FLASK_RUN_CERT=adhoc\n", ".env": "A=secure\n"})
    )
    await session.start({"port": free_port(), "interpreter": python})
    running = await session.state("running")
    assert running["url"].startswith("https://")
    assert "secure" in await asyncio.to_thread(get_tls, running["url"])
    session.save("app.py", APP.replace('" ".join', '"+".join'))
    running = await session.state("running", after=1)
    assert "secure+" in await asyncio.to_thread(get_tls, running["url"])


def get_tls(url: str) -> str:
    """A page behind a certificate that nobody has signed."""
    parts = urlsplit(url)
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(
        parts.hostname or "", parts.port, timeout=30, context=anybody
    )
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
    finally:
        connection.close()
