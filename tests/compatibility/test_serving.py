"""Where and how an app is served: addresses, certificates, threads."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from compatibility.person import Person
from compatibility.rows import case, elsewhere, row
from compatibility.visitors import HELD, Gate, one_at_a_time
from support.environments import EXTRAS, PAIRS, Environment, python_of
from support.session import free_port

Project = Callable[..., Path]
WorkOn = Callable[[Path], Person]

APP = """\
from flask import Flask, request

app = Flask(__name__)
WORD = "one"


@app.route("/")
def index():
    return WORD


@app.route("/where")
def where():
    return request.url_root
"""
SCRIPT = """\
from app import app

if __name__ == "__main__":
    app.run({})
"""


async def live(person: Person, name: str = "app.py") -> None:
    """A save is live, and an error is on its line and on the page until it is mended."""
    assert await person.look() == "one"
    await person.break_and_mend(name)
    await person.edit(name, "one", "two")
    assert await person.look() == "two"


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost in the folder, and its key."""
    program = "import sys; from werkzeug.serving import make_ssl_devcert as m; m(sys.argv[1])"
    subprocess.run([python_of(EXTRAS), "-c", program, str(folder / "local")], check=True)
    return folder / "local.crt", folder / "local.key"


@row("Serving", "a certificate from files (`--cert`, `--key`)")
@pytest.mark.parametrize("pair", [PAIRS[0], PAIRS[-1]], ids=lambda pair: pair.name)
async def test_certificate_files(pair: Environment, project: Project, work_on: WorkOn) -> None:
    folder = project({"app.py": APP})
    certificate(folder)
    person = work_on(folder)
    url = await person.open(python_of(pair), cert="local.crt", key="local.key")
    assert url.startswith("https://127.0.0.1:")
    assert await person.look("/where") == f"{url}/"
    await live(person)


@row("Serving", "a certificate that a script names (`ssl_context=`)")
async def test_certificate_in_a_script(project: Project, work_on: WorkOn) -> None:
    script = SCRIPT.format("ssl_context=('local.crt', 'local.key')")
    folder = project({"app.py": APP, "main.py": script})
    certificate(folder)
    person = work_on(folder)
    url = await person.open(script="main.py")
    assert url.startswith("https://127.0.0.1:")
    await live(person)


ADHOC = {"cert": "adhoc"}
DIES = APP + "import os\n\nos._exit(3)\n"


def shown_certificate(url: str) -> str:
    """What a browser would ask its person about."""
    parts = urlsplit(url)
    return ssl.get_server_certificate((parts.hostname or "", parts.port or 0))


@pytest.mark.parametrize(
    "settings",
    [
        case(
            "Serving",
            "`--cert adhoc`",
            ADHOC,
            hotplate="works; it is one certificate over all restarts, so the browser asks once",
            stock="a new certificate at each save, and the browser asks for its exception again",
        ),
        case("Serving", '`ssl_context="adhoc"` in a script', {"script": "main.py"}),
    ],
)
async def test_adhoc(settings: dict[str, str], project: Project, work_on: WorkOn) -> None:
    script = SCRIPT.format("ssl_context='adhoc'")
    person = work_on(project({"app.py": APP, "main.py": script}))
    url = await person.open(python_of(EXTRAS), **settings)
    assert url.startswith("https://")
    certificate = await asyncio.to_thread(shown_certificate, url)
    await live(person)
    assert await asyncio.to_thread(shown_certificate, url) == certificate


@pytest.mark.parametrize("before", ["one that ran", "none"])
@pytest.mark.parametrize(
    "settings",
    [
        case(
            "Serving",
            "a process that dies under TLS: its page is under TLS, too",
            {"cert": "local.crt", "key": "local.key"},
            stock="no answer until it is started by hand",
        ),
        pytest.param(ADHOC, id="adhoc"),
    ],
)
async def test_the_page_of_a_process_that_died(
    settings: dict[str, str], before: str, project: Project, work_on: WorkOn
) -> None:
    """By the server itself, whose own environment need not be able to make a certificate."""
    folder = project({"app.py": APP if before == "one that ran" else DIES})
    certificate(folder)
    person = work_on(folder)
    shown = ""
    if before == "one that ran":
        url = await person.open(python_of(EXTRAS), **settings)
        shown = await asyncio.to_thread(shown_certificate, url)
        person.session.save("app.py", DIES)
    else:
        settings = {"port": free_port(), "interpreter": python_of(EXTRAS), **settings}
        await person.session.start(settings)
    person.state = await person.session.state("failed", reason="crash")
    assert person.url.startswith("https://")
    status, page = await person.session.get(person.url)
    assert status == 500 and "ProcessExit" in page
    shown = shown or await asyncio.to_thread(shown_certificate, person.url)
    await person.save("app.py", APP)
    await live(person)
    assert await asyncio.to_thread(shown_certificate, person.url) == shown


@row("Serving", "IPv6: `::1`")
async def test_ipv6(project: Project, work_on: WorkOn) -> None:
    person = work_on(project({"app.py": APP}))
    url = await person.open(host="::1")
    assert url.startswith("http://[::1]:")
    assert await person.look("/where") == f"{url}/"
    await live(person)


@pytest.mark.parametrize("pair", [PAIRS[0], PAIRS[-1]], ids=lambda pair: pair.name)
@pytest.mark.parametrize(
    "settings",
    [
        case("Serving", "a Unix socket (`--host unix://…`)", {"host": "unix://{}"}),
        case("Serving", "a Unix socket with a relative path", {"host": "unix://s"}),
        case("Serving", "a Unix socket that a script names", {"script": "main.py", "port": None}),
    ],
)
async def test_unix_socket(
    settings: dict[str, str], pair: Environment, project: Project, work_on: WorkOn
) -> None:
    folder = project({"app.py": APP, "main.py": SCRIPT.format("host='unix://s'")})
    person = work_on(folder)
    path = folder / "s"
    if "host" in settings:
        settings = {"host": settings["host"].format(path)}
    person.socket = f"unix://{path}"
    await person.open(python_of(pair), **settings)
    assert path.is_socket()
    await live(person)
    await person.session.end()
    assert not path.exists()


@row("Serving", "port 0: one that is free, and the same over all restarts")
async def test_port_0(project: Project, work_on: WorkOn) -> None:
    person = work_on(project({"app.py": APP}))
    url = await person.open(port=0)
    assert urlsplit(url).port not in (0, None)
    await live(person)
    assert person.url == url


@row(
    "Serving",
    "one request at a time (`--without-threads`)",
    hotplate="works; a spare connection that a browser has opened holds up nobody",
    stock="a spare connection of a browser's blocks the app until it is closed",
)
@pytest.mark.parametrize("pair", [PAIRS[0], PAIRS[-1]], ids=lambda pair: pair.name)
async def test_one_at_a_time(pair: Environment, project: Project, work_on: WorkOn) -> None:
    async with Gate() as gate:
        person = work_on(project({"app.py": f"{APP}\n\n{gate.knock}{HELD}"}))
        url = await person.open(python_of(pair), threaded=False)
        with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0)):
            await live(person)
            await one_at_a_time(person, gate)


elsewhere(
    "Serving",
    "`host` 0.0.0.0",
    "end_to_end/test_debugger.py::test_where_others_can_reach_it_the_console_is_off",
    hotplate="works; the debugger's console is off unless the person says otherwise, and they are "
    "told",
)
