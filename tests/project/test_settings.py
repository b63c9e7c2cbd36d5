from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from hotplate.project.schema import kinds, spell
from hotplate.project.settings import Resolved, Settings, app_id, app_name, resolve
from hotplate.project.values import InvalidValue, structure

FOLDER = Path("/srv/shop")


def settle(editor: object = None, pyproject: object = None) -> Resolved:
    return resolve(editor, pyproject, FOLDER)


def only(editor: object = None, pyproject: object = None) -> Settings:
    """The one app of settings that have no mistake."""
    resolved = settle(editor, pyproject)
    assert resolved.problems == []
    (app,) = resolved.apps
    return app


def test_nothing_said_is_one_app_with_the_contracts_defaults() -> None:
    app = only(None, None)
    assert attrs.asdict(app) == {
        "app": None,
        "script": None,
        "args": (),
        "name": None,
        "folder": None,
        "interpreter": None,
        "cwd": None,
        "env": {},
        "env_file": None,
        "host": None,
        "port": None,
        "cert": None,
        "key": None,
        "threaded": None,
        "debug": None,
        "debugger": None,
        "extra_files": (),
        "exclude_patterns": (),
        "warmup": "dependencies",
        "drain_seconds": 2.0,
        "start_seconds": 30.0,
        "auto_start": "ask",
        "restart_on_save": "manual",
        "watch_external_changes": True,
        "open_browser": "never",
        "sources": {},
    }
    assert app.explicit == frozenset()
    assert app.interpreter_source is None


GOOD: dict[str, Any] = {
    "app": 'shop:create_app("dev")',
    "args": ["--seed", "1"],
    "name": "Shop",
    "folder": "backend",
    "interpreter": ".venv",
    "cwd": "src",
    "env": {"SECRET": "x=y"},
    "envFile": "dev.env",
    "host": "0.0.0.0",
    "port": 0,
    "cert": "adhoc",
    "key": "key.pem",
    "threaded": False,
    "debug": False,
    "debugger": False,
    "extraFiles": ["a.yml"],
    "excludePatterns": ["*/x.py"],
    "warmup": "off",
    "drainSeconds": 0.5,
    "startSeconds": 0,
    "autoStart": "never",
    "restartOnSave": "all",
    "watchExternalChanges": False,
    "openBrowser": "onFirstStart",
}


def kebab(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "".join(f"-{c.lower()}" if c.isupper() else c for c in key): value
        for key, value in settings.items()
    }


def test_every_key_is_taken_from_the_editor_and_in_kebab_case_from_pyproject() -> None:
    from_editor, from_pyproject = only(GOOD), only(None, kebab(GOOD))
    values = {
        spell(name, "editor"): value
        for name, value in attrs.asdict(from_editor).items()
        if name in from_editor.explicit
    }
    lists = {"args", "extraFiles", "excludePatterns"}
    assert values == {k: tuple(v) if k in lists else v for k, v in GOOD.items()}
    assert from_editor.explicit == from_pyproject.explicit == kinds().keys() - {"script"}
    assert attrs.evolve(from_pyproject, sources=from_editor.sources) == from_editor
    assert set(from_pyproject.sources.values()) == {"pyproject"}


def test_the_editor_wins_key_by_key_and_null_is_not_set() -> None:
    app = only({"port": 8000, "host": None, "debug": False}, {"port": 9000, "host": "::1"})
    assert (app.port, app.host, app.debug) == (8000, "::1", False)
    assert app.sources == {"port": "editor", "host": "pyproject", "debug": "editor"}


def test_an_emptied_text_field_is_not_set() -> None:
    assert only({"host": "", "app": ""}, {"host": "::1"}).host == "::1"


def test_env_is_joined_variable_by_variable() -> None:
    app = only({"env": {"A": "editor", "C": None}}, {"env": {"A": "file", "B": "file"}})
    assert app.env == {"A": "editor", "B": "file"}


