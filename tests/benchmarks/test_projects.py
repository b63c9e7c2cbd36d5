"""The apps that are measured run, and each save of theirs is another text of another length."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.projects import FIRST, many_files, modules
from benchmarks.runner import shares
from benchmarks.scenarios import SCENARIOS
from benchmarks.timeline import timed

ASK = "from app import app; print(app.test_client().get('/').get_data(as_text=True))"
LIGHT = [scenario for scenario in SCENARIOS.values() if not scenario.packages]


def answer(folder: Path, code: str = ASK) -> str:
    """What the app says, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("scenario", LIGHT, ids=lambda scenario: scenario.name)
def test_a_save_is_answered(tmp_path: Path, scenario) -> None:  # type: ignore[no-untyped-def]
    project = scenario.make(tmp_path)
    assert answer(tmp_path) == str(FIRST)
    inode = project.saved.stat().st_ino
    project.write(FIRST + 1)
    assert answer(tmp_path) == str(FIRST + 1)
    assert (project.saved.stat().st_ino != inode) is project.rename
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda scenario: scenario.name)
def test_no_two_saves_in_a_row_have_one_length(tmp_path: Path, scenario) -> None:  # type: ignore[no-untyped-def]
    project = scenario.make(tmp_path)
    lengths = [len(project.text(FIRST + number)) for number in range(30)]
    assert all(one != two for one, two in pairwise(lengths))


def test_so_many_modules(tmp_path: Path) -> None:
    modules(tmp_path, 40)
    count = "import sys, shop; print(sum(name.startswith('shop.') for name in sys.modules))"
    assert answer(tmp_path, count) == "39"  # and the package itself
    assert answer(tmp_path) == str(FIRST)


def test_so_many_files(tmp_path: Path) -> None:
    many_files(tmp_path, 200)
    found = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(found) == 200 + 2 + 1  # and those that make packages of folders, and the app
    assert len([path for path in found if path.suffix == ".html"]) == 100
    # Where a folder has no Python, nor the one above, Flask's reloader looks no further.
    above = {path.parent.parent for path in found if path.name == "module0.py"}
    assert all((folder / "__init__.py").exists() for folder in above)


@pytest.mark.parametrize("name", ["hello", "modules"])
def test_an_app_tells_its_times(tmp_path: Path, name: str) -> None:
    project = timed(SCENARIOS[name].make(tmp_path))
    project.write(FIRST + 1)
    ask = "from app import app; r = app.test_client().get('/')"
    version, *times = answer(tmp_path, f"{ask}; print(r.text, r.headers['X-Times'])").split()
    assert version == str(FIRST + 1)
    begun, loaded, answered = map(float, times)
    assert begun < loaded < answered


def test_rounds_are_as_equal_as_can_be() -> None:
    for steps in range(1, 40):
        for rounds in range(1, 8):
            found = shares(steps, rounds)
            assert sum(found) == steps
            assert len(found) == min(rounds, steps)
            assert max(found) - min(found) <= 1
