"""What goes wrong with one peer, or while an environment is made."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from benchmarks import environments, runner
from benchmarks.environments import Environment, clean
from benchmarks.measure import bare_imports
from benchmarks.peers import Peer
from benchmarks.scenarios import SCENARIOS


def this_environment(packages: tuple[str, ...], say: object) -> Environment:
    return Environment(Path(sys.prefix))


def test_a_peer_that_does_not_come_up_is_told_with_its_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runner, "environment", this_environment)
    broken = Peer("broken", "broken", (), ("python", "-c", "exit('no port {port} for me')"))
    said: list[str] = []
    table = runner.run(SCENARIOS["hello"], [broken], 8, random.Random(0), said.append)
    (row,) = table.rows
    assert "has ended" in row.problem
    assert "for me" in row.problem
    assert len(said) == 1  # it is not tried again in the rounds that follow
    assert row.outcomes == []


def test_an_environment_that_cannot_be_made_is_a_problem_of_its_peer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(environments, "CACHE", tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    peer = Peer("nothing", "nothing", ("no-such-package-for-hotplate",), ("nothing",))
    table = runner.run(SCENARIOS["hello"], [peer], 1, random.Random(0), lambda text: None)
    assert "no-such-package-for-hotplate" in table.rows[0].problem
    assert not list(tmp_path.glob("*/packages.txt"))


def test_a_bare_import_takes_its_time(tmp_path: Path) -> None:
    environment = Environment(Path(sys.prefix))
    found = bare_imports(SCENARIOS["modules"], environment, tmp_path / "project", 2)
    assert len(found) == 2
    assert all(0 < each < 30 for each in found)


def test_what_would_change_a_peer_is_taken_out_of_the_environment() -> None:
    kept = {"PATH": "/bin", "HOME": "/root", "LANG": "C"}
    foreign = dict.fromkeys(
        ("PYTHONDONTWRITEBYTECODE", "FLASK_APP", "WERKZEUG_RUN_MAIN", "WEB_CONCURRENCY",
         "GUNICORN_CMD_ARGS", "PIP_TARGET"), "1",
    )  # fmt: skip
    assert clean({**kept, **foreign}) == kept
