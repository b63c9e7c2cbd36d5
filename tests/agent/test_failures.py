"""Starts that fail: what is told, and the page in the app's place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from agent.conftest import Start
from agent.driver import SECRET, Agent, listen, write
from hotplate_agent import messages as m


class Case(NamedTuple):
    files: dict[str, str]
    type: str
    message: str
    place: tuple[str, int] | None
    load: dict[str, Any] = {}
    kind: str = "error"


FLASK = "from flask import Flask\n"

CASES = {
    "syntax": Case({"app.py": "def x(:\n"}, "SyntaxError", "invalid", ("app.py", 1)),
    "indentation": Case(
        {"app.py": "if 1:\npass\n"}, "IndentationError", "expected an indented block", ("app.py", 2)
    ),
    "syntax, imported": Case(
        {"app.py": "import os\nimport helper\n", "helper.py": "x = 1\ny = (\n"},
        "SyntaxError", "never closed", ("helper.py", 2),
    ),
    "missing module": Case(
        {"app.py": "import os\nimport nowhere\n"},
        "ModuleNotFoundError", "No module named 'nowhere'", ("app.py", 2),
    ),
    "missing name": Case(
        {"app.py": "import helper\n", "helper.py": "from os import nothing_such\n"},
        "ImportError", "cannot import name 'nothing_such'", ("helper.py", 1),
    ),
    "exception": Case(
        {"app.py": "import helper\n", "helper.py": "def f():\n    {}['x']\nf()\n"},
        "KeyError", "'x'", ("helper.py", 2),
    ),
    "in a factory": Case(
        {"app.py": FLASK + "def create_app():\n    raise ValueError('in factory')\n"},
        "ValueError", "in factory", ("app.py", 3),
    ),
    "factory with wrong arguments": Case(
        {"app.py": FLASK + "def create_app(needed):\n    return Flask('x')\n"},
        "flask.cli.NoAppException", "create_app", None,
    ),
    "factory of something else": Case(
        {"app.py": FLASK + "def create_app():\n    return None\n"},
        "flask.cli.NoAppException", "", None,
    ),
    "no app": Case({"app.py": "x = 1\n"}, "flask.cli.NoAppException", "Failed to find Flask", None),
    "no file": Case({}, "flask.cli.NoAppException", "Could not locate a Flask application", None),
    "several apps": Case(
        {"app.py": FLASK + "a = Flask('a')\nb = Flask('b')\n"},
        "flask.cli.NoAppException", "multiple", None,
    ),
    "wrong module": Case(
        {}, "flask.cli.NoAppException", "Could not import 'elsewhere'", None, {"app": "elsewhere"}
    ),
    "wrong name": Case(
        {"shop.py": FLASK + "app = Flask('x')\n"},
        "flask.cli.NoAppException", "shup", None, {"app": "shop:shup"},
    ),
    "exit with words": Case(
        {"app.py": "import sys\nsys.exit('no database')\n"},
        "SystemExit", "no database", ("app.py", 2), {}, "exit",
    ),
    "exit with a number": Case(
        {"app.py": "import sys\nsys.exit(3)\n"}, "SystemExit", "3", ("app.py", 2), {}, "exit"
    ),
    "interrupt": Case(
        {"app.py": "raise KeyboardInterrupt\n"}, "KeyboardInterrupt", "", ("app.py", 1)
    ),
    "script, syntax": Case(
        {"main.py": "import os\nprint(\n"},
        "SyntaxError", "never closed", ("main.py", 2), {"script": "main.py"},
    ),
    "script, exception": Case(
        {"main.py": "import os\n1 / 0\n"},
        "ZeroDivisionError", "division by zero", ("main.py", 2), {"script": "main.py"},
    ),
    "script, exit": Case(
        {"main.py": "import sys\nsys.exit(2)\n"},
        "SystemExit", "2", ("main.py", 2), {"script": "main.py"}, "exit",
    ),
    "script, base exception": Case(
        {"main.py": "class Odd(BaseException): pass\nraise Odd('x')\n"},
        "Odd", "x", ("main.py", 2), {"script": "main.py"},
    ),
    "script, not there": Case(
        {}, "FileNotFoundError", "main.py", None, {"script": "main.py"}
    ),
    "module, not there": Case(
        {}, "SystemExit", "No module named nowhere", None, {"module": "nowhere"}, "exit"
    ),
    "module, exception": Case(
        {"pkg/__init__.py": "", "pkg/__main__.py": "1 / 0\n"},
        "ZeroDivisionError", "division", ("pkg/__main__.py", 1), {"module": "pkg"},
    ),
    "after the server was made": Case(
        {"main.py": FLASK + "from werkzeug.serving import make_server\napp = Flask('x')\n"
         "server = make_server('127.0.0.1', 5000, app)\nraise ValueError('too late')\n"},
        "ValueError", "too late", ("main.py", 5), {"script": "main.py"},
    ),
    "wrong option": Case(
        {"app.py": FLASK + "app = Flask('x')\n", ".flaskenv": "FLASK_RUN_PORT=many\n"},
        "click.exceptions.BadParameter", "many", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_failure(start: Start, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    write(tmp_path, case.files)
    agent = start()
    agent.load(**case.load)
    if name == "after the server was made":
        first = agent.expect(m.Ask)
        assert not first.failed
        agent.listener = listen()
        agent.send(m.Grant("127.0.0.1", agent.port), agent.listener.fileno())
    failed = agent.expect(m.Failed)
    report = failed.report
    assert (failed.kind, report.type) == (case.kind, case.type), agent.told()
    assert case.message in report.message
    if case.place is not None:
        assert (report.frames[-1].file, report.frames[-1].line) == (
            str(tmp_path / case.place[0]), case.place[1],
        )  # fmt: skip
    assert "hotplate_agent" not in report.text
    assert failed.serving
    agent.grant(failed=True)
    page = agent.get("/some/where")
    assert page.status == 500
    assert case.type.rpartition(".")[2] in page.text
    if case.message and "'" not in case.message:
        assert case.message in page.text
    assert "hotplate_agent" not in page.text
    assert agent.get("/").status == 500

    agent.drain()
    assert agent.wait() == 0
    agent.hear_all()
    assert agent.of(m.Raised) == []
    assert len(agent.of(m.Failed)) == 1
    assert "hotplate_agent" not in agent.stderr


CATCHES = """
    import sys
    try:
        import plugin
    except Exception:
        print("no plugin")
