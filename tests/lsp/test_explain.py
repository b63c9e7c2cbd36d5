"""Failures in a person's words."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotplate.lsp.explain import LONGEST, Explained, blamed, explain
from hotplate.project.discovery import Located
from hotplate.project.interpreter import Interpreter
from hotplate.supervision.events import Failure
from hotplate_agent.messages import Cause, Frame, Report

PYTHON = Interpreter(Path("/shop/.venv/bin/python"), ".venv in the folder", "venv")
NAMED = Located("configured", "shop:web", Path("/shop/shop.py"), 0, "hotplate.app")
LOST = Located("configured", "x.py", None, None, 'hotplate.script, which is no file ("x.py")')


def report(type_: str, message: str = "", **more: object) -> Report:
    return Report(type_, message, "", [], [])._replace(**more)


@pytest.mark.parametrize(
    ("kind", "told", "located", "type_", "says"),
    [
        ("error", report("ValueError", "no"), None, "ValueError", ["no"]),
        ("error", report("app.shop.Odd", "no"), None, "Odd", ["no"]),
        ("error", report("make.<locals>.Odd"), None, "Odd", []),
        ("error", report("MemoryError"), None, "MemoryError", ["not enough memory"]),
        ("error", report("MemoryError", "of mine"), None, "MemoryError", ["of mine"]),
        ("exit", report("SystemExit", "3"), None, "SystemExit", ["sys.exit(3)"]),
        ("exit", report("SystemExit", ""), None, "SystemExit", ["sys.exit()"]),
        ("exit", report("SystemExit", "no key"), None, "SystemExit", ["sys.exit()", "no key"]),
        ("exit", report("SystemExit", "/usr/bin/python: No module named x"), LOST,
         "ModuleNotFoundError", ["No module named x", "hotplate.script is 'x.py'"]),
        ("error", report("flask.cli.NoAppException", "Nothing."), None,
         "NoAppException", ["Nothing.", "hotplate.app"]),
        ("error", report("flask.cli.NoAppException", "Nothing."), NAMED,
         "NoAppException", ["Nothing.", "hotplate.app is 'shop:web'"]),
        ("error", report("flask.cli.NoAppException", "No call.",
                         causes=[Cause("TypeError", "f() takes 0", [], "cause")]), None,
         "NoAppException", ["No call. (f() takes 0)"]),
        ("error", report("FileNotFoundError", "[Errno 2]"), LOST,
         "FileNotFoundError", ["'x.py'", "hotplate.script names."]),
        ("error", report("FileNotFoundError", "[Errno 2] data"), NAMED,
         "FileNotFoundError", ["[Errno 2] data"]),
        ("error", report("SyntaxError", "'utf-8' codec can't decode byte 0xe9"), None,
         "SyntaxError", ["0xe9", "UTF-8", "coding:"]),
        ("error", report("SyntaxError", "invalid syntax"), None, "SyntaxError", ["invalid syntax"]),
        ("error", report("click.exceptions.BadParameter", "Invalid value for '--cert': no."), None,
         "BadParameter", ["no.", "hotplate.cert"]),
        ("error", report("ModuleNotFoundError", "No module named 'flask'", missing="flask"), None,
         "ModuleNotFoundError",
         ["no Flask in /shop/.venv/bin/python", ".venv in the folder", "hotplate.interpreter"]),
        ("error", report("ModuleNotFoundError", "No module named 'PIL.Image'",
                         missing="PIL.Image"), None,
         "ModuleNotFoundError",
         ["/shop/.venv/bin/python -m pip install Pillow", ".venv in the folder"]),
        ("port", report("PortTaken", "Port 5000 is taken by x."), None,
         "PortTaken", ["Port 5000"]),
    ],
)  # fmt: skip
def test_explain(
    kind: str, told: Report, located: Located | None, type_: str, says: list[str]
) -> None:
    explained = explain(Failure(kind, told), PYTHON, located)
    assert explained.type == type_
    for text in says:
        assert text.lower() in explained.message.lower()


@pytest.mark.parametrize(("kind", "type_"), [("exit", "SystemExit"), ("idle", "NothingServed")])
def test_what_the_app_caught_before(kind: str, type_: str) -> None:
    caught = Cause("shop.Bad", "no such thing", [Frame("/shop/plugin.py", 7, "<module>")], "caught")
    told = report(type_, "unknown command 'web'")._replace(causes=[caught])
    message = explain(Failure(kind, told), PYTHON).message
    assert "unknown command 'web'" in message
    assert "Before that, it caught Bad: no such thing (plugin.py, line 7)" in message


def test_flask_and_werkzeug_that_do_not_fit() -> None:
    frame = Frame("/x/site-packages/flask/__init__.py", 4, "<module>")
    told = report("ImportError", "cannot import name 'url_quote'", frames=[frame])
    failure = Failure("error", told, {"flask": "2.2.5", "werkzeug": "3.0.1"})
    message = explain(failure, PYTHON).message
    for text in ("Flask 2.2.5", "Werkzeug 3.0.1", "url_quote", "/shop/.venv/bin/python -m pip"):
        assert text in message
    own = told._replace(frames=[Frame("/shop/app.py", 1, "<module>")])
    assert explain(Failure("error", own, failure.versions), PYTHON).message == told.message


@pytest.mark.parametrize(
    ("explained", "headline"),
    [
        (Explained("E", "m"), "E: m"),
        (Explained("E", ""), "E"),
        (Explained("E", "E"), "E"),
    ],
)
def test_headline(explained: Explained, headline: str) -> None:
    assert explained.headline == headline


def test_a_long_message_is_cut() -> None:
    explained = explain(Failure("error", report("E", "x" * 10_000_000)), None)
    assert len(explained.message) == LONGEST + 1


def test_the_setting_to_blame() -> None:
    assert blamed(Explained("HostUnknown", "")) == ("host",)
    assert blamed(Explained("ValueError", "")) == ()
    invalid = "Invalid value for '-e' / '--env-file': File 'dev.env' does not exist."
    assert blamed(Explained("BadParameter", invalid)) == ("env_file",)
