"""What the app is made of: each file that it loads or reads while it starts, as it was found."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from agent.conftest import Start
from agent.driver import Agent, environment, write
from hotplate_agent import messages as m

APP = """
    import io, os, pathlib
    from flask import Flask, render_template
    import helper
    from pkg import inner

    app = Flask(__name__)
    app.config.from_pyfile("settings.cfg")
    for reading in (
        lambda: open("opened.txt").read(),
        lambda: open(b"bytes.txt").read(),
        lambda: pathlib.Path("path.txt").read_text(),
        lambda: io.FileIO(pathlib.Path("fileio.txt")).read(),
        lambda: os.read(os.open("low.txt", os.O_RDONLY), 9),
        lambda: os.read(os.open(pathlib.Path("lowpath.txt"), os.O_RDONLY), 9),
        lambda: open("missing.txt"),
        lambda: open("folder"),
        lambda: open("written.txt", "w").close(),
        lambda: open("appended.txt", "a").close(),
        lambda: open(os.devnull).close(),
    ):
        try:
            reading()
        except OSError:
            pass

    @app.route("/")
    def index():
        return render_template("page.html") + open("later.txt").read()

    @app.route("/lazy")
    def lazy():
        import later_module
        return later_module.NAME
"""
TEXTS = ("opened", "bytes", "path", "fileio", "low", "lowpath")
FILES = {
    "app.py": APP,
    "helper.py": "import json.tool\n",
    "pkg/__init__.py": "",
    "pkg/inner.py": "",
    "later_module.py": "NAME = 'later'\nimport later_still\n",
    "later_still.py": "",
    "settings.cfg": "A = 1\n",
    "templates/page.html": "page",
    "later.txt": "later",
    "folder/x": "",
    **{f"{name}.txt": name for name in TEXTS},
}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    write(tmp_path, FILES)
    return tmp_path


def read(agent: Agent, folder: Path) -> list[str]:
    """The files of a folder that were told, by their names in it."""
    agent.hear_what_came()
    root = str(folder) + os.sep
    return [
        each.file.path[len(root) :] for each in agent.of(m.Read) if each.file.path.startswith(root)
    ]


BY_THE_START = {"app.py", "helper.py", "pkg/__init__.py", "pkg/inner.py", "settings.cfg"} | {
    f"{name}.txt" for name in TEXTS
}


@pytest.mark.parametrize("cached", [False, True])
def test_what_a_start_reads(start: Start, app: Path, end: str, cached: bool) -> None:
    """Modules whose bytecode is cached are told by their source."""
    if cached:
        for name in FILES:
            os.utime(app / name, (1_700_000_000, 1_700_000_000))
        first = start(end)
        first.serve()
        assert list(app.glob("__pycache__/helper.*.pyc"))
    agent = start(end)
    agent.serve()
    told = read(agent, app)
    assert set(told) == BY_THE_START
    assert len(told) == len(set(told))  # each once
    for each in agent.of(m.Read):
        if each.file.path.startswith(str(app)):
            status = os.stat(each.file.path)
            assert (each.file.mtime_ns, each.file.size) == (status.st_mtime_ns, status.st_size)
    before = [type(message) for message in agent.heard].index(m.Ask)
    assert len([x for x in agent.heard[:before] if isinstance(x, m.Read)]) == len(agent.of(m.Read))


def test_bytecode_kept_elsewhere(
    start: Start, app: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("bytecode")
    for name in FILES:
        os.utime(app / name, (1_700_000_000, 1_700_000_000))
    for _ in range(2):
        agent = start(env={"PYTHONPYCACHEPREFIX": str(elsewhere)})
        agent.serve()
        assert set(read(agent, app)) == BY_THE_START
    assert list(elsewhere.rglob("helper.*.pyc"))


def test_requests_read_nothing_but_modules(start: Start, app: Path) -> None:
    agent = start()
    agent.serve()
    before = read(agent, app)
    assert agent.get("/").text == "pagelater"
    assert agent.get("/lazy").text == "later"
    assert set(read(agent, app)) - set(before) == {"later_module.py", "later_still.py"}


def test_libraries_are_told_together(start: Start, app: Path) -> None:
    agent = start()
    agent.serve()
    (loaded,) = [agent.expect(m.Loaded)]
    assert any(path.endswith("flask/app.py") for path in loaded.files)
    assert any(path.endswith("json/tool.py") for path in loaded.files)
    assert not any(path.startswith(str(app)) for path in loaded.files)
    assert not any("hotplate_agent" in path for path in loaded.files)
    assert not any("site-packages" in each.file.path for each in agent.of(m.Read))


def test_a_script_is_read_too(start: Start, tmp_path: Path, end: str) -> None:
    write(
        tmp_path,
        {
            "bin/main.py": "import helper\nfrom flask import Flask\nFlask('x').run()\n",
            "bin/helper.py": "",
        },
    )
    agent = start(end)
    agent.serve(script="bin/main.py")
    assert set(read(agent, tmp_path)) == {"bin/main.py", "bin/helper.py"}


def test_files_are_told_as_they_were_before_they_were_read(start: Start, tmp_path: Path) -> None:
    """A save while the app reads must look like a change."""
    write(
        tmp_path,
        {
            "app.py": """
            import os
            from flask import Flask
            app = Flask(__name__)
            content = open("data.txt").read()
            with open("data.txt", "w") as file:
                file.write("something longer")
            os.utime("data.txt", (1_800_000_000, 1_800_000_000))
            """,
            "data.txt": "short",
        },
    )
    status = os.stat(tmp_path / "data.txt")
    agent = start()
    agent.serve()
    (seen,) = [each.file for each in agent.of(m.Read) if each.file.path.endswith("data.txt")]
    assert (seen.mtime_ns, seen.size) == (status.st_mtime_ns, status.st_size)


# ---------------------------------------------------------------- bytecode

VERSIONS = """
from flask import Flask
import helper

