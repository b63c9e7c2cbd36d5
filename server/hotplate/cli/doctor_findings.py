"""What `hotplate doctor` finds. Its names, in camelCase, are those of `hotplate doctor --json`."""

from __future__ import annotations

import os
import platform
import re
import sys

import attrs

from hotplate import __version__


@attrs.frozen
class Obstacle:
    """Something that stands in the way of a start, and the next step."""

    what: str
    next: str

    @classmethod
    def of(cls, message: str) -> Obstacle:
        """Out of a message that ends with the sentence that says what to do."""
        what, _, step = message.rpartition(". ")
        # An abbreviation, or a full stop within brackets, ends no sentence.
        while what and not (re.match(r"[A-Z]", step) and what.count("(") == what.count(")")):
            what, _, more = what.rpartition(". ")
            step = f"{more}. {step}"
        return cls(f"{what}.", step) if what else cls(message, "See the message.")


@attrs.frozen
class Python:
    """The interpreter that the app would run in, and what it has."""

    path: str
    reason: str
    error: str | None
    """Why it is of no use."""
    version: str | None
    flask: str | None
    werkzeug: str | None
    dotenv: str | None
    fit: bool | None
    """Whether Flask and Werkzeug go together; None where one of them is missing."""


@attrs.frozen
class Target:
    """The app; `line` is counted from 1. `good`: nothing about it stands in the way."""

    target: str | None
    file: str | None
    line: int | None
    reason: str
    good: bool


@attrs.frozen
class Address:
    """Where the app would listen, and who says so; None: only the script knows."""

    host: str | None
    host_from: str
    port: int | None
    port_from: str
    free: bool | None = None
    holder: str | None = None
    """Who has it, where it is taken and that can be known."""
    ours: bool = False
    """This very app has it: an editor runs it now."""


@attrs.define
class App:
    """One app of the folder."""

    id: str
    name: str
    folder: str
    app: Target
    python: Python | None
    address: Address
    env_files: list[str]
    auto_start: str
    auto_start_from: str
    notes: list[str]
    """Worth a look, and no obstacle."""
    obstacles: list[Obstacle]


@attrs.frozen
class SettingsProblem:
    """A mistake in the settings; `line` is counted from 1."""

    message: str
    key: str
    file: str | None
    line: int | None


@attrs.frozen
class Host:
    """What runs Hotplate itself."""

    hotplate: str
    python: str
    executable: str
    system: str
    pidfd: bool
    """Linux only: the death of an editor is known even where somebody keeps its pipe open."""

    @classmethod
    def here(cls) -> Host:
        """This process and its machine."""
        system = f"{platform.system()} {platform.release()}"
        return cls(__version__, platform.python_version(), sys.executable, system, _has_pidfd())


@attrs.frozen
class Findings:
    """All of it. With nothing in the way, each app could start."""

    host: Host
    folder: str
    approved: bool
    settings: list[str]
    """The keys of `[tool.hotplate]` that are in force."""
    settings_problems: list[SettingsProblem]
    apps: list[App]
    could_start: bool


def _has_pidfd() -> bool:
    if sys.platform != "linux":
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False  # an old kernel, or a sandbox that forbids it
    return True
