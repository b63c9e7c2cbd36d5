"""pygls's side of the wire, mended where a long session would wear it out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pygls.protocol import LanguageServerProtocol


class Protocol(LanguageServerProtocol):
    """Forgets each handler's future when that is done.

    pygls does so only for those that answer a request directly. A command's own handler runs
    behind another one, under an id that nobody asks for again, and would be kept for good.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request_futures = _Futures(self._request_futures)

    def _execute_handler(
        self,
        msg_id: Any,
        handler: Any,
        callback: Callable[[Any], Any],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        def done(future: Any) -> None:
            self._request_futures.pop(msg_id, None)
            if not future.cancelled():
                future.exception()  # nobody else may look: of a request that was cancelled
            callback(future)

        super()._execute_handler(msg_id, handler, done, args, kwargs)


class _Futures(dict[Any, Any]):
    """What is under way, by id. At `shutdown` pygls cancels all of it as it goes through, and
    what is cancelled takes itself out."""

    def items(self) -> Any:
        return list(super().items())
