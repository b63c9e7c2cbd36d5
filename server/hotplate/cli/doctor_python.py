"""The interpreter that an app would run in: which, why, and whether Flask is there and fits."""

from __future__ import annotations

from pathlib import Path

from hotplate.cli.doctor_findings import Obstacle, Python
from hotplate.cli.doctor_pairs import go_together
from hotplate.cli.doctor_subject import Subject
from hotplate.project.commands import CommandFailed, ask
from hotplate.project.files import is_dir
from hotplate.project.interpreter import Interpreter
from hotplate.project.probe import Probe, probe
from hotplate.supervision.plan import PlanError

# Whether an interpreter can find a module: the working directory comes off the path first, and
# nothing is imported.
_FIND_MODULE = (
    "import sys; sys.path[:] = [p for p in sys.path if p]\n"
    "from importlib.util import find_spec; sys.exit(find_spec(sys.argv[1]) is None)"
)


def examine_python(subject: Subject) -> Python | None:
    """Find it and ask it. None where there is none to ask."""
    try:
        found = subject.planner.interpreter()
    except PlanError as error:
        subject.obstacles.append(Obstacle.of(str(error)))
        return None
    cwd = subject.cwd if is_dir(subject.cwd) else None
    said = probe(found.path, subject.safe_env(), cwd=cwd)
    if said.error:
        subject.in_the_way(
            f"{said.error} (it was taken from {found.reason}).",
            "Choose another Python with hotplate.interpreter.",
        )
    return Python(
        path=str(found.path),
        reason=found.reason,
        error=said.error,
        version=said.version,
        flask=said.flask,
        werkzeug=said.werkzeug,
        dotenv=said.dotenv,
        fit=None if said.error else _fit(subject, found, said),
    )


def _fit(subject: Subject, found: Interpreter, said: Probe) -> bool | None:
    """Whether Flask and Werkzeug are there, and go together."""
    if said.flask is None or said.werkzeug is None:
        missing = "Flask" if said.flask is None else "Werkzeug"
        subject.in_the_way(
            f"There is no {missing} in {found.path} (taken from {found.reason}).",
            f"Install it: {found.path} -m pip install flask. Or choose another Python with "
            "hotplate.interpreter.",
        )
        return None
    if go_together(said.flask, said.werkzeug):
        return True
    subject.in_the_way(
        f"Flask {said.flask} and Werkzeug {said.werkzeug} do not go together.",
        f"Let pip choose a pair that does: {found.path} -m pip install --upgrade flask werkzeug",
    )
    return False


def has_module(subject: Subject, python: Path, module: str) -> bool:
    """Whether the interpreter could import a top-level module that is not in the folder."""
    try:
        answer = ask([str(python), "-c", _FIND_MODULE, module], 10.0, subject.safe_env())
    except CommandFailed:
        return False
    return answer.code == 0
