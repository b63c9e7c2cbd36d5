"""Schedulers in the app's process: each job runs in one process, once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from compatibility.person import Person
from compatibility.rows import case
from support.environments import EXTENSIONS, python_of
from support.processes import until_gone
from support.session import free_port

JOBS = """\
import os

from words import WORD


def note(name):
    with open(os.environ["NOTES"], "a") as file:
        file.write(f"{name} {os.getpid()} {WORD}\\n")
"""
PLAIN = """\
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask

from jobs import note

app = Flask(__name__)
scheduler = BackgroundScheduler()
scheduler.add_job(note, args=["once"])
scheduler.add_job(note, "interval", args=["tick"], seconds=0.05)
scheduler.start()


@app.get("/")
def index():
    return "well"
"""
FLASK = """\
from flask import Flask
from flask_apscheduler import APScheduler

from jobs import note

app = Flask(__name__)
app.config["SCHEDULER_API_ENABLED"] = True
scheduler = APScheduler()
scheduler.init_app(app)
scheduler.add_job("once", note, args=["once"])
scheduler.add_job("tick", note, args=["tick"], trigger="interval", seconds=0.05)
scheduler.start()


@app.get("/")
def index():
    return "well"
"""
SCRIPT = (
    PLAIN
    + """

if __name__ == "__main__":
    app.run(debug=True, port=PORT)
"""
)
ONE = "each job runs in one process, once"
TWO = "`flask run --debug` runs each job twice, in the reloader's process and in the app's"
TWO_OF_A_SCRIPT = (
    "`python app.py` runs each job twice; that of the reloader's process is never renewed"
)


class Notes:
    """What the jobs have written: (name, pid, WORD)."""

    def __init__(self, file: Path) -> None:
        self.file = file
        file.touch()

    def of(self, name: str) -> list[tuple[int, str]]:
        lines = (line.split() for line in self.file.read_text().splitlines())
        return [(int(pid), word) for job, pid, word in lines if job == name]

    async def more(self, name: str, count: int) -> list[tuple[int, str]]:
        """The next ones. A file tells nobody of what is written to it."""
        before = len(self.of(name))
        while len(self.of(name)) < before + count:
            await asyncio.sleep(0.02)
        return self.of(name)[before:]


@pytest.mark.parametrize(
    "main",
    [
        case("Extensions", "APScheduler", PLAIN, hotplate=ONE, stock=TWO),
        case("Extensions", "Flask-APScheduler", FLASK, hotplate=ONE, stock=TWO),
        case(
            "Extensions",
            "APScheduler in a script, with `app.run(debug=True)`",
            SCRIPT,
            hotplate=ONE,
            stock=TWO_OF_A_SCRIPT,
        ),
    ],
)
async def test_jobs_run_once(
    main: str,
    project: Callable[..., Path],
    work_on: Callable[[Path], Person],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    notes = Notes(tmp_path / "notes")
    monkeypatch.setenv("NOTES", str(notes.file))
    port = free_port()
    main = main.replace("PORT", str(port))
    script = {"script": "app.py", "port": None} if "app.run" in main else {}
    person = work_on(project({"app.py": main, "jobs.py": JOBS, "words.py": "WORD = 0\n"}))
    await person.open(python_of(EXTENSIONS), **script)
    pids = [person.state["pid"]]
    for number in range(1, 4):
        await person.save("words.py", f"WORD = {number}\n")
        await until_gone(pids[-1], 5)
        pids.append(person.state["pid"])
        assert set(await notes.more("tick", 3)) == {(pids[-1], str(number))}
    assert await person.look() == "well"
    assert notes.of("once") == [(pid, str(number)) for number, pid in enumerate(pids)]
    await person.break_and_mend("words.py")
