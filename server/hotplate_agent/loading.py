"""Loading the app as Python or `flask run` would have done it.

What the app can see of how it was started (`sys.argv`, `sys.path`, `__main__`, the working
directory, the environment) is what it would see there. Two things differ, and the docs list them:
`WERKZEUG_RUN_MAIN` and `WERKZEUG_SERVER_FD` are set, as in a child of Werkzeug's reloader.
"""

import builtins
import os
import sys
import types
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Set

from hotplate_agent.messages import Load

PLUGINS = "flask.commands"
"""Stands for all plugins of Flask's command line where libraries are listed (`messages.Learnt`)."""


class Address(NamedTuple):
    """Where `flask run` was about to listen, from whatever source; None for what is not known."""

    host: Optional[str] = None
    port: Optional[int] = None
    tls: Any = None


class LoadFailed(BaseException):
    """The app's own exception, on its way past all that would handle an `Exception`."""

    def __init__(self, exc: BaseException, address: Address) -> None:
        super().__init__(exc)
        self.exc = exc
        self.address = address


def begin(load: Load) -> None:
    """Go as far as goes without the project's code. Once in a process, before `run`."""
    if load.script is not None:
        _begin_script(load.script, load.args)
    elif load.module is not None:
        _begin_module(load.module, load.args)
    else:
        _begin_flask(load)


def run(load: Load, own_code_begins: Callable[[], None] = lambda: None) -> None:
    """Load the app and serve it; returns when it was told to drain.

    What serves is Werkzeug, which `patches` has taught to ask for its socket.
    """
    if load.script is not None:
        own_code_begins()
        _run_script(load.script)
    elif load.module is not None:
        _run_module(load.module)
    else:
        _run_flask(load)


def wait_for_threads() -> None:
    """Do what the interpreter does at its end: an app may serve in a thread."""
    threading = sys.modules.get("threading")
    if threading is not None:
        # An executor's threads are not daemons, and end only when they are told by this (3.9+).
        for end in reversed(getattr(threading, "_threading_atexits", ())):
            end()
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join()


def load_plugins(own: Callable[[str], bool]) -> None:
    """Load the commands that packages add to Flask's, as `flask run` does before it loads the app.

    Raises RuntimeError where that would import what may be the project's.
    """
    from importlib import metadata
    from importlib.util import find_spec

    from flask import cli

    found: Any = metadata.entry_points()
    entries = found.select(group=PLUGINS) if hasattr(found, "select") else found.get(PLUGINS, ())
    for entry in entries:
        spec = find_spec(entry.value.partition(":")[0].partition(".")[0])
        if spec is None or spec.origin is None or own(os.path.realpath(spec.origin)):
            raise RuntimeError("{} may be the project's own".format(entry.value))
    group: Any = cli.cli
    group._load_plugin_commands()


def _begin_script(script: str, args: List[str]) -> None:
    """As `python SCRIPT ARGS…`."""
    from importlib.machinery import SourceFileLoader

    path = os.path.abspath(script)
    _invoke([script], args)
    _first_on_path(os.path.dirname(os.path.realpath(path)))
    shown = path if sys.version_info >= (3, 9) else script
    loader = SourceFileLoader("__main__", shown)
    _fresh_main(__file__=shown, __loader__=loader, __cached__=None)


def _run_script(script: str) -> None:
    main = sys.modules["__main__"]
    loader: Any = main.__loader__
    code = loader.source_to_code(loader.get_data(os.path.abspath(script)), main.__file__)
    exec(code, main.__dict__)


def _begin_module(module: str, args: List[str]) -> None:
    """As `python -m MODULE ARGS…`."""
    import runpy  # noqa: F401

    _invoke(["-m", module], args)
    del sys.argv[1]  # runpy puts the module's file in place of the "-m"
    _first_on_path(os.getcwd())
    _fresh_main()


def _run_module(module: str) -> None:
    import runpy

    runpy._run_module_as_main(module)  # type: ignore[attr-defined]


