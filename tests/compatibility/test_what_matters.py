"""What sets off a restart when it is saved, beside the app's modules, and what does not."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from lsprotocol import types

from compatibility.environments import make_venv
from compatibility.person import APP, Person
from compatibility.rows import case, row
from support.environments import base_of_this, run

Project = Callable[..., Path]
WorkOn = Callable[[Path], Person]


@row("Editing", "a module that only a request imports")
async def test_a_module_that_a_request_imports(project: Project, work_on: WorkOn) -> None:
    app = APP.replace("    return WORD", "    import late\n\n    return late.WORD")
    person = work_on(project({"app.py": app, "late.py": 'WORD = "one"\n'}))
    await person.open()
    assert await person.look() == "one"
    late = person.folder / "late.py"
    await person.save("late.py", 'WORD = "two"\n\n1 / 0\n')
    status, page = await person.session.get(person.url)
    assert status == 500 and "ZeroDivisionError" in page
    problem = await person.session.diagnostic(late, "division by zero")
    assert problem["range"]["start"]["line"] == 2
    await person.save("late.py", 'WORD = "six"\n')
    await person.session.no_diagnostics(late)
    assert await person.look() == "six"


@row("Editing", "a data file that is read at the start", stock="only with `--extra-files`")
async def test_a_data_file(project: Project, work_on: WorkOn) -> None:
    app = APP.replace('"one"', "__import__('json').load(open('words.json'))['word']")
    person = work_on(project({"app.py": app, "words.json": '{"word": "one"}'}))
    await person.open()
    assert await person.look() == "one"
    person.session.save("words.json", '{"word": ')
    failed = await person.session.state("failed", after=1)
    assert failed["error"]["type"] == "JSONDecodeError"
    person.state = failed
    await person.save("words.json", '{"word": "two"}')
    assert await person.look() == "two"


@row("Editing", "a module in a zip file")
async def test_a_zipped_module(project: Project, work_on: WorkOn) -> None:
    app = APP.replace("WORD =", "import sys; sys.path.insert(0, 'parts.zip')\nimport words  #")
    person = work_on(project({"app.py": app.replace("return WORD", "return words.WORD")}))

    def build(word: str) -> None:
        with zipfile.ZipFile(person.folder / "parts.zip", "w") as archive:
            archive.writestr("words.py", f'WORD = "{word}"\n')

    build("one")
    await person.open()
    assert await person.look() == "one"
    build("two")
    person.session.changed_outside("parts.zip")
    person.state = await person.session.state("running", after=1, reason="external")
    assert await person.look() == "two"


@pytest.mark.parametrize(
    "name",
    [
        case("Editing", "a notebook, saved: no restart", "explore.ipynb"),
        case("Editing", "a test, saved: no restart", "tests/test_app.py"),
        case("Editing", "bytecode in `__pycache__`: no restart", "__pycache__/app.cpython-311.pyc"),
        case("Editing", "git's own files: no restart", ".git/index"),
    ],
)  # fmt: skip
async def test_what_does_not_matter(name: str, project: Project, work_on: WorkOn) -> None:
    person = work_on(project({"app.py": APP, name: "x = 1\n"}))
    await person.open()
    assert await person.look() == "one"
    file = person.session.save(name, "x = 2\n")
    person.session.changed_outside(name)
    person.session.client.workspace_did_create_files(
        types.CreateFilesParams([types.FileCreate(file.as_uri())])
    )
    await person.session.barrier()
    assert person.session.states() == [("starting", 1), ("running", 1)]


@row("Editing", "a stylesheet, saved: no restart")
async def test_a_stylesheet(project: Project, work_on: WorkOn) -> None:
    """One that the app has read to serve it; a page that is loaded anew has what was saved."""
    person = work_on(project({"app.py": APP, "static/style.css": "h1 { color: red }"}))
    await person.open()
    for color in ("red", "tan", "teal"):
        text = f"h1 {{ color: {color} }}"
        person.session.save("static/style.css", text)
        person.session.changed_outside("static/style.css")
        await person.session.barrier()
        assert await person.look("/static/style.css") == text
    assert person.session.states() == [("starting", 1), ("running", 1)]


@row("Editing", "a package that is not in use, installed in the project's environment: no restart")
async def test_an_installation(project: Project, work_on: WorkOn, tmp_path: Path) -> None:
    """By pip, into the `.venv` that the app runs in, and then told of file by file."""
    app = APP.replace("return WORD", 'return __import__("sys").prefix')
    person = work_on(project({"app.py": app}))
    environment = person.folder / ".venv"
    python = make_venv(environment)
    await person.open(str(python))
    assert await person.look() == str(environment)
    wheel = tmp_path / "more-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("more/__init__.py", "x = 1\n")
        archive.writestr("more-1.0.dist-info/METADATA", METADATA)
        archive.writestr("more-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("more-1.0.dist-info/RECORD", "")
    before = set(environment.rglob("*"))
    run([base_of_this(), "-m", "pip", "--python", str(python), "install", "--no-index", str(wheel)])
    names = [str(it.relative_to(person.folder)) for it in set(environment.rglob("*")) - before]
    assert any(name.endswith("site-packages/more/__init__.py") for name in names)
    person.session.changed_outside(".venv/pyvenv.cfg", *names)
    person.session.did_save(*names)
    await person.session.barrier()
    assert person.session.states() == [("starting", 1), ("running", 1)]


METADATA = "Metadata-Version: 2.1\nName: more\nVersion: 1.0\n"
