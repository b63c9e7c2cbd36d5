"""The Lua of the plugin and of its tests is formatted by StyLua and clean for luacheck."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

from neovim.editor import HERE, PLUGIN, ROOT
from neovim.tools import debian_command, npm_packages

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SECONDS = 60


def sources() -> list[Path]:
    found = sorted([*PLUGIN.rglob("*.lua"), *HERE.rglob("*.lua"), *(ROOT / "plugin").glob("*.lua")])
    assert len(found) > 10
    return found


def stylua(files: list[Path]) -> subprocess.CompletedProcess[str]:
    options = tomllib.loads((PLUGIN / "stylua.toml").read_text())
    script = HERE / "lint" / "stylua.mjs"
    modules = npm_packages(HERE / "lint")
    return run(["node", str(script), str(modules), json.dumps(options), *map(str, files)])


def luacheck(files: list[Path]) -> subprocess.CompletedProcess[str]:
    command = debian_command("luacheck", "lua-check")
    config = str(PLUGIN / ".luacheckrc")
    return run([command, "--config", config, "--no-color", "--codes", *map(str, files)])


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        cwd=ROOT,
    )


def test_stylua_would_change_nothing() -> None:
    done = stylua(sources())
    words = [*done.args[:4], "--write", *done.stdout.split()]
    mend = f"To format them: {shlex.join(words)}"
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{mend}"


def test_stylua_sees_what_is_not_formatted(tmp_path: Path) -> None:
    file = tmp_path / "bad.lua"
    file.write_text('local  x = "double"\nreturn x\n')
    done = stylua([file])
    assert (done.returncode, done.stdout.strip()) == (1, str(file)), done.stderr


def test_luacheck_finds_nothing() -> None:
    done = luacheck(sources())
    assert done.returncode == 0, done.stdout + done.stderr


def test_luacheck_finds_what_there_is(tmp_path: Path) -> None:
    file = tmp_path / "bad.lua"
    file.write_text("local unused = vim.fn.getcwd()\nmisspelt()\n")
    done = luacheck([file])
    assert done.returncode != 0
    assert "W211" in done.stdout and "W113" in done.stdout
