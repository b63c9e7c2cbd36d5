"""Messages that a good one has been turned into: by a seed, so that a failure can be had again."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

ODD: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, -(2**63), 2**64, 1.5, -0.0, 1e308, "", " ", "\0", "x" * 999,
    "\ud800", "ü🐈", "../../..", "file:///", "file:///etc/passwd", "$(x)", "%00%ff", [], [[]], {},
    {"": None}, [None] * 50, {"a": {"b": {"c": []}}}, "hotplate.state", "NaN", "1",
]  # fmt: skip


def odd(chance: random.Random) -> Any:
    """A value that hardly anything expects."""
    if chance.random() < 0.02:
        return deep(chance.randrange(20, 120))
    return copy.deepcopy(chance.choice(ODD))


def deep(levels: int) -> Any:
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"x": value}
    return value


def mutate(chance: random.Random, message: Any, keep: Sequence[str] = ()) -> Any:
    """One to three changes to a message's structure. Keys in `keep` stay as they are."""
    message = copy.deepcopy(message)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        places = list(_places(message, keep))
        if not places:
            return message
        holder, key = chance.choice(places)
        kind = chance.randrange(6)
        if kind == 0:
            del holder[key]
        elif kind == 1:
            holder[key] = odd(chance)
        elif kind == 2 and isinstance(holder, dict):
            holder[str(odd(chance))[:40]] = holder[key]
        elif kind == 3 and isinstance(holder, list):
            holder[key:key] = [copy.deepcopy(holder[key])] * chance.randrange(1, 20)
        elif kind == 4:
            other, another = chance.choice(places)
            # Copies: to put a value into itself would have no end.
            one, two = copy.deepcopy(holder[key]), copy.deepcopy(other[another])
            holder[key], other[another] = two, one
        else:
            holder[key] = _like(chance, holder[key])
    return message


def _places(value: Any, keep: Sequence[str]) -> Iterator[tuple[Any, Any]]:
    pending = [value]
    while pending:
        holder = pending.pop()
        if isinstance(holder, dict):
            keys: list[Any] = [key for key in holder if key not in keep]
        elif isinstance(holder, list):
            keys = list(range(len(holder)))
        else:
            continue
        for key in keys:
            yield holder, key
            pending.append(holder[key])


def _like(chance: random.Random, value: Any) -> Any:
    """Something of the same type, and of another content."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return chance.choice((0, -1, value + 1, value * 1000, 2**31, 2**53))
    if isinstance(value, str):
        at = chance.randrange(len(value) + 1)
        piece = chance.choice(("", "\0", "/", "..", "%", "ü", "🐈", "\n", ":", "x" * 200, "\ud800"))
        return value[:at] + piece + value[at + chance.randrange(3) :]
    if isinstance(value, list):
        return value[: len(value) // 2] + value
    return odd(chance)


def scramble(chance: random.Random, body: bytes) -> bytes:
    """One to four changes to the bytes."""
    data = bytearray(body)
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(4)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            data[at:at] = chance.randbytes(chance.randrange(1, 8))
        elif kind == 2:
            del data[at : at + chance.randrange(1, 12)]
        else:
            data[at:at] = data[: chance.randrange(1, 30)]
    return bytes(data)


def dumps(message: Any) -> bytes:
    """As JSON, lone surrogates and all."""
    return json.dumps(message).encode()
