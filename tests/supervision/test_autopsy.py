"""Why a process ended: verdicts on what is left of real ones, and of made-up ones."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hotplate_agent
from hotplate.supervision.autopsy import examine
from hotplate.supervision.events import Failure
from hotplate_agent.blackbox import PAGE, BlackBox

EMPTY = bytes(PAGE)

PREAMBLE = """\
import os, resource, sys, threading
sys.path.insert(0, {server!r})
from hotplate_agent.blackbox import BlackBox
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
box = BlackBox(int(sys.argv[1]))
box.catch_signals()
box.catch_exit(lambda file: file == __file__)
"""


def autopsy_of(folder: Path, code: str) -> Failure:
    """Run code with a black box to its end, and examine what is left."""
    script = folder / "app.py"
    server = str(Path(hotplate_agent.__file__).parent.parent)
    script.write_text(PREAMBLE.format(server=server) + code)
    with tempfile.TemporaryFile() as box:
        ended = subprocess.run(
            [sys.executable, str(script), str(box.fileno())],
            pass_fds=[box.fileno()],
            stderr=subprocess.PIPE,
            timeout=60,
        )
        left = os.pread(box.fileno(), 256 * 1024, 0)
    return examine(ended.returncode, left, ended.stderr, serving=True)


def places(failure: Failure) -> list[tuple[str, str]]:
    """The functions and the source of the frames, outermost first."""
    return [(frame.function, frame.source.strip()) for frame in failure.report.frames]


# ---------------------------------------------------------------- real ends

SEGFAULT = """
import ctypes

def deep():
    ctypes.string_at(0)

def view():
    deep()
"""


def test_a_segmentation_fault_is_traced_to_its_line(tmp_path: Path) -> None:
    failure = autopsy_of(tmp_path, SEGFAULT + "view()\n")
    report = failure.report
    assert failure.kind == "death"
    assert report.type == "SIGSEGV"
    own = [place for place in places(failure) if place[0] != "string_at"]
    assert own == [("<module>", "view()"), ("view", "deep()"), ("deep", "ctypes.string_at(0)")]
    assert {frame.file for frame in report.frames[:3]} == {str(tmp_path / "app.py")}
    assert "Fatal Python error: Segmentation fault" in report.text


def test_it_is_the_thread_that_crashed_whose_stack_is_told(tmp_path: Path) -> None:
    failure = autopsy_of(
        tmp_path, SEGFAULT + "threading.Thread(target=view).start(); threading.Event().wait()\n"
    )
    own = [place for place in places(failure) if place[0] in ("<module>", "view", "deep")]
    assert own == [("view", "deep()"), ("deep", "ctypes.string_at(0)")]


def test_an_exit_without_a_word_is_traced_to_who_called_it(tmp_path: Path) -> None:
    code = "def leave():\n    os._exit(7)\n\nprint('bye', file=sys.stderr)\nleave()\n"
    failure = autopsy_of(tmp_path, code)
    assert failure.report.type == "ProcessExit"
    assert "exit code 7" in failure.report.message
    assert "in leave" in failure.report.message
    assert places(failure) == [("leave", "os._exit(7)")]
    assert failure.report.text.endswith("bye")


def test_what_was_noted_last_survives_kill_9(tmp_path: Path) -> None:
    code = "box.note(__file__, 9, 'index')\n# here\nos.kill(os.getpid(), 9)\n"
    failure = autopsy_of(tmp_path, code)
    assert failure.report.type == "SIGKILL"
    assert "memory runs out" in failure.report.message
    assert places(failure) == [("index", "# here")]


# ---------------------------------------------------------------- verdicts


@pytest.mark.parametrize(
    ("status", "serving", "name", "words"),
    [
        (0, True, "ProcessExit", "The app's process ended by itself with exit code 0."),
        (0, False, "ProcessExit", "while it started, ended by itself with exit code 0 (os._exit"),
        (3, True, "ProcessExit", "ended by itself with exit code 3 (os._exit"),
        (-9, True, "SIGKILL", "was killed by SIGKILL. The kernel does that"),
        (-11, False, "SIGSEGV", "while it started, was killed by SIGSEGV."),
        (-6, True, "SIGABRT", "A C library has given up."),
        (-15, True, "SIGTERM", "Something has asked it to end."),
        (-50, True, "signal 50", "was killed by signal 50."),
    ],
)
def test_the_verdict(status: int, serving: bool, name: str, words: str) -> None:
    report = examine(status, EMPTY, b"", serving).report
    assert report.type == name
    assert words in report.message
    assert report.text == report.message
    assert report.frames == []


def test_the_end_of_stderr_is_shown() -> None:
    printed = b"first\n" + b"x" * 10_000 + b"\nterminate called \xff\n"
    text = examine(-6, EMPTY, printed, serving=True).report.text
    assert text.endswith("x\nterminate called \ufffd")
    assert "first" not in text


# ---------------------------------------------------------------- the box


def note(file: str, line: int, function: str) -> bytes:
    with tempfile.TemporaryFile() as file_:
        BlackBox(os.dup(file_.fileno())).note(file, line, function)
        return os.pread(file_.fileno(), PAGE, 0)


def test_a_half_written_note_is_none() -> None:
    whole = note("/p/app.py", 3, "index")
    assert len(examine(-9, whole, b"", serving=True).report.frames) == 1
    half = b"\0\0" + whole[2:]
    assert examine(-9, half, b"", serving=True).report.frames == []


@given(st.binary(max_size=60), st.integers(0, 2), st.binary(max_size=200))
def test_a_spoilt_box_spoils_nothing(start: bytes, high: int, fault: bytes) -> None:
    box = bytes([0, high * 20]) + start.ljust(PAGE, b"\0")[: PAGE - 2] + fault
    failure = examine(-11, box, b"", serving=True)
    assert failure.report.type == "SIGSEGV"
    assert len(failure.report.frames) <= max(1, fault.count(b"\n") + 1)


DUMP = """\
Fatal Python error: Segmentation fault

