"""Each way to name an app, each source of an option, each kind of script."""

from __future__ import annotations

import os
import select
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from agent.conftest import Start
from agent.driver import WAIT, Agent, answer, ask, connect, get, listen, write
from hotplate_agent import messages as m

COUNTED = """
from flask import Flask

with open("count", "a") as file:
    file.write("x")
"""
APP = (
    COUNTED
    + """
app = Flask(__name__)
app.add_url_rule("/", "index", lambda: "app of " + __name__)
app.add_url_rule("/debug", "debug", lambda: str(app.debug))
"""
)
FACTORY = (
    COUNTED
    + """
def create_app(name="nobody"):
    app = Flask(__name__)
    app.add_url_rule("/", "index", lambda: "made for " + name)
    return app

def make(name, *, loud=False):
    return create_app(name.upper() if loud else name)
"""
)

FORMS: dict[str, tuple[str | None, dict[str, str], str]] = {
    "module": ("shop", {"shop.py": APP}, "app of shop"),
    "dotted": ("pkg.shop", {"pkg/__init__.py": "", "pkg/shop.py": APP}, "app of pkg.shop"),
    "path": ("deep/er/shop.py", {"deep/er/shop.py": APP}, "app of shop"),
    "path in a package": (
        "src/pkg/shop.py", {"src/pkg/__init__.py": "", "src/pkg/shop.py": APP}, "app of pkg.shop"
    ),
    "name": ("shop:other", {"shop.py": APP + "other = app\ndel app\n"}, "app of shop"),
    "factory": ("shop", {"shop.py": FACTORY}, "made for nobody"),
    "named factory": ("shop:create_app", {"shop.py": FACTORY}, "made for nobody"),
    "arguments": ('shop:make("ann", loud=True)', {"shop.py": FACTORY}, "made for ANN"),
    "package": ("pkg", {"pkg/__init__.py": APP}, "app of pkg"),
    "none, wsgi.py": (None, {"wsgi.py": APP, "app.py": "1 / 0"}, "app of wsgi"),
    "none, app.py": (None, {"app.py": APP}, "app of app"),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_flask_forms(start: Start, tmp_path: Path, form: str) -> None:
    app, files, expected = FORMS[form]
    write(tmp_path, files)
    agent = start()
    agent.serve(app=app)
    assert agent.get().text == expected
    assert (tmp_path / "count").read_text() == "x"


def test_flask_app_of_the_environment(start: Start, tmp_path: Path, end: str) -> None:
    write(tmp_path, {"shop.py": FACTORY, "app.py": "1 / 0\n", ".flaskenv": "FLASK_APP=shop\n"})
    agent = start(end)
    agent.serve()
    assert agent.get().text == "made for nobody"
    agent = start(end)
    agent.serve(app='shop:create_app("ann")')  # the person's setting wins
    assert agent.get().text == "made for ann"


ENV = (
    COUNTED
    + """
import os
app = Flask(__name__)
early = {name: os.environ.get(name) for name in ("A", "B", "C", "D", "FLASK_DEBUG")}
app.add_url_rule("/", "index", lambda: {"early": early, "debug": app.debug})
"""
)


def test_dotenv_files_in_their_order(start: Start, tmp_path: Path, pair: str) -> None:
    write(
        tmp_path,
        {
            "app.py": ENV,
            "given.env": "A=given\n",
            ".env": "A=dotenv\nB=dotenv\nFLASK_DEBUG=0\n",
            ".flaskenv": "A=flaskenv\nB=flaskenv\nC=flaskenv\nD=flaskenv\nFLASK_RUN_PORT=5432\n",
        },
    )
    agent = start(pair, env={"D": "process"})
    asked = agent.serve(env_file="given.env")
    assert asked.port == 5432
    # `--env-file` came with Flask 2.2, as the weakest; Flask 3.1 made it the strongest.
    weakest = any(f"flask{release}" in pair for release in ("2.2", "2.3", "3.0"))
    assert agent.get().json() == {
        "early": {
            "A": "dotenv" if weakest else "given",
            "B": "dotenv",
            "C": "flaskenv",
            "D": "process",
            "FLASK_DEBUG": "0",
        },
        "debug": False,
    }


@pytest.mark.parametrize(
    ("env", "load", "debug"),
    [
        ({}, {}, True),
        ({"FLASK_DEBUG": "0"}, {}, False),
        ({"FLASK_DEBUG": "1"}, {"debug": False}, False),
        ({"FLASK_DEBUG": "0"}, {"debug": True}, True),
    ],
)
def test_debug(start: Start, tmp_path: Path, env: Any, load: dict[str, Any], debug: bool) -> None:
    write(tmp_path, {"app.py": ENV})
    agent = start(env=env)
    agent.serve(**load)
    got = agent.get().json()
    assert got["debug"] is debug
    assert got["early"]["FLASK_DEBUG"] == ("1" if debug else "0")


def test_an_old_way_to_say_debug(start: Start, tmp_path: Path, pair: str) -> None:
    """FLASK_ENV decides where Flask heeds it (before 2.3), and changes nothing where not."""
    write(tmp_path, {"app.py": ENV})
    agent = start(pair, env={"FLASK_ENV": "production"})
    agent.serve()
    assert agent.get().json()["debug"] is not any(
        old in pair for old in ("k1.1", "k2.0", "k2.1", "k2.2")
    )


@pytest.mark.parametrize(
    ("env", "load", "address"),
    [
        ({}, {}, ("127.0.0.1", 5000)),
        ({"FLASK_RUN_PORT": "8123", "FLASK_RUN_HOST": "localhost"}, {}, ("localhost", 8123)),
        ({"FLASK_RUN_PORT": "8123"}, {"port": 9000, "host": "0.0.0.0"}, ("0.0.0.0", 9000)),
        ({}, {"port": 0}, ("127.0.0.1", 0)),
    ],
)
def test_address(
    start: Start, tmp_path: Path, env: Any, load: dict[str, Any], address: tuple[str, int]
) -> None:
    write(tmp_path, {"app.py": APP})
    agent = start(env=env)
    asked = agent.serve(**load)
    assert (asked.host, asked.port) == address
    assert agent.get().status == 200


def test_not_threaded(start: Start, tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "app.py": COUNTED
            + """
import threading
app = Flask(__name__)
app.add_url_rule("/", "index", lambda: threading.current_thread().name)
"""
        },
    )
    for threaded, main in ((False, True), (True, False), (None, False)):
        agent = start()
        agent.serve(threaded=threaded)
        assert (agent.get().text == "MainThread") is main


