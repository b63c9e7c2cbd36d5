"""What editors, people and their tools do to files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from compatibility.person import Person
from compatibility.rows import row

APP = """\
from flask import Flask

app = Flask(__name__)
WORD = "one"


@app.route("/")
def index():
    return WORD
"""


@row("Editing", "a file saved by rename", stock="works, after up to a second")
async def test_saved_by_rename(
    project: Callable[..., Path], work_on: Callable[[Path], Person]
) -> None:
    """As Vim, Emacs and JetBrains write it: another file takes the name."""
    person = work_on(project({"app.py": APP}))
    await person.open()
    await person.break_and_mend("app.py")
    generation = person.state["generation"]
    aside = person.session.write("app.py~", APP.replace("one", "two"))
    aside.replace(person.folder / "app.py")
    person.session.did_save("app.py")
    person.state = await person.session.state("running", after=generation)
    assert await person.look() == "two"
