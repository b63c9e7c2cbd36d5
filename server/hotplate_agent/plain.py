"""WSGI apps that are not Flask's: `module:application` may name any callable that Werkzeug serves.

Flask's command line would refuse them at the very end, when it has found the object and called
the factory. So what it has found is taken out of its refusal: nothing is imported or called twice.
"""

from types import FrameType, FunctionType, ModuleType
from typing import Any, Optional


class Plain:
    """A WSGI app, with the one attribute that `flask run` sets on an app."""

    def __init__(self, app: Any) -> None:
        self.wsgi_app = app
        self.debug = False

    def __call__(self, environ: Any, start_response: Any) -> Any:
        __traceback_hide__ = True
        return self.wsgi_app(environ, start_response)


def install(module: ModuleType) -> None:
    """Patch `flask.cli`."""
    cli: Any = module
    original = getattr(cli, "find_app_by_string", None)
    if original is None:
        return

    def find_app_by_string(*args: Any) -> Any:
        __traceback_hide__ = True
        try:
            return original(*args)
        except cli.NoAppException as exc:
            frame = _frame_of(original.__code__, exc)
            app = None if frame is None else _app_in(frame)
            if app is None:
                raise
        return Plain(app)

    cli.find_app_by_string = find_app_by_string


def _frame_of(code: Any, exc: BaseException) -> Optional[FrameType]:
    step = exc.__traceback__
    while step is not None:
        if step.tb_frame.f_code is code:
            return step.tb_frame
        step = step.tb_next
    return None


def _app_in(frame: FrameType) -> Any:
    """What Flask has found and would not take, if it is a WSGI app."""
    found = frame.f_locals
    if "app" in found:  # an object, or what a factory has made
        app = found["app"]
        return app if callable(app) and not issubclass(type(app), type) else None
    attr = found.get("attr")
    # It was called without arguments, as a factory would be.
    if issubclass(type(attr), FunctionType) and _required(attr) == 2:
        return attr
    return None


def _required(function: Any) -> int:
    import inspect  # only now: Flask has imported it, but a script need not have

    parameters = inspect.signature(function).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return len([p for p in parameters if p.kind in kinds and p.default is p.empty])
