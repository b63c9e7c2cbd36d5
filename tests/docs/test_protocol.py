"""docs/protocol.md and the code say the same."""

from __future__ import annotations

import types
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs
import pytest
from lsprotocol.types import Range

from docs.tables import code, plain, sections, table
from hotplate.lsp import protocol
from hotplate.lsp.server import create_server
from hotplate.supervision.events import Phase, Reason

PAGE = sections("protocol.md")
_NAMES = {str: "string", int: "integer", bool: "boolean", type(None): "null", Range: "Range"}


def classes() -> dict[str, type[Any]]:
    """Each class that travels, by the heading under which it is documented."""
    found: dict[str, type[Any]] = dict(protocol.NOTIFICATIONS)
    for name, value in vars(protocol).items():
        own = isinstance(value, type) and value.__module__ == protocol.__name__
        if own and attrs.has(value) and value not in found.values():
            found[name] = value
    return found


def spell(kind: Any) -> str:
    """A type as the page writes it."""
    if get_origin(kind) is list:
        return f"{spell(get_args(kind)[0])}[]"
    if get_origin(kind) in (Union, types.UnionType):
        return " or ".join(spell(part) for part in get_args(kind))
    return _NAMES.get(kind) or kind.__name__


def fields(cls: type[Any]) -> dict[str, tuple[str, str]]:
    """Each field's type and whether it is optional."""
    hints = get_type_hints(cls)
    found = {}
    for field in attrs.fields(cls):
        optional = bool(field.metadata.get("optional"))
        text = spell(hints[field.name])
        if optional:
            text = text.removesuffix(" or null")
        found[protocol.camel(field.name)] = (text, "yes" if optional else "no")
    return found


@pytest.mark.parametrize("title", classes())
def test_each_message_has_the_fields_of_its_class(title: str) -> None:
    rows = table(PAGE[title])
    documented = {plain(row["Field"]): (plain(row["Type"]), row["Optional"]) for row in rows}
    assert documented == fields(classes()[title])


def test_no_other_message_is_documented() -> None:
    with_fields = {title for title, text in PAGE.items() if "| Field |" in text}
    assert with_fields == set(classes())


def test_the_commands() -> None:
    rows = table(PAGE["Commands, workspace/executeCommand"])
    documented = [plain(row["Command"]) for row in rows]
    assert sorted(documented) == sorted(protocol.COMMANDS)
    assert set(create_server().protocol.fm.commands) == set(documented)


def test_the_values_of_state_and_reason() -> None:
    rows = {plain(row["Field"]): row for row in table(PAGE["hotplate/state"])}
    assert set(code(rows["state"]["Meaning"])) == {phase.value for phase in Phase}
    assert set(code(rows["reason"]["Meaning"])) == set(get_args(Reason))


def test_each_feature_that_the_server_has_is_told() -> None:
    told = PAGE["Standard LSP messages"]
    silent = {"textDocument/didOpen", "textDocument/didClose"}
    registered = set(create_server().protocol.fm.features) - silent
    assert [method for method in registered if f"`{method}`" not in told] == []
