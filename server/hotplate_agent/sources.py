"""What can be asked of an exception, a frame and a source file without a surprise.

An exception is the app's own object, and a file may be anything. A traceback counts columns in
UTF-8 bytes. Nothing here is fast, so it is for exceptions only.
"""

import linecache
import os
from types import CodeType, TracebackType
from typing import Any, Callable, Dict, Optional, Tuple, TypeVar

from hotplate_agent.messages import Frame

T = TypeVar("T")

LONGEST_LINE = 10_000


def safely(default: T, function: Callable[..., T], *args: Any) -> T:
    """What `function` returns, or `default` if it raises anything at all.

    An exception object can run any code when it is looked at, and a `SystemExit` from its
    `__str__` must not end the app any more than a `ValueError`.
    """
    try:
        return function(*args)
    except BaseException:
        return default


def attribute(thing: Any, name: str) -> Any:
    """An attribute of an object that cannot be trusted; None where there is none."""
    return safely(None, getattr, thing, name, None)


def number(thing: Any, name: str) -> int:
    """An attribute that should be a number, or 0."""
    value = attribute(thing, name)
    return value if type(value) is int else 0


def string(thing: Any, name: str) -> str:
    """An attribute that should be a string, or ""."""
    value = attribute(thing, name)
    return str.__str__(value) if issubclass(type(value), str) else ""


def traceback_of(exc: BaseException) -> Optional[TracebackType]:
    """The traceback of an exception, unless its class makes something else of that."""
    tb = attribute(exc, "__traceback__")
    return tb if type(tb) is TracebackType else None


# ---------------------------------------------------------------- files

# Relative names in code objects are relative to where the interpreter was started.
CWD = safely("", os.getcwd)

_HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")
_RUNPY = os.path.join(os.path.dirname(os.path.abspath(os.__file__)), "runpy.py")
_FROZEN = ("<frozen importlib", "<frozen runpy", "<frozen zipimport")


def absolute(name: str) -> str:
    """The absolute name of a code object's file; names such as `<string>` are no files."""
    if not name or os.path.isabs(name) or is_placeholder(name):
        return name
    return os.path.normpath(os.path.join(CWD, name))


def is_placeholder(name: str) -> bool:
    """If this is a name such as `<string>` or `<template>`."""
    return name.startswith("<") and name.endswith(">")


def is_agent(name: str) -> bool:
    """If this file is one of the agent's own."""
    return absolute(name).startswith(_HERE)


def is_machinery(name: str) -> bool:
    """If this is the agent, or what Python itself uses to import and run modules."""
    return name.startswith(_FROZEN) or name == _RUNPY or is_agent(name)


# ---------------------------------------------------------------- lines and columns


def line_of(file: str, line: int, namespace: Optional[Dict[str, Any]] = None) -> str:
    """The text of a line without its end; "" where it is not to be had."""
    return safely("", linecache.getline, file, line, namespace).rstrip("\r\n")


def shown(line: str) -> str:
    """A line as it goes to the server: whole, unless it is absurdly long."""
    return line[:LONGEST_LINE]


def characters(line: str, offset: int) -> int:
    """How many characters of a line the first `offset` bytes of it are."""
    if line.isascii():
        return min(offset, len(line))
    data = line.encode("utf-8", "surrogatepass")
    return len(data[:offset].decode("utf-8", "replace"))


def code_place(code: CodeType, line: int, offset: int, namespace: Dict[str, Any]) -> Frame:
    """A frame's line, with the exact expression where this interpreter knows it."""
    file = absolute(code.co_filename)
    template = namespace.get("__jinja_template__")
    if template is not None:
        line = safely(line, template.get_corresponding_lineno, line)
    source = line_of(file, line, namespace)
    plain = Frame(file, line, code.co_name, shown(source))
    if template is not None or "__jinja_exception__" in namespace or not source:
        return plain  # The columns, if any, are those of generated code.
    at, end_line, column, end_column = _position(code, offset)
    if at != line or end_line is None or column is None or end_column is None:
        return plain
    end_source = source if end_line == line else line_of(file, end_line, namespace)
    return plain._replace(
        column=characters(source, column),
        end_line=end_line,
        end_column=characters(end_source, end_column),
        end_source=shown(end_source),
    )


_Position = Tuple[Optional[int], Optional[int], Optional[int], Optional[int]]


def _position(code: CodeType, offset: int) -> _Position:
    """(line, end line, column, end column) of the instruction at `offset`, for Python 3.11+."""
    positions = getattr(code, "co_positions", None)
    if positions is not None and offset >= 0:
        for index, position in enumerate(positions()):
            if index == offset // 2:
                return position  # type: ignore[no-any-return]
    return None, None, None, None
