from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules.wareki import (
    era_year,
    fiscal_year,
    japanese_date,
    japanese_moment,
    japanese_month,
    short_date,
    short_moment,
)


@pytest.mark.parametrize(
    ("day", "era", "year"),
    [
        (date(1868, 10, 23), "明治", 1),
        (date(1912, 7, 29), "明治", 45),
        (date(1912, 7, 30), "大正", 1),
        (date(1926, 12, 24), "大正", 15),
        (date(1926, 12, 25), "昭和", 1),
        (date(1989, 1, 7), "昭和", 64),
        (date(1989, 1, 8), "平成", 1),
        (date(2019, 4, 30), "平成", 31),
        (date(2019, 5, 1), "令和", 1),
        (date(2019, 12, 31), "令和", 1),
        (date(2020, 1, 1), "令和", 2),
        (date(2026, 11, 22), "令和", 8),
    ],
)
def test_an_era_begins_and_ends_on_its_day(day: date, era: str, year: int) -> None:
    assert era_year(day) == (era, year)


def test_a_day_before_the_first_era_of_the_table_has_no_name() -> None:
    with pytest.raises(ValueError, match="before the first era"):
        era_year(date(1868, 10, 22))


def test_dates_are_written_as_an_office_writes_them() -> None:
    day = date(2026, 11, 22)
    assert japanese_date(day) == "令和8年11月22日(日)"
    assert japanese_date(day, weekday=False) == "令和8年11月22日"
    assert japanese_month(day) == "令和8年11月"
    assert short_date(day) == "11月22日(日)"


def test_the_first_year_is_called_gannen() -> None:
    assert japanese_date(date(2019, 5, 1), weekday=False) == "令和元年5月1日"
    assert japanese_month(date(1989, 1, 8)) == "平成元年1月"


def test_a_moment_stands_on_the_clock_of_tokyo() -> None:
    evening = datetime(2026, 11, 19, 15, 2, 5, tzinfo=UTC)
    assert japanese_moment(evening) == "令和8年11月20日(金)0時02分"
    assert japanese_moment(evening, seconds=True) == "令和8年11月20日(金)0時02分05秒"
    assert short_moment(evening) == "11月20日(金)0時02分"


@pytest.mark.parametrize(
    ("day", "year"), [(date(2026, 3, 31), 2025), (date(2026, 4, 1), 2026), (date(2027, 1, 1), 2026)]
)
def test_a_fiscal_year_begins_in_april(day: date, year: int) -> None:
    assert fiscal_year(day) == year


@given(day=st.dates(min_value=date(1868, 10, 23), max_value=date(2099, 12, 30)))
def test_the_next_day_is_in_the_same_year_the_next_year_or_the_first_of_an_era(day: date) -> None:
    (era, year), (next_era, next_year) = era_year(day), era_year(day + timedelta(days=1))
    assert (next_era, next_year) in {(era, year), (era, year + 1), (next_era, 1)}
    assert (next_era == era) == ((next_era, next_year) != (next_era, 1) or year == 1)
    assert japanese_date(day).endswith(f"月{day.day}日({'月火水木金土日'[day.weekday()]})")
