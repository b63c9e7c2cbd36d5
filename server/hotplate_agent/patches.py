"""What is changed in Werkzeug and Flask, and nothing more.

Each of these names is looked up by its callers at the time of the call, in every release from
Werkzeug 1.0 to 3.1, so that setting it reaches all of them.
"""

import os
import sys
from types import ModuleType
from typing import Any, Callable, Dict, List, Optional

from hotplate_agent import plain
from hotplate_agent.debugger import Debugger
from hotplate_agent.imports import AfterImport
from hotplate_agent.loading import Address, LoadFailed
from hotplate_agent.trouble import Troubles
from hotplate_agent.watching import Watch

Serve = Callable[..., Any]
"""Called in place of `make_server`, with the real one first."""


class Reloading:
    """What `app.run(…)` or `flask run` would have had Werkzeug's reloader watch."""

    def __init__(self) -> None:
        self.extra_files: List[str] = []
        self.exclude_patterns: List[str] = []

    def ask_for(self, extra_files: Any, exclude_patterns: Any) -> None:
        self.extra_files = [os.path.abspath(path) for path in extra_files or ()]
        self.exclude_patterns = [str(pattern) for pattern in exclude_patterns or ()]

    def ask_as_flask_run(self) -> None:
        """Take what `flask run` was given, which it does not pass on without its reloader."""
        options = _run_options()
        if "extra_files" in options:  # else it is an app's own command of that name
            self.ask_for(options.get("extra_files"), options.get("exclude_patterns"))


def install(
    after: AfterImport,
    serve: Serve,
    reloading: Reloading,
    debugger: Debugger,
    watch: Watch,
    troubles: Troubles,
) -> None:
    """Patch what is imported and, when it comes, what is not yet."""

    def patch(name: str, how: Callable[[ModuleType], None]) -> None:
        # A release that is made otherwise must not fail in the app's own `import flask`.
        after.call(name, troubles.guarded("patching " + name, how))

    patch("werkzeug.serving", lambda module: _patch_serving(module, serve, reloading))
    patch("werkzeug._reloader", lambda module: _patch_reloader(module, reloading))
    patch("werkzeug.debug", debugger.install)
    patch("werkzeug.debug", watch.install_debug)
    patch("flask.cli", _patch_flask_cli)
    patch("flask.cli", plain.install)
    patch("flask.app", watch.install_flask)
    patch("threading", watch.install_threading)


def _patch_serving(module: ModuleType, serve: Serve, reloading: Reloading) -> None:
    original = module.make_server

    def make_server(*args: Any, **kwargs: Any) -> Any:
        return serve(original, *args, **kwargs)

    make_server.__doc__ = original.__doc__
    make_server.__wrapped__ = original  # type: ignore[attr-defined]
    module.make_server = make_server  # type: ignore[attr-defined]
    if hasattr(module, "run_with_reloader"):  # up to Werkzeug 2.0
        _patch_reloader(module, reloading)


def _patch_reloader(module: ModuleType, reloading: Reloading) -> None:
    """There is no second process and no watcher: the server hears of saves from the editor."""

    def run_with_reloader(
        main_func: Callable[[], Any],
        extra_files: Any = None,
        *args: Any,
        exclude_patterns: Any = None,
        **kwargs: Any,
    ) -> None:
        reloading.ask_for(extra_files, exclude_patterns)
        main_func()

    module.run_with_reloader = run_with_reloader  # type: ignore[attr-defined]


def _patch_flask_cli(module: ModuleType) -> None:
    """Let a failed load leave at once, with the app's own exception.

    Left alone, Flask would serve it (2.2), load again at every request (before), or turn it into
    the text of a usage error.
    """
    cls: Any = module.ScriptInfo
    original = cls.load_app

    def load_app(self: Any) -> Any:
        __traceback_hide__ = True
        try:
            return original(self)
        except BaseException as exc:
            options = _run_options()
            address = Address(options.get("host"), options.get("port"), options.get("cert"))
            raise LoadFailed(exc, address) from None

    cls.load_app = load_app


def _run_options() -> Dict[str, Any]:
    """The options of the `flask run` that is on its way, from any source; else none."""
    click = sys.modules.get("click")
    context: Optional[Any] = click.get_current_context(silent=True) if click else None
    if context is None or context.info_name != "run":
        return {}
    return dict(context.params)