"""


@pytest.mark.parametrize("end", ["sys.exit('unknown command')", ""])
@pytest.mark.parametrize(
    ("plugin", "type_", "line"),
    [("x = 1\n1 / 0\n", "ZeroDivisionError", 2), ("x = (\n", "SyntaxError", 1)],
)
def test_what_was_caught_before(
    start: Start, tmp_path: Path, end: str, plugin: str, type_: str, line: int
) -> None:
    """A program goes on without a plugin that can't be imported, and ends for want of it."""
    write(tmp_path, {"main.py": CATCHES, "plugin.py": plugin})
    with (tmp_path / "main.py").open("a") as main:
        main.write(end + "\n")
    agent = start()
    agent.load(script="main.py")
    failed = agent.expect(m.Failed)
    assert failed.kind == ("exit" if end else "idle")
    caught = failed.report.causes[0]
    assert (caught.relation, caught.type) == ("caught", type_)
    assert (caught.frames[-1].file, caught.frames[-1].line) == (str(tmp_path / "plugin.py"), line)
    agent.grant(failed=True)
    page = agent.get("/").text
    assert type_ in page and "hotplate_agent" not in page
    agent.drain()
    assert agent.wait() == 0


TRIES = "import sys\ntry:\n    import {}\nexcept ImportError:\n    {}\n{}\n"


@pytest.mark.parametrize(
    "main",
    [
        TRIES.format("plugin", "sys.exit('x')", ""),
        TRIES.format("plugin", "pass", "1 / 0"),
        TRIES.format("nowhere", "sys.exit('x')", ""),
        TRIES.format("nowhere", "pass", "sys.exit('x')"),
    ],
    ids=["told as its context", "another error is told", "not there", "not there, and not needed"],
)
def test_nothing_was_caught_before(start: Start, tmp_path: Path, main: str) -> None:
    write(tmp_path, {"main.py": main, "plugin.py": "import nowhere\n"})
    agent = start()
    agent.load(script="main.py")
    causes = agent.expect(m.Failed).report.causes
    assert "caught" not in [cause.relation for cause in causes]


def test_all_that_it_read_is_told_first(start: Start, tmp_path: Path) -> None:
    """So that a save of any of it sets off the next start."""
    write(
        tmp_path, {"app.py": "import a\nimport b\n", "a.py": "", "b.py": "import c", "c.py": "1 +"}
    )
    agent = start()
    agent.load()
    agent.expect(m.Failed)
    before = agent.heard[: agent.heard.index(agent.of(m.Failed)[0])]
    read = {Path(each.file.path).name for each in before if isinstance(each, m.Read)}
    assert {"app.py", "a.py", "b.py", "c.py"} <= read


def test_no_flask(start: Start, tmp_path: Path, bare: str) -> None:
    write(tmp_path, {"app.py": "x = 1\n"})
    agent = start(bare)
    agent.load()
    failed = agent.expect(m.Failed)
    assert failed.report.missing == "flask"
    assert not failed.serving
    assert failed.versions == {}
    assert agent.wait() == 1


def test_a_script_without_flask(start: Start, tmp_path: Path, bare: str) -> None:
    write(tmp_path, {"main.py": "import os\nimport flask\n"})
    agent = start(bare)
    agent.load(script="main.py")
    failed = agent.expect(m.Failed)
    assert failed.report.missing == "flask"
    assert (failed.report.frames[-1].file, failed.report.frames[-1].line) == (
        str(tmp_path / "main.py"), 2,
    )  # fmt: skip
    assert agent.wait() == 1


