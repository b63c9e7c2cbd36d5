"""What a block of saves has shown. Pure: from times to outcomes, without a clock."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.prober import Sample


class Save(NamedTuple):
    """One save: when the bytes were on disk, and from when on the peer knew of it.

    `known` is None where the peer is told nothing; then it is the first answer of the new code
    that shows it.
    """

    at: float
    version: int
    known: float | None = None


class Outcome(NamedTuple):
    """What one save has led to."""

    seconds: float
    """Until the first answer at least as new as the save; infinite where none came in time."""

    refused: int
    """Requests that found nobody listening."""

    cut: int
    """Requests that were accepted and not answered in full, or with an error."""

    old: int
    """Answers of the code before, to requests made after the save."""

    stale: int
    """Those of them that came after the peer knew better."""

    overtaken: bool
    """Whether the next save came before this one was ever seen."""


def outcomes(saves: Sequence[Save], samples: Sequence[Sample], limit: float) -> list[Outcome]:
    """An outcome for each save, in order. `samples` are in the order in which they were made.

    What a request came to is put down to the last save that was on disk when it ended.
    """
    begins = [save.at for save in saves]
    windows: list[list[Sample]] = [[] for _ in saves]
    for sample in samples:
        index = bisect_right(begins, sample.done) - 1
        if index >= 0:
            windows[index].append(sample)
    fresh = [_first(samples, save) for save in saves]
    known = sorted(
        (save.known if save.known is not None else first, save.version)
        for save, first in zip(saves, fresh, strict=True)
    )
    found = []
    for index, (save, window) in enumerate(zip(saves, windows, strict=True)):
        answers = [sample for sample in window if sample.kind == "answer"]
        old = [each for each in answers if each.version < save.version and each.sent >= save.at]
        seconds = fresh[index] - save.at
        following = begins[index + 1] if index + 1 < len(saves) else math.inf
        found.append(
            Outcome(
                seconds=seconds if seconds <= limit else math.inf,
                refused=sum(sample.kind == "refused" for sample in window),
                cut=sum(sample.kind in ("cut", "error") for sample in window),
                old=len(old),
                stale=sum(each.version < _required(known, each.sent) for each in answers),
                overtaken=following < fresh[index],
            )
        )
    return found


def _first(samples: Sequence[Sample], save: Save) -> float:
    """When the first answer came that is at least as new; infinite where none did."""
    fresh = (
        sample.done
        for sample in samples
        if sample.kind == "answer" and sample.version >= save.version
    )
    return next(fresh, math.inf)


def _required(known: Sequence[tuple[float, int]], sent: float) -> int:
    """The version that a request deserves which was sent then."""
    return max((version for at, version in known if at <= sent), default=0)
