"""A start from a standby is a cold start to the app and to its libraries, or it is none.

Each case is served three times with the same page: cold, by a copy of a standby that was made
from what the cold start has taught, and by such a standby itself.
"""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from agent.conftest import Start
from agent.driver import Agent, write
from hotplate_agent import messages as m
from hotplate_agent.originals import Originals

SERVE = """
from flask import Flask, jsonify
app = Flask(__name__)
import sys, threading, warnings, os
app.add_url_rule("/", view_func=lambda: jsonify(seen()))
"""
NEEDS_FORK = pytest.mark.skipif(sys.platform != "linux", reason="copies are made on Linux only")


class Case(NamedTuple):
    """An app and its library. `ahead`: whether the library may be imported ahead of time."""

    app: str
    library: str
    ahead: bool
    files: dict[str, str] = {}
    env: dict[str, str] = {}
    script: bool = False


CASES = {
    "logging that the app configures": Case(
        "from logging.config import dictConfig\n"
        "dictConfig({'version': 1, 'root': {'level': 'INFO'}})\n"
        "import lib\ndef seen(): return lib.log.disabled\n",
        "import logging\nlog = logging.getLogger(__name__)\n",
        True,
    ),
    "plain": Case("import lib\ndef seen(): return lib.value\n", "value = 1\n", True),
    "environment that the app sets": Case(
        "import os\nos.environ['COLOUR'] = 'red'\nimport lib\ndef seen(): return lib.colour\n",
        "import os\ncolour = os.environ.get('COLOUR')\n",
        False,
    ),
    "environment that the app takes away": Case(
        "import os\nos.environ.pop('COLOUR')\nimport lib\ndef seen(): return lib.colour\n",
        "import os\ncolour = os.environ.get('COLOUR')\n",
        False,
        env={"COLOUR": "blue"},
    ),
    "environment from .env": Case(
        "import lib\ndef seen(): return lib.colour\n",
        "import os\ncolour = os.environ.get('COLOUR')\n",
        True,
        {".env": "COLOUR=green\n"},
    ),
    "environment of the command line": Case(
        "import lib\ndef seen(): return lib.all\n",
        "import os, sys\n"
        "all = [os.environ.get(n) for n in ('FLASK_DEBUG', 'FLASK_RUN_FROM_CLI', 'FLASK_APP',\n"
        "       'WERKZEUG_RUN_MAIN')] + [sys.argv[1:], os.getcwd()]\n",
        True,
        env={"FLASK_DEBUG": "true"},
    ),
    "environment that the library sets": Case(
        "import os\nbefore = os.environ.get('LIB')\nimport lib\n"
        "def seen(): return [before, os.environ.get('LIB')]\n",
        "import os\nos.environ['LIB'] = 'set'\n",
        False,
    ),
    "environment that the library sets and takes back": Case(
        "import os\nimport lib\ndef seen(): return [lib.colour, 'LIB' in os.environ]\n",
        "import os\nos.environ['LIB'] = '1'\ncolour = 5\ndel os.environ['LIB']\n",
        True,
    ),
    "filters of the app": Case(
        "import warnings\nwarnings.simplefilter('error')\ntry:\n    import lib\n    found = 0\n"
        "except UserWarning as exc:\n    found = str(exc)\ndef seen(): return found\n",
        "import warnings\nwarnings.warn('old')\n",
        False,
    ),
    "filters of the library": Case(
        "import warnings\n"
        "def count(): return [f[1] is not None and f[1].pattern for f in warnings.filters]\n"
        "before = count()\nimport lib\nafter = count()\ndef seen(): return [before, after]\n",
        "import warnings\nwarnings.filterwarnings('ignore', message='of the library')\n",
        True,
    ),
    "sys.path": Case(
        "import os, sys\nsys.path.insert(0, os.path.abspath('vendor'))\nimport lib\n"
        "def seen(): return lib.value\n",
        "value = 'installed'\n",
        False,
        {"vendor/lib.py": "value = 'vendored'\n"},
    ),
    "a patched module": Case(
        "import json, textwrap\ntextwrap.dedent = lambda value: 'patched'\nimport lib\n"
        "def seen(): return lib.text\n",
        "from textwrap import dedent\ntext = dedent('1')\n",
        False,
    ),
    "a patched library": Case(
        "import other\nother.f = lambda: 'patched'\nimport lib\ndef seen(): return lib.text\n",
        "from other import f\ntext = f()\n",
        False,
        {"lib/site-packages/other.py": "def f(): return 'original'\n"},
    ),
    "a library that patches another": Case(
        "import lib\nimport other\nimport third\ndef seen(): return third.text\n",
        "import other\nother.f = lambda: 'patched'\n",
        True,
        {
            "lib/site-packages/other.py": "def f(): return 'original'\n",
            "lib/site-packages/third.py": "import other\ntext = other.f()\n",
        },
    ),
    "a thread of the app's": Case(
        "import threading\nstop = threading.Event()\n"
        "threading.Thread(target=stop.wait, daemon=True).start()\nimport lib\n"
        "def seen(): return lib.threads\n",
        "import threading\nthreads = threading.active_count()\n",
        False,
    ),
    "a thread of the library's": Case(
        "import lib\ndef seen(): return [t.name for t in threading.enumerate()\n"
        "                           if t.name == 'of the library']\n",
        "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True,\n"
        "                 name='of the library').start()\n",
        False,
    ),
    "a socket of the library's": Case(
        "import lib\ndef seen(): return lib.sock.fileno() > 2\n",
        "import socket\nsock = socket.create_server(('127.0.0.1', 0))\n",
        False,
    ),
    "a connection of the library's": Case(
        "import lib\ndef seen(): return lib.told\n",
        "import os, socket\n"
        "with socket.create_connection(('127.0.0.1', int(os.environ['PEER']))) as sock: pass\n"
        "told = True\n",
        False,
    ),
    "a file that the library writes": Case(
        "import lib\ndef seen(): return open('count').read()\n",
        "with open('count', 'w') as file: file.write('x')\n",
        False,
    ),
    "a file that the library keeps open": Case(
        "import lib\ndef seen(): return lib.file.read(5)\n",
        "import os\nfile = open(os.__file__)\n",
        False,
    ),
    "a program that the library runs": Case(
        "import lib\ndef seen(): return lib.code\n",
        "import subprocess, sys\ncode = subprocess.call([sys.executable, '-c', 'pass'])\n",
        False,
    ),
    "a library that imports the project": Case(
        "import lib\ndef seen(): return lib.value\n",
        "import config\nvalue = config.value\n",
        False,
        {"config.py": "value = 3\n"},
    ),
    "what is imported already": Case(
        "import sys\nbefore = 'lib' in sys.modules\nimport lib\n"
        "def seen(): return [before, 'lib' in sys.modules, lib.__name__, lib.__spec__.origin,\n"
        "                    type(lib.__loader__).__name__, type(lib.__spec__.loader).__name__]\n",
        "value = 1\n",
        True,
    ),
    "a submodule": Case(
        "import lib\nbefore = hasattr(lib, 'sub')\nimport lib.sub\n"
        "def seen(): return [before, hasattr(lib, 'sub'), lib.sub.value]\n",
        "",
        True,
        {"lib/site-packages/lib/sub.py": "value = 2\n", "lib/site-packages/lib/__init__.py": ""},
    ),
    "a question whether there is a library": Case(
        "from importlib.util import find_spec\nimport sys\nspec = find_spec('lib')\n"
        "before = 'lib' in sys.modules\nimport lib\n"
        "def seen(): return [spec.origin, before, spec.name]\n",
        "value = 1\n",
        True,
    ),
    "a script": Case(
        "import lib\nfrom flask import Flask, jsonify\napp = Flask(__name__)\n"
        "app.add_url_rule('/', view_func=lambda: jsonify(lib.value))\n"
        "if __name__ == '__main__':\n    app.run(debug=True, port=0)\n",
        "import sys\nvalue = [sys.argv, 'flask' in sys.modules]\n",
        True,
        script=True,
    ),
}