def test_extra_files_of_flask_run(start: Start, tmp_path: Path) -> None:
    write(tmp_path, {"app.py": APP})
    agent = start(
        env={"FLASK_RUN_EXTRA_FILES": "a.toml:/b.toml", "FLASK_RUN_EXCLUDE_PATTERNS": "*.x"}
    )
    agent.serve()
    (accepting,) = agent.of(m.Accepting)
    assert accepting.extra_files == [str(tmp_path / "a.toml"), "/b.toml"]
    assert accepting.exclude_patterns == ["*.x"]


def certificate(python: str, folder: Path) -> tuple[str, str]:
    """A certificate and its key, made with what there is."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    if shutil.which("openssl"):
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        command += ["-subj", "/CN=localhost", "-keyout", str(key), "-out", str(cert)]
    else:
        command = [
            python,
            "-c",
            f"from werkzeug.serving import *; make_ssl_devcert({str(folder / 'x')!r})",
        ]
        cert, key = folder / "x.crt", folder / "x.key"
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return str(cert), str(key)


@pytest.mark.parametrize("kind", ["adhoc", "files", "environment"])
def test_tls(start: Start, tmp_path: Path, extras: str, kind: str) -> None:
    write(tmp_path, {"app.py": APP})
    cert, key = certificate(extras, tmp_path)
    env: dict[str, str | None] = {}
    load: dict[str, Any] = {"cert": "adhoc"}
    if kind == "files":
        load = {"cert": cert, "key": key}
    elif kind == "environment":
        load, env = {}, {"FLASK_RUN_CERT": cert, "FLASK_RUN_KEY": key}
    agent = start(extras, env=env)
    asked = agent.serve(**load)
    assert asked.tls
    with connect(agent.port) as slow:  # a client that is slow to shake hands holds up nobody
        slow.sendall(b"\x16")
        assert agent.get(tls=True).text == "app of app"
    agent.drain()
    agent.wait()

    agent = start(extras, env=env)
    write(tmp_path, {"app.py": "1 / 0\n"})
    agent.fail(**load)  # the page of a failed start stands where the app stood
    assert agent.of(m.Ask)[0].tls
    page = agent.get(tls=True)
    assert page.status == 500
    assert "ZeroDivisionError" in page.text


def test_a_certificate_that_is_not_there(start: Start, tmp_path: Path, extras: str) -> None:
    write(tmp_path, {"app.py": APP})
    agent = start(extras)
    agent.load(cert="none.pem", key="none.key")
    failed = agent.expect(m.Failed)
    assert "none.pem" in failed.report.message
    if failed.serving:
        agent.expect(m.Ask)
        with listen() as listener:
            agent.send(m.Grant("127.0.0.1", 1), listener.fileno())
            assert agent.wait() == 1
    assert "Traceback" not in agent.stderr.replace(failed.report.text, "")


def test_refused(start: Start, tmp_path: Path) -> None:
    write(tmp_path, {"app.py": APP})
    agent = start()
    agent.load()
    agent.expect(m.Ask)
    agent.send(m.Refuse("taken"))
    assert agent.wait() == 1
    agent.hear_all()
    assert agent.of(m.Failed) == []
    assert "Traceback" not in agent.stderr


# ---------------------------------------------------------------- scripts

ROUTES = (
    COUNTED
    + """
