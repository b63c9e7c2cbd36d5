"""The table of what each editor shows: made of the records and of the recorded capabilities.

PYTHONPATH=server:tests .venv/bin/python -m editors.table   writes it into the page
"""

from __future__ import annotations

import re

from editors.pages import PAGES
from editors.records import Record, load_all, tells_saves_apart, understood

PAGE = PAGES / "README.md"
BEGIN = "<!-- Made by tests/editors/table.py; a test compares. -->\n"
END = "<!-- End of what is made. -->\n"

SEEN = {
    "question": "asks before a folder's first start",
    "frames": "the other frames, with an error",
    "columns": "columns exact behind an emoji",
    "output": "what the app prints",
    "lenses": "state and commands on the app's line",
    "commands": "commands: stop, restart, PIN",
    "outside": "files changed outside, by git say",
}
"""What the stories tell, by row."""


def made() -> str:
    """The table as the page has it."""
    records = load_all()
    rows = [
        ["", *(f"[{record.name}]({record.page})" for record in records)],
        ["---"] * (len(records) + 1),
        ["main job, in the real editor", *(_yes(record.run) for record in records)],
        *([label, *(record.shown[key] for record in records)] for key, label in SEEN.items()),
        ["opens the browser", *(_yes(understood(r.client).documents) for r in records)],
        ["progress of a slow start", *(_yes(understood(r.client).progress) for r in records)],
        ["settings of the editor's own", *(_settings(record) for record in records)],
        [
            "tells auto-save from a save by hand",
            *(_yes(tells_saves_apart(r.client)) for r in records),
        ],
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def page(text: str) -> str:
    """The page with the table of today."""
    pattern = f"({re.escape(BEGIN)}).*?({re.escape(END)})"
    changed, count = re.subn(pattern, lambda m: f"{m[1]}\n{made()}\n{m[2]}", text, flags=re.DOTALL)
    assert count == 1, f"no marks in {PAGE}"
    return changed


def _settings(record: Record) -> str:
    return "at once" if understood(record.client).configuration else "at the start"


def _yes(condition: bool) -> str:
    return "yes" if condition else "no"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
