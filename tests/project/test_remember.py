"""A choice is written into pyproject.toml, and all else in it is left as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotplate.project.remember import NotRemembered, remember
from hotplate.project.settings import read_pyproject
from project.conftest import write

CHOICE = {"folder": "services/shop", "app": "shop:create_app('ä\"')"}
LINES = 'folder = "services/shop"\napp = "shop:create_app(\'ä\\"\')"\n'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, f"[tool.hotplate]\n{LINES}"),
        ("", f"[tool.hotplate]\n{LINES}"),
        (
            '# ours\n[project]\nname = "x"\n',
            f'# ours\n[project]\nname = "x"\n\n[tool.hotplate]\n{LINES}',
        ),
        ('[project]\nname = "x"', f'[project]\nname = "x"\n\n[tool.hotplate]\n{LINES}'),
        (
            "[tool.hotplate]  # here\nport = 8000\n\n[tool.ruff]\nline-length = 80\n",
            f"[tool.hotplate]  # here\n{LINES}port = 8000\n\n[tool.ruff]\nline-length = 80\n",
        ),
        ("[tool.hotplate]", f"[tool.hotplate]\n{LINES}"),
        (
            "[tool.ruff]\r\nline-length = 80\r\n",
            "[tool.ruff]\r\nline-length = 80\r\n\r\n[tool.hotplate]\r\n"
            + LINES.replace("\n", "\r\n"),
        ),
    ],
)
def test_what_is_written(before: str | None, after: str, workspace: Path) -> None:
    path = workspace / "pyproject.toml"
    if before is not None:
        path.write_bytes(before.encode())
    remember(workspace, CHOICE)
    assert path.read_bytes().decode() == after
    table, problems = read_pyproject(workspace)
    assert problems == []
    assert table is not None and table.items() >= CHOICE.items()


@pytest.mark.parametrize(
    "text",
    [
        "[tool.hotplate\n",
        "[tool]\nhotplate = {port = 1}\n",
        "[tool]\nhotplate.port = 1\n",
        '[tool.hotplate]\napp = "other"\n',
        "[[tool.hotplate]]\n",
        "tool = 3\n",
        'text = """\n[tool.hotplate]\n"""\n',
    ],
)
def test_what_cannot_be_written_is_left_alone_and_told(text: str, workspace: Path) -> None:
    path = write(workspace / "pyproject.toml", text)
    with pytest.raises(NotRemembered, match=r"services/shop"):
        remember(workspace, CHOICE)
    assert path.read_text() == text


def test_a_file_that_may_not_be_written(workspace: Path) -> None:
    (workspace / "pyproject.toml").mkdir()
    with pytest.raises(NotRemembered, match=r"pyproject\.toml"):
        remember(workspace, CHOICE)


def test_a_folder_that_is_named_already(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text('[tool.hotplate]\nfolder = "backend"\n')
    remember(tmp_path, {"folder": "backend", "app": "shop"})
    assert path.read_text() == '[tool.hotplate]\napp = "shop"\nfolder = "backend"\n'
