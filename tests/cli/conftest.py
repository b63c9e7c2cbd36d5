"""Running the command line as a person does, and in this process where that is enough."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.session import SERVER

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def environment(**more: str) -> dict[str, str]:
    """Ours, with the checkout's Hotplate in it."""
    return {**os.environ, "PYTHONPATH": str(SERVER), **more}


@pytest.fixture
def run() -> Run:
    """`run("doctor", folder)`: `python -m hotplate doctor …`, in a process of its own."""

    def hotplate(*arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "hotplate", *map(str, arguments)],
            env=environment(**more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )

    return hotplate
