"""Who gets an answer from what is interactive: the person, and no page of the web."""

from __future__ import annotations

import asyncio
import re
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from agent.conftest import Start
from agent.driver import SECRET, Agent, Answer, write
from agent.test_pairs import frames_of, unlock
from hotplate_agent import messages as m
from support.session import Session, free_port, get

APP = """
    from flask import Flask

    app = Flask(__name__)

    @app.route("/")
    def index():
        return "hello"

    @app.route("/boom/<name>")
    def boom(name):
        token = name
        raise ValueError(name)
"""

STRANGERS: dict[str, dict[str, str]] = {
    "a name that points here": {"Host": "evil.example"},
    "one that looks like ours": {"Host": "localhost.evil.example"},
    "one that begins like ours": {"Host": "127.0.0.1.evil.example"},
    "no name": {"Host": ""},
    "another site": {"Sec-Fetch-Site": "cross-site"},
    "another port of this machine": {"Sec-Fetch-Site": "same-site"},
    "an old browser, another site": {"Origin": "https://evil.example"},
    "an old browser, a file": {"Origin": "null"},
}
PERSONS: dict[str, dict[str, str]] = {
    "a program": {},
    "by name": {"Host": "localhost:5000"},
    "by a name below": {"Host": "shop.localhost"},
    "by number": {"Host": "127.8.9.1:5000"},
    "by IPv6": {"Host": "[::1]:5000"},
    "the page itself": {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"},
    "typed": {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
    "the page's own site": {"Origin": "http://127.0.0.1"},
}


class Open(NamedTuple):
    """A debugger that a person has unlocked: the strongest position that a stranger could find."""

    agent: Agent
    pin: str
    secret: str
    cookie: str
    frame: str
    fault: str

    def ask(self, query: str, headers: Mapping[str, str]) -> Answer:
        return self.agent.get(f"/?{query}", headers={"Cookie": self.cookie, **headers})

    def page(self, headers: Mapping[str, str]) -> Answer:
        return self.agent.get(
            f"/__hotplate__/{SECRET}/{self.fault}", headers={"Cookie": self.cookie, **headers}
        )

    def commands(self) -> dict[str, str]:
        """What can be asked of it, spelled in each way that Werkzeug understands."""
        s = self.secret
        return {
            "evaluate": f"__debugger__=yes&cmd=6*7&frm={self.frame}&s={s}",
            "pinauth": f"__debugger__=yes&cmd=pinauth&pin={self.pin}&s={s}",
            "printpin": f"__debugger__=yes&cmd=printpin&s={s}",
            "encoded": f"%5F_debugger__=%79es&cmd=6*7&frm={self.frame}&s={s}",
            "behind another": f"a=b&__debugger__=yes&frm={self.frame}&s={s}&cmd=6*7",
            "twice": f"__debugger__=yes&__debugger__=no&cmd=6*7&frm={self.frame}&s={s}",
            "as a resource": f"__debugger__=yes&cmd=6*7&cmd=resource&frm={self.frame}&s={s}&f=x",
        }


def opened(agent: Agent) -> Open:
    agent.serve()
    pin = agent.of(m.Pin)[0].pin
    assert pin
    page = agent.get("/boom/token-of-the-app").text
    fault = agent.expect(m.Raised).report.fault
    assert fault
    secret, cookie = unlock(agent, page, pin)
    return Open(agent, pin, secret, cookie, frames_of(page)[-1], fault)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    write(tmp_path, {"app.py": APP})
    return tmp_path


def test_no_command_of_a_stranger_reaches_the_debugger(start: Start, app: Path, end: str) -> None:
    """Not even with the secret and the cookie of a person who has unlocked it."""
    debugger = opened(start(end))
    for who, headers in STRANGERS.items():
        for what, query in debugger.commands().items():
            got = debugger.ask(query, headers)
            # Werkzeug 3.0.3 and newer refuse a foreign host by themselves, with 400.
            assert got.status in (400, 403), (who, what, got)
            assert "42" not in got.text, (who, what)
            assert got.headers["Set-Cookie"] is None, (who, what)
    debugger.agent.hear_what_came()
    assert debugger.agent.of(m.PinWanted) == []
    assert debugger.agent.get().text == "hello"  # and the app answers anybody, as it always did
    assert debugger.ask("", {"Host": "evil.example"}).text == "hello"


def test_the_person_is_answered(start: Start, app: Path, end: str) -> None:
    debugger = opened(start(end))
    for who, headers in PERSONS.items():
        for what, query in debugger.commands().items():
            got = debugger.ask(query, headers)
            if what not in ("twice", "pinauth", "printpin", "as a resource"):
                assert "42" in got.text, (who, what, got)
        page = debugger.page(headers)
        assert re.search(r"EVALEX ?= ?true", page.text), who
        assert debugger.secret in page.text, who
    debugger.agent.expect(m.PinWanted)


def test_without_the_secret_there_is_nothing(start: Start, app: Path, end: str) -> None:
    debugger = opened(start(end))
    for query in debugger.commands().values():
        for wrong in ("", "x", debugger.secret[:-1], debugger.secret + "x"):
            got = debugger.ask(query.replace(f"s={debugger.secret}", f"s={wrong}"), {})
            assert "42" not in got.text, query
            assert got.headers["Set-Cookie"] is None, query
    for guess in ("", "x/1-1", SECRET, SECRET[:-1] + f"x/{debugger.fault}"):
        assert debugger.agent.get(f"/__hotplate__/{guess}").status == 404
    debugger.agent.hear_what_came()
    assert debugger.agent.of(m.PinWanted) == []


def test_the_pin_is_not_to_be_found_by_trying(start: Start, app: Path, end: str) -> None:
    """Werkzeug's limit: after eleven wrong ones not even the right one is taken."""
    # Its pauses between are not what is tested.
    write(
        app, {"app.py": "    import time\n\n    time.sleep = lambda _: None\n" + APP.lstrip("\n")}
    )
    debugger = opened(start(end))
    right = debugger.commands()["pinauth"]
    wrong = right.replace(f"pin={debugger.pin}", "pin=1")
    for _ in range(11):
        assert not debugger.agent.get("/?" + wrong).json()["auth"]
    answer = debugger.agent.get("/?" + right).json()
    assert (answer["auth"], answer["exhausted"]) == (False, True)


def test_the_console_is_behind_the_pin(start: Start, app: Path, end: str) -> None:
    """Also for who knows the secret, which stands in each page of an error."""
    debugger = opened(start(end))
    locked = debugger._replace(cookie="")
    for what, query in locked.commands().items():
        if what != "pinauth":
            assert "42" not in locked.ask(query, {}).text, what
    for forged in ("9999999999|x", "|", "x|y", "9999999999|"):
        cookie = debugger.cookie.partition("=")[0] + "=" + forged
        assert (
            "42"
            not in debugger._replace(cookie=cookie).ask(debugger.commands()["evaluate"], {}).text
        ), forged


def test_a_page_for_who_comes_by_a_foreign_name(start: Start, app: Path, end: str) -> None:
    """Through a proxy, with the address that only the editor knows: to be read, no more."""
    debugger = opened(start(end))
    page = debugger.page({"Host": "shop-5000.devbox.example"})
    assert page.status == 200
    assert "token-of-the-app" in page.text
    assert re.search(r"EVALEX ?= ?false", page.text)
    assert debugger.secret not in page.text


def test_a_page_is_gone_to_and_not_read_by_scripts(start: Start, app: Path, end: str) -> None:
    debugger = opened(start(end))
    for site in ("cross-site", "same-site"):
        for mode in ("cors", "no-cors", "websocket", ""):
            got = debugger.page({"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode})
            assert got.status == 403
            assert "token-of-the-app" not in got.text
        # A link in the editor, or its browser in a frame.
        assert debugger.page({"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}).status == 200
    headers = debugger.page({}).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Access-Control-Allow-Origin"] is None


def test_the_debuggers_look_is_for_all(start: Start, app: Path, end: str) -> None:
    """Its style sheet holds nothing, and a page that is read through a proxy needs it."""
    debugger = opened(start(end))
    for headers in STRANGERS.values():
        got = debugger.ask("__debugger__=yes&cmd=resource&f=style.css", headers)
        assert got.status == 200 and "{" in got.text


def test_a_host_of_the_persons_own(start: Start, app: Path, end: str) -> None:
    """A name that they have given the app is theirs; 0.0.0.0 stands for no name."""
    agent = start(end)
    name = socket.gethostname()
    agent.load(host=name, console=True)
    agent.grant()
    pin = agent.of(m.Pin)[0].pin
    page = agent.get("/boom/x", headers={"Host": f"{name}:5000"}).text
    found = re.search(r'SECRET ?= ?"([^"]+)"', page)
    assert found
    query = f"/?__debugger__=yes&cmd=pinauth&pin={pin}&s={found[1]}"
    assert agent.get(query, headers={"Host": f"{name}:5000"}).json()["auth"]
    assert agent.get(query, headers={"Host": "other.example"}).status in (400, 403)


def test_the_page_of_a_failed_start_is_as_strict(start: Start, tmp_path: Path, end: str) -> None:
    write(tmp_path, {"app.py": "number = 6 * 7\n1 / 0\n"})
    agent = start(end)
    agent.fail()
    pin = agent.of(m.Pin)[0].pin
    assert pin
    page = agent.get().text
    secret, cookie = unlock(agent, page, pin)
    query = f"/?__debugger__=yes&cmd=number&frm={frames_of(page)[-1]}&s={secret}"
    assert "42" in agent.get(query, headers={"Cookie": cookie}).text
    for who, headers in STRANGERS.items():
        got = agent.get(query, headers={"Cookie": cookie, **headers})
        assert "42" not in got.text, who


# ---------------------------------------------------------------- whole servers


async def test_the_servers_own_page_is_to_be_read_and_no_more(
    project: Callable[..., Path], open_session: Callable[[Path], Session]
) -> None:
    """It stands in for an app that has died: it answers whom the app would have answered."""
    session = open_session(project({"app.py": "import flask, os\nos._exit(1)\n"}))
    await session.start({"port": free_port(), "interpreter": sys.executable})
    url = (await session.state("failed"))["url"]
    for headers in ({}, *STRANGERS.values()):
        status, body = await session.get(url, "/?__debugger__=yes&cmd=1", **headers)
        assert status == 500
        assert "<script" not in body and "SECRET" not in body and "__hotplate__" not in body
    answer = await asyncio.to_thread(_headers, url)
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in answer


async def test_open_to_all_there_is_a_warning_and_no_console(
    project: Callable[..., Path], open_session: Callable[[Path], Session]
) -> None:
    source = "from flask import Flask\napp = Flask(__name__)\n"
    source += "app.add_url_rule('/', view_func=lambda: 1 / 0)\n"
    session = open_session(project({"app.py": source}))
    port = free_port()
    await session.start({"port": port, "host": "0.0.0.0", "interpreter": sys.executable})
    await session.state("running")
    warning = await session.notification("window/showMessage")
    assert "0.0.0.0" in warning["message"] and warning["type"] == 2
    url = f"http://127.0.0.1:{port}"
    for path in ("/", "/console"):
        _status, page = await asyncio.to_thread(get, url, path)
        assert "EVALEX = true" not in page
        assert "Interactive Console" not in page
    told = await session.notification("hotplate/traceback")
    _status, page = await asyncio.to_thread(get, url, urlsplit(told["debuggerUrl"]).path)
    assert "EVALEX = true" not in page


def _headers(url: str) -> dict[str, str]:
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(url) as answer:
            return dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return dict(error.headers)
