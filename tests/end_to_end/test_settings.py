"""Settings: where they come from, which wins, and what a change of one does."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pytest_lsp import client_capabilities

from hotplate.lsp.watching import ALWAYS
from support.broken import WORKING
from support.session import Session, free_port

Project = Callable[..., Path]
Open = Callable[[Path], Session]

APP = """\
import os
import sys

from flask import Flask

app = Flask(__name__)


@app.route("/")
def index():
    return "|".join([os.environ.get("COLOUR", "-"), os.getcwd(), str(app.debug), *sys.argv[1:]])


@app.route("/version")
def version():
    return "one"
"""
PYTHON = sys.executable


def port_of(state: dict[str, Any]) -> int:
    return int(state["url"].rpartition(":")[2])


def messages(session: Session) -> list[str]:
    return [params["message"] for params in session.notifications("window/showMessage")]


async def body(session: Session, state: dict[str, Any]) -> list[str]:
    status, text = await session.get(state["url"])
    assert status == 200, text
    return text.split("|")


# ---------------------------------------------------------------- who wins


async def test_the_stronger_source_wins(project: Project, open_session: Open) -> None:
    editor, pyproject, dotenv, flaskenv = (free_port() for _ in range(4))
    folder = project(
        {
            "app.py": APP,
            ".flaskenv": f"FLASK_RUN_PORT={flaskenv}\nFLASK_DEBUG=0\n",
            ".env": f"FLASK_RUN_PORT={dotenv}\n",
            "pyproject.toml": f"[tool.hotplate]\nport = {pyproject}\n",
        }
    )
    session = open_session(folder)
    await session.start({"interpreter": PYTHON, "port": editor, "debug": True})
    state = await session.state("running")
    assert port_of(state) == editor
    assert (await body(session, state))[2] == "True"

    session.configure({"interpreter": PYTHON, "debug": True})
    state = await session.state("running", after=1)
    assert port_of(state) == pyproject
    assert state["reason"] == "configuration"

    session.save("pyproject.toml", "[tool.hotplate]\n")
    state = await session.state("running", after=2)
    assert port_of(state) == dotenv
    assert state["reason"] == "configuration"

    session.save(".env", "")
    state = await session.state("running", after=3)
    assert port_of(state) == flaskenv
    assert state["reason"] == "save"

    session.configure({"interpreter": PYTHON})
    state = await session.state("running", after=4)
    assert (await body(session, state))[2] == "False"  # as .flaskenv says

    session.save(".flaskenv", f"FLASK_RUN_PORT={editor}\n")
    state = await session.state("running", after=5)
    assert port_of(state) == editor
    assert (await body(session, state))[2] == "True"  # Hotplate's default
    await session.barrier()
    assert [number for name, number in session.states() if name == "running"] == [1, 2, 3, 4, 5, 6]


async def test_the_environment_of_the_editor(project: Project, open_session: Open) -> None:
    port = free_port()
    folder = project({"site.py": "", "shop.py": APP.replace("app = Flask", "app = web = Flask")})
    session = open_session(folder)
    await session.start(
        {"interpreter": PYTHON, "env": {"COLOUR": "red"}},
        env={"FLASK_APP": "shop:web", "FLASK_RUN_PORT": str(port), "COLOUR": "blue"},
    )
    state = await session.state("running")
    assert port_of(state) == port
    assert (await body(session, state))[0] == "red"


async def test_options_alone_without_configuration(project: Project, open_session: Open) -> None:
    """A client that can't be asked: initializationOptions, then what it pushes."""
    first, second = free_port(), free_port()
    session = open_session(project({"app.py": APP}))
    await session.start(
        options={"port": first, "interpreter": PYTHON}, capabilities=types.ClientCapabilities()
    )
    assert port_of(await session.state("running")) == first
    session.configure({"port": second}, push=True)
    state = await session.state("running", after=1)
    assert port_of(state) == second
    assert state["reason"] == "configuration"


async def test_options_and_configuration_together(project: Project, open_session: Open) -> None:
    first, second = free_port(), free_port()
    session = open_session(project({"app.py": APP}))
    await session.start({"port": second}, options={"port": first, "interpreter": PYTHON})
    assert port_of(await session.state("running")) == second


