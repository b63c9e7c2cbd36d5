"""Well-known open-source applications, each started as its own documentation says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compatibility.checkouts import RealApp, check_out, settings_of
from compatibility.person import Person
from compatibility.rows import case
from support import processes
from support.environments import Environment

DIES = "dies of an error at import; to be started again by hand"
NEVER = "does not reload"

HTTPBIN = RealApp(
    Environment("httpbin", "3.12", ("httpbin==0.10.4",)),
    own=("httpbin",),
    settings={"app": "httpbin"},
    page="/json",
    module="httpbin/core.py",
    old="Wake up to WonderWidgets!",
    new="Wake up to Hotplates!",
)
FAVA = RealApp(
    Environment("fava", "3.13", ("fava==1.30.*",)),
    own=("fava",),
    settings={"script": ".venv/bin/fava", "args": ["--debug", "ledger.beancount"]},
    files={"ledger.beancount": 'option "title" "Kitchen"\n'},
    page="/kitchen/api/changed",
    module="fava/json_api.py",
    old="return g.ledger.changed()",
    new="return 'by hand'",
    shown=("false", "by hand"),
)
FAVA_ON_CHEROOT = FAVA._replace(settings={"script": ".venv/bin/fava", "args": ["ledger.beancount"]})
LOCUST = RealApp(
    Environment("locust", "3.13", ("locust==2.47.0",)),
    own=("locust",),
    settings={"script": ".venv/bin/locust"},
    files={
        "locustfile.py": """\
from locust import HttpUser, task


class Visitor(HttpUser):
    @task
    def home(self):
        self.client.get("/")
"""
    },
    page="/logs",
    module="locust/web.py",
    old='return jsonify({"master": get_logs(), ',
    new='return jsonify({"queen": get_logs(), ',
    shown=('"master":', '"queen":'),
)
LOCUSTFILE = LOCUST._replace(
    files={
        "locustfile.py": """\
from locust import HttpUser, events, task


@events.init.add_listener
def add_page(environment, **kwargs):
    @environment.web_ui.app.route("/hello")
    def hello():
        return "Hello"


class Visitor(HttpUser):
    @task
    def home(self):
        self.client.get("/")
