"""Scripts that serve their app themselves, as `python app.py` and its kin do."""

from __future__ import annotations

import socket
import ssl
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from compatibility.person import Person
from compatibility.rows import case, row
from compatibility.visitors import HELD, Gate, at_once, one_at_a_time
from support.environments import EXTENSIONS, python_of
from support.session import free_port

WORDS = 'WORD = "one"\n'
APP = """\
print("begun")
import os
import sys

from flask import Flask

from words import WORD

app = Flask(__name__)


@app.get("/")
def index():
    return WORD


@app.get("/main")
def main():
    module = sys.modules["__main__"]
    same = getattr(module, "app", None) is app
    return f"{module.__name__} {os.path.basename(module.__file__)} {__name__} {same} {sys.argv}"


def serve():
    app.run(debug=True, port=int(os.environ["PORT"]))


"""
TWICE = "imported twice at the start; a save with an error in it ends the app for good"


async def live_through(person: Person) -> None:
    """See the app, edit it, break it and mend it; it was imported once a start."""
    assert await person.look() == "one"
    await person.edit("words.py", "one", "two")
    assert await person.look() == "two"
    await person.break_and_mend("words.py")
    assert await person.look() == "two"
    await person.imported_once()


@pytest.mark.parametrize(
    "call",
    [
        case(
            "Scripts", "`app.run(debug=True, port=…)`", "app.run(debug=True, port=PORT)",
            stock=TWICE,
        ),
        case(
            "Scripts", "`app.run(…, threaded=False)`",
            "app.run('localhost', PORT, debug=True, threaded=False)", stock=TWICE,
        ),
        case(
            "Scripts", "`app.run(…, use_reloader=True)`", "app.run(port=PORT, use_reloader=True)",
            stock=TWICE,
        ),
        case(
            "Scripts", "`app.run(…, use_reloader=False)`",
            "app.run(port=PORT, debug=True, use_reloader=False)",
            hotplate="restarts all the same", stock="does not reload",
        ),
        case(
            "Scripts", "`run_simple(…, use_reloader=True)`",
            "from werkzeug.serving import run_simple\\n"
            "    run_simple('127.0.0.1', PORT, app, use_reloader=True, use_debugger=True)",
            stock=TWICE,
        ),
        case(
            "Scripts", "a command of `app.cli` that serves",
            "app.cli.command(with_appcontext=False)(serve)\\n    app.cli(['serve'])",
        ),
    ],
)  # fmt: skip
async def test_a_script(
    project: Callable[..., Path], work_on: Callable[[Path], Person], call: str
) -> None:
    port = free_port()
    end = 'if __name__ == "__main__":\n    ' + call.replace("PORT", str(port)).replace("\\n", "\n")
    settings = {"script": "app.py", "port": None, "env": {"PORT": str(port)}}
    async with Gate() as gate:
        files = {"app.py": APP + gate.knock + HELD + end + "\n", "words.py": WORDS}
        person = work_on(project(files))
        url = await person.open(python_of(EXTENSIONS), **settings)
        assert url.endswith(f":{port}")
        await live_through(person)
        single = "threaded=False" in call or "run_simple" in call
        await (one_at_a_time if single else at_once)(person, gate)
    told = await person.look("/main")
    assert told.startswith("__main__ app.py __main__ True ['app.py'"), told


@row("Scripts", "`app.run(…, extra_files=[…])`", stock=TWICE)
async def test_extra_files(project: Callable[..., Path], work_on: Callable[[Path], Person]) -> None:
    end = f"app.run(port={free_port()}, debug=True, extra_files=['prices.txt'])\n"
    person = work_on(project({"app.py": APP + end, "words.py": WORDS, "prices.txt": "1"}))
    await person.open(python_of(EXTENSIONS), script="app.py", port=None)
    await person.save("prices.txt", "2")
    await live_through(person)


