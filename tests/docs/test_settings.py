"""`docs/settings.md` and the code know the same settings and defaults."""

from __future__ import annotations

import json
import re
from pathlib import Path

import attrs

from hotplate.project.schema import Settings, spell

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "settings.md").read_text()
ROWS = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", PAGE, re.M))
FIELDS = {
    spell(field.name, "editor"): field
    for field in attrs.fields(Settings)
    if field.name != "sources"
}


def test_every_setting_is_described_and_no_other() -> None:
    assert set(ROWS) == {*FIELDS, "apps"}


def test_vs_code_offers_every_setting() -> None:
    """And two of its own, which say how to start the server."""
    manifest = json.loads((ROOT / "vscode-client" / "package.json").read_text())
    groups = manifest["contributes"]["configuration"]
    offered = {key.removeprefix("hotplate.") for group in groups for key in group["properties"]}
    offered = {key for key in offered if "." not in key}  # the client's own: hotplate.trace.server
    assert offered == {*FIELDS, "apps", "serverPath", "serverInterpreter"}


def test_defaults_are_those_of_the_code() -> None:
    for key, field in FIELDS.items():
        default = field.default
        if isinstance(default, str):
            assert ROWS[key] == f"`{json.dumps(default)}`", key
        elif isinstance(default, bool):
            assert ROWS[key] == str(default).lower(), key
        elif isinstance(default, float):
            assert ROWS[key] == f"{default:g}", key
        else:  # not set: Flask's own sources decide, or nothing does
            assert not ROWS[key].startswith("`"), key
