from __future__ import annotations

from pathlib import Path

import pytest

from hotplate.project.pyproject import find_line
from hotplate.project.settings import read_pyproject, resolve
from project.conftest import write


def test_no_file_and_no_table_are_no_settings_and_no_mistake(tmp_path: Path) -> None:
    assert read_pyproject(tmp_path) == (None, [])
    assert read_pyproject(tmp_path / "missing") == (None, [])
    write(tmp_path / "pyproject.toml", "[tool.ruff]\nline-length = 100\n")
    assert read_pyproject(tmp_path) == (None, [])
    (tmp_path / "folder" / "pyproject.toml").mkdir(parents=True)
    assert read_pyproject(tmp_path / "folder") == (None, [])


def test_the_table_is_read(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", '[tool.hotplate]\napp = "shöp"\nenv = {A = "1"}\n')
    assert read_pyproject(tmp_path) == ({"app": "shöp", "env": {"A": "1"}}, [])


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xef\xbb\xbf[tool.hotplate]\nport = 1\n")
    assert read_pyproject(tmp_path) == ({"port": 1}, [])


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("[project]\nname = \n", 1, "not valid TOML"),
        ("[project]\nname = 'x'\n\n[tool", 3, "not valid TOML"),
        ("a = [\n\n", 0, "not valid TOML"),
        ("x = 1\n[tool]\nhotplate = 'shop'\n", 2, "expected a table"),
        ("# tool\ntool = 3\n", 1, "expected a table"),
        ("[[tool.hotplate]]\napp = 'x'\n", 0, "expected a table"),
    ],
)
def test_a_file_that_is_wrong_is_told_with_its_line(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    path = write(tmp_path / "pyproject.toml", text)
    table, (problem,) = read_pyproject(tmp_path)
    assert table is None
    assert said in problem.message
    assert "pyproject.toml" in problem.message
    assert (problem.source, problem.path, problem.line) == ("pyproject", path, line)


def test_a_file_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"name = '\xff'\n")
    table, (problem,) = read_pyproject(tmp_path)
    assert table is None
    assert "not UTF-8 (byte 8)" in problem.message


FILE = """\
[project]
port = 1  # not ours
[tool.other.hotplate]
port = 2

[ tool . "hotplate" ]
host = "x"
"port" = 3
env.A = "1"
env.B = 2
array = [
  "port = 4",
]

[tool.hotplate.extra]
port = 5

[[tool.hotplate.apps]]
port = 6
[tool.hotplate.apps.env]
PORT = 7
[[tool.hotplate.apps]]
name = "two"
port = 8
"""


@pytest.mark.parametrize(
    ("way", "line"),
    [
        (("port",), 'port" = 3'),
        (("env", "A"), "env.A"),
        (("env", "B"), "env.B"),
        (("env",), "env.A"),
        (("extra", "port"), "port = 5"),
        (("extra",), "[tool.hotplate.extra]"),
        (("apps", 0, "port"), "port = 6"),
        (("apps", 0, "env", "PORT"), "PORT = 7"),
        (("apps", 1, "port"), "port = 8"),
        (("apps", 0), "[[tool.hotplate.apps]]"),
        (("nowhere",), '[ tool . "hotplate" ]'),
    ],
)
def test_the_line_of_a_key(way: tuple[str | int, ...], line: str) -> None:
    lines = FILE.splitlines()
    assert line in lines[find_line(FILE, ("tool", "hotplate", *way))]


def test_dotted_keys_and_inline_tables() -> None:
    assert find_line("x = 1\ntool.hotplate.port = 1\n", ("tool", "hotplate", "port")) == 1
    text = "[tool]\nhotplate = {apps = [{port = 1}]}\n"
    assert find_line(text, ("tool", "hotplate", "apps", 0, "port")) == 1
    assert find_line("", ("tool", "hotplate")) == 0


def test_mistakes_in_apps_of_the_file_stand_on_their_lines(tmp_path: Path) -> None:
    text = """\
[tool.hotplate]
drain-seconds = "2"

[[tool.hotplate.apps]]
name = "a"
prot = 1

[[tool.hotplate.apps]]
name = "b"
env = {A = 1}

[[tool.hotplate.apps]]
name = "a"
"""
    write(tmp_path / "pyproject.toml", text)
    table, problems = read_pyproject(tmp_path)
    resolved = resolve(None, table, tmp_path)
    assert problems == []
    assert [app.name for app in resolved.apps] == ["a", "b"]
    assert {problem.key: problem.line for problem in resolved.problems} == {
        "drain-seconds": 1,
        "apps[0].prot": 5,
        "apps[1].env.A": 9,
        "apps[2]": 11,
    }
    assert all(problem.path == tmp_path / "pyproject.toml" for problem in resolved.problems)


def test_a_number_beyond_all_measure(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.other]\nx = " + "1" * 5000 + "\n")
    table, problems = read_pyproject(tmp_path)
    assert table is None and "not valid TOML" in problems[0].message
