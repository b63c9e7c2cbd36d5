"""The rows of `docs/compatibility.md`: each is told where its test stands, and nowhere else.

`@row("Scripts", "…")` above a test, or `case("Scripts", "…", values)` among the parameters of one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pytest

Test = TypeVar("Test", bound=Callable[..., Any])

GROUPS = (
    "Versions",
    "Finding the app",
    "Finding the interpreter",
    "Environment",
    "Scripts",
    "Extensions",
    "Other WSGI apps",
    "Serving",
    "Editing",
    "Real apps",
)


class Row(NamedTuple):
    """One way in which people run Flask, and what comes of it. Texts are Markdown."""

    group: str
    what: str
    hotplate: str
    stock: str
    test: str
    """The file in which its test stands, seen from `tests`."""


ROWS: list[Row] = []


def row(group: str, what: str, hotplate: str = "", stock: str = "") -> Callable[[Test], Test]:
    """This test shows that `what` works. `hotplate` is said where there is more to say than that;
    `stock` where `flask run --debug`, or the way that is usual there, is known to do worse."""

    def keep(test: Test) -> Test:
        _add(group, what, hotplate, stock, _file_of(test.__module__))
        return test

    return keep


def elsewhere(group: str, what: str, test: str, hotplate: str = "", stock: str = "") -> None:
    """A row that another room's test shows: `elsewhere(…, "end_to_end/test_x.py::test_y")`."""
    file, _, name = test.partition("::")
    text = (Path(__file__).parents[1] / file).read_text("utf-8")
    if f"def {name}(" not in text:
        raise ValueError(f"there is no test {test}")
    _add(group, what, hotplate, stock, file)


def case(
    group: str, what: str, *values: Any, hotplate: str = "", stock: str = "", marks: Any = ()
) -> Any:
    """A row that is one of the parameters of a test: `pytest.mark.parametrize(…, [case(…), …])`."""
    frame = inspect.currentframe()
    assert frame is not None and frame.f_back is not None
    _add(group, what, hotplate, stock, _file_of(frame.f_back.f_globals["__name__"]))
    return pytest.param(*values, id=what.replace("`", ""), marks=marks)


def _file_of(module: str) -> str:
    return f"compatibility/{module.rpartition('.')[2]}.py"


def _add(group: str, what: str, hotplate: str, stock: str, test: str) -> None:
    if group not in GROUPS:
        raise ValueError(f"no such group of rows: {group}")
    made = Row(group, what, hotplate, stock, test)
    if made not in ROWS:
        ROWS.append(made)
