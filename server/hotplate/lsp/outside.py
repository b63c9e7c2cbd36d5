"""Files that something else than the editor has changed: git, a generator, another program."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from hotplate.lsp.places import Places
from hotplate.supervision.events import Change
from hotplate.supervision.files import signature

FEW = 50
"""So many are looked at on the spot: about a millisecond."""


class Outside:
    """Looks at them on disk, in the order in which they are told, and hands on what it has found.

    A checkout changes thousands. They are looked at in a thread, so that nobody waits meanwhile,
    and handed on as one: it is one restart.
    """

    def __init__(
        self,
        places: Places,
        later: Callable[[Coroutine[Any, Any, None]], None],
        found: Callable[[Sequence[Change]], None],
    ) -> None:
        self._places = places
        self._later = later
        self._found = found
        self._waiting: list[str] = []
        self._looking = False

    def told(self, uris: Sequence[str]) -> None:
        """The editor has told of files."""
        if not self._looking and len(uris) <= FEW:
            self._found(self._look(uris))
            return
        self._waiting += uris
        if not self._looking:
            self._looking = True
            self._later(self._look_aside())

    async def _look_aside(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                uris, self._waiting = self._waiting, []
                self._found(await loop.run_in_executor(None, self._look, uris))
        finally:
            self._looking = False

    def _look(self, uris: Sequence[str]) -> list[Change]:
        folders: dict[str, str] = {}
        paths = dict.fromkeys(self._places.path(uri, folders) for uri in uris)
        return [Change(path, signature(path)) for path in paths if path is not None]
