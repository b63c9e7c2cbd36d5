"""A start that failed: what is told of it, and the page that stands in the app's place."""

import os
import sys
from types import TracebackType
from typing import Any, Dict, Optional

from hotplate_agent import sources
from hotplate_agent.certificates import for_page
from hotplate_agent.loading import Address
from hotplate_agent.messages import Frame, Load, Report


class NothingServed(Exception):
    """A script has ended, and there is nobody to answer a request."""

    @classmethod
    def by(cls, load: Load) -> "NothingServed":
        return cls(
            "{} ended without serving. Does it call app.run()? To have Hotplate serve the app "
            "itself, name it in hotplate.app instead of hotplate.script.".format(
                load.script or load.module or "flask run"
            )
        )


class _Exit(Exception):
    """Stands on the error page for a SystemExit, which no page could show."""


_Exit.__name__ = _Exit.__qualname__ = "SystemExit"
NothingServed.__module__ = _Exit.__module__ = "builtins"  # whence names are shown alone


def report_of_nothing(exc: NothingServed, load: Load) -> Report:
    """Its report points at the script's first line."""
    frames = []
    if load.script is not None:
        frames.append(Frame(os.path.abspath(load.script), 1, ""))
    return Report("NothingServed", str(exc), str(exc), frames, [])


def without_our_frames(exc: BaseException) -> Optional[TracebackType]:
    """The exception's traceback from the first line that is not the agent's or Python's own."""
    rest = exc.__traceback__
    while rest is not None and sources.is_machinery(rest.tb_frame.f_code.co_filename):
        rest = rest.tb_next
    return rest


def as_printed(exc: BaseException, report: Report) -> str:
    """What Python would have written to stderr at the end of the process."""
    if isinstance(exc, SystemExit):
        return "" if exc.code is None or isinstance(exc.code, int) else report.message + "\n"
    return report.text if report.text.endswith("\n") else report.text + "\n"


def print_as_python(exc: BaseException, report: Report) -> None:
    """Say what Python would have said at the end of the process, by the app's own hook if any."""
    if sys.excepthook is not sys.__excepthook__ and not isinstance(exc, SystemExit):
        try:
            sys.excepthook(type(exc), exc, without_our_frames(exc))
            return
        except Exception:
            sys.stderr.write("Error in sys.excepthook:\n")
    sys.stderr.write(as_printed(exc, report))


def can_serve() -> bool:
    """Whether there is a Werkzeug for the page.

    Flask is imported with it where that works: the debugger's PIN comes of it.
    """
    try:
        import werkzeug.serving  # noqa: F401
    except Exception:
        return False
    try:
        import flask.app  # noqa: F401
    except Exception:
        pass
    return True


def shown(exc: BaseException, report: Report, caught: Optional[BaseException]) -> Exception:
    """What the page shows: the exception, or one that Werkzeug's debugger can catch.

    `caught` is shown with it as its cause.
    """
    shown = exc if isinstance(exc, Exception) else _Exit(report.message)
    if caught is not None:
        shown.__cause__ = caught
    return shown


def serve_page(shown: Exception, exc: BaseException, load: Load, address: Address) -> None:
    """Answer every request with `shown`, raised where `exc` was; returns when told to drain."""
    from werkzeug.serving import run_simple

    traceback = without_our_frames(exc)

    def failing(environ: Any, start_response: Any) -> Any:
        __traceback_hide__ = True
        raise shown.with_traceback(traceback)

    run_simple(
        address.host or load.fallback_host,
        load.fallback_port if address.port is None else address.port,
        failing,
        use_debugger=True,
        use_evalex=load.debugger is not False and _debugging(load),
        threaded=True,
        ssl_context=address.tls or for_page(load),
    )


def versions() -> Dict[str, str]:
    """The Flask and Werkzeug that are installed, whether or not they can be imported."""
    from importlib.metadata import version

    found = {}
    for name in ("flask", "werkzeug"):
        try:
            found[name] = str(version(name))
        except Exception:
            pass
    return found


def _debugging(load: Load) -> bool:
    if load.debug is not None:
        return load.debug
    return os.environ.get("FLASK_DEBUG", "1").lower() not in ("", "0", "false", "no")
