"""The virtual environments that the ways of running Flask share, beside those of
`support.environments`."""

from __future__ import annotations

import re
import sysconfig
from pathlib import Path

from support.environments import PAIRS, Environment, base_of_this, run

ROOT = Path(__file__).resolve().parents[2]
NEWEST = ("flask>=3.1,<3.2", "python-dotenv")


def pair(python: str, flask: str, werkzeug: str, *more: str) -> Environment:
    """A Flask and a Werkzeug, to the point where a version is whole: `3.1` is its newest."""
    name = f"py{python}-flask{flask}-werkzeug{werkzeug}"
    packages = (_exactly("flask", flask), _exactly("werkzeug", werkzeug), "python-dotenv", *more)
    return Environment(name, python, packages)


def newest(python: str) -> Environment:
    """The newest Flask that a Python takes."""
    if python == "3.8":
        return pair("3.8", "3.0", "3.0")
    return Environment(f"py{python}-flask3.1", python, NEWEST)


def _exactly(package: str, version: str) -> str:
    whole = version.count(".") == 2
    return f"{package}=={version}" if whole else f"{package}=={version}.*"


# What Flask 1.1 did not foresee: releases of its other parts that it no longer imports.
_OF_THEN = ("markupsafe<2.1", "itsdangerous<2.1", "jinja2<3.1")

LOWEST_AND_HIGHEST = (
    pair("3.8", "1.1.4", "0.15.6", *_OF_THEN),
    PAIRS[0],
    pair("3.8", "2.0.3", "2.0.0"),
    pair("3.9", "2.0.3", "2.3.8"),
    pair("3.9", "2.1.3", "2.0.3"),
    pair("3.10", "2.1.3", "2.3.8"),
    pair("3.10", "2.2.5", "2.2.2"),
    pair("3.11", "2.2.5", "3.1"),
    pair("3.11", "2.3.3", "2.3.7"),
    pair("3.12", "2.3.3", "3.1"),
    pair("3.12", "3.0.3", "3.0.0"),
    pair("3.13", "3.0.3", "3.1"),
    pair("3.9", "3.1.0", "3.1.0"),
    newest("3.13"),
)
"""Each minor release of Flask, with the lowest Werkzeug that goes with it and the highest."""

PYTHONS = tuple(map(newest, ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")))


def checkout(python: str) -> Environment:
    """Hotplate itself, installed from here. Made anew where what it depends on has changed."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    found = re.search(r"^dependencies = \[\n(.*?)^\]", text, re.M | re.S)
    assert found, "pyproject.toml has no dependencies"
    needed = re.findall(r'^\s*"([^"]+)"', found[1], re.M)
    return Environment(f"hotplate-py{python}", python, (*needed, "--editable", str(ROOT)))


def make_venv(folder: Path) -> Path:
    """A real virtual environment that has Flask by a `.pth` file; its Python."""
    run([base_of_this(), "-m", "venv", "--without-pip", str(folder)])
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "flask.pth").write_text(sysconfig.get_paths()["purelib"], "utf-8")
    return folder / "bin" / "python"
