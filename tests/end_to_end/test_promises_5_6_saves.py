"""Promises 5 and 6: at rest the code that runs is what is on disk; only what matters restarts."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.session import Session, free_port

COUNT = 50
MANY = """\
from flask import Flask

import parts

app = Flask(__name__)


@app.get("/")
def index():
    return str(parts.total())
"""


def many(value: int) -> dict[str, str]:
    files = {f"parts/part{n}.py": f"VALUE = {value}\n" for n in range(COUNT)}
    imports = "".join(f"from parts import part{n}\n" for n in range(COUNT))
    values = ", ".join(f"part{n}.VALUE" for n in range(COUNT))
    return {**files, "parts/__init__.py": f"{imports}def total():\n    return sum([{values}])\n"}


@pytest.mark.parametrize("interleaved", [False, True])
async def test_5_save_all_of_fifty_is_one_restart(
    project: Callable[..., Path], open_session: Callable[[Path], Session], interleaved: bool
) -> None:
    folder = project({"app.py": MANY, **many(1)})
    session = open_session(folder)
    url = (await session.run())["url"]
    names = [f"parts/part{n}.py" for n in range(COUNT)]
    for value in (2, 3):
        if interleaved:
            for name in names:
                session.save(name, f"VALUE = {value}\n")
        else:
            for name in names:
                session.write(name, f"VALUE = {value}\n")
            session.did_save(*names)
        await session.barrier()
        assert await session.get(url) == (200, str(value * COUNT))
        running = await session.state("running", after=value - 1)
        assert running["generation"] == value
        assert len(running["files"]) >= 1
        await session.barrier()
    assert session.states()[-1] == ("running", 3)


@pytest.mark.parametrize("seed", range(3))
async def test_5_saves_commands_and_crashes_in_any_order(
    project: Callable[..., Path], open_session: Callable[[Path], Session], seed: int
) -> None:
    app = (
        "from flask import Flask\nimport a, b\napp = Flask(__name__)\n"
        "app.add_url_rule('/', view_func=lambda: f'{a.N} {b.N}')\n"
    )
    folder = project({"app.py": app, "a.py": "N = 100\n", "b.py": "N = 100\n"})
    session = open_session(folder)
    url = (await session.run())["url"]
    dice = random.Random(seed)
    values = {"a": 100, "b": 100}
    for number in range(101, 131):
        match dice.choice(["save"] * 6 + ["break", "stop", "start", "restart", "crash", "die"]):
            case "save":
                name = dice.choice("ab")
                values[name] = number
                session.save(f"{name}.py", f"N = {number}\n")
            case "break":
                session.save(dice.choice(["a.py", "b.py"]), "N = = \n")
            case "die":
                session.save(dice.choice(["a.py", "b.py"]), "import os; os._exit(1)\n")
            case "crash":
                pid = session.notifications("hotplate/state")[-1].get("pid")
                if pid:
                    try:
                        os.kill(pid, 9)
                    except ProcessLookupError:
                        pass
            case command:
                await session.command(command)
        await asyncio.sleep(dice.choice([0, 0, 0, 0.005, 0.02, 0.1, 0.3]))
    for name in "ab":  # what was left broken is mended, and the app is wanted
        values[name] = 200
        session.save(f"{name}.py", "N = 200\n")
    await session.command("start")
    await session.barrier()

    def at_rest() -> bool:
        states = session.states()
        return states[-1][0] == "running" and states[-1][1] == max(g for _, g in states)

    await session.until(at_rest, what="the app at rest")
    assert await session.get(url) == (200, "200 200")
    generations = [generation for _, generation in session.states()]
    assert generations == sorted(generations)


async def test_5_stop_wins_over_what_came_before(
    project: Callable[..., Path], open_session: Callable[[Path], Session]
) -> None:
    folder = project({"app.py": MANY, **many(1)})
    session = open_session(folder)
    url = (await session.run())["url"]
    session.save("parts/part1.py", "VALUE = 7\n")
    await session.command("restart")
    await session.command("stop")
    await session.until(lambda: session.states()[-1][0] == "stopped")
    with pytest.raises(ConnectionRefusedError):
        await session.get(url)
    session.save("parts/part1.py", "VALUE = 8\n")
    await session.barrier()
    assert session.states()[-1][0] == "stopped"
    last = session.states()[-1][1]
    await session.command("start")
    await session.state("running", after=last)
    assert await session.get(url) == (200, str(COUNT - 1 + 8))


APP = """\
from flask import Flask, render_template

app = Flask(__name__)


@app.get("/")
def index():
    return render_template("index.html")


@app.get("/late")
def late():
    import late
    return late.NAME
