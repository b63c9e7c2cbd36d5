"""The question which app to run."""

from __future__ import annotations

from pathlib import Path

from hotplate.lsp.which import Which
from hotplate.project.candidates import find_apps


async def test_two_apps_of_one_title(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    for name in ("shop.py", "shop/app.py"):
        (tmp_path / name).write_text("from flask import Flask\n\napp = Flask(__name__)\n")
    offered: list[str] = []

    class Editor:
        knows_no_questions = False

        async def choose(self, message: str, choices: list[str]) -> None:
            offered.extend(choices)

    which = Which(Editor(), tmp_path)
    which.several = find_apps(tmp_path)
    assert len(which.several) == 2
    await which.ask(vouched_for=True)
    assert len(offered) == 3  # both, and "Not now"
