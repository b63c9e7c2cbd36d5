"""What the app can see of how it was started, compared with `flask run` and with Python itself."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agent.conftest import Start
from agent.driver import WAIT, environment, listen, write
from hotplate_agent import messages as m

LOOK = """
import json, os, signal, sys, threading

def look():
    import __main__
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
    main = {
        name: repr(getattr(__main__, name, "missing")).split(" object at ")[0]
        for name in ("__name__", "__file__", "__doc__", "__package__", "__loader__",
                     "__cached__", "__annotations__")
    }
    main["spec"] = getattr(__main__.__spec__, "name", None)
    main["builtins"] = type(__main__.__builtins__).__name__
    return {
        "argv": sys.argv,
        "orig_argv": getattr(sys, "orig_argv", [""])[1:],
        "path": sys.path,
        **main,
        "cwd": os.getcwd(),
        "environ": dict(os.environ),
        "threads": [repr(thread).split(",")[0] for thread in threading.enumerate()],
        "main thread": threading.current_thread() is threading.main_thread(),
        "ours": sorted(name for name, module in sys.modules.items()
                       if name == "__main__" and "hotplate" in repr(module)),
        "hooks": [sys.excepthook is sys.__excepthook__, sys.displayhook is sys.__displayhook__],
        "signals": [str(signal.getsignal(number)) for number in (2, 15, 17)],
        "flags": repr(sys.flags),
        "stdin": [sys.stdin.read(), sys.stdin.isatty()],
        "recursion": sys.getrecursionlimit(),
        "importers": [getattr(finder, "__name__", type(finder).__name__) for finder in sys.meta_path
                      if type(finder).__name__ != "AfterImport"],
    }

with open(os.environ["SEEN"], "w") as file:
    json.dump(look(), file)
"""

ALLOWED = {"WERKZEUG_RUN_MAIN", "WERKZEUG_SERVER_FD", "SEEN", "_"}


def compare(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    for seen in (ours, theirs):
        seen["environ"] = {
            name: value for name, value in seen["environ"].items() if name not in ALLOWED
        }
    assert {name: ours[name] for name in ours if ours[name] != theirs[name]} == {
        name: theirs[name] for name in ours if ours[name] != theirs[name]
    }


def see(folder: Path, command: list[str], env: dict[str, str]) -> dict[str, Any]:
    """What an app sees that is started by hand; it may go on to serve, and is ended then."""
    seen = folder / "seen-theirs"
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**env, "SEEN": str(seen)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + WAIT
        while True:
            try:
                return json.loads(seen.read_text())  # type: ignore[no-any-return]
            except (FileNotFoundError, ValueError):
                assert process.poll() in (None, 0), process.communicate()[1].decode()
                assert time.monotonic() < deadline
                select.select([], [], [], 0.01)
    finally:
        process.kill()
        process.communicate()


def free_port() -> str:
    with listen() as held:
        return str(held.getsockname()[1])


def test_booted_tells_who_it_is(start: Start) -> None:
    agent = start()
    booted = agent.expect(m.Booted)
    assert booted.pid == agent.process.pid
    assert booted.python == sys.version.split()[0]
    assert booted.executable == sys.executable


def test_as_under_flask_run(start: Start, tmp_path: Path, pair: str) -> None:
    write(
        tmp_path,
        {
            "shop/__init__.py": "",
            "shop/app.py": LOOK + "\nfrom flask import Flask\napp = Flask(__name__)\n",
            ".env": "FROM_DOTENV=yes\n",
        },
    )
    changes = {
        "FLASK_APP": "shop.app", "FLASK_DEBUG": "1", "FLASK_RUN_PORT": free_port(),
        "SEEN": str(tmp_path / "seen"),
    }  # fmt: skip
    agent = start(pair, env=dict(changes))
    agent.serve()
    flask = str(Path(pair).with_name("flask"))
    theirs = see(tmp_path, [flask, "run", "--no-reload"], environment(**changes))
    ours = json.loads((tmp_path / "seen").read_text())
    if "exec" in theirs["__doc__"]:  # a script that reaches a path with a space through a shell
        theirs["__doc__"] = ours["__doc__"]
        theirs["environ"]["PWD"] = ours["environ"]["PWD"]  # which the shell sets anew
    assert ours["main thread"]
    assert ours["environ"]["WERKZEUG_RUN_MAIN"] == "true"
    compare(ours, theirs)


SCRIPT = (
    LOOK
    + """
if __name__ == "__main__":
    import pickle

    class Thing:
        pass

    assert type(pickle.loads(pickle.dumps(Thing()))) is Thing
