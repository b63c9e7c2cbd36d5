"""What the language server and the agent say to each other.

Both sides import this module, and nothing of either side is imported here. A message is a
`NamedTuple`; on the wire it is a JSON object with its class's name as `type` (see `channel`).
A file descriptor travels beside a message, never inside it; the class says so.

Lines are counted from 1, as Python does; columns are code points from 0. The server alone knows
what its editor counts in.
"""

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple, Type, get_type_hints

# ---------------------------------------------------------------- what an exception looks like


class Frame(NamedTuple):
    """One line of a traceback, innermost last.

    `column`, `end_line` and `end_column` are None where the interpreter does not know the exact
    expression (before 3.11, or `-X no_debug_ranges`). `source` and `end_source` are the raw text
    of the first and last line, as they were when the code was loaded, "" where not to be had.
    """

    file: str
    line: int
    function: str
    source: str = ""
    column: Optional[int] = None
    end_line: Optional[int] = None
    end_column: Optional[int] = None
    end_source: str = ""


class Cause(NamedTuple):
    """An exception in the chain behind another one, or inside a group.

    `relation` is "cause" (`raise … from`), "context" (raised while handling), "group", or "caught":
    an import of the person's own code failed before, and the app has gone on without it.
    """

    type: str
    message: str
    frames: List[Frame]
    relation: str


class Report(NamedTuple):
    """An exception with all that is to be said of it, in order of what a person reads.

    `type` is the exception's name, qualified unless it is a builtin; `text` is what Python would
    print. Both `message` and `text` are cut to a sane length by the agent. `frames` is outermost
    first; a `SyntaxError`'s own place is its last frame. `missing` is the name of the module that
    an ImportError lacks. `fault` is the id under which the agent keeps the live traceback.
    """

    type: str
    message: str
    text: str
    frames: List[Frame]
    causes: List[Cause]
    missing: Optional[str] = None
    fault: Optional[str] = None


class FileRead(NamedTuple):
    """A file that the app loaded or read, and the state in which it was found just before.

    The server compares `mtime_ns` and `size` with the disk to learn if what runs is still true.
    """

    path: str
    mtime_ns: int
    size: int


# ---------------------------------------------------------------- server to agent


class Load(NamedTuple):
    """Load the app and serve it. Sent once, to an agent that has said `Booted`.

    Exactly one of `script` and `module` is set for an app that starts its own server; otherwise
    the app is loaded as `flask --app APP run` would (`app` None: Flask's own discovery). Options
    that are None were not set by the person, so Flask's own sources decide them. `console`: the
    person has said that the debugger's may be used by others. `held`: the server listens at the
    fallback address already. `tls` and `certificate` (its files) are how the generation before was
    served; `adhoc` is the certificate that was made for one, with its key.
    """

    generation: int
    folder: str
    app: Optional[str] = None
    script: Optional[str] = None
    module: Optional[str] = None
    args: List[str] = []
    host: Optional[str] = None
    port: Optional[int] = None
    cert: Optional[str] = None
    key: Optional[str] = None
    threaded: Optional[bool] = None
    debug: Optional[bool] = None
    debugger: Optional[bool] = None
    console: bool = False
    env_file: Optional[str] = None
    fallback_host: str = "127.0.0.1"
    fallback_port: int = 5000
    held: bool = False
    pin: Optional[str] = None
    pin_cookie: Optional[str] = None
    secret: str = ""
    changed: List[str] = []
    failing: List[str] = []
    learn: bool = False
    tls: bool = False
    certificate: List[str] = []
    adhoc: Optional[str] = None


class Warm(NamedTuple):
    """Go as far towards `load` as goes without the project's code, import `roots`, and wait.

    Sent to an agent that has said `Booted`; answered by `Warmed` or `Unfit`. `Load` can be sent at
    any time: what is not imported by then is left. In `load` only what all starts share counts.
    """

    load: Load
    roots: List[str]


class Fork(NamedTuple):
    """Have a copy of yourself be the next generation (its channel as descriptor beside it).

    Sent to an agent that has said `Warmed` with `forks`; answered by `Forked`. The copy takes its
    descriptors from its own channel (`Take`), and says `Booted` there.
    """


