"""Watching requests: who raised, which view has recovered, and the pages of kept exceptions.

This is a WSGI layer around all that the app and Werkzeug's debugger do, so it adds nothing to a
traceback that the person reads. Exceptions are told by whoever catches them (the debugger,
Flask's log, this layer); the layer knows which request it was.
"""

import contextvars
import functools
import sys
from types import ModuleType
from typing import Any, Callable, Iterable, Iterator, List, Optional, Set

from hotplate_agent import strangers
from hotplate_agent.debugger import ELSEWHERE, Debugger, contexts_of_caller
from hotplate_agent.messages import Raised, Recovered, Report, Untold
from hotplate_agent.pace import Pace
from hotplate_agent.trouble import Troubles

PAGES = "/__hotplate__/"
ENDPOINT = "endpoint "


class _Request:
    """One request on its way: its environ, and the exception that it has ended with."""

    def __init__(self, environ: Any) -> None:
        self.environ = environ
        self.exc: Optional[BaseException] = None
        self.flask: Any = None
        self.over = False

    @property
    def view(self) -> str:
        """What will clear the error: the endpoint where Flask has matched one, else the path.

        What raises for requests that match nothing is the same for all of them."""
        if self.flask is not None:
            endpoint = getattr(self.flask, "endpoint", None)
            return ENDPOINT + str(endpoint) if endpoint else "no endpoint"
        return "path " + str(self.environ.get("PATH_INFO", ""))


_current: "contextvars.ContextVar[Optional[_Request]]" = contextvars.ContextVar(
    "hotplate_request", default=None
)