import os, sys
app = Flask(__name__)
app.add_url_rule("/", "index", lambda: "script")
"""
)

SCRIPTS = {
    "plain": (ROUTES + "app.run()", ("127.0.0.1", 5000)),
    "guarded": (ROUTES + "if __name__ == '__main__': app.run(port=4999)", ("127.0.0.1", 4999)),
    "debug": (ROUTES + "app.run('0.0.0.0', 5003, debug=True)", ("0.0.0.0", 5003)),
    "arguments": (ROUTES + "app.run(port=int(sys.argv[1]))", ("127.0.0.1", 6001)),
    "run_simple": (
        ROUTES + "from werkzeug.serving import run_simple\n"
        "run_simple('localhost', 4000, app, use_reloader=True, use_debugger=True)",
        ("localhost", 4000),
    ),
    "exported run_simple": (
        ROUTES + "from werkzeug import run_simple\nrun_simple('localhost', 4000, app)",
        ("localhost", 4000),
    ),
    "guard of the reloader": (
        ROUTES + "assert os.environ.get('WERKZEUG_RUN_MAIN') == 'true'\napp.run(debug=True)",
        ("127.0.0.1", 5000),
    ),
    "group": (
        COUNTED
        + """
import sys
from flask.cli import FlaskGroup

def create_app():
    app = Flask(__name__)
    app.add_url_rule("/", "index", lambda: "script")
    return app

