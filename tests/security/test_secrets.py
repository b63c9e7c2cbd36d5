"""No byte of the PIN or of a secret where anybody but the person at the editor could read it."""

from __future__ import annotations

import http.client
import json
import os
import re
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lsprotocol import types

from hotplate.supervision import secrets as store
from hotplate.supervision.autopsy import examine
from hotplate.supervision.output import LONGEST, Output
from hotplate_agent import messages as m
from hotplate_agent.blackbox import PAGE
from support.browser import Browser
from support.processes import MARK, marked, needs_proc
from support.session import SERVER, Session, free_port

Project = Callable[..., Path]
Open = Callable[[Path], Session]

ALLOWED = ("hotplate/debuggerPin", "hotplate/traceback", "window/showDocument")
"""Where the contract lets them be, beside the answers to the person's own commands."""

APP = """\
import os
import sys

from flask import Flask, request

app = Flask(__name__)


@app.before_request
def log():
    print("asked for", request.url, flush=True)


@app.route("/")
def index():
    return "hello"


@app.route("/say/<text>")
def say(text):
    print("stdout", text, flush=True)
    print("stderr", text, file=sys.stderr, flush=True)
    app.logger.error("logged %s", text)
    return "said"


@app.route("/raise/<text>")
def boom(text):
    try:
        raise KeyError(text)
    except KeyError as error:
        raise ValueError("no " + text) from error


@app.route("/die/<text>")
def die(text):
    print("dying of", text, file=sys.stderr, flush=True)
    os._exit(3)
"""


class Secrets:
    """What is not to be found, and the places that were searched."""

    def __init__(self) -> None:
        self.words: set[str] = set()
        self.places: dict[str, bytes] = {}

    def keep(self, *words: str) -> None:
        assert all(len(word) >= 9 for word in words), "a shorter one could be there by chance"
        self.words.update(words)

    def see(self, place: str, content: bytes) -> None:
        self.places[place] = self.places.get(place, b"") + content

    def see_processes(self, mark: str) -> None:
        """Command lines, environments, names (a core file is called by one), and open files that
        have no name any more."""
        pids = marked(mark)
        assert len(pids) >= 2
        for pid in pids:
            folder = Path(f"/proc/{pid}")
            for name in ("cmdline", "environ", "comm"):
                self.see(name, _read(folder / name))
            for descriptor in _entries(folder / "fd"):
                target = _target(descriptor)
                if "(deleted)" in target and target.startswith("/"):
                    self.see("an unlinked file", _read(descriptor))

    def see_files(self, name: str, folder: Path) -> None:
        for path in folder.rglob("*"):
            if path.is_file():
                self.see(name, str(path).encode() + _read(path))

    def are_nowhere(self) -> None:
        assert self.words
        for place, content in self.places.items():
            for word in self.words:
                found = content.find(word.encode())
                assert found < 0, f"{place}: {content[max(0, found - 200) : found + 60]!r}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # gone meanwhile
        return b""


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:  # closed meanwhile
        return ""


def _entries(folder: Path) -> Iterator[Path]:
    try:
        yield from folder.iterdir()
    except OSError:
        return


def told(session: Session, pin: str) -> bytes:
    """All messages to the editor but those that may hold a secret."""
    rest = []
    for message in session.received:
        result = message.get("result")
        if message.get("method") in ALLOWED or result == {"pin": pin}:
            continue
        if isinstance(result, dict) and set(result) == {"url"}:
            continue  # openDebugger's answer
        rest.append(json.dumps(message))
    return "\n".join(rest).encode()


