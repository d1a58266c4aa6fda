from __future__ import annotations

from datetime import date, timedelta

import jpholiday
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules.due import USUAL
from shared.rules.months import (
    MONTHS_BACK,
    NotAMonth,
    add_months,
    is_open_day,
    month_of,
    months_to_offer,
)

TODAY = date(2026, 11, 19)
days = st.dates(min_value=date(2019, 5, 1), max_value=date(2045, 12, 31))
firsts = days.map(lambda day: day.replace(day=1))


@pytest.mark.parametrize(
    ("typed", "month"),
    [
        ("2026-10", date(2026, 10, 1)),
        (" 2026-10 ", date(2026, 10, 1)),
        ("2026-11", date(2026, 11, 1)),  # has begun: a wage may be paid in it
        ("2025-11", date(2025, 11, 1)),  # twelve months back, the oldest
    ],
)
def test_a_month_is_read(typed: str, month: date) -> None:
    assert month_of(typed, today=TODAY) == month


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "missing"),
        (" ", "missing"),
        ("2026-12", "future"),
        ("9999-12", "future"),
        ("2025-10", "too_old"),
        ("0001-01", "too_old"),
        ("0000-01", "not_a_month"),
        ("2026-13", "not_a_month"),
        ("2026-00", "not_a_month"),
        ("2026-1", "not_a_month"),
        ("2026/10", "not_a_month"),
        ("2026-10-01", "not_a_month"),
        ("２０２６-１０", "not_a_month"),
        ("10月", "not_a_month"),
        ("2026-10\n2026-09", "not_a_month"),
    ],
)
def test_what_is_no_month_to_report_says_why(typed: str, code: str) -> None:
    with pytest.raises(NotAMonth) as wrong:
        month_of(typed, today=TODAY)
    assert wrong.value.code == code


@given(today=days, back=st.integers(min_value=-3, max_value=MONTHS_BACK + 3))
def test_just_this_month_and_the_twelve_before_it_may_be_reported(today: date, back: int) -> None:
    month = add_months(today, -back)
    if 0 <= back <= MONTHS_BACK:
        assert month_of(f"{month:%Y-%m}", today=today) == month
    else:
        with pytest.raises(NotAMonth):
            month_of(f"{month:%Y-%m}", today=today)


@given(today=days)
def test_every_month_that_is_offered_can_be_reported(today: date) -> None:
    offered = months_to_offer(today)
    assert [month_of(f"{month:%Y-%m}", today=today) for month in offered] == offered
    assert offered[0] == today.replace(day=1)
    assert offered == sorted(set(offered), reverse=True)


@given(month=firsts, count=st.integers(min_value=-200, max_value=200))
def test_months_added_are_taken_off_again(month: date, count: int) -> None:
    there = add_months(month, count)
    assert there.day == 1
    assert add_months(there, -count) == month
    assert (there.year - month.year) * 12 + there.month - month.month == count


@given(day=days)
def test_an_open_day_is_no_weekend_no_holiday_and_not_the_turn_of_the_year(day: date) -> None:
    opened = USUAL.next_open(day)
    assert opened.weekday() < 5
    assert not jpholiday.is_holiday(opened)
    assert (opened.month, opened.day) not in {(12, 29), (12, 30), (12, 31), (1, 1), (1, 2), (1, 3)}
    assert not any(is_open_day(day + timedelta(days=n)) for n in range((opened - day).days))


@given(day=days, count=st.integers(min_value=1, max_value=15))
def test_so_many_open_days_lie_after_a_day(day: date, count: int) -> None:
    there = USUAL.after(day, count)
    between = [day + timedelta(days=n) for n in range(1, (there - day).days + 1)]
    assert is_open_day(there)
    assert sum(is_open_day(one) for one in between) == count
    assert USUAL.after(day, 0) == day


@pytest.mark.parametrize(
    ("day", "following"),
    [
        (date(2026, 11, 19), date(2026, 11, 19)),  # a Thursday
        (date(2026, 11, 21), date(2026, 11, 24)),  # Saturday, Sunday, and Monday is 勤労感謝の日
        (date(2026, 12, 29), date(2027, 1, 4)),
        (date(2026, 5, 2), date(2026, 5, 7)),  # the long holidays, with one moved to Wednesday
        (date(2026, 9, 19), date(2026, 9, 24)),  # a day between two holidays is one
    ],
)
def test_a_closed_day_moves_to_the_next_open_one(day: date, following: date) -> None:
    assert USUAL.next_open(day) == following
