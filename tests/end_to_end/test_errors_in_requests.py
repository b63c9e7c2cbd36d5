"""An app that runs, and raises: in a view, in a template, in a thread; or dies."""

from __future__ import annotations

import http.client
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_lsp import client_capabilities

from support.broken import EXACT, marked
from support.session import Session, free_port

Project = Callable[..., Path]
Open = Callable[[Path], Session]

APP = """\
import os
import signal
import threading

from flask import Flask, abort, render_template, request

import prices

app = Flask(__name__)


@app.route("/share/<int:people>")
def share(people):
    return «prices.share(people)»


@app.route("/page/<name>")
def page(name):
    return render_template(name + ".html", price=3)


@app.route("/missing")
def missing():
    abort(404)


@app.route("/thread")
def thread():
    worker = threading.Thread(target=work, name="worker")
    worker.start()
    worker.join()
    return "done"


def work():
    {}["nothing"]


@app.route("/exit")
def leave():
    os._exit(3)


@app.route("/kill")
def kill():
    os.kill(os.getpid(), signal.SIGKILL)


@app.route("/wrapped")
def wrapped():
    try:
        prices.share(0)
    except ZeroDivisionError as error:
        raise RuntimeError("no price") from error


@app.route("/")
def index():
    return "fine"
"""
PRICES = """\
def share(people):
    return str(«12 / people»)
"""
TEMPLATES = {
    "templates/good.html": "<p>{{ price }}</p>\n",
    "templates/undefined.html": "<h1>Price</h1>\n  <p>{{ price.total.cents }}</p>\n",
    "templates/syntax.html": "<h1>Price</h1>\n<p>{% if price %}</p>\n{% endfor %}\n",
}


@pytest.fixture
def shop(project: Project) -> Path:
    return project({"app.py": marked(APP).text, "prices.py": marked(PRICES).text, **TEMPLATES})


def exact(source: str) -> dict[str, Any] | None:
    return marked(source, EXACT).range


async def test_a_view_that_raises(shop: Path, open_session: Open) -> None:
    session = open_session(shop)
    running = await session.run()
    url = running["url"]
    status, page = await session.get(url, "/share/0")
    assert status == 500
    assert "ZeroDivisionError" in page

    problem = await session.diagnostic(shop / "prices.py", "ZeroDivisionError: division by zero")
    assert problem["range"] == exact(PRICES)
    nearest = problem["relatedInformation"][0]
    assert nearest["location"] == {"uri": (shop / "app.py").as_uri(), "range": exact(APP)}
    assert "share" in nearest["message"]
    assert list(session.all_diagnostics()) == [(shop / "prices.py").as_uri()]

    told = await session.notification("hotplate/traceback")
    assert (told["when"], told["type"]) == ("request", "ZeroDivisionError")
    assert told["request"] == {"method": "GET", "url": f"{url}/share/0"}
    assert told["frames"][-1] == {
        "uri": (shop / "prices.py").as_uri(),
        "range": exact(PRICES),
        "function": "share",
        "code": "return str(12 / people)",
        "inWorkspace": True,
    }
    assert not told["frames"][0]["inWorkspace"]  # Flask's
    assert "Traceback (most recent call last)" in told["text"]

    # The app runs on, and another view's success says nothing of this one.
    assert await session.get(url) == (200, "fine")
    assert (await session.get(url, "/missing"))[0] == 404
    await session.barrier()
    assert session.all_diagnostics()

    # Again, and no flicker.
    await session.get(url, "/share/0")
    await session.until(lambda: len(session.notifications("hotplate/traceback")) == 2)
    assert [] not in session.published(shop / "prices.py")

    # The same view succeeds at another address.
    assert (await session.get(url, "/share/4"))[0] == 200
    await session.no_diagnostics(shop / "prices.py")
    assert session.states()[-1] == ("running", 1)


async def test_a_problem_goes_when_its_file_is_saved(shop: Path, open_session: Open) -> None:
    session = open_session(shop)
    url = (await session.run())["url"]
    await session.get(url, "/share/0")
    await session.diagnostic(shop / "prices.py")
    session.save("prices.py", marked(PRICES).text.replace("12 / people", "people"))
    await session.state("running", after=1)
    await session.no_diagnostics(shop / "prices.py")


async def test_a_problem_outlives_a_save_of_another_file(shop: Path, open_session: Open) -> None:
    session = open_session(shop)
    url = (await session.run())["url"]
    await session.get(url, "/share/0")
    await session.diagnostic(shop / "prices.py")
    session.save("app.py", marked(APP).text.replace("fine", "better"))
    await session.state("running", after=1)
    await session.barrier()
    assert session.diagnostics(shop / "prices.py")
    assert (await session.get(url, "/share/2"))[0] == 200
    await session.no_diagnostics(shop / "prices.py")


async def test_causes_are_related(shop: Path, open_session: Open) -> None:
    session = open_session(shop)
    url = (await session.run())["url"]
    await session.get(url, "/wrapped")
    problem = await session.diagnostic(shop / "app.py", "RuntimeError: no price")
    related = {each["message"]: each["location"] for each in problem["relatedInformation"]}
    cause = related["caused by ZeroDivisionError: division by zero"]
    assert cause == {"uri": (shop / "prices.py").as_uri(), "range": exact(PRICES)}
    told = await session.notification("hotplate/traceback")
    (told_cause,) = told["causes"]
    assert told_cause["relation"] == "cause"
    assert told_cause["type"] == "ZeroDivisionError"