"""
    },
    page="/hello",
    module="locustfile.py",
    old='return "Hello"',
    new='return "Welcome"',
    shown=("Hello", "Welcome"),
)
IHATEMONEY = RealApp(
    Environment("ihatemoney", "3.12", ("ihatemoney==7.2.*",)),
    own=("ihatemoney",),
    settings={
        "app": "ihatemoney.wsgi",
        "env": {"IHATEMONEY_SETTINGS_FILE_PATH": "{folder}/ihatemoney.cfg"},
    },
    files={
        "ihatemoney.cfg": "SQLALCHEMY_DATABASE_URI = 'sqlite:///{folder}/money.db'\n"
        "SECRET_KEY = 'not so secret'\n"
    },
    page="/healthcheck",
    module="ihatemoney/web.py",
    old='return "OK"',
    new='return "Fine"',
    shown=("OK", "Fine"),
)
OTTERWIKI = RealApp(
    Environment("otterwiki", "3.12", ("otterwiki==2.26.1",)),
    own=("otterwiki",),
    settings={
        "env": {
            "FLASK_APP": "otterwiki.server",
            "OTTERWIKI_SETTINGS": "{folder}/settings.cfg",
        },
    },
    files={
        "settings.cfg": "REPOSITORY = '{folder}/pages'\n"
        "SQLALCHEMY_DATABASE_URI = 'sqlite:///{folder}/wiki.db'\n"
        "SECRET_KEY = 'sixteen or more of them'\n"
    },
    before=("git", "init", "-q", "pages"),
    module="otterwiki/server.py",
    old='SITE_NAME="An Otter Wiki"',
    new='SITE_NAME="A Badger Wiki"',
    shown=("An Otter Wiki", "A Badger Wiki"),
)
ARCHIVY = RealApp(
    Environment("archivy", "3.9", ("archivy==1.7.7", "flask-compress<1.18")),
    own=("archivy",),
    settings={
        "script": ".venv/bin/archivy",
        "args": ["run"],
        "env": {"ARCHIVY_INTERNAL_DIR_PATH": "{folder}/data"},
    },
    page="/login",
    module="archivy/routes.py",
    old='title="Login"',
    new='title="Come in"',
    shown=("Login", "Come in"),
)
SQLITE_WEB = RealApp(
    Environment("sqlite-web", "3.10", ("sqlite-web==0.8.2",)),
    own=("sqlite_web",),
    settings={"script": ".venv/bin/sqlite_web", "args": ["shop.db"]},
    files={"shop.db": ""},
    module="sqlite_web/sqlite_web.py",
    old="render_template('index.html', sqlite=sqlite3)",
    new="render_template('index.html', sqlite=sqlite3).replace('SQLite', 'Essqulite')",
    shown=("SQLite", "Essqulite"),
)
ISSO = RealApp(
    Environment("isso", "3.12", ("isso==0.14.0",)),
    own=("isso",),
    settings={"script": ".venv/bin/isso", "args": ["-c", "isso.cfg", "run"]},
    files={
        "isso.cfg": "[general]\ndbpath = {folder}/comments.db\nhost = http://127.0.0.1:9/\n"
        "[server]\nlisten = http://127.0.0.1:8080/\n"
    },
    page="/config",
    module="isso/views/comments.py",
    old='rv = {"config": self.public_conf}',
    new='rv = {"settings": self.public_conf}',
    shown=("config", "settings"),
)
BEETS = RealApp(
    Environment("beets", "3.12", ("beets[web]==2.14.1",)),
    own=("beetsplug",),
    settings={
        "script": ".venv/bin/beet",
        "args": ["web", "--debug"],
        "env": {"BEETSDIR": "{folder}/beets-home"},
    },
    files={"beets-home/config.yaml": "plugins: web\ndirectory: {folder}/music\n"},
    page="/stats",
    module="beetsplug/web/__init__.py",
    old='{"items": item_rows[0][0], "albums":',
    new='{"songs": item_rows[0][0], "albums":',
    shown=("items", "songs"),
    fails="SystemExit",
)
UPDOG = RealApp(
    Environment("updog", "3.11", ("updog==2.0.1",)),
    own=("updog",),
    settings={"script": "-m updog"},
    module="updog/__init__.py",
    old="version = '.'.join",
    new="version = 'hot-' + '.'.join",
    shown=("updog v2", "updog vhot-2"),
)
LEKTOR = RealApp(
    Environment("lektor", "3.11", ("lektor==3.3.14",)),
    own=("lektor",),
    settings={"script": ".venv/bin/lektor", "args": ["server", "-O", "built"]},
    files={
        "kitchen.lektorproject": "[project]\nname = Kitchen\n",
        "content/contents.lr": "_model: page\n---\ntitle: Welcome\n---\nbody: Sit *down*.\n",
        "models/page.ini": "[fields.title]\ntype = string\n\n[fields.body]\ntype = markdown\n",
        "templates/page.html": "<html><body><h1>{{ this.title }}</h1>{{ this.body }}</body></html>",
    },
    page="/admin/api/pathinfo?path=/",
    module="lektor/admin/modules/api.py",
    old="jsonify(segments=segments)",
    new="jsonify(parts=segments)",
    shown=("segments", "parts"),
)


def _case(what: str, app: RealApp, hotplate: str = "", stock: str = "") -> Any:
    return case("Real apps", what, app, hotplate=hotplate, stock=stock)


@pytest.mark.parametrize(
    "app",
    [
        _case("httpbin 0.10, a module: `flask --app httpbin run`", HTTPBIN),
        _case("Fava 1.30, its own command: `fava --debug ledger.beancount`", FAVA, stock=DIES),
        _case("Fava 1.30, on cheroot: `fava ledger.beancount`", FAVA_ON_CHEROOT, stock=NEVER),
        _case("Locust 2.47, on gevent: `locust`", LOCUST, stock=NEVER),
        _case("Locust 2.47, a person's own `locustfile.py`", LOCUSTFILE, stock=NEVER),
        _case(
            "ihatemoney 7.2, a factory with a database: `flask --app ihatemoney.wsgi run`",
            IHATEMONEY,
        ),
        _case(
            "An Otter Wiki 2.26, with plugins: `FLASK_APP=otterwiki.server flask run`", OTTERWIKI
        ),
        _case("Archivy 1.7, with Flask 2.3 and Python 3.9: `archivy run`", ARCHIVY, stock=NEVER),
        _case("sqlite-web 0.8, one large module: `sqlite_web shop.db`", SQLITE_WEB, stock=NEVER),
        _case("Isso 0.14, Werkzeug without Flask: `isso -c isso.cfg run`", ISSO, stock=NEVER),
        _case(
            "beets 2.14, a plugin of a program: `beet web --debug`",
            BEETS,
            hotplate="works; that the plugin can't be imported is told with beets' own end",
            stock=DIES,
        ),
        _case("updog 2.0, a package: `python -m updog`", UPDOG, stock=NEVER),
        _case("Lektor 3.3, which builds in a thread: `lektor server`", LEKTOR, stock=NEVER),
    ],
)
async def test_real_app(
    app: RealApp,
    project: Callable[..., Path],
    work_on: Callable[[Path], Person],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is started, changed, broken and mended, and ends; nobody is left."""
    person = work_on(project({}))
    mark = str(person.folder)
    monkeypatch.setenv(processes.MARK, mark)
    before, after = app.shown or (app.old, app.new)
    await person.open(check_out(app, person.folder), **settings_of(app, person.folder))
    assert before in await person.look(app.page)
    await person.edit(app.module, app.old, app.new)
    assert after in await person.look(app.page)
    await person.break_and_mend(app.module, app.fails)
    assert after in await person.look(app.page)
    await person.session.end()
    if Path("/proc/self/environ").exists():
        await processes.until_nobody(mark)
