"""A mistake in the person's settings, told so that they can find and mend it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from attrs import frozen

Source = Literal["editor", "pyproject", "hint", "found"]
"""Where a setting was written; `hint`: nowhere, the client offers it (`interpreterHint`); `found`:
nowhere either, it is where the app was found (see `choice`)."""


@frozen
class Problem:
    """One mistake: what it is, and where it stands."""

    message: str
    source: Source
    key: str
    """As the person wrote it, such as `port` or `apps[1].env-file`; empty for the whole object."""
    path: Path | None = None
    """The file it stands in, where that is known: `pyproject.toml`."""
    line: int | None = None
    """Counted from 0, as an editor's protocol does."""