app = Flask(__name__)
app.add_url_rule("/", "index", lambda: helper.NAME)
"""


def test_two_saves_within_a_second(start: Start, tmp_path: Path, end: str) -> None:
    """Of the same size, and with the same whole second: Python would run the first one's code."""
    write(tmp_path, {"app.py": VERSIONS})
    for number in range(3):
        write(tmp_path, {"helper.py": f"NAME = 'v{number}'\n"})
        os.utime(tmp_path / "helper.py", ns=(0, recently(number)))
        agent = start(end)
        agent.serve()
        assert agent.get().text == f"v{number}"


def recently(number: int) -> int:
    """A time of now's whole second, in nanoseconds; another for each number."""
    return int(time.time()) * 1_000_000_000 + number


def test_bytecode_of_what_was_saved_is_not_trusted(start: Start, tmp_path: Path, end: str) -> None:
    """Whoever has written it: a test runner beside us may have, a moment ago."""
    write(tmp_path, {"app.py": VERSIONS, "helper.py": "NAME = 'old'\n"})
    os.utime(tmp_path / "helper.py", (1_700_000_000, 1_700_000_000))
    for flags in ([], ["-O"], ["-OO"]):
        command = [end, *flags, "-c", "import helper"]
        subprocess.run(command, cwd=tmp_path, env=environment(), check=True)
    write(tmp_path, {"helper.py": "NAME = 'new'\n"})
    os.utime(tmp_path / "helper.py", (1_700_000_000, 1_700_000_000))
    agent = start(end)
    agent.serve()
    assert agent.get().text == "old"  # the trap is there
    agent = start(end)
    agent.serve(changed=[str(tmp_path / "helper.py"), str(tmp_path / "gone.py"), "/no/such.txt"])
    assert agent.get().text == "new"


def test_bytecode_is_kept_where_it_can_be_trusted(start: Start, tmp_path: Path) -> None:
    write(tmp_path, {"app.py": VERSIONS, "helper.py": "NAME = 'old'\n", "fresh.py": ""})
    os.utime(tmp_path / "helper.py", (1_700_000_000, 1_700_000_000))
    agent = start()
    agent.serve()
    assert list(tmp_path.glob("__pycache__/helper.*.pyc"))
    assert not list(tmp_path.glob("__pycache__/app.*.pyc"))  # saved a moment ago
