"""What something else has changed: nobody waits for the thousands of a checkout."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hotplate.lsp.outside import FEW, Outside
from hotplate.lsp.places import Places
from hotplate.supervision.events import Change
from hotplate.supervision.files import signature


class Told:
    def __init__(self) -> None:
        self.batches: list[Sequence[Change]] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.outside = Outside(Places(), self._later, self.batches.append)

    def _later(self, work: Any) -> None:
        self.tasks.append(asyncio.ensure_future(work))


def _made(folder: Path, count: int) -> list[Path]:
    files = [folder / f"m{number}.py" for number in range(count)]
    for file in files:
        file.write_text("")
    return files


async def test_a_few_are_told_at_once(tmp_path: Path) -> None:
    told = Told()
    (file,) = _made(tmp_path, 1)
    gone = tmp_path / "gone.py"
    told.outside.told([file.as_uri(), gone.as_uri(), file.as_uri(), "untitled:one"])
    assert told.batches == [[Change(str(file), signature(str(file))), Change(str(gone), None)]]
    assert told.tasks == []


async def test_a_checkout_is_told_as_one_and_in_its_turn(tmp_path: Path) -> None:
    told = Told()
    files = _made(tmp_path, FEW + 10)
    told.outside.told([file.as_uri() for file in files])
    assert told.batches == [], "somebody waits"
    told.outside.told([files[0].as_uri()])
    await asyncio.gather(*told.tasks)
    paths = [[change.path for change in batch] for batch in told.batches]
    # The later word is later, or part of the same: its file was looked at after it came.
    assert paths in ([[*map(str, files)]], [[*map(str, files)], [str(files[0])]])
    told.outside.told([files[1].as_uri()])
    assert [change.path for change in told.batches[-1]] == [str(files[1])]
