"""What is saved, how, and in which app."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks import projects
from benchmarks.projects import Maker

DATA_PACKAGES = ("pandas", "sqlalchemy")


@dataclass(frozen=True)
class Scenario:
    """One table."""

    name: str
    title: str
    make: Maker
    packages: tuple[str, ...] = ()
    """What the app needs besides Flask."""

    burst: int = 1
    """Saves that follow each other."""

    gap: float = 0.0
    """Seconds between the saves of a burst."""

    streams: bool = False
    """Whether a request streams while the save comes."""

    imports: str = ""
    """A module whose bare import is measured beside the peers."""


SCENARIOS = {
    each.name: each
    for each in (
        Scenario("hello", "One file, saved in place", projects.hello),
        Scenario(
            "data", "One file that imports pandas and SQLAlchemy", projects.data, DATA_PACKAGES
        ),
        Scenario(
            "modules", "A project of 500 own modules", projects.modules, imports="shop.answer"
        ),
        Scenario("rename", "One file, saved by rename", projects.renamed),
        Scenario(
            "rapid",
            "Ten saves 150 ms apart, pandas and SQLAlchemy imported",
            projects.data,
            DATA_PACKAGES,
            burst=10,
            gap=0.15,
        ),
        Scenario("streaming", "A save while a request streams", projects.streaming, streams=True),
    )
}
