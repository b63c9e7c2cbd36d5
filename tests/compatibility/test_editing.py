"""What editors, people and their tools do to files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from lsprotocol import types

from compatibility.person import APP, Person
from compatibility.rows import case, row

Project = Callable[..., Path]
WorkOn = Callable[[Path], Person]


@row("Editing", "a file saved by rename", stock="works, after up to a second")
async def test_saved_by_rename(project: Project, work_on: WorkOn) -> None:
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


@row("Editing", "a file saved in place, twice in a second, with the same length")
async def test_saved_in_place(project: Project, work_on: WorkOn) -> None:
    person = work_on(project({"app.py": APP}))
    await person.open()
    for word in ("two", "six", "ten"):
        await person.save("app.py", APP.replace("one", word))
        assert await person.look() == word


# ---------------------------------------------------------------- moved in the editor

PACKAGE = {
    "app.py": APP.replace("WORD =", "from parts.words import WORD  #"),
    "parts/__init__.py": "",
    "parts/words.py": 'WORD = "one"\n',
}
STOCK_MOVED = "goes on with the old code until another file is saved"


@pytest.mark.parametrize(
    "old, new",
    [
        case("Editing", "a module renamed in the editor", "parts/words.py", "parts/texts.py",
             stock=STOCK_MOVED),
        case("Editing", "a folder renamed in the editor", "parts", "pieces", stock=STOCK_MOVED),
    ],
)  # fmt: skip
async def test_renamed(old: str, new: str, project: Project, work_on: WorkOn) -> None:
    """By what an editor says of it alone: its watcher need not tell what is in a folder."""
    person = work_on(project(PACKAGE))
    await person.open()

    def rename(old: str, new: str) -> None:
        (person.folder / old).rename(person.folder / new)
        uris = [(person.folder / name).as_uri() for name in (old, new)]
        renamed = types.RenameFilesParams([types.FileRename(*uris)])
        person.session.client.workspace_did_rename_files(renamed)

    rename(old, new)
    failed = await person.session.state("failed", after=1)
    assert failed["error"]["type"] == "ModuleNotFoundError"
    problem = await person.session.diagnostic(person.folder / "app.py", "parts")
    assert problem["range"]["start"]["line"] == 3
    rename(new, old)
    person.state = await person.session.state("running", after=failed["generation"])
    # As an editor does it that mends the imports, too: both at once.
    (person.folder / old).rename(person.folder / new)
    module = new.removesuffix(".py").replace("/", ".")
    changed = PACKAGE["app.py"].replace(old.removesuffix(".py").replace("/", "."), module)
    await person.save("app.py", changed)
    assert await person.look() == "one"
    generation = person.state["generation"]
    uris = [(person.folder / name).as_uri() for name in (old, new)]
    renamed = types.RenameFilesParams([types.FileRename(*uris)])
    person.session.client.workspace_did_rename_files(renamed)
    await person.session.barrier()
    assert person.session.states()[-1] == ("running", generation)


@row("Editing", "a module deleted in the editor, and made again", stock=STOCK_MOVED)
async def test_deleted_and_created(project: Project, work_on: WorkOn) -> None:
    person = work_on(project(PACKAGE))
    await person.open()
    file = person.folder / "parts" / "words.py"
    file.unlink()
    deleted = types.DeleteFilesParams([types.FileDelete(file.as_uri())])
    person.session.client.workspace_did_delete_files(deleted)
    failed = await person.session.state("failed", after=1)
    assert failed["error"]["type"] == "ModuleNotFoundError"
    file.write_text('WORD = "two"\n')
    created = types.CreateFilesParams([types.FileCreate(file.as_uri())])
    person.session.client.workspace_did_create_files(created)
    person.state = await person.session.state("running", after=failed["generation"])
    assert await person.look() == "two"


# ---------------------------------------------------------------- changed from outside


@row("Editing", "`git checkout` of another branch, seen by the editor's own watcher")
async def test_git_checkout(project: Project, work_on: WorkOn) -> None:
    """One restart, whatever the branch adds, changes and takes away."""
    folder = project(PACKAGE)

    def git(*words: str) -> None:
        person = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        subprocess.run(["git", *person, *words], cwd=folder, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-qm", "one")
    git("checkout", "-q", "-b", "other")
    (folder / "parts" / "words.py").unlink()
    (folder / "parts" / "texts.py").write_text('WORD = "two"\n')
    (folder / "app.py").write_text(PACKAGE["app.py"].replace("parts.words", "parts.texts"))
    git("add", "-A")
    git("commit", "-qm", "two")
    git("checkout", "-q", "main")
    person = work_on(folder)
    await person.open()
    for word, branch in (("two", "other"), ("one", "main")):
        generation = person.state["generation"]
        git("checkout", "-q", branch)
        person.session.changed_outside("parts/words.py", "parts/texts.py", "app.py")
        person.state = await person.session.state("running", after=generation, reason="external")
        assert await person.look() == word
        assert person.state["generation"] == generation + 1


@row("Editing", "generated code, written by a program beside the editor")
async def test_generated_code(project: Project, work_on: WorkOn) -> None:
    person = work_on(project(PACKAGE))
    await person.open()
    program = "open('parts/words.py', 'w').write('WORD = \"two\"' + chr(10))"
    subprocess.run([sys.executable, "-c", program], cwd=person.folder, check=True)
    person.session.changed_outside("parts/words.py")
    person.state = await person.session.state("running", after=1, reason="external")
    assert await person.look() == "two"


COUNTS = """\
import json
import os
from pathlib import Path

from flask import Flask

app = Flask(__name__)
file = Path("counts.json")
counts = json.loads(file.read_text())
counts["starts"] += 1
{write}


@app.route("/")
def index():
    return str(counts["starts"])
"""


@pytest.mark.parametrize(
    "write",
    [
        case("Editing", "an app that writes a file which it has read",
             "file.write_text(json.dumps(counts))",
             hotplate="the editor's watcher tells of it, and nothing starts anew; a save by hand "
             "counts"),
        pytest.param("Path('new').write_text(json.dumps(counts))\nos.replace('new', file)",
                     id="in its place"),
    ],
)  # fmt: skip
async def test_an_app_that_writes_what_it_reads(
    write: str, project: Project, work_on: WorkOn
) -> None:
    folder = project({"app.py": COUNTS.format(write=write), "counts.json": '{"starts": 0}'})
    person = work_on(folder)
    await person.open()
    for starts in (1, 2, 102):
        person.session.changed_outside("counts.json")
        await person.session.barrier()
        assert person.session.states()[-1] == ("running", person.state["generation"])
        assert await person.look() == str(starts)
        now = '{"starts": 101}' if starts == 2 else (folder / "counts.json").read_text()
        await person.save("counts.json", now)
