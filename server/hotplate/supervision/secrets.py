"""What only the person at the editor may know: the debugger's PIN, and the way to its pages."""

from __future__ import annotations

import secrets
from collections import deque

from hotplate_agent import messages as m

HIDDEN = "[hidden by Hotplate]"

_known: deque[str] = deque(maxlen=256)
"""The secrets of all apps, those of processes that are gone included: for the log."""


def redact(text: str) -> str:
    """Without any app's PIN or secret."""
    for secret in tuple(_known):
        if secret in text:
            text = text.replace(secret, HIDDEN)
    return text


class Secrets:
    """One app's, the same over all its generations, so that an open debugger goes on."""

    def __init__(self) -> None:
        self._secret = secrets.token_urlsafe(24)
        self._pin: m.Pin | None = None
        self._hidden: tuple[str, ...] = (self._secret,)
        _known.append(self._secret)
        self._told: tuple[str | None, str | None] | None = None

    @property
    def pin(self) -> str | None:
        """What Werkzeug will ask for, None where it asks for nothing or there is no debugger."""
        return self._pin.pin if self._pin is not None else None

    def keep(self, pin: m.Pin) -> None:
        """Take over what an agent has made, or been given."""
        self._pin = pin
        told = (pin.pin, (pin.pin or "").replace("-", ""), self._secret, pin.secret)
        self._hidden = tuple(dict.fromkeys(filter(None, told)))
        _known.extend(each for each in self._hidden if each not in _known)

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

    def redact(self, text: str) -> str:
        """Without the PIN and the secrets: they are in no log, whoever has printed them."""
        for secret in self._hidden:
            if secret in text:
                text = text.replace(secret, HIDDEN)
        return text

    def redact_report(self, report: m.Report) -> m.Report:
        """The same of an exception's words: an app may raise what it was asked for."""
        return report._replace(
            message=self.redact(report.message),
            text=self.redact(report.text),
            causes=[cause._replace(message=self.redact(cause.message)) for cause in report.causes],
        )
