"""Which code is the person's own. An error is shown where they can mend it, not in a library."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

MOST_FILES = 1000

# What is installed or generated, wherever it stands.
FOREIGN = frozenset(
    {
        "site-packages",
        "dist-packages",
        "node_modules",
        "__pycache__",
        "__pypackages__",
        ".venv",
        "venv",
        ".tox",
        ".nox",
        ".eggs",
        ".conda",
    }
)


def is_own(path: Path | str, roots: Iterable[Path | str]) -> bool:
    """Whether the file is the person's own: under one of the roots, and nothing installed.

    It is asked of every frame of every traceback, so answers are kept.
    """
    return _is_own(os.fspath(path), tuple(os.fspath(root) for root in roots))


@lru_cache(maxsize=8192)
def _is_own(path: str, roots: tuple[str, ...]) -> bool:
    if not os.path.isabs(path):
        return False  # <string>, <frozen importlib._bootstrap>
    # A frame may show the way through a symlink (/tmp on macOS) or the way around it.
    ways = {os.path.normpath(path), os.path.realpath(path)}
    return any(_is_under(way, base) for root in roots for base in _ways(root) for way in ways)


def _is_under(path: str, root: str) -> bool:
    prefix = root if root.endswith(os.sep) else root + os.sep
    if not path.startswith(prefix):
        return False
    folders = path[len(prefix) :].split(os.sep)[:-1]
    if not FOREIGN.isdisjoint(folders):
        return False
    # The root itself may be an environment (python -m venv .); what is installed in it was caught
    # above.
    below = prefix
    for folder in folders:
        below = f"{below}{folder}{os.sep}"
        if _is_environment(below):
            return False
    return True


@lru_cache(maxsize=64)
def _ways(root: str) -> frozenset[str]:
    return frozenset({os.path.abspath(root), os.path.realpath(root)})


@lru_cache(maxsize=8192)
def _is_environment(folder: str) -> bool:
    return os.path.exists(f"{folder}pyvenv.cfg")


def python_files_in(folder: str) -> list[str]:
    """The person's own Python files below a folder; none if it is none. Stops at a thousand."""
    found: list[str] = []
    for here, folders, files in os.walk(folder):
        folders[:] = [
            name
            for name in folders
            if name not in FOREIGN and not _is_environment(f"{here}{os.sep}{name}{os.sep}")
        ]
        found += [os.path.join(here, name) for name in files if name.endswith(".py")]
        if len(found) > MOST_FILES:
            break
    return found[:MOST_FILES]
