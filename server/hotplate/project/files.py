"""Looking at files that may be missing, unreadable, huge or no files at all.

`pathlib`'s own questions raise where a folder may not be entered; here such a file counts as
missing, since nothing that we look for in a person's project is worth failing over.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hotplate.project import toml

_LIMIT = 2_000_000


def is_file(path: Path) -> bool:
    """Whether it is a regular file that we may know of."""
    return os.path.isfile(path)


def is_dir(path: Path) -> bool:
    """Whether it is a folder that we may know of."""
    return os.path.isdir(path)


def exists(path: Path) -> bool:
    """Whether there is anything that we may know of."""
    return os.path.exists(path)


def is_executable(path: Path) -> bool:
    """Whether it is a file that can be run."""
    return is_file(path) and os.access(path, os.X_OK)


def read_bytes(path: Path, limit: int = _LIMIT) -> bytes | None:
    """The file's content up to the limit; None where it cannot be read, or is a pipe or device."""
    if not is_file(path):
        return None
    try:
        with path.open("rb") as file:
            return file.read(limit)
    except OSError:
        return None


def read_text(path: Path, limit: int = _LIMIT) -> str | None:
    """As `read_bytes`, decoded; what is not UTF-8 in it is replaced."""
    content = read_bytes(path, limit)
    return None if content is None else content.decode("utf-8-sig", "replace")


def read_toml(path: Path) -> dict[str, Any]:
    """The file's tables; empty where there is no such file or it is not TOML."""
    try:
        return toml.loads(read_text(path) or "")
    except (ValueError, RecursionError):
        return {}


def normal(path: str | os.PathLike[str]) -> Path:
    """Absolute and without `..`, yet with its symlinks: the person's own way to it."""
    return Path(os.path.abspath(path))


def expand(base: Path, path: str) -> Path:
    """A path that the person wrote: `~` is their home, and a relative one starts at `base`."""
    return normal(base / os.path.expanduser(path))


def upward(start: Path, last: Path) -> list[Path]:
    """The folder and those above it, up to `last`; only the folder where `last` is not above it."""
    if not start.is_relative_to(last):
        return [start]
    return [folder for folder in (start, *start.parents) if folder.is_relative_to(last)]