"""
)


FORMS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "script": ({"script": "main.py", "args": ["--x", "1"]}, ["main.py", "--x", "1"]),
    "folder": ({"script": "sub/main.py"}, ["sub/main.py"]),
    "package": ({"module": "pkg", "args": ["a"]}, ["-m", "pkg", "a"]),
    "module": ({"module": "pkg.inner"}, ["-m", "pkg.inner"]),
}


@pytest.mark.parametrize("form", ["folder", "package", "module"])
def test_as_python_itself(start: Start, tmp_path: Path, python: str, form: str) -> None:
    compare_as_script(start, tmp_path, python, form)


def test_as_each_python_itself(start: Start, tmp_path: Path, pair: str) -> None:
    compare_as_script(start, tmp_path, pair, "script")


def compare_as_script(start: Start, folder: Path, python: str, form: str) -> None:
    load, command = FORMS[form]
    write(
        folder,
        {
            "main.py": SCRIPT, "sub/main.py": SCRIPT, "pkg/__init__.py": "",
            "pkg/__main__.py": SCRIPT, "pkg/inner.py": SCRIPT,
        },
    )  # fmt: skip
    agent = start(python, env={"SEEN": str(folder / "seen")})
    agent.load(**load)
    failed = agent.expect(m.Failed)
    assert failed.kind == "idle", agent.told()
    compare(
        json.loads((folder / "seen").read_text()),
        see(folder, [python, *command], environment()),
    )


@pytest.mark.skipif(sys.version_info < (3, 11), reason="PYTHONSAFEPATH came with 3.11")
def test_with_a_safe_path(start: Start, tmp_path: Path, python: str) -> None:
    write(tmp_path, {"main.py": SCRIPT})
    agent = start(env={"SEEN": str(tmp_path / "seen"), "PYTHONSAFEPATH": "1"})
    agent.load(script="main.py")
    agent.expect(m.Failed)
    ours = json.loads((tmp_path / "seen").read_text())
    assert str(tmp_path) not in ours["path"]
    compare(ours, see(tmp_path, [python, "main.py"], environment(PYTHONSAFEPATH="1")))


def test_little_is_imported_before_a_script(start: Start, tmp_path: Path, pair: str) -> None:
    """gevent wants to patch before these are imported; the others are for the app to pay."""
    text = "import sys, os\nopen(os.environ['SEEN'], 'w').write(' '.join(sys.modules))\n"
    write(tmp_path, {"main.py": text})
    agent = start(pair, env={"SEEN": str(tmp_path / "seen")})
    agent.load(script="main.py")
    agent.expect(m.Failed)
    seen = set((tmp_path / "seen").read_text().split())
    unwanted = {"ssl", "flask", "werkzeug", "click", "logging", "threading", "subprocess", "queue"}
    unwanted |= {"asyncio", "traceback", "inspect", "runpy", "importlib.metadata", "http"}
    assert seen & unwanted == set()


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_multiprocessing_from_main(start: Start, tmp_path: Path, end: str, method: str) -> None:
    write(
        tmp_path,
        {
            "main.py": f"""
            import multiprocessing, sys
            from flask import Flask

            class Thing:
                value = 21

            def double(thing):
                return type(thing).__name__, thing.value * 2

            app = Flask(__name__)

            @app.route("/")
            def index():
                with multiprocessing.get_context({method!r}).Pool(2) as pool:
                    return str(pool.map(double, [Thing(), Thing()]))

            if __name__ == "__main__":
                with multiprocessing.get_context({method!r}).Pool(1) as pool:
                    print(pool.map(double, [Thing()]), flush=True)
                app.run(debug=True)
            """
        },
    )
    agent = start(end)
    agent.serve(script="main.py")
    assert "[('Thing', 42)]" in agent.stdout
    assert agent.get().text == "[('Thing', 42), ('Thing', 42)]"
    agent.drain()
    assert agent.wait() == 0


def test_nothing_is_left_open_for_children(start: Start, tmp_path: Path) -> None:
    """A program that the app starts has none of our descriptors."""
    write(
        tmp_path,
        {
            "app.py": """
            import subprocess, sys
            from flask import Flask

            app = Flask(__name__)
            LOOK = '''
            import os
            found = []
            for number in range(3, 64):
                try: os.fstat(number)
                except OSError: continue
                found.append(number)
            print(found)
            '''.replace("\\n            ", "\\n")

            def look():
                return subprocess.run([sys.executable, "-c", LOOK], close_fds=False,
                                      stdout=subprocess.PIPE, check=True).stdout

            early = look()

            @app.route("/")
            def index():
                return early + look()
            """
        },
    )
    agent = start()
    agent.serve()
    assert agent.get().text == "[]\n[]\n"
