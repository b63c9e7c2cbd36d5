"""The main story, on every pair of Flask and Werkzeug: load, serve, fail, look into it, drain."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent.conftest import Start
from agent.driver import SECRET, Agent, cookie_of, write
from hotplate_agent import messages as m

APP = """
    from flask import Flask, request

    app = Flask(__name__)

    @app.route("/")
    def index():
        return "hello"

    @app.route("/boom/<name>")
    def boom(name):
        if name != "fine":
            raise ValueError("no " + name)
        return name
"""


def unlock(agent: Agent, page: str, pin: str) -> tuple[str, str]:
    """Give the PIN to a debugger's page: its secret, and the cookie that unlocks."""
    found = re.search(r'SECRET ?= ?"([^"]+)"', page)
    assert found, page[:2000]
    got = agent.get(f"/?__debugger__=yes&cmd=pinauth&pin={pin}&s={found[1]}")
    assert got.json() == {"auth": True, "exhausted": False}
    return found[1], cookie_of(got)


def frames_of(page: str) -> list[str]:
    return re.findall(r'id="frame-(\d+)"', page)


def evaluate(agent: Agent, code: str, frame: str, secret: str, cookie: str) -> str:
    got = agent.get(
        f"/?__debugger__=yes&cmd={code}&frm={frame}&s={secret}", headers={"Cookie": cookie}
    )
    assert got.status == 200
    return re.sub(r"<[^>]+>", "", got.text)


def test_serves_reports_and_drains(start: Start, tmp_path: Path, pair: str) -> None:
    write(tmp_path, {"app.py": APP})
    agent = start(pair)
    ask = agent.serve()
    assert (ask.host, ask.port, ask.tls) == ("127.0.0.1", 5000, False)
    pin = agent.of(m.Pin)[0]
    assert pin.pin
    assert agent.get().text == "hello"

    crashed = agent.get("/boom/bang")
    assert crashed.status == 500
    assert "ValueError: no bang" in crashed.text
    raised = agent.expect(m.Raised)
    assert (raised.report.type, raised.report.message) == ("ValueError", "no bang")
    assert raised.report.frames[-1].file == str(tmp_path / "app.py")
    assert raised.report.frames[-1].line == 12
    assert (raised.method, raised.view) == ("GET", "endpoint boom")
    assert raised.url == "http://127.0.0.1/boom/bang"
    assert raised.when == "request"

    page = agent.get(f"/__hotplate__/{SECRET}/{raised.report.fault}")
    assert page.status == 200
    secret, cookie = unlock(agent, page.text, pin.pin)
    innermost = frames_of(page.text)[-1]
    assert "2" in evaluate(agent, "1%2B1", innermost, secret, cookie)
    assert "bang" in evaluate(agent, "name", innermost, secret, cookie)

    assert agent.get("/boom/fine").text == "fine"
    assert agent.expect(m.Recovered).view == "endpoint boom"

    agent.drain()
    assert agent.wait() == 0
    agent.hear_all()
    assert [raised.report.message for raised in agent.of(m.Raised)] == ["no bang"]
    said = agent.stdout + agent.stderr
    assert pin.pin not in said
    assert secret not in said
    assert SECRET not in said
    assert "__debugger__" not in said
    assert "GET /boom/fine" in said


BROKEN = {
    "syntax": ("def broken(:\n    pass\n", "SyntaxError", 1),
    "import": ("import os\nimport no_such_module_here\n", "ModuleNotFoundError", 2),
    "raise": ("import os\n\n1 / 0\n", "ZeroDivisionError", 3),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_failed_load_has_a_page(start: Start, tmp_path: Path, pair: str, broken: str) -> None:
    text, name, line = BROKEN[broken]
    write(tmp_path, {"app.py": "import helper", "helper.py": text})
    agent = start(pair)
    failed = agent.fail()
    assert (failed.report.type, failed.kind) == (name, "error")
    place = failed.report.frames[-1]
    assert (place.file, place.line) == (str(tmp_path / "helper.py"), line)
    assert name in agent.stderr
    assert agent.stderr.count("Traceback (most recent call last)") <= 1

    pin = agent.of(m.Pin)[0].pin
    assert pin
    for path in ("/", "/anything?at=all"):
        page = agent.get(path)
        assert page.status == 500
        assert name in page.text
    secret, cookie = unlock(agent, page.text, pin)
    if broken != "syntax":
        assert "2" in evaluate(agent, "1%2B1", frames_of(page.text)[-1], secret, cookie)
    kept = agent.get(f"/__hotplate__/{SECRET}/{failed.report.fault}")
    assert kept.status == 200
    assert name in kept.text
    agent.drain()
    assert agent.wait() == 0
    agent.hear_all()
    assert agent.of(m.Raised) == []  # it was told, as `Failed`
    assert pin not in agent.stdout + agent.stderr


def test_the_pin_is_the_same_failing_or_not(start: Start, tmp_path: Path, pair: str) -> None:
    write(tmp_path, {"good.py": APP, "bad.py": "raise RuntimeError\n"})
    good, bad = start(pair), start(pair)
    good.serve(app="good")
    bad.fail(app="bad")
    (of_good,), (of_bad,) = good.of(m.Pin), bad.of(m.Pin)
    assert of_good.pin
    assert of_good.cookie
    assert of_good[:2] == of_bad[:2]


def test_a_script_serves_once(start: Start, tmp_path: Path, pair: str) -> None:
    write(
        tmp_path,
        {
            "main.py": APP
            + """
    with open("count", "a") as count:
        count.write("x")

    if __name__ == "__main__":
        app.run(debug=True, port=5432, use_reloader=True, extra_files=["data.txt"])
        print("after")
    """
        },
    )
    agent = start(pair)
    ask = agent.serve(script="main.py")
    assert (ask.host, ask.port) == ("127.0.0.1", 5432)
    (accepting,) = agent.of(m.Accepting)
    assert accepting.extra_files == [str(tmp_path / "data.txt")]
    assert agent.get().text == "hello"
    assert agent.get("/boom/x").status == 500
    agent.drain()
    assert agent.wait() == 0
    assert "after" in agent.stdout
    assert (tmp_path / "count").read_text() == "x"
