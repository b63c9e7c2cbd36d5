"""Each Flask with the lowest and the highest Werkzeug that it goes with, and each Python."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from compatibility.environments import LOWEST_AND_HIGHEST, PYTHONS, checkout
from compatibility.person import Person
from compatibility.rows import case, row
from support.environments import MISMATCHED, Environment, python_of
from support.session import Session, free_port

APP = """\
import sys

from flask import Flask, render_template

app = Flask(__name__)
WORD = "one"


@app.route("/")
def index():
    return WORD


@app.route("/python")
def python():
    return sys.version


@app.route("/page")
def page():
    return render_template("page.html", price=0)
"""
TEMPLATE = "<p>\n{{ 1 / price }}\n"


def _told(environment: Environment) -> str:
    """Such as `Flask 2.2.5, Werkzeug 3.1, Python 3.11`."""
    versions = dict(
        package.removesuffix(".*").split("==", 1)
        for package in environment.packages
        if "==" in package
    )
    flask = versions.get("flask", "3.1")
    return f"Flask {flask}, Werkzeug {versions.get('werkzeug', '3.1')}, Python {environment.minor}"


@pytest.mark.parametrize(
    "environment",
    [
        case("Versions", _told(each), each)
        for each in dict.fromkeys((*LOWEST_AND_HIGHEST, *PYTHONS))
    ],
)
async def test_each_version(
    environment: Environment,
    project: Callable[..., Path],
    work_on: Callable[[Path], Person],
) -> None:
    """The whole story: it runs, a save is live, an error is on its line and on the page, it is
    mended, and what a request raises is told."""
    python = python_of(environment)
    person = work_on(project({"app.py": APP, "templates/page.html": TEMPLATE}))
    await person.open(python)
    assert await person.look() == "one"
    assert (await person.look("/python")).startswith(f"{environment.minor}.")
    await person.edit("app.py", '"one"', '"two"')
    assert await person.look() == "two"
    await person.break_and_mend("app.py")
    status, text = await person.session.get(person.state["url"], "/page")
    assert status == 500 and "ZeroDivisionError" in text
    problem = await person.session.diagnostic(
        person.folder / "templates" / "page.html", "division by zero"
    )
    assert problem["range"]["start"]["line"] == 1
    await person.edit("app.py", "price=0", "price=2")
    assert "0.5" in await person.look("/page")
    await person.session.no_diagnostics(person.folder / "templates" / "page.html")


@row(
    "Versions",
    "a Flask and a Werkzeug that do not go together (Flask 2.0.3 with Werkzeug 3.0.6)",
    hotplate="a problem that names both, and the command that mends it",
    stock="a traceback that ends with `cannot import name 'url_quote'`",
)
async def test_a_pair_that_does_not_fit(
    project: Callable[..., Path], work_on: Callable[[Path], Person]
) -> None:
    python = python_of(MISMATCHED)
    person = work_on(project({"app.py": APP}))
    await person.session.start({"port": free_port(), "interpreter": python})
    await person.session.state("failed")
    problem = await person.session.diagnostic(person.folder / "app.py", "do not go together")
    for text in ("Flask 2.0.3", "Werkzeug 3.0.6", f"{python} -m pip install"):
        assert text in problem["message"]


SERVERS = tuple(
    version for version in ("3.10", "3.11", "3.12", "3.13") if not sys.version.startswith(version)
)
"""The Pythons that Hotplate runs on, but for the one that all other tests run it on."""


@row("Versions", "Hotplate itself on Python 3.10 to 3.13")
@pytest.mark.parametrize("version", SERVERS)
async def test_the_server_on_each_python(
    version: str, project: Callable[..., Path], open_session: Callable[[Path], Session]
) -> None:
    """Installed from the checkout by pip into an environment, started by its command, with an
    app in another one."""
    command = Path(python_of(checkout(version))).with_name("hotplate")
    person = Person(open_session(project({"app.py": APP})))
    person.session.command_line = [str(command), "lsp"]
    await person.open()
    running = Path(f"/proc/{person.session.process.pid}/maps")
    if running.exists():
        assert f"python{version}" in running.read_text()
    assert await person.look() == "one"
    await person.edit("app.py", '"one"', '"two"')
    assert await person.look() == "two"
    await person.break_and_mend("app.py")
