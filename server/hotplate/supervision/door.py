"""The app's door: the socket that is held, who is behind it, and who waits before it.

Behind the listening socket stands a generation that it was lent to, or the page that answers in
its stead, or nobody. Connections that were accepted and have sent nothing are passed on from one
to the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable

from hotplate.supervision.certificate import Certificate
from hotplate.supervision.child import Child
from hotplate.supervision.events import Failure
from hotplate.supervision.listener import Listener, ListenError
from hotplate.supervision.page import Page
from hotplate.supervision.plan import Plan, PlanError, Planner, mistake
from hotplate_agent.messages import Ask, Connection, Grant, Load, Refuse

logger = logging.getLogger(__name__)

NAME_SECONDS = 0.5
"""What the look-up of a host's name may take that nobody waits for any more."""


class Door:
    """Opens, lends and closes the socket of one app."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self._loop = asyncio.get_running_loop()
        self._listener: Listener | None = None
        self._page: Page | None = None
        self._shown: tuple[Failure, str] | None = None
        self._waiting: list[int] = []
        self.certificate = Certificate()
        self.shut = True
        """Whether nobody is to come in: the app is stopped, or about to be."""

    @property
    def host(self) -> str | None:
        """Where the socket listens, None where there is none."""
        return self._listener.host if self._listener is not None else None

    @property
    def port(self) -> int | None:
        return self._listener.port if self._listener is not None else None

    @property
    def url(self) -> str | None:
        return self._listener.url(self.certificate.tls) if self._listener is not None else None

    async def open_ahead(self, plan: Plan) -> None:
        """Bind before the app is loaded, where the address can be known: a taken port is told
        at once, and there is a place for an error's page. Raises PlanError.

        What is held already is kept as long as it may be right: the app has the last word.
        """
        held = self._listener
        self.certificate.know(plan)
        if plan.address is None:
            return
        if held is None or not held.serves(plan.insist_host, plan.insist_port):
            await self.open(*plan.address)
            self.certificate.expect(plan)

    async def open(self, host: str, port: int) -> None:
        """Hold a socket at an address, the one that is held if it is there. Raises PlanError."""
        held = self._listener
        if held is not None:
            if held.serves(host, port) or await self._loop.run_in_executor(
                None, held.is_at, host, port
            ):
                return
            if port == held.port and held is self._listener:
                self._close_listener()  # it would be in the way of 0.0.0.0, for one
        opening = self._loop.run_in_executor(None, Listener, host, port)
        try:
            listener = await asyncio.shield(opening)
        except asyncio.CancelledError:
            # Who is told that the app has stopped may want the port at once.
            await asyncio.wait({opening}, timeout=NAME_SECONDS)
            opening.add_done_callback(_close_unwanted)
            raise
        except ListenError as error:
            failure = await self._loop.run_in_executor(
                None, self._planner.listen_failure, error.kind, error.host, error.port, error.why
            )
            raise PlanError(failure) from error
        if self.shut:
            listener.close()
            raise asyncio.CancelledError
        shown = self._shown  # who has asked for this socket may have died meanwhile
        self.hide_page()
        self._close_listener()
        self._listener = listener
        if shown is not None:
            self.show_page(*shown)

    def entrust(self, load: Load) -> Load:
        """The same order, with what the page of an error needs to stand where the app did."""
        if self._listener is not None:
            host, port = self._listener.host, self._listener.port
            load = load._replace(fallback_host=host, fallback_port=port, held=True)
        return self.certificate.entrust(load)

    async def let_in(
        self, child: Child, ask: Ask, plan: Plan, wanted: Callable[[], bool]
    ) -> Failure | None:
        """Give a generation the socket that it asks for, if it is still `wanted` by then; why it
        can't be had."""
        host = plan.insist_host or ask.host
        port = plan.insist_port if plan.insist_port is not None else ask.port
        try:
            await self.open(host, port)
            if wanted():
                self._lend(child, ask)
            else:  # it has been told to drain meanwhile, and may be gone before it reads this
                child.send(Refuse(""))
            return None
        except PlanError as error:
            # It lives until it has read this; its end then brings the page.
            child.send(Refuse(error.failure.report.message))
            return error.failure
        except Exception as error:  # there may be no descriptor left for the copy that travels
            if not isinstance(error, OSError):
                logger.exception("The app could not be given its socket.")
            child.send(Refuse(""))
            return mistake(error)

    def _lend(self, child: Child, ask: Ask) -> None:
        assert self._listener is not None
        self.certificate.learn(ask)
        address = Grant(self._listener.host, self._listener.port)
        child.send(address, self._listener.socket.fileno())
        for connection in self._take_waiting():
            with contextlib.suppress(OSError):  # no descriptor is left: it is sent away
                child.send(Connection(), connection)
            os.close(connection)

    def keep(self, connection: int) -> None:
        """Let a connection wait that a generation has handed over."""
        if self.shut:
            os.close(connection)
        else:
            self._waiting.append(connection)

    def show_page(self, failure: Failure, words: str) -> None:
        """Answer every request with a failure, as soon as there is a socket."""
        self._shown = failure, words
        if self._listener is not None:
            self._page = Page(
                self._listener.socket,
                failure,
                words,
                self._take_waiting(),
                self.certificate.context,
            )

    def hide_page(self) -> None:
        self._shown = None
        if self._page is not None:
            self._waiting += self._page.close()
            self._page = None

    def close(self) -> None:
        """Give the address back and send everybody away."""
        self.hide_page()
        for connection in self._take_waiting():
            os.close(connection)
        self._close_listener()

    def _take_waiting(self) -> list[int]:
        waiting, self._waiting = self._waiting, []
        return waiting

    def _close_listener(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None


def _close_unwanted(opening: asyncio.Future[Listener]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
