"""`docs/settings.md` and the code know the same settings and defaults."""

from __future__ import annotations

import json
import re
from pathlib import Path

import attrs

from hotplate.project.schema import Settings, spell

PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
ROWS = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", PAGE, re.M))
FIELDS = {
    spell(field.name, "editor"): field
    for field in attrs.fields(Settings)
    if field.name != "sources"
}


def test_every_setting_is_described_and_no_other() -> None:
    assert set(ROWS) == {*FIELDS, "apps"}


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
