"""WSGI apps that are not Flask's, named as `module:application`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from compatibility.person import Person
from compatibility.rows import case
from support.environments import PAIRS, Environment, python_of

FUNCTION = """\
print("begun")
from words import WORD


def application(environ, start_response):
    if environ["PATH_INFO"] == "/boom":
        1 / 0
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [WORD.encode()]
"""
OBJECT = (
    FUNCTION.replace("def application", "def answer")
    + """

class Application:
    __slots__ = ()

    def __call__(self, environ, start_response):
        return answer(environ, start_response)


application = Application()
"""
)
FACTORY = (
    FUNCTION.replace("def application", "def answer")
    + """

def application():
    from flask import Flask
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    print("made")
    return DispatcherMiddleware(answer, {"/flask": Flask("flask")})
"""
)
REFUSED = "`flask run` refuses it; `run_simple` has to be called by a script"


@pytest.mark.parametrize("environment", [PAIRS[0], PAIRS[-1]], ids=["oldest", "newest"])
@pytest.mark.parametrize(
    "main",
    [
        case(
            "Other WSGI apps", 'a function: `app = "module:application"`', FUNCTION, stock=REFUSED
        ),
        case("Other WSGI apps", "an object that can be called", OBJECT, stock=REFUSED),
        case(
            "Other WSGI apps",
            "a factory of one, as of a `DispatcherMiddleware`",
            FACTORY,
            stock=REFUSED,
        ),
    ],
)
async def test_a_plain_app(
    project: Callable[..., Path],
    work_on: Callable[[Path], Person],
    main: str,
    environment: Environment,
) -> None:
    person = work_on(project({"plain.py": main, "words.py": 'WORD = "one"\n'}))
    await person.open(python_of(environment), app="plain:application")
    assert await person.look() == "one"
    await person.edit("words.py", "one", "two")
    assert await person.look() == "two"
    await person.break_and_mend("words.py")
    status, page = await person.session.get(person.url, "/boom")
    assert status == 500 and "ZeroDivisionError" in page
    problem = await person.session.diagnostic(person.folder / "plain.py", "division by zero")
    assert problem["range"]["start"]["line"] == main[: main.index("1 / 0")].count("\n")
    await person.imported_once()
    printed = person.printed()
    if "made" in main:  # the start that broke did not come that far
        assert printed.count("made") == printed.count("begun") - 1


async def test_what_is_no_app(
    project: Callable[..., Path], work_on: Callable[[Path], Person]
) -> None:
    """A mistake is told as Flask tells it."""
    for what in ("application = 1", "def application(one): pass", "class application: pass"):
        person = work_on(project({"plain.py": what + "\n"}, what.split()[-1].strip(":")))
        await person.session.start({"port": 0, "app": "plain:application"})
        failed = await person.session.state("failed")
        assert failed["error"]["type"] == "NoAppException", failed
        assert "plain:application" in failed["error"]["message"] or "'application'" in str(failed)
