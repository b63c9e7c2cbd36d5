"""The main job, as a person sees it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from support.session import Session, free_port

EXACT = sys.version_info >= (3, 11)
"""Whether the interpreter knows the expression; else the line's code is marked."""

APP = """\
from flask import Flask

import greeting

app = Flask(__name__)


@app.route("/")
def index():
    return greeting.text()


@app.route("/share/<int:people>")
def share(people):
    return str(12 / people)
"""


async def test_save_break_mend_raise(
    project: Callable[..., Path], open_session: Callable[[Path], Session]
) -> None:
    folder = project({"app.py": APP, "greeting.py": 'def text():\n    return "one"\n'})
    session = open_session(folder)
    await session.start({"port": free_port(), "interpreter": sys.executable})
    running = await session.state("running")
    url = running["url"]
    assert running["generation"] == 1
    assert await session.get(url) == (200, "one")

    session.save("greeting.py", 'def text():\n    return "two"\n')
    await session.barrier()
    assert await session.get(url) == (200, "two")
    assert (await session.state("running", after=1))["reason"] == "save"

    session.save("greeting.py", "def text():\n    return two +\n")
    failed = await session.state("failed", after=2)
    assert failed["error"]["type"] == "SyntaxError"
    problem = await session.diagnostic(folder / "greeting.py", "SyntaxError")
    assert problem["range"]["start"]["line"] == 1
    status, page = await session.get(url)
    assert status == 500
    assert "SyntaxError" in page

    session.save("greeting.py", 'def text():\n    return "three"\n')
    await session.state("running", after=3)
    await session.no_diagnostics(folder / "greeting.py")
    assert await session.get(url) == (200, "three")

    assert (await session.get(url, "/share/0"))[0] == 500
    problem = await session.diagnostic(folder / "app.py", "ZeroDivisionError")
    assert problem["range"] == {
        "start": {"line": 14, "character": 15 if EXACT else 4},
        "end": {"line": 14, "character": 26 if EXACT else 27},
    }
    told = await session.notification("hotplate/traceback", lambda p: p["when"] == "request")
    assert told["request"] == {"method": "GET", "url": f"{url}/share/0"}
    assert (await session.get(url, "/share/3")) == (200, "4.0")
    await session.no_diagnostics(folder / "app.py")

    assert [state for state, _ in session.states()] == [
        "starting", "running", "starting", "running", "starting", "failed", "starting", "running",
    ]  # fmt: skip
