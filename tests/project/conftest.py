"""Real folders and real virtual environments for the project's room."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

MakeVenv = Callable[[Path], Path]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own, so that no tool's real environments are met."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("CACHE", "CONFIG", "DATA", "STATE"):
        monkeypatch.delenv(f"XDG_{name}_HOME", raising=False)
    return home


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """The folder that the editor has opened."""
    folder = tmp_path / "shop"
    folder.mkdir()
    return folder


@pytest.fixture
def make_venv() -> MakeVenv:
    """Makes a real virtual environment and returns its Python."""

    def make(folder: Path) -> Path:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        return folder / "bin" / "python"

    return make


def write(path: Path, text: str = "") -> Path:
    """A file, with the folders it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
