"""Paths and lines, as the disk and as the editor have them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hotplate.lsp.places import START, Places, in_units
from hotplate_agent.messages import Frame


def span(places: Places, frame: Frame) -> tuple[int, int, int, int]:
    range_ = places.range(frame)
    return range_.start.line, range_.start.character, range_.end.line, range_.end.character


@pytest.mark.parametrize(
    ("encoding", "expected"), [("utf-8", 6), ("utf-16", 3), ("utf-32", 2), (None, 3)]
)
def test_units(encoding: str | None, expected: int) -> None:
    assert Places(encoding).units("é🍕x", 2) == expected


def test_units_of_half_a_pair() -> None:
    """A lone surrogate, as in a path of undecodable bytes, is no reason to fail."""
    for encoding in ("utf-8", "utf-16", "utf-32"):
        assert Places(encoding).units("\udce9x", 2) > 0


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        # The exact expression.
        (Frame("/a.py", 3, "f", "  x = 1 / 0", 6, 3, 11), (2, 6, 2, 11)),
        # Over several lines.
        (Frame("/a.py", 3, "f", "  x = (1 /", 6, 4, 5, "  0)"), (2, 6, 3, 4)),
        # Unknown: the line's code.
        (Frame("/a.py", 3, "f", "  x = 1 / 0  "), (2, 2, 2, 11)),
        # Only the start is known.
        (Frame("/a.py", 1, "f", "x = y", 4), (0, 4, 0, 5)),
        # An end before the start is none.
        (Frame("/a.py", 1, "f", "x = y", 4, 1, 2), (0, 4, 0, 5)),
        # The start behind the line's end: the whole line.
        (Frame("/a.py", 1, "f", "  x =", 40, 1, 41), (0, 2, 0, 5)),
        # No source, and a line of 0, as a module's frame may have.
        (Frame("/a.py", 0, "f"), (0, 0, 0, 0)),
    ],
)
def test_range(frame: Frame, expected: tuple[int, int, int, int]) -> None:
    assert span(Places("utf-16"), frame) == expected


@pytest.mark.parametrize(
    "uri",
    ["untitled:Untitled-1", "git:/a.py", "https://example.org/a.py", "", "file", "a.py",
     "file:///a%00b.py", "vscode-notebook-cell:/a.ipynb#1"],
)  # fmt: skip
def test_what_is_no_file(uri: str) -> None:
    assert Places().path(uri) is None


@pytest.mark.parametrize("name", ["a b", "é", "🍕", "100%", "a#b", "a?b", "a+b&c"])
def test_odd_names(name: str, tmp_path: Path) -> None:
    places = Places()
    path = str(tmp_path.resolve() / name / "app.py")
    assert places.path(places.uri(path)) == path
    assert places.path(Path(path).as_uri()) == path


def test_the_editor_spells_through_a_link(tmp_path: Path) -> None:
    real, link = tmp_path.resolve() / "real", tmp_path.resolve() / "link"
    real.mkdir()
    link.symlink_to(real)
    places = Places()
    places.add_folder(link)
    assert places.uri(str(real / "app.py")) == (link / "app.py").as_uri()
    assert places.uri(str(real)) == link.as_uri()
    assert places.path((link / "app.py").as_uri()) == str(real / "app.py")
    assert places.uri(str(tmp_path / "realm" / "app.py")).endswith("/realm/app.py")


def test_the_code_of_a_line(tmp_path: Path) -> None:
    file = tmp_path / "app.py"
    file.write_bytes("a\n  é🍕x  \r\n".encode())
    places = Places("utf-16")
    range_ = in_units(places, str(file), 1)
    assert (range_.start.character, range_.end.character) == (2, 6)
    assert in_units(places, str(file), 9) == START
    assert in_units(places, str(tmp_path / "none"), 0) == START
    assert in_units(places, str(tmp_path), 0) == START


def test_names_that_are_no_text(tmp_path: Path) -> None:
    """A file's name may be any bytes; what no file's name can be is no file."""
    places = Places()
    odd = os.path.join(str(tmp_path), os.fsdecode(b"na\xefve.py"))
    assert places.uri(odd).endswith("/na%EFve.py")
    assert places.path(f"{tmp_path.as_uri()}/\ud800.py") is None
    assert places.path(f"{tmp_path.as_uri()}/\ud800/x.py") is None


def test_a_folder_of_windows() -> None:
    assert Places().path("file:///c%3A/Users/me/shop/app.py") is None
