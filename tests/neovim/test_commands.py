"""`:Hotplate` and `:checkhealth hotplate` in a real Neovim, with two apps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from neovim.editor import Neovim
from support.processes import needs_proc, until_nobody

SUBCOMMANDS = [
    "debugger", "doctor", "open", "output", "pin", "restart", "start", "stop", "tracebacks",
]  # fmt: skip

APP = """\
from flask import Flask

print("this is app {number}", flush=True)
app = Flask(__name__)
"""

PYPROJECT = """\
[tool.hotplate]
apps = [{ name = "shop", app = "one" }, { name = "admin two", app = "two" }]
"""


@needs_proc
async def test_two_apps(nvim: Path, project: Callable[..., Path]) -> None:
    folder = project(
        {
            "one.py": APP.format(number=1),
            "two.py": APP.format(number=2),
            "pyproject.toml": PYPROJECT,
        }
    )
    neovim = Neovim(nvim, folder, port=0)
    told = await neovim.play("commands.lua", "one.py")

    shop, admin = (url.rpartition(":")[2] for url in told["running"]["urls"])
    assert told["running"]["status"] == f"● admin two :{admin}  ● shop :{shop}"

    completion = told["completion"]
    assert completion["subcommands"] == SUBCOMMANDS
    assert completion["begun"] == ["restart"]
    assert completion["apps"] == [r"admin\ two", "shop"]
    assert completion["app"] == [r"admin\ two"]
    assert completion["tracebacks"] == ["float"]
    assert completion["none"] == completion["unknown"] == []

    assert told["asked"] == {
        "choices": [["shop (running)", "admin two (stopped)"]],
        "stopped": "shop",
    }
    assert told["wrong"]["app"] == "Hotplate: there is no app nobody: there is admin two, shop."
    assert told["wrong"]["subcommand"].endswith(f"there is {', '.join(SUBCOMMANDS)}.")

    assert told["output"]["name"] == f"hotplate://output{folder}#shop"
    assert "this is app 1" in told["output"]["lines"]
    assert told["other output"]["name"] == f"hotplate://output{folder}#admin two"
    assert "this is app 2" in told["other output"]["lines"]

    doctor = told["doctor"]["lines"]
    assert any(line.startswith("Folder") and str(folder) in line for line in doctor)
    assert not any("\x1b" in line for line in doctor) and told["doctor"]["marks"] > 5
    assert told["doctor again"]["windows"] == 2

    well = "\n".join(told["health"]["lines"])
    assert "ERROR" not in well and "WARNING" not in well
    assert "hotplate, version" in well
    assert f"shop in {folder}: " in well
    assert "`.|" not in well  # what Neovim makes of `:help …` within backticks

    [choices] = told["ended"]["asked"]
    assert sorted(choices) == [f"{folder}#admin two", f"{folder}#shop"]
    assert "this is app 1" not in told["ended"]["lines"]

    ill = "\n".join(told["ill"]["lines"])
    assert "`/no/such/hotplate` is not executable" in ill
    assert "It is not enabled" in ill
    assert "whole messages" in ill
    assert told["refused"]["doctor"].endswith("See :checkhealth hotplate.")
    await until_nobody(neovim.mark)


async def test_an_app_that_goes(nvim: Path, project: Callable[..., Path]) -> None:
    one, two = (APP.format(number=number) for number in (1, 2))
    folder = project({"one.py": one, "two.py": two, "pyproject.toml": PYPROJECT})
    told = await Neovim(nvim, folder, port=0).play("removed.lua", "one.py")
    assert "● shop" in told["renamed"]["status"]
