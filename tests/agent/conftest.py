"""What the agent's tests share: interpreters, and agents that end with their test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.driver import Agent, environment
from support.environments import BARE, EXTENSIONS, EXTRAS, MISMATCHED, PAIRS, Environment, python_of

Start = Callable[..., Agent]


@pytest.fixture
def python() -> str:
    """The interpreter that runs the tests, with its newest Flask."""
    return sys.executable


@pytest.fixture(params=PAIRS, ids=lambda pair: pair.name)
def pair(request: pytest.FixtureRequest) -> str:
    """Interpreters with each Flask and Werkzeug that is supported, one after the other."""
    wanted: Environment = request.param
    return python_of(wanted)


@pytest.fixture(params=(PAIRS[0], PAIRS[-1]), ids=lambda pair: pair.name)
def end(request: pytest.FixtureRequest) -> str:
    """The interpreters of the oldest and the newest of these."""
    wanted: Environment = request.param
    return python_of(wanted)


@pytest.fixture
def bare() -> str:
    """An interpreter without Flask."""
    return python_of(BARE)


@pytest.fixture
def mismatched() -> str:
    """An interpreter whose Flask can't be imported with its Werkzeug."""
    return python_of(MISMATCHED)


@pytest.fixture
def extras() -> str:
    """An interpreter with gevent and cryptography beside Flask."""
    return python_of(EXTRAS)


@pytest.fixture
def extensions() -> str:
    """An interpreter with other servers than Werkzeug's, and what people run beside Flask."""
    return python_of(EXTENSIONS)


@pytest.fixture
def start(tmp_path: Path, python: str) -> Iterator[Start]:
    """Starts agents in the test's folder; whatever is left of them goes at its end.

    `env` are changes to the app's environment.
    """
    running: list[Agent] = []

    def start(
        interpreter: str = python, env: dict[str, str | None] | None = None, **more: Any
    ) -> Agent:
        agent = Agent(interpreter, more.pop("cwd", tmp_path), environment(**(env or {})), **more)
        running.append(agent)
        return agent

    yield start
    for agent in running:
        agent.close()
