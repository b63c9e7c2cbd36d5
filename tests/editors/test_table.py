"""The table in `docs/editors/README.md` tells what was seen; what is told of editors agrees."""

from __future__ import annotations

import pytest

from docs.tables import ROOT
from docs.test_links import anchors
from editors.pages import PAGES
from editors.records import RECORDS, Record, load_all, understood
from editors.table import PAGE, SEEN, page

RECORDED = load_all()
each = pytest.mark.parametrize("record", RECORDED, ids=lambda record: record.client)


def test_the_table_is_of_today() -> None:
    text = PAGE.read_text("utf-8")
    assert text == page(text), "PYTHONPATH=server:tests .venv/bin/python -m editors.table"


def test_every_record_is_in_the_table() -> None:
    files = {path.stem for path in RECORDS.glob("*.json")} - {"order"}
    assert files == {record.client for record in RECORDED}


@each
def test_a_record_is_whole(record: Record) -> None:
    """Each row is told, the page exists, and what nobody runs is known from somewhere."""
    assert set(record.shown) == set(SEEN)
    file, _, anchor = record.page.partition("#")
    assert anchor in anchors(PAGES / file) if anchor else (PAGES / file).exists()
    assert all("https://" in source for source in record.sources)
    assert not record.run or (ROOT / record.how).is_dir()


@each
def test_a_record_agrees_with_the_capabilities(record: Record) -> None:
    """No editor shows what the server would not send to it."""
    client = understood(record.client)
    if record.shown["frames"] == "yes":
        assert client.related
    assert (record.shown["outside"] == "yes") <= client.watched_files
