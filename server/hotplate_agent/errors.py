"""What the server is told of an exception, and of where a thread is.

An exception is the app's own object and may do anything when it is looked at: raise from `__str__`,
hold a message of 10 MB, be chained in a circle, have a thousand frames. So each thing is asked for
once, `safely`, and everything that is kept has a bound.
"""

import traceback
from collections import deque
from itertools import islice
from types import CodeType, FrameType, TracebackType
from typing import (
    Any,
    Callable,
    Deque,
    Dict,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
)

from hotplate_agent.messages import Cause, Frame, Report
from hotplate_agent.sources import (
    absolute,
    attribute,
    code_place,
    is_agent,
    is_machinery,
    own_place,
    safely,
    shown,
    string,
    traceback_of,
)

MESSAGE = 2_000
TEXT = 100_000
FIRST_FRAMES, LAST_FRAMES = 20, 80
TEXT_FRAMES = 1_100  # More than the recursion limit, so that Python folds what repeats.
CHAIN, MEMBERS, NOTES = 10, 15, 20
TEXT_EXCEPTIONS = 50


def report(exc: BaseException, hide: Callable[[str], bool] = lambda file: False) -> Report:
    """All that is to be said of an exception. Never raises.

    Frames of files for which `hide` is true are left out, as the agent's own always are.
    """
    name = type_name(type(exc))
    return safely(Report(name, "", name, [], []), _Reporter(hide).report, exc)


def unwrap(exc: BaseException) -> BaseException:
    """The ImportError that Flask's CLI has turned into a `NoAppException`, else `exc` itself.

    Flask does so where the error arose within the app's module, and has then put the traceback
    into the message. Where the module itself is not found, Flask's message says more.
    """
    origin = attribute(exc, "__context__")
    if attribute(exc, "__cause__") is None and _has_base(exc, "flask.cli", "NoAppException"):
        tb = traceback_of(origin)
        if issubclass(type(origin), ImportError) and tb is not None and tb.tb_next is not None:
            return origin  # type: ignore[no-any-return]
    return exc


def stack(frame: Optional[FrameType]) -> List[Frame]:
    """Where a running thread is, outermost first, without the agent's and importlib's frames."""
    kept = _Ends(LAST_FRAMES, FIRST_FRAMES)
    while frame is not None:
        if not is_machinery(frame.f_code.co_filename):
            kept.append(_Step(frame, frame.f_lineno, frame.f_lasti))
        frame = frame.f_back
    return [_frame(step) for step in reversed(list(kept))]


# ---------------------------------------------------------------- frames


class _Step(NamedTuple):
    """A frame and the point it has reached; for a traceback, the point where it was left."""

    frame: FrameType
    line: Optional[int]
    offset: int


class _Ends:
    """The first and the last steps of a sequence of any length."""

    def __init__(self, first: int, last: int) -> None:
        self._room = first
        self._first: List[_Step] = []
        self._last: Deque[_Step] = deque(maxlen=last)

    def append(self, step: _Step) -> None:
        (self._first if len(self._first) < self._room else self._last).append(step)

    def clear(self) -> None:
        self._first.clear()
        self._last.clear()

    def __iter__(self) -> Iterator[_Step]:
        yield from self._first
        yield from self._last

    def __bool__(self) -> bool:
        return bool(self._first)


def _frame(step: _Step) -> Frame:
    code = step.frame.f_code
    line = step.line or code.co_firstlineno
    plain = Frame(absolute(code.co_filename), line, code.co_name)
    return safely(plain, code_place, code, line, step.offset, step.frame.f_globals)


def _steps(tb: Optional[TracebackType]) -> Iterator[_Step]:
    while tb is not None:
        yield _Step(tb.tb_frame, tb.tb_lineno, tb.tb_lasti)
        tb = tb.tb_next


