"""Code of the person's own that stands outside of the project's folder."""

from __future__ import annotations

import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from compatibility.person import Person
from compatibility.rows import case, row
from support.environments import Environment, python_of

Project = Callable[..., Path]
WorkOn = Callable[[Path], Person]

BUILD = Environment("build", "", ("flask>=3.1,<3.2", "setuptools>=77", "hatchling", "editables"))
APP = """\
from flask import Flask

from {package} import WORD

app = Flask(__name__)


@app.route("/")
def index():
    return WORD
"""
HEAD = '[project]\nname = "words"\nversion = "1"\n'
SETUPTOOLS = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
HATCHLING = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
MAPPED = '[tool.setuptools]\npackages = ["words"]\npackage-dir = {words = "source"}\n'


def installed(library: Path, venv: Path) -> str:
    """The Python of a fresh environment with the library in editable install."""
    base = python_of(BUILD)
    subprocess.run([base, "-m", "venv", "--without-pip", venv], check=True)
    place = Path(sysconfig.get_path("purelib", "venv", {"base": str(venv)}))
    packages = sysconfig.get_path("purelib", "venv", {"base": str(Path(base).parents[1])})
    (place / "base.pth").write_text(f"{packages}\n")
    python = str(venv / "bin" / "python")
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([python, "-m", "pip", "install", *options, "-e", library], check=True)
    return python


async def live_outside(person: Person, file: Path) -> None:
    """A save there is live. An error there is on the line that imports it, for an editor shows the
    problems of the folder that it has open, with the place itself beside it."""
    assert await person.look() == "one"
    await person.save(str(file), 'WORD = "two"\n')
    assert await person.look() == "two"
    person.session.save(str(file), "\n1 / 0\n")
    person.state = await person.session.state("failed", after=person.state["generation"])
    problem = await person.session.diagnostic(person.folder / "app.py", "division by zero")
    assert problem["range"]["start"]["line"] == 2
    places = [each["location"] for each in problem["relatedInformation"]]
    assert (file.as_uri(), 1) in [(place["uri"], place["range"]["start"]["line"])
                                  for place in places]  # fmt: skip
    await person.save(str(file), 'WORD = "six"\n')
    assert await person.look() == "six"
    await person.session.no_diagnostics(person.folder / "app.py")


SAID = "works; an error in it is on the line that imports it, with its own place beside"


@pytest.mark.parametrize(
    "project_file, module",
    [
        case("Editing", "an editable install of a library elsewhere (setuptools, `.pth`)",
             HEAD + SETUPTOOLS, "src/words/__init__.py", hotplate=SAID),
        case("Editing", "an editable install through an import hook (setuptools, mapped folders)",
             HEAD + SETUPTOOLS + MAPPED, "source/__init__.py", hotplate=SAID),
        case("Editing", "an editable install by Hatchling",
             HEAD + HATCHLING, "src/words/__init__.py", hotplate=SAID),
    ],
)  # fmt: skip
async def test_an_editable_install(
    project_file: str, module: str, project: Project, work_on: WorkOn, tmp_path: Path
) -> None:
    library = project({"pyproject.toml": project_file, module: 'WORD = "one"\n'}, "words")
    person = work_on(project({"app.py": APP.format(package="words")}))
    await person.open(installed(library, tmp_path / "venv"))
    await live_outside(person, library / module)


@row("Editing", "a namespace package, one part of it elsewhere", hotplate=SAID)
async def test_a_namespace_package(project: Project, work_on: WorkOn) -> None:
    library = project({"acme/words.py": 'WORD = "one"\n'}, "library")
    here = {"app.py": APP.format(package="acme.words"), "acme/here.py": "NAME = 'here'\n"}
    here["app.py"] = here["app.py"].replace("app =", "from acme.here import NAME\n\napp =")
    person = work_on(project(here))
    await person.open(env={"PYTHONPATH": str(library)})
    await live_outside(person, library / "acme" / "words.py")
    await person.break_and_mend("acme/here.py")
