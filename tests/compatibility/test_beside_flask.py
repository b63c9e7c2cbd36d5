"""Extensions, views and middleware that go beside an app: each page as a browser asks for it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from compatibility.person import Person
from compatibility.rows import case, row
from support.environments import EXTENSIONS, python_of

PLAIN = """
from words import WORD

{imports}
from flask import Flask

app = Flask(__name__)
{setup}


@app.get("/")
{view}
"""
"""An app with something beside it: `imports`, `setup` and a view that answers with WORD."""


def app(imports: str, setup: str, view: str) -> dict[str, str]:
    """The files of an app that says WORD, from a module of its own."""
    parts = (textwrap.dedent(part).strip() for part in (imports, setup, view))
    text = PLAIN.format(**dict(zip(("imports", "setup", "view"), parts, strict=True)))
    return {"app.py": text.lstrip(), "words.py": 'WORD = "one"\n'}


CACHING = app(
    "from flask_caching import Cache",
    'cache = Cache(app, config={"CACHE_TYPE": "SimpleCache", "CACHE_DEFAULT_TIMEOUT": 300})',
    """
    @cache.cached()
    def index():
        return WORD
    """,
)
TOOLBAR = app(
    "from flask_debugtoolbar import DebugToolbarExtension",
    """
    app.secret_key = "secret"
    app.debug = True
    toolbar = DebugToolbarExtension(app)
    """,
    """
    def index():
        return f"<html><body>{WORD}</body></html>"
    """,
)
ADMIN = app(
    "from flask_admin import Admin, AdminIndexView",
    """
    app.secret_key = "secret"
    admin = Admin(app, name=f"The {WORD}", index_view=AdminIndexView(url="/admin"))
    """,
    """
    def index():
        return WORD
    """,
)
CELERY = app(
    "from celery import Celery",
    """
    worker = Celery("shop", broker="memory://", backend="cache+memory://")


    @worker.task
    def word():
        return WORD
    """,
    """
    def index():
        return word.apply().get()
    """,
)
ASYNC = app(
    "import asyncio",
    "",
    """
    async def index():
        await asyncio.sleep(0)
        return WORD
    """,
)
PROXY = app(
    """
    from flask import request
    from werkzeug.middleware.dispatcher import DispatcherMiddleware
    from werkzeug.middleware.proxy_fix import ProxyFix
    """,
    """
    api = Flask("api")
    api.add_url_rule("/word", "word", lambda: f"{WORD} {request.base_url}")
    app.wsgi_app = ProxyFix(DispatcherMiddleware(app.wsgi_app, {"/api": api}), x_host=1, x_prefix=1)
    """,
    """
    def index():
        return f"{WORD} {request.remote_addr} {request.base_url}"
    """,
)
PROXIED = {
    "X-Forwarded-For": "192.0.2.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "shop.example",
    "X-Forwarded-Prefix": "/inside",
}
VIEWS = app(
    "from flask import Blueprint, request\nfrom flask.views import MethodView",
    """
    class Word(MethodView):
        def get(self, number):
            return f"{WORD} {number}"


    shop = Blueprint("shop", __name__)
    shop.add_url_rule("/words/<int:number>", view_func=Word.as_view("word"))
    app.register_blueprint(shop, url_prefix="/shop")
    """,
    """
    def index():
        return WORD
    """,
)


class Seen(NamedTuple):
    """A page, as somebody asks for it, and what it is to show where the app says a WORD."""

    shows: str
    path: str = "/"
    headers: Mapping[str, str] = {}


@pytest.mark.parametrize(
    ("files", "pages"),
    [
        case("Extensions", "Flask-Caching", CACHING, [Seen("{}"), Seen("{}")]),
        case(
            "Extensions",
            "Flask-DebugToolbar",
            TOOLBAR,
            [Seen("<body>{}"), Seen('<div id="flDebug"'), Seen("flDebugToolbar")],
        ),
        case(
            "Extensions",
            "Flask-Admin",
            ADMIN,
            [Seen("{}"), Seen("The {}", "/admin/"), Seen('href="/admin/"', "/admin/")],
        ),
        case("Extensions", "a Celery app beside Flask's", CELERY, [Seen("{}")]),
        case(
            "Extensions",
            "`ProxyFix` and `DispatcherMiddleware`",
            PROXY,
            [
                Seen("{} 192.0.2.7 https://shop.example/inside/", headers=PROXIED),
                Seen("{} https://shop.example/inside/api/word", "/api/word", PROXIED),
                Seen("{} 127.0.0.1 http://127.0.0.1"),
            ],
        ),
        case(
            "Extensions",
            "blueprints and `MethodView`",
            VIEWS,
            [Seen("{}"), Seen("{} 3", "/shop/words/3")],
        ),
    ],
)
async def test_beside_flask(
    project: Callable[..., Path],
    work_on: Callable[[Path], Person],
    files: dict[str, str],
    pages: list[Seen],
) -> None:
    person = work_on(project(files))

    async def see(word: str) -> None:
        for page in pages:
            text = await person.look(page.path, **page.headers)
            assert page.shows.format(word) in text, text

    await person.open(python_of(EXTENSIONS))
    await see("one")
    await person.edit("words.py", "one", "two")
    await see("two")
    await person.break_and_mend("words.py")
    await see("two")
    assert not person.session.all_diagnostics()


@row("Extensions", "`async def` views")
async def test_an_async_view(
    project: Callable[..., Path], work_on: Callable[[Path], Person]
) -> None:
    """What one raises, after it was suspended, is on its line as anything else is."""
    person = work_on(project(ASYNC))
    await person.open(python_of(EXTENSIONS))
    assert await person.look() == "one"
    await person.edit("words.py", "one", "two")
    assert await person.look() == "two"
    await person.break_and_mend("words.py")
    await person.edit("app.py", "return WORD", "return str(len(WORD) / 0)")
    status, page = await person.session.get(person.url)
    assert status == 500 and "ZeroDivisionError" in page
    main = person.folder / "app.py"
    problem = await person.session.diagnostic(main, "division by zero")
    lines = main.read_text("utf-8").splitlines()
    assert "/ 0" in lines[problem["range"]["start"]["line"]]
    told = await person.session.notification(
        "hotplate/traceback", lambda it: it["when"] == "request"
    )
    inside = [frame["function"] for frame in told["frames"] if frame["inWorkspace"]]
    assert inside == ["index"]
    await person.edit("app.py", "len(WORD) / 0", "WORD")
    assert await person.look() == "two"
    await person.session.no_diagnostics(main)