class _Hiding:
    """Werkzeug's rules for `__traceback_hide__`, a local variable by which a frame hides.

    True hides the frame, "before" all before it, "after" all after it until a "reset";
    with "_and_this" appended the frame itself as well.
    """

    def __init__(self) -> None:
        self._after = False

    def __call__(self, frame: FrameType) -> Tuple[bool, bool]:
        """If this frame is hidden, and if all before it are."""
        value = _hide_value(frame.f_code, frame)
        word, _, this = (value if type(value) is str else "").partition("_")
        if word not in ("before", "after", "reset") or this not in ("", "and_this"):
            return self._after or safely(False, bool, value), False
        self._after = word == "after"
        return bool(this), word == "before"


def _hide_value(code: CodeType, frame: FrameType) -> Any:
    name = "__traceback_hide__"
    if name in code.co_varnames or name in code.co_names or name in code.co_cellvars:
        return safely(False, frame.f_locals.get, name, False)
    return False


# ---------------------------------------------------------------- names and messages


def type_name(cls: type) -> str:
    """The name of an exception's class, with its module unless everyone knows that."""
    name, module = string(cls, "__qualname__"), string(cls, "__module__")
    if not name:
        name = type.__dict__["__name__"].__get__(cls)
    if module in ("", "builtins", "__main__"):
        return name[:MESSAGE]
    return (module + "." + name)[:MESSAGE]


def _classes(exc: BaseException) -> Sequence[type]:
    return type.__dict__["__mro__"].__get__(type(exc))  # type: ignore[no-any-return]


def _has_base(exc: BaseException, module: str, name: str) -> bool:
    return any(
        string(cls, "__name__") == name and string(cls, "__module__") == module
        for cls in _classes(exc)
    )


def _is_group(exc: BaseException) -> bool:
    """If this is an exception group, Python's own or the one of the `exceptiongroup` package."""
    return any(string(cls, "__name__") == "BaseExceptionGroup" for cls in _classes(exc))


