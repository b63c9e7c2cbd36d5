"""Which Python pyenv would run in a folder, worked out as pyenv does but without running it.

pyenv's shims are shell scripts that find this out at each start. An editor that was not started
from a shell does not even have them on its PATH.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from hotplate.project.files import is_dir, normal, read_text
from hotplate.project.venvs import Interpreter, Search, python_in


@frozen
class Chosen:
    """The versions that are wanted, the first that has a Python counts; and who says so."""

    versions: tuple[str, ...]
    reason: str


def find_pyenv(search: Search) -> Interpreter | None:
    """What the nearest `.python-version` names: a version, or an environment of
    pyenv-virtualenv's."""
    chosen = _local(search)
    return _installed(search, chosen) if chosen else None


def behind_shim(search: Search, found: Path) -> Interpreter | Chosen | None:
    """What a shim would run, or that none of the versions it is told to run is there; None where
    it is no shim, or where pyenv passes on to the rest of PATH."""
    if os.path.realpath(found.parent) != os.path.realpath(_root(search) / "shims"):
        return None
    chosen = _local(search) or _global(search)
    if chosen is None or "system" in chosen.versions:
        return None
    return _installed(search, chosen) or chosen


def _local(search: Search) -> Chosen | None:
    if named := search.env.get("PYENV_VERSION"):
        return Chosen(tuple(filter(None, named.split(":"))), "PYENV_VERSION")
    for folder in (search.cwd, *search.cwd.parents):
        file = folder / ".python-version"
        if versions := _versions_in(file):
            inside = file.is_relative_to(search.workspace)
            where = f"`{search.shown(file)}` in the project" if inside else f"`{file}`"
            return Chosen(versions, f"{where} ({versions[0]}, of pyenv's)")
    return None


def _global(search: Search) -> Chosen | None:
    versions = _versions_in(_root(search) / "version")
    return Chosen(versions, f"pyenv's global version ({versions[0]})") if versions else None


def _versions_in(file: Path) -> tuple[str, ...]:
    words = (line.split() for line in (read_text(file, 4096) or "").splitlines())
    return tuple(word[0] for word in words if word and not word[0].startswith("#"))


def _installed(search: Search, chosen: Chosen) -> Interpreter | None:
    for version in chosen.versions:
        for directory in _directories(_root(search) / "versions", version):
            if python := python_in(directory):
                return Interpreter(python, chosen.reason, "pyenv")
    return None


def _directories(versions: Path, version: str) -> Iterator[Path]:
    """The folder of that name; else those of the releases that it begins, the newest first."""
    for name in dict.fromkeys((version, version.removeprefix("python-"))):
        directory = normal(versions / name)
        if not directory.is_relative_to(versions) or directory == versions:
            continue  # `../..`: the file may have come with a clone
        if is_dir(directory):
            yield directory
        try:
            # Full releases only, as pyenv takes them for a prefix.
            found = [each for each in versions.iterdir() if _is_release(each.name, name)]
        except OSError:
            continue
        yield from sorted(found, key=_numbers, reverse=True)


def _is_release(name: str, prefix: str) -> bool:
    return bool(re.fullmatch(re.escape(prefix) + r"(?:[.-]\d+)+", name))


def _numbers(path: Path) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", path.name)]


def _root(search: Search) -> Path:
    return normal(search.env.get("PYENV_ROOT") or Path.home() / ".pyenv")
