"""What the editor is asked to watch, for changes that it does not make itself."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from lsprotocol import types

from hotplate.lsp.client import Client
from hotplate.lsp.places import Places

ALWAYS = (
    "**/*.py",
    "**/.env*",
    "**/.flaskenv",
    "**/*.{toml,yaml,yml,json,ini,cfg,conf,env}",
)


class Watching:
    """Two registrations: one that stays, and one for the files that the settings name."""

    def __init__(self, client: Client, places: Places) -> None:
        self._client = client
        self._places = places
        self._wanted: frozenset[str] = frozenset()
        self._registered: frozenset[str] = frozenset()
        self._id: str | None = None
        self._renewing = False

    def begin(self) -> None:
        """Have watched what an app is usually made of."""
        if self._client.watched_files:
            watchers = [types.FileSystemWatcher(pattern) for pattern in ALWAYS]
            self._client.later(self._register(watchers))

    def renew(self, paths: Iterable[str]) -> None:
        """Have these watched besides, and none of those before that are not among them."""
        self._wanted = frozenset(paths)
        if self._client.watched_files and not self._renewing:
            self._renewing = True
            self._client.later(self._renew())

    async def _renew(self) -> None:
        try:
            while self._wanted != self._registered:
                await self._change_to(self._wanted)
        finally:
            self._renewing = False

    async def _change_to(self, wanted: frozenset[str]) -> None:
        self._registered, before = wanted, self._id
        watchers = [types.FileSystemWatcher(self._pattern(path)) for path in sorted(wanted)]
        self._id = await self._register(watchers) if watchers else None
        if before is not None:
            await self._client.unregister(types.WORKSPACE_DID_CHANGE_WATCHED_FILES, before)

    async def _register(self, watchers: list[types.FileSystemWatcher]) -> str:
        options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
        return await self._client.register(types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)

    def _pattern(self, path: str) -> types.GlobPattern:
        folder, name = os.path.split(path)
        name = re.sub(r"[*?\[\]{}!,\\]", "?", name)  # these would mean something
        if self._client.relative_patterns:
            return types.RelativePattern(self._places.uri(folder), name)
        return f"**/{name}"  # too much is no harm: what does not matter is passed over
