"""No text of a folder that is merely opened keeps the server busy: `re` lets no thread run.

With a pattern that takes the square of a text's length each of these would take many minutes.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hotplate.project.evidence import looks_like_flask
from hotplate.project.pyproject import find_line
from hotplate.project.source import find_app_line

PIECES = ("\n", " ", "\t", " \n", "import ", "import a,", "import , , ", "from x import y\n", "= ")
HEADERS = ("[" + " " * 200_000, "[[" + " a" * 100_000, '"a" . ' * 30_000, "[" * 200_000)

pytestmark = pytest.mark.timeout(60)


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("name", ["requirements.txt", "code.py"])
def test_evidence(name: str, piece: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(piece * (200_000 // len(piece)))
    assert not looks_like_flask(tmp_path)


@pytest.mark.parametrize("text", HEADERS, ids=lambda text: text[:6])
def test_lines_of_a_toml_file(text: str) -> None:
    assert find_line(text, ("tool", "hotplate")) == 0


@pytest.mark.parametrize("piece", PIECES)
def test_lines_of_an_app(piece: str, tmp_path: Path) -> None:
    file = tmp_path / "app.py"
    file.write_text(piece * (400_000 // len(piece)) + "\napp = Flask(__name__)\n")
    assert find_app_line(file) == file.read_text().count("\n") - 1


def test_an_app_that_is_too_large_to_parse(tmp_path: Path) -> None:
    """Its line is found by its text."""
    file = tmp_path / "app.py"
    file.write_text("x = [1, 2]\n" * 5000 + "app = Flask(__name__)\n")
    assert find_app_line(file) == 5000
