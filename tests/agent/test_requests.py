"""Exceptions while the app serves: told once, with their request; and taken back when fixed."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from agent.conftest import Start
from agent.driver import Agent, write
from hotplate_agent import messages as m

APP = """
    import threading
    from flask import Flask, Response, abort, render_template, render_template_string, request

    app = Flask(__name__)

    @app.route("/boom")
    @app.route("/boom/<name>")
    def boom(name=""):
        if name != "fine":
            raise ValueError("boom")
        return name

    @app.route("/teapot")
    def teapot():
        abort(404)

    class Handled(Exception):
        pass

    @app.errorhandler(Handled)
    def handle(exc):
        return "handled", 400

    @app.route("/handled")
    def handled():
        raise Handled

    @app.route("/syntax")
    def syntax():
        return render_template("syntax.html")

    @app.route("/undefined")
    def undefined():
        return render_template("undefined.html")

    @app.route("/stream")
    def stream():
        def body():
            yield "begun"
            raise KeyError("late")
        return Response(body())

    @app.route("/thread")
    def thread():
        def fail():
            raise OSError("in a thread")
        each = threading.Thread(target=fail, name="worker")
        each.start()
        each.join()
        return "started"

    @app.route("/chain")
    def chain():
        try:
            {}["missing"]
        except KeyError as exc:
            raise RuntimeError("behind") from exc

    @app.route("/exit")
    def leave():
        raise SystemExit(3)

    @app.teardown_request
    def teardown(exc):
        if request.args.get("teardown"):
            raise TypeError("in teardown")
