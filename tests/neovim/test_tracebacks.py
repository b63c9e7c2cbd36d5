"""A traceback in a float, in a real Neovim."""

from __future__ import annotations

from pathlib import Path

from neovim.editor import Neovim
from neovim.shop import byte_column, row_of


async def test_the_float(nvim: Path, shop: Path, port: int) -> None:
    told = await Neovim(nvim, shop, port).play("float.lua", "app.py")
    address = f"http://127.0.0.1:{port}"
    source = """    return f"€ {PRICES[request.args['of']]}\""""

    last = told["last"]
    assert last["floating"]
    assert last["lines"][0] == f"ValueError: no such thing (GET {address}/wrapped)"
    assert last["line"].strip() == 'raise ValueError("no such thing") from error'
    assert "caused by KeyError: 'of'" not in last["lines"]  # Werkzeug's own name for it
    assert any(line.startswith("caused by BadRequestKeyError") for line in last["lines"])
    place = f"app.py:{row_of('raise ValueError')} in wrapped"
    assert place in last["marked"]["Directory"]
    assert (
        'raise ValueError("no such thing") from error' in last["marked"]["DiagnosticUnderlineError"]
    )
    assert any(line.startswith("flask/app.py:") for line in last["marked"]["Comment"])
    assert told["closed"]["windows"] == 1

    here = told["here"]
    assert here["lines"][0] == f"KeyError: 'tea' (GET {address}/price?of=tea)"
    assert here["line"] == source
    assert here["marked"]["DiagnosticUnderlineError"] == ["PRICES[request.args['of']]"]
    assert told["jumped"]["name"] == str(shop / "app.py")
    assert told["jumped"]["cursor"] == [row_of("PRICES["), byte_column("PRICES[")]

    assert told["second"]["lines"] == here["lines"]
    assert told["no third"]["notice"].endswith("There are 2, the last one is 1.")
    assert told["changed"]["lines"] == here["lines"]
    assert "DiagnosticUnderlineError" not in told["changed"]["marked"]

    causes = [line for line in told["quickfix"]["lines"] if line.startswith("|| ")]
    assert len(causes) == 1 and causes[0].startswith("|| caused by BadRequestKeyError")
    assert told["no debugger"]["process"].endswith("Make the request again.")
    assert "its debugger with it" in told["no debugger"]["server"]
