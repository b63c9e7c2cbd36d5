"""Medians, percentiles and ratios, with a place for what never came."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

NOTHING = "\N{EN DASH}"
"""Stands in a cell where there is nothing to tell."""


def median(values: Sequence[float]) -> float:
    """The median; infinite where half of the values are, NaN where there are none."""
    return statistics.median(values) if values else math.nan


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least such a share of them does not exceed (nearest rank)."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def ratio(value: float, to: float) -> float:
    """How many times one is the other; NaN where that can't be told."""
    return value / to if to and math.isfinite(to) else math.nan


def milliseconds(seconds: float) -> str:
    """A time as the tables print it, without its unit."""
    if math.isnan(seconds):
        return NOTHING
    if math.isinf(seconds):
        return "never"
    value = seconds * 1000
    return f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


def times(value: float) -> str:
    """A ratio as the tables print it."""
    if math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞"
    return f"{value:.2f}" if value < 9.995 else f"{value:.0f}"
