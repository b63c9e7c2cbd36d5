"""Writing a person's choice into `[tool.hotplate]`, with all else in the file left as it is."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hotplate.project import toml

_HEADER = re.compile(r"^[ \t]*\[[ \t]*tool[ \t]*\.[ \t]*hotplate[ \t]*\][^\n]*\n?", re.M)


class NotRemembered(Exception):
    """The file was left alone; the text says why and what to write by hand."""


def remember(folder: Path, values: Mapping[str, str]) -> None:
    """Put the settings (with the names of the file) into the folder's `pyproject.toml`, which is
    made where there is none. Raises NotRemembered."""
    path = folder / "pyproject.toml"
    lines = _lines(values)
    try:
        text = path.read_bytes().decode("utf-8") if os.path.lexists(path) else ""
        before = toml.loads(text)
        changed = _with(text, _lines(_news(before, values)))
        if not _is_that_alone(before, toml.loads(changed), values):
            raise ValueError("it has these settings in another form")
        path.write_bytes(changed.encode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise NotRemembered(
            f"{path} could not be changed ({error}). Write this into it under [tool.hotplate]: "
            + ", ".join(lines)
        ) from error


def _lines(values: Mapping[str, str]) -> list[str]:
    return [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]


def _news(before: dict[str, Any], values: Mapping[str, str]) -> dict[str, str]:
    """What the file does not say already."""
    tool = before.get("tool")
    table = tool.get("hotplate") if isinstance(tool, dict) else None
    said = table if isinstance(table, dict) else {}
    return {key: value for key, value in values.items() if said.get(key) != value}


def _with(text: str, lines: list[str]) -> str:
    end = "\r\n" if "\r\n" in text else "\n"
    header = _HEADER.search(text)
    if header:
        head = text[: header.end()]
        head += "" if head.endswith("\n") else end
        return head + "".join(line + end for line in lines) + text[header.end() :]
    gap = "" if not text else end if text.endswith("\n") else end * 2
    return text + gap + "".join(line + end for line in ["[tool.hotplate]", *lines])


def _is_that_alone(
    before: dict[str, Any], after: dict[str, Any], values: Mapping[str, str]
) -> bool:
    tool = before.get("tool", {})
    table = {**tool.get("hotplate", {}), **values}
    return after == {**before, "tool": {**tool, "hotplate": table}}