def test_args_as_a_shell_would_split_them() -> None:
    assert only({"args": "--name 'two words' -v"}).args == ("--name", "two words", "-v")
    assert only({"args": []}).args == ()


def test_a_script_of_the_editor_replaces_an_app_of_the_file_and_the_other_way_round() -> None:
    app = only({"script": "run.py"}, {"app": "shop"})
    assert (app.script, app.app) == ("run.py", None)
    app = only({"app": "shop"}, {"script": "run.py"})
    assert (app.script, app.app) == (None, "shop")


def test_app_beside_script_is_told() -> None:
    resolved = settle({"app": "shop", "script": "run.py"})
    assert (resolved.apps[0].app, resolved.apps[0].script) == (None, "run.py")
    (problem,) = resolved.problems
    assert problem.key == "app"
    assert "hotplate.app (editor settings)" in problem.message


@pytest.mark.parametrize(
    ("editor", "pyproject", "key", "named", "hint"),
    [
        ({"prot": 1}, None, "prot", "hotplate.prot (editor settings)", '"port"?'),
        ({"env-file": "x"}, None, "env-file", "hotplate.env-file (editor settings)", '"envFile"?'),
        (None, {"prot": 1}, "prot", "[tool.hotplate] prot (pyproject.toml)", '"port"?'),
        (None, {"envFile": "x"}, "envFile", "[tool.hotplate] envFile", '"env-file"?'),
        ({"apps": [{"hots": "x"}]}, None, "apps[0].hots", "hotplate.apps[0].hots", '"host"?'),
        ({"zzz": 1}, None, "zzz", "hotplate.zzz (editor settings)", "autoStart"),
    ],
)
def test_an_unknown_key_is_told_with_the_nearest(
    editor: object, pyproject: object, key: str, named: str, hint: str
) -> None:
    (problem,) = settle(editor, pyproject).problems
    assert problem.key == key
    assert problem.source == ("editor" if editor else "pyproject")
    assert problem.message.startswith(named)
    assert hint in problem.message


@pytest.mark.parametrize("key", ["trusted", "trace"])
def test_what_a_client_keeps_beside_the_settings_is_no_mistake(key: str) -> None:
    assert only({key: True}).explicit == frozenset()


@pytest.mark.parametrize(
    ("key", "value", "expected", "got"),
    [
        ("port", "80", "a whole number from 0 to 65535", 'the text "80"'),
        ("port", True, "a whole number", "got true"),
        ("port", 65536, "a whole number", "the number 65536"),
        ("port", -1, "a whole number", "the number -1"),
        ("port", 80.0, "a whole number", "the number 80.0"),
        ("debug", 1, "true or false", "the number 1"),
        ("threaded", "no", "true or false", 'the text "no"'),
        ("host", 1, "a text", "the number 1"),
        ("app", ["shop"], "a text", "a list of 1"),
        ("cwd", "a\0b", "without NUL", "the text"),
        ("drainSeconds", -0.1, "a number of seconds, 0 or more", "-0.1"),
        ("drainSeconds", float("inf"), "a number of seconds", "inf"),
        ("drainSeconds", float("nan"), "a number of seconds", "nan"),
        ("drainSeconds", True, "a number of seconds", "true"),
        ("drainSeconds", 10**400, "a number of seconds", "the number 1000"),
        ("startSeconds", "30", "a number of seconds", 'the text "30"'),
        ("env", ["A=1"], "an object with a text for each variable", "a list of 1"),
        ("extraFiles", [1], "a list of texts only (in it is the number 1)", "a list of 1"),
        ("extraFiles", {"a": 1}, "a list of texts", "an object"),
        ("args", "a 'b", "no closing quotation", "the text"),
        ("autoStart", "allways", '"always", "ask" or "never"', 'Did you mean "always"?'),
        ("warmup", [], '"off", "framework" or "dependencies"', "a list of 0"),
    ],
)
def test_a_wrong_value_is_told_and_the_default_serves(
    key: str, value: object, expected: str, got: str
) -> None:
    default = Settings()
    # The other source's value does not sneak in: the person meant to replace it.
    resolved = settle({key: value, "name": "Shop"}, kebab({key: GOOD[key]}))
    (problem,) = resolved.problems
    assert problem.key == key
    assert problem.message.startswith(f"hotplate.{key} (editor settings): expected ")
    assert expected in problem.message
    assert got in problem.message
    assert attrs.evolve(resolved.apps[0], name=None, sources={}) == default
    assert resolved.apps[0].explicit == {"name"}


