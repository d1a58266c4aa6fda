"""The supervisor's charts, once everything is counted."""

from __future__ import annotations

import pytest

from shared.rules import figures
from shared.rules.figures import Age


def test_every_day_has_its_bar_and_the_last_holds_all_that_is_older() -> None:
    waiting = [(0, False), (0, False), (2, True), (5, True), (5, False), (40, True)]
    assert figures.by_age(waiting) == [
        Age(0, 2, 0),
        Age(1, 0, 0),
        Age(2, 1, 1),
        Age(3, 0, 0),
        Age(4, 0, 0),
        Age(5, 3, 2),
    ]
    assert figures.in_steps([0, 1, 1, 9]) == [1, 2, 0, 0, 0, 1]


@pytest.mark.parametrize(("days", "middle"), [([], None), ([3], 3), ([0, 4], 0), ([9, 1, 2], 2), ([1, 1, 2, 7], 1)])
def test_half_of_all_are_not_above_the_median(days: list[int], middle: int | None) -> None:
    assert figures.median(days) == middle


@pytest.mark.parametrize(
    ("part", "whole", "percent"), [(0, 0, 0), (0, 9, 0), (9, 9, 100), (1, 3, 33), (1, 1000, 1), (999, 1000, 99)]
)
def test_a_share_never_rounds_to_all_or_nothing(part: int, whole: int, percent: int) -> None:
    assert figures.share(part, whole) == percent
