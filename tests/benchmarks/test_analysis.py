"""From times to outcomes: what counts as fresh, refused, cut, old, stale and overtaken."""

from __future__ import annotations

import math

from benchmarks.analysis import Outcome, Save, outcomes
from benchmarks.prober import Sample

LIMIT = 15.0


def answered(sent: float, done: float, version: int) -> Sample:
    return Sample(sent, done, "answer", version)


def test_the_time_is_that_of_the_first_answer_of_the_new_code() -> None:
    samples = [answered(9.0, 9.1, 1), answered(10.1, 10.5, 2), answered(10.6, 10.7, 2)]
    (found,) = outcomes([Save(10.0, 2)], samples, LIMIT)
    assert found == Outcome(
        seconds=0.5, refused=0, cut=0, old=0, stale=0, overtaken=False
    )  # fmt: skip


def test_a_request_made_before_the_save_may_be_answered_by_the_new_code() -> None:
    (found,) = outcomes([Save(10.0, 2)], [answered(9.9, 10.25, 2)], LIMIT)
    assert found.seconds == 0.25


def test_an_answer_that_comes_too_late_or_not_at_all_never_came() -> None:
    late, not_at_all = outcomes(
        [Save(10.0, 2), Save(40.0, 3)], [answered(10.1, 26.0, 2), answered(40.1, 40.2, 2)], LIMIT
    )
    assert late.seconds == math.inf
    assert not_at_all.seconds == math.inf
    assert not not_at_all.overtaken


def test_requests_count_for_the_save_before_their_end() -> None:
    samples = [
        Sample(9.0, 9.1, "refused"),  # before all saves: nobody's
        Sample(10.1, 10.2, "refused"),
        Sample(10.2, 10.3, "cut"),
        Sample(10.3, 10.4, "error"),
        answered(10.4, 10.5, 2),
        Sample(10.9, 11.1, "refused"),
        answered(11.1, 11.2, 3),
    ]
    first, second = outcomes([Save(10.0, 2), Save(11.0, 3)], samples, LIMIT)
    assert (first.refused, first.cut) == (1, 2)
    assert (second.refused, second.cut) == (1, 0)


def test_who_is_told_nothing_is_stale_only_after_its_own_fresh_answer() -> None:
    samples = [
        answered(10.1, 10.2, 1),
        answered(10.2, 10.3, 2),
        answered(10.25, 10.4, 1),  # sent before the fresh answer came
        answered(10.4, 10.5, 1),
        answered(10.5, 10.6, 2),
    ]
    (found,) = outcomes([Save(10.0, 2)], samples, LIMIT)
    assert found.seconds == 10.3 - 10.0
    assert (found.old, found.stale) == (3, 1)


def test_who_is_told_is_stale_from_then_on() -> None:
    samples = [answered(10.005, 10.02, 1), answered(10.02, 10.03, 1), answered(10.03, 10.1, 2)]
    (found,) = outcomes([Save(10.0, 2, known=10.01)], samples, LIMIT)
    assert (found.old, found.stale) == (2, 1)
    (found,) = outcomes([Save(10.0, 2, known=10.025)], samples, LIMIT)
    assert (found.old, found.stale) == (2, 0)


def test_old_code_that_comes_back_after_the_next_save_is_stale_too() -> None:
    saves = [Save(10.0, 2, known=10.1), Save(11.0, 3, known=11.5)]
    samples = [answered(10.2, 10.3, 2), answered(11.1, 11.2, 1), answered(11.2, 11.3, 2)]
    first, second = outcomes(saves, samples, LIMIT)
    assert first.stale == 0
    assert second.stale == 1  # version 1; version 2 may still be answered


def test_a_save_is_overtaken_where_the_next_comes_before_it_is_seen() -> None:
    saves = [Save(10.0, 2), Save(10.15, 3), Save(10.3, 4)]
    samples = [answered(10.0, 10.1, 2), answered(10.1, 10.5, 4)]
    found = outcomes(saves, samples, LIMIT)
    assert [each.overtaken for each in found] == [False, True, False]
    # Overtaken, it is as old as what is seen in the end.
    assert [round(each.seconds, 6) for each in found] == [0.1, 0.35, 0.2]
