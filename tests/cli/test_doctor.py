"""`hotplate doctor`, on folders of all kinds."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hotplate.cli import main
from hotplate.cli.doctor_findings import Obstacle
from hotplate.cli.doctor_pairs import go_together
from hotplate.project.approvals import Approvals

from .conftest import Run

Project = Callable[..., Path]

FACTORY = """\
from flask import Flask


def create_app():
    open("imported", "w").close()
    return Flask(__name__)


open("imported", "w").close()
"""


@pytest.fixture(autouse=True)
def _python_with_flask(monkeypatch: pytest.MonkeyPatch) -> None:
    """The interpreter that the folders' apps get, unless they have one of their own."""
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    for name in ("PYTHONPATH", "FLASK_APP", "FLASK_RUN_PORT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def doctor(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["doctor", str(folder), *options])


def findings(folder: Path) -> dict[str, Any]:
    """What --json says; the exit code agrees with it."""
    done = doctor(folder, "--json")
    found: dict[str, Any] = json.loads(done.output)
    assert done.exit_code == (0 if found["couldStart"] else 1)
    return found


def obstacles(folder: Path) -> list[str]:
    return [each["what"] for app in findings(folder)["apps"] for each in app["obstacles"]]


def settings(**values: object) -> str:
    lines = [f"{key.replace('_', '-')} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(["[tool.hotplate]", *lines, ""])


# ---------------------------------------------------------------- all is well


def test_a_factory(project: Project, port: int) -> None:
    folder = project({
        "src/shop/__init__.py": FACTORY,
        "pyproject.toml": settings(app="shop:create_app", auto_start="always"),
        ".flaskenv": f"FLASK_RUN_PORT={port}\n",
    })  # fmt: skip
    found = findings(folder)
    (app,) = found["apps"]
    assert found["couldStart"]
    assert found["settings"] == ["app", "auto-start"]
    assert found["host"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert app["app"]["target"] == "shop:create_app"
    assert app["app"]["file"] == str(folder / "src/shop/__init__.py")
    assert app["app"]["line"] == 4
    assert app["python"]["version"] == found["host"]["python"]
    assert app["python"]["flask"] and app["python"]["werkzeug"]
    assert app["python"]["fit"] is True
    assert app["address"]["host"] == "127.0.0.1"
    assert app["address"]["port"] == port
    assert app["address"]["portFrom"] == "FLASK_RUN_PORT in .flaskenv"
    assert app["address"]["free"] is True
    assert app["envFiles"] == [str(folder / ".flaskenv")]
    assert app["autoStart"] == "always"
    assert app["obstacles"] == []
    assert not list(folder.rglob("imported")), "the person's code is not to be run"


def test_the_same_for_a_person(project: Project, port: int, run: Run) -> None:
    toml = settings(app="shop:create_app", port=port)
    folder = project({"shop.py": FACTORY, "pyproject.toml": toml})
    done = run("doctor", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    for text in (
        "✓ app          shop:create_app, shop.py:4",
        "they go together",
        f"✓ port         {port}",
        "[tool.hotplate] port, free",
        "· autoStart    ask",
        "✓ Nothing stands in the way.",
    ):
        assert text in done.stdout
    app, interpreter = (
        line for line in done.stdout.splitlines() if line.startswith(("  ✓ app", "  ✓ interpreter"))
    )
    assert app.index("[tool.hotplate] app") == interpreter.index("Python "), "in one column"


def test_where_unicode_cannot_be_shown(project: Project, run: Run) -> None:
    done = run("doctor", project({"shop.py": ""}), PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    assert "  x app" in done.stdout
    assert "    -> Set hotplate.app" in done.stdout


def test_an_approved_folder(project: Project, port: int) -> None:
    folder = project({"app.py": FACTORY, "pyproject.toml": settings(port=port)})
    assert findings(folder)["approved"] is False
    Approvals().approve(folder)
    assert findings(folder)["approved"] is True
    assert "the folder is approved" in doctor(folder).output


# ---------------------------------------------------------------- the app


def test_nothing(project: Project) -> None:
    done = doctor(project({"notes.txt": ""}))
    assert done.exit_code == 1
    assert "What stands in the way" in done.output
    assert "neither wsgi.py nor app.py" in done.output
    assert "→ Set hotplate.app" in done.output


def test_an_app_where_flask_does_not_look(project: Project, port: int) -> None:
    app = "import flask\n\napp = flask.Flask(__name__)\n"
    folder = project({"backend/main.py": app, ".env": f"FLASK_RUN_PORT={port}\n"})
    (found,) = findings(folder)["apps"]
    assert found["obstacles"] == []
    assert found["folder"] == str(folder / "backend")
    assert found["app"]["target"] == "main"
    assert (found["app"]["file"], found["app"]["line"]) == (str(folder / "backend/main.py"), 3)
    assert "was found" in found["app"]["reason"]

    (folder / "other.py").write_text(app)
    (what,) = obstacles(folder)
    assert "several Flask apps: other, backend (main)" in what


def test_an_app_that_is_no_flask(project: Project, port: int) -> None:
    wsgi = "from django.core.wsgi import get_wsgi_application\n"
    folder = project({"wsgi.py": wsgi, "pyproject.toml": settings(port=port)})
    (what,) = obstacles(folder)
    assert "nothing in the folder imports or requires Flask" in what


@pytest.mark.parametrize("target", ["nope:app", "src/nope.py", "nope.py:create_app"])
def test_an_app_that_is_not_there(project: Project, port: int, target: str) -> None:
    folder = project({"shop.py": FACTORY, "pyproject.toml": settings(app=target, port=port)})
    (what,) = obstacles(folder)
    assert f'"{target}" ([tool.hotplate] app) is neither in {folder} nor installed.' == what


def test_an_app_of_an_installed_package(project: Project, port: int) -> None:
    folder = project({"x.py": "", "pyproject.toml": settings(app="flask.sansio:app", port=port)})
    assert obstacles(folder) == []


def test_a_syntax_error(project: Project, port: int) -> None:
    source = "from flask import Flask\napp = Flask(\n"
    folder = project({"app.py": source, "pyproject.toml": settings(port=port)})
    (what,) = obstacles(folder)
    assert what.startswith(f"SyntaxError in {folder}/app.py, line 2: ")


def test_a_folder_that_is_not_there(project: Project, port: int) -> None:
    toml = settings(app="shop", cwd="web", port=port)
    assert (
        f"{project({'pyproject.toml': toml})}/web is not there"
        in obstacles(project({"pyproject.toml": toml}))[0]
    )


# ---------------------------------------------------------------- the interpreter


def test_no_flask_in_the_interpreter(project: Project, port: int) -> None:
    folder = project({"app.py": FACTORY, "pyproject.toml": settings(port=port)})
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / ".venv"], check=True)
    (app,) = findings(folder)["apps"]
    assert app["python"]["path"] == str(folder / ".venv/bin/python")
    assert app["python"]["reason"] == "`.venv` in the project"
    assert app["python"]["flask"] is None
    (obstacle,) = app["obstacles"]
    assert obstacle["what"].startswith(f"There is no Flask in {folder}/.venv/bin/python")
    assert f"{folder}/.venv/bin/python -m pip install flask" in obstacle["next"]


def test_an_interpreter_that_is_not_there(project: Project, port: int) -> None:
    toml = settings(interpreter=".env/bin/python", port=port)
    done = doctor(project({"app.py": FACTORY, "pyproject.toml": toml}))
    assert done.exit_code == 1
    assert "✗ interpreter" in done.output
    assert '"tool.hotplate"' not in done.output
    assert ".env/bin/python" in done.output


def test_no_site_customization_of_the_folder_is_run(
    project: Project, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = "open(__file__ + '.run', 'w').close()\n"
    toml = settings(port=port, env={"PYTHONPATH": "."}).replace(": ", " = ")
    folder = project({"app.py": FACTORY, "sitecustomize.py": marker, "pyproject.toml": toml})
    monkeypatch.setenv("PYTHONPATH", f".{os.pathsep}{folder}")
    monkeypatch.chdir(folder)
    assert obstacles(folder) == []
    assert not (folder / "sitecustomize.py.run").exists()


@pytest.mark.parametrize(
    ("flask", "werkzeug", "fit"),
    [
        ("1.1.4", "1.0.1", True), ("1.1.4", "2.0.3", True), ("1.1.4", "2.1.2", False),
        ("2.0.3", "1.0.1", False), ("2.1.3", "2.3.8", True), ("2.1.3", "3.0.6", False),
        ("2.2.2", "3.0.6", False), ("2.2.4", "3.0.6", True), ("2.2.5", "2.1.2", False),
        ("2.3.3", "2.2.3", True), ("3.0.3", "2.3.8", True), ("3.1.3", "3.1.8", True),
        ("4.0.0.dev0", "4.0", True),
    ],
)  # fmt: skip
def test_which_flask_goes_with_which_werkzeug(flask: str, werkzeug: str, fit: bool) -> None:
    assert go_together(flask, werkzeug) is fit


# ---------------------------------------------------------------- host and port


def test_a_taken_port(project: Project) -> None:
    folder = project({"app.py": FACTORY, "pyproject.toml": ""})
    with holding_a_port(folder, "/home/me/hotplate/tool.py") as (taken, pid):
        (folder / "pyproject.toml").write_text(settings(port=taken))
        (app,) = findings(folder)["apps"]
        assert app["address"]["free"] is False
        (obstacle,) = app["obstacles"]
        assert f"Port {taken} is taken by" in obstacle["what"]
        assert f"pid {pid}" in obstacle["what"]
        assert obstacle["next"] == "Stop it, or set hotplate.port."
        assert f"held by {app['address']['holder']}" in doctor(folder).output


@contextlib.contextmanager
def holding_a_port(folder: Path, *words: str) -> Iterator[tuple[int, int]]:
    """A program with these words in its command that listens: the port, and its pid."""
    source = textwrap.dedent("""\
        import socket, sys
        holder = socket.socket()
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        print(holder.getsockname()[1], flush=True)
        sys.stdin.read()
    """)
    command = [sys.executable, "-c", source, *words]
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        yield int(holder.stdout.readline()), holder.pid
        holder.communicate("")


def test_a_port_that_the_app_itself_has(project: Project) -> None:
    folder = project({"app.py": FACTORY, "pyproject.toml": ""})
    with holding_a_port(folder, "hotplate_agent/__main__.py") as (taken, _):
        (folder / "pyproject.toml").write_text(settings(port=taken))
        (app,) = findings(folder)["apps"]
    assert app["address"]["ours"] is True
    assert app["obstacles"] == []


def test_a_host_that_is_not_ours(project: Project, port: int) -> None:
    toml = settings(host="192.0.2.1", port=port)
    (what,) = obstacles(project({"app.py": FACTORY, "pyproject.toml": toml}))
    assert what == "The host '192.0.2.1' is none of this machine's addresses."


def test_two_apps_with_one_port(project: Project, port: int) -> None:
    toml = f"[tool.hotplate]\nport = {port}\napps = [{{app = 'one'}}, {{app = 'two'}}]\n"
    folder = project({"one.py": FACTORY, "two.py": FACTORY, "pyproject.toml": toml})
    assert obstacles(folder) == [f"Port {port} is the port of one too."]
    assert "two: Port" in doctor(folder).output


def test_a_script_knows_its_own_port(project: Project) -> None:
    run = "from flask import Flask\nFlask('x').run()\n"
    (app,) = findings(project({"run.py": run, "pyproject.toml": settings(script="run.py")}))["apps"]
    assert app["address"]["port"] is None
    assert app["obstacles"] == []


def test_a_certificate_that_is_missing(project: Project, port: int) -> None:
    toml = settings(cert="tls/missing.pem", port=port)
    (what,) = obstacles(project({"app.py": FACTORY, "pyproject.toml": toml}))
    assert what.startswith("The cert tls/missing.pem is not there")


# ---------------------------------------------------------------- settings


def test_broken_settings(project: Project, port: int) -> None:
    toml = settings(port=str(port), hots="x", app="shop:create_app", env_file="gone.env")
    found = findings(project({"shop.py": FACTORY, "pyproject.toml": toml}))
    assert [(p["key"], p["line"]) for p in found["settingsProblems"]] == [("port", 2), ("hots", 3)]
    output = doctor(project({"shop.py": FACTORY, "pyproject.toml": toml})).output
    assert "! pyproject.toml:2  " in output
    assert "expected a whole number" in output
    assert 'Did you mean "host"?' in output
    assert "envFile gone.env is not there" in output


def test_a_pyproject_that_is_no_toml(project: Project) -> None:
    found = findings(project({"app.py": FACTORY, "pyproject.toml": "[tool.hotplate\n"}))
    (problem,) = found["settingsProblems"]
    assert "not valid TOML" in problem["message"]


def test_a_folder_that_does_not_exist(run: Run, tmp_path: Path) -> None:
    done = run("doctor", tmp_path / "nowhere")
    assert done.returncode == 2
    assert "nowhere" in done.stderr


@pytest.mark.parametrize(
    ("message", "what", "step"),
    [
        ("Port 1 is taken by x (pid 2, a. B). Stop it.", "Port 1 is taken by x (pid 2, a. B).",
         "Stop it."),
        ("It is gone. Make it anew, e.g. with uv.", "It is gone.", "Make it anew, e.g. with uv."),
        ("It is gone.", "It is gone.", "See the message."),
    ],
)  # fmt: skip
def test_an_obstacle_and_its_next_step(message: str, what: str, step: str) -> None:
    assert Obstacle.of(message) == Obstacle(what, step)
