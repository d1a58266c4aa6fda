from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from shared import clock


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 11, 19, 14, 59, 59, tzinfo=UTC), date(2026, 11, 19)),
        (datetime(2026, 11, 19, 15, 0, 0, tzinfo=UTC), date(2026, 11, 20)),
        (datetime(2026, 12, 31, 15, 0, 0, tzinfo=UTC), date(2027, 1, 1)),
    ],
)
def test_the_day_begins_at_midnight_in_tokyo(moment: datetime, day: date) -> None:
    with clock.at(moment):
        assert clock.today() == day


def test_time_can_be_held_in_blocks_and_goes_on_behind_them() -> None:
    moment = datetime(2026, 11, 19, tzinfo=UTC)
    with clock.at(moment):
        with clock.at(moment + timedelta(days=1)):
            assert clock.now() == moment + timedelta(days=1)
        assert clock.now() == moment
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_now_is_aware_and_in_utc() -> None:
    for now in (clock.now(), _tokyo_evening()):
        assert now.utcoffset() == timedelta(0)


def _tokyo_evening() -> datetime:
    with clock.at(datetime(2026, 11, 19, 20, tzinfo=clock.TOKYO)):
        return clock.now()