def test_versions_that_do_not_go_together(start: Start, tmp_path: Path, mismatched: str) -> None:
    write(tmp_path, {"app.py": FLASK + "app = Flask('x')\n"})
    agent = start(mismatched)
    agent.load()
    failed = agent.expect(m.Failed)
    assert failed.report.type == "ImportError"
    assert failed.versions == {"flask": "2.0.3", "werkzeug": "3.0.6"}
    if failed.serving:
        agent.grant(failed=True)
        assert "ImportError" in agent.get().text


def test_a_library_that_is_missing(start: Start, tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "import helper\n", "helper.py": "import pandas_or_so.core\n"})
    agent = start()
    failed = agent.fail()
    assert failed.report.missing == "pandas_or_so"
    assert set(failed.versions) == {"flask", "werkzeug"}


@pytest.mark.parametrize(
    ("load", "evalex"),
    [({}, True), ({"debug": False}, False), ({"debugger": False}, False), ({"debug": True}, True)],
)
def test_the_console_of_the_page(
    start: Start, tmp_path: Path, load: dict[str, Any], evalex: bool
) -> None:
    write(tmp_path, {"app.py": "1 / 0\n"})
    agent = start()
    failed = agent.fail(**load)
    assert (agent.of(m.Pin)[0].pin is not None) is evalex
    for path in ("/", f"/__hotplate__/{SECRET}/{failed.report.fault}"):
        assert f"EVALEX = {str(evalex).lower()}" in agent.get(path).text


def test_debug_off_in_a_file(start: Start, tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "1 / 0\n", ".env": "FLASK_DEBUG=0\n"})
    agent = start()
    agent.fail()
    assert "EVALEX = false" in agent.get().text
    assert agent.of(m.Pin)[0].pin is None


def test_the_page_is_where_flask_run_would_listen(start: Start, tmp_path: Path, end: str) -> None:
    write(tmp_path, {"app.py": "1 / 0\n", ".flaskenv": "FLASK_RUN_PORT=7777\n"})
    agent = start(end)
    agent.fail(host="localhost", fallback_port=1)
    (ask,) = agent.of(m.Ask)
    assert (ask.host, ask.port) == ("localhost", 7777)


def test_the_page_is_where_the_app_was(start: Start, tmp_path: Path) -> None:
    write(tmp_path, {"main.py": "1 / 0\n"})
    agent = start()
    agent.fail(script="main.py", fallback_host="0.0.0.0", fallback_port=7778)
    (ask,) = agent.of(m.Ask)
    assert (ask.host, ask.port) == ("0.0.0.0", 7778)


def test_where_it_hangs(start: Start, tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "app.py": "import helper\n",
            "helper.py": """
            def wait():
                open("gate").read()
                while True: pass

            wait()
            """,
        },
    )
    os.mkfifo(tmp_path / "gate")
    agent = start()
    agent.load()
    (tmp_path / "gate").write_text("")
    frames = where(agent)
    own = [frame for frame in frames if frame.file.startswith(str(tmp_path))]
    assert [(Path(frame.file).name, frame.function) for frame in own] == [
        ("app.py", "<module>"), ("helper.py", "<module>"), ("helper.py", "wait"),
    ]  # fmt: skip
    assert all("hotplate_agent" not in frame.file for frame in frames)
    assert own[-1].line in (2, 3)


def where(agent: Agent) -> list[m.Frame]:
    agent.send(m.AskWhere())
    return agent.expect(m.Where).frames


def test_the_main_thread_fails_while_a_thread_serves(start: Start, tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "main.py": """
        import os, threading, time
        from flask import Flask

        app = Flask(__name__)
        app.add_url_rule("/", "index", lambda: open("asked", "w").close() or "hello")
        threading.Thread(target=app.run, daemon=True).start()
        while not os.path.exists("asked"):
            time.sleep(0.01)
        raise ValueError("after")
        """
        },
    )
    agent = start()
    agent.serve(script="main.py")
    agent.get()
    report = agent.expect(m.Raised).report
    assert (report.type, report.frames[-1].line) == ("ValueError", 9)
    assert agent.wait() == 1
    assert "ValueError: after" in agent.stderr
    assert "hotplate_agent" not in agent.stderr
    assert b"main.py" in agent.box  # where its end is explained from


@pytest.mark.parametrize("load", [{"app": "app.py"}, {"script": "app.py"}], ids=["app", "script"])
def test_the_apps_own_excepthook(start: Start, tmp_path: Path, load: dict[str, Any]) -> None:
    """As of a library that shows tracebacks in colours, or sends them somewhere."""
    write(
        tmp_path,
        {
            "app.py": """
        import sys

        def hook(kind, exc, tb):
            print("hooked:", exc, "hotplate_agent" in tb.tb_frame.f_code.co_filename, flush=True)

        sys.excepthook = hook
        raise ValueError("broken")
        """
        },
    )
    agent = start()
    agent.fail(**load)
    assert "hooked: broken False" in agent.stdout
    assert "Traceback" not in agent.stderr


def test_a_hook_that_fails_itself(start: Start, tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "import sys\nsys.excepthook = None\nraise ValueError('broken')\n"})
    agent = start()
    agent.fail()
    assert "ValueError: broken" in agent.stderr