"""
TEMPLATES = {
    "templates/syntax.html": "<p>\n{% if %}\n",
    "templates/undefined.html": "<p>\n{{ nothing.at.all }}\n",
}

MODES: dict[str, dict[str, Any]] = {
    "debugger": {},
    "no debugger": {"debugger": False},
    "no debug": {"debug": False},
}


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def agent(start: Start, tmp_path: Path, mode: str) -> Agent:
    write(tmp_path, {"app.py": APP, **TEMPLATES})
    agent = start()
    agent.serve(**MODES[mode])
    return agent


def raised(agent: Agent, path: str) -> m.Raised:
    """The one exception that a request raises."""
    agent.hear_what_came()
    before = len(agent.of(m.Raised))
    agent.get(path)
    agent.get("/teapot")  # whatever the first request tells is told by now
    agent.expect(m.Raised)
    agent.hear_what_came()
    (found,) = agent.of(m.Raised)[before:]
    return found


EXPECTED = {
    "/boom": ("ValueError", "boom", "endpoint boom", "app.py", 10),
    "/chain": ("RuntimeError", "behind", "endpoint chain", "app.py", 57),
    "/syntax": (
        "jinja2.exceptions.TemplateSyntaxError", "", "endpoint syntax", "templates/syntax.html", 2
    ),
    "/undefined": (
        "jinja2.exceptions.UndefinedError", "", "endpoint undefined", "templates/undefined.html", 2
    ),
    "/stream": ("KeyError", "'late'", "endpoint stream", "app.py", 40),
}  # fmt: skip


def test_exceptions_in_requests(agent: Agent, tmp_path: Path, mode: str) -> None:
    for path, (type_, message, view, file, line) in EXPECTED.items():
        told = raised(agent, path + "?a=b")
        assert (told.report.type, told.when, told.view) == (type_, "request", view)
        assert message in told.report.message
        own = [frame for frame in told.report.frames if frame.file.startswith(str(tmp_path))]
        assert (own[-1].file, own[-1].line) == (str(tmp_path / file), line)
        assert all("hotplate_agent" not in frame.file for frame in told.report.frames)
        assert (told.method, told.url) == ("GET", f"http://127.0.0.1{path}?a=b")
        # A page only where there is a debugger.
        assert (told.report.fault is not None) is (mode == "debugger")
        chained = [(cause.type, cause.relation) for cause in told.report.causes]
        assert path != "/chain" or chained == [("KeyError", "cause")]


def test_what_the_app_handles_is_no_error(agent: Agent) -> None:
    for path, status in (
        ("/teapot", 404),
        ("/handled", 400),
        ("/nowhere", 404),
        ("/boom/fine", 200),
    ):
        assert agent.get(path).status == status
    agent.drain()
    agent.hear_all()
    assert agent.of(m.Raised) == []
    assert agent.of(m.Recovered) == []


def test_an_exception_in_a_thread(agent: Agent) -> None:
    told = raised(agent, "/thread")
    assert (told.report.type, told.when, told.view) == ("OSError", "thread", "thread worker")


def test_recovered(agent: Agent) -> None:
    agent.get("/boom/one")
    agent.get("/chain")
    agent.get("/boom/two")
    agent.get("/teapot")
    agent.hear_what_came()
    assert agent.of(m.Recovered) == []
    agent.get("/boom/fine")  # the same view at another address
    assert agent.expect(m.Recovered).view == "endpoint boom"
    agent.get("/boom/fine")
    agent.get("/boom")
    agent.get("/boom/fine")
    assert agent.expect(m.Recovered).view == "endpoint boom"
    agent.drain()
    agent.hear_all()
    assert len(agent.of(m.Raised)) == 4
    assert len(agent.of(m.Recovered)) == 2


def test_an_exception_in_teardown(agent: Agent) -> None:
    told = raised(agent, "/teapot?teardown=1")
    assert told.report.type == "TypeError"


def test_many_at_once_are_told_once_each(agent: Agent) -> None:
    clients = [threading.Thread(target=agent.get, args=(f"/boom/{n}",)) for n in range(20)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    agent.drain()
    agent.wait()
    agent.hear_all()
    assert sorted(told.url for told in agent.of(m.Raised)) == sorted(
        f"http://127.0.0.1/boom/{n}" for n in range(20)
    )
    faults = [told.report.fault for told in agent.of(m.Raised)]
    assert len(set(faults)) in (1, 20)  # all None, or each its own


def test_a_web_app_that_is_no_flask(start: Start, tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "main.py": """
            from werkzeug.serving import run_simple

            def application(environ, start_response):
                if environ["PATH_INFO"] == "/boom":
                    raise ValueError("plain")
                start_response("200 OK", [])
                return [b"hello"]

            run_simple("localhost", 5000, application)
            """
        },
    )
    agent = start()
    agent.serve(script="main.py")
    assert agent.get("/boom").status == 500
    told = agent.expect(m.Raised)
    assert (told.report.type, told.view) == ("ValueError", "path /boom")
    assert agent.get("/").text == "hello"


def test_the_start_of_an_exception_is_not_held_up(start: Start, tmp_path: Path) -> None:
    """Ten thousand frames deep, with a message that can't be made."""
    write(
        tmp_path,
        {
            "app.py": """
            import sys
            from flask import Flask

            app = Flask(__name__)

            class Hostile(Exception):
                def __str__(self):
                    raise SystemExit("no")

            @app.route("/deep")
            def deep(n=0):
                return deep(n + 1)

            @app.route("/hostile")
            def hostile():
                raise Hostile
            """
        },
    )
    agent = start()
    agent.serve(debugger=False)
    agent.get("/deep")
    assert agent.expect(m.Raised).report.type == "RecursionError"
    agent.get("/hostile")
    assert agent.expect(m.Raised).report.type == "app.Hostile"
    assert agent.process.poll() is None


def test_a_view_that_makes_a_request_itself(start: Start, tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "app.py": """
        import os
        from flask import Flask

        app = Flask(__name__)

        @app.route("/inner")
        def inner():
            return "inner"

        @app.route("/outer")
        def outer():
            if os.path.exists("broken"):
                raise ValueError("broken")
            return app.test_client().get("/inner").get_data()
        """
        },
    )
    (tmp_path / "broken").touch()
    agent = start()
    agent.serve()
    agent.get("/outer")
    view = agent.expect(m.Raised).view
    (tmp_path / "broken").unlink()
    assert agent.get("/outer").text == "inner"
    assert agent.expect(m.Recovered).view == view
