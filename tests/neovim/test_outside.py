"""What is heard of a `git checkout` in a real Neovim, which on Linux watches no files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from neovim.editor import Neovim
from neovim.tools import git


@pytest.fixture
def history(shop: Path) -> Path:
    """The shop with two branches, `old` and `new`; `old` is checked out."""
    git(shop, "init", "--quiet", "--initial-branch=old")
    git(shop, "add", ".")
    git(shop, "commit", "--quiet", "--message=old")
    git(shop, "checkout", "--quiet", "-b", "new")
    app = shop / "app.py"
    app.write_text(app.read_text().replace("'first'", "'from the branch'"))
    git(shop, "commit", "--quiet", "--all", "--message=new")
    git(shop, "checkout", "--quiet", "old")
    return shop


async def check_out(folder: Path) -> None:
    git(folder, "checkout", "--quiet", "new")


async def test_neovim_notices_what_it_has_open(nvim: Path, history: Path, port: int) -> None:
    async def new(_step: dict[str, Any]) -> None:
        await check_out(history)

    neovim = Neovim(nvim, history, port)
    told = await neovim.play("outside.lua", "app.py", on={"checked out": new})

    if sys.platform == "linux":  # elsewhere Neovim watches, and may have been faster
        assert told["before"]["body"] == [200, "first"]
    after = told["after"]
    assert after["state"]["reason"] == "external"
    assert after["state"]["files"] == [(history / "app.py").as_uri()]
    assert after["body"] == [200, "from the branch"]


async def test_a_person_who_has_opted_in(
    nvim: Path, history: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that changes is not even open."""
    monkeypatch.setenv("HOTPLATE_WATCH", "yes")

    async def new(_step: dict[str, Any]) -> None:
        await check_out(history)

    neovim = Neovim(nvim, history, port)
    told = await neovim.play("outside.lua", "pyproject.toml", on={"checked out": new})
    assert told["after"]["state"]["reason"] == "external"
    assert told["after"]["body"] == [200, "from the branch"]