def _printable(text: str) -> str:
    """A text that any encoding of Unicode can carry: lone surrogates as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _cut(lines: Iterable[str], limit: int = MESSAGE) -> str:
    """Lines as one text of at most `limit` characters and a remark on the rest."""
    kept, size = "", -1
    for line in lines:
        kept = (kept + "\n" + line[:limit] if size >= 0 else line)[: limit + 1]
        size += len(line) + 1
    if size <= limit:
        return _printable(kept)
    return _printable(kept[:limit]) + "… ({} characters in all)".format(size)


def _as_string(exc: BaseException) -> str:
    """`str(exc)`, whatever it does."""
    args = attribute(exc, "args")
    if type(exc) is KeyError and type(args) is tuple and len(args) == 1:
        key = args[0]
        if type(key) is str and len(key) > 50 * MESSAGE:  # repr() of much text takes its time.
            return repr(key[:MESSAGE])[:-1] + key[MESSAGE:]
    # A subclass of str could do anything too.
    return safely("<exception str() failed>", lambda: str.__str__(str(exc)))


def _notes(exc: BaseException) -> List[str]:
    """The notes of an exception, as Python prints them."""
    notes = attribute(exc, "__notes__")
    if notes is None:
        return []
    failed = "<note str() failed>"
    if not isinstance(notes, (list, tuple)):
        return [safely(failed, repr, notes)]
    return [safely(failed, lambda note: str.__str__(str(note)), note) for note in notes[:NOTES]]


# ---------------------------------------------------------------- chains and groups


def _next(exc: BaseException) -> Tuple[Optional[BaseException], str]:
    """The exception behind this one that Python would show, and how it is related."""
    cause, context = attribute(exc, "__cause__"), attribute(exc, "__context__")
    if issubclass(type(cause), BaseException):
        return cause, "cause"
    if issubclass(type(context), BaseException) and not attribute(exc, "__suppress_context__"):
        return context, "context"
    return None, ""


def _chain(exc: BaseException) -> List[Tuple[BaseException, str]]:
    """What is behind an exception, the nearest first."""
    found: List[Tuple[BaseException, str]] = []
    seen = {id(exc)}
    behind, relation = _next(exc)
    while behind is not None and id(behind) not in seen and len(found) < CHAIN:
        seen.add(id(behind))
        found.append((behind, relation))
        behind, relation = _next(behind)
    return found


def _members(exc: BaseException) -> Sequence[BaseException]:
    """The exceptions in a group; none for any other exception."""
    members: Any = attribute(exc, "exceptions") if _is_group(exc) else None
    return members if type(members) in (list, tuple) else ()


def _leaves(group: BaseException) -> Iterator[BaseException]:
    """The exceptions in a group that are no groups themselves, at any depth."""
    levels = [iter(_members(group))]
    while levels:
        for exc in levels[-1]:
            inner = _members(exc)
            if inner:
                levels.append(iter(inner))
                break
            yield exc
        else:
            levels.pop()


# ---------------------------------------------------------------- the report


class _Told:
    """An exception as the `traceback` module is to see it.

    Its message and notes are cut, so that formatting is quick; it is alone, since `_Reporter`
    chains what comes of it; in all else it is the exception.
    """

    __cause__ = None
    __context__ = None
    __suppress_context__ = False
    exceptions = ()

    def __init__(self, exc: BaseException, message: str) -> None:
        self._exc = exc
        self._message = message
        self.__notes__ = [_cut([note]) for note in _notes(exc)] or None
        if issubclass(type(exc), SyntaxError):
            self.msg = _cut([string(exc, "msg")]) or None
            self.text = shown(string(exc, "text")) or None

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._exc)

    def __str__(self) -> str:
        return self._message

    def __getattr__(self, name: str) -> Any:
        return getattr(self._exc, name)


class _Reporter:
    """Makes one report; remembers what it has asked the exceptions for."""

    def __init__(self, hide: Callable[[str], bool]) -> None:
        self._hide = hide
        self._hidden: Dict[str, bool] = {}
        self._strings: Dict[int, str] = {}
        self._room = TEXT_EXCEPTIONS

    def report(self, exc: BaseException) -> Report:
        message = self._message(exc)
        frames = self._frames(exc)
        causes = self._causes(exc)
        text = safely("", self._text, exc) or _plain_text(exc, message, frames)
        missing = string(exc, "name") if "No module named" in message else ""
        if not issubclass(type(exc), ImportError):
            missing = ""
        return Report(type_name(type(exc)), message, text, frames, causes, missing or None)

    def _causes(self, exc: BaseException) -> List[Cause]:
        found = _chain(exc)
        groups = [exc, *(each for each, _ in found)]
        leaves = (leaf for group in groups for leaf in _leaves(group))
        found += [(leaf, "group") for leaf in islice(leaves, MEMBERS)]
        return [
            Cause(type_name(type(each)), self._message(each), self._frames(each), relation)
            for each, relation in found
        ]

    # -- the message

    def _string(self, exc: BaseException) -> str:
        key = id(exc)
        if key not in self._strings:
            self._strings[key] = _as_string(exc)
        return self._strings[key]

    def _message(self, exc: BaseException) -> str:
        return _cut([self._headline(exc), *_notes(exc)])

    def _headline(self, exc: BaseException) -> str:
        if issubclass(type(exc), SyntaxError):
            return string(exc, "msg") or "<no detail available>"
        if _has_base(exc, "click.exceptions", "ClickException"):
            told = safely(None, lambda: exc.format_message())  # type: ignore[attr-defined]
            text = told if type(told) is str else self._string(exc)
            if _has_base(exc, "flask.cli", "NoAppException"):
                return text.strip().partition("\n\n")[0]  # A traceback may follow.
            return text
        return self._string(exc)

    # -- the frames

    def _is_hidden(self, name: str) -> bool:
        if name not in self._hidden:
            self._hidden[name] = is_agent(name) or bool(safely(False, self._hide, absolute(name)))
        return self._hidden[name]

    def _frames(self, exc: BaseException) -> List[Frame]:
        kept = _Ends(FIRST_FRAMES, LAST_FRAMES)
        every = _Ends(FIRST_FRAMES, LAST_FRAMES)
        hiding = _Hiding()
        for step in _steps(traceback_of(exc)):
            name = step.frame.f_code.co_filename
            if self._is_hidden(name) or is_machinery(name):
                continue
            every.append(step)
            hidden, all_before = hiding(step.frame)
            if all_before:
                kept.clear()
            if not hidden:
                kept.append(step)
        frames = [_frame(step) for step in kept or every]
        place = safely(None, own_place, exc)
        return frames if place is None else [*frames, place]

    # -- the text

    def _text(self, exc: BaseException) -> str:
        return _printable(_bounded(self._structure(exc, set()).format()))

    def _structure(self, exc: BaseException, seen: Set[int]) -> Any:
        """What `traceback` prints from, for an exception and all that is behind it."""
        seen.add(id(exc))
        self._room -= 1
        told: Any = _Told(exc, _cut([self._string(exc)]))
        shape: Any = traceback.TracebackException(
            type(exc), told, traceback_of(exc), limit=-TEXT_FRAMES, lookup_lines=False
        )
        shape.stack[:] = self._summaries(shape.stack)
        members = _members(exc)
        if members:
            shapes = [
                self._structure(each, seen)
                for each in members[:MEMBERS]
                if id(each) not in seen and self._room > 0
            ]
            # Python shows as many, and counts the others.
            rest = len(members) - len(shapes)
            shape.exceptions = shapes + shapes[-1:] * rest
        behind, relation = _next(exc)
        if behind is not None and id(behind) not in seen and self._room > 0:
            shape_behind = self._structure(behind, seen)
            if relation == "cause":
                shape.__cause__ = shape_behind
            else:
                shape.__context__ = shape_behind
        return shape

    def _summaries(
        self, stack: Iterable[traceback.FrameSummary]
    ) -> Iterator[traceback.FrameSummary]:
        """The frames that Python would print if the agent were not there.

        It does print importlib's, but not those by which the agent itself loads a script.
        """
        loading = False
        for summary in stack:
            name = summary.filename
            loading = is_agent(name) or (loading and name.startswith("<frozen importlib"))
            if not loading and not self._is_hidden(name):
                yield _narrow(summary)


def _narrow(summary: traceback.FrameSummary) -> traceback.FrameSummary:
    """A frame to print, without exact columns if its line is absurdly long."""
    line = summary.line
    if line is None or shown(line) == line:
        return summary
    return traceback.FrameSummary(
        summary.filename, summary.lineno or 0, summary.name, line=shown(line)
    )


def _bounded(pieces: Iterable[str]) -> str:
    """The start and the end of a long text, without ever holding the whole."""
    half = TEXT // 2 - 50  # with room for the remark
    head, tail, left_out = "", "", 0
    for piece in pieces:
        room = half - len(head)
        head += piece[:room]
        tail += piece[room:]
        if len(tail) > 2 * half:
            left_out += len(tail) - half
            tail = tail[-half:]
    if len(tail) > half:
        left_out += len(tail) - half
        tail = tail[-half:]
    if not left_out:
        return head + tail
    return head + "\n… ({} characters left out)\n".format(left_out) + tail


def _plain_text(exc: BaseException, message: str, frames: List[Frame]) -> str:
    """A traceback by hand, for an exception that breaks the `traceback` module."""
    lines = ["Traceback (most recent call last):"] if frames else []
    for frame in frames:
        lines.append('  File "{}", line {}, in {}'.format(frame.file, frame.line, frame.function))
        if frame.source.strip():
            lines.append("    " + frame.source.strip())
    name = type_name(type(exc))
    lines.append(name + ": " + message if message else name)
    return _bounded(line + "\n" for line in lines)


__all__ = ["report", "stack", "type_name", "unwrap"]
