"""The folders that the person has approved to start in, remembered outside of any project.

A project that could approve itself would be no use: the record is in the person's own state
folder, keyed by a folder's real path, so that no link can borrow another's approval.
"""

from __future__ import annotations

import json
import os
import secrets
from datetime import datetime, timezone
from pathlib import Path

import platformdirs

from hotplate.project.files import read_text


class Approvals:
    """A small file of approved folders. What cannot be read counts as empty."""

    def __init__(self, path: Path | None = None) -> None:
        """`path` is the file itself; without it, the person's own."""
        self.path = path or _state_directory() / "approved-folders.json"
        # What the person said while the file could not be written: it holds for this session.
        self._unsaved: dict[str, bool] = {}

    def approved(self, folder: Path) -> bool:
        """Whether the person has approved this very folder, now or earlier."""
        key = os.path.realpath(folder)
        return self._unsaved.get(key, key in self._read())

    def approve(self, folder: Path) -> bool:
        """Remember it. False where that holds for this session only, as nothing can be written."""
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        return self._record(folder, now)

    def forget(self, folder: Path) -> bool:
        """Take the approval back. False where that holds for this session only, likewise."""
        return self._record(folder, None)

    def _record(self, folder: Path, when: str | None) -> bool:
        key = os.path.realpath(folder)
        folders = self._read()  # afresh each time: other editors' servers share the file
        before = dict(folders)
        if when is None:
            folders.pop(key, None)
        else:
            folders[key] = when
        if folders == before or self._write(folders):
            self._unsaved.pop(key, None)
            return True
        self._unsaved[key] = when is not None
        return False

    def _read(self) -> dict[str, str]:
        try:
            data = json.loads(read_text(self.path) or "")
            folders = data["folders"]
            return {str(folder): str(when) for folder, when in folders.items()}
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return {}

    def _write(self, folders: dict[str, str]) -> bool:
        # Whole or not at all, and never readable to others in between.
        draft = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(file, "w", encoding="utf-8") as stream:
                    json.dump({"folders": folders}, stream, indent=1)
                draft.replace(self.path)
            except BaseException:
                draft.unlink(missing_ok=True)
                raise
        except OSError:
            return False
        return True


def _state_directory() -> Path:
    if chosen := os.environ.get("HOTPLATE_STATE_DIR"):
        return Path(chosen)
    return platformdirs.user_state_path("hotplate", appauthor=False)
