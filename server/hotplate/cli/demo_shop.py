"""The example app that the demo works on: a copy of it, and the edits that are made there."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import click

import hotplate

# What may lie in a checkout where somebody has run the app, and is no part of it.
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "instance", ".venv", "venv", "env")


class Edit(NamedTuple):
    """One line of a file, replaced."""

    file: str
    before: str
    after: str

    @property
    def undone(self) -> Edit:
        return Edit(self.file, self.after, self.before)


HEADING = "Fresh on the shelves"
HEADINGS = (
    "Straight from the oven",
    "Picked this morning",
    "Back in stock",
    "Baked at five",
    "Ripe today",
    "New on Monday",
)
"""What the shelves are called, edit by edit."""

BREAK = Edit("shop/pricing.py", "FREE_DELIVERY_FROM = 30_00", "FREE_DELIVERY_FROM = 30 * POUND")
BROKEN_NAME = "POUND"
RAISE = Edit("shop/pricing.py", '    "clearance": (),', '    "sale": (),')
RAISING_PATH = "/product/8"
SAVE_ALL = (
    "shop/pricing.py",
    "shop/products.py",
    "shop/basket.py",
    "shop/errors.py",
    "shop/db.py",
    "shop/views/catalogue.py",
)


def rename_heading(old: str, new: str) -> Edit:
    """Another heading for the front page, in its view."""
    line = '        heading="{}",'
    return Edit("shop/views/catalogue.py", line.format(old), line.format(new))


class Shop:
    """The copy."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        return self.folder / name

    def shown(self, path: Path) -> str:
        """A path as the person reads it."""
        return str(path.relative_to(self.folder)) if path.is_relative_to(self.folder) else str(path)

    def make(self, edit: Edit) -> int:
        """Write the edit to the disk; the line's number, from 1."""
        path = self.path(edit.file)
        lines = path.read_text("utf-8").split("\n")
        number = lines.index(edit.before)
        lines[number] = edit.after
        path.write_text("\n".join(lines), "utf-8")
        return number + 1

    def touch_up(self, name: str) -> None:
        """An edit that changes nothing for anybody: a comment at the end."""
        with self.path(name).open("a", encoding="utf-8") as file:
            file.write("# One of several files that were saved at once.\n")


@contextmanager
def copied_shop(keep: bool) -> Iterator[Shop]:
    """A copy of the example app in a temporary folder, removed at the end unless kept."""
    source = _source()
    # Resolved: macOS's own temporary folder stands behind a link.
    folder = Path(tempfile.mkdtemp(prefix="hotplate-demo-")).resolve()
    try:
        shutil.copytree(source, folder / "shop", ignore=_LEFT_OUT)
        yield Shop(folder / "shop")
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def _source() -> Path:
    package = Path(hotplate.__file__).resolve().parent
    installed = package / "_demo" / "shop"
    checkout = package.parents[1] / "examples" / "shop"
    for folder in (installed, checkout):
        if (folder / "shop" / "__init__.py").is_file():
            return folder
    raise click.ClickException(
        f"The demo's example app is missing: it is neither in {installed} nor in {checkout}. "
        "Install Hotplate anew."
    )
