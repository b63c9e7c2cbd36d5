"""Medians, percentiles and ratios, with what never came among the values."""

from __future__ import annotations

import math

import pytest

from benchmarks import figures

NEVER = math.inf


@pytest.mark.parametrize(
    ("values", "expected"),
    [([3.0], 3.0), ([1.0, 2.0, 4.0], 2.0), ([1.0, 2.0], 1.5), ([1.0, NEVER, 2.0], 2.0),
     ([1.0, NEVER], NEVER), ([NEVER, NEVER], NEVER)],
)  # fmt: skip
def test_median(values: list[float], expected: float) -> None:
    assert figures.median(values) == expected


def test_of_nothing_there_is_no_figure() -> None:
    assert math.isnan(figures.median([]))
    assert math.isnan(figures.percentile([], 0.95))


def test_percentile_is_one_of_the_values() -> None:
    twenty = [float(number) for number in range(20, 0, -1)]
    assert figures.percentile(twenty, 0.95) == 19.0
    assert figures.percentile(twenty, 1.0) == 20.0
    assert figures.percentile(twenty[:3], 0.95) == 20.0
    assert figures.percentile([*twenty[1:], NEVER], 0.95) == 19.0
    assert figures.percentile([*twenty[2:], NEVER, NEVER], 0.95) == NEVER


def test_ratio() -> None:
    assert figures.ratio(3.0, 1.5) == 2.0
    assert figures.ratio(NEVER, 1.5) == NEVER
    for unknown in (0.0, math.nan, NEVER):
        assert math.isnan(figures.ratio(3.0, unknown))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0234, "23"), (1.2174, "1217"), (0.0099, "9.9"), (0.00996, "10"), (0.0004, "0.4"),
     (NEVER, "never"), (math.nan, figures.NOTHING)],
)  # fmt: skip
def test_milliseconds(seconds: float, text: str) -> None:
    assert figures.milliseconds(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1.00"), (9.994, "9.99"), (9.996, "10"), (31.7, "32"), (NEVER, "∞"),
     (math.nan, figures.NOTHING)],
)  # fmt: skip
def test_times(value: float, text: str) -> None:
    assert figures.times(value) == text
