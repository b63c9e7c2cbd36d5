"""Reading Python source for the place of an app or a factory, without running it.

By its syntax tree where it has one; while the person is in the middle of a line, by its text.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

from hotplate.project.files import read_bytes

LARGEST = 16_000
"""Bytes that are parsed: the whole server waits for a parser, up to 3 ms for a kilobyte. What is
larger is searched by its text."""
_LONGEST_LINE = 500

_APP_NAMES = ("app", "application")
_FACTORY_NAMES = ("create_app", "make_app")


def find_app_line(file: Path, name: str | None = None) -> int | None:
    """The line, from 0, of the app or of what makes it; None where there is no sign of either.

    With a name, that of the name. Without, in Flask's own order: `app` and `application`, then
    any `Flask(...)`, then `create_app` and `make_app`; and at last a call of `run`.
    """
    tree = parse(file)
    if tree is not None:
        return _by_tree(tree, name)
    source = read_bytes(file)
    return None if source is None else _by_text(source.decode("utf-8", "replace"), name)


def parse(file: Path) -> ast.Module | None:
    """The file's syntax tree, if it has one and is not too large to wait for."""
    source = read_bytes(file, LARGEST + 1)
    if source is None or len(source) > LARGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in their text is no news of ours
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _by_tree(tree: ast.Module, name: str | None) -> int | None:
    bound: dict[str, int] = {}
    made: list[int] = []
    started: list[int] = []
    for node in top_level(tree):
        for bound_name, line in bindings(node):
            # The first is where the person made it; later ones wrap it (app = Middleware(app)).
            bound.setdefault(bound_name, line)
        value = getattr(node, "value", None)
        if isinstance(value, ast.Call):
            called = value.func
            last = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if last == "Flask" and not isinstance(node, ast.Expr):
                made.append(node.lineno - 1)
            elif last == "run" and isinstance(called, ast.Attribute):
                started.append(node.lineno - 1)
    if name:
        return bound.get(name)
    wanted = [bound.get(app) for app in _APP_NAMES]
    wanted += made[:1]
    wanted += [bound.get(factory) for factory in _FACTORY_NAMES]
    wanted += started[:1]
    return next((line for line in wanted if line is not None), None)


def top_level(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements that run on import, within `if` and `try` and `with` too."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.stmt):
            yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.expr)):
            pending.extend(reversed(list(ast.iter_child_nodes(node))))


def bindings(node: ast.stmt) -> Iterator[tuple[str, int]]:
    """The names that a statement binds, and their lines."""
    line = node.lineno - 1
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name, line
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        for alias in node.names:
            yield alias.asname or alias.name.partition(".")[0], line
    elif isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            for part in ast.walk(target):
                if isinstance(part, ast.Name):
                    yield part.id, line


def _by_text(text: str, name: str | None) -> int | None:
    if name:
        names = re.escape(name)
        patterns = [
            rf"^(?:async\s+)?(?:def|class)\s+{names}\b|^\s*{names}\s*(?::[^=]+)?=(?!=)",
            rf"^\s*(?:from\s.+)?import\s.*\b{names}\b",
        ]
    else:
        patterns = [
            rf"^\s*(?:{'|'.join(_APP_NAMES)})\s*(?::[^=]+)?=(?!=)",
            r"^\s*\w+\s*(?::[^=]+)?=\s*(?:\w+\.)*Flask\(",
            rf"^def\s+(?:{'|'.join(_FACTORY_NAMES)})\b",
            rf"^\s*(?:from\s.+)?import\s.*\b(?:{'|'.join(_APP_NAMES + _FACTORY_NAMES)})\b",
            r"^\s*\w+\.run\(",
        ]
    lines = [line[:_LONGEST_LINE] for line in text.splitlines()]
    for pattern in patterns:
        for number, line in enumerate(lines):
            if re.search(pattern, line):
                return number
    return None
