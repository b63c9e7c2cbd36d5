"""What each editor has shown, as its story told it last: a file for each, in `fixtures/editors`.

The table in `docs/editors/README.md` is made of these files alone, so it is the same on every
machine, and an editor that can't be run on this one keeps its column. Where it is run, the story
compares (see `compare`), and HOTPLATE_RECORD=1 writes the file anew.
"""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any

import attrs
from lsprotocol import converters, types
from pytest_lsp import client_capabilities

from hotplate.lsp.client import Client

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
RECORDS = FIXTURES / "editors"


@attrs.frozen
class Record:
    """One editor. `shown` is by row; `sources` tells where what nobody has run is known from."""

    client: str
    name: str
    page: str
    version: str
    how: str
    shown: dict[str, str]
    sources: list[str] = attrs.field(factory=list)

    @property
    def run(self) -> bool:
        """Whether the story is played in the real editor."""
        return not self.sources


def load(client: str) -> Record:
    data = json.loads((RECORDS / f"{client}.json").read_text("utf-8"))
    return Record(client=client, **data)


def load_all() -> list[Record]:
    """In the order of the table."""
    names = json.loads((RECORDS / "order.json").read_text("utf-8"))
    return [load(name) for name in names]


def compare(client: str, version: str, shown: dict[str, str]) -> None:
    """Fail where an editor shows something else than its record has.

    Another version may show more: then the record is kept, and a warning says so.
    """
    record = load(client)
    if os.environ.get("HOTPLATE_RECORD"):
        save(attrs.evolve(record, version=version, shown=shown))
    elif version == record.version:
        assert shown == record.shown, (
            f"HOTPLATE_RECORD=1 writes tests/fixtures/editors/{client}.json"
        )
    elif shown != record.shown:
        warnings.warn(f"{version} shows {shown}; recorded is {record.version}", stacklevel=2)


def save(record: Record) -> None:
    data = attrs.asdict(record, filter=lambda field, value: field.name != "client" and value != [])
    text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    (RECORDS / f"{record.client}.json").write_text(text, "utf-8")


# ---------------------------------------------------------------- capabilities


def declared(client: str) -> types.ClientCapabilities:
    """What a client declares in `initialize`."""
    if client == "vscode":
        return client_capabilities("visual-studio-code")
    return converters.get_converter().structure(recorded(client), types.ClientCapabilities)


def recorded(client: str) -> dict[str, Any]:
    """The same as it came over the wire."""
    path = FIXTURES / "capabilities" / f"{client}.json"
    data: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return data


def understood(client: str) -> Client:
    """What the server makes of it."""
    params = types.InitializeParams(capabilities=declared(client))
    return Client(None, params)  # type: ignore[arg-type]


def tells_saves_apart(client: str) -> bool:
    """Whether it says if a save was by hand."""
    document = declared(client).text_document
    sync = document.synchronization if document else None
    return bool(sync and sync.will_save)
