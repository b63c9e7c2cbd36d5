"""Asking an interpreter what it is and what it has: for `hotplate doctor` and for messages.

It costs a start of the interpreter, so no start of the app waits for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from hotplate.project.commands import CommandFailed, ask

# Reads metadata and imports nothing of what it finds. Old enough in style for any Python to say
# its version. The working directory comes off the path first: a project's own `json.py` is not
# to be run by a question about the interpreter.
_SCRIPT = """
import sys
sys.path[:] = [p for p in sys.path if p]
import json
found = {"version": "%d.%d.%d" % tuple(sys.version_info[:3]),
         "executable": sys.executable, "prefix": sys.prefix}
try:
    from importlib.metadata import version
except ImportError:
    found["error"] = "Python %s is too old: Hotplate needs 3.8 or newer" % found["version"]
else:
    for name in ("flask", "werkzeug", "python-dotenv"):
        try:
            found[name] = version(name)
        except Exception:
            pass
sys.stdout.write("\\n" + json.dumps(found) + "\\n")
"""


@frozen
class Probe:
    """What an interpreter said of itself; `error` in words where it could not or is no use."""

    version: str | None = None
    flask: str | None = None
    werkzeug: str | None = None
    dotenv: str | None = None
    """python-dotenv's version; without it Flask reads no `.env`."""
    executable: str | None = None
    prefix: str | None = None
    error: str | None = None


def probe(
    path: Path,
    env: Mapping[str, str] = os.environ,
    timeout: float = 10.0,
    cwd: Path | None = None,
) -> Probe:
    """Run the interpreter once and ask. Never raises; blocks for up to `timeout` seconds."""
    try:
        answer = ask([str(path), "-c", _SCRIPT], timeout, env, cwd)
    except CommandFailed as failure:
        return Probe(error=str(failure))
    # Whatever a sitecustomize or a wrapper prints comes before the last line.
    lines = answer.stdout.strip().splitlines()
    try:
        found = json.loads(lines[-1])
        return Probe(
            version=found["version"],
            flask=found.get("flask"),
            werkzeug=found.get("werkzeug"),
            dotenv=found.get("python-dotenv"),
            executable=found["executable"],
            prefix=found["prefix"],
            error=found.get("error"),
        )
    except (IndexError, ValueError, KeyError, TypeError, AttributeError):
        said = (answer.stderr.strip() or answer.stdout.strip()).splitlines()
        ending = f", saying: {said[-1]}" if said else ""
        return Probe(error=f"{path} is no working Python: it ended with {answer.code}{ending}")
