"""Ways to install the plugin, in a real Neovim, and what it leaves alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from neovim.editor import HERE, PLUGIN, ROOT
from neovim.tools import git

SECONDS = 60


def start(nvim: Path, home: Path, script: str, init: str, *words: str) -> dict[str, Any]:
    """Neovim with a configuration of its own; what the script has told."""
    config = home / "config" / "nvim"
    config.mkdir(parents=True, exist_ok=True)
    (config / "init.lua").write_text(init)
    places = {f"XDG_{name.upper()}_HOME": str(home / name) for name in ("config", "data", "state")}
    done = subprocess.run(
        [nvim, "--headless", *words, "-S", HERE / script],
        env={
            **os.environ,
            **places,
            "XDG_CACHE_HOME": str(home / "cache"),
            "HOTPLATE_STORY": str(HERE / script),
            "HOTPLATE_PLUGIN": str(PLUGIN),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0 and done.stdout, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert told["step"] != "error", told["message"]
    return told


def check(told: dict[str, Any], where: Path) -> None:
    """It is all there, and it is the one that was installed."""
    client = where.resolve()
    assert told["command"] == 2 and told["output"]
    assert told["cmd"] == ["hotplate", "lsp"]
    assert told["files"] == [str(client / "lsp" / "hotplate.lua")]
    assert told["help"] == str(client / "doc" / "hotplate.txt")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with what Neovim sees of this one."""
    folder = tmp_path / "hotplate"
    shutil.copytree(PLUGIN, folder / "neovim-client", ignore=shutil.ignore_patterns("tags"))
    shutil.copytree(ROOT / "plugin", folder / "plugin")
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message=one"]):
        git(folder, *words)
    return folder


def test_vim_pack(nvim: Path, repository: Path, tmp_path: Path) -> None:
    version = subprocess.run([nvim, "--version"], capture_output=True, text=True, timeout=20)
    if "NVIM v0.11" in version.stdout:
        pytest.skip("Neovim 0.11 has no vim.pack")
    init = f"vim.pack.add({{ {{ src = '{repository.as_uri()}' }} }}, {{ confirm = false }})"
    told = start(nvim, tmp_path, "installed.lua", f"{init}\nvim.lsp.enable('hotplate')")
    check(told, tmp_path / "data/nvim/site/pack/core/opt/hotplate/neovim-client")


def test_the_repository_as_a_package(nvim: Path, repository: Path, tmp_path: Path) -> None:
    start_folder = tmp_path / "data/nvim/site/pack/mine/start"
    start_folder.mkdir(parents=True)
    repository.rename(start_folder / "hotplate")
    told = start(nvim, tmp_path, "installed.lua", "vim.lsp.enable('hotplate')")
    check(told, start_folder / "hotplate/neovim-client")


def test_the_folder_on_the_runtimepath(nvim: Path, repository: Path, tmp_path: Path) -> None:
    client = repository / "neovim-client"
    init = f"vim.opt.runtimepath:append('{client}')\nvim.cmd.helptags('{client}/doc')"
    check(start(nvim, tmp_path, "installed.lua", init), client)


def test_nothing_of_the_person_s_is_touched(nvim: Path, tmp_path: Path) -> None:
    told = start(nvim, tmp_path, "untouched.lua", "", "--clean")
    assert told["changed"] == []
    assert told["options"] > 100