@pytest.fixture
def peer() -> Iterator[int]:
    """The port of a server to which a library may connect."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock.getsockname()[1]


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request: pytest.FixtureRequest, tmp_path: Path, peer: int) -> Case:
    found: Case = request.param
    lay_out(tmp_path, found)
    return found._replace(env={**found.env, **surroundings(tmp_path), "PEER": str(peer)})


def lay_out(folder: Path, case: Case) -> None:
    library = {} if "lib/site-packages/lib/__init__.py" in case.files else {
        "lib/site-packages/lib.py": case.library
    }  # fmt: skip
    app = case.app if case.script else case.app + SERVE
    write(folder, {"app.py": app, **library, **case.files})


def surroundings(folder: Path) -> dict[str, str]:
    return {"PYTHONPATH": str(folder / "lib" / "site-packages")}


def orders(case: Case) -> dict[str, Any]:
    return {"learn": True, **({"script": "app.py"} if case.script else {"app": "app.py"})}


def learnt(agent: Agent) -> m.Learnt:
    return agent.of(m.Learnt)[0]


def test_it_is_as_a_cold_start(start: Start, case: Case) -> None:
    cold = start(env=dict(case.env))
    cold.serve(**orders(case))
    page = cold.get().json()
    roots = learnt(cold).roots
    assert ("lib" in roots) is case.ahead
    cold.close()

    itself = start(env=dict(case.env))
    warmed = itself.warm(roots, **orders(case))
    assert isinstance(warmed, m.Warmed), itself.told()
    if warmed.forks:
        copy = itself.copy()
        copy.serve(**orders(case))
        assert copy.get().json() == page, copy.told()
        assert learnt(copy) == m.Learnt(roots, whole=True, unused=False)
        copy.close()
    itself.serve(**orders(case))
    assert itself.get().json() == page


def test_a_library_without_bytecode(start: Start, tmp_path: Path) -> None:
    """As uv installs it: its first import writes its bytecode, and that is no effect of its own."""
    case = CASES["plain"]
    lay_out(tmp_path, case)
    library = tmp_path / "lib" / "site-packages" / "lib.py"
    os.utime(library, (0, 10**9))
    agent = start(env={**case.env, **surroundings(tmp_path)})
    agent.serve(**orders(case))
    assert list(library.parent.glob("__pycache__/lib.*.pyc"))
    assert "lib" in learnt(agent).roots


@NEEDS_FORK
def test_a_standby_makes_copies(start: Start, tmp_path: Path) -> None:
    """As many as are wanted: each leads a session of its own and says what a new process says."""
    lay_out(tmp_path, CASES["plain"])
    standby = start(env=surroundings(tmp_path))
    warmed = standby.warm(["lib"], app="app.py", learn=True)
    assert isinstance(warmed, m.Warmed) and warmed.forks
    for _ in range(3):
        copy = standby.copy()
        booted = copy.expect(m.Booted)
        assert booted.pid == copy.process.pid == os.getsid(copy.process.pid)
        assert os.readlink(f"/proc/{copy.process.pid}/fd/0") == os.devnull
        copy.close()
    assert standby.process.poll() is None


@NEEDS_FORK
def test_copies_end_with_the_server_and_not_with_the_standby(start: Start, tmp_path: Path) -> None:
    lay_out(tmp_path, CASES["plain"])
    standby = start(env=surroundings(tmp_path))
    standby.warm(["lib"], app="app.py", learn=True)
    waiting, serving = standby.copy(), standby.copy()
    serving.serve(app="app.py", learn=True)
    standby.copies.clear()
    standby.close()
    assert serving.get().json() == 1
    for copy in (waiting, serving):
        copy.hang_up()
        copy.wait(5)
        copy.close()


NOT_THE_SAME = {
    "sets the environment first": (
        "import os\nos.environ['COLOUR'] = 'red'\nimport lib\ndef seen(): return 1\n"
    ),
    "sets filters first": "import warnings\nwarnings.simplefilter('error')\nimport lib\n",
    "changes sys.path first": "import sys\nsys.path.insert(0, 'vendor')\nimport lib\n",
    "patches the standard library first": "import time\ntime.sleep = print\nimport lib\n",
    "patches any module first": "import json\njson.dumps = print\nimport lib\n",
    "starts a thread first": (
        "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "import lib\n"
    ),
    "sets the environment and may import it later": "import os\nos.environ['COLOUR'] = 'red'\n",
}


@pytest.mark.parametrize("app", NOT_THE_SAME.values(), ids=NOT_THE_SAME.keys())
def test_an_app_that_wants_to_come_first_now(start: Start, tmp_path: Path, app: str) -> None:
    """What was learnt from the version before it is wrong for this one: it must not be served."""
    case = Case(app + "def seen(): return 1\n", "value = 1\n", False)
    lay_out(tmp_path, case)
    standby = start(env=surroundings(tmp_path))
    standby.warm(["lib"], app="app.py", learn=True)
    standby.load(app="app.py", learn=True)
    standby.expect(m.Spoilt)
    standby.wait()
    assert not standby.of(m.Ask)


def test_a_file_of_the_projects_has_taken_a_librarys_name(start: Start, tmp_path: Path) -> None:
    lay_out(tmp_path, CASES["plain"])
    standby = start(env=surroundings(tmp_path))
    standby.warm(["lib"], app="app.py", learn=True)
    write(tmp_path, {"lib.py": "value = 'of the project'\n"})
    standby.load(app="app.py", learn=True)
    standby.expect(m.Spoilt)


def test_an_app_that_imports_less_now(start: Start, tmp_path: Path) -> None:
    """The library stays out of sight, and the server hears that it was for nothing."""
    code = "import sys\ndef seen(): return 'lib' in sys.modules\n"
    lay_out(tmp_path, Case(code, "value = 1\n", False))
    standby = start(env=surroundings(tmp_path))
    standby.warm(["lib"], app="app.py", learn=True)
    standby.serve(app="app.py", learn=True)
    assert standby.get().json() is False
    assert learnt(standby).unused


def test_an_app_that_imports_it_in_a_request_now(start: Start, tmp_path: Path) -> None:
    code = "def seen():\n    import lib\n    return lib.value\n"
    lay_out(tmp_path, Case(code, "value = 1\n", False))
    standby = start(env=surroundings(tmp_path))
    standby.warm(["lib"], app="app.py", learn=True)
    standby.serve(app="app.py", learn=True)
    assert standby.get().json() == 1


UNFIT = {
    "prints": "print('hello')\n",
    "fails": "raise ValueError('no')\n",
    "exits": "raise SystemExit\n",
    "is not there": None,
    "starts a thread": (
        "import threading\nthreading.Thread(target=threading.Event().wait).start()\n"
    ),
}


@pytest.mark.parametrize("library", UNFIT.values(), ids=UNFIT.keys())
def test_a_library_that_is_unfit(start: Start, tmp_path: Path, library: str | None) -> None:
    """The standby names it and ends; without it another one can be made."""
    lay_out(tmp_path, Case("def seen(): return 1\n", library or "", False))
    if library is None:
        (tmp_path / "lib" / "site-packages" / "lib.py").unlink()
    standby = start(env=surroundings(tmp_path))
    unfit = standby.warm(["lib"], app="app.py", learn=True)
    assert isinstance(unfit, m.Unfit) and unfit.root == "lib" and unfit.why
    standby.wait()
    assert standby.stdout == standby.stderr == ""


def test_it_tells_what_it_was_made_of(start: Start, tmp_path: Path) -> None:
    case = Case(
        "import lib\ndef seen(): return lib.value\n",
        "value = open('data.txt').read()\n",
        True,
        {"data.txt": "x", ".env": "A=1\n"},
    )
    lay_out(tmp_path, case)
    standby = start(env=surroundings(tmp_path))
    warmed = standby.warm(["lib"], app="app.py", learn=True)
    assert isinstance(warmed, m.Warmed)
    made_of = {file.path: file for file in warmed.inputs}
    packages = tmp_path / "lib" / "site-packages"
    for path in (tmp_path / "data.txt", tmp_path / ".env", packages / "lib.py", packages):
        assert made_of[str(path)].mtime_ns == path.stat().st_mtime_ns
    assert str(tmp_path / "app.py") not in made_of
    # The start that comes of it tells them as its own.
    standby.serve(app="app.py", learn=True)
    assert {file.file.path for file in standby.of(m.Read)} >= {
        str(tmp_path / name) for name in ("data.txt", ".env", "app.py")
    }


def test_orders_that_come_while_it_imports(start: Start, tmp_path: Path) -> None:
    """It goes on from where it is."""
    fifo = tmp_path / "gate"
    os.mkfifo(fifo)
    slow = (
        f"import os\ngate = os.open({str(fifo)!r}, os.O_RDONLY)\n"
        "os.read(gate, 1)\nos.close(gate)\nvalue = 1\n"
    )
    code = "import lib, other\ndef seen(): return lib.value + other.value\n"
    lay_out(tmp_path, Case(code, slow, True, {"lib/site-packages/other.py": "value = 1\n"}))
    standby = start(env=surroundings(tmp_path))
    standby.boot()
    order = m.Load(1, str(tmp_path), app="app.py", learn=True, secret="s")
    standby.send(m.Warm(order, ["lib", "other"]))
    with open(fifo, "w") as file:  # opens once the library is being imported
        standby.send(order)
        file.write("x")
    standby.grant()
    assert standby.get().json() == 2
    assert not standby.of(m.Warmed)


@NEEDS_FORK
def test_copies_draw_numbers_of_their_own(start: Start, tmp_path: Path) -> None:
    case = Case("import lib\ndef seen(): return lib.draw()\n",
                "import random\ndef draw(): return random.random()\n", True)  # fmt: skip
    lay_out(tmp_path, case)
    standby = start(env=surroundings(tmp_path))
    warmed = standby.warm(["lib"], app="app.py", learn=True)
    assert isinstance(warmed, m.Warmed) and warmed.forks
    drawn = set()
    for _ in range(3):
        copy = standby.copy()
        copy.serve(app="app.py", learn=True)
        drawn.add(json.dumps(copy.get().json()))
        copy.close()
    assert len(drawn) == 3


def test_what_can_not_be_copied_serves_itself(start: Start, tmp_path: Path) -> None:
    """Such as a generator of random numbers whose seed is not ours to change."""
    library = "import random\nmine = random.Random()\n"
    lay_out(tmp_path, Case("import lib\ndef seen(): return 1\n", library, True))
    standby = start(env=surroundings(tmp_path))
    warmed = standby.warm(["lib"], app="app.py", learn=True)
    assert isinstance(warmed, m.Warmed) and not warmed.forks
    standby.serve(app="app.py", learn=True)
    assert standby.get().json() == 1


@pytest.mark.parametrize("library", ["gevent", "eventlet"])
@pytest.mark.parametrize("script", [False, True], ids=["flask run", "script"])
def test_green_threads(
    start: Start, extras: str, tmp_path: Path, library: str, script: bool
) -> None:
    """Nothing that they patch is imported before them, where a cold start does not."""
    patch = {
        "gevent": "from gevent import monkey\nmonkey.patch_all()\n",
        "eventlet": "import eventlet\neventlet.monkey_patch()\n",
    }[library]
    code = patch + "import lib\ndef seen(): return lib.found\n"
    if script:
        code += SERVE + "if __name__ == '__main__':\n    app.run(port=0)\n"
    found = (
        "import socket, ssl, sys, threading, time\n"
        "found = [socket.socket.__module__, time.sleep.__module__, threading.Thread.__module__,\n"
        "         sorted(name for name in sys.modules if name.startswith('flask'))]\n"
    )
    case = Case(code, found, False, script=script)
    lay_out(tmp_path, case)
    env = surroundings(tmp_path)
    cold = start(extras, env=env)
    cold.serve(**orders(case))
    page = cold.get().json()
    roots = learnt(cold).roots
    assert "lib" not in roots
    warm = start(extras, env=env)
    assert isinstance(warm.warm(roots, **orders(case)), m.Warmed), warm.told()
    warm.serve(**orders(case))
    assert warm.get().json() == page
    assert "MonkeyPatchWarning" not in warm.stderr or "MonkeyPatchWarning" in cold.stderr


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="no scheduling policies here")
def test_it_imports_in_second_place(start: Start, tmp_path: Path) -> None:
    """And what comes of it serves like any other process."""
    code = "import os, lib\ndef seen(): return [lib.policy, os.sched_getscheduler(0)]\n"
    library = "import os\npolicy = os.sched_getscheduler(0)\n"
    lay_out(tmp_path, Case(code, library, True))
    standby = start(env=surroundings(tmp_path))
    assert isinstance(standby.warm(["lib"], app="app.py", learn=True), m.Warmed)
    standby.serve(app="app.py", learn=True)
    assert standby.get().json() == [os.SCHED_BATCH, os.SCHED_OTHER]


def test_a_package_in_editable_install_is_the_projects_own(start: Start, tmp_path: Path) -> None:
    """Its folder is on the path by a file in site-packages, as pip and uv leave it there."""
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    flask = Path(importlib.util.find_spec("flask").origin).parent.parent  # type: ignore
    packages = venv / "lib" / flask.parent.name / "site-packages"
    (packages / "flask.pth").write_text(f"{flask}\n")
    (packages / "__editable__.own-1.0.pth").write_text(f"{tmp_path / 'elsewhere' / 'src'}\n")
    code = "import own, lib\ndef seen(): return own.value\n"
    lay_out(tmp_path, Case(code, "", True, {"elsewhere/src/own/__init__.py": "value = 7\n"}))
    cold = start(str(venv / "bin" / "python"), env=surroundings(tmp_path))
    cold.serve(app="app.py", learn=True)
    assert cold.get().json() == 7
    assert "lib" in learnt(cold).roots
    assert "own" not in learnt(cold).roots


def test_off_is_off(start: Start, tmp_path: Path) -> None:
    """Nothing looks at imports, and nothing is learnt."""
    code = "import sys\ndef seen(): return [type(f).__module__ for f in sys.meta_path]\n"
    lay_out(tmp_path, Case(code, "", False))
    agent = start(env=surroundings(tmp_path))
    agent.serve(app="app.py")
    assert "hotplate_agent.ahead" not in agent.get().json()
    assert not agent.of(m.Learnt)


def test_a_patch_that_is_seen_late(start: Start, tmp_path: Path) -> None:
    """By a function that holds the module itself: the server is told soon after."""
    app = (
        "def patch():\n    import textwrap\n    textwrap.dedent = lambda value: 'patched'\n"
        "patch()\nimport lib\ndef seen(): return lib.text\n"
    )
    lay_out(tmp_path, Case(app, "from textwrap import dedent\ntext = dedent('1')\n", False))
    standby = start(env=surroundings(tmp_path))
    standby.warm(["textwrap", "lib"], app="app.py", learn=True)
    standby.serve(app="app.py", learn=True)
    standby.expect(m.Spoilt)
    assert standby.process.poll() is None  # the server will have it drain


def test_typing_extensions_is_no_patch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever imports it, and whenever: it teaches helpers of `typing` more, and breaks none."""
    import textwrap
    import types

    originals = Originals()
    originals.note(["textwrap"])
    by = types.FunctionType((lambda text: text).__code__, {"__name__": "typing_extensions"})
    monkeypatch.setattr(textwrap, "dedent", by)
    assert originals.patched() == []
    monkeypatch.setattr(textwrap, "dedent", lambda text: text)
    assert originals.patched() == ["textwrap"]