async def test_defaults_and_a_free_port(project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": APP}))
    await session.start({"port": 0, "interpreter": PYTHON})
    state = await session.state("running")
    assert state["url"].startswith("http://127.0.0.1:")
    assert port_of(state) > 1023
    session.save("app.py", APP + "\n")
    later = await session.state("running", after=1)
    assert later["url"] == state["url"]  # the same through restarts


async def test_the_virtual_environment_is_found(project: Project, open_session: Open) -> None:
    folder = project({"app.py": APP.replace('"|".join(', '"|".join([sys.prefix] + ')})
    venv = folder / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(Path(sys.prefix, "bin", "python").resolve())
    (venv / "pyvenv.cfg").write_text(f"home = {Path(sys.base_prefix) / 'bin'}\n")
    version = "python{}.{}".format(*sys.version_info)
    site = venv / "lib" / version / "site-packages"
    site.mkdir(parents=True)
    import flask

    (site / "tests.pth").write_text(str(Path(flask.__file__).parents[1]) + "\n")
    session = open_session(folder)
    await session.start({"port": free_port()}, env={"VIRTUAL_ENV": ""})
    state = await session.state("running")
    assert (await body(session, state))[0] == str(venv)


# ---------------------------------------------------------------- mistakes


async def test_mistakes_in_the_editor(project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": APP}))
    port = free_port()
    settings = {
        "port": port,
        "interpreter": PYTHON,
        "prot": 5001,
        "threaded": "sometimes",
        "restartOnSave": "always",
    }
    await session.start(settings)
    state = await session.state("running")
    assert port_of(state) == port
    told = messages(session)
    assert len(told) == 3
    for name in ("prot", "threaded", "restartOnSave"):
        assert any(f"hotplate.{name}" in text for text in told), told
    session.configure({**settings, "drainSeconds": 1})
    await session.barrier()
    assert len(messages(session)) == 3  # each is told once


async def test_mistakes_in_pyproject(project: Project, open_session: Open) -> None:
    folder = project(
        {
            "app.py": APP,
            "pyproject.toml": '[tool.hotplate]\nprot = 1\ndebug = "yes"\nrestartOnSave = "all"\n',
        }
    )
    session = open_session(folder)
    await session.run()
    shown = session.diagnostics(folder / "pyproject.toml")
    assert sorted(problem["range"]["start"]["line"] for problem in shown) == [1, 2, 3]
    by_line = {problem["range"]["start"]["line"]: problem for problem in shown}
    assert "prot" in by_line[1]["message"] and "port" in by_line[1]["message"]
    assert "debug" in by_line[2]["message"]
    assert "restart-on-save" in by_line[3]["message"]
    assert {problem["severity"] for problem in shown} == {2}
    assert messages(session) == []
    session.save("pyproject.toml", "[tool.hotplate]\ndebug = tru\n")
    await session.diagnostic(folder / "pyproject.toml", "TOML")
    session.save("pyproject.toml", "[tool.hotplate]\ndebug = true\n")
    await session.no_diagnostics(folder / "pyproject.toml")
    assert session.states()[-1][0] != "failed"


# ---------------------------------------------------------------- what a change does


async def test_what_does_not_need_a_restart(project: Project, open_session: Open) -> None:
    folder = project({"app.py": APP, "data.txt": "1"})
    session = open_session(folder)
    settings = {"port": free_port(), "interpreter": PYTHON}
    await session.start(settings)
    await session.state("running")
    session.save("data.txt", "2")
    await session.barrier()
    await _configure(session, {**settings, "drainSeconds": 5, "extraFiles": ["data.txt"]})
    assert session.states()[-1] == ("running", 1)
    for number in range(100):  # what was settled is worked out in the background
        session.save("data.txt", "3" * number)
        await session.barrier()
        if session.states()[-1] != ("running", 1):
            break
        await asyncio.sleep(0.02)
    state = await session.state("running", after=1)
    assert state["reason"] == "save"
    assert state["files"] == [(folder / "data.txt").as_uri()]


async def test_an_app_setting_restarts(project: Project, open_session: Open) -> None:
    folder = project({"app.py": APP, "other.py": APP.replace('"one"', '"other"'), "sub/x": ""})
    session = open_session(folder)
    settings: dict[str, Any] = {"port": free_port(), "interpreter": PYTHON}
    await session.start(settings)
    first = await session.state("running")
    for number, more in enumerate(
        [{"app": "other"}, {"app": "other", "env": {"COLOUR": "red"}},
         {"app": str(folder / "other.py"), "cwd": "sub"}], 1,
    ):  # fmt: skip
        session.configure({**settings, **more})
        state = await session.state("running", after=number)
        assert (state["reason"], state["url"]) == ("configuration", first["url"])
        if number == 1:
            assert await session.get(state["url"], "/version") == (200, "other")
        elif number == 2:
            assert (await body(session, state))[0] == "red"
        else:
            assert (await body(session, state))[1] == str(folder / "sub")
    session.configure({**settings, "app": str(folder / "other.py"), "cwd": "sub"})
    await session.barrier()
    assert session.states()[-1] == ("running", 4)  # nothing has changed


async def test_env_file(project: Project, open_session: Open) -> None:
    folder = project({"app.py": APP, "config/dev.env": "COLOUR=green\n"})
    session = open_session(folder)
    state = await session.run(envFile="config/dev.env")
    assert (await body(session, state))[0] == "green"
    session.save("config/dev.env", "COLOUR=yellow\n")
    state = await session.state("running", after=1)
    assert (await body(session, state))[0] == "yellow"


SCRIPT = APP + '\n\nif __name__ == "__main__":\n    app.run(port=1, debug=True)\n'


@pytest.mark.parametrize("script", ["serve.py", "-m shop.serve"])
async def test_scripts(script: str, project: Project, open_session: Open) -> None:
    name = "serve.py" if script == "serve.py" else "shop/serve.py"
    session = open_session(project({name: SCRIPT, "shop/__init__.py": ""}))
    state = await session.run(script=script, args=["--colour", "a b"])
    assert (await body(session, state))[3:] == ["--colour", "a b"]
    session.save(name, SCRIPT.replace('"one"', '"two"'))
    state = await session.state("running", after=1)
    assert await session.get(state["url"], "/version") == (200, "two")


# ---------------------------------------------------------------- which saves


async def test_restart_on_save(project: Project, open_session: Open) -> None:
    folder = project({"app.py": APP})
    session = open_session(folder)
    settings = {"port": free_port(), "interpreter": PYTHON}
    await session.start(settings)
    await session.state("running")
    after_delay = types.TextDocumentSaveReason.AfterDelay

    def save(text: str, reason: types.TextDocumentSaveReason | None = None) -> None:
        if reason is not None:
            session.will_save("app.py", reason)
        session.save("app.py", text)

    # manual: after-delay saves don't count; one at focus change does.
    save(APP + "# 1\n", after_delay)
    await session.barrier()
    assert session.states()[-1] == ("running", 1)
    save(APP + "# 12\n", types.TextDocumentSaveReason.FocusOut)
    await session.state("running", after=1)
    save(APP + "# 123\n", types.TextDocumentSaveReason.Manual)
    await session.state("running", after=2)
    save(APP + "# 1234\n", after_delay)
    await session.barrier()
    save(APP + "# 12345\n")  # no willSave: the reason before is not remembered
    await session.state("running", after=3)

    # all: after-delay saves of what parses.
    await _configure(session, {**settings, "restartOnSave": "all"})
    save(APP + "def half(\n", after_delay)
    save(APP + "# whole\n", after_delay)
    await session.state("running", after=4)
    assert "failed" not in dict(session.states())
    save(APP + "def half(\n")  # the person's own save says that it is meant
    await session.state("failed", after=5)
    save(APP + "# whole again\n", after_delay)
    await session.state("running", after=6)

    # never: only by command.
    await _configure(session, {**settings, "restartOnSave": "never"})
    save(APP + "# never\n")
    await session.barrier()
    assert session.states()[-1] == ("running", 7)
    await session.command("restart", {})
    await session.state("running", after=7, reason="command")


async def _configure(session: Session, settings: dict[str, Any]) -> None:
    """Change settings and wait until the server has taken them: it asks for them in the background.

    Told by a mistake beside them, whose message comes when they are read.
    """
    mark = f"mark{len(messages(session))}"
    session.configure({**settings, mark: 1})
    await session.until(lambda: any(mark in text for text in messages(session)))


async def test_changes_from_outside(project: Project, open_session: Open) -> None:
    folder = project({"app.py": APP.replace("import os", "import a, b, c, os"),
                      "a.py": "", "b.py": "", "c.py": ""})  # fmt: skip
    session = open_session(folder)
    settings = {"port": free_port(), "interpreter": PYTHON}
    await session.start(settings)
    await session.state("running")

    # A checkout: several files at once are one restart.
    for name in ("a.py", "b.py", "c.py"):
        session.write(name, "x = 1\n")
    session.changed_outside("a.py", "b.py", "c.py")
    state = await session.state("running", after=1)
    assert (state["reason"], state["generation"]) == ("external", 2)
    assert len(state["files"]) == 3

    # The editor's watcher echoes a save.
    session.save("a.py", "x = 22\n")
    session.changed_outside("a.py")
    await session.state("running", after=2)
    session.changed_outside("a.py")
    await session.barrier()
    assert session.states()[-1] == ("running", 3)

    # Or it is the first to tell.
    session.write("b.py", "x = 333\n")
    session.changed_outside("b.py")
    session.did_save("b.py")
    await session.state("running", after=3)
    await session.barrier()
    assert session.states()[-1] == ("running", 4)

    await _configure(session, {**settings, "watchExternalChanges": False})
    session.write("c.py", "x = 4444\n")
    session.changed_outside("c.py")
    await session.barrier()
    assert session.states()[-1] == ("running", 4)


async def test_watchers_are_registered_where_they_can_be(
    project: Project, open_session: Open
) -> None:
    session = open_session(project({"app.py": APP}))
    await session.run()
    registered = [
        registration["method"]
        for message in session.received
        if message.get("method") == "client/registerCapability"
        for registration in message["params"]["registrations"]
    ]
    assert "workspace/didChangeWatchedFiles" in registered


# ---------------------------------------------------------------- several apps


async def test_two_apps_in_one_folder(project: Project, open_session: Open) -> None:
    folder = project(
        {"shop/app.py": APP, "admin/app.py": APP.replace('"one"', '"admin"'), "README": ""}
    )
    session = open_session(folder)
    await session.start(
        {
            "interpreter": PYTHON,
            "env": {"COLOUR": "both"},
            "apps": [
                {"name": "shop", "folder": "shop", "port": free_port()},
                {"name": "admin", "folder": "admin", "port": free_port()},
            ],
        }
    )
    shop = await session.state("running", name="shop")
    admin = await session.state("running", name="admin")
    assert shop["app"] != admin["app"]
    assert shop["folder"] == (folder / "shop").as_uri()
    assert await session.get(admin["url"], "/version") == (200, "admin")
    assert (await body(session, shop))[:2] == ["both", str(folder / "shop")]

    # Only the one whose file is saved restarts.
    session.save("shop/app.py", APP.replace('"one"', '"two"'))
    await session.state("running", after=1, name="shop")
    assert await session.get(shop["url"], "/version") == (200, "two")
    for name in ("stop", "restart", "debuggerPin", "openInBrowser"):
        with pytest.raises(JsonRpcException, match="shop"):
            await session.command(name, {})
    await session.command("stop", {"app": admin["app"]})
    await session.state("stopped", name="admin")
    answer = await session.command("state", {})
    assert [(each["name"], each["state"]) for each in answer["apps"]] == [
        ("shop", "running"),
        ("admin", "stopped"),
    ]
    with pytest.raises(JsonRpcException, match="nonsense"):
        await session.command("start", {"app": "nonsense"})
    await session.command("start", {"app": admin["app"]})
    await session.state("running", after=1, name="admin")


async def test_apps_in_pyproject_come_and_go(project: Project, open_session: Open) -> None:
    table = '[[tool.hotplate.apps]]\nname = "{0}"\napp = "{0}:app"\nport = {1}\n'
    one, two = table.format("one", free_port()), table.format("two", free_port())
    folder = project({"one.py": APP, "two.py": APP, "pyproject.toml": one})
    session = open_session(folder)
    await session.start({"interpreter": PYTHON})
    first = await session.state("running", name="one")
    session.save("pyproject.toml", one + two)
    second = await session.state("running", name="two")
    assert await session.get(second["url"], "/version") == (200, "one")
    session.save("pyproject.toml", two)
    await session.state("stopped", name="one")
    with pytest.raises(ConnectionRefusedError):
        await session.get(first["url"])
    answer = await session.command("state", {})
    assert [each["name"] for each in answer["apps"]] == ["two"]
    assert answer["apps"][0]["generation"] == 1  # untouched by it all


async def test_folders_come_and_go(project: Project, open_session: Open) -> None:
    one, two = project({"app.py": APP}, "one"), project({"app.py": APP}, "two")
    session = open_session(one)
    await session.start({"interpreter": PYTHON, "port": 0})
    await session.state("running", name="one")

    def change(added: list[Path], removed: list[Path]) -> None:
        event = types.WorkspaceFoldersChangeEvent(
            added=[types.WorkspaceFolder(path.as_uri(), path.name) for path in added],
            removed=[types.WorkspaceFolder(path.as_uri(), path.name) for path in removed],
        )
        params = types.DidChangeWorkspaceFoldersParams(event)
        session.client.workspace_did_change_workspace_folders(params)

    change([two], [])
    second = await session.state("running", name="two")
    assert await session.get(second["url"], "/version") == (200, "one")
    change([], [one])
    await session.state("stopped", name="one")
    answer = await session.command("state", {})
    assert [each["name"] for each in answer["apps"]] == ["two"]


async def test_an_app_in_a_folder_of_the_workspace(project: Project, open_session: Open) -> None:
    folder = project({"backend/web.py": APP, "frontend/x.js": ""})
    session = open_session(folder)
    state = await session.run(folder="backend", app="web")
    assert (await body(session, state))[1] == str(folder / "backend")
    assert (state["name"], state["folder"]) == ("backend", (folder / "backend").as_uri())


async def test_open_browser_on_first_start(project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": APP}))
    state = await session.run(openBrowser="onFirstStart")
    await session.until(lambda: _shown(session), what="showDocument")
    session.save("app.py", APP + "\n")
    await session.state("running", after=1)
    await session.barrier()
    (shown,) = _shown(session)
    assert shown["uri"] == state["url"]
    assert shown["external"] is True


def _shown(session: Session) -> list[dict[str, Any]]:
    return [
        message["params"]
        for message in session.received
        if message.get("method") == "window/showDocument"
    ]


def test_capabilities_of_the_default_client() -> None:
    """The sessions above mean something only where their client can be asked."""
    capabilities = client_capabilities("visual-studio-code")
    assert capabilities.workspace is not None
    assert capabilities.workspace.configuration


async def test_a_save_that_does_not_count_is_no_change_from_outside(
    project: Project, open_session: Open
) -> None:
    """An editor's watcher repeats each save. What the policy left out stays out."""
    folder = project({"app.py": APP})
    session = open_session(folder)
    await session.run()
    session.write("app.py", APP + "# half a li")
    session.will_save("app.py", types.TextDocumentSaveReason.AfterDelay)
    session.did_save("app.py")
    session.changed_outside("app.py")
    await session.barrier()
    assert session.states()[-1] == ("running", 1)
    session.write("app.py", APP + "# from a branch\n")
    session.changed_outside("app.py")
    assert (await session.state("running", after=1))["reason"] == "external"


# ---------------------------------------------------------------- an editor that takes its time


async def test_settings_that_come_late(project: Project, open_session: Open) -> None:
    """The editor is slow to answer: the app starts without, and is brought in line."""
    first, second = free_port(), free_port()
    session = open_session(project({"app.py": APP}))
    gate = asyncio.Event()

    async def answer(_: types.ConfigurationParams) -> list[Any]:
        await gate.wait()
        return [{"port": second}]

    session.answers[types.WORKSPACE_CONFIGURATION] = answer
    await session.start(options={"port": first, "interpreter": PYTHON})
    assert port_of(await session.state("running")) == first
    gate.set()
    state = await session.state("running", after=1)
    assert (port_of(state), state["reason"]) == (second, "configuration")


async def test_no_answer_takes_no_setting_back(project: Project, open_session: Open) -> None:
    first, second, third = free_port(), free_port(), free_port()
    session = open_session(project({"app.py": APP}))
    session.answers[types.WORKSPACE_CONFIGURATION] = lambda _: [{"port": second}]
    await session.start(options={"port": first, "interpreter": PYTHON})
    assert port_of(await session.state("running")) == second

    def refuse(_: types.ConfigurationParams) -> list[Any]:
        raise RuntimeError("not now")

    session.answers[types.WORKSPACE_CONFIGURATION] = refuse
    session.configure({})
    gate = asyncio.Event()

    async def answer(_: types.ConfigurationParams) -> list[Any]:
        await gate.wait()
        return [{"port": third}]

    await session.until(lambda: _asked(session) == 2, what="the second question")
    session.answers[types.WORKSPACE_CONFIGURATION] = answer
    session.configure({})
    session.write("pyproject.toml", "[tool.hotplate]\nnonsense = 1\n")
    # It is read when the answer has been waited for.
    await session.diagnostic(session.folder / "pyproject.toml", "nonsense")
    gate.set()
    assert port_of(await session.state("running", after=1)) == third
    assert [number for name, number in session.states() if name == "running"] == [1, 2]


def _asked(session: Session) -> int:
    return sum(m.get("method") == "workspace/configuration" for m in session.received)


# ---------------------------------------------------------------- what the editor watches


def _watched(session: Session) -> list[str]:
    """What is registered now, but for what always is: the last part of each pattern."""
    now: dict[str, list[Any]] = {}
    for message in session.received:
        params = message.get("params") or {}
        for each in params.get("registrations", []):
            watchers = (each.get("registerOptions") or {}).get("watchers", [])
            now[each["id"]] = [watcher["globPattern"] for watcher in watchers]
        for each in params.get("unregisterations", []):
            now.pop(each["id"])
    patterns = [pattern for each in now.values() for pattern in each if pattern not in ALWAYS]
    texts = [each if isinstance(each, str) else each["pattern"] for each in patterns]
    return [text.rpartition("/")[2] for text in texts]


async def test_extra_files_are_watched(project: Project, open_session: Open) -> None:
    """Those that a generator writes, as well as those that are saved."""
    folder = project({"app.py": APP, "data.csv": "1", "more[1].csv": "1"})
    session = open_session(folder)
    await session.run(extraFiles=["data.csv"])
    await session.until(lambda: _watched(session) == ["data.csv"], what="a watcher")
    session.write("data.csv", "22")
    session.changed_outside("data.csv")
    await session.state("running", after=1, reason="external")

    settings = session.client.get_configuration(section="hotplate")
    session.configure({**settings, "extraFiles": ["more[1].csv"]})
    await session.until(lambda: _watched(session) == ["more?1?.csv"], what="another")
    session.configure({**settings, "extraFiles": []})
    await session.until(lambda: _watched(session) == [], what="none")


async def test_an_interpreter_that_is_put_right_again(project: Project, open_session: Open) -> None:
    session = open_session(project({"app.py": WORKING}))
    good = {"port": free_port(), "interpreter": sys.executable}
    await session.start(good)
    await session.state("running")
    session.configure({**good, "interpreter": "/no/such/python"})
    failed = await session.state("failed")
    assert failed["error"]["type"] == "InterpreterNotFound"
    session.configure(good)
    await session.state("running", after=2)


async def test_extra_files_that_are_named_after_a_failure(
    project: Project, open_session: Open
) -> None:
    checking = "import os\nif not os.path.getsize('config.dat'): os._exit(3)\n"
    session = open_session(project({"app.py": checking + WORKING, "config.dat": ""}))
    settings = {"port": free_port(), "interpreter": sys.executable}
    await session.start(settings)
    await session.state("failed")
    session.configure({**settings, "extraFiles": ["config.dat"]})
    await session.barrier()
    await asyncio.sleep(0.5)
    session.save("config.dat", "full")
    await session.state("running", after=1)


class _Face:
    def failing(self) -> list[str]:
        return []

    def __getattr__(self, name: str) -> Any:
        return lambda *_: ""
