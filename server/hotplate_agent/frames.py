"""Where a thread is, or an exception came from: frames, as the server is told them."""

from collections import deque
from types import CodeType, FrameType, TracebackType
from typing import Any, Deque, Iterator, List, NamedTuple, Optional, Tuple

from hotplate_agent.messages import Frame
from hotplate_agent.sources import absolute, code_place, is_machinery, safely

FIRST_FRAMES, LAST_FRAMES = 20, 80


def stack(frame: Optional[FrameType]) -> List[Frame]:
    """Where a running thread is, outermost first, without the agent's and importlib's frames."""
    kept = Ends(LAST_FRAMES, FIRST_FRAMES)
    while frame is not None:
        if not is_machinery(frame.f_code.co_filename):
            kept.append(Step(frame, frame.f_lineno, frame.f_lasti))
        frame = frame.f_back
    return [frame_of(step) for step in reversed(list(kept))]


class Step(NamedTuple):
    """A frame and the point it has reached; for a traceback, the point where it was left."""

    frame: FrameType
    line: Optional[int]
    offset: int


class Ends:
    """The first and the last steps of a sequence of any length."""

    def __init__(self, first: int, last: int) -> None:
        self._room = first
        self._first: List[Step] = []
        self._last: Deque[Step] = deque(maxlen=last)

    def append(self, step: Step) -> None:
        (self._first if len(self._first) < self._room else self._last).append(step)

    def clear(self) -> None:
        self._first.clear()
        self._last.clear()

    def __iter__(self) -> Iterator[Step]:
        yield from self._first
        yield from self._last

    def __bool__(self) -> bool:
        return bool(self._first)


def frame_of(step: Step) -> Frame:
    """What is told of a step."""
    code = step.frame.f_code
    line = step.line or code.co_firstlineno
    plain = Frame(absolute(code.co_filename), line, code.co_name)
    return safely(plain, code_place, code, line, step.offset, step.frame.f_globals)


def steps_of(tb: Optional[TracebackType]) -> Iterator[Step]:
    """The steps of a traceback, outermost first."""
    while tb is not None:
        yield Step(tb.tb_frame, tb.tb_lineno, tb.tb_lasti)
        tb = tb.tb_next


class Hiding:
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