Thread 0x00007f0000000001 (most recent call first):
  File "/p/other.py", line 1 in idle

Current thread 0x00007f0000000002 (most recent call first):
  File "/lib/ctypes/__init__.py", line 519 in string_at
  File "/p/app.py", line 4 in view
  File "/agent/hotplate_agent/serving.py", line 9 in run
  File "<frozen runpy>", line 88 in _run_code
"""

AFTER = """\

Thread 0x00007f0000000003 (most recent call first):
  File "/p/third.py", line 1 in idle

Extension modules: _one, _two (total: 2)
"""

C_STACK = """\

Current thread's C stack trace (most recent call first):
  Binary file "/usr/bin/python", at _Py_DumpStack+0x42 [0x5b27f7d7147e]
"""
"""As Python 3.14 adds it."""


@pytest.mark.parametrize(
    "dump",
    [
        pytest.param(DUMP, id="as it is"),
        pytest.param(DUMP + AFTER, id="with more behind it"),
        pytest.param(DUMP.replace("2 (most", "2 [worker] (most"), id="with a thread's name"),
        pytest.param(DUMP + C_STACK, id="with the C stack"),
    ],
)
def test_the_stack_that_faulthandler_left(dump: str) -> None:
    box = note("/p/noted.py", 1, "noted") + dump.encode()
    frames = examine(-11, box, b"", serving=True).report.frames
    assert [(frame.file, frame.line, frame.function) for frame in frames] == [
        ("/p/app.py", 4, "view"),
        ("/lib/ctypes/__init__.py", 519, "string_at"),
    ]


def test_a_stack_without_python_code_leaves_the_note() -> None:
    dump = (
        "Fatal Python error: Aborted\n\n"
        "Current thread 0x0001 (most recent call first):\n  <no Python frame>\n"
    )
    frames = examine(-6, note("/p/app.py", 3, "index") + dump.encode(), b"", True).report.frames
    assert [(frame.file, frame.line, frame.function) for frame in frames] == [
        ("/p/app.py", 3, "index")
    ]


def test_a_folder_with_an_accent_is_found_again(tmp_path: Path) -> None:
    """`faulthandler` writes ASCII alone."""
    folder = tmp_path / "josé"
    folder.mkdir()
    failure = autopsy_of(folder, SEGFAULT + "view()\n")
    assert str(folder / "app.py") in {frame.file for frame in failure.report.frames}
