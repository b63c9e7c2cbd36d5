"""Whether a source is whole: an editor that saves by a timer saves a line half written, too."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hotplate.project.commands import CommandFailed, ask

LARGEST_TYPED = 1_000_000
"""Bytes of a source that a person may be typing in."""
LARGEST_HERE = 8_000
"""Bytes that are compiled in this process: all of it waits for the compiler."""
COMPILE = "import sys; compile(open(sys.argv[1], 'rb').read(), 'x', 'exec', dont_inherit=True)"
COMPILE_SECONDS = 10.0


def parses(path: str) -> bool:
    """Whether it is no line half written. Nobody types into what is too large to be looked at:
    to compile 50 MB takes ten seconds. Blocks, and not the other threads for long."""
    try:
        size = os.path.getsize(path)
        if size > LARGEST_TYPED:
            return True
        if size > LARGEST_HERE:
            command = [sys.executable, "-I", "-S", "-c", COMPILE, path]
            return ask(command, COMPILE_SECONDS).code == 0
        compile(Path(path).read_bytes(), path, "exec", dont_inherit=True)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    except CommandFailed:
        return True
    return True
