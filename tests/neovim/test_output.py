"""What the app prints, in a real Neovim."""

from __future__ import annotations

from pathlib import Path

from neovim.editor import Neovim
from neovim.shop import LINES, row_of

KEPT = 10_000


async def test_the_output(nvim: Path, shop: Path, port: int) -> None:
    told = await Neovim(nvim, shop, port).play("printing.lua", "app.py")

    colours = told["colours"]
    row = colours["row"]
    assert colours["lines"][row - 1 : row + 2] == [
        "before red after",
        "trueboth",
        "still plain again",
    ]
    [red] = colours["first"]
    assert red["text"] == "red"
    assert red["colours"]["bold"] and red["colours"]["ctermfg"] == 1
    true, both = colours["second"]
    assert (true["text"], true["colours"]["fg"]) == ("true", 0x78C8FF)
    assert (both["text"], both["colours"]["fg"]) == ("both", 0x78C8FF)
    assert both["colours"]["bg"] == 0x005F87
    assert told["another scheme"]["first"] == [red]

    assert told["followed"]["last"] == told["followed"]["shown"]
    assert told["left alone"] == {"line": 1, "modifiable": False}
    assert told["kept"]["lines"] == KEPT
    assert 0 < told["kept"]["marks"] <= KEPT

    assert told["jumped"]["name"] == str(shop / "app.py")
    assert told["jumped"]["line"] == LINES[row_of("PRICES[") - 1]
    assert told["once"]["before"] == told["once"]["windows"]
    anew = told["anew"]
    assert "plain again" not in "\n".join(anew["lines"])
    assert (anew["kind"], anew["scratch"]) == ("hotplate-output", "nofile")
    assert anew["modifiable"] is False
    assert told["beside"] == {"name": str(shop / "app.py"), "windows": 2}
    assert told["afterwards"]["lines"] > 1
