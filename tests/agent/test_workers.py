"""Exceptions in the processes that Werkzeug forks for requests: told by the one that serves."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from agent.conftest import Start
from agent.driver import WAIT, Agent, ask, connect, write
from hotplate_agent import messages as m
from hotplate_agent.channel import encode, rights
from hotplate_agent.pace import BURST, RATE
from hotplate_agent.workers import Workers

SCRIPT = """
    import os, threading
    from flask import Flask

    app = Flask(__name__)
    started = os.getpid()

    @app.route("/view")
    def view():
        if not os.path.exists("mended"):
            raise ValueError("raised by a worker" if os.getpid() != started else "by the server")
        return "well"

    @app.route("/thread")
    def thread():
        def fail():
            raise OSError("in a thread of a worker")
        each = threading.Thread(target=fail, name="helper")
        each.start()
        each.join()
        return "started"

    @app.route("/dies")
    def dies():
        os._exit(3)

    app.run(processes=3, threaded=False, debug=DEBUG)
"""


@pytest.fixture(params=["True", "False"], ids=["debug", "no debug"])
def debug(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def agent(start: Start, tmp_path: Path, end: str, debug: str) -> Agent:
    write(tmp_path, {"main.py": SCRIPT.replace("DEBUG", debug)})
    agent = start(end)
    agent.serve(script="main.py", debug=debug == "True")
    return agent


def test_a_request(agent: Agent) -> None:
    assert agent.get("/view").status == 500
    raised = agent.expect(m.Raised)
    assert (raised.report.type, raised.report.message) == ("ValueError", "raised by a worker")
    assert (raised.when, raised.view, raised.method) == ("request", "endpoint view", "GET")
    assert raised.url.endswith("/view")
    assert raised.report.frames[-1].function == "view"
    assert raised.report.fault is None, "who has the frames is gone"
    (agent.cwd / "mended").touch()
    assert agent.get("/view").text == "well"
    assert agent.expect(m.Recovered).view == "endpoint view"
    assert agent.get("/view").text == "well"
    agent.get("/thread")
    agent.expect(m.Raised)
    assert len(agent.of(m.Recovered)) == 1
    assert len(agent.of(m.Raised)) == 2


def test_a_thread(agent: Agent) -> None:
    assert agent.get("/thread").text == "started"
    raised = agent.expect(m.Raised)
    assert (raised.when, raised.report.message) == ("thread", "in a thread of a worker")


def test_one_that_dies_harms_no_other(agent: Agent) -> None:
    with connect(agent.port) as sock:
        ask(sock, "/dies")
        assert sock.recv(1) == b""
    assert agent.get("/view").status == 500
    agent.expect(m.Raised)


def test_very_many_are_told_at_a_person_s_pace(agent: Agent) -> None:
    begun = time.monotonic()
    for _ in range(3 * BURST):
        agent.get("/view")
        agent.expect((m.Raised, m.Untold))  # type: ignore[arg-type]
    more = RATE * (time.monotonic() - begun) + 1
    assert BURST <= len(agent.of(m.Raised)) <= BURST + more
    assert len(agent.of(m.Raised)) + len(agent.of(m.Untold)) == 3 * BURST


def test_more_words_than_a_pipe_takes_at_once() -> None:
    told: list[Any] = []
    heard = threading.Event()
    workers = Workers(told.append)
    workers.begin(lambda message: (told.append(message), heard.set()))
    message = m.Recovered("x" * 1_000_000)
    worker = os.fork()
    if worker == 0:
        workers.tell(message)
        os._exit(0)
    assert os.waitpid(worker, 0)[1] == 0
    assert heard.wait(WAIT)
    assert told == [message]


def test_words_that_were_cut_off_harm_no_others() -> None:
    told: list[Any] = []
    heard = threading.Event()
    workers = Workers(told.append)
    workers.begin(lambda message: (told.append(message), heard.set()))
    assert workers._theirs is not None
    whole = encode(m.Recovered("a view"))
    for data in (whole[:-1], b"", whole):
        read, write = os.pipe()
        os.write(write, data)
        os.close(write)
        workers._theirs.sendmsg([b"\0"], rights(read))
        os.close(read)
    assert heard.wait(WAIT)
    assert told == [m.Recovered("a view")]
