"""Every way in which a start can fail: one problem where the person can act, a traceback, a page.

Where the problem is to stand is marked in the sources by « and ».
"""

from __future__ import annotations

import html
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from support.broken import CLOSE, EXACT, OPEN, WORKING, marked
from support.session import Session, free_port

FACTORY = """\
from flask import Flask


def create_app():
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: "mended")
    return app
"""
PART = WORKING.replace("\n\napp =", "\nimport part\n\n\napp =", 1)


@attrs.frozen
class Case:
    """A project that does not start, and what is to be told of it."""

    name: str
    files: Mapping[str, str | bytes]
    type: str
    says: tuple[str, ...] = ()
    """What the message holds."""
    range: Mapping[str, Any] | None = None
    """Where the problem stands, where the source can't be marked."""
    at: str = ""
    """The file in which it stands, where none is marked."""
    related: tuple[str, ...] = ()
    """`file:line` of what is shown as related, in order."""
    causes: tuple[tuple[str, str], ...] = ()
    page: str = ""
    """What the page shows, if not the type."""
    mended: Mapping[str, str] = attrs.field(factory=lambda: {"app.py": WORKING})
    settings: Mapping[str, Any] = attrs.field(factory=dict)
    always_exact: bool = False
    """A SyntaxError knows its place on every Python."""


def line(number: int, start: int, end: int) -> Mapping[str, Any]:
    return {
        "start": {"line": number, "character": start},
        "end": {"line": number, "character": end},
    }


def in_app(name: str, code: str, type_: str, *says: str, **more: Any) -> Case:
    """A case whose whole source is one app.py."""
    return Case(name, {"app.py": code}, type_, says, **more)