class Take(NamedTuple):
    """A descriptor for a copy (beside the message): "box", "lifeline", "stdout" or "stderr"."""

    role: str


class Grant(NamedTuple):
    """The answer to `Ask`: the listening socket (descriptor beside the message) and its address.

    The address can differ from the one asked for: the person's settings win over a script's.
    """

    host: str
    port: int


class Refuse(NamedTuple):
    """The answer to `Ask` where no socket can be had; the server has told the person why."""

    message: str


class Connection(NamedTuple):
    """An accepted connection that has sent nothing yet (descriptor beside the message)."""


class Drain(NamedTuple):
    """Accept no more, answer what is in flight for up to `seconds`, then end."""

    seconds: float


class NowAlone(NamedTuple):
    """The answer to `AskAlone`: the generations before are gone."""


class AskWhere(NamedTuple):
    """Say where the main thread is; answered by `Where`."""


# ---------------------------------------------------------------- agent to server


class Booted(NamedTuple):
    """The interpreter is up and waits for `Load`."""

    pid: int
    python: str
    executable: str


class Warmed(NamedTuple):
    """A standby is ready. It is of use as long as `inputs` are what they were.

    `forks`: it can make copies of itself, for it has no thread and nothing open.
    """

    inputs: List[FileRead]
    forks: bool


class Unfit(NamedTuple):
    """A standby has given up: `root` ("": the framework) can't be imported ahead, for `why`."""

    root: str
    why: str


class Forked(NamedTuple):
    """The copy's process number, 0 where none could be made."""

    pid: int


class Learnt(NamedTuple):
    """The libraries that the start has imported before it has changed anything, in order.

    `whole`: the app is loaded; if it has failed, it might have imported more. `unused`: the
    standby that it came from has imported more.
    """

    roots: List[str]
    whole: bool
    unused: bool


class Spoilt(NamedTuple):
    """The start can't be told from a cold one any longer. It has ended, and is to be made anew."""

    why: str


class Read(NamedTuple):
    """The app has loaded or read this file of the project."""

    file: FileRead


class Ask(NamedTuple):
    """The app is loaded and wants to listen at `host` and `port`; answered by `Grant` or `Refuse`.

    Every `Read` of what it is made of has been sent before. With `failed`, what is to be served
    is the page of the error that `Failed` told. `certificate` are its files, where it has any.
    """

    host: str
    port: int
    tls: bool
    failed: bool
    certificate: List[str] = []


class Rewrites(NamedTuple):
    """The app is about to write a file that it has read before."""

    path: str


class AskAlone(NamedTuple):
    """The app is about to take what only one process can have; answered by `NowAlone`."""


class Adhoc(NamedTuple):
    """A certificate was made for `adhoc`; this is it, with its key. Secret."""

    pem: str


class Accepting(NamedTuple):
    """Connections are accepted from now on.

    `extra_files` and `exclude_patterns` are what `app.run(…)` was given for its reloader.
    """

    extra_files: List[str]
    exclude_patterns: List[str]


class Failed(NamedTuple):
    """The app could not be loaded.

    `kind` is "error", "exit" (SystemExit) or "idle" (a script that ended without serving).
    `serving` says that an `Ask` for the error's page follows. `versions` of Flask and Werkzeug
    are looked up where an import failed.
    """

    report: Report
    kind: str
    serving: bool
    versions: Dict[str, str]


class Raised(NamedTuple):
    """A request or a thread raised. `view` names what will clear it: the endpoint, or the path."""

    report: Report
    when: str
    view: str
    method: str = ""
    url: str = ""


class Recovered(NamedTuple):
    """A view that had raised has answered without an exception."""

    view: str


class Pin(NamedTuple):
    """What Werkzeug's debugger will ask for; None where it asks for nothing. Secret.

    So is `secret`, Werkzeug's own for this process: told so that no log will hold it.
    """

    pin: Optional[str]
    cookie: Optional[str]
    secret: Optional[str] = None


class PinWanted(NamedTuple):
    """A debugger page asks the person for the PIN."""


