"""What the ways of running Flask share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from compatibility.person import Person
from support.session import Session


@pytest.fixture
def work_on(open_session: Callable[[Path], Session]) -> Callable[[Path], Person]:
    """Somebody at a project: `work_on(folder)`. Their editor is closed after the test."""
    return lambda folder: Person(open_session(folder))
