"""What fights the stock reloader: databases, children, reloaders of their own."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from compatibility.person import Person
from compatibility.rows import row
from compatibility.visitors import Visitor
from support.environments import EXTENSIONS, python_of
from support.processes import MARK, marked, until_gone, until_nobody
from support.session import Session, free_port


@row("Extensions", "`instance_path`, with a configuration in it")
async def test_an_instance_folder(
    project: Callable[..., Path], work_on: Callable[[Path], Person]
) -> None:
    main = """\
from flask import Flask

app = Flask(__name__, instance_relative_config=True)
app.config.from_pyfile("config.py")
app.add_url_rule("/", "index", lambda: app.config["WORD"] + app.instance_path)
"""
    person = work_on(project({"app.py": main, "instance/config.py": 'WORD = "one"\n'}))
    await person.open(python_of(EXTENSIONS))
    assert await person.look() == f"one{person.folder}/instance"
    await person.edit("instance/config.py", "one", "two")
    assert await person.look() == f"two{person.folder}/instance"
    await person.break_and_mend("instance/config.py")


@row(
    "Extensions",
    "Flask-SQLAlchemy with SQLite",
    hotplate="no locked database, no lost row, over a hundred restarts in a row, while requests "
    "write to it",
)
@pytest.mark.timeout(240)
async def test_a_hundred_restarts_on_one_database(
    project: Callable[..., Path], open_session: Callable[[Path], Session], tmp_path: Path
) -> None:
    main = """\
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from words import WORD

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///shop.db"
db = SQLAlchemy(app)


class Visit(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    who = db.Column(db.String)


with app.app_context():
    db.create_all()


@app.get("/<who>")
def index(who):
    db.session.add(Visit(who=who))
    db.session.commit()
    return f"{WORD} {Visit.query.filter_by(who=who).count()}"
"""
    session = open_session(project({"app.py": main, "words.py": "WORD = 0\n"}))
    log = tmp_path / "log"
    settings = {"port": free_port(), "interpreter": python_of(EXTENSIONS)}
    await session.start(settings, arguments=("--log-file", str(log)))
    url = (await session.state("running"))["url"]
    assert await session.get(url, "/me-0") == (200, "0 1")
    while "stands by to serve" not in log.read_text():  # without it, this would take minutes
        await asyncio.sleep(0.02)
    with Visitor(url, "/visitor-{}") as visitor:
        for number in range(1, 101):
            session.save("words.py", f"WORD = {number}\n")
            await session.barrier()
            assert await session.get(url, f"/me-{number}") == (200, f"{number} 1")
    assert not session.all_diagnostics()
    assert {status for status, _ in visitor.answers} == {200}, visitor.answers
    said = [int(text.split()[0]) for _, text in visitor.answers]
    assert said == sorted(said) and len(set(said)) > 50  # all the while, and never stale
    written = [f"me-{number}" for number in range(101)]
    written += [f"visitor-{number}" for number in range(len(said))]
    with sqlite3.connect(session.folder / "instance" / "shop.db") as database:
        kept = [who for (who,) in database.execute("select who from visit")]
    assert sorted(kept) == sorted(written)


@row(
    "Extensions",
    "Dash, `app.run(debug=True)`",
    hotplate="works; its hot reload sees each restart",
)
async def test_dash(project: Callable[..., Path], work_on: Callable[[Path], Person]) -> None:
    port = free_port()
    main = f"""\
print("begun")
from dash import Dash, html

from words import WORD

app = Dash(__name__)
app.layout = html.Div(WORD)

if __name__ == "__main__":
    app.run(debug=True, port={port})
"""
    person = work_on(project({"app.py": main, "words.py": 'WORD = "one"\n'}))
    url = await person.open(python_of(EXTENSIONS), script="app.py", port=None)
    assert url == f"http://127.0.0.1:{port}"
    hashes = []
    for word in ("one", "two", "three"):
        await person.save("words.py", f'WORD = "{word}"\n')
        assert "<title>" in await person.look()
        assert word in await person.look("/_dash-layout")
        hashes.append(json.loads(await person.look("/_reload-hash"))["reloadHash"])
    assert len(set(hashes)) == 3
    await person.break_and_mend("words.py")
    await person.imported_once()


@row(
    "Extensions",
    "`multiprocessing` and `concurrent.futures` children",
    hotplate="they end with the app",
)
async def test_children(
    project: Callable[..., Path],
    work_on: Callable[[Path], Person],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    main = """\
print("begun")
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor

from flask import Flask

from words import WORD

app = Flask(__name__)
pool = ProcessPoolExecutor(1)
sleeper = multiprocessing.Process(target=time.sleep, args=(1000,))
sleeper.start()


@app.get("/")
def index():
    return f"{sleeper.pid} {pool.submit(abs, -1).result()} {next(iter(pool._processes))}"
"""
    monkeypatch.setenv(MARK, str(tmp_path))
    person = work_on(project({"app.py": main, "words.py": "WORD = 0\n"}))
    await person.open(python_of(EXTENSIONS))
    sleeper, one, worker = map(int, (await person.look()).split())
    assert one == 1
    assert {sleeper, worker} <= marked(str(tmp_path))
    await person.edit("words.py", "0", "1")
    await until_gone(sleeper, 5)
    await until_gone(worker, 5)
    await person.look()
    await person.imported_once()
    await person.session.end()
    await until_nobody(str(tmp_path))