def test_one_wrong_variable_costs_that_variable_only() -> None:
    resolved = settle({"env": {"A": "1", "PORT": 5000, "B=C": "x", "": "y"}})
    assert resolved.apps[0].env == {"A": "1"}
    assert [problem.key for problem in resolved.problems] == ["env.PORT", "env.B=C", "env."]
    assert "hotplate.env.PORT (editor settings): expected a text, got the number 5000" in (
        resolved.problems[0].message
    )


@pytest.mark.parametrize("empty", [[], {}])
def test_an_empty_lua_table_is_empty_whichever_way_it_was_encoded(empty: object) -> None:
    app = only({"args": empty, "env": empty, "extraFiles": empty, "apps": empty}, empty)
    assert (app.args, app.env, app.extra_files) == ((), {}, ())
    assert only(empty).explicit == frozenset()


def test_what_the_environment_holds_is_in_no_log() -> None:
    assert "hunter2" not in repr(only({"env": {"DATABASE_PASSWORD": "hunter2"}}))


@pytest.mark.parametrize("raw", ["text", 3, True, [1]])
def test_settings_that_are_no_object_are_told(raw: object) -> None:
    resolved = settle(raw)
    assert len(resolved.apps) == 1
    (problem,) = resolved.problems
    assert problem.message.startswith("hotplate (editor settings): expected an object")


def test_each_app_inherits_and_overrides() -> None:
    editor = {
        "port": 8000,
        "app": "shop",
        "env": {"A": "1"},
        "name": "all",
        "apps": [
            {"name": "web"},
            {"folder": "api", "port": 8001, "script": "run.py", "env": {"B": "2"}},
        ],
    }
    resolved = settle(editor, {"host": "::1", "apps": [{"name": "left out"}]})
    assert resolved.problems == []
    web, api = resolved.apps
    assert (web.name, web.port, web.app, web.host) == ("web", 8000, "shop", "::1")
    assert (api.name, api.port, api.app, api.script) == (None, 8001, None, "run.py")
    assert api.env == {"A": "1", "B": "2"}
    assert api.explicit == {"port", "env", "host", "folder", "script"}
    assert app_id(FOLDER, web) == "file:///srv/shop#web"
    assert app_id(FOLDER, api) == "file:///srv/shop/api"
    assert (app_name(FOLDER, web), app_name(FOLDER, api)) == ("web", "api")
    assert api.home(FOLDER) == api.working_directory(FOLDER) == FOLDER / "api"


def test_apps_of_one_folder_are_told_apart_by_what_they_run() -> None:
    resolved = settle({"apps": [{"app": "shop"}, {"app": "admin"}]})
    assert [app.name for app in resolved.apps] == ["shop", "admin"]
    resolved = settle({"apps": [{"app": "shop"}, {"app": "admin"}, {"script": "-m jobs"}]})
    assert resolved.problems == []
    assert [app_id(FOLDER, app).partition("#")[2] for app in resolved.apps] == [
        "shop",
        "admin",
        "-m jobs",
    ]


def test_apps_that_nothing_tells_apart_are_told_and_the_first_stays() -> None:
    resolved = settle(
        {"apps": [{"app": "shop"}, {"app": "shop", "port": 1}, {"app": "shop", "name": "two"}]}
    )
    assert [app.port for app in resolved.apps] == [None, None]
    (problem,) = resolved.problems
    assert problem.key == "apps[1]"
    assert '"name"' in problem.message


