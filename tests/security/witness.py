"""Sees every program that a process starts: an audit hook, put in by a `sitecustomize` of ours."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from support.session import SERVER

HOOK = """\
import json, os, sys

EVENTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "pty.spawn",
          "os.startfile", "os.fork", "os.forkpty")
mine = os.getpid()
log = os.open({log!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
role = "agent" if "hotplate_agent" in " ".join(sys.orig_argv) else "server"


def see(event, args):
    if event in EVENTS:
        what = [repr(arg)[:300] for arg in args]
        line = json.dumps({{"role": role, "event": event, "args": what}}) + "\\n"
        os.write(log, line.encode())


sys.addaudithook(see)
"""


def witness(folder: Path) -> tuple[Path, dict[str, str]]:
    """The file that everything is noted in, and the environment that has it noted."""
    folder.mkdir()
    log = folder / "witness.jsonl"
    (folder / "sitecustomize.py").write_text(HOOK.format(log=str(log)))
    return log, {"PYTHONPATH": os.pathsep.join([str(folder), str(SERVER)])}


def seen(log: Path, role: str = "server") -> list[dict[str, Any]]:
    """What a server, or its agents, have started."""
    events = [json.loads(line) for line in log.read_text().splitlines()]
    return [event for event in events if event["role"] == role]
