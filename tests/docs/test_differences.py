"""What differs from `flask run --no-reload` is what docs/differences.md lists, and no more."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from docs.tables import code, sections, table
from support.session import SERVER, Session, free_port

DIFFER = [code(row["Expression"])[0] for row in table(sections("differences.md")[
    "Seen from the app's module"
])]  # fmt: skip

SAME = [
    "sys.argv",
    "sys.path",
    "sys.flags",
    "sys.warnoptions",
    "sys.dont_write_bytecode",
    "sys.path_hooks",
    "sys.excepthook",
    "sys.executable",
    "sys.orig_argv",
    "sorted(name for name in vars(sys.modules['__main__']) if name.startswith('__'))",
    "sys.modules['__main__'].__file__",
    "type(sys.modules['__main__'].__loader__)",
    "sys.modules['__main__'].__spec__",
    "os.getcwd()",
    "sorted((k, v) for k, v in os.environ.items() if not k.startswith(('WERKZEUG_', 'FLASK_')))",
    "threading.enumerate()[0].name",
    "len(threading.enumerate())",
    "threading.current_thread() is threading.main_thread()",
    "[signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)]",
    "sys.stdout.isatty()",
    "sys.stdout.encoding",
    "os.nice(0)",
    "__name__",
    "__file__",
]

APP = """\
import faulthandler, json, os, re, signal, sys, threading

from flask import Flask


def is_null(stream):
    return os.path.samestat(os.fstat(stream.fileno()), os.stat(os.devnull))


def kernel_threads():
    return len(os.listdir("/proc/self/task")) if os.path.exists("/proc/self/task") else os.getpid()


def parent():
    return os.getppid()


def look(expression):
    return re.sub(" at 0x[0-9a-f]+", "", repr(eval(expression)))


app = Flask(__name__)
with open("expressions.json") as file:
    expressions = json.load(file)
facts = {expression: look(expression) for expression in expressions}
with open("facts.json.new", "w") as file:
    json.dump(facts, file)
os.rename("facts.json.new", "facts.json")
"""


async def test_what_differs_is_listed(project: Callable[..., Path]) -> None:
    folder = project({"app.py": APP, "expressions.json": json.dumps([*DIFFER, *SAME])})
    plain = await under_flask(folder)
    ours = await under_hotplate(folder)
    assert [name for name in SAME if plain[name] != ours[name]] == []
    assert [name for name in DIFFER if plain[name] == ours[name]] == []


async def under_hotplate(folder: Path) -> dict[str, str]:
    session = Session(folder)
    await session.run()
    try:
        return take(folder)
    finally:
        await session.end()


async def under_flask(folder: Path) -> dict[str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, Path(sys.executable).with_name("flask"), "run", "--no-reload",
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(SERVER),
            "PWD": str(folder),
            "FLASK_RUN_PORT": str(free_port()),
        },
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = asyncio.get_running_loop().time() + 20
        while not (folder / "facts.json").exists():
            assert process.returncode is None, "flask run has ended"
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.02)
        return take(folder)
    finally:
        process.kill()
        await process.wait()


def take(folder: Path) -> dict[str, str]:
    facts: dict[str, str] = json.loads((folder / "facts.json").read_text())
    (folder / "facts.json").unlink()
    return facts
