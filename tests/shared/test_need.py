from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules import need
from shared.rules.need import Facts, Need
from shared.rules.office_days import OfficeDays

TUESDAY = date(2026, 11, 24)  # after a weekend and a holiday on Monday
LATER = TUESDAY + timedelta(days=1)
NOW = need.days(TUESDAY, OfficeDays())
NOTHING = Facts(LATER)

a_fact = st.builds(
    Facts,
    st.dates(TUESDAY - timedelta(days=30), TUESDAY + timedelta(days=30)),
    *[st.booleans()] * 5,
    held=st.booleans(),
)


@pytest.mark.parametrize(
    ("facts", "reasons"),
    [
        (NOTHING, ()),
        (replace(NOTHING, urgent=True), (Need.DANGER,)),
        (replace(NOTHING, wants_call=True), (Need.CALL,)),
        (replace(NOTHING, came_back=True), (Need.CAME_BACK,)),
        (replace(NOTHING, unanswered=True), (Need.MESSAGE,)),
        (replace(NOTHING, look_by=TUESDAY), (Need.DUE_TODAY,)),
        (replace(NOTHING, refused=True), (Need.REFUSED,)),
        (replace(NOTHING, look_by=date(2026, 11, 20)), (Need.OVERDUE,)),
        (Facts(TUESDAY, True, True, True, True, True), tuple(Need)[:-1]),
        (Facts(date(2026, 11, 20), unanswered=True, urgent=True), (Need.DANGER, Need.MESSAGE, Need.OVERDUE)),
    ],
)
def test_every_reason_is_told_the_most_pressing_first(facts: Facts, reasons: tuple[Need, ...]) -> None:
    assert need.needs(facts, NOW) == reasons
    assert need.reasons(need.rank(facts, NOW)) == reasons
    assert need.reasons(need.rank(replace(facts, held=True), NOW)) == reasons


def test_one_reason_of_each_kind_stands_in_the_order_the_office_works_in() -> None:
    singles = [
        replace(NOTHING, urgent=True),
        replace(NOTHING, wants_call=True),
        replace(NOTHING, came_back=True),
        replace(NOTHING, unanswered=True),
        replace(NOTHING, look_by=TUESDAY),
        replace(NOTHING, refused=True),
        replace(NOTHING, look_by=date(2026, 11, 1)),
        NOTHING,
        replace(NOTHING, urgent=True, held=True),
    ]
    ranks = [need.rank(facts, NOW) for facts in singles]
    assert ranks == sorted(set(ranks))


@pytest.mark.parametrize(
    ("today", "closed", "reason"),
    [
        (date(2026, 11, 20), (), Need.DUE_TODAY),  # a Friday
        (date(2026, 11, 21), (), Need.DUE_TODAY),  # nobody could have looked since
        (date(2026, 11, 23), (), Need.DUE_TODAY),  # a holiday
        (date(2026, 11, 24), (), Need.OVERDUE),
        (date(2026, 11, 24), (date(2026, 11, 24),), Need.DUE_TODAY),  # the office's own closed day
        (date(2026, 11, 25), (date(2026, 11, 24),), Need.OVERDUE),
        (date(2026, 11, 19), (), None),
    ],
)
def test_a_promise_is_broken_on_an_open_day_only(today: date, closed: tuple[date, ...], reason: Need | None) -> None:
    now = need.days(today, OfficeDays(closed=frozenset(closed)))
    assert need.needs(Facts(date(2026, 11, 20)), now) == ((reason,) if reason else ())


@given(a_fact, a_fact)
def test_danger_stands_before_everything_that_nobody_put_aside(one: Facts, other: Facts) -> None:
    danger, calm = replace(one, urgent=True, held=False), replace(other, urgent=False)
    assert need.rank(danger, NOW) < need.rank(calm, NOW)


@given(a_fact, a_fact)
def test_the_order_is_total_and_says_its_reasons(one: Facts, other: Facts) -> None:
    ranks = need.rank(one, NOW), need.rank(other, NOW)
    first, second = ((facts.held, [told not in need.needs(facts, NOW) for told in Need]) for facts in (one, other))
    assert (ranks[0] < ranks[1], ranks[0] == ranks[1]) == (first < second, first == second)
    assert need.reasons(ranks[0]) == need.needs(one, NOW)
    assert 0 <= ranks[0] < 2 * need.HELD


@given(a_fact)
def test_one_more_reason_never_moves_anything_back(facts: Facts) -> None:
    more = [replace(facts, urgent=True), replace(facts, wants_call=True), replace(facts, came_back=True)]
    more += [replace(facts, unanswered=True), replace(facts, refused=True), replace(facts, held=False)]
    assert max(need.rank(one, NOW) for one in more) <= need.rank(facts, NOW)
