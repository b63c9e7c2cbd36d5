"""The apps that are measured: generated, so that each of them is known to the last line."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FIRST = 1_000_000
"""The version that a project is made with; each save writes the next number."""

_VERSION = "@VERSION@"

HELLO = """\
from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return "@VERSION@"
"""

DATA = HELLO.replace("from flask", "import pandas\nimport sqlalchemy\nfrom flask")

STREAM_PARTS, STREAM_PAUSE = 20, 0.05
STREAM_END = b"the end\n"
STREAMING = (
    "import time\n\n"
    + HELLO
    + f"""

@app.get("/stream")
def stream():
    def parts():
        for number in range({STREAM_PARTS}):
            yield f"{{number}}\\n"
            time.sleep({STREAM_PAUSE})
        yield "{STREAM_END.decode().strip()}\\n"

    return app.response_class(parts(), mimetype="text/plain")
"""
)

OVER_MODULES = """\
from flask import Flask

import shop
from shop.answer import answer

app = Flask(__name__)


@app.get("/")
def index():
    return answer()
"""

ANSWER = """\
def answer():
    return "@VERSION@"
"""

MODULE = '''\
"""Part {number} of a shop: what a line of an order of this kind costs, and how it is told."""

{imports}
RATES = {{"standard": {number}, "reduced": {number} // 2, "none": 0}}
LIMIT = {number} * 100


class Line{number}:
    """One line of an order."""

    def __init__(self, name, amount, kind="standard"):
        self.name = name
        self.amount = amount
        self.kind = kind

    @property
    def price(self):
        return self.amount * RATES[self.kind]

    def is_large(self):
        return self.price > LIMIT

    def __repr__(self):
        return f"<Line{number} {{self.name}}: {{self.amount}}>"


def total{number}(lines):
    """What several lines cost together."""
    found = 0
    for line in lines:
        if line.is_large():
            found += line.price * 9 // 10
        else:
            found += line.price
    return found


def describe{number}(lines):
    """The lines in words, largest first."""
    ordered = sorted(lines, key=lambda line: line.price, reverse=True)
    return ", ".join(f"{{line.amount}} of {{line.name}}" for line in ordered if line.amount)
'''


@dataclass(frozen=True)
class Project:
    """A folder with an app, and the one file of it that is saved over and over."""

    folder: Path
    saved: Path
    source: str
    rename: bool = False

    def text(self, version: int) -> str:
        """The saved file's text. It answers `version` to `/`.

        Its length changes from save to save. Python takes bytecode for current that was made of a
        source of the same length in the same second, so a reloader that is quick enough would run
        the code before the last and be measured for a fault that is not in question here.
        """
        return self.source.replace(_VERSION, str(version)) + f"\n# {'-' * (version % 7)}\n"

    def write(self, version: int) -> None:
        """Put a version on disk, in place or as a new file in the old one's place."""
        text = self.text(version).encode()
        if not self.rename:
            self.saved.write_bytes(text)
            return
        draft = self.saved.with_name(f".{self.saved.name}.{version}")
        draft.write_bytes(text)
        os.replace(draft, self.saved)


Maker = Callable[[Path], Project]


def hello(folder: Path, rename: bool = False) -> Project:
    """One file with one view."""
    return _one_file(folder, HELLO, rename)


def renamed(folder: Path) -> Project:
    """The same, saved as careful editors do it: a new file that takes the old one's name."""
    return hello(folder, rename=True)


def data(folder: Path) -> Project:
    """One file that imports pandas and SQLAlchemy."""
    return _one_file(folder, DATA)


def streaming(folder: Path) -> Project:
    """One file with a view that takes a second to give its answer, part by part."""
    return _one_file(folder, STREAMING)


def modules(folder: Path, count: int = 500) -> Project:
    """An app that imports so many modules of its own; one of them is saved."""
    shop = folder / "shop"
    shop.mkdir()
    names = [f"part{number:03}" for number in range(count - 1)]  # one more is answer.py
    for number, name in enumerate(names):
        # Each uses a few of those before it, so that there is a graph and no circle.
        used = sorted({number // 2, number // 3, number - 1} - {number, -1})
        lines = (f"from shop.{names[each]} import RATES as RATES{each}\n" for each in used)
        imports = "".join(lines)
        (shop / f"{name}.py").write_text(MODULE.format(number=number, imports=imports))
    (shop / "__init__.py").write_text("".join(f"import shop.{name}\n" for name in names))
    (folder / "app.py").write_text(OVER_MODULES)
    return _finished(Project(folder, shop / "answer.py", ANSWER))


def many_files(folder: Path, count: int = 10_000) -> Project:
    """The one-file app in a folder of so many files; half of them are Python, none is imported.

    They are packages in packages: Flask's reloader does not look below folders without Python.
    """
    for number in range(count // 20):
        inner = folder / "parts" / f"set{number // 50:02}" / f"part{number:03}"
        inner.mkdir(parents=True)
        for each in range(10):
            (inner / f"module{each}.py").write_text(f"NUMBER = {each}\n")
            (inner / f"page{each}.html").write_text("<p>{{ text }}</p>\n")
    for package in (folder / "parts", *(folder / "parts").iterdir()):
        (package / "__init__.py").touch()
    return hello(folder)


def _one_file(folder: Path, source: str, rename: bool = False) -> Project:
    return _finished(Project(folder, folder / "app.py", source, rename))


def _finished(project: Project) -> Project:
    project.saved.write_text(project.text(FIRST))
    return project
