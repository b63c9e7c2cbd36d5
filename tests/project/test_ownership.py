from __future__ import annotations

from pathlib import Path

import pytest

from hotplate.project.discovery import is_own
from project.conftest import MakeVenv, write


@pytest.mark.parametrize(
    ("file", "own"),
    [
        ("app.py", True),
        ("shop/web/views.py", True),
        ("../other/app.py", False),
        ("../shop2/app.py", False),
        ("shop/../../shop2/app.py", False),
        (".venv/lib/python3.12/site-packages/flask/app.py", False),
        ("lib/python3.12/site-packages/flask/app.py", False),
        ("lib/python3/dist-packages/flask/app.py", False),
        ("node_modules/x/setup.py", False),
        (".tox/py312/x.py", False),
        ("shop/__pycache__/views.cpython-312.pyc", False),
        ("venv.py", True),
        ("shop/environment/app.py", True),
        ("python/lib/x.py", False),
        ("python/x.py", False),
        ("pythons/x.py", True),
    ],
)
def test_what_is_the_persons_own(file: str, own: bool, workspace: Path) -> None:
    write(workspace / "python" / "pyvenv.cfg")
    assert is_own(workspace / file, [workspace]) is own
    assert is_own(str(workspace / file), (str(workspace),)) is own


@pytest.mark.parametrize("name", ["<string>", "<frozen importlib._bootstrap>", "", "app.py"])
def test_what_is_no_file_is_nobodys(name: str, workspace: Path) -> None:
    assert not is_own(name, [workspace, Path("/")])


def test_any_root_will_do(workspace: Path, tmp_path: Path) -> None:
    file = tmp_path / "lib" / "x.py"
    assert not is_own(file, [workspace])
    assert is_own(file, [workspace, tmp_path / "lib"])
    assert not is_own(file, [])
    # A library that the person has opened to work on is their own, wherever it stands.
    library = workspace / "venv" / "lib" / "site-packages" / "flask"
    assert is_own(library / "app.py", [library])


def test_a_root_that_is_itself_an_environment(workspace: Path, make_venv: MakeVenv) -> None:
    make_venv(workspace)
    (installed,) = workspace.glob("lib/python*/site-packages")
    assert is_own(workspace / "shop" / "app.py", [workspace])
    assert not is_own(installed / "flask" / "app.py", [workspace])


def test_the_way_through_a_link_and_the_way_around_it(workspace: Path, tmp_path: Path) -> None:
    write(workspace / "app.py")
    link = tmp_path / "link"
    link.symlink_to(workspace)
    assert is_own(link / "app.py", [workspace])
    assert is_own(workspace / "app.py", [link])
    outside = write(tmp_path / "elsewhere" / "app.py")
    assert not is_own(outside, [link])


def test_the_file_systems_root() -> None:
    assert is_own("/srv/app.py", [Path("/")])
