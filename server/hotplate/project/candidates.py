"""The Flask apps of a folder in which Flask would find none, by what is written in its files.

`flask run` looks for `wsgi.py` and `app.py` where it stands. Where they are further down, or have
another name, the person would have to change the folder or name the app. Nothing is imported here.
"""

from __future__ import annotations

import ast
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from hotplate.project.evidence import mentions_flask
from hotplate.project.files import is_file, read_bytes
from hotplate.project.ownership import FOREIGN
from hotplate.project.source import LARGEST, bindings, parse, top_level

_MOST_FILES = 400
_DEEPEST = 4
_LONGEST = 1.0  # seconds; a folder on a network may be slow

# An app in these is not what the project is about.
_ASIDE = frozenset(
    {"tests", "test", "testing", "docs", "doc", "examples", "example", "benchmarks", "migrations"}
    | {"build", "dist", "static"}
)
_TEST = re.compile(r"(?:test_.*|.*_test|conftest|setup|noxfile)\.py")
_FACTORY_CALL = re.compile(r"(?i)(?:create|make|build|get|init)_?\w*app\w*")
_READ = 200_000  # bytes of a file that is too large to be parsed
_MAKES_APP = re.compile(
    rb"(?m)^(?:\w+[ \t]*(?::[^=\n]{1,99})?=[ \t]*(?:\w+\.)*\w*Flask\("
    rb"|def[ \t]+(?:create_app|make_app)\b)"
)
_BY_ITSELF = ("app", "application", "create_app", "make_app")
# Of several modules of one package that make an app, the one that it is run by.
_RANKS = ("__init__", "wsgi", "app", "main", "application", "factory")


@frozen
class Candidate:
    """An app, as it could be named in the settings."""

    folder: str
    """Relative to where was looked; `.` is that folder itself."""
    app: str | None
    """As `flask --app` takes it from there; None where Flask finds it by itself."""
    file: Path

    @property
    def title(self) -> str:
        """What to call it in front of a person."""
        if self.app is None:
            return self.folder
        return self.app if self.folder == "." else f"{self.folder} ({self.app})"


def find_apps(home: Path) -> list[Candidate]:
    """The apps below a folder. Takes a second or so at the most."""
    groups: dict[tuple[Path, str], list[Path]] = {}
    for file in _sources(home):
        if mentions_flask(file) and targets_in(file):
            base = _base(file, home)
            top = file.relative_to(base).parts[0]
            groups.setdefault((base, top), []).append(file)
    found: list[Candidate] = []
    for (base, _), files in groups.items():
        for file in _foremost(files):
            found += _candidates(home, base, file)
    return sorted(set(found), key=lambda each: (len(Path(each.folder).parts), each.title))


def targets_in(file: Path) -> list[str | None]:
    """What Flask could run of a module: None stands for what it takes by itself, a name for each
    of several apps among which it would not choose."""
    tree = parse(file)
    if tree is None:
        source = read_bytes(file, _READ) or b""
        return [None] if len(source) > LARGEST and _MAKES_APP.search(source) else []
    classes, instances, bound = {"Flask"}, [], set()
    for node in top_level(tree):
        names = [name for name, _ in bindings(node)]
        if isinstance(node, ast.ClassDef):
            if any(_last(base) in classes for base in node.bases):
                classes.add(node.name)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            bound.update(names)
        elif isinstance(value := getattr(node, "value", None), ast.Call):
            called = _last(value.func)
            if called in classes or called.endswith("Flask"):
                instances += names
            elif _FACTORY_CALL.fullmatch(called):
                bound.update(names)
    if len(instances) > 1 and not {"app", "application"} & {*instances, *bound}:
        return list(dict.fromkeys(instances))
    return [None] if instances or bound & set(_BY_ITSELF) else []


def _candidates(home: Path, base: Path, file: Path) -> Iterator[Candidate]:
    inside = base.relative_to(home)
    from_src = inside.name == "src"
    folder = base.parent if from_src else base
    shown = folder.relative_to(home).as_posix()
    if own := _found_by_flask(folder):
        yield Candidate(shown, None, own)
        return
    path = file.relative_to(folder).with_suffix("")
    path = path.parent if path.name == "__init__" else path
    # A path where Python would not look by itself; a dotted name where it does.
    name = path.as_posix() if from_src else ".".join(path.parts)
    for target in targets_in(file):
        yield Candidate(shown, f"{name}:{target}" if target else name, file)


def _found_by_flask(folder: Path) -> Path | None:
    """The `wsgi.py` or `app.py` that `flask run` would take there, if it has an app."""
    for name in ("wsgi", "app"):
        for file in (folder / name / "__init__.py", folder / f"{name}.py"):
            if is_file(file):
                tree = parse(file)
                bound = {
                    name for node in top_level(tree) for name, _ in bindings(node)
                } if tree else set()  # fmt: skip
                return file if bound & set(_BY_ITSELF) or targets_in(file) == [None] else None
    return None


def _foremost(files: list[Path]) -> list[Path]:
    """Of the modules of one package the one that it is run by, or all where that can't be seen."""
    for stem in _RANKS:
        if ranked := [file for file in files if file.stem == stem]:
            return ranked[:1]
    return files


def _base(file: Path, home: Path) -> Path:
    """The folder that is to be on Python's path for the module."""
    folder = file.parent
    while folder != home and is_file(folder / "__init__.py"):
        folder = folder.parent
    return folder


def _sources(home: Path) -> Iterator[Path]:
    """The Python files that may make an app, those at the top first."""
    until, count = time.monotonic() + _LONGEST, 0
    levels = [home]
    for _ in range(_DEEPEST + 1):
        folders, levels = levels, []
        for folder in folders:
            if time.monotonic() > until:
                return  # a home folder, with no end of folders
            try:
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except OSError:
                continue
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if _is_worth_a_look(folder / entry.name):
                        levels.append(folder / entry.name)
                elif entry.name.endswith(".py") and not _TEST.fullmatch(entry.name):
                    count += 1
                    if count > _MOST_FILES or time.monotonic() > until:
                        return
                    yield folder / entry.name


def _is_worth_a_look(folder: Path) -> bool:
    name = folder.name
    return not (name in FOREIGN or name in _ASIDE or is_file(folder / "pyvenv.cfg"))


def _last(node: ast.expr) -> str:
    """`Flask` of `flask.Flask`."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
