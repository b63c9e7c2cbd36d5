"""Which saves matter: what the app has read, and in which version.

It is learnt. A child tells each file before it reads it, with the version that it found. A save of
a file that it has not read yet needs no restart: it will read what is on disk. A save of one that
it has read in another version does. Word of a read can come after word of the save that it missed,
so saves since `Load` are remembered.

What the app itself writes, having read it, is not heeded where the editor's file watcher tells it:
such an app would start itself again for ever. The person's own save of it counts.

A version is known by its time and size, and clocks of disks are coarse: two saves within a tick
can look the same. So an explicit save of the very version that was read counts too, but for one
case: the file was written after the last that was heard before `Load`, and this is the first
word of it. That is the tail of a Save All, which the app has read already.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from typing import NamedTuple

from hotplate.supervision.events import Change, Failure, Reason, Saved, Signature


class _Save(NamedTuple):
    """The last that was heard of a file. `twin`: a version before it may look the same."""

    signature: Signature | None
    reason: Reason
    twin: bool


class Saves:
    """What was saved, what the app has read, and what follows from both.

    `project` are folders whose Python files set off a restart while the app is failed; `heeded`
    are files that always matter (`.env`, `extraFiles`); `excluded` are patterns as `flask run`'s.
    `missed…` are files that were saved since `Load`, before it was known that they matter.
    """

    def __init__(self) -> None:
        self.heeded: frozenset[str] = frozenset()
        self.excluded: tuple[str, ...] = ()
        self.project: tuple[str, ...] = ()
        self.heard_at = 0
        """When the last command or save was heard, in wall-clock nanoseconds."""
        self.rewritten: set[str] = set()
        """What the app itself writes."""
        self._heard: dict[str, Signature | None] = {}
        self._unsettled: set[str] = set()
        self.reset()

    def reset(self) -> None:
        """Forget what was true of the generation before."""
        self._seen: dict[str, Signature] = {}
        self._libraries: set[str] = set()
        self._saves: dict[str, _Save] = {}
        self._since = 0
        self._asked_for: frozenset[str] = frozenset()
        self._app_excludes: tuple[str, ...] = ()

    # ------------------------------------------------------------ saves

    def news(self, event: Saved) -> list[Change]:
        """What of a save was not known, and is for the app to heed."""
        changes = [change for change in event.changes if not self._is_echo(change, event.external)]
        self._heard.update(changes)
        self._unsettled.update(change.path for change in changes)
        if event.external:
            changes = [change for change in changes if change.path not in self.rewritten]
        return changes

    def mattering(
        self, changes: Iterable[Change], external: bool, failure: Failure | None
    ) -> list[str]:
        """The files among these for which the app is to be started anew; `failure`: it has failed
        with that."""
        return [change.path for change in changes if self._matters(change, external, failure)]

    def remember(self, changes: Iterable[Change], reason: Reason) -> None:
        """They do not matter as far as is known. The app may come to them yet."""
        for change in changes:
            twin = reason == "save" and self._may_be_twin(change)
            self._saves[change.path] = _Save(change.signature, reason, twin)

    def reason(self, missed: str) -> Reason:
        """How a file that was missed had been saved."""
        return self._saves[missed].reason

    def known_below(self, paths: Iterable[str]) -> list[str]:
        """What the app has read in these, as far as they are folders: who deletes or renames one
        tells no more than that. A checkout tells thousands, so each folder is asked for once."""
        told = tuple(path.rstrip("/") + "/" for path in paths)
        folders = {path.rpartition("/")[0] for path in self._seen}
        below = {folder for folder in folders if (folder + "/").startswith(told)}
        return [path for path in self._seen if path.rpartition("/")[0] in below]

    # ------------------------------------------------------------ the app's course

    def load(self) -> tuple[str, ...]:
        """It begins to read; the files whose bytecode may be older than they are."""
        self._since = self.heard_at
        return tuple(sorted(self._unsettled))

    def missed(self, path: str, signature: Signature) -> list[str]:
        """It has read a file, in this version of it."""
        read = self._seen.setdefault(path, signature)
        save = self._saves.get(path)
        if save is None or (save.signature == read and not save.twin):
            return []
        return self._saved_of([path])

    def missed_libraries(self, paths: Sequence[str]) -> list[str]:
        """It has loaded these, which are not the person's own."""
        self._libraries.update(paths)
        return self._saved_of(paths)

    def missed_extra(self, files: Sequence[str], patterns: Sequence[str]) -> list[str]:
        """It serves, and has asked for files to be heeded and others not."""
        self._asked_for = frozenset(files)
        self._app_excludes = tuple(patterns)
        self._unsettled.intersection_update(self._saves)
        return self._saved_of(path for path in files if path not in self._seen)

    def missed_by_failure(self, failure: Failure) -> list[str]:
        """It has failed, and had not come to these, which may be what it wanted."""
        return [
            path
            for path in self._saved_of(self._saves)
            if path not in self._seen and self._concerns(path, failure)
        ]

    # ------------------------------------------------------------ what is known of a file

    def _is_echo(self, change: Change, external: bool) -> bool:
        """Whether an editor's file watcher tells what its didSave has told before.

        It does not if the app has read another version since: then not all was told.
        """
        path, signature = change
        told = path in self._heard and self._heard[path] == signature
        return external and told and self._seen.get(path, signature) == signature

    def _matters(self, change: Change, external: bool, failure: Failure | None) -> bool:
        path, signature = change
        if self._is_excluded(path):
            return False
        if path in self._seen:
            if self._seen[path] != signature:
                return True
            return not external and self._may_be_twin(change)
        if path in self.heeded or path in self._asked_for or path in self._libraries:
            return True
        return failure is not None and self._concerns(path, failure)

    def _may_be_twin(self, change: Change) -> bool:
        """Whether what was read may be an earlier version than what was now saved explicitly,
        though both look the same."""
        path, signature = change
        if signature is None or signature.mtime_ns < self._since:
            return True
        return path in self._saves and self._saves[path].signature == signature

    def _concerns(self, path: str, failure: Failure) -> bool:
        """Whether a change of it may mend a failure."""
        if path.endswith(".py") and path.startswith(self.project):
            return True
        report = failure.report
        frames = [*report.frames, *(frame for cause in report.causes for frame in cause.frames)]
        # A file that is missing has no frame: the message names it.
        return os.path.basename(path) in report.message or any(
            frame.file == path for frame in frames
        )

    def _is_excluded(self, path: str) -> bool:
        return any(fnmatch(path, pattern) for pattern in (*self.excluded, *self._app_excludes))

    def _saved_of(self, paths: Iterable[str]) -> list[str]:
        return [path for path in paths if path in self._saves and not self._is_excluded(path)]
