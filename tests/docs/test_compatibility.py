"""`docs/compatibility.md` tells what the tests show."""

from __future__ import annotations

from compatibility.table import PAGE, page


def test_the_tables_are_of_today() -> None:
    text = PAGE.read_text("utf-8")
    assert text == page(text), "PYTHONPATH=server:tests .venv/bin/python -m compatibility.table"
