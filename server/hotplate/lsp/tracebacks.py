"""The tracebacks that were told of one app, and the ways back to their pages."""

from __future__ import annotations

import secrets
from collections import OrderedDict

import attrs

from hotplate.lsp import protocol
from hotplate.lsp.client import Client

KEPT = 50


@attrs.frozen
class Kept:
    """A traceback that was told, for `hotplate.openDebugger`. The address is a secret."""

    generation: int
    url: str | None = attrs.field(repr=False)


class Tracebacks:
    """The last ones, by their ids, which name them among all apps'."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def tell(self, params: protocol.TracebackParams) -> str:
        """Tell one, and remember it by the id that it gets here."""
        id_ = secrets.token_hex(6)
        self._kept[id_] = Kept(params.generation, params.debugger_url)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        self._client.notify(protocol.TRACEBACK, attrs.evolve(params, id=id_))
        return id_

    def __contains__(self, id_: str) -> bool:
        return id_ in self._kept

    def is_alive(self, id_: str, generation: int) -> bool:
        """Whether its page can be opened, while this generation runs."""
        kept = self._kept.get(id_)
        return kept is not None and kept.generation == generation and kept.url is not None

    def page(self, id_: str | None, generation: int) -> str:
        """The address of its interactive page; the last one's, unless named. A secret.

        Raises ValueError with the reason where there is none.
        """
        if id_ is None and not self._kept:
            raise ValueError(
                "Nothing has been raised yet, so there is no debugger to open. Make a request "
                "that fails, and ask again."
            )
        kept = self._kept.get(next(reversed(self._kept)) if id_ is None else id_)
        if kept is None:
            raise ValueError(
                f"There is no such traceback as {id_}, or not any more: {KEPT} are kept. "
                "Make the request again."
            )
        if kept.generation != generation:
            raise ValueError(
                "The process that raised this is gone: the app has been restarted since. "
                "Make the request again."
            )
        if kept.url is None:
            raise ValueError(
                "There is no interactive debugger: it is off (hotplate.debugger, debug mode), or "
                "the process is gone."
            )
        return kept.url