def test_an_app_that_is_no_object_is_told_and_left_out() -> None:
    resolved = settle({"apps": [{"name": "a"}, 3]})
    assert [app.name for app in resolved.apps] == ["a"]
    assert [problem.key for problem in resolved.problems] == ["apps[1]"]
    resolved = settle({"apps": "shop"})
    assert len(resolved.apps) == 1
    assert resolved.problems[0].message.startswith(
        "hotplate.apps (editor settings): expected a list of objects"
    )


def test_folders_are_made_absolute_with_their_links(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    settings = Settings(folder="../link/api", cwd="./src")
    assert settings.home(link) == link / "api"
    assert settings.working_directory(link) == link / "api" / "src"
    assert Settings(cwd="~/x").working_directory(link) == Path.home() / "x"


def test_a_mistake_in_the_file_stands_on_its_line(tmp_path: Path) -> None:
    text = "[project]\nname = 'x'\n\n[tool.hotplate]\napp = 'x'\nport = 'x'\n"
    (tmp_path / "pyproject.toml").write_text(text)
    (problem,) = resolve(None, {"app": "x", "port": "x"}, tmp_path).problems
    assert (problem.path, problem.line) == (tmp_path / "pyproject.toml", 5)
    assert problem.source == "pyproject"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from([*(spell(name, "editor") for name in kinds()), "apps", "trusted"])
objects = st.dictionaries(names | st.text(max_size=5), json_values, max_size=6)


@hypothesis_settings(deadline=None)  # a busy machine is no mistake of ours
@given(editor=objects | json_values, pyproject=objects, apps=st.lists(objects, max_size=3))
def test_nothing_that_json_can_hold_breaks_it(
    editor: object, pyproject: dict[str, object], apps: list[object]
) -> None:
    resolved = settle(editor, {**pyproject, "apps": apps})
    assert resolved.apps
    ids = [app_id(FOLDER, app) for app in resolved.apps]
    assert len(set(ids)) == len(ids)
    for app in resolved.apps:
        assert app.app is None or app.script is None
        for name, kind in kinds().items():
            value = getattr(app, name)
            if isinstance(value, tuple):
                value = list(value)
            assert structure(value, kind) == getattr(app, name)
    for problem in resolved.problems:
        assert "hotplate" in problem.message
        assert problem.key in problem.message


@hypothesis_settings(deadline=None)  # a busy machine is no mistake of ours
@given(
    good=st.sets(st.sampled_from(sorted(GOOD.keys() - {"app"}))),
    bad=st.sampled_from(sorted(GOOD.keys() - {"app"})),
)
def test_one_mistake_spoils_nothing_else(good: set[str], bad: str) -> None:
    good.discard(bad)
    right = {key: GOOD[key] for key in good}
    resolved = settle({**right, bad: object()})
    assert resolved.apps == [only(right)]
    assert [problem.key for problem in resolved.problems] == [bad]


def test_every_kind_of_value_can_say_what_it_expects() -> None:
    for kind in kinds().values():
        with pytest.raises(InvalidValue, match=r"expected .+, got a object"):
            structure(object(), kind)


# --- the client's hint ---------------------------------------------------------------------------


def test_the_hint_is_weaker_than_all_that_was_said() -> None:
    hint = {"interpreterHint": "/h/python"}
    app = only(hint)
    assert (app.interpreter, app.interpreter_source) == ("/h/python", "hint")
    assert only(hint, {"interpreter": "/p/python"}).interpreter == "/p/python"
    assert only({**hint, "interpreter": "/e/python"}).interpreter == "/e/python"
    first, second = settle({**hint, "apps": [{"app": "a", "interpreter": "/a"}, {"app": "b"}]}).apps
    assert (first.interpreter, second.interpreter) == ("/a", "/h/python")


def test_a_hint_that_is_none() -> None:
    assert only({"interpreterHint": ""}).interpreter is None
    resolved = settle({"interpreterHint": 3})
    assert resolved.apps[0].interpreter is None
    assert "hotplate.interpreterHint" in resolved.problems[0].message
