"""What a setting's value may be: strict, and able to say what was expected and what was got.

Nothing is coerced: `"8000"` is no port and `1` is no `true`. A guess at what was meant would hide
the mistake until the day it guesses wrong.
"""

from __future__ import annotations

import difflib
import json
import math
import os
import shlex
from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import cattrs

# The annotation is what the person reads when the value is something else.
Port = Annotated[int, "a whole number from 0 to 65535"]
Seconds = Annotated[float, "a number of seconds, 0 or more"]
Words = Annotated[tuple[str, ...], "a list of texts, or one text to split as a shell would"]
Paths = Annotated[
    tuple[str, ...], f'a list of texts, or one text with "{os.pathsep}" between its parts'
]
VariableName = Annotated[str, 'a variable name, not empty and without "="']
Variables = Annotated[dict[str, str], "an object with a text for each variable"]

_EXPECTED: dict[object, str] = {bool: "true or false", str: "a text"}


class InvalidValue(Exception):
    """The value is not of the setting's type; its text says what was expected and what was got."""


class _Refused(Exception):
    """Raised by a hook; its text, if any, tells more than the type's general expectation."""


def structure(value: object, kind: Any) -> Any:
    """The value as the setting's type has it, or `InvalidValue`."""
    try:
        return _converter.structure(value, kind)
    except _Refused as refused:
        expected = str(refused) or describe_kind(kind)
        hint = did_you_mean(value, _choices(kind))
        raise InvalidValue(f"expected {expected}, got {describe_value(value)}.{hint}") from None


def describe_kind(kind: Any) -> str:
    """What a value of this type is, in words."""
    kind = _without_none(kind)
    if get_origin(kind) is Annotated:
        return str(get_args(kind)[1])
    if choices := _choices(kind):
        *others, last = (json.dumps(choice) for choice in choices)
        return f"{', '.join(others)} or {last}"
    return _EXPECTED[kind]


def describe_value(value: object) -> str:
    """What the person gave, in words and short enough for a message."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return f"the text {json.dumps(_shorten(value), ensure_ascii=False)}"
    if isinstance(value, (int, float)):
        return f"the number {_shorten(str(value))}"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    return f"a {type(value).__name__}"  # a date or a time, which TOML knows


def did_you_mean(written: object, choices: tuple[object, ...] | list[str]) -> str:
    """A sentence with the nearest choice, to append to a message; empty where none is near."""
    if not isinstance(written, str):
        return ""
    names = [choice for choice in choices if isinstance(choice, str)]
    squashed = {_squash(name): name for name in names}
    near = difflib.get_close_matches(_squash(written), squashed, n=1, cutoff=0.6)
    return f" Did you mean {json.dumps(squashed[near[0]])}?" if near else ""


def _squash(name: str) -> str:
    # A name in the other spelling (envFile for env-file) is the likeliest slip of all.
    return name.replace("-", "").replace("_", "").lower()


def _shorten(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _without_none(kind: Any) -> Any:
    if get_origin(kind) in (Union, UnionType):
        (kind,) = (part for part in get_args(kind) if part is not NoneType)
    return kind


def _choices(kind: Any) -> tuple[object, ...]:
    kind = _without_none(kind)
    return get_args(kind) if get_origin(kind) is Literal else ()


def _text(value: object, _: Any = None) -> str:
    if not isinstance(value, str):
        raise _Refused
    try:
        encoded = os.fsencode(value)
    except UnicodeEncodeError:
        raise _Refused("a text of whole characters (no lone surrogates)") from None
    if b"\0" in encoded:
        raise _Refused("a text without NUL characters")
    return value


def _flag(value: object, _: Any) -> bool:
    if not isinstance(value, bool):
        raise _Refused
    return value


def _port(value: object, _: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 65535:
        raise _Refused
    return value


def _seconds(value: object, _: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _Refused
    try:
        seconds = float(value)
    except OverflowError:
        raise _Refused from None
    if not math.isfinite(seconds) or seconds < 0:
        raise _Refused
    return seconds


def _texts(value: object) -> tuple[str, ...]:
    # An empty Lua table reaches us as an object where a list was meant, and the other way round.
    if value == {}:
        return ()
    if not isinstance(value, (list, tuple)):
        raise _Refused
    for item in value:
        if not isinstance(item, str):
            raise _Refused(f"a list of texts only (in it is {describe_value(item)})")
    return tuple(_text(item) for item in value)


def _words(value: object, _: Any) -> tuple[str, ...]:
    if not isinstance(value, str):
        return _texts(value)
    try:
        return tuple(shlex.split(_text(value)))
    except ValueError as error:
        reason = str(error).lower()
        raise _Refused(f"a text that a shell could split (this one has {reason})") from None


def _paths(value: object, _: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(part for part in _text(value).split(os.pathsep) if part)
    return _texts(value)


def _variable_name(value: object, _: Any = None) -> str:
    if not isinstance(value, str) or not value or "=" in value:
        raise _Refused
    return _text(value)


def _variables(value: object, _: Any) -> dict[str, str]:
    if value == []:
        return {}
    if not isinstance(value, Mapping):
        raise _Refused
    return {_variable_name(name): _text(text) for name, text in value.items()}


def _choice(value: object, kind: Any) -> str:
    if not isinstance(value, str) or value not in _choices(kind):
        raise _Refused
    return value


def _make_converter() -> cattrs.Converter:
    hooks: dict[Any, Callable[[Any, Any], Any]] = {
        Port: _port,
        Seconds: _seconds,
        VariableName: _variable_name,
        Words: _words,
        Paths: _paths,
        Variables: _variables,
    }

    def is_annotated(kind: Any) -> bool:
        return get_origin(kind) is Annotated

    def is_literal(kind: Any) -> bool:
        return get_origin(kind) is Literal

    converter = cattrs.Converter(detailed_validation=False)
    converter.register_structure_hook(str, _text)
    converter.register_structure_hook(bool, _flag)
    converter.register_structure_hook_func(is_literal, _choice)
    converter.register_structure_hook_func(
        is_annotated, lambda value, kind: hooks[kind](value, kind)
    )
    return converter


_converter = _make_converter()
