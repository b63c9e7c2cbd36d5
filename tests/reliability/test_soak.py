"""A short soak: what the server holds is the same after each hundred restarts.

`./dev soak` is the long one; docs/reliability.md has its figures.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from reliability import soak
from reliability.workplace import Workplace
from support.processes import needs_proc

RESTARTS, WARM = 200, 100
GROWTH = 1024
"""KiB in a hundred restarts: a multiple of what an allocator's whims come to."""


@needs_proc
@pytest.mark.timeout(300)
def test_what_the_server_holds_stays_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    soak.lay_out(folder)
    with Workplace(folder, **soak.SETTINGS) as place:
        samples = soak.soak(place, RESTARTS, WARM // 2)
        assert soak.grown(samples, WARM) == [], place.describe()
    told = "\n".join([soak.HEAD, *map(soak.line, samples)])
    warm = next(sample for sample in samples if sample.restarts >= WARM)
    assert samples[-1].held.kib - warm.held.kib < GROWTH, told
