"""The main job in a real Neovim, with the plugin and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from neovim.editor import PLUGIN, Neovim
from neovim.shop import LINES, byte_column, row_of
from support.browser import Browser
from support.processes import MARK, marked, until_free, until_nobody

HAS_PROC = Path("/proc/self/environ").exists()


async def test_the_main_job(nvim: Path, shop: Path, port: int) -> None:
    neovim = Neovim(nvim, shop, port)
    counted: list[int] = []

    async def debug(step: dict[str, Any]) -> None:
        """In the browser: the page that was opened takes the PIN, and then code."""
        if HAS_PROC:
            counted.append(len(marked(neovim.mark)))
        browser = Browser()
        page = await browser.open(step["addresses"][-1])
        assert page.interactive and not page.unlocked
        assert await browser.unlock(page, step["register"])
        assert "{'coffee': 3}" in await browser.evaluate(page, "PRICES")

    told = await neovim.play("story.lua", "app.py", on={"debugger": debug})

    running = told["running"]["state"]
    assert running["state"] == "running" and running["generation"] == 1
    assert running["url"] == f"http://127.0.0.1:{port}"
    assert told["running"]["status"] == f"● shop :{port}"
    assert told["running"]["body"] == [200, "first"]
    assert told["opened"]["addresses"] == [f"http://127.0.0.1:{port}"]

    assert told["edited"]["body"] == [200, "second"]

    broken = told["broken"]
    line = LINES.index("    return 'first'")
    assert (broken["lnum"], broken["col"]) == (line, len("    return 'second'.nothing"))
    assert broken["source"] == "hotplate" and broken["severity"] == 1
    assert "SyntaxError: '(' was never closed" in broken["message"]
    assert broken["status"] == f"✗ shop :{port}"
    assert broken["body"][0] == 500 and "never closed" in broken["body"][1]

    assert told["mended"]["body"] == [200, "third"]

    assert told["raised"]["body"][0] == 500
    check_quickfix(told["quickfix"], shop, port)
    assert told["jumped"]["name"] == str(shop / "app.py")
    assert told["jumped"]["cursor"] == [row_of("PRICES["), byte_column("PRICES[")]
    assert told["walked"]["name"].endswith("/flask/app.py")
    assert told["walked"]["line"].strip() in told["quickfix"]["entries"][1]["text"]

    assert told["walked"]["clients"] == 1  # a library is no project of its own

    pin = told["debugger"]["register"]
    assert pin.replace("-", "").isdigit()
    assert told["debugger"]["notices"]
    assert not any(pin in text for text in told["debugger"]["notices"])
    assert pin not in told["debugger"]["messages"]
    assert not any(pin in file.read_text(errors="replace") for file in neovim.logs())

    assert told["other file"]["files"] == [(shop / "greeting.json").as_uri()]
    assert told["other file"]["body"] == [200, "from a saved file"]
    assert told["restarted"]["state"]["reason"] == "command"
    assert told["stopped"]["status"] == "○ shop"

    assert told["started"]["state"]["state"] == "running"  # and so it was left
    await until_free(port)
    if HAS_PROC:
        assert counted[0] >= 3, f"Neovim, the server and the app carry {MARK}"
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
    assert told["refused"]["notice"].startswith("Hotplate: Nothing has been raised yet")
    assert told["pin"]["shown"]
    assert told["gone"] == {"state": "stopped"}
    await until_free(port)


def check_quickfix(quickfix: dict[str, Any], shop: Path, port: int) -> None:
    """A frame an entry, and the person's own line is the current one, to the column."""
    assert quickfix["title"] == f"KeyError: 'tea' (GET http://127.0.0.1:{port}/price?of=tea)"
    entries = quickfix["entries"]
    assert len(entries) > 3
    assert all(entry["lnum"] for entry in entries if entry["valid"])
    own = entries[quickfix["idx"] - 1]
    assert own["name"] == str(shop / "app.py")
    assert own["text"].startswith("in price: return ")
    row, column = row_of("PRICES["), byte_column("PRICES[") + 1
    assert (own["lnum"], own["col"]) == (row, column)
    # The window names a file as it is imported or as it stands below the folder.
    lines = quickfix["lines"]
    assert lines[1].startswith("flask/app.py|")
    assert lines[quickfix["idx"] - 1].startswith(f"app.py|{row} col {column}-")
