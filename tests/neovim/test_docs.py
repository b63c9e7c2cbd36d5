"""The documentation of the plugin: its examples run, its help is whole."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from neovim.editor import HERE, PLUGIN, Neovim
from neovim.test_commands import SUBCOMMANDS

HELP = (PLUGIN / "doc" / "hotplate.txt").read_text()
README = (PLUGIN / "README.md").read_text()


def examples(text: str) -> list[str]:
    """The Lua in a page of Markdown or of Vim's help."""
    found = re.findall(r"^```lua\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    found += re.findall(r">lua\n(.*?)^<$", text, re.MULTILINE | re.DOTALL)
    return found


def test_the_examples_run(nvim: Path) -> None:
    blocks = examples(README) + examples(HELP)
    done = subprocess.run(
        [nvim, "--clean", "-l", HERE / "examples.lua"],
        input=json.dumps(blocks),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["examples"] == len(blocks) > 12
    assert told["none"] == ["", False]
    assert told["failed"] == [
        "✗ shop :5000",
        "DiagnosticError",
        " ✗ shop :5000 ",
        "DiagnosticError",
    ]
    assert told["running"] == ["● shop :5000", "nil", "nil"]
    assert "● shop :5000" in told["shown"]
    assert told["refreshed"] == 1
    assert told["updates"] == "User HotplateState"


async def test_code_lenses_as_the_help_says(
    nvim: Path, shop: Path, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [block] = [block for block in examples(HELP) if "codelens" in block]
    example = tmp_path / "example.lua"
    example.write_text(block)
    monkeypatch.setenv("HOTPLATE_EXAMPLE", str(example))
    told = await Neovim(nvim, shop, port).play("lenses.lua", "app.py")
    assert f"http://127.0.0.1:{port}" in told["running"]["lenses"]
    assert told["stopped"]["lenses"] == "▶ Start shop"


def test_the_help_is_whole(nvim: Path, tmp_path: Path) -> None:
    """`:helptags` accepts it, each `:Hotplate …` has a tag in it, and its links lead somewhere."""
    doc = tmp_path / "doc"
    shutil.copytree(PLUGIN / "doc", doc, ignore=shutil.ignore_patterns("tags"))
    script = f"verbose helptags {doc} | lua io.stdout:write(vim.env.VIMRUNTIME)"
    command = [nvim, "--clean", "--headless", "-c", script, "-c", "qall!"]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30
    )
    assert done.stderr == ""
    own = tags_of(doc / "tags")
    assert own >= {f":Hotplate-{name}" for name in SUBCOMMANDS}
    links = set(re.findall(r"\|([^|\s]+)\|", HELP))
    assert links - own - tags_of(Path(done.stdout.strip()) / "doc" / "tags") == set()
    assert max(len(line) for line in HELP.splitlines()) < 80


def tags_of(file: Path) -> set[str]:
    return {line.split("\t")[0] for line in file.read_text().splitlines()}
