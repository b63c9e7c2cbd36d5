"""Scripts that call a server that is not Werkzeug's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from compatibility.person import Person
from compatibility.rows import case
from compatibility.visitors import Gate, Visitor
from support.environments import EXTENSIONS, python_of
from support.processes import MARK, until_nobody
from support.session import free_port

APP = """\
print("begun")
from flask import Flask

app = Flask(__name__)
WORD = "one"


@app.get("/")
def index():
    return WORD


def knock(): ...


@app.get("/slow")
def slow():
    yield f"{WORD} and "
    knock()
    yield WORD


@app.get("/boom")
def boom():
    return str(1 / 0)
"""

GEVENT = """\
from gevent import monkey

monkey.patch_all()
from gevent.pywsgi import WSGIServer

from app import app

WSGIServer(("127.0.0.1", PORT), app).serve_forever()
"""
EVENTLET = """\
import eventlet

eventlet.monkey_patch()
from eventlet import wsgi

from app import app

wsgi.server(eventlet.listen(("127.0.0.1", PORT)), app)
"""
WAITRESS = """\
from waitress import serve

from app import app

serve(app, host="127.0.0.1", port=PORT)
"""
CHEROOT = """\
from cheroot.wsgi import Server

from app import app

Server(("127.0.0.1", PORT), app).start()
"""

ONCE = "works as with Werkzeug's: no request is refused, cut or stale, errors are on their line"
BY_HAND = "no reloader: stopped and started by hand"


@pytest.mark.parametrize(
    "main",
    [
        case("Scripts", "gevent's `WSGIServer`", GEVENT, hotplate=ONCE, stock=BY_HAND),
        case("Scripts", "`eventlet.wsgi.server`", EVENTLET, hotplate=ONCE, stock=BY_HAND),
        case("Scripts", "`waitress.serve`", WAITRESS, hotplate=ONCE, stock=BY_HAND),
        case("Scripts", "cheroot's `Server`", CHEROOT, hotplate=ONCE, stock=BY_HAND),
    ],
)
async def test_another_server(
    project: Callable[..., Path],
    work_on: Callable[[Path], Person],
    main: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv(MARK, str(tmp_path))
    port = free_port()
    async with Gate() as gate:
        app = APP.replace("def knock(): ...\n\n\n", gate.knock)
        person = work_on(project({"app.py": app, "main.py": main.replace("PORT", str(port))}))
        settings = {"script": "main.py", "port": None, "drainSeconds": 20}
        url = await person.open(python_of(EXTENSIONS), **settings)
        assert url == f"http://127.0.0.1:{port}"
        assert await person.look() == "one"
        slow = asyncio.create_task(person.look("/slow"))
        let_through = await gate.held()
        with Visitor(url) as visitor:
            for number in range(5):
                person.session.save("app.py", app.replace("one", f"no. {number}"))
                await person.session.barrier()
                assert await person.look() == f"no. {number}"
        let_through()
        assert await slow == "one and one"
    person.state = await person.session.state("running", after=5)
    await person.save("app.py", app)
    await person.break_and_mend("app.py")
    status, _ = await person.session.get(url, "/boom")
    assert status == 500
    problem = await person.session.diagnostic(person.folder / "app.py", "division by zero")
    assert problem["range"]["start"]["line"] == app[: app.index("1 / 0")].count("\n")
    await person.imported_once()
    await person.session.end()
    await until_nobody(str(tmp_path))
    assert visitor.answers and {status for status, _ in visitor.answers} == {200}