CASES = [
    in_app("syntax", "from flask import Flask\n\napp = Flask«(»\n", "SyntaxError",
           "'(' was never closed", always_exact=True),
    in_app("syntax-operator", "from flask import Flask\n\napp = Flask(__name__) +\n",
           "SyntaxError", "invalid syntax", at="app.py", range=line(2, 0, 23)),
    in_app("indentation", "def index():\n«return» 1\n", "IndentationError",
           "expected an indented block", always_exact=True),
    in_app("tabs", "if True:\n        a = 1\n\tb = 2\n", "TabError", at="app.py"),
    Case("syntax-in-module", {"app.py": PART, "part.py": "value = 1\nclass «1»:\n    pass\n"},
         "SyntaxError", ("invalid syntax",), related=("app.py:1",), always_exact=True,
         mended={"part.py": ""}),
    Case("not-utf-8", {"app.py": PART, "part.py": 'a = 1\nname = "café"\n'.encode("latin-1")},
         "SyntaxError", ("utf-8",), at="part.py", range=line(1, 11, 12), related=("app.py:1",),
         mended={"part.py": ""}),
    in_app("null-byte", "import flask\nname = 'a\0b'\n",
           "SyntaxError" if sys.version_info >= (3, 11, 4) else "ValueError", "null byte",
           at="app.py", range=line(1, 9, 10)),
    in_app("missing-module", "from flask import Flask\n\n«import yaml»\n", "ModuleNotFoundError",
           "No module named 'yaml'", sys.executable, "pip install PyYAML"),
    Case("missing-own-module", {"app.py": PART, "part.py": "«from helpers import x»\n"},
         "ModuleNotFoundError", ("No module named 'helpers'", sys.executable),
         related=("app.py:1",), mended={"part.py": ""}),
    Case("circular", {"app.py": PART, "part.py": "«from other import b»\na = 1\n",
                      "other.py": "«from part import a»\nb = 1\n"},
         "ImportError", ("circular import", "'part'"), at="other.py",
         related=("part.py:0", "app.py:1"), mended={"part.py": ""}),
    Case("at-import", {"app.py": PART, "part.py": "SIZES = {}\nlimit = «SIZES['large']» + 1\n"},
         "KeyError", ("'large'",), related=("app.py:1",), mended={"part.py": ""}),
    in_app("in-factory", "from flask import Flask\n\n\ndef create_app():\n"
           "    app = Flask(__name__)\n    app.config['X'] = «1 / 0»\n    return app\n",
           "ZeroDivisionError", "division by zero", mended={"app.py": FACTORY}),
    in_app("chained", "def read():\n    raise KeyError('port')\n\n\ntry:\n    read()\n"
           "except KeyError as error:\n    «raise RuntimeError('no settings') from error»\n",
           "RuntimeError", "no settings", causes=(("KeyError", "cause"),),
           related=("app.py:1", "app.py:5"), page="KeyError"),
    in_app("while-handling", "try:\n    int('x')\nexcept ValueError:\n    «{}['y']»\n",
           "KeyError", "'y'", causes=(("ValueError", "context"),), related=("app.py:1",)),
    in_app("str-raises", "class Odd(Exception):\n    def __str__(self):\n        return 1 / 0\n\n\n"
           "«raise Odd('x')»\n", "Odd"),
    in_app("huge-message", "«raise ValueError('x' * 10_000_000)»\n", "ValueError", "xxx"),
    in_app("recursion", "def again():\n    «again()»\n\n\nagain()\n", "RecursionError",
           "maximum recursion depth", related=("app.py:4",)),
    in_app("wrong-arguments", "from flask import Flask\n\n\n«def create_app(mode):»\n"
           "    return Flask(__name__)\n", "NoAppException",
           "missing 1 required positional argument: 'mode'", "hotplate.app",
           causes=(("TypeError", "cause"),), mended={"app.py": FACTORY}),
    in_app("no-app", "import flask\n\nname = 'shop'\n", "NoAppException", "hotplate.app",
           at="app.py"),
    in_app("several-apps", "from flask import Flask\n\none = Flask('one')\ntwo = Flask('two')\n",
           "NoAppException", "multiple", "hotplate.app", at="app.py",
           settings={"app": "app"}),
    in_app("wrong-name", WORKING, "NoAppException", "shop", "hotplate.app", at="app.py",
           causes=(("AttributeError", "cause"),),
           settings={"app": "app:shop"}, mended={"app.py": WORKING + "\n\nshop = app\n"}),
    in_app("wrong-module", WORKING, "NoAppException", "web.site", "hotplate.app", at="app.py",
           settings={"app": "web.site"}, mended={"web/site.py": WORKING}),
    in_app("factory-raises-type-error", "def create_app():\n    return «len(5)»\n", "TypeError",
           "has no len()", mended={"app.py": FACTORY}),
    in_app("factory-returns-none", "from flask import Flask\n\n\ndef create_app():\n"
           "    app = Flask(__name__)\n", "NoAppException", at="app.py",
           mended={"app.py": FACTORY}),
    in_app("system-exit", "import sys\n\n«sys.exit('no configuration')»\n", "SystemExit",
           "sys.exit()", "no configuration"),
    in_app("system-exit-code", "«raise SystemExit(3)»\n", "SystemExit", "sys.exit(3)"),
    in_app("os-exit", "import os\n\n«os._exit(4)»\n", "ProcessExit", "exit code 4", "os._exit"),
    in_app("abort", "import os\n\n«os.abort()»\n", "SIGABRT", "SIGABRT", always_exact=False),
    in_app("segfault", "import ctypes\n\n«ctypes.string_at(0)»\n", "SIGSEGV", "SIGSEGV"),
    in_app("killed", "import os\nimport signal\n\n«os.kill(os.getpid(), signal.SIGKILL)»\n",
           "SIGKILL", "SIGKILL", "memory"),
    in_app("memory", "import flask\n\n«raise MemoryError»\n", "MemoryError", "not enough memory"),
    in_app("out-of-memory", "data = «bytearray(1 << 62)»\n", "MemoryError"),
    in_app("keyboard-interrupt", "«raise KeyboardInterrupt»\n", "KeyboardInterrupt"),
    in_app("in-a-library", "import json\n\nconfig = «json.loads('{')»\n", "JSONDecodeError",
           "Expecting property name",),
    in_app("emoji", "name = '🍕é' + «[][3]»\n", "IndexError", "list index"),
    Case("script", {"serve.py": "from flask import Flask\n\napp = Flask(__name__)\n"
                    "app.run(port=«undefined»)\n"},
         "NameError", ("undefined",), settings={"script": "serve.py"},
         mended={"serve.py": WORKING + "\n\napp.run(debug=True)\n"}),
    Case("script-that-ends", {"serve.py": "«from flask import Flask»\n\napp = Flask(__name__)\n"},
         "NothingServed", ("app.run()",), settings={"script": "serve.py"},
         mended={"serve.py": WORKING + "\n\napp.run(debug=True)\n"}),
    Case("script-missing", {"app.py": WORKING}, "FileNotFoundError",
         ("serve.py", "hotplate.script"), at="app.py",
         settings={"script": "serve.py"},
         mended={"serve.py": WORKING + "\n\napp.run(debug=True)\n"}),
    Case("module", {"web/__init__.py": "", "web/__main__.py": "import flask\n\nprint(«1 / 0»)\n"},
         "ZeroDivisionError", (), settings={"script": "-m web"},
         mended={"web/__main__.py": WORKING + "\n\napp.run()\n"}),
    Case("module-missing", {"app.py": WORKING}, "ModuleNotFoundError",
         ("web", "hotplate.script"), at="app.py", page="No module named web",
         causes=(("_Error", "context"),),
         settings={"script": "-m web"}, mended={"web.py": WORKING + "\n\napp.run()\n"}),
]  # fmt: skip

