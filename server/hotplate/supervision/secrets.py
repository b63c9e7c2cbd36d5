"""What only the person at the editor may know: the debugger's PIN, and the way to its pages."""

from __future__ import annotations

import secrets
from collections import deque

from hotplate_agent import messages as m

HIDDEN = "[hidden by Hotplate]"

_lasting: set[str] = set()
"""The PINs and the secrets of addresses, of all apps."""
_passing: deque[str] = deque(maxlen=32)
"""Werkzeug's own secrets, of the last processes: each has one, worth nothing once it has ended."""


def redact(text: str) -> str:
    """Without any PIN or secret: they are in no log, whoever has printed them."""
    for secret in (*_lasting, *_passing):
        if secret in text:
            text = text.replace(secret, HIDDEN)
    return text


def begun(text: str) -> int:
    """How many characters at the end may be the beginning of a secret."""
    return max(
        (
            length
            for secret in (*_lasting, *_passing)
            for length in range(1, len(secret))
            if text.endswith(secret[:length])
        ),
        default=0,
    )


def redact_report(report: m.Report) -> m.Report:
    """The same of an exception's words: an app may raise what it was asked for."""
    return report._replace(
        message=redact(report.message),
        text=redact(report.text),
        causes=[cause._replace(message=redact(cause.message)) for cause in report.causes],
    )


class Secrets:
    """One app's, the same over all its generations, so that an open debugger goes on."""

    def __init__(self) -> None:
        self._secret = secrets.token_urlsafe(24)
        self._pin: m.Pin | None = None
        _lasting.add(self._secret)
        self._told: tuple[str | None, str | None] | None = None

    @property
    def pin(self) -> str | None:
        """What Werkzeug will ask for, None where it asks for nothing or there is no debugger."""
        return self._pin.pin if self._pin is not None else None

    def keep(self, pin: m.Pin) -> None:
        """Take over what an agent has made, or been given."""
        self._pin = pin
        if pin.pin:
            _lasting.update({pin.pin, pin.pin.replace("-", "")})
        if pin.secret:
            _passing.append(pin.secret)

    def entrust(self, load: m.Load) -> m.Load:
        """The same order, with what the agent needs to be the same debugger as the one before."""
        pin = self._pin
        return load._replace(
            secret=self._secret,
            pin=pin.pin if pin is not None else None,
            pin_cookie=pin.cookie if pin is not None else None,
        )

    def page(self, url: str | None, fault: str | None) -> str | None:
        """The address of an exception's interactive page, on the app that serves at `url`."""
        if fault is None or url is None:
            return None
        return f"{url}/__hotplate__/{self._secret}/{fault}"

    def news(self, url: str | None) -> tuple[str | None, str | None] | None:
        """The PIN and the app's address, where they are other than when this was asked last."""
        told = (self.pin, url)
        if told == self._told:
            return None
        self._told = told
        return told
