"""`python -m benchmarks`, for real. How long anything takes is not looked at."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from docs.tables import table
from support.processes import MARK, marked, needs_proc, until_nobody

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env={**os.environ, **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
    )


@needs_proc
@pytest.mark.timeout(300)  # an environment is made the first time
def test_hotplate_beside_flask(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    mark = f"benchmarks-{os.getpid()}"
    done = run(
        "benchmarks", "--quick", "--scenario", "hello", "--peer", "hotplate",
        "--peer", "flask-stat", "--json", str(figures), **{MARK: mark},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert marked(mark) == set()
    saves, verdicts = done.stdout.split("### ")[1:]

    hotplate, flask = table(saves)
    assert list(hotplate) == [
        "", "median, ms", "p95, ms", "to Hotplate", "refused", "cut", "stale"
    ]  # fmt: skip
    assert hotplate[""] == "**Hotplate**"
    assert flask[""] == "`flask run --debug`, stat"
    assert hotplate["to Hotplate"] == "1.00"
    assert [hotplate[name] for name in ("refused", "cut", "stale")] == ["0", "0", "0"]
    for row in (hotplate, flask):
        assert re.fullmatch(r"\d+(\.\d)?", row["median, ms"])

    by_name = {row["Hotplate"]: row for row in table(verdicts)}
    assert by_name["requests refused"]["measured"] == by_name["answers stale"]["measured"] == "0"
    assert "times faster than `flask run --debug`" in by_name
    assert re.search(r"^Versions: flask 3\.\d", done.stdout, re.M)

    raw = json.loads(figures.read_text())
    (scenario,) = raw["scenarios"]
    assert set(scenario["peers"]) == {"hotplate", "flask-stat"}
    for peer in scenario["peers"].values():
        assert peer["problem"] is None
        assert len(peer["saves"]) == 3
        assert all(0 < save["seconds"] < 15 for save in peer["saves"])
    # The poller goes on with the old code until it has looked; who holds the door does not.
    assert sum(save["old"] for save in scenario["peers"]["flask-stat"]["saves"]) > 0


@needs_proc
@pytest.mark.timeout(300)
def test_the_timeline() -> None:
    done = run("benchmarks.timeline", "--saves", "2")
    assert done.returncode == 0, done.stderr
    steps = [row["since the bytes are on disk, ms"] for row in table(done.stdout)]
    order = [
        "didSave is written",
        "the app's file begins to run",
        "the app is imported",
        "the answer's first byte",
        "the answer is whole",
    ]
    assert [step for step in steps if step in order] == order
    assert re.search(r"`readyMs`: \d+ ms", done.stdout)


@needs_proc
@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "term"])
@pytest.mark.parametrize("peer", ["hotplate", "flask-stat"])
async def test_whoever_ends_it_finds_nobody_left(peer: str, how: signal.Signals) -> None:
    mark = f"benchmarks-{os.getpid()}-{peer}-{how}"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks", "--scenario", "hello", "--peer", peer,
        cwd=ROOT,
        env={**os.environ, MARK: mark},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    while b"hello: " not in (line := await process.stderr.readline()):
        assert line, "it has ended before one block was done"
    while len(marked(mark)) < 3:  # the next has begun
        assert process.returncode is None
        await asyncio.sleep(0.05)
    process.send_signal(how)
    await process.communicate()
    assert process.returncode != 0
    await until_nobody(mark)


def test_a_name_that_is_not_known() -> None:
    done = run("benchmarks", "--peer", "nobody")
    assert done.returncode == 2
    assert "flask-watchdog6" in done.stderr
