"""The rows of `docs/compatibility.md`: each is told where its test stands, and nowhere else.

`@row("Scripts", "…")` above a test, or `case("Scripts", "…", values)` among the parameters of one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
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
    module: str


ROWS: list[Row] = []


def row(group: str, what: str, hotplate: str = "", stock: str = "") -> Callable[[Test], Test]:
    """This test shows that `what` works. `hotplate` is said where there is more to say than that;
    `stock` where `flask run --debug`, or the way that is usual there, is known to do worse."""

    def keep(test: Test) -> Test:
        _add(group, what, hotplate, stock, test.__module__)
        return test

    return keep


def case(
    group: str, what: str, *values: Any, hotplate: str = "", stock: str = "", marks: Any = ()
) -> Any:
    """A row that is one of the parameters of a test: `pytest.mark.parametrize(…, [case(…), …])`."""
    frame = inspect.currentframe()
    assert frame is not None and frame.f_back is not None
    _add(group, what, hotplate, stock, frame.f_back.f_globals["__name__"])
    return pytest.param(*values, id=what.replace("`", ""), marks=marks)


def _add(group: str, what: str, hotplate: str, stock: str, module: str) -> None:
    if group not in GROUPS:
        raise ValueError(f"no such group of rows: {group}")
    made = Row(group, what, hotplate, stock, module.rpartition(".")[2])
    if made not in ROWS:
        ROWS.append(made)