@needs_proc
@pytest.mark.parametrize("trace", list(types.TraceValue))
async def test_a_whole_session(
    trace: types.TraceValue, project: Project, open_session: Open, tmp_path: Path
) -> None:
    """With the debugger unlocked and used, an app that prints what it is asked for, and deaths."""
    mark, log, temporary = uuid.uuid4().hex, tmp_path / "hotplate.log", tmp_path / "tmp"
    temporary.mkdir()
    session = open_session(project({"app.py": APP}))
    await session.start(
        {"port": free_port(), "interpreter": sys.executable},
        env={MARK: mark, "TMPDIR": str(temporary)},
        arguments=("--log-file", str(log), "-v"),
        trace=trace,
    )
    session.client.protocol.notify("$/setTrace", types.SetTraceParams(trace))
    running = await session.state("running")
    url = running["url"]
    pin = (await session.notification("hotplate/debuggerPin"))["pin"]
    plain = pin.replace("-", "")
    secrets = Secrets()
    secrets.keep(pin, plain)

    browser = Browser()
    page = await browser.open(f"{url}/raise/word")
    kept = await session.notification("hotplate/traceback")
    path = re.search(r"__hotplate__/([^/]+)/", kept["debuggerUrl"])
    assert path is not None
    secrets.keep(page.secret, path[1])
    # A stranger's tries at the console go on to the app, which logs what it is asked for.
    await Browser().evaluate(page, "1 + 1")
    await browser.open(f"{url}/?__debugger__=yes&cmd=printpin&s={page.secret}")
    assert await browser.unlock(page, pin)
    await browser.evaluate(page, "1 + 1")
    await session.command("debuggerPin", {})
    await session.command("openDebugger", {})
    await browser.open(kept["debuggerUrl"])
    for word in (pin, plain, page.secret, path[1]):
        await session.get(url, f"/say/{word}")
        await session.get(url, f"/raise/{word}")
    secrets.see_processes(mark)

    # From one process to the next, with the page of the one before still open.
    session.save("app.py", APP + "\n")
    await session.state("running", after=1)
    await browser.open(f"{url}/say/x?__debugger__=yes&cmd=pinauth&pin={pin}&s={page.secret}")
    session.save("app.py", APP + "\nbroken(\n")
    await session.state("failed", after=2)
    failed = await browser.open(url)
    secrets.keep(failed.secret)
    await session.command("openDebugger", {})
    secrets.see_processes(mark)
    session.save("app.py", APP)
    await session.state("running", after=3)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        await session.get(url, f"/die/{pin}")
    died = await session.state("failed", after=3)
    assert "[hidden by Hotplate]" in json.dumps(session.notifications("hotplate/output"))
    status, body = await session.get(url)
    assert status == 500
    secrets.see("the page of a death", body.encode())
    await session.command("restart")
    await session.state("running", after=died["generation"])
    secrets.see_processes(mark)
    secrets.see_files("temporary files", temporary)
    await session.end()

    secrets.see("the log", log.read_bytes())
    secrets.see("stderr", session.stderr)
    secrets.see("messages", told(session, pin))
    secrets.see_files("the workspace", session.folder)
    secrets.see_files("the state", Path(os.environ["HOTPLATE_STATE_DIR"]))
    assert secrets.places["messages"] and secrets.places["the log"]
    assert b"dying of [hidden by Hotplate]" in secrets.places["the page of a death"]
    assert "$/logTrace" not in {message.get("method") for message in session.received}
    secrets.are_nowhere()


async def test_the_command_line_s_log_at_its_most_talkative(
    project: Project, open_session: Open, tmp_path: Path
) -> None:
    """Also what is logged of a mistake: its traceback may hold what a message held."""
    fault = tmp_path / "fault"
    fault.mkdir()
    (fault / "sitecustomize.py").write_text(
        "import sys\n"
        "if 'hotplate_agent' not in ' '.join(sys.orig_argv):\n"
        "    import hotplate.lsp.face as module\n"
        "    def pin(self, generation, pin, url):\n"
        "        raise RuntimeError('could not tell ' + str(pin))\n"
        "    module.EditorFace.pin = pin\n"
    )
    log = tmp_path / "hotplate.log"
    session = open_session(project({"app.py": APP}))
    await session.start(
        {"port": free_port(), "interpreter": sys.executable},
        env={"PYTHONPATH": f"{fault}{os.pathsep}{SERVER}"},
        arguments=("--log-file", str(log), "-v"),
    )
    await session.state("running")
    pin = (await session.command("debuggerPin", {}))["pin"]
    shown = await session.notification(
        "window/showMessage", lambda p: "could not tell" in p["message"]
    )
    assert "[hidden by Hotplate]" in shown["message"]
    await session.end()
    assert "could not tell [hidden by Hotplate]" in log.read_text()
    for text in (log.read_text(), session.stderr.decode(), told(session, pin).decode()):
        assert pin not in text


def test_a_pin_is_hidden_after_thousands_of_restarts() -> None:
    """Each process has a secret of Werkzeug's; those of the dead are forgotten, the PIN is not."""
    first, second = store.Secrets(), store.Secrets()
    first.keep(m.Pin("111-222-333", "cookie", "secret of the first"))
    for number in range(3000):
        second.keep(m.Pin("444-555-666", "cookie", f"secret-{number}-of-the-second"))
    address = first.page("http://127.0.0.1:5000", "1-1") or ""
    said = store.redact(f"111-222-333 111222333 444-555-666 secret-2999-of-the-second {address}")
    hidden = store.HIDDEN
    assert said == " ".join([hidden] * 4) + f" http://127.0.0.1:5000/__hotplate__/{hidden}/1-1"


def test_a_secret_at_the_cut_of_an_endless_line() -> None:
    store.Secrets().keep(m.Pin("123-456-789", "cookie", "its-secret"))
    said: list[str] = []
    output = Output(lambda generation, stream, text: said.append(store.redact(text)))
    output.feed(1, "stdout", b"x" * (LONGEST - 3) + b"123-45")
    output.feed(1, "stdout", b"6-789\n")
    assert "123-456-789" not in "".join(said)
    assert said[-1].endswith(store.HIDDEN + "\n")


def test_a_secret_at_the_cut_of_what_a_dead_process_has_printed() -> None:
    store.Secrets().keep(m.Pin("987-654-321", "cookie", "its-secret"))
    failure = examine(1, bytes(PAGE), b"PIN 987-654-321" + b"x" * 3990, serving=True)
    assert "87-654-321" not in store.redact_report(failure.report).text
