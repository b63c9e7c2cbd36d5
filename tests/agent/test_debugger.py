"""Werkzeug's debugger: one PIN, a page for each exception, and no secret where others can read."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agent.conftest import Start
from agent.driver import SECRET, cookie_of, environment, write
from agent.test_pairs import evaluate, frames_of, unlock
from hotplate_agent import messages as m

APP = """
    import threading
    from flask import Flask, request

    app = Flask(__name__)

    @app.route("/")
    def index():
        return "hello"

    @app.route("/boom/<name>")
    def boom(name):
        raise ValueError(name)

    for number in range(4):
        app.add_url_rule("/boom{}/<name>".format(number), "boom{}".format(number), boom)

    @app.route("/thread")
    def thread():
        def fail():
            inner = 41
            raise OSError("in a thread")
        each = threading.Thread(target=fail)
        each.start()
        each.join()
        return "started"
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    write(tmp_path, {"app.py": APP})
    return tmp_path


def test_the_pin_is_werkzeugs_own(start: Start, app: Path, pair: str) -> None:
    """What a plain `app.run()` computes; so a browser that knows it goes on knowing it."""
    agent = start(pair)
    agent.serve()
    ask = (
        "from app import app\n"
        "from werkzeug.debug import get_pin_and_cookie_name\n"
        "print(*get_pin_and_cookie_name(app))"
    )
    done = subprocess.run(
        [pair, "-c", ask], cwd=app, env=environment(), capture_output=True, text=True, check=True
    )
    (pin,) = agent.of(m.Pin)
    assert [pin.pin, pin.cookie] == done.stdout.split()


def test_the_pin_comes_before_it_accepts(start: Start, app: Path) -> None:
    agent = start()
    agent.serve()
    kinds = [type(message) for message in agent.heard]
    assert kinds.index(m.Pin) < kinds.index(m.Accepting)


def test_a_pin_that_is_known_already_stays(start: Start, app: Path) -> None:
    write(app, {"bad.py": "1 / 0"})
    for load in ({"app": "app"}, {"app": "bad"}):
        agent = start()
        agent.load(**load, pin="111-222-333", pin_cookie="__wzdknown", generation=7)
        failed = load["app"] == "bad"
        agent.grant(failed=failed)
        (pin,) = agent.of(m.Pin)
        assert (pin.pin, pin.cookie) == ("111-222-333", "__wzdknown")
        page = agent.get("/boom/x").text
        found = re.search(r'SECRET ?= ?"([^"]+)"', page)
        assert found
        got = agent.get(f"/?__debugger__=yes&cmd=pinauth&pin=111-222-333&s={found[1]}")
        assert got.json()["auth"]
        assert cookie_of(got).startswith("__wzdknown=")


@pytest.mark.parametrize(
    ("given", "expected"), [("off", None), ("123-321-123", "123-321-123"), ("4711", "4711")]
)
def test_a_pin_of_the_persons(start: Start, app: Path, given: str, expected: str | None) -> None:
    agent = start(env={"WERKZEUG_DEBUG_PIN": given})
    agent.serve(pin="999-999-999", pin_cookie="__wzdknown")
    (pin,) = agent.of(m.Pin)
    assert pin.pin == expected
    page = agent.get("/boom/x").text
    assert "EVALEX = true" in page
    if expected is None:
        assert "EVALEX_TRUSTED = true" in page
    else:
        unlock(agent, page, expected)


def test_the_pin_is_asked_for_and_not_printed(start: Start, app: Path, end: str) -> None:
    agent = start(end)
    agent.serve()
    pin = agent.of(m.Pin)[0].pin
    assert pin
    page = agent.get("/boom/x").text
    found = re.search(r'SECRET ?= ?"([^"]+)"', page)
    assert found
    assert agent.get(f"/?__debugger__=yes&cmd=printpin&s={found[1]}").status == 200
    agent.expect(m.PinWanted)
    agent.get(f"/?__debugger__=yes&cmd=resource&f=debugger.js&s={found[1]}")
    fault = agent.of(m.Raised)[0].report.fault
    agent.get(f"/__hotplate__/{SECRET}/{fault}")
    secret, cookie = unlock(agent, page, pin)
    evaluate(agent, "1", frames_of(page)[-1], secret, cookie)
    agent.drain()
    agent.wait()
    said = agent.stdout + agent.stderr
    assert "GET /boom/x" in said
    for hidden in (pin, secret, SECRET, "__debugger__"):
        assert hidden not in said
    command = Path(f"/proc/{agent.process.pid}/cmdline")
    assert not command.exists() or pin.encode() not in command.read_bytes()


def test_a_page_of_an_earlier_process(start: Start, app: Path) -> None:
    """Its secret is wrong now, so Werkzeug passes the request on, PIN and all."""
    agent = start()
    agent.serve()
    got = agent.get("/boom/x?__debugger__=yes&cmd=pinauth&pin=123-456-789&s=stale")
    assert got.status == 500
    told = agent.expect(m.Raised)
    assert told.url == "http://127.0.0.1/boom/x"
    agent.drain()
    agent.wait()
    assert "123-456-789" not in agent.stdout + agent.stderr


