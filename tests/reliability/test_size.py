"""Projects that are larger than anybody has foreseen: the server answers meanwhile.

`HOTPLATE_SIZE=full` makes them as large as docs/reliability.md says.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lsprotocol import types

from hotplate_agent.pace import BURST
from reliability.test_fuzz_lsp import held
from support.broken import WORKING
from support.processes import needs_proc
from support.session import Session, free_port

Project = Callable[..., Path]
Open = Callable[[Path], Session]

FULL = os.environ.get("HOTPLATE_SIZE") == "full"
FILES = 100_000 if FULL else 20_000
LARGE = 50_000_000 if FULL else 10_000_000
TRACEBACKS = 1000 if FULL else 400
VIEWS = 300 if FULL else 100
SAVES = 400

APP = """\
from flask import Flask

app = Flask(__name__)
app.add_url_rule("/", view_func=lambda: "hello")


@app.route("/raise/<word>")
def view(word):
    raise ValueError(word)
"""


@needs_proc
async def test_a_workspace_of_very_many_files(project: Project, open_session: Open) -> None:
    """Sources, packages of a front end, pictures: nobody walks through all of them."""
    folder = project({"app.py": APP})
    for number in range(FILES // 500):
        part = folder / ("node_modules" if number % 2 else "assets") / f"p{number}"
        part.mkdir(parents=True)
        for name in range(500):
            (part / f"f{name}.py").touch()
    session = open_session(folder)
    running = await session.run()
    memory, files, _threads = held(session.process.pid)
    small = open_session(project({"app.py": APP}, "small"))
    await small.run()
    alone, alone_files, _ = held(small.process.pid)
    assert memory - alone < 8_000_000, (memory, alone)
    assert files <= alone_files + 8
    for number in range(3):
        session.save("app.py", APP.replace("hello", f"hello {number}"))
        await session.barrier()
        assert await session.get(running["url"]) == (200, f"hello {number}")
    # A checkout touches them all, and the editor tells of each.
    changed = [str(path.relative_to(folder)) for path in folder.rglob("f*.py")]
    for start in range(0, len(changed), 1000):
        session.changed_outside(*changed[start : start + 1000])
    await session.barrier()
    assert session.states()[-1] == ("running", 4), "none of them is the app's"
    assert await session.get(running["url"]) == (200, "hello 2")


async def test_saves_without_end_where_there_is_no_app(
    project: Project, open_session: Open
) -> None:
    """Each may have brought the first app. Those that come while one is looked at are one look."""
    session = open_session(project({"shop.py": "import flask\n"}))
    await session.start({"port": free_port(), "interpreter": sys.executable})
    await session.barrier()
    for _ in range(SAVES):
        session.did_save("shop.py")
    session.save("shop.py", APP)
    assert await session.state("running")
    asked = [each for each in session.received if each.get("method") == "workspace/configuration"]
    assert len(asked) < SAVES / 4


@needs_proc
async def test_a_python_file_of_megabytes(project: Project, open_session: Open) -> None:
    """Generated data, saved by hand and by a timer: it is not parsed here at any length."""
    line = "DATA.append('" + "x" * 80 + "')\n"
    source = "DATA = []\n" + line * (LARGE // len(line))
    folder = project({"app.py": APP, "data.py": source})
    session = open_session(folder)
    await session.start(
        {"port": free_port(), "interpreter": sys.executable, "restartOnSave": "all"}
    )
    running = await session.state("running")
    before, _, _ = held(session.process.pid)
    longest = 0.0
    for reason in types.TextDocumentSaveReason:
        session.will_save("data.py", reason)
        session.did_save("data.py")
        asked = time.monotonic()
        await session.barrier()
        longest = max(longest, time.monotonic() - asked)
    # As the app itself: its line is looked for in the source.
    session.save("app.py", APP + source)
    session.configure({"port": free_port(), "interpreter": sys.executable, "app": "data.py"})
    for _ in range(20):
        asked = time.monotonic()
        await session.barrier()
        longest = max(longest, time.monotonic() - asked)
    after, _, _ = held(session.process.pid)
    print(f"\n{LARGE} bytes: answered within {longest:.2f} s, {(after - before) >> 20} MB more")
    assert after - before < 128_000_000, "its tree would take gigabytes"
    assert running


@needs_proc
async def test_very_many_tracebacks(project: Project, open_session: Open) -> None:
    """Each request raises in another way. What is kept and shown of them is bounded."""
    session = open_session(project({"app.py": APP}))
    url = (await session.run())["url"]
    middle = 0
    for number in range(TRACEBACKS):
        status, _ = await session.get(url, f"/raise/{number}-{'x' * 500}")
        assert status == 500
        if number == TRACEBACKS // 2:
            middle = held(session.process.pid)[0]
    await session.barrier()
    assert held(session.process.pid)[0] - middle < 16_000_000
    assert len(session.diagnostics(session.folder / "app.py")) == 1, "one view, one problem"
    # A storm is told in part, and counted (test_hostile_apps): the first are told in full.

    def told() -> list[dict[str, Any]]:
        return session.notifications("hotplate/traceback")

    await session.until(lambda: len(told()) >= BURST, what="the first ones")
    assert len(told()) <= TRACEBACKS
    last = told()[-1]
    answer = await session.command("openDebugger", {"id": last["id"]})
    assert answer["url"] == last["debuggerUrl"]
    session.save("app.py", APP.replace("raise ValueError(word)", "return word"))
    await session.no_diagnostics(session.folder / "app.py")


@needs_proc
async def test_a_problem_in_each_of_very_many_views(project: Project, open_session: Open) -> None:
    """Not one view but hundreds, all in one file: its problems are published one by one."""
    views = "".join(
        f"\n\n@app.route('/v{n}')\ndef v{n}():\n    raise ValueError({n})\n" for n in range(VIEWS)
    )
    session = open_session(project({"app.py": APP + views}))
    url = (await session.run())["url"]
    for number in range(VIEWS):
        await session.get(url, f"/v{number}")
    await session.barrier()
    shown = session.diagnostics(session.folder / "app.py")
    assert 0 < len(shown) <= 50, "those of the last views"
    sent = sum(len(each) for each in session.published(session.folder / "app.py"))
    print(f"\n{len(shown)} problems shown, {sent} sent in all")
    session.save("app.py", APP)
    await session.no_diagnostics(session.folder / "app.py")


async def test_11_a_timer_saves_a_large_source(project: Project, open_session: Open) -> None:
    line = "x = [(a, b + 1, c['k']) for a, b, c in f(1, 2, *args, **kw) if a or not b]\n"
    source = line * (900_000 // len(line))
    session = open_session(project({"app.py": WORKING, "data.py": source}))
    await session.start(
        {"port": free_port(), "interpreter": sys.executable, "restartOnSave": "all"}
    )
    await session.state("running")
    session.will_save("data.py", types.TextDocumentSaveReason.AfterDelay)
    session.did_save("data.py")
    longest = 0.0
    for _ in range(100):
        asked = time.monotonic()
        await session.barrier()
        longest = max(longest, time.monotonic() - asked)
    assert longest < 0.25  # 0.05, with room for a machine under load
