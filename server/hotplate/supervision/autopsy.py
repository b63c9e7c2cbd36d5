"""Why a process ended without a word, from what is left of it.

There is its exit status; the black box, with the last line of the person's code that was seen and
what `faulthandler` wrote at a fatal signal; and the end of what it printed to stderr.
"""

from __future__ import annotations

import linecache
import re
import signal

from hotplate.supervision.events import Failure
from hotplate.supervision.secrets import redact
from hotplate_agent.blackbox import PAGE
from hotplate_agent.messages import Frame, Report

_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")
_FAULT_LINE = re.compile(r'^\s*File "(?P<file>.+)", line (?P<line>\d+) in (?P<function>.+)$')


def examine(status: int, box: bytes, stderr_tail: bytes, serving: bool) -> Failure:
    """The failure to tell. `status` is a Popen's return code: negative for a signal."""
    name, message = _verdict(status, serving)
    fault = box[PAGE:].decode("utf-8", "replace").strip("\0\n ")
    frames = _fault_frames(fault) or _noted_frame(box)
    if frames:
        last = frames[-1]
        message += f" It was at {last.file}, line {last.line}" + (
            f", in {last.function}." if last.function else "."
        )
    parts = [message]
    if fault:
        parts.append(fault)
    printed = redact(stderr_tail.decode("utf-8", "replace").strip())  # before it is cut
    if printed:
        parts.append("The end of what it printed to stderr:\n" + printed[-4000:])
    return Failure("death", Report(name, message, "\n\n".join(parts), frames, []))


def _verdict(status: int, serving: bool) -> tuple[str, str]:
    when = "The app's process" if serving else "The app's process, while it started,"
    if status >= 0:
        return "ProcessExit", (
            f"{when} ended by itself with exit code {status}"
            f"{' (os._exit, or a library that calls it)' if not serving or status else ''}."
        )
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    meaning = {
        "SIGKILL": " The kernel does that when memory runs out; a person or a tool may have, too.",
        "SIGSEGV": " A C extension has touched memory that is not its own.",
        "SIGABRT": " A C library has given up.",
        "SIGTERM": " Something has asked it to end.",
    }.get(name, "")
    return name, f"{when} was killed by {name}.{meaning}"


def _fault_frames(text: str) -> list[Frame]:
    """The stack of the thread that faulthandler names as current, outermost first."""
    frames: list[Frame] = []
    current = False
    for line in text.splitlines():
        if line.startswith("Current thread's C stack"):  # from Python 3.14 on
            break
        if line.startswith("Current thread"):
            current, frames = True, []
        elif line.startswith("Thread") or not line.strip():
            current = current and not frames
        elif current and (match := _FAULT_LINE.match(line)):
            file, number = match["file"], int(match["line"])
            if "hotplate_agent" not in file and not file.startswith("<frozen"):
                frames.append(_frame(_unescaped(file), number, _unescaped(match["function"])))
    return frames[::-1]


def _unescaped(text: str) -> str:
    """faulthandler writes ASCII alone, and of a backslash makes nothing."""
    return _ESCAPE.sub(lambda found: chr(int(found[1] or found[2] or found[3], 16)), text)


def _noted_frame(box: bytes) -> list[Frame]:
    length = int.from_bytes(box[0:2], "big")
    parts = box[2 : 2 + length].decode("utf-8", "replace").split("\0")
    if not length or len(parts) != 3 or not parts[1].isdigit():
        return []
    return [_frame(parts[0], int(parts[1]), parts[2])]


def _frame(file: str, line: int, function: str) -> Frame:
    linecache.checkcache(file)
    return Frame(file, line, function, linecache.getline(file, line).rstrip("\n"))
