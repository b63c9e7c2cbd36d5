"""`[tool.hotplate]` of a project's `pyproject.toml`: its values, and the lines they stand on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hotplate.project import toml
from hotplate.project.files import is_file
from hotplate.project.problems import Problem
from hotplate.project.values import describe_value

_HEADER = re.compile(r"\s*(\[\[?)([^\]#]+)\]")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")


def read_pyproject(folder: Path) -> tuple[Mapping[str, Any] | None, list[Problem]]:
    """What `[tool.hotplate]` says, or None; and what is wrong with the file as a whole."""
    path = folder / "pyproject.toml"

    def problem(message: str, key: str = "", line: int = 0) -> tuple[None, list[Problem]]:
        return None, [Problem(message, "pyproject", key, path, line)]

    if not is_file(path):
        return None, []
    try:
        text = path.read_text("utf-8-sig")
        data = toml.loads(text)
    except OSError as error:
        return problem(
            f"{path} cannot be read ({error.strerror}), so its [tool.hotplate] settings are not "
            "in force. Check the file's permissions."
        )
    except UnicodeDecodeError as error:
        return problem(
            f"pyproject.toml is not UTF-8 (byte {error.start}), so its [tool.hotplate] settings "
            "are not in force. Save it as UTF-8."
        )
    except (ValueError, RecursionError) as error:
        return problem(
            f"pyproject.toml is not valid TOML: {error}. Its [tool.hotplate] settings are not in "
            "force until it is.",
            line=_line_of_error(str(error), text),
        )
    tool = data.get("tool", {})
    if not isinstance(tool, dict):
        return problem(
            f'"tool" in pyproject.toml is {describe_value(tool)}; expected a table. Write '
            "Hotplate's settings under [tool.hotplate].",
            "tool",
            find_line(text, ("tool",)),
        )
    table = tool.get("hotplate")
    if table is None or isinstance(table, dict):
        return table, []
    return problem(
        f'"tool.hotplate" in pyproject.toml is {describe_value(table)}; expected a table. Write '
        "[tool.hotplate] on a line of its own, and the settings below it.",
        "tool.hotplate",
        find_line(text, ("tool", "hotplate")),
    )


def find_line(text: str, wanted: Sequence[str | int]) -> int:
    """The line, from 0, of a key such as `("tool", "hotplate", "apps", 1, "port")`.

    A scan and no parser: parsers of TOML keep no lines. What it cannot see into (an inline table)
    is told at the line of the key that holds it.
    """
    best, best_length = 0, 0
    table: tuple[str | int, ...] = ()
    seen: dict[tuple[str | int, ...], int] = {}
    for number, line in enumerate(text.split("\n")):
        if header := _HEADER.match(line):
            table = _enter(header[2].strip(), header[1] == "[[", seen)
            here = table
        elif key := _KEY.match(line):
            here = (*table, *_parts(key[1]))
        else:
            continue
        length = _common(here, wanted)
        # The longest match wins; at equal length the first, which is where the key was opened.
        if length > best_length:
            best, best_length = number, length
    return best


def _enter(
    header: str, in_array: bool, seen: dict[tuple[str | int, ...], int]
) -> tuple[str | int, ...]:
    """The full path of a table, with the index that each array of tables has come to."""
    path: tuple[str | int, ...] = ()
    parts = _parts(header)
    for position, part in enumerate(parts):
        path = (*path, part)
        if in_array and position == len(parts) - 1:
            seen[path] = seen.get(path, -1) + 1
        if path in seen:
            path = (*path, seen[path])
    return path


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def _common(here: Sequence[str | int], wanted: Sequence[str | int]) -> int:
    length = 0
    for ours, theirs in zip(here, wanted, strict=False):
        if ours != theirs:
            break
        length += 1
    return length


def _line_of_error(message: str, text: str) -> int:
    if found := re.search(r"at line (\d+)", message):
        return int(found[1]) - 1
    return text.rstrip("\n").count("\n")  # "at end of document"
