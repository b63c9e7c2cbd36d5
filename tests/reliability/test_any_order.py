"""Whatever is done to it in whatever order: at rest, what is served is what is on disk.

`./dev storm` does the same for hours. A failure names its seed, and lists what was done.
"""

from __future__ import annotations

import random

import pytest

from reliability import storm
from support.processes import needs_proc

pytestmark = [needs_proc, pytest.mark.timeout(600)]


def test_any_order() -> None:
    storm.play(random.randrange(10**6), 200)


def test_any_order_with_a_process_for_each_request() -> None:
    """A script that calls `app.run(processes=3, debug=True)`."""
    storm.play(random.randrange(10**6), 50, workers=True)