@row("Scripts", "`run_simple(…, extra_files=[…])`", stock=TWICE)
async def test_extra_files_of_werkzeugs_own(
    project: Callable[..., Path], work_on: Callable[[Path], Person]
) -> None:
    """A file that the app doesn't read as it starts, beside one that nobody has named."""
    end = f"""\
from werkzeug.serving import run_simple

run_simple("127.0.0.1", {free_port()}, app, use_reloader=True, extra_files=["prices.txt"])
"""
    files = {"app.py": APP + end, "words.py": WORDS, "prices.txt": "1", "notes.txt": "1"}
    person = work_on(project(files))
    await person.open(python_of(EXTENSIONS), script="app.py", port=None)
    person.session.save("notes.txt", "2")
    await person.save("prices.txt", "2")
    assert person.state["generation"] == 2
    assert person.state["files"] == [(person.folder / "prices.txt").as_uri()]
    await live_through(person)


@row("Scripts", '`app.run(…, ssl_context="adhoc")`', stock=TWICE)
async def test_adhoc_tls(project: Callable[..., Path], work_on: Callable[[Path], Person]) -> None:
    port = free_port()
    end = f'app.run(port={port}, debug=True, ssl_context="adhoc")\n'
    person = work_on(project({"app.py": APP + end, "words.py": WORDS}))
    url = await person.open(python_of(EXTENSIONS), script="app.py", port=None)
    assert url == f"https://127.0.0.1:{port}"
    anybody = ssl.create_default_context()
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE

    def look() -> str:
        with urllib.request.urlopen(url, context=anybody, timeout=20) as answer:
            return str(answer.read().decode())

    assert look() == "one"
    await person.edit("words.py", "one", "two")
    assert look() == "two"
    await person.imported_once()


@row("Scripts", "`python -m package`", stock=TWICE)
async def test_a_package(project: Callable[..., Path], work_on: Callable[[Path], Person]) -> None:
    port = free_port()
    app = APP.replace("from words", "from .words")
    main = f"from shop.app import app\n\napp.run(debug=True, port={port})\n"
    files = {"shop/__init__.py": "", "shop/app.py": app, "shop/words.py": WORDS}
    person = work_on(project({**files, "shop/__main__.py": main}, "work"))
    await person.open(python_of(EXTENSIONS), script="-m shop", port=None)
    assert await person.look() == "one"
    await person.edit("shop/words.py", "one", "two")
    assert await person.look() == "two"
    await person.break_and_mend("shop/words.py")
    assert (await person.look("/main")).startswith("__main__ __main__.py shop.app True ['")
    await person.imported_once()


@row("Scripts", "a `FlaskGroup` of the app's own: `manage.py run`")
async def test_a_flask_group(
    project: Callable[..., Path], work_on: Callable[[Path], Person]
) -> None:
    port = free_port()
    manage = """\
from flask.cli import FlaskGroup


def create_app():
    from app import app

    return app


cli = FlaskGroup(create_app=create_app)


@cli.command()
def seed():
    print("seeded")


if __name__ == "__main__":
    cli()
"""
    person = work_on(project({"manage.py": manage, "app.py": APP, "words.py": WORDS}))
    arguments = ["run", "--debug", "--port", str(port)]
    url = await person.open(python_of(EXTENSIONS), script="manage.py", args=arguments, port=None)
    assert url == f"http://127.0.0.1:{port}"
    await live_through(person)
    assert "__main__ manage.py app False ['manage.py', 'run'" in await person.look("/main")


GUARD = """\
if os.environ.get("WERKZEUG_RUN_MAIN") == "true":
    print("worker of", os.getpid())
if os.environ.get("WERKZEUG_RUN_MAIN"):
    print("truly of", os.getpid())
if os.environ.get("WERKZEUG_RUN_MAIN") != "true":
    print("watched by", os.getpid())
if not os.environ.get("WERKZEUG_RUN_MAIN"):
    print("guarded by", os.getpid())
"""