def test_the_page_of_a_kept_exception(start: Start, app: Path, pair: str) -> None:
    agent = start(pair)
    agent.serve()
    pin = agent.of(m.Pin)[0].pin
    assert pin
    agent.get("/boom/kept?q=1")
    told = agent.expect(m.Raised)
    page = agent.get(f"/__hotplate__/{SECRET}/{told.report.fault}")
    assert page.status == 200
    assert re.search(r"EVALEX ?= ?true", page.text)
    assert "ValueError" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert "hotplate_agent" not in page.text
    secret, cookie = unlock(agent, page.text, pin)
    last = frames_of(page.text)[-1]
    assert "kept" in evaluate(agent, "name", last, secret, cookie)
    assert "2" in evaluate(agent, "1%2B1", last, secret, cookie)
    if not any(old in pair for old in ("flask1.1", "flask2.0", "flask2.1")):
        assert "/boom/kept" in evaluate(agent, "request.path", last, secret, cookie)
        # Again: a context may be entered only once, if it is not made for more.
        assert "/boom/kept" in evaluate(agent, "request.path", last, secret, cookie)
    again = agent.get(f"/__hotplate__/{SECRET}/{told.report.fault}", headers={"Cookie": cookie})
    assert re.search(r"EVALEX_TRUSTED ?= ?true", again.text)


def test_the_page_of_a_thread(start: Start, app: Path) -> None:
    agent = start()
    agent.serve()
    pin = agent.of(m.Pin)[0].pin
    assert pin
    agent.get("/thread")
    told = agent.expect(m.Raised)
    page = agent.get(f"/__hotplate__/{SECRET}/{told.report.fault}").text
    secret, cookie = unlock(agent, page, pin)
    assert "42" in evaluate(agent, "inner%2B1", frames_of(page)[-1], secret, cookie)


def test_pages_that_are_gone(start: Start, app: Path) -> None:
    agent = start()
    agent.serve()
    for fault in ("1-99", "", "x", "../1-1"):
        assert agent.get(f"/__hotplate__/{SECRET}/{fault}").status == 410
    assert agent.get("/__hotplate__/wrong/1-1").status == 404
    # Only so many are kept, with all that their frames hold alive. One view alone would not be told
    # so often at once (`pace`).
    told = []
    for number in range(52):
        agent.get(f"/boom{number % 4}/{number}")
        told.append(agent.expect(m.Raised))
    assert agent.get(f"/__hotplate__/{SECRET}/{told[0].report.fault}").status == 410
    assert agent.get(f"/__hotplate__/{SECRET}/{told[-1].report.fault}").status == 200


def test_no_debugger_no_page(start: Start, app: Path) -> None:
    agent = start()
    agent.serve(debugger=False)
    agent.get("/boom/x")
    told = agent.expect(m.Raised)
    assert told.report.fault is None
    assert agent.of(m.Pin) == [m.Pin(None, None)]
    assert agent.get(f"/__hotplate__/{SECRET}/1-1").status == 410


@pytest.mark.parametrize(
    ("host", "load", "console"),
    [
        ("127.0.0.1", {}, True),
        ("localhost", {}, True),
        ("127.8.9.1", {}, True),
        ("0.0.0.0", {}, False),
        ("192.0.2.1", {}, False),
        ("127.0.0.1.evil.example", {}, False),
        ("::1", {}, True),
        ("::", {}, False),
        ("0.0.0.0", {"debugger": True}, False),
        ("0.0.0.0", {"console": True}, True),
    ],
)
def test_where_the_console_is_offered(
    start: Start, app: Path, host: str, load: dict[str, Any], console: bool
) -> None:
    agent = start()
    agent.load(host=host, **load)
    agent.grant()
    (pin,) = agent.of(m.Pin)
    assert (pin.pin is not None) is console
    page = agent.get("/boom/x")
    assert f"EVALEX = {str(console).lower()}" in page.text
    kept = agent.get(f"/__hotplate__/{SECRET}/{agent.expect(m.Raised).report.fault}")
    assert f"EVALEX = {str(console).lower()}" in kept.text
    if not console:
        found = re.search(r'SECRET ?= ?"([^"]+)"', page.text)
        assert found
        frame = frames_of(page.text)[-1]
        got = agent.get(f"/?__debugger__=yes&cmd=6*7&frm={frame}&s={found[1]}")
        assert "42" not in got.text


def test_a_host_that_the_client_makes_up(start: Start, app: Path) -> None:
    """DNS rebinding: a page of the web that has this name point here gets no console."""
    agent = start()
    agent.serve()
    agent.get("/boom/x")
    fault = agent.expect(m.Raised).report.fault
    page = agent.get(f"/__hotplate__/{SECRET}/{fault}", headers={"Host": "evil.example"})
    assert "EVALEX = false" in page.text


def test_the_failed_start_offers_no_console_to_all(start: Start, tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "1 / 0\n"})
    agent = start()
    agent.fail(host="0.0.0.0")
    assert agent.of(m.Pin)[0].pin is None
    assert "EVALEX = false" in agent.get().text


def test_a_script_that_wraps_its_app_itself(start: Start, tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "main.py": APP
            + """
    from werkzeug.debug import DebuggedApplication
    app.debug = True
    app.wsgi_app = DebuggedApplication(app.wsgi_app, evalex=True)
    app.run()
    """
        },
    )
    agent = start()
    agent.serve(script="main.py")
    pin = agent.of(m.Pin)[0].pin
    assert pin
    page = agent.get("/boom/x").text
    unlock(agent, page, pin)
    agent.hear_what_came()
    assert len(agent.of(m.Raised)) == 1


def test_an_app_that_wants_no_pin(start: Start, tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "main.py": """
        from flask import Flask
        from werkzeug.debug import DebuggedApplication

        app = Flask(__name__)
        app.wsgi_app = DebuggedApplication(app.wsgi_app, evalex=True, pin_security=False)
        app.add_url_rule("/", "index", lambda: repr(app.wsgi_app.pin))
        app.run()
        """
        },
    )
    agent = start()
    agent.serve(script="main.py")
    assert agent.get().text == "None"
