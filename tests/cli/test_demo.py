"""`hotplate demo`, for real: its own server, its own app, its own requests."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from hotplate.cli import demo_python
from hotplate.cli.demo_shop import copied_shop
from hotplate.cli.processes import alive, family

from .conftest import Run, environment

LANDMARKS = (
    r"what an editor sees",
    r"The folder is opened",
    r"✓ running at http://127\.0\.0\.1:\d+ +\d+ ms",
    r"✓ GET / → 200",
    r"\+ heading=\"Straight from the oven\"",
    r"✓ the first answer is fresh: “Straight from the oven” +\d+ ms",
    r"✓ 5 more such edits \([\d, ]+ ms\), the median +\d+ ms",
    r"\+ FREE_DELIVERY_FROM = 30 \* POUND",
    r"✓ the error is in the editor, on its line",
    r"shop/pricing\.py:23:\d+: NameError: name 'POUND' is not defined",
    r"23 │ FREE_DELIVERY_FROM = 30 \* POUND",
    r"│ +\^+",
    r"✓ GET / → 500, a page with the same error",
    r"It is mended",
    r"✓ GET / → 200",
    r"✓ the problem is gone",
    r"✓ GET /product/8 → 500, and the error is in the editor",
    r"shop/pricing\.py:64:\d+: KeyError: 'clearance'",
    r"… \d+ of Flask and others",
    r"▸ shop/views/catalogue\.py:\d+ +product\(\)",
    r"▸ shop/products\.py:\d+ +price_table\(\)",
    r"▸ shop/pricing\.py:\d+ +price_table\(\)",
    r"▸ shop/pricing\.py:\d+ +bulk_quantities\(\)",
    r"✓ GET → 200, .*EVALEX is true",
    r"✓ PIN received \(shown by your editor\)",
    r"Save All, of 6 files",
    r"✓ one restart",
    r"killed \(kill -9\)",
    r"✓ all \d+ processes are gone",
    r"✓ port \d+ is free",
    r"In short",
    r"save → first fresh answer, median \(.*\) +\d+ ms",
    r"✓ All of it is as it should be, in [\d.]+ s\.",
)


def test_the_story_is_told_in_order(run: Run, tmp_path: Path) -> None:
    done = run("demo", "--keep", "--interpreter", sys.executable, TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    position = 0
    for landmark in LANDMARKS:
        found = re.compile(landmark).search(done.stdout, position)
        assert found, f"{landmark!r} is missing after:\n{done.stdout[:position]}"
        position = found.end()
    assert done.stderr == ""
    assert "\x1b" not in done.stdout  # no colours into a file
    assert not re.search(r"\d{3}-\d{3}-\d{3}", done.stdout), "the PIN is a secret"
    assert "__hotplate__" not in done.stdout, "so is the address of the debugger's page"
    (kept,) = tmp_path.glob("hotplate-demo-*/shop")
    assert f"The copy is kept in {kept}" in done.stdout
    assert "Ripe today" not in done.stdout[:200]
    assert "New on Monday" in (kept / "shop/views/catalogue.py").read_text()


def test_something_off_is_told_and_is_exit_code_1(run: Run, tmp_path: Path) -> None:
    """A Python that answers questions, and ends at once where it is to run an app."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ncase "$1" in -c) exec "{sys.executable}" "$@";; esac\nexit 3\n')
    python.chmod(0o755)
    done = run("demo", "--interpreter", python, TMPDIR=str(tmp_path), LC_ALL="C.UTF-8")
    assert done.returncode == 1
    assert "✗ expected the app to be running" in done.stdout
    assert "but came the last state is failed" in done.stdout
    assert "Something is off" in done.stdout
    assert not list(tmp_path.glob("hotplate-demo-*"))


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "hotplate", "demo", "--interpreter", sys.executable],
        env=environment(TMPDIR=str(tmp_path), PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=True,
    )
    assert demo.stdout is not None
    while "running at" not in demo.stdout.readline():
        assert demo.poll() is None
    processes = family(demo.pid)
    assert len(processes) >= 3
    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=10)
    assert demo.returncode == 1
    deadline = time.monotonic() + 2
    while alive(processes) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(processes)
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------- the interpreter


def test_an_interpreter_that_is_not_there(run: Run) -> None:
    done = run("demo", "--interpreter", "/no/such/python")
    assert done.returncode == 1
    assert "/no/such/python" in done.stderr
    assert "leave the option out" in done.stderr


def test_an_interpreter_without_flask(run: Run, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    done = run("demo", "--interpreter", tmp_path / "bare")
    assert done.returncode == 1
    assert f"There is no Flask in {tmp_path}/bare/bin/python" in done.stderr
    assert "-m pip install flask" in done.stderr


def test_the_running_interpreter_is_taken_where_it_has_flask() -> None:
    said: list[str] = []
    chosen = demo_python.choose_python(None, said.append)
    assert chosen.path == Path(sys.executable)
    assert said == []


def test_an_environment_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        folder.parent.mkdir(parents=True)
        folder.symlink_to(sys.prefix)

    monkeypatch.setattr(demo_python, "_has_flask", lambda: False)
    monkeypatch.setattr(demo_python, "_make", make)
    monkeypatch.setattr(
        demo_python.platformdirs, "user_cache_path", lambda *_, **__: tmp_path / "c"
    )
    said: list[str] = []
    first = demo_python.choose_python(None, said.append)
    assert any("makes an environment" in text for text in said)
    said.clear()
    assert demo_python.choose_python(None, said.append) == first
    assert said == []
    assert len(made) == 1


def test_what_went_wrong_with_an_environment_is_told() -> None:
    failing = [sys.executable, "-c", "print('no network'); raise SystemExit(2)"]
    with pytest.raises(click.ClickException) as caught:
        demo_python._run(failing, "Flask could not be installed.")
    message = caught.value.message
    assert message.startswith("Flask could not be installed.")
    assert "no network" in message
    assert "--interpreter" in message


def test_the_copy_holds_the_app_and_nothing_else() -> None:
    with copied_shop(keep=False) as shop:
        assert (shop.folder / "shop/templates/base.html").is_file()
        assert not list(shop.folder.rglob("__pycache__"))
        assert not (shop.folder / "instance").exists()
    assert not shop.folder.exists()