if EXACT:
    CASES += [
        in_app("group", "def one():\n    raise ValueError('first')\n\n\nerrors = []\ntry:\n"
               "    one()\nexcept ValueError as error:\n    errors.append(error)\n"
               "«raise ExceptionGroup('two at once', [*errors, KeyError('second')])»\n",
               "ExceptionGroup", "two at once",
               causes=(("ValueError", "group"), ("KeyError", "group")),
               related=("app.py:1", "app.py:6")),
        in_app("notes", "error = ValueError('broken')\nerror.add_note('look in the drawer')\n"
               "«raise error»\n", "ValueError", "broken", "look in the drawer"),
    ]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_start_that_fails(
    case: Case,
    project: Callable[..., Path],
    open_session: Callable[[Path], Session],
) -> None:
    folder = project({})
    session = open_session(folder)
    where, place = case.at, case.range
    for name, source in case.files.items():
        if isinstance(source, str):
            exact = case.always_exact or EXACT
            text, found = marked(source, exact)
            if found is not None and not (where and where != name):
                where, place = name, found
            source = text
        session.write(name, source)
    await session.start(
        {"port": free_port(), "interpreter": sys.executable, "autoStart": "always"}
        | dict(case.settings)
    )
    failed = await session.state("failed")

    # The state says what it is and where.
    error = failed["error"]
    assert error["type"] == case.type
    for text in case.says:
        assert text in error["message"], error["message"]
    assert error["uri"] == (folder / where).as_uri()

    # There is one problem, where the person can act.
    shown = session.all_diagnostics()
    assert list(shown) == [error["uri"]]
    (problem,) = shown[error["uri"]]
    assert problem["range"] == error["range"]
    if place is not None:
        assert problem["range"] == place
    assert problem["severity"] == 1
    assert problem["source"] == "hotplate"
    assert case.type in problem["message"]
    # Flask's own frames are among them; they come after the nearer ones.
    related = [
        f"{Path(each['location']['uri']).name}:{each['location']['range']['start']['line']}"
        for each in problem.get("relatedInformation", [])
    ]
    assert [each for each in related if each.partition(":")[0] in case.files] == list(case.related)
    if case.name == "in-a-library":
        assert related[0].startswith("decoder.py:")

    # There is one traceback.
    (told,) = session.notifications("hotplate/traceback")
    assert (told["when"], told["type"]) == ("startup", case.type)
    assert told["generation"] == failed["generation"] == 1
    assert [(each["type"], each["relation"]) for each in told.get("causes", [])] == list(
        case.causes
    )

    # The browser gets the same on the same port.
    status, page = await session.get(failed["url"])
    assert status == 500
    assert (case.page or case.type) in page
    assert OPEN not in page and CLOSE not in page

    # No message is so long that an editor could not take it.
    assert max(len(str(message)) for message in session.received) < 200_000

    # Broken still, in the same way: nothing goes and comes again.
    heard = len(session.published(folder / where))
    await session.command("restart", {})
    await session.state("failed", after=1)
    await session.barrier()
    assert [] not in session.published(folder / where)[heard:]
    assert session.all_diagnostics().keys() == shown.keys()

    # Mended by a save.
    for name, text in case.mended.items():
        session.save(name, text)
    running = await session.state("running", after=2)
    assert running["reason"] == "save"
    assert await session.get(running["url"]) == (200, "mended")
    await session.barrier()
    assert session.all_diagnostics() == {}
    if case.settings.get("port") is None:
        assert running["url"] == failed["url"]
    assert html.escape(case.type) not in (await session.get(running["url"]))[1]


async def test_an_interpreter_that_hangs_is_told_and_a_restart_makes_another(
    project: Callable[..., Path], open_session: Callable[[Path], Session], tmp_path: Path
) -> None:
    python, hang = tmp_path / "python", tmp_path / "hang"
    python.write_text(
        f'#!/bin/sh\nif [ -e {hang} ]; then case "$*" in *__main__.py*) exec sleep 600;; esac; fi\n'
        f'exec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    session = open_session(project({"app.py": WORKING}))
    settings = {"interpreter": str(python), "warmup": "off", "startSeconds": 1}
    await session.start({"port": free_port(), **settings})
    await session.state("running")
    hang.touch()
    session.save("app.py", WORKING + "\n")
    await session.state("starting", after=1)
    await session.until(
        lambda: "StillStarting" in str(session.all_diagnostics()), what="it to be told"
    )
    hang.unlink()
    await session.command("restart", {})
    await session.state("running", after=2)
