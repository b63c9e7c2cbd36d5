from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from hotplate.project.commands import CommandFailed, ask
from hotplate.project.interpreter import Probe, probe
from project.conftest import MakeVenv, write


def script(path: Path, text: str) -> Path:
    # By way of a shell: a #! line takes no path with a space.
    write(path.with_name(path.name + ".py"), text)
    write(path, f'#!/bin/sh\nexec "{sys.executable}" "$0.py" "$@"\n').chmod(0o755)
    return path


def test_an_interpreter_that_has_flask() -> None:
    found = probe(Path(sys.executable))
    assert found == Probe(
        version=sys.version.split()[0],
        flask=version("flask"),
        werkzeug=version("werkzeug"),
        dotenv=version("python-dotenv"),
        executable=sys.executable,
        prefix=sys.prefix,
    )


def test_an_interpreter_that_has_none(tmp_path: Path, make_venv: MakeVenv) -> None:
    found = probe(make_venv(tmp_path / "venv"))
    assert (found.flask, found.werkzeug, found.dotenv, found.error) == (None,) * 4
    assert found.prefix == str(tmp_path / "venv")


def test_the_projects_own_modules_are_not_run(tmp_path: Path) -> None:
    for name in ("json", "importlib", "email", "flask"):
        write(tmp_path / f"{name}.py", "raise SystemExit('run')\n")
    assert probe(Path(sys.executable), cwd=tmp_path).error is None


def test_what_is_printed_on_the_way_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "sitecustomize.py", "print('hello', end='')\n")
    found = probe(Path(sys.executable), env={"PYTHONPATH": str(tmp_path)})
    assert found.error is None
    assert found.executable == sys.executable


def test_a_python_that_is_too_old_says_so(tmp_path: Path) -> None:
    # What 3.7 does: there is no importlib.metadata.
    old = script(
        tmp_path / "python",
        "import sys\nsys.modules['importlib.metadata'] = None\nexec(sys.argv[2])\n",
    )
    found = probe(old)
    assert found.error is not None
    assert "too old: Hotplate needs 3.8" in found.error
    assert found.version == sys.version.split()[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import sys; sys.exit('no libpython')", "ended with 1, saying: no libpython"),
        ("print('not a Python')", "ended with 0, saying: not a Python"),
        ("print('[1]')", "no working Python"),
        ("", "ended with 0"),
    ],
)
def test_what_is_no_python_is_told(tmp_path: Path, text: str, said: str) -> None:
    found = probe(script(tmp_path / "python", text))
    assert found.error is not None
    assert said in found.error
    assert str(tmp_path / "python") in found.error
    assert found.version is None


def test_what_cannot_be_run_is_told(tmp_path: Path) -> None:
    missing = probe(tmp_path / "python").error
    assert missing is not None
    assert "cannot be run: No such file" in missing
    write(tmp_path / "python").chmod(0o755)
    assert probe(tmp_path / "python").error is not None


def test_what_does_not_end_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    # The grandchild holds the answer's pipe open too: who waits for its end waits for ever.
    stuck = script(
        tmp_path / "python",
        "import os, signal, subprocess, sys\n"
        f"writer = os.open({str(fifo)!r}, os.O_WRONLY)\n"
        "code = 'import signal; signal.pause()'\n"
        "subprocess.Popen([sys.executable, '-c', code], pass_fds=[writer])\n"
        "os.write(writer, b'started')\n"
        "signal.pause()\n",
    )
    assert probe(stuck, timeout=5).error == "python did not answer within 5 s"
    os.set_blocking(reader, True)
    with open(reader, "rb") as stream:
        # To its end, which comes when the last of them is gone.
        assert stream.read() == b"started"


def test_an_answer_has_all_that_was_said(tmp_path: Path) -> None:
    text = "import os, sys; print(os.getcwd(), os.environ['A']); sys.exit('\\udcff no')"
    answer = ask([sys.executable, "-c", text], 10, {"A": "b"}, tmp_path)
    assert (answer.code, answer.stdout) == (1, f"{tmp_path} b\n")
    assert answer.stderr.endswith("no\n")


def test_a_command_that_could_never_run_is_told() -> None:
    with pytest.raises(CommandFailed, match="null byte"):
        ask(["a\0b"], 1)
