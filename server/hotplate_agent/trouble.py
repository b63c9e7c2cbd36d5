"""A mistake of the agent's own must not become the app's: it is told, and the app goes on."""

from typing import Any, Callable, Set

from hotplate_agent.messages import Trouble

LONGEST = 20000


class Troubles:
    """Tells the server of each mistake, once."""

    def __init__(self, send: Callable[[Any], None]) -> None:
        self._send = send
        self._told: Set[str] = set()

    def tell(self, what: str) -> None:
        """Tell of the exception that is being handled; `what` says what was being done."""
        import traceback  # only now: there should be none

        try:
            text = traceback.format_exc()[-LONGEST:]
        except Exception:  # it can't even be printed
            text = what
        if text not in self._told and len(self._told) < 100:
            self._told.add(text)
            self._send(Trouble(what, text))

    def guarded(self, what: str, call: Callable[..., Any]) -> Callable[..., None]:
        """The same call, without an exception and without a value."""

        def guarded(*args: Any) -> None:
            try:
                call(*args)
            except Exception:
                self.tell(what)

        return guarded