class Watch:
    """Tells the server of exceptions in requests and threads."""

    def __init__(self, send: Callable[[Any], None], debugger: Debugger, troubles: Troubles) -> None:
        self._pace = Pace()
        self._send = send
        self._troubles = troubles
        self._debugger = debugger
        self.path = PAGES
        self._failing: Set[str] = set()
        self._inherited: List[str] = []
        self._startup: Optional[BaseException] = None

    def begin(self, secret: str, failing: Iterable[str]) -> None:
        """Take over the secret part of the pages' address, and the views that have raised."""
        self.path = PAGES + secret + "/"
        self._failing = set(failing)
        self._inherited = [view for view in self._failing if view.startswith(ENDPOINT)]

    def expect(self, exc: BaseException) -> None:
        """The app failed to load with this: each request raises it again, and it was told."""
        self._startup = exc

    # ------------------------------------------------------------ hooks

    def install_debug(self, module: ModuleType) -> None:
        """Hear of what `werkzeug.debug` catches (`DebugTraceback` since 2.1)."""
        if hasattr(module, "DebugTraceback"):
            traceback = module.DebugTraceback

            def debug_traceback(exc: BaseException, *args: Any, **kwargs: Any) -> Any:
                self.raised(exc, contexts_of_caller())
                return traceback(exc, *args, **kwargs)

            module.DebugTraceback = debug_traceback  # type: ignore[attr-defined]
        elif hasattr(module, "get_current_traceback"):
            get = module.get_current_traceback

            def get_current_traceback(*args: Any, **kwargs: Any) -> Any:
                exc = sys.exc_info()[1]
                if exc is not None:
                    self.raised(exc)
                return get(*args, **kwargs)

            module.get_current_traceback = get_current_traceback  # type: ignore[attr-defined]

    def install_flask(self, module: ModuleType) -> None:
        """Hear of what Flask logs instead of raising it (no debug mode), and of its requests.

        `create_url_adapter` is where every Flask shows its request object to be matched.
        """
        cls: Any = module.Flask
        log = cls.log_exception
        adapt = cls.create_url_adapter

        def log_exception(app: Any, *args: Any, **kwargs: Any) -> Any:
            exc = sys.exc_info()[1]
            if exc is not None:
                self.raised(exc)
            return log(app, *args, **kwargs)

        def create_url_adapter(app: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            current = _current.get()
            if (
                current is not None
                and request is not None
                and (
                    # Not one that a view makes for itself (`test_client`, `test_request_context`).
                    current.flask is None or request.environ is current.environ
                )
            ):
                current.flask = request
                self._forget_removed(app)
            return adapt(app, request, *args, **kwargs)

        cls.log_exception = log_exception
        cls.create_url_adapter = create_url_adapter

    def watch_flask(self) -> None:
        """Be the layer around each Flask app, where another server than Werkzeug's has it."""
        module = sys.modules.get("flask.app")
        if module is None:
            return
        cls: Any = module.Flask
        call = cls.__call__
        watch = self

        def __call__(app: Any, environ: Any, start_response: Any) -> Any:
            __traceback_hide__ = True
            current = _current.get()
            if current is not None and not current.over:  # a view asks an app: `test_client`
                return call(app, environ, start_response)
            return watch.wrap(functools.partial(call, app))(environ, start_response)

        cls.__call__ = __call__

    def install_threading(self, module: ModuleType) -> None:
        """Hear of exceptions that end a thread."""
        hook = module.excepthook
        tell = self._troubles.guarded("telling of an exception in a thread", self._thread_raised)

        def excepthook(args: Any) -> Any:
            if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
                tell(args.exc_value, getattr(args.thread, "name", None) or "a thread")
            return hook(args)

        module.excepthook = excepthook  # type: ignore[attr-defined]

    def _thread_raised(self, exc: BaseException, thread: str) -> None:
        if not self._pace.allows("thread " + thread):
            self._send(Untold())
            return
        report = _report(exc)._replace(fault=self._debugger.keep(exc))
        self._send(Raised(report, "thread", "thread " + thread))

    def raised(self, exc: BaseException, contexts: Optional[List[Any]] = None) -> None:
        """An exception has ended the current request."""
        try:
            self._request_raised(exc, contexts)
        except Exception:
            self._troubles.tell("telling of an exception")

    def _request_raised(self, exc: BaseException, contexts: Optional[List[Any]]) -> None:
        request = _current.get()
        if exc is self._startup or (request is not None and request.exc is exc):
            return
        if request is not None and _ends_websocket(exc, request.environ):
            return
        view = "?"
        method = url = ""
        if request is not None:
            request.exc = exc
            view = request.view
            method = str(request.environ.get("REQUEST_METHOD", ""))
            url = _url(request.environ)
            self._failing.add(view)
        if not self._pace.allows(view):
            self._send(Untold())
            return
        fault = self._debugger.keep(exc, contexts)
        self._send(Raised(_report(exc)._replace(fault=fault), "request", view, method, url))

    def heard(self, message: Any) -> None:
        """Tell what one of the `workers` has to tell, by what is known here of the others.

        The process that raised is gone: there is no page on which to look into it.
        """
        if isinstance(message, Raised):
            if message.when == "request":
                self._failing.add(message.view)
            if self._pace.allows(message.view):
                message = message._replace(report=message.report._replace(fault=None))
            else:
                message = Untold()
        elif isinstance(message, Recovered):
            if message.view not in self._failing:
                return
            self._failing.discard(message.view)
        self._send(message)

    # ------------------------------------------------------------ the layer

    def wrap(self, app: Any) -> Any:
        """The app as it is served."""

        def application(environ: Any, start_response: Any) -> Iterable[bytes]:
            __traceback_hide__ = True
            path = environ.get("PATH_INFO", "")
            command = strangers.command(environ)
            if command is not None:
                why = self._debugger.refuses(command, environ)
                if why is not None:
                    return strangers.refusal(start_response, why)
            elif path.startswith(self.path):
                return self._page(path[len(self.path) :], environ, start_response)
            request = _Request(environ)
            _current.set(request)
            try:
                body = app(environ, start_response)
            except BaseException as exc:
                if isinstance(exc, Exception):
                    self.raised(exc)
                request.over = True
                raise
            return _Body(body, request, self)

        return application

    def answered(self, request: _Request) -> None:
        """A request has ended. If its view was failing and it did not raise, say so."""
        request.over = True
        try:
            if request.exc is None and self._failing and request.view in self._failing:
                view = request.view
                self._failing.discard(view)
                self._send(Recovered(view))
        except Exception:
            self._troubles.tell("looking at an answered request")

    def _forget_removed(self, app: Any) -> None:
        """Views that the process before had and this one has not will not raise any more."""
        while self._inherited:
            view = self._inherited.pop()
            if view[len(ENDPOINT) :] not in app.view_functions and view in self._failing:
                self._failing.discard(view)
                self._send(Recovered(view))

    def _page(self, fault: str, environ: Any, start_response: Any) -> Iterable[bytes]:
        if strangers.from_elsewhere(environ) and not strangers.goes_there(environ):
            return strangers.refusal(start_response, ELSEWHERE)
        html = self._debugger.page(fault, environ)
        status = "200 OK"
        if html is None:
            status = "410 Gone"
            html = (
                "<!doctype html><title>Gone</title><p>This traceback went with the process that "
                "raised it: the app has been restarted since. Make the request again."
            )
        body = html.encode("utf-8", "replace")
        headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "same-origin"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        start_response(status, headers)
        return [body]


class _Body:
    """The answer's body, passed on; notices an exception in a streamed one, and the end."""

    def __init__(self, body: Iterable[bytes], request: _Request, watch: Watch) -> None:
        self._body = body
        self._request = request
        self._watch = watch

    def __iter__(self) -> Iterator[bytes]:
        __traceback_hide__ = True
        try:
            yield from self._body
        except Exception as exc:
            self._watch.raised(exc)
            raise

    def close(self) -> None:
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._watch.answered(self._request)


def _ends_websocket(exc: BaseException, environ: Any) -> bool:
    """Whether this is no error: so libraries tell Werkzeug that a WebSocket has been closed."""
    return type(exc) is ConnectionError and not exc.args and "HTTP_UPGRADE" in environ


def _report(exc: BaseException) -> Report:
    from hotplate_agent import errors  # only now: an app should not have to wait for it

    return errors.report(exc)


def _url(environ: Any) -> str:
    """The request's address, as the person would type it. Never the debugger's."""
    host = environ.get("HTTP_HOST") or "{}:{}".format(
        environ.get("SERVER_NAME", ""), environ.get("SERVER_PORT", "")
    )
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    query = environ.get("QUERY_STRING", "")
    if strangers.command(environ) is not None:  # of an earlier process: it may hold the PIN
        query = ""
    url = "{}://{}{}".format(environ.get("wsgi.url_scheme", "http"), host, path)
    return url + ("?" + query if query else "")