def test_with_every_flask(start: Start, pair: str, tmp_path: Path) -> None:
    """What a cold start has taught serves a second one, as a copy and by itself."""
    lay_out(tmp_path, CASES["plain"])
    env = surroundings(tmp_path)
    cold = start(pair, env=env)
    cold.serve(app="app.py", learn=True)
    roots = learnt(cold).roots
    assert "lib" in roots
    cold.close()
    standby = start(pair, env=env)
    warmed = standby.warm(roots, app="app.py", learn=True)
    assert isinstance(warmed, m.Warmed), standby.told()
    servers = [standby]
    if sys.platform == "linux":
        assert warmed.forks
        servers.insert(0, standby.copy())
    for server in servers:
        server.serve(app="app.py", learn=True)
        assert server.get().json() == 1
        assert not learnt(server).unused
        assert "Warning" not in server.stderr.replace("WARNING: This is a", "")


def test_the_first_request_is_rehearsed(start: Start, tmp_path: Path) -> None:
    """What is done once is done; nothing that an app could set up first has been set up."""
    code = (
        "import logging, sys\nimport jinja2.lexer\n"
        "found = [len(jinja2.lexer._lexer_cache), logging.root.handlers,\n"
        "         [n for n in logging.root.manager.loggerDict if 'zeug' in n or 'flask' in n],\n"
        "         'encodings.idna' in sys.modules, 'hotplate_rehearsal' in sys.modules]\n"
        "def seen(): return found\n"
    )
    lay_out(tmp_path, Case(code, "", False))
    cold = start(env=surroundings(tmp_path))
    cold.serve(app="app.py", learn=True)
    assert cold.get().json() == [0, [], [], False, False]
    standby = start(env=surroundings(tmp_path))
    warmed = standby.warm(learnt(cold).roots, app="app.py", learn=True)
    assert isinstance(warmed, m.Warmed)
    standby.serve(app="app.py", learn=True)
    assert standby.get().json() == [1, [], [], False, False]
    assert standby.stderr.count("\n") == cold.stderr.count("\n") == 1


@NEEDS_FORK
def test_a_child_of_the_apps_imports_what_came_ahead(start: Start, tmp_path: Path) -> None:
    """A copy of a copy: nobody could start it anew, and it must not end itself."""
    app = """
        import multiprocessing, os
        from flask import Flask

        def work():
            import lib
            with open("done", "w") as file:
                file.write(str(lib.value))

        worker = multiprocessing.get_context("fork").Process(target=work)
        worker.start()
        worker.join()
        import lib
        app = Flask(__name__)
        app.add_url_rule("/", "index", lambda: str(os.path.exists("done")))
        """
    write(tmp_path, {"lib/site-packages/lib.py": "value = 1\n", "app.py": app})
    env = surroundings(tmp_path)
    cold = start(env=env)
    cold.serve(app="app.py", learn=True)
    roots = learnt(cold).roots
    cold.close()
    (tmp_path / "done").unlink()
    standby = start(env=env)
    standby.warm(roots, app="app.py", learn=True)
    copy = standby.copy()
    copy.serve(app="app.py", learn=True)
    assert copy.get().text == "True"