class Spawns(NamedTuple):
    """The app is about to start a process of its own; said once in a while.

    `keeps`: what it starts stays below it in the tree of processes, whatever it does. Where not,
    that is said before the app is loaded, once.
    """

    keeps: bool


class Loaded(NamedTuple):
    """Files that the app has loaded which are not the person's own: libraries."""

    files: List[str]


class Handover(NamedTuple):
    """A connection accepted but not begun, for the next generation (descriptor beside it)."""


class Released(NamedTuple):
    """Nothing is accepted any more; all `Handover` messages have been sent before."""


class Where(NamedTuple):
    """The main thread's stack, outermost first, without the agent's own frames."""

    frames: List[Frame]


class Untold(NamedTuple):
    """A request or a thread raised, one of very many (see `pace`)."""


class Trouble(NamedTuple):
    """A mistake of the agent's own: what it was at, and the traceback. The app goes on."""

    what: str
    text: str


MESSAGES: Dict[str, Type[Any]] = {
    cls.__name__: cls
    for cls in (
        Load,
        Warm,
        Fork,
        Take,
        Grant,
        Refuse,
        Connection,
        Drain,
        NowAlone,
        AskWhere,
        Booted,
        Warmed,
        Unfit,
        Forked,
        Learnt,
        Spoilt,
        Read,
        Ask,
        Rewrites,
        AskAlone,
        Adhoc,
        Accepting,
        Failed,
        Raised,
        Untold,
        Recovered,
        Pin,
        PinWanted,
        Spawns,
        Loaded,
        Handover,
        Released,
        Where,
        Trouble,
    )
}


def to_wire(message: Any) -> Dict[str, Any]:
    """The JSON object for a message."""
    return {"type": type(message).__name__, **_plain(message)}


def from_wire(data: Dict[str, Any]) -> Any:
    """The message in a JSON object. Raises KeyError, TypeError or ValueError for anything else."""
    cls = MESSAGES[data.pop("type")]
    return _build(cls, data)


def _plain(value: Any) -> Any:
    if hasattr(value, "_fields"):
        return {name: _plain(getattr(value, name)) for name in value._fields}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _build(cls: Type[Any], data: Any) -> Any:
    """A message out of its fields, each of which must be of the type that it was given here: no
    code behind this has to expect anything else of the other side."""
    if not isinstance(data, dict):
        raise TypeError("no object for {}".format(cls.__name__))
    checks = _checks(cls)
    return cls(**{name: checks[name](value) for name, value in data.items()})


def _checks(cls: Type[Any]) -> Dict[str, Callable[[Any], Any]]:
    if cls not in _CHECKS:
        hints = get_type_hints(cls)
        _CHECKS[cls] = {name: _check_of(hint) for name, hint in hints.items()}
    return _CHECKS[cls]


_INFINITE = float("inf")
_CHECKS: Dict[Type[Any], Dict[str, Callable[[Any], Any]]] = {}


def _check_of(hint: Any) -> Callable[[Any], Any]:
    """What revives a value of this type, or raises TypeError."""
    if hasattr(hint, "_fields"):
        return lambda value: _build(hint, value)
    inner: Tuple[Any, ...] = getattr(hint, "__args__", None) or ()
    if type(None) in inner:
        check = _check_of(inner[0])
        return lambda value: None if value is None else check(value)
    origin = getattr(hint, "__origin__", hint)
    if origin is list:
        item = _check_of(inner[0])
        return lambda value: [item(each) for each in _of(list, value)]
    if origin is dict:
        key, item = _check_of(inner[0]), _check_of(inner[1])
        return lambda value: {key(k): item(v) for k, v in _of(dict, value).items()}
    if origin is float:
        return _finite
    return lambda value: _of(origin, value)


def _of(cls: Type[Any], value: Any) -> Any:
    if type(value) is not cls:
        raise TypeError("no {}: {}".format(cls.__name__, type(value).__name__))
    return value


def _finite(value: Any) -> float:
    if type(value) not in (int, float) or value != value or value in (_INFINITE, -_INFINITE):
        raise TypeError("no number")
    return float(value)


__all__ = [*MESSAGES, "MESSAGES", "Cause", "FileRead", "Frame", "Report", "from_wire", "to_wire"]
