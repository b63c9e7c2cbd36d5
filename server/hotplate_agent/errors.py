"""What the server is told of an exception."""

import traceback
from itertools import islice
from typing import Any, Callable, Dict, Iterable, Iterator, List, Set

from hotplate_agent.complaints import own_place
from hotplate_agent.exceptions import (
    chain_of,
    cut,
    has_base,
    leaves_of,
    members_of,
    next_of,
    notes_of,
    printable,
    text_of,
    type_name,
)
from hotplate_agent.frames import FIRST_FRAMES, LAST_FRAMES, Ends, Hiding, frame_of, steps_of
from hotplate_agent.messages import Cause, Frame, Report
from hotplate_agent.sources import (
    absolute,
    is_agent,
    is_machinery,
    safely,
    shown,
    string,
    traceback_of,
)

TEXT = 100_000
TEXT_FRAMES = 1_100  # More than the recursion limit, so that Python folds what repeats.
MEMBERS = 15
TEXT_EXCEPTIONS = 50


def report(exc: BaseException, hide: Callable[[str], bool] = lambda file: False) -> Report:
    """All that is to be said of an exception. Never raises.

    Frames of files for which `hide` is true are left out, as the agent's own always are.
    """
    name = type_name(type(exc))
    return safely(Report(name, "", name, [], []), _Reporter(hide).report, exc)


def causes(exc: BaseException, relation: str) -> List[Cause]:
    """An exception, and what is behind it, for the report of another one."""
    told = report(exc)
    return [Cause(told.type, told.message, told.frames, relation), *told.causes]


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
        self.__notes__ = [cut([note]) for note in notes_of(exc)] or None
        if issubclass(type(exc), SyntaxError):
            self.msg = cut([string(exc, "msg")]) or None
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
        found = chain_of(exc)
        groups = [exc, *(each for each, _ in found)]
        leaves = (leaf for group in groups for leaf in leaves_of(group))
        found += [(leaf, "group") for leaf in islice(leaves, MEMBERS)]
        return [
            Cause(type_name(type(each)), self._message(each), self._frames(each), relation)
            for each, relation in found
        ]

    # -- the message

    def _string(self, exc: BaseException) -> str:
        key = id(exc)
        if key not in self._strings:
            self._strings[key] = text_of(exc)
        return self._strings[key]

    def _message(self, exc: BaseException) -> str:
        return cut([self._headline(exc), *notes_of(exc)])

    def _headline(self, exc: BaseException) -> str:
        if issubclass(type(exc), SyntaxError):
            return string(exc, "msg") or "<no detail available>"
        if has_base(exc, "click.exceptions", "ClickException"):
            told = safely(None, lambda: exc.format_message())  # type: ignore[attr-defined]
            text = told if type(told) is str else self._string(exc)
            if has_base(exc, "flask.cli", "NoAppException"):
                return text.strip().partition("\n\n")[0]  # A traceback may follow.
            return text
        return self._string(exc)

    # -- the frames

    def _is_hidden(self, name: str) -> bool:
        if name not in self._hidden:
            self._hidden[name] = is_agent(name) or bool(safely(False, self._hide, absolute(name)))
        return self._hidden[name]

    def _frames(self, exc: BaseException) -> List[Frame]:
        kept = Ends(FIRST_FRAMES, LAST_FRAMES)
        every = Ends(FIRST_FRAMES, LAST_FRAMES)
        hiding = Hiding()
        for step in steps_of(traceback_of(exc)):
            name = step.frame.f_code.co_filename
            if self._is_hidden(name) or is_machinery(name):
                continue
            every.append(step)
            hidden, all_before = hiding(step.frame)
            if all_before:
                kept.clear()
            if not hidden:
                kept.append(step)
        frames = [frame_of(step) for step in kept or every]
        place = safely(None, own_place, exc)
        return frames if place is None else [*frames, place]

    # -- the text

    def _text(self, exc: BaseException) -> str:
        return printable(_bounded(self._structure(exc, set()).format()))

    def _structure(self, exc: BaseException, seen: Set[int]) -> Any:
        """What `traceback` prints from, for an exception and all that is behind it."""
        seen.add(id(exc))
        self._room -= 1
        told: Any = _Told(exc, cut([self._string(exc)]))
        shape: Any = traceback.TracebackException(
            type(exc), told, traceback_of(exc), limit=-TEXT_FRAMES, lookup_lines=False
        )
        shape.stack[:] = self._summaries(shape.stack)
        members = members_of(exc)
        if members:
            shapes = [
                self._structure(each, seen)
                for each in members[:MEMBERS]
                if id(each) not in seen and self._room > 0
            ]
            # Python shows as many, and counts the others.
            rest = len(members) - len(shapes)
            shape.exceptions = shapes + shapes[-1:] * rest
        behind, relation = next_of(exc)
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
