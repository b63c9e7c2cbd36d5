"""Werkzeug's interactive debugger: one PIN for good, and a page for every exception.

Werkzeug derives the PIN and its cookie's name from the type of the app that it wraps, so an app
that failed to load would ask for another PIN than the same app a save later. Here they are set,
so that a browser unlocked once stays unlocked. And Werkzeug shows a page to whoever made the
request; here each exception is kept, so that a person can open the page of one that no person
saw (a fetch, a phone, a thread).
"""

import os
import sys
from collections import OrderedDict
from types import ModuleType
from typing import Any, Callable, List, NamedTuple, Optional, Tuple

from hotplate_agent import strangers

KEPT = 50
"""How many exceptions, with all that their frames hold alive, are kept for their pages."""

ELSEWHERE = (
    "Hotplate: another site has made the browser send this request. The debugger answers only to "
    "its own pages."
)
FOREIGN = (
    "Hotplate: the debugger answers only where the app is addressed as localhost, 127.0.0.1 or by "
    "the host that it was started with. Open it under one of these."
)


class Fault(NamedTuple):
    """A kept exception. `contexts` are Flask's, so that `request` works in the console."""

    exc: BaseException
    contexts: List[Any]


class Debugger:
    """All that the agent has to do with `werkzeug.debug`; `tell_pin` is called with what holds."""

    def __init__(
        self,
        tell_pin: Callable[[Optional[str], Optional[str], Optional[str]], None],
        pin_wanted: Callable[[], None],
    ) -> None:
        self._generation = 0
        self._pin: Optional[str] = None
        self._cookie: Optional[str] = None
        self._tell_pin = tell_pin
        self._pin_wanted = pin_wanted
        self._faults: "OrderedDict[str, Fault]" = OrderedDict()
        self._count = 0
        self._application: Any = None
        self._host: Optional[str] = None

    def begin(self, generation: int, pin: Optional[str], cookie: Optional[str]) -> None:
        """Take over what earlier generations had, None in the first."""
        self._generation, self._pin, self._cookie = generation, pin, cookie

    # ------------------------------------------------------------ hooks

    def install(self, module: ModuleType) -> None:
        """Patch `werkzeug.debug`: the PIN is ours to set, and never printed."""
        cls: Any = module.DebuggedApplication
        create = cls.__init__
        debugger = self

        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            kwargs["pin_logging"] = False
            create(self, *args, **kwargs)
            self.pin_logging = False
            debugger._adopt(self, module)

        def log_pin_request(self: Any, *args: Any, **kwargs: Any) -> Any:
            debugger._pin_wanted()
            from werkzeug.wrappers import Response

            return Response("")

        cls.__init__ = __init__
        cls.log_pin_request = log_pin_request

    def _adopt(self, application: Any, module: ModuleType) -> None:
        self._application = application
        wish = os.environ.get("WERKZEUG_DEBUG_PIN")
        if self._pin and self._cookie and not wish:  # what the browser knows already
            pin: Optional[str] = self._pin
            cookie: Optional[str] = self._cookie
        else:
            pin, cookie = _derive(module)
            if not wish and self._pin:
                pin = self._pin
            if self._cookie:
                cookie = self._cookie
        if vars(application).get("_pin", "") is None:
            pin = None  # the app itself has said `pin_security=False`
        application._pin, application._pin_cookie = pin, cookie
        check = getattr(application, "check_host_trust", None)  # since Werkzeug 3.0.3
        if check is not None:
            # It can read no IPv6 address, not even that on which it serves.
            application.check_host_trust = lambda environ: check(environ) or self._is_known(environ)

    def settle(self, host: str, evalex: bool) -> None:
        """The address is known, and with it whether the console may be offered. Tell the PIN."""
        self._host = host
        application = self._application
        if application is None:
            self._tell_pin(None, None, None)
            return
        if not evalex:
            application.evalex = False
        pin = application._pin if application.evalex else None
        self._tell_pin(pin or None, application._pin_cookie, application.secret)

    # ------------------------------------------------------------ exceptions and their pages

    def keep(self, exc: BaseException, contexts: Optional[List[Any]] = None) -> Optional[str]:
        """Keep an exception for its page. None where no debugger wraps the app."""
        if self._application is None:
            return None
        return self._keep(exc, contexts)

    def keep_for_later(self, exc: BaseException) -> str:
        """Keep an exception that comes before the debugger does: the app failed to load."""
        return self._keep(exc, None)

    def _keep(self, exc: BaseException, contexts: Optional[List[Any]]) -> str:
        self._count += 1
        fault = "{}-{}".format(self._generation, self._count)
        self._faults[fault] = Fault(exc, contexts or [])
        while len(self._faults) > KEPT:
            self._faults.popitem(last=False)
        return fault

    def page(self, fault: str, environ: Any) -> Optional[str]:
        """The interactive page of a kept exception as HTML, None where it is gone."""
        kept = self._faults.get(fault)
        application = self._application
        if kept is None or application is None:
            return None
        known = self._knows_host(environ)
        trusted = bool(application.check_pin_trust(environ))
        return _render(application, kept, known, trusted)

    def refuses(self, command: str, environ: Any) -> Optional[str]:
        """Why a command to Werkzeug's debugger is not to reach it, None where it is.

        Its style sheet and script are for all: they are the same everywhere.
        """
        if self._application is None or command == "resource":
            return None
        if strangers.from_elsewhere(environ):
            return ELSEWHERE
        return None if self._knows_host(environ) else FOREIGN

    def _knows_host(self, environ: Any) -> bool:
        check = getattr(self._application, "check_host_trust", self._is_known)
        return bool(check(environ))

    def _is_known(self, environ: Any) -> bool:
        return strangers.known_host(environ.get("HTTP_HOST"), self._host)


def _render(application: Any, fault: Fault, known_host: bool, trusted: bool) -> str:
    """The page. Who came by a foreign name can read it, and has nothing to talk with."""
    from werkzeug.debug import tbtools as module

    tbtools: Any = module
    exc = fault.exc
    evalex = application.evalex and known_host
    secret = application.secret if known_host else ""
    if hasattr(tbtools, "DebugTraceback"):
        view: Any = tbtools.DebugTraceback(exc)
        for frame in view.all_frames:
            application.frames[id(frame)] = frame
            if hasattr(application, "frame_contexts"):
                application.frame_contexts[id(frame)] = fault.contexts
        html = view.render_debugger_html(evalex=evalex, secret=secret, evalex_trusted=trusted)
    else:
        view = tbtools.Traceback(type(exc), exc, exc.__traceback__)
        for frame in view.frames:
            application.frames[frame.id] = frame
        html = view.render_full(evalex=evalex, secret=secret, evalex_trusted=trusted)
    return str(html)


class _FlaskLike:
    """Looks to Werkzeug's PIN derivation as a plain Flask app does, whatever will be served."""

    __module__ = "flask.app"
    __name__ = "Flask"


def _derive(module: ModuleType) -> Tuple[Optional[str], Optional[str]]:
    """The PIN and cookie that `flask run` has for a plain app; honours WERKZEUG_DEBUG_PIN."""
    pin, cookie = module.get_pin_and_cookie_name(_FlaskLike()) or (None, None)
    return pin, cookie


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server there."""
    known = host in ("localhost", "::1") or host.startswith("unix://")
    return known or strangers.is_loopback_number(host)


def contexts_of_caller() -> List[Any]:
    """Flask's contexts, out of `DebuggedApplication.debug_application` two calls up."""
    try:
        found = sys._getframe(2).f_locals.get("contexts")
    except ValueError:
        return []
    return list(found) if isinstance(found, list) else []
