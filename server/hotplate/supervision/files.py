"""Files as they are on disk, in the terms in which a save and an app's look at a file agree."""

from __future__ import annotations

import os

from hotplate.supervision.events import Signature


def signature(path: str) -> Signature | None:
    """A file as it is on disk now, None where there is none."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return Signature(status.st_mtime_ns, status.st_size)


def real(path: str, folders: dict[str, str]) -> str:
    """As `os.path.realpath`, with what is known of folders already."""
    if os.path.islink(path):
        return os.path.realpath(path)
    folder, name = os.path.split(path)
    if folder not in folders:
        folders[folder] = os.path.realpath(folder)
    return os.path.join(folders[folder], name)
