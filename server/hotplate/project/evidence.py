"""Whether a folder holds a Flask app at all, by what is written in it.

For the folder whose `wsgi.py` says no more than `from shop import create_app`: we would rather
stay silent in a Django project than offer to start it.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from hotplate.project.files import is_file, read_bytes
from hotplate.project.ownership import FOREIGN

_MOST_FILES = 200
_DEEPEST = 3
_LONGEST = 1.0  # seconds; a folder on a network may be slow
_READ = 200_000  # bytes of each file; imports stand at its top

# No blank of a pattern spans lines: a file of blank lines would take the square of its length, and
# the whole server waits for a pattern.
# flask, Flask[async]>=3, "flask ~= 3.0", flask = "^3", - flask=3, and the same of an extension;
# not the word in a sentence.
_REQUIREMENT = re.compile(
    rb"""(?im)(?:^[ \t]*(?:-[ \t]+)?|["'=,:]\s*)flask(?:[-_.][\w.-]+)?[ \t]*(?:$|["'\[<>=!~;,@#])"""
)
_IMPORT = re.compile(rb"(?im)^[ \t]*(?:import|from)[ \t]+(?:[\w., ]*[ \t,])?flask(?:_\w+)?\b")
_MANIFESTS = re.compile(
    r"(?i)(?:.*requirements.*\.(?:txt|in)|requirements/.+\.(?:txt|in)|pyproject\.toml|Pipfile"
    r"|setup\.(?:cfg|py)|environment\.ya?ml)"
)


def looks_like_flask(folder: Path) -> bool:
    """Whether a requirement or an import in the folder names Flask. Takes a second at the most."""
    until = time.monotonic() + _LONGEST
    return any(
        pattern.search(read_bytes(path, _READ) or b"")
        for path, pattern in _candidates(folder, until)
    )


def mentions_flask(file: Path) -> bool:
    """Whether this one file imports Flask or one of its extensions."""
    return bool(_IMPORT.search(read_bytes(file, _READ) or b""))


def _candidates(folder: Path, until: float) -> Iterator[tuple[Path, re.Pattern[bytes]]]:
    """The files worth a look, the likeliest first."""
    sources: list[Path] = []
    for directory, subdirectories, names in os.walk(folder):
        here = Path(directory)
        depth = len(here.relative_to(folder).parts)
        subdirectories[:] = sorted(
            name
            for name in subdirectories
            if depth < _DEEPEST
            and not name.startswith(".")
            and name not in FOREIGN
            and not is_file(here / name / "pyvenv.cfg")
        )
        for name in sorted(names):
            is_manifest = _MANIFESTS.fullmatch(name) or _MANIFESTS.fullmatch(f"{here.name}/{name}")
            if is_manifest and depth <= 1:
                yield here / name, _REQUIREMENT
            elif name.endswith(".py"):
                sources.append(here / name)
        if len(sources) >= _MOST_FILES or time.monotonic() > until:
            break
    for path in sources[:_MOST_FILES]:
        if time.monotonic() > until:
            return
        yield path, _IMPORT