def _begin_flask(load: Load) -> None:
    """As `flask run --no-reload`, through Flask's own command line."""
    from importlib.machinery import SourceFileLoader

    script = os.path.join(os.path.dirname(sys.executable), "flask")
    as_module: Dict[str, Any] = {}
    if os.path.exists(script):
        _first_on_path(os.path.dirname(script))
    else:  # installed without scripts: as `python -m flask`
        from importlib.util import find_spec, spec_from_file_location

        _first_on_path(os.getcwd())
        spec = find_spec("flask")
        script = os.path.join(os.path.dirname((spec and spec.origin) or ""), "__main__.py")
        # `multiprocessing` goes by it: this file can't be run by its path.
        main = spec_from_file_location("flask.__main__", script)
        as_module = {"__spec__": main, "__package__": "flask"}
    _invoke([script], ["run", "--no-reload"])
    loader = SourceFileLoader("__main__", script)
    _fresh_main(__file__=script, __loader__=loader, __cached__=None, **as_module)

    from flask import cli

    if _has_dotenv():
        _load_dotenv(load.env_file)
    _set_debug(load.debug)
    # What the command line does before it loads the app, so that no library can tell.
    os.environ["FLASK_RUN_FROM_CLI"] = "true"
    options = _options(cli.cli)
    if "debug" in options:
        said = os.environ.get("FLASK_DEBUG", "").lower()
        if said in ("true", "t", "yes", "y", "on", "false", "f", "no", "n", "off"):
            os.environ["FLASK_DEBUG"] = "1" if said[0] in "ty" or said == "on" else "0"
    if load.app is not None and "app" not in options:
        # Before Flask 2.2 the environment was the only way.
        os.environ["FLASK_APP"] = load.app


def _run_flask(load: Load) -> None:
    from flask import cli

    group: Any = cli.cli
    args: List[str] = []
    known = _options(group)
    if load.app is not None and "app" in known:
        args += ["--app", load.app]
    if load.env_file is not None and "env_file" in known:
        # It has been read; Flask is to say so where that was not possible.
        args += ["--env-file", load.env_file]
    args += ["run", "--no-reload", *_run_options(load, group)]
    group.main(args=args, prog_name="flask", standalone_mode=False)


def _options(command: Any) -> Set[str]:
    return {parameter.name for parameter in command.params}


def _load_dotenv(env_file: Optional[str]) -> None:
    """Read the files in the order of this Flask's command line: what is set first stays.

    `--env-file` came with Flask 2.2, as the weakest; since 3.1 it is the strongest. Neither has
    FLASK_SKIP_DOTENV to do with it.
    """
    from flask import cli
    from flask.helpers import get_load_dotenv

    last = "env_file" in _options(cli.cli) and not _combines(cli.load_dotenv)
    if env_file is not None and not last:
        if _combines(cli.load_dotenv):
            cli.load_dotenv(env_file, load_defaults=False)
        else:
            cli.load_dotenv(env_file)
    if get_load_dotenv(True):
        cli.load_dotenv()
    if env_file is not None and last:
        cli.load_dotenv(env_file)


def _combines(load_dotenv: Any) -> bool:
    """Whether the function that reads a file reads the others with it, as since Flask 3.1."""
    code = getattr(load_dotenv, "__code__", None)
    return code is not None and "load_defaults" in code.co_varnames


def _has_dotenv() -> bool:
    """Whether Flask will read the files; where not it says so itself, and once is enough."""
    from importlib.util import find_spec

    return find_spec("dotenv") is not None


def _run_options(load: Load, group: Any) -> List[str]:
    """The options of `flask run` that the person has set."""
    options: List[str] = []
    for name in ("host", "port", "cert", "key"):
        value = getattr(load, name)
        if value is not None:
            options += ["--" + name, str(value)]
    if load.threaded is not None:
        options.append("--with-threads" if load.threaded else "--without-threads")
    if load.debugger is not None:
        options.append("--debugger" if load.debugger else "--no-debugger")
    known = {option for parameter in group.commands["run"].params for option in parameter.opts}
    if "--eager-loading" in known:
        # Flask before 2.2 would load in a thread, at the first request, again and again.
        options.append("--eager-loading")
    return options


def _set_debug(debug: Optional[bool]) -> None:
    """Debug mode is on unless somebody has said otherwise; the person's setting comes first."""
    if debug is not None:
        os.environ["FLASK_DEBUG"] = "1" if debug else "0"
    elif "FLASK_ENV" not in os.environ or not _flask_env_counts():
        os.environ.setdefault("FLASK_DEBUG", "1")


def _flask_env_counts() -> bool:
    """Whether this Flask derives debug mode from FLASK_ENV, as it did before 2.3."""
    from flask import helpers

    return hasattr(helpers, "get_env")


def _invoke(command: List[str], args: List[str]) -> None:
    """Show the app the command line that would have started it."""
    sys.argv[:] = [*command, *args]
    if hasattr(sys, "orig_argv"):  # since Python 3.10
        sys.orig_argv[:] = [sys.executable, *command, *args]


def _first_on_path(folder: str) -> None:
    if not getattr(sys.flags, "safe_path", False):  # python -P, since 3.11
        sys.path.insert(0, folder)


def _fresh_main(**attributes: Any) -> types.ModuleType:
    """A `__main__` that is the person's, in place of the agent's."""
    main = types.ModuleType("__main__")
    main.__dict__.update(__builtins__=builtins, __annotations__={}, __spec__=None)
    main.__dict__.update(attributes)
    sys.modules["__main__"] = main
    return main
