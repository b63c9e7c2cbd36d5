"""The main job in a real Neovim, with the plugin and nothing else."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neovim.editor import PLUGIN, Neovim
from support.processes import until_free, until_nobody
from support.session import free_port

APP = """\
import json
import sys

from flask import Flask, request

app = Flask(__name__)
with open("greeting.json") as file:
    GREETING = json.load(file)["greeting"]
PRICES = {"coffee": 3}


@app.route("/")
def index():
    return 'first'


@app.route("/price")
def price():
    print("priced", file=sys.stderr)
    return f"€ {PRICES[request.args['of']]}"


@app.route("/greeting")
def greeting():
    return GREETING
"""

SUBCOMMANDS = ["debugger", "open", "output", "pin", "restart", "start", "stop", "tracebacks"]


@pytest.fixture
def shop(project: Callable[..., Path]) -> Path:
    return project(
        {
            "app.py": APP,
            "greeting.json": '{"greeting": "hello"}\n',
            "pyproject.toml": "[project]\nname = 'shop'\n",
        }
    )


@pytest.fixture
def port() -> int:
    return free_port()


async def test_the_main_job(nvim: Path, shop: Path, port: int) -> None:
    neovim = Neovim(nvim, shop, port)
    told = await neovim.play("story.lua", "app.py")

    running = told["running"]["state"]
    assert running["state"] == "running" and running["generation"] == 1
    assert running["url"] == f"http://127.0.0.1:{port}"
    assert told["running"]["status"] == f"● shop :{port}"
    assert told["running"]["body"] == [200, "first"]

    assert told["edited"]["body"] == [200, "second"]

    broken = told["broken"]
    line = APP.splitlines().index("    return 'first'")
    assert (broken["lnum"], broken["col"]) == (line, len("    return 'second'.nothing"))
    assert broken["source"] == "hotplate" and broken["severity"] == 1
    assert "SyntaxError: '(' was never closed" in broken["message"]
    assert broken["status"] == f"✗ shop :{port}"
    assert broken["body"][0] == 500 and "never closed" in broken["body"][1]

    assert told["mended"]["body"] == [200, "third"]

    assert told["raised"]["body"][0] == 500
    check_quickfix(told["quickfix"], shop, port)
    assert told["jumped"]["name"] == str(shop / "app.py")
    assert told["jumped"]["cursor"] == [price_line(), byte_column()]

    pin = told["pin"]["register"]
    assert pin.replace("-", "").isdigit()
    assert told["pin"]["notices"] and not any(pin in text for text in told["pin"]["notices"])
    assert pin not in told["pin"]["messages"]
    assert not any(pin in file.read_text(errors="replace") for file in neovim.logs())

    assert "priced" in told["output"]["lines"]
    assert told["other file"]["files"] == [(shop / "greeting.json").as_uri()]
    assert told["other file"]["body"] == [200, "from a saved file"]
    assert told["restarted"]["state"]["reason"] == "command"
    assert told["stopped"]["status"] == "○ shop"
    assert told["started"]["completion"] == SUBCOMMANDS

    assert told["started"]["state"]["state"] == "running"  # and so it was left
    await until_free(port)
    if Path("/proc/self/environ").exists():
        await until_nobody(neovim.mark)


async def test_the_one_file_by_itself(nvim: Path, shop: Path, port: int, tmp_path: Path) -> None:
    plugin = tmp_path / "copied"
    (plugin / "lsp").mkdir(parents=True)
    shutil.copy(PLUGIN / "lsp" / "hotplate.lua", plugin / "lsp")
    neovim = Neovim(nvim, shop, port, plugin, trusted=False)
    told = await neovim.play("alone.lua", "app.py")

    [question] = told["asked"]["questions"]
    assert "shop" in question["prompt"]
    assert question["choices"] == ["Start", "Always for this folder", "Not now"]
    assert told["running"] == {"root": str(shop), "command": 0}
    assert told["failed"] == {"lnum": 0, "col": 0, "status": f"✗ shop :{port}"}
    assert "gone" in told
    await until_free(port)


def test_the_help_has_each_subcommand(nvim: Path, tmp_path: Path) -> None:
    """`:helptags` accepts the help file, and each `:Hotplate …` has a tag in it."""
    doc = tmp_path / "doc"
    shutil.copytree(PLUGIN / "doc", doc)
    command = [nvim, "--clean", "--headless", "-c", f"helptags {doc}", "-c", "qall!"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    assert done.stderr == b""
    tags = {line.split("\t")[0] for line in (doc / "tags").read_text().splitlines()}
    assert tags >= {f":Hotplate-{name}" for name in SUBCOMMANDS}


def check_quickfix(quickfix: dict[str, Any], shop: Path, port: int) -> None:
    """A frame an entry, and the person's own line is the current one, to the column."""
    assert quickfix["title"] == f"KeyError: 'tea' (GET http://127.0.0.1:{port}/price?of=tea)"
    entries = quickfix["entries"]
    assert len(entries) > 3
    assert all(entry["lnum"] for entry in entries if entry["valid"])
    own = entries[quickfix["idx"] - 1]
    assert own["name"] == str(shop / "app.py")
    assert own["text"].startswith("in price: return ")
    assert (own["lnum"], own["col"]) == (price_line(), byte_column() + 1)


def price_line() -> int:
    return next(n for n, text in enumerate(APP.splitlines(), 1) if "PRICES[" in text)


def byte_column() -> int:
    """Where the expression begins, in bytes: behind a € that has three of them."""
    text = APP.splitlines()[price_line() - 1]
    return len(text[: text.index("PRICES[")].encode())