@row(
    "Scripts",
    'what is done once, under `if os.environ.get("WERKZEUG_RUN_MAIN")`',
    hotplate="done once a start, in the process that serves; what is for the reloader's own "
    'process (`!= "true"`) is not done',
)
async def test_a_guard(project: Callable[..., Path], work_on: Callable[[Path], Person]) -> None:
    end = f"app.run(debug=True, port={free_port()})\n"
    person = work_on(project({"app.py": APP + GUARD + end, "words.py": WORDS}))
    await person.open(python_of(EXTENSIONS), script="app.py", port=None)
    pids = [person.state["pid"]]
    for old, new in [("one", "two"), ("two", "six")]:
        await person.edit("words.py", old, new)
        assert await person.look() == new
        pids.append(person.state["pid"])
    await person.imported_once()
    said = [line.split() for line in person.printed().splitlines() if " of " in line]
    assert said == [[word, "of", str(pid)] for pid in pids for word in ("worker", "truly")]
    assert " by " not in person.printed()


@row("Scripts", "a script that takes the first port at which nobody answers", stock=TWICE)
async def test_looking_for_a_free_port(
    project: Callable[..., Path], work_on: Callable[[Path], Person]
) -> None:
    """It keeps the port over restarts, though the socket is held meanwhile."""
    look = """\
import socket


def is_taken(port):
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


port = PORT
while is_taken(port):
    port += 1
app.run(port=port)
"""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        first = taken.getsockname()[1]
        files = {"app.py": APP + look.replace("PORT", str(first)), "words.py": WORDS}
        person = work_on(project(files))
        url = await person.open(python_of(EXTENSIONS), script="app.py", port=None)
        assert url != f"http://127.0.0.1:{first}"
        await live_through(person)
        assert person.url == url


@row("Scripts", "`app.run(…, processes=3)`", stock=TWICE)
async def test_a_process_for_each_request(
    project: Callable[..., Path], work_on: Callable[[Path], Person]
) -> None:
    """What one of them raises is a problem in the editor, and goes when another does well."""
    view = """\
@app.get("/share/<int:people>")
def share(people):
    return str(12 / people)


app.run(debug=True, port=PORT, processes=3, threaded=False)
"""
    script = (APP + view).replace("PORT", str(free_port()))
    folder = project({"app.py": script, "words.py": WORDS})
    person = work_on(folder)
    await person.open(python_of(EXTENSIONS), script="app.py", port=None)
    await live_through(person)
    session = person.session
    status, page = await session.get(person.url, "/share/0")
    assert status == 500 and "ZeroDivisionError" in page
    problem = await session.diagnostic(folder / "app.py", "ZeroDivisionError: division by zero")
    line = script[: script.index("12 / people")].count("\n")
    assert problem["range"]["start"]["line"] == line
    told = await session.notification("hotplate/traceback", lambda p: p["when"] == "request")
    assert told["request"] == {"method": "GET", "url": f"{person.url}/share/0"}
    assert "debuggerUrl" not in told, "who has the frames is gone"
    assert await person.look("/share/4") == "3.0"
    await session.no_diagnostics(folder / "app.py")


@row(
    "Scripts",
    "`multiprocessing` from a script, by fork and by spawn",
)
async def test_children_of_a_script(
    project: Callable[..., Path], work_on: Callable[[Path], Person]
) -> None:
    script = """\
import multiprocessing

from flask import Flask

from words import WORD

app = Flask(__name__)
if __name__ != "__mp_main__":  # what spawns imports it, too, under this name
    print("begun")


def double(number):
    return 2 * number


@app.get("/<method>")
def index(method):
    with multiprocessing.get_context(method).Pool(1) as pool:
        return f"{WORD} {pool.map(double, [21])[0]}"


if __name__ == "__main__":
    app.run(debug=True, port=PORT)
"""
    files = {"app.py": script.replace("PORT", str(free_port())), "words.py": WORDS}
    person = work_on(project(files))
    await person.open(python_of(EXTENSIONS), script="app.py", port=None)
    for word in ("one", "two"):
        await person.save("words.py", f'WORD = "{word}"\n')
        assert await person.look("/fork") == f"{word} 42"
        assert await person.look("/spawn") == f"{word} 42"
    await person.imported_once()
