"""The app is found as Flask finds it, and where Flask finds none. Flask itself says what is right:
the same folder, with the same variables and arguments, is given to its own command line."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from compatibility.person import Person
from compatibility.rows import case, row
from support.session import SERVER, Session, free_port

Project = Callable[..., Path]
Open = Callable[[Path], Session]

# Each app says who it is, to a browser and to `flask who`.
TELL = """\
from flask import Flask


def build_app(*who, **more):
    app = Flask("told")
    text = repr((who, more))
    app.add_url_rule("/", view_func=lambda: text, endpoint="index")
    app.cli.command("who")(lambda: print(text))
    return app
"""


def module(word: str, name: str = "app") -> str:
    return f"from flask import Flask\nfrom tell import build_app\n\n{name} = build_app({word!r})\n"


FACTORY = """\
from flask import Flask
from tell import build_app


def {name}(*who, **more) -> Flask:
    return build_app("{name}", *who, **more)
"""
PACKAGE = {
    "tell.py": TELL,
    "shop/__init__.py": FACTORY.format(name="create_app"),
    "shop/web.py": module("web", "site"),
    "shop/odd.py": FACTORY.format(name="build"),
}


async def flask_who(folder: Path, *arguments: str, shell: str = "") -> str:
    """What `flask who` prints there, as a person types it."""
    command = [sys.executable, "-m", "flask", *arguments, "who"]
    if shell:
        command = ["sh", "-c", f"{shell} exec {' '.join(command)}"]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# ------------------------------------------------------------------ named


DOTENV = (
    "FLASK_APP=shop",
    'FLASK_APP="shop:create_app"',
    "FLASK_APP='shop:create_app(\"dev\")'",
    "FLASK_APP=\"shop:create_app('dev')\"",
    'FLASK_APP="shop:create_app(\\"dev\\")"',
    "FLASK_APP=shop:create_app('dev', debug=True)  # for me",
    "FLASK_APP = \"shop:create_app('a#b', 'c:d', n=-1)\"",
    "FLASK_APP=shop.odd:build( 'x' )",
    "export FLASK_APP=shop.web:site",
    "FLASK_APP=shop/web.py:site",
    "FLASK_APP=./shop/",
    "NAME=shop\nFLASK_APP=${NAME}.web",
)


@row(
    "Finding the app",
    "`FLASK_APP` in `.flaskenv` in all its forms, quoted and escaped",
    stock="works, but an edit of the file needs a restart by hand",
)
async def test_flask_app_in_a_file(project: Project, work_on: Callable[[Path], Person]) -> None:
    """One session: each form is saved, and taken."""
    folder = project({**PACKAGE, ".flaskenv": "FLASK_APP=shop.web\n"})
    person = work_on(folder)
    await person.open()
    for line in DOTENV:
        await person.save(".flaskenv", f"{line}\n")
        assert await person.look() == await flask_who(folder), line


ARGUMENTS = (
    "shop",
    "shop:create_app",
    'shop:create_app("dev")',
    "shop:create_app('it\\'s', [1, 2], more={'a': None})",
    "shop.odd:build()",
    "shop.web",
    "shop.web:site",
    "shop/web.py",
    "shop/web.py:site",
    "shop/__init__.py",
    "{folder}/shop/web.py:site",
)


@row("Finding the app", "all that `flask --app` takes, in the setting `app`")
async def test_the_setting_as_flask_takes_it(project: Project, open_session: Open) -> None:
    folder = project(PACKAGE)
    session = open_session(folder)
    settings = {"port": free_port(), "interpreter": sys.executable}
    state: dict[str, Any] = {"generation": 0}
    for form in ARGUMENTS:
        app = form.format(folder=folder) if form.startswith("{folder}") else form
        if state["generation"]:
            session.configure({**settings, "app": app})
        else:
            await session.start({**settings, "app": app})
        state = await session.state("running", after=state["generation"])
        assert (await session.get(state["url"]))[1] == await flask_who(folder, "--app", app), app


@pytest.mark.parametrize(
    "variable",
    [
        case("Finding the app", f"an editor started by `{form} code .`", form)
        for form in (
            "FLASK_APP='shop:create_app(\"dev\")'",
            r"FLASK_APP=shop:create_app\(\'dev\',\ debug=True\)",
            'FLASK_APP="shop:create_app(\\"it\'s\\")"',
        )
    ],
)
async def test_flask_app_of_a_shell(variable: str, project: Project, open_session: Open) -> None:
    folder = project(PACKAGE)
    session = open_session(folder)
    session.command_line = ["sh", "-c", f"{variable} exec {sys.executable} -m hotplate lsp"]
    settings = {"port": free_port(), "interpreter": sys.executable}
    await session.start(settings, env={"PYTHONPATH": str(SERVER)})
    running = await session.state("running")
    assert (await session.get(running["url"]))[1] == await flask_who(folder, shell=variable)


# ------------------------------------------------------------------ not named

LOCATED = {
    "`wsgi.py`": {"wsgi.py": module("wsgi"), "app.py": module("not this")},
    "`app.py`": {"app.py": module("app")},
    "`application` in `app.py`": {"app.py": module("application", "application")},
    "an app by another name in `app.py`": {"app.py": module("site", "site")},
    "a package `app`": {"app/__init__.py": module("package")},
    "`create_app` in `app.py`": {"app.py": FACTORY.format(name="create_app")},
    "`make_app` in `wsgi.py`": {"wsgi.py": FACTORY.format(name="make_app")},
    "`wsgi.py` that calls the factory of a package": {
        **PACKAGE,
        "wsgi.py": "from shop import create_app\n\napp = create_app('from wsgi')\n",
    },
}


@pytest.mark.parametrize(
    "files", [case("Finding the app", what, files) for what, files in LOCATED.items()]
)
async def test_where_flask_finds_it(
    files: dict[str, str], project: Project, work_on: Callable[[Path], Person]
) -> None:
    folder = project({"tell.py": TELL, **files})
    person = work_on(folder)
    await person.open()
    assert await person.look() == await flask_who(folder)


NOWHERE = "“Could not locate a Flask application”"
# The files, and how a person would have to say it to `flask`: the folder, and --app.
ELSEWHERE: dict[str, tuple[dict[str, str], str, str]] = {
    "an app in `main.py` alone": ({"main.py": module("main")}, ".", "main"),
    "a package with a factory": ({"shop/__init__.py": PACKAGE["shop/__init__.py"]}, ".", "shop"),
    "a package of the src layout": (
        {"src/shop/__init__.py": PACKAGE["shop/__init__.py"], "src/tell.py": TELL},
        ".",
        "src/shop",
    ),
    "`app.py` in a folder, `backend/app.py`": (
        {"backend/app.py": module("backend"), "backend/tell.py": TELL},
        "backend",
        "app",
    ),
    "a module of a package in a folder, `api/shop/web.py`": (
        {"api/shop/__init__.py": "", "api/shop/web.py": module("api"), "api/tell.py": TELL},
        "api",
        "shop.web",
    ),
}


@pytest.mark.parametrize(
    ("files", "where", "app"),
    [
        case("Finding the app", f"{what}, with no setting", *values, stock=NOWHERE)
        for what, values in ELSEWHERE.items()
    ],
)
async def test_where_flask_does_not_look(
    files: dict[str, str],
    where: str,
    app: str,
    project: Project,
    work_on: Callable[[Path], Person],
) -> None:
    """And each save of it is live, under whatever name."""
    folder = project({"tell.py": TELL, **files})
    person = work_on(folder)
    await person.open()
    assert await person.look() == await flask_who(folder / where, "--app", app)
    assert person.state["folder"] == (folder / where).as_uri()
    file = next(name for name in files if "tell" not in name and files[name])
    await person.break_and_mend(file)
    renamed = folder / "elsewhere.py"
    if file == "main.py":
        (folder / file).rename(renamed)
        person.session.changed_outside(file, renamed.name)
        generation = person.state["generation"]
        person.state = await person.session.state("running", after=generation)
        assert await person.look() == await flask_who(folder, "--app", "elsewhere")


@row("Finding the app", "a folder without a Flask app", hotplate="nothing is started or said")
async def test_no_app_at_all(project: Project, open_session: Open) -> None:
    folder = project(
        {
            "README.md": "flask run",
            "manage.py": "import django\n",
            "api/app.py": "from fastapi import FastAPI\n\napp = FastAPI()\n",
            "tests/app.py": module("a test's"),
            "examples/hello.py": module("an example"),
        }
    )
    session = open_session(folder)
    await session.start({"port": free_port(), "interpreter": sys.executable, "nonsense": 1})
    # The one mistake in the settings is told after the folder has been looked at; a command's
    # answer comes after what followed from that.
    await session.notification("window/showMessage")
    await session.barrier()
    session.configure({"nonsense": 1, "more nonsense": 1})
    await session.notification("window/showMessage", lambda p: "more" in p["message"])
    assert session.states() == []
    assert await session.command("state") == {"apps": []}
    said = {message.get("method") for message in session.received}
    assert not said & {"window/showMessageRequest", "textDocument/publishDiagnostics"}


# ------------------------------------------------------------------ several

SEVERAL = {
    "services/shop/app.py": module("shop"),
    "services/admin/app.py": module("admin"),
    "services/shop/tell.py": TELL,
    "services/admin/tell.py": TELL,
    "pyproject.toml": '[project]\nname = "x"  # ours\n',
}


class Asked:
    """The questions so far, each answered with the first of `answers` that it offers."""

    def __init__(self, session: Session, *answers: str) -> None:
        self.questions: list[tuple[str, list[str]]] = []
        self.answers = answers
        session.answers[types.WINDOW_SHOW_MESSAGE_REQUEST] = self._reply

    def _reply(self, params: types.ShowMessageRequestParams) -> types.MessageActionItem | None:
        titles = [action.title for action in params.actions or []]
        self.questions.append((params.message, titles))
        chosen = next((answer for answer in self.answers if answer in titles), None)
        return types.MessageActionItem(chosen) if chosen else None


@row(
    "Finding the app",
    "a repository with several apps",
    hotplate="asks which, once, and writes it into `[tool.hotplate]` if wished",
    stock=NOWHERE,
)
@pytest.mark.parametrize("trusted", [True, False])
async def test_several_apps(trusted: bool, project: Project, open_session: Open) -> None:
    folder = project(SEVERAL)
    session = open_session(folder)
    asked = Asked(session, "services/shop", "Remember in pyproject.toml")
    settings = {"port": free_port(), "interpreter": sys.executable}
    await session.start(settings, trusted=trusted)
    running = await session.state("running")
    assert running["folder"] == (folder / "services" / "shop").as_uri()
    shop = await flask_who(folder / "services" / "shop")
    assert (await session.get(running["url"]))[1] == shop
    pyproject = folder / "pyproject.toml"
    await session.until(lambda: len(asked.questions) == 2, what="both questions")
    (which, titles), (remember, _) = asked.questions
    assert str(folder) in which
    assert ("will run its code" in which) is not trusted
    assert titles == ["services/admin", "services/shop", "Not now"]
    assert "services/shop" in remember
    session.save("services/shop/app.py", module("shop again"))
    await session.state("running", after=1)
    await session.barrier()
    assert pyproject.read_text() == (
        SEVERAL["pyproject.toml"] + '\n[tool.hotplate]\nfolder = "services/shop"\n'
    )
    assert len(asked.questions) == 2
    assert [state for state, _ in session.states()].count("running") == 2  # nor restarted for it
    await session.end()

    again = open_session(folder)
    asked = Asked(again)
    await again.start(settings)
    running = await again.state("running")
    assert running["folder"] == (folder / "services" / "shop").as_uri()
    assert asked.questions == []


async def test_several_apps_for_this_time_only(project: Project, open_session: Open) -> None:
    folder = project({"tell.py": TELL, "one.py": module("one"), "two.py": module("two")})
    for answer in ("one", "two"):
        session = open_session(folder)
        asked = Asked(session, answer, "This time only")
        await session.start({"port": free_port(), "interpreter": sys.executable})
        running = await session.state("running")
        assert (await session.get(running["url"]))[1] == f"(({answer!r},), {{}})"
        await session.until(lambda asked=asked: len(asked.questions) == 2, what="both questions")
        await session.end()
    assert not (folder / "pyproject.toml").exists()


async def test_several_apps_in_one_module(project: Project, open_session: Open) -> None:
    """For which Flask gives up: "Detected multiple Flask applications"."""
    two = 'from flask import Flask\n\nshop = Flask("shop")\nadmin = Flask("admin")\n'
    two += '\n\n@admin.route("/")\ndef index():\n    return "admin"\n'
    session = open_session(project({"app.py": two}))
    Asked(session, "app:admin", "Remember in pyproject.toml")
    await session.start({"port": free_port(), "interpreter": sys.executable})
    running = await session.state("running")
    assert (await session.get(running["url"]))[1] == "admin"
    await session.until(lambda: (session.folder / "pyproject.toml").exists() or None)


async def test_nobody_wants_to_choose(project: Project, open_session: Open) -> None:
    """It is not asked again, but where the person says that something is to start. And of all that
    is there only what was chosen is imported."""
    trace = "open(__file__ + '.ran', 'w').close()\n"
    apps = {name: module(name) + trace for name in ("one", "two")}
    session = open_session(
        project({"tell.py": TELL, **{f"{name}.py": text for name, text in apps.items()}})
    )
    asked = Asked(session, "Not now")
    await session.start({"port": free_port(), "interpreter": sys.executable})
    await session.until(lambda: asked.questions, what="the question")
    session.save("one.py", apps["one"] + "\n")
    await session.barrier()
    session.configure({"port": free_port(), "interpreter": sys.executable, "nonsense": 1})
    await session.notification("window/showMessage", lambda p: "nonsense" in p["message"])
    assert len(asked.questions) == 1
    assert session.states() == []
    assert not list(session.folder.glob("*.ran"))
    asked.answers = ("two", "This time only")
    await session.command("start")
    await session.state("running")
    assert [path.name for path in session.folder.glob("*.ran")] == ["two.py.ran"]


async def test_an_editor_that_cannot_ask(project: Project, open_session: Open) -> None:
    session = open_session(project(SEVERAL))
    session.answers[types.WINDOW_SHOW_MESSAGE_REQUEST] = _unknown
    await session.start({"port": free_port(), "interpreter": sys.executable})
    told = await session.notification("window/showMessage")
    for text in ("services/admin", "services/shop", "hotplate.folder", "[tool.hotplate]"):
        assert text in told["message"]
    assert session.states() == []


def _unknown(params: Any) -> None:
    from pygls.exceptions import JsonRpcMethodNotFound

    raise JsonRpcMethodNotFound
