"""Apps are found where Flask would not look, and only what is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotplate.project import candidates
from hotplate.project.candidates import find_apps
from hotplate.project.choice import choose, named, settle
from hotplate.project.discovery import locate
from hotplate.project.environment import peek
from hotplate.project.settings import Settings, resolve
from project.conftest import write

APP = "from flask import Flask\n\napp = Flask(__name__)\n"
FACTORY = "from flask import Flask\n\n\ndef create_app():\n    return Flask(__name__)\n"
WSGI = "from shop import create_app\n\napp = create_app()\n"


def files(folder: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        write(folder / name, text)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        # Other names, other places.
        ({"main.py": APP}, [(".", "main")]),
        ({"backend/app.py": APP}, [("backend", None)]),
        ({"backend/main.py": APP}, [("backend", "main")]),
        ({"shop/__init__.py": FACTORY}, [(".", "shop")]),
        ({"src/shop/__init__.py": FACTORY}, [(".", "src/shop")]),
        ({"src/main.py": APP}, [(".", "src/main")]),
        ({"shop/__init__.py": "", "shop/web.py": APP}, [(".", "shop.web")]),
        # What a folder's own wsgi.py or app.py runs is one app, whatever it is made of.
        ({"api/wsgi.py": WSGI, "api/shop/__init__.py": FACTORY}, [("api", None)]),
        ({"api/app/__init__.py": FACTORY, "api/app/main.py": APP}, [("api", None)]),
        ({"shop/__init__.py": FACTORY, "shop/old.py": APP}, [(".", "shop")]),
        ({"run.py": WSGI + "app.run()\n", "shop/__init__.py": FACTORY}, [(".", "shop")]),
        # Several.
        (
            {"services/shop/app.py": APP, "services/admin/app.py": APP},
            [("services/admin", None), ("services/shop", None)],
        ),
        ({"shop.py": APP, "admin.py": APP}, [(".", "admin"), (".", "shop")]),
        (
            {"main.py": "import flask\nshop = flask.Flask('a')\nadmin = flask.Flask('b')\n"},
            [(".", "main:admin"), (".", "main:shop")],
        ),
        # Kinds of Flask.
        (
            {"web.py": "from flask import Flask\nclass Shop(Flask): ...\nit = Shop(__name__)\n"},
            [(".", "web")],
        ),
        (
            {"web.py": "import flask\ntry:\n    app = flask.Flask('x')\nfinally: ...\n"},
            [(".", "web")],
        ),
        # No apps.
        ({"tests/app.py": APP, "test_app.py": APP, "conftest.py": FACTORY}, []),
        ({"examples/hello/app.py": APP, "docs/app.py": APP}, []),
        ({"venv/lib/app.py": APP, "node_modules/x/app.py": APP, ".cache/app.py": APP}, []),
        ({"a/b/c/d/e/app.py": APP}, []),
        ({"api/app.py": "from fastapi import FastAPI\napp = FastAPI()\n"}, []),
        ({"work.py": "from celery import Celery\nfrom flask import Flask\napp = Celery()\n"}, []),
        ({"web.py": "from flask import Blueprint\nbp = Blueprint('a', __name__)\n"}, []),
        ({"web.py": "from flask import Flask\ndef f():\n    app = Flask('x')\n"}, []),
        ({"web.py": "from flask import Flask\napp = Flask(\n"}, []),
        ({}, []),
    ],
)
def test_the_apps_of_a_folder(
    texts: dict[str, str], expected: list[tuple[str, str | None]], workspace: Path
) -> None:
    files(workspace, texts)
    assert [(each.folder, each.app) for each in find_apps(workspace)] == expected


def test_the_search_ends(workspace: Path) -> None:
    for number in range(500):
        write(workspace / f"m{number:03}.py")
    write(workspace / "zoo.py", APP)
    assert find_apps(workspace) == []  # beyond the first 400
    assert find_apps(workspace / "missing") == []


def test_the_search_ends_in_time(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also among folders that hold no Python at all."""
    files(workspace, {"many/photo.jpg": "", "shop/main.py": APP})
    assert [each.title for each in find_apps(workspace)] == ["shop (main)"]
    clock = iter(range(100))
    monkeypatch.setattr(candidates.time, "monotonic", lambda: next(clock) * 0.6)
    assert (
        find_apps(workspace) == []
    )  # each look at the clock is 0.6 s later: it ends at the second


def test_what_is_found_is_as_if_it_had_been_set(workspace: Path) -> None:
    files(workspace, {"backend/main.py": APP})
    found, several = settle(Settings(), workspace, {})
    assert found is not None and several == []
    settings = choose(Settings(), found)
    assert (settings.folder, settings.app) == ("backend", "main")
    written = resolve(None, named(Settings(), found), workspace).apps[0]
    assert (written.folder, written.app) == ("backend", "main")
    located = locate(settings, peek(settings, workspace, {}), workspace)
    assert (located.kind, located.target) == ("found", "main")
    assert (located.file, located.line) == (workspace / "backend" / "main.py", 2)
    below, _ = settle(Settings(folder="backend", sources={"folder": "editor"}), workspace, {})
    assert below is not None and (below.folder, below.app) == (".", "main")


@pytest.mark.parametrize(
    ("texts", "settings", "env"),
    [
        ({"main.py": APP, "app.py": APP}, {}, {}),  # Flask finds it
        ({"main.py": APP, "app.py": "x = 1\n"}, {}, {}),  # it is tried, and told
        ({"main.py": APP, ".flaskenv": "FLASK_APP=other\n"}, {}, {}),
        ({"main.py": APP}, {}, {"FLASK_APP": "other"}),
        ({"main.py": APP}, {"app": "other"}, {}),
        ({"main.py": APP}, {"script": "main.py"}, {}),
        ({"main.py": APP}, {"cwd": "."}, {}),
    ],
)
def test_nothing_is_looked_for_where_it_is_said(
    texts: dict[str, str], settings: dict[str, str], env: dict[str, str], workspace: Path
) -> None:
    files(workspace, texts)
    (asked,) = resolve(settings, None, workspace).apps
    assert settle(asked, workspace, env) == (None, [])


def test_what_the_apps_own_folder_says_counts(workspace: Path) -> None:
    files(workspace, {"api/a.py": APP, "api/b.py": APP, "api/.flaskenv": "FLASK_APP=b\n"})
    found, several = settle(Settings(), workspace, {})
    assert found is not None and several == []
    assert named(Settings(), found) == {"folder": "api"}


def test_several_in_the_module_that_flask_takes(workspace: Path) -> None:
    files(
        workspace, {"app/__init__.py": "import flask\na = flask.Flask('a')\nb = flask.Flask('b')\n"}
    )
    found, several = settle(Settings(), workspace, {})
    assert found is None
    assert [each.title for each in several] == ["app:a", "app:b"]


@pytest.mark.parametrize(
    ("name", "expected"), [("backend/app.py", ("backend", None)), ("main.py", (".", "main"))]
)
def test_an_app_in_a_large_module(
    name: str, expected: tuple[str, str | None], tmp_path: Path
) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(
        "from flask import Flask\n\napp = Flask(__name__)\n" + "x = 'some data'\n" * 1200
    )
    assert [(each.folder, each.app) for each in find_apps(tmp_path)] == [expected]