@pytest.mark.parametrize(
    ("name", "type_", "line"),
    [("undefined", "UndefinedError", 1), ("syntax", "TemplateSyntaxError", 2)],
)
async def test_templates(name: str, type_: str, line: int, shop: Path, open_session: Open) -> None:
    session = open_session(shop)
    url = (await session.run())["url"]
    assert (await session.get(url, f"/page/{name}"))[0] == 500
    problem = await session.diagnostic(shop / "templates" / f"{name}.html")
    assert type_ in problem["message"]
    text = TEMPLATES[f"templates/{name}.html"].splitlines()[line]
    assert problem["range"]["start"]["line"] == line
    assert problem["range"]["start"]["character"] == len(text) - len(text.lstrip())
    assert problem["range"]["end"]["character"] == len(text)
    told = await session.notification("hotplate/traceback")
    assert (told["when"], told["type"]) == ("template", type_)
    session.save(f"templates/{name}.html", "<p>{{ price }}</p>\n")
    await session.no_diagnostics(shop / "templates" / f"{name}.html")
    assert (await session.get(url, f"/page/{name}"))[0] == 200


async def test_a_template_that_is_missing(shop: Path, open_session: Open) -> None:
    session = open_session(shop)
    url = (await session.run())["url"]
    assert (await session.get(url, "/page/nothing"))[0] == 500
    problem = await session.diagnostic(shop / "app.py", "TemplateNotFound: nothing.html")
    assert problem["range"]["start"]["line"] == 18
    assert (await session.get(url, "/page/good"))[0] == 200
    await session.no_diagnostics(shop / "app.py")


async def test_a_thread_that_raises(shop: Path, open_session: Open) -> None:
    session = open_session(shop)
    url = (await session.run())["url"]
    assert await session.get(url, "/thread") == (200, "done")
    problem = await session.diagnostic(shop / "app.py", "KeyError: 'nothing'")
    assert problem["range"]["start"]["line"] == 35
    told = await session.notification("hotplate/traceback")
    assert told["when"] == "thread"
    assert "request" not in told
    # A success of the view says nothing of the thread; a save of the file does.
    session.save("app.py", marked(APP).text.replace('{}["nothing"]', "pass"))
    await session.state("running", after=1)
    await session.no_diagnostics(shop / "app.py")
    assert await session.get(url, "/thread") == (200, "done")
    await session.barrier()
    assert session.all_diagnostics() == {}


@pytest.mark.parametrize(
    ("path", "type_", "line"), [("/exit", "ProcessExit", 40), ("/kill", "SIGKILL", 45)]
)
async def test_an_app_that_dies(
    path: str, type_: str, line: int, shop: Path, open_session: Open
) -> None:
    session = open_session(shop)
    running = await session.run()
    url = running["url"]
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        await session.get(url, path)
    failed = await session.state("failed")
    assert (failed["reason"], failed["error"]["type"]) == ("crash", type_)
    assert failed["generation"] == 1
    assert failed["error"]["uri"] == (shop / "app.py").as_uri()
    ((uri, (problem,)),) = session.all_diagnostics().items()
    assert uri == (shop / "app.py").as_uri()
    assert problem["range"] == failed["error"]["range"]
    assert type_ in problem["message"]
    assert problem["range"]["start"]["line"] == line
    (told,) = session.notifications("hotplate/traceback")
    assert told["type"] == type_
    status, page = await session.get(url)
    assert status == 500
    assert type_ in page
    session.save("app.py", marked(APP).text.replace("fine", "mended"))
    await session.state("running", after=1)
    assert await session.get(url) == (200, "mended")
    await session.barrier()
    assert session.all_diagnostics() == {}


async def test_an_app_killed_from_outside(shop: Path, open_session: Open) -> None:
    session = open_session(shop)
    running = await session.run()
    os.kill(running["pid"], signal.SIGKILL)
    failed = await session.state("failed")
    assert failed["reason"] == "crash"
    assert failed["error"]["type"] == "SIGKILL"
    assert (await session.get(running["url"]))[0] == 500
    assert len(session.all_diagnostics()) == 1
    await session.command("restart")
    await session.state("running", after=1)
    await session.barrier()
    assert session.all_diagnostics() == {}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_position_encodings(encoding: str, project: Project, open_session: Open) -> None:
    before = '    name = "🍕é" + '
    folder = project(
        {
            "app.py": 'from flask import Flask\n\napp = Flask(__name__)\n\n\n@app.route("/")\n'
            f"def index():\n{before}[][3]\n    return name\n"
        }
    )
    session = open_session(folder)
    capabilities = client_capabilities("visual-studio-code")
    assert capabilities.general is not None
    capabilities.general.position_encodings = [encoding]
    result = await session.start(
        {"port": free_port(), "interpreter": sys.executable}, capabilities=capabilities
    )
    assert result.capabilities.position_encoding == encoding
    running = await session.state("running")
    assert (await session.get(running["url"]))[0] == 500
    problem = await session.diagnostic(folder / "app.py", "IndexError")
    start, end = problem["range"]["start"]["character"], problem["range"]["end"]["character"]
    units = {
        "utf-8": lambda text: len(text.encode()),
        "utf-16": lambda text: len(text.encode("utf-16-le")) // 2,
        "utf-32": len,
    }[encoding]
    whole = before + "[][3]"
    assert end == units(whole)
    assert start == (units(before) if EXACT else 4)
