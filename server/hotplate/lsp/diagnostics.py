"""What the editor shows as problems: who has put what where, and what is to be said again.

Each problem belongs to an owner ("this app's start", "this view") and stands or goes with it. A
file is published anew only where its list has changed, so nothing flickers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lsprotocol.types import Diagnostic, Range

Publish = Callable[[str, list[Diagnostic]], None]


class Problems:
    """All problems that are shown, by owner and by file."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._owned: dict[str, dict[str, list[Diagnostic]]] = {}
        self._shown: dict[str, list[Diagnostic]] = {}

    def put(self, owner: str, problems: Mapping[str, list[Diagnostic]]) -> None:
        """Replace what an owner has to say: its problems by file."""
        before = set(self._owned.get(owner, {}))
        if problems:
            self._owned[owner] = dict(problems)
        else:
            self._owned.pop(owner, None)
        for uri in before | set(problems):
            self._refresh(uri)

    def clear(self, owner: str) -> None:
        self.put(owner, {})

    def owners(self, prefix: str) -> list[str]:
        """Who has something to say, of those whose name begins so."""
        return [owner for owner in self._owned if owner.startswith(prefix)]

    def owners_in(self, uri: str, prefix: str) -> list[str]:
        """The same, of those who have said something about a file."""
        return [owner for owner in self.owners(prefix) if uri in self._owned[owner]]

    def at(self, uri: str, range_: Range) -> list[Diagnostic]:
        """What is shown in a file where it touches a range."""
        return [each for each in self._shown.get(uri, []) if _touch(each.range, range_)]

    def _refresh(self, uri: str) -> None:
        now = [item for owned in self._owned.values() for item in owned.get(uri, [])]
        if now != self._shown.get(uri, []):
            if now:
                self._shown[uri] = now
            else:
                self._shown.pop(uri, None)
            self._publish(uri, now)


def _touch(one: Range, other: Range) -> bool:
    return one.start <= other.end and other.start <= one.end