sys.argv[1:] = ["run", "--port", "5600"]
FlaskGroup(create_app=create_app)()
""",
        ("127.0.0.1", 5600),
    ),
    "server name": (
        ROUTES + "app.config['SERVER_NAME'] = 'localhost:7123'\napp.run(debug=True)",
        ("localhost", 7123),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", SCRIPTS)
def test_scripts(start: Start, tmp_path: Path, kind: str) -> None:
    text, address = SCRIPTS[kind]
    write(tmp_path, {"main.py": text})
    agent = start()
    asked = agent.serve(script="main.py", args=["6001"])
    assert (asked.host, asked.port) == address
    host = "localhost:7123" if kind == "server name" else "127.0.0.1"
    assert agent.get(headers={"Host": host}).text == "script"
    assert (tmp_path / "count").read_text() == "x"
    agent.drain()
    assert agent.wait() == 0, agent.told()


def test_a_module(start: Start, tmp_path: Path) -> None:
    text = ROUTES + "app.run(port=int(sys.argv[1]), debug=True)"
    write(tmp_path, {"pkg/__init__.py": "", "pkg/__main__.py": text})
    agent = start()
    asked = agent.serve(module="pkg", args=["6002"])
    assert (asked.host, asked.port) == ("127.0.0.1", 6002)
    assert agent.get().text == "script"
    assert (tmp_path / "count").read_text() == "x"


def test_two_apps_in_one_script(start: Start, tmp_path: Path, end: str) -> None:
    """The first is ours to hold; the second binds its own port, as it would without us."""
    with listen() as held:
        other = held.getsockname()[1]
    write(
        tmp_path,
        {
            "main.py": f"""
            import threading
            from flask import Flask

            one, two = Flask("one"), Flask("two")
            one.add_url_rule("/", "index", lambda: "one")
            two.add_url_rule("/", "index", lambda: "two")
            first = threading.Thread(target=one.run, kwargs={{"use_reloader": False}}, daemon=True)
            first.start()
            open("gate").read()
            two.run(port={other}, use_reloader=False)
            """
        },
    )
    os.mkfifo(tmp_path / "gate")
    agent = start(end)
    agent.serve(script="main.py")
    (tmp_path / "gate").write_text("")
    agent.expect(m.AskAlone)  # a generation before might hold that port
    agent.send(m.NowAlone())
    deadline = time.monotonic() + WAIT
    while True:
        try:
            assert get(other).text == "two"
            break
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, agent.told()
    assert {agent.get().text for _ in range(20)} == {"one"}


def test_an_address_of_version_six(start: Start, tmp_path: Path, end: str) -> None:
    write(tmp_path, {"app.py": APP})
    try:
        listener = listen("::1")
    except OSError:
        pytest.skip("no IPv6 on this machine")
    agent = start(end)
    asked = agent.serve(listener, host="::1")
    assert asked.host == "::1"
    assert agent.of(m.Pin)[0].pin  # it is a loopback address
    with socket.create_connection(("::1", agent.port), WAIT) as sock:
        ask(sock)
        assert answer(sock).text == "app of app"


def test_the_persons_address_wins(start: Start, tmp_path: Path) -> None:
    """The server may grant another address than a script has asked for."""
    write(tmp_path, {"main.py": ROUTES + "app.run(host='0.0.0.0', port=80)"})
    agent = start()
    agent.load(script="main.py")
    asked = agent.grant(host="127.0.0.1")
    assert (asked.host, asked.port) == ("0.0.0.0", 80)
    assert agent.get().text == "script"
    assert "127.0.0.1 - - " in agent.stderr


def test_what_the_reloader_was_told(start: Start, tmp_path: Path) -> None:
    options = "extra_files=['a.txt', '/b.txt'], exclude_patterns=['*/x/*'], reloader_type='stat'"
    write(tmp_path, {"main.py": ROUTES + f"app.run(debug=True, {options})"})
    agent = start()
    agent.serve(script="main.py")
    (accepting,) = agent.of(m.Accepting)
    assert accepting.extra_files == [str(tmp_path / "a.txt"), "/b.txt"]
    assert accepting.exclude_patterns == ["*/x/*"]


def test_a_script_that_serves_nothing(start: Start, tmp_path: Path) -> None:
    write(tmp_path, {"main.py": "print('done')\n"})
    agent = start()
    failed = agent.fail(script="main.py")
    assert (failed.kind, failed.report.type) == ("idle", "NothingServed")
    assert failed.report.frames[0].file == str(tmp_path / "main.py")
    page = agent.get()
    assert page.status == 500
    assert "main.py ended without serving" in page.text
    agent.hear_what_came()
    assert agent.of(m.Raised) == []


def test_a_script_with_gevent(start: Start, tmp_path: Path, extras: str) -> None:
    write(
        tmp_path,
        {
            "main.py": """
            import sys
            early = "ssl" in sys.modules
            import warnings
            warnings.simplefilter("error")
            from gevent import monkey
            monkey.patch_all()
            warnings.simplefilter("default")
            import gevent, threading, time
            from flask import Flask

            app = Flask(__name__)
            ticks = []

            def tick():
                while True:
                    ticks.append(1)
                    gevent.sleep(0.001)

            gevent.spawn(tick)

            @app.route("/")
            def index():
                before = len(ticks)
                time.sleep(0.05)
                return {"early": early, "ran meanwhile": len(ticks) > before}

            @app.route("/boom")
            def boom():
                1 / 0

            app.run(debug=True)
            """
        },
    )
    agent = start(extras)
    agent.serve(script="main.py")
    assert agent.get().json() == {"early": False, "ran meanwhile": True}
    assert agent.get("/boom").status == 500
    assert agent.expect(m.Raised).report.type == "ZeroDivisionError"
    with connect(agent.port):
        assert agent.get().status == 200
        agent.drain()
    assert agent.wait(5) == 0, agent.told()
    assert len(agent.of(m.Handover)) == 1


def test_a_slow_view_under_gevent_is_answered_after_the_order(
    start: Start, tmp_path: Path, extras: str
) -> None:
    write(
        tmp_path,
        {
            "main.py": """
            from gevent import monkey
            monkey.patch_all()
            import time
            from flask import Flask

            app = Flask(__name__)

            def view():
                print("in", flush=True)
                time.sleep(0.3)
                return "whole"

            app.add_url_rule("/", "index", view)
            app.run(debug=True)
            """
        },
    )
    agent = start(extras)
    agent.serve(script="main.py")
    with connect(agent.port) as sock:
        ask(sock)
        wait_for_output(agent, "in")
        agent.drain()
        assert answer(sock).text == "whole"
    assert agent.wait() == 0


def wait_for_output(agent: Agent, text: str) -> None:
    while text not in agent.stdout:
        assert agent.process.poll() is None, agent.told()
        select.select([], [], [], 0.005)


def test_what_is_lazy_is_not_loaded(start: Start, tmp_path: Path) -> None:
    """A library's object may stand for a module that is imported when somebody looks at it."""
    write(
        tmp_path,
        {
            "site-packages/lazy.py": """
            class Lazy:
                @property
                def __class__(self):
                    print("loaded", flush=True)
                    raise ImportError

            thing = Lazy()
            word = "one"
            """,
            "app.py": """
            import lazy
            from flask import Flask

            lazy.word = "two"
            app = Flask(__name__)
            """,
        },
    )
    agent = start(env={"PYTHONPATH": str(tmp_path / "site-packages")})
    agent.serve(learn=True)
    agent.expect(m.Loaded)
    assert "loaded" not in agent.stdout


