"""Promises 3 and 4: what is in flight is answered in full; the app is imported once a start."""

from __future__ import annotations

import asyncio
import http.client
import os
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.processes import alive, needs_proc, until_gone
from support.session import Session, free_port

SLOW = """\
import time
from flask import Flask, Response

import version

app = Flask(__name__)
N = str(version.NUMBER)


@app.get("/")
def index():
    return N


@app.get("/slow")
def slow():
    print("begun", flush=True)
    return N + open(PIPE).read()


@app.get("/stream")
def stream():
    def parts():
        yield N
        print("begun", flush=True)
        yield open(PIPE).read()
        yield "end"
    return Response(parts())


@app.get("/sse")
def sse():
    def events():
        print("begun", flush=True)
        while True:
            yield "data: x\\n\\n"
            time.sleep(0.05)
    return Response(events(), mimetype="text/event-stream")


@app.get("/deaf")
def deaf():
    print("begun", flush=True)
    while True:
        try:
            time.sleep(600)
        except BaseException:
            pass
"""


def slow_app(pipe: Path) -> str:
    os.mkfifo(pipe)
    return SLOW.replace("PIPE", repr(str(pipe)))


def release(pipe: Path) -> None:
    with open(pipe, "w") as file:
        file.write(" all of it ")


async def until_begun(session: Session, generation: int) -> None:
    def begun(params: dict[str, object]) -> bool:
        return params["generation"] == generation and "begun" in str(params["text"])

    await session.notification("hotplate/output", begun)


@pytest.mark.parametrize("threaded", [True, False])
@pytest.mark.parametrize("path", ["/slow", "/stream"])
async def test_3_a_request_in_flight_is_answered_in_full(
    project: Callable[..., Path],
    open_session: Callable[[Path], Session],
    tmp_path: Path,
    threaded: bool,
    path: str,
) -> None:
    pipe = tmp_path / "pipe"
    folder = project({"app.py": slow_app(pipe), "version.py": "NUMBER = 1\n"})
    session = open_session(folder)
    running = await session.run(threaded=threaded, drainSeconds=20)
    url = running["url"]
    asked = asyncio.create_task(session.get(url, path))
    await until_begun(session, 1)
    session.save("version.py", "NUMBER = 2\n")
    await session.state("running", after=1)
    assert await session.get(url) == (200, "2")
    assert not asked.done()
    session.save("version.py", "NUMBER = 3\n")
    await session.state("running", after=2)
    assert await session.get(url) == (200, "3")
    assert alive(running["pid"])
    await asyncio.to_thread(release, pipe)
    end = "end" if path == "/stream" else ""
    assert await asked == (200, "1 all of it " + end)
    await until_gone(running["pid"], 5)


async def test_3_a_request_in_flight_over_a_start_that_fails(
    project: Callable[..., Path], open_session: Callable[[Path], Session], tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    folder = project({"app.py": slow_app(pipe), "version.py": "NUMBER = 1\n"})
    session = open_session(folder)
    url = (await session.run(drainSeconds=20))["url"]
    asked = asyncio.create_task(session.get(url, "/slow"))
    await until_begun(session, 1)
    session.save("version.py", "NUMBER = \n")
    await session.state("failed", after=1)
    assert (await session.get(url))[0] == 500
    await asyncio.to_thread(release, pipe)
    assert await asked == (200, "1 all of it ")


@needs_proc
@pytest.mark.parametrize(
    ("path", "threaded"), [("/sse", True), ("/sse", False), ("/deaf", True), ("/deaf", False)]
)
async def test_3_an_endless_request_does_not_hold_the_restart(
    project: Callable[..., Path],
    open_session: Callable[[Path], Session],
    tmp_path: Path,
    path: str,
    threaded: bool,
) -> None:
    drain = 0.5
    folder = project({"app.py": slow_app(tmp_path / "pipe"), "version.py": "NUMBER = 1\n"})
    session = open_session(folder)
    running = await session.run(threaded=threaded, drainSeconds=drain)
    url = running["url"]
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    connection.request("GET", path)
    await until_begun(session, 1)
    session.save("version.py", "NUMBER = 2\n")
    await session.barrier()
    gone = asyncio.create_task(until_gone(running["pid"], drain + 1.5))
    assert await session.get(url) == (200, "2")
    await gone
    connection.close()


COUNTED = """\
import os
with open("imports.txt", "a") as file:
    print("imported", os.getpid(), file=file)
"""

FLASK_MODE = (
    COUNTED
    + """\
from flask import Flask
app = Flask(__name__)
app.add_url_rule("/", view_func=lambda: str(os.getpid()))
"""
)

SCRIPTS = {
    "debug": "app.run(debug=True)",
    "reloader": "app.run(debug=True, use_reloader=True, reloader_type='stat')",
    "run_simple": (
        "from werkzeug.serving import run_simple\n"
        "    run_simple('localhost', 5000, app, use_reloader=True, use_debugger=True)"
    ),
    "config": "app.debug = True\n    app.run(load_dotenv=False)",
}


def lines(folder: Path) -> list[str]:
    return (folder / "imports.txt").read_text().splitlines()


@pytest.mark.parametrize("way", ["flask", *SCRIPTS])
async def test_4_the_app_is_imported_once_a_start(
    project: Callable[..., Path], open_session: Callable[[Path], Session], way: str
) -> None:
    text = FLASK_MODE
    settings = {}
    if way != "flask":
        text += f'if __name__ == "__main__":\n    {SCRIPTS[way]}\n'
        settings = {"script": "app.py"}
    folder = project({"app.py": text})
    session = open_session(folder)
    running = await session.run(**settings)
    url = running["url"]
    for generation in (1, 2, 3):
        pid = running["pid"]
        assert await session.get(url) == (200, str(pid))
        assert lines(folder)[-1] == f"imported {pid}"
        assert len(lines(folder)) == generation
        session.save("app.py", text + f"# {generation}\n")
        running = await session.state("running", after=generation)


async def test_4_a_failed_start_imports_once_too(
    project: Callable[..., Path], open_session: Callable[[Path], Session]
) -> None:
    """However often its page is asked for."""
    folder = project({"app.py": FLASK_MODE + "1 / 0\n"})
    session = open_session(folder)
    await session.start({"port": free_port(), "interpreter": sys.executable})
    failed = await session.state("failed")
    for _ in range(3):
        assert (await session.get(failed["url"]))[0] == 500
    assert len(lines(folder)) == 1
