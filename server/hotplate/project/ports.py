"""A port that is taken: by whom, in words that the person can act on, and which one is free.

Nothing here raises: where an owner cannot be found, the message does without.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import sys
from pathlib import Path

from hotplate.project.listeners import Owner, from_lsof, from_proc

__all__ = ["Owner", "describe", "next_free", "owner", "short"]

_TIME_LIMIT = 2.0
_TRIES = 200
_SECRET = re.compile(r"(?i)pass|pwd|secret|token|key|auth|cred|@")


def owner(port: int, host: str = "127.0.0.1") -> Owner | None:
    """Who listens there. Takes two seconds at the most: keep it off an event loop."""
    try:
        if sys.platform == "linux":
            return from_proc(port, host, _TIME_LIMIT)
        return from_lsof(port, _TIME_LIMIT)
    except Exception:
        return None  # a help with a message is not to make matters worse


def describe(owner: Owner | None, relative_to: Path) -> str:
    """In a few words, such as `python (pid 4121, flask run in ../shop)`."""
    if owner is None:
        return "another process"
    if owner.pid is None:
        return f"a process of the user {owner.user}" if owner.user else "another user's process"
    if (owner.name or "").startswith("ControlCe"):  # who has port 5000 on many a Mac
        return (
            f"macOS's AirPlay Receiver (pid {owner.pid}; it is turned off in System Settings, "
            "General, AirDrop & Handoff)"
        )
    details = [f"pid {owner.pid}"]
    what = _what_runs(owner.command)
    where = f"in {short(owner.cwd, relative_to)}" if owner.cwd else ""
    if what or where:
        details.append(" ".join(filter(None, (what, where))))
    return f"{owner.name or 'a process'} ({', '.join(details)})"


def next_free(host: str, port: int) -> int:
    """The first port above this one that can be listened on; 0, the system's choice, if none is."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(port + 1, min(port + _TRIES, 65535) + 1):
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            if os.name == "posix":
                # As servers do: a port whose last connections are fading is free.
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((host, candidate))
                trial.listen(1)
            except (OSError, UnicodeError) as error:
                if getattr(error, "errno", None) in (errno.EADDRINUSE, errno.EACCES):
                    continue
                return 0  # the host is not ours to listen on; every port would say the same
            return candidate
    return 0


def _what_runs(command: tuple[str, ...]) -> str:
    """The command as the person may have typed it: `flask run` and not two long paths."""
    words = list(command)
    if words and re.match(r"python[\d.]*(\.exe)?$", Path(words[0]).name.lower()):
        words.pop(0)
        while words and words[0].startswith("-") and words[0] not in ("-m", "-c"):
            del words[: 2 if words[0] in ("-X", "-W") else 1]
    if words[:1] == ["-c"]:
        return "python -c"
    if words[:1] == ["-m"]:
        words.pop(0)
    if not words:
        return ""
    said = [Path(words[0]).name]
    for word in words[1:4]:
        if _SECRET.search(word):
            break  # what another program was given in confidence is not ours to show
        said.append(word)
    return " ".join(said)[:60]


def short(path: Path, start: Path) -> str:
    """The path as it is seen from a folder, unless that is the longer way."""
    relative = os.path.relpath(path, start)
    if relative == ".":
        return "this folder"
    return str(path) if Path(relative).parts[:3] == ("..", "..", "..") else relative