"""
PROJECT = {
    "app.py": APP,
    "late.py": "NAME = 'first'\n",
    "templates/index.html": "<p>one</p>",
    "static/style.css": "p {}",
    "README.md": "# Shop",
    "tests/test_app.py": "import app\n",
    "notes.json": "{}",
    "never.py": "",
    "data/extra.txt": "",
    "data/skip.py": "",
}


async def generation(session: Session) -> int:
    """The generation, once the server has seen all that was sent."""
    apps = (await session.command("state"))["apps"]
    number: int = dict_of(apps[0])["generation"]
    return number


def dict_of(value: Any) -> dict[str, Any]:
    """pygls makes named tuples of objects that it does not know."""
    return value if isinstance(value, dict) else value._asdict()


async def test_6_what_does_not_matter(
    project: Callable[..., Path], open_session: Callable[[Path], Session]
) -> None:
    folder = project(PROJECT)
    session = open_session(folder)
    url = (await session.run())["url"]
    for name in PROJECT:
        if name != "app.py":
            session.save(name, (folder / name).read_text() + " ")
    assert await generation(session) == 1
    assert await session.get(url) == (200, "<p>one</p> ")
    for name in ("static/style.css", "templates/index.html", "README.md", "tests/test_app.py"):
        session.save(name, "x")
    assert await generation(session) == 1
    assert await session.get(url) == (200, "x")


async def test_6_a_module_that_a_request_imports(
    project: Callable[..., Path], open_session: Callable[[Path], Session]
) -> None:
    folder = project(PROJECT)
    session = open_session(folder)
    url = (await session.run())["url"]
    session.save("late.py", "NAME = 'other'\n")
    assert await generation(session) == 1
    assert await session.get(url, "/late") == (200, "other")
    session.save("late.py", "NAME = 'third'\n")
    await session.barrier()
    assert await session.get(url, "/late") == (200, "third")
    assert await generation(session) == 2
    session.save("late.py", "NAME = 'forth'\n")  # not imported by this generation yet
    await session.barrier()
    assert await session.get(url, "/late") == (200, "forth")


async def test_6_while_failed_any_python_file_and_what_the_error_names(
    project: Callable[..., Path], open_session: Callable[[Path], Session]
) -> None:
    folder = project({**PROJECT, "app.py": "open('missing.json')\n" + APP})
    session = open_session(folder)
    await session.start({"port": free_port(), "interpreter": sys.executable})
    await session.state("failed")
    session.save("static/style.css", "p {}")
    session.save("README.md", "")
    assert await generation(session) == 1
    session.save("never.py", "# any")
    await session.state("failed", after=1)
    session.save("missing.json", "{}")
    await session.state("running", after=2)
    session.save("missing.json", "{ }")
    await session.state("running", after=3, reason="save")


async def test_6_extra_files_and_excluded_ones(
    project: Callable[..., Path], open_session: Callable[[Path], Session], tmp_path: Path
) -> None:
    folder = project(PROJECT)
    outside = tmp_path / "outside.yaml"
    outside.write_text("")
    session = open_session(folder)
    await session.run(
        extraFiles=["data/extra.txt", str(outside), "data/comes.txt"],
        excludePatterns=["*/late.py", "*skip*"],
    )
    session.save("data/skip.py", "# more")
    session.save("README.md", "more")
    assert await generation(session) == 1
    for number, name in enumerate(("data/extra.txt", str(outside), "data/comes.txt"), 1):
        session.save(name, f"{number}")
        await session.state("running", after=number, reason="save")
    assert await generation(session) == 4


async def test_6_excluded_modules(
    project: Callable[..., Path], open_session: Callable[[Path], Session]
) -> None:
    folder = project({**PROJECT, "app.py": "import late, never\n" + APP})
    session = open_session(folder)
    await session.run(excludePatterns=["*/late.py"])
    session.save("late.py", "NAME = 'other'\n")
    assert await generation(session) == 1
    session.save("never.py", "# other\n")
    await session.state("running", after=1)


async def test_6_dotenv_files(
    project: Callable[..., Path], open_session: Callable[[Path], Session]
) -> None:
    app = (
        "import os\nfrom flask import Flask\napp = Flask(__name__)\n"
        "app.add_url_rule('/', view_func=lambda: os.environ.get('GREETING', 'none'))\n"
    )
    folder = project({"app.py": app})
    session = open_session(folder)
    url = (await session.run())["url"]
    assert await session.get(url) == (200, "none")
    for name, value in ((".flaskenv", "one"), (".env", "two"), (".env", "six")):
        session.save(name, f"GREETING={value}\n")
        await session.barrier()
        assert await session.get(url) == (200, value)


async def test_6_a_module_that_is_deleted_or_renamed(
    project: Callable[..., Path], open_session: Callable[[Path], Session]
) -> None:
    """The rename shows itself in the save of the file that imports it."""
    folder = project({"app.py": "import late\n" + APP, **{k: PROJECT[k] for k in ("late.py",)}})
    session = open_session(folder)
    url = (await session.run())["url"]
    shutil.move(folder / "late.py", folder / "later.py")
    session.save("app.py", "import later as late, sys\nsys.modules['late'] = late\n" + APP)
    await session.barrier()
    assert await session.get(url, "/late") == (200, "first")


async def test_5_a_checkout_of_many_files_is_one_restart(
    project: Callable[..., Path], open_session: Callable[[Path], Session]
) -> None:
    others = {f"others/file{n}.py": "" for n in range(300)}
    folder = project({"app.py": MANY, **many(1), **others})
    session = open_session(folder)
    url = (await session.run())["url"]
    for name, text in many(2).items():
        session.write(name, text)
    names = [name for pair in zip(others, [*many(2)] * 10, strict=False) for name in pair]
    session.changed_outside(*names)
    await session.state("running", after=1, reason="external")
    assert await session.get(url) == (200, str(2 * COUNT))
    session.changed_outside("others/file1.py")  # its turn is after theirs
    await session.barrier()
    assert [number for name, number in session.states() if name == "running"] == [1, 2]


async def test_5_a_file_that_is_deleted_outside_matters(
    project: Callable[..., Path], open_session: Callable[[Path], Session]
) -> None:
    """git checkout takes a module away, and brings it back."""
    folder = project({"app.py": MANY, **many(1)})
    session = open_session(folder)
    url = (await session.run())["url"]
    text = (folder / "parts/part7.py").read_text()
    (folder / "parts/part7.py").unlink()
    session.changed_outside("parts/part7.py")
    failed = await session.state("failed", after=1, reason="external")
    assert failed["error"]["type"] == "ImportError", failed
    session.write("parts/part7.py", text)
    session.changed_outside("parts/part7.py")
    await session.state("running", after=failed["generation"])
    assert await session.get(url) == (200, str(COUNT))
