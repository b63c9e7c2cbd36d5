"""Where Flask finds an app is asked of Flask itself, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hotplate.project.discovery import Located, locate, looks_like_flask, mentions_flask
from hotplate.project.environment import Peek
from hotplate.project.planner import AppPlanner
from hotplate.project.settings import Settings
from hotplate.project.source import find_app_line
from project.conftest import write

# The app that Flask loads for a target, and the module's file that it took it from.
ORACLE = """
import json, re, sys
from flask import cli
target = sys.argv[1] or None
app = cli.ScriptInfo(app_import_path=target).load_app()
names = [re.split(r":(?![\\\\/])", target)[0]] if target else ["wsgi.py", "app.py"]
for name in names:
    module = sys.modules.get(cli.prepare_import(name))
    if module:
        break
print(json.dumps([app.name, module.__file__]))
"""

APP = "from flask import Flask\n\n{name} = Flask({call!r})\n"
FACTORY = "from flask import Flask\n\n\ndef {name}(kind='x'):\n    return Flask('made-' + kind)\n"


def ask_flask(target: str, cwd: Path) -> tuple[str, Path]:
    done = subprocess.run(
        [sys.executable, "-c", ORACLE, target],
        cwd=cwd,
        # An editable install's src, which is where a project's packages may stand.
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(cwd / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    name, file = json.loads(done.stdout)
    return name, Path(file)


LAYOUT = {
    "app.py": APP.format(name="app", call="app"),
    "main.py": APP.format(name="application", call="main"),
    "shop/__init__.py": FACTORY.format(name="create_app"),
    "shop/web.py": APP.format(name="site", call="web"),
    "tools/__init__.py": "",
    "tools/admin/__init__.py": APP.format(name="admin", call="admin"),
    "apps/api.py": FACTORY.format(name="build"),
    "src/packed/__init__.py": APP.format(name="app", call="packed"),
    "src/packed/server.py": APP.format(name="app", call="server"),
    "both.py": APP.format(name="app", call="module"),
    "both/__init__.py": APP.format(name="app", call="package"),
}


@pytest.mark.parametrize(
    ("target", "file", "line"),
    [
        ("", "app.py", 2),
        ("main", "main.py", 2),
        ("main.py", "main.py", 2),
        ("main:application", "main.py", 2),
        ("./main.py:application", "main.py", 2),
        ("shop", "shop/__init__.py", 3),
        ("shop:create_app", "shop/__init__.py", 3),
        ("shop:create_app('y')", "shop/__init__.py", 3),
        ("shop:create_app(kind='a:b')", "shop/__init__.py", 3),
        ("shop/__init__.py", "shop/__init__.py", 3),
        ("shop.web", "shop/web.py", 2),
        ("shop/web.py:site", "shop/web.py", 2),
        ("shop/web", "shop/web.py", 2),
        ("tools.admin:admin", "tools/admin/__init__.py", 2),
        ("tools/admin", "tools/admin/__init__.py", 2),
        ("apps/api.py:build()", "apps/api.py", 3),
        ("packed", "src/packed/__init__.py", 2),
        ("packed.server:app", "src/packed/server.py", 2),
        ("src/packed/server.py", "src/packed/server.py", 2),
        ("both", "both/__init__.py", 2),
        ("both.py", "both/__init__.py", 2),
    ],
)
def test_the_app_is_where_flask_finds_it(
    target: str, file: str, line: int, workspace: Path
) -> None:
    for name, text in LAYOUT.items():
        write(workspace / name, text)
    found = locate(Settings(app=target or None), Peek(), workspace)
    _, expected = ask_flask(target, workspace)
    assert found.file == expected == workspace / file
    assert found.line == line
    assert (found.kind, found.target) == (("configured", target) if target else ("found", None))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["wsgi.py", "app.py"], "wsgi.py"),
        (["app/__init__.py"], "app/__init__.py"),
        (["app/__init__.py", "app.py"], "app/__init__.py"),
    ],
)
def test_what_flask_takes_where_no_app_is_named(
    files: list[str], expected: str, workspace: Path
) -> None:
    for name in files:
        write(workspace / name, APP.format(name="app", call=name))
    found = locate(Settings(), Peek(), workspace)
    assert found.file == workspace / expected == ask_flask("", workspace)[1]
    assert (found.kind, found.target, found.line) == ("found", None, 2)
    assert found.reason.startswith(expected)


def test_none_says_what_to_do(workspace: Path) -> None:
    write(workspace / "src" / "app.py")  # Flask does not look there
    found = locate(Settings(), Peek(), workspace)
    assert (found.kind, found.target, found.file, found.line) == ("none", None, None, None)
    assert str(workspace) in found.reason
    assert "Set hotplate.app" in found.reason


def test_who_named_the_app(workspace: Path) -> None:
    write(workspace / "api" / "shop.py", "app = 1\n")
    peek = Peek(app="shop", sources={"app": "FLASK_APP in .flaskenv"})
    file = workspace / "api" / "shop.py"
    settings = Settings(folder="api")
    assert locate(settings, peek, workspace) == Located(
        "configured", "shop", file, 0, "FLASK_APP in .flaskenv"
    )
    settings = Settings(folder="api", app="shop:app", sources={"app": "editor"})
    assert locate(settings, peek, workspace) == Located(
        "configured", "shop:app", file, 0, "hotplate.app"
    )
    settings = Settings(folder="api", app="shop", sources={"app": "pyproject"})
    assert locate(settings, peek, workspace).reason == "[tool.hotplate] app"


@pytest.mark.parametrize(
    "target", ["installed.package", "gone/app.py", "/", ".", "", ":app", "a\0"]
)
def test_a_target_that_is_no_file_of_the_project(target: str, workspace: Path) -> None:
    found = locate(Settings(app=target), Peek(), workspace)
    assert found.file is None
    assert found.line is None
    if target.strip("."):
        assert f'no file of the project ("{target}")' in found.reason


@pytest.mark.parametrize(
    ("script", "file", "line"),
    [
        ("run.py", "run.py", 3),
        ("./bin/serve", "bin/serve", 1),
        ("-m jobs", "jobs/__main__.py", 0),
        ("-m jobs.web", "jobs/web.py", 0),
        ("-mjobs.web", "jobs/web.py", 0),
        ("-m packed", "src/packed/__main__.py", 0),
        ("-m gone", None, None),
        ("gone.py", None, None),
    ],
)
def test_a_script(script: str, file: str | None, line: int | None, workspace: Path) -> None:
    write(
        workspace / "run.py",
        "from shop import make\nif __name__ == '__main__':\n    web = make()\n    web.run()\n",
    )
    write(workspace / "bin" / "serve", "import flask\nserver = flask.Flask('x')\nserver.run()\n")
    write(workspace / "jobs" / "__main__.py", "app = 1\n")
    write(workspace / "jobs" / "web.py", "app = 1\n")
    write(workspace / "src" / "packed" / "__main__.py", "app = 1\n")
    found = locate(Settings(script=script, app=None), Peek(app="other"), workspace)
    assert (found.kind, found.target) == ("configured", script)
    assert found.file == (file and workspace / file)
    assert found.line == line


@pytest.mark.parametrize(
    ("text", "name", "line"),
    [
        ("import os\napp = make()\napp = wrap(app)\n", None, 1),
        ("import os\napp: Flask = make()\n", None, 1),
        ("site = Flask(__name__)\napp = make()\n", None, 1),
        ("x = 1\nsite = flask.Flask(__name__)\n", None, 1),
        ("x = 1\nsite: Flask = Flask(__name__)\ndef create_app(): ...\n", None, 1),
        ("\n\ndef create_app():\n    app = Flask(__name__)\n    return app\n", None, 2),
        ("\nasync def make_app(): ...\n", None, 1),
        ("from shop import create_app\n", None, 0),
        ("from shop import site as app\n", None, 0),
        ("try:\n    import x\nexcept ImportError:\n    app = Flask('a')\n", None, 3),
        ("if True:\n    pass\nelse:\n    app, db = make()\n", None, 3),
        ("with x:\n    application = Flask('a')\n", None, 1),
        ("class A:\n    app = Flask('a')\n", None, None),
        ("x = 1\ny = 2\n", None, None),
        ("import x\nx.socketio.run(1)\n", None, 1),
        ("app = 1\ndef build(): ...\n", "build", 1),
        ("app = 1\n", "build", None),
        ("from shop import build\n", "build", 0),
        # What cannot be parsed just now.
        ("import os\napp = Flask(__name__\n", None, 1),
        ("def (:\nsite = flask.Flask(__name__)\n", None, 1),
        ("def (:\ndef create_app():\n", None, 1),
        ("def (:\n    app == 1\nfrom shop import make_app\n", None, 2),
        ("def (:\napp.run()\n", None, 1),
        ("def (:\nbuild = x\n", "build", 1),
        ("def (:\nasync def build():\n", "build", 1),
        ("def (:\nfrom a import b, build\n", "build", 1),
        ("def (:\nbuilder = 1\nbuild == 2\n", "build", None),
        ("\0", None, None),
        ("", None, None),
    ],
)
def test_the_line_of_the_app(text: str, name: str | None, line: int | None, tmp_path: Path) -> None:
    assert find_app_line(write(tmp_path / "app.py", text), name) == line


def test_odd_source_is_survived_in_silence(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    assert find_app_line(tmp_path / "gone.py") is None
    latin = tmp_path / "latin.py"
    latin.write_bytes(b"# coding: latin-1\nname = '\xe9'\napp = 1\n")
    assert find_app_line(latin) == 2
    latin.write_bytes(b"name = '\xe9'\napp = 1\n")
    assert find_app_line(latin) == 1
    assert find_app_line(write(tmp_path / "deep.py", "(" * 5000 + "\napp = 1\n")) == 1
    assert find_app_line(write(tmp_path / "escape.py", "x = '\\d'\napp = 1\n")) == 1
    assert not recwarn.list


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("requirements.txt", "gunicorn\nflask\n"),
        ("requirements.txt", "Flask[async]>=3.0  # web\r\n"),
        ("requirements-dev.txt", "  flask-sqlalchemy==3\n"),
        ("requirements/base.txt", "Flask ~= 3.0\n"),
        ("dev-requirements.in", "flask @ git+https://example.org/flask\n"),
        ("pyproject.toml", '[project]\ndependencies = ["gunicorn", "flask>=3"]\n'),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "3"\nFlask = "^3"\n'),
        ("Pipfile", '[packages]\nflask = "*"\n'),
        ("setup.cfg", "[options]\ninstall_requires =\n    flask; python_version > '3'\n"),
        ("setup.py", "setup(install_requires=['Flask'])\n"),
        ("environment.yml", "dependencies:\n  - flask=3\n"),
        ("shop.py", "from flask import Flask\n"),
        ("shop.py", "import os, flask\n"),
        ("shop.py", "def make():\n    from flask.views import View\n"),
        ("a/b/c/shop.py", "import flask_restful\n"),
    ],
)
def test_evidence_of_flask(file: str, text: str, workspace: Path) -> None:
    write(workspace / "wsgi.py", "from shop import create_app\napp = create_app()\n")
    assert not looks_like_flask(workspace)
    write(workspace / file, text)
    assert looks_like_flask(workspace)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("requirements.txt", "django\nmyflask\nflasky\n# for flask use another\n"),
        ("pyproject.toml", '[project]\ndescription = "Not a Flask app, but like one"\n'),
        ("shop.py", "import flasky\nfrom myflask import x\ntext = 'flask'\n"),
        ("notes.txt", "flask\n"),
        ("a/b/c/d/shop.py", "import flask\n"),
        (".hidden/shop.py", "import flask\n"),
        ("node_modules/x/shop.py", "import flask\n"),
        (".venv/lib/python3.12/site-packages/shop.py", "import flask\n"),
        ("lib/site-packages/shop.py", "import flask\n"),
    ],
)
def test_no_evidence_of_flask(file: str, text: str, workspace: Path) -> None:
    write(workspace / file, text)
    assert not looks_like_flask(workspace)


def test_a_virtual_environment_of_any_name_is_no_evidence(workspace: Path) -> None:
    write(workspace / "python" / "pyvenv.cfg")
    write(workspace / "python" / "shop.py", "import flask\n")
    assert not looks_like_flask(workspace)
    (workspace / "python" / "pyvenv.cfg").unlink()
    assert looks_like_flask(workspace)


def test_the_search_for_evidence_ends(workspace: Path) -> None:
    for number in range(300):
        write(workspace / "many" / f"m{number:03}.py", "import os\n")
    write(workspace / "zoo" / "shop.py", "import flask\n")
    assert not looks_like_flask(workspace)  # beyond the first 200
    assert not looks_like_flask(workspace / "missing")


def test_a_file_that_mentions_flask(tmp_path: Path) -> None:
    assert mentions_flask(write(tmp_path / "a.py", "from flask import Flask\n"))
    assert not mentions_flask(write(tmp_path / "b.py", "from shop import create_app\n"))
    assert not mentions_flask(tmp_path / "missing.py")


def test_a_module_without_a_blank(tmp_path: Path) -> None:
    (tmp_path / "web.py").write_text("from flask import Flask\napp = Flask('x')\napp.run()\n")
    planner = AppPlanner(Settings(script="-mweb", sources={"script": "editor"}), tmp_path)
    assert planner.locate().file == tmp_path / "web.py"
    assert planner.plan().load.module == "web"