def test_a_script_with_an_executor_that_serves_nothing(start: Start, tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "main.py": """
        from concurrent.futures import ThreadPoolExecutor

        print(ThreadPoolExecutor().submit(pow, 2, 3).result())
        """
        },
    )
    agent = start()
    agent.load(script="main.py")
    assert agent.expect(m.Failed).kind == "idle"


def test_tls_with_one_file(start: Start, tmp_path: Path, extras: str) -> None:
    """It may hold both the certificate and its key."""
    cert, key = certificate(extras, tmp_path)
    both = Path(cert).read_text() + Path(key).read_text()
    main = ROUTES + 'app.run(ssl_context=("both.pem", None))\n'
    write(tmp_path, {"both.pem": both, "main.py": main})
    agent = start(extras)
    agent.serve(script="main.py")
    assert agent.get(tls=True).status == 200


def test_extra_files_under_a_command_named_run(start: Start, tmp_path: Path, end: str) -> None:
    """Of the app's own: it is not Flask's, which takes them itself."""
    write(
        tmp_path,
        {
            "x.txt": "",
            "manage.py": """
        import click
        from flask import Flask

        app = Flask(__name__)

        @click.group()
        def cli():
            pass

        @cli.command()
        @click.option("--port", default=5000)
        def run(port):
            app.run(debug=True, port=port, extra_files=["x.txt"])

        cli()
        """,
        },
    )
    agent = start(end)
    agent.serve(script="manage.py", args=["run"])
    assert agent.of(m.Accepting)[0].extra_files == [str(tmp_path / "x.txt")]
