from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from shared import clock
from shared.model import Base, NumberSeries, Submission, WelfareOffice, new_id
from shared.model.sign_in import ParkedForm
from tests import factories

# The office itself, what strangers leave behind, and what the house says about itself.
PLAIN = {"welfare_office", "parked_form", "tries", "worker_sighting", "sweep_run"}


def parked_at(session: Session, moment: datetime) -> datetime:
    form = ParkedForm(path="/", fields={}, created_at=moment)
    session.add(form)
    session.flush()
    session.expire(form)
    return form.created_at


@given(moment=st.datetimes(datetime(1900, 1, 1), datetime(2199, 1, 1), timezones=st.timezones()))  # noqa: DTZ001
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_a_moment_comes_back_as_the_same_moment_in_utc(session: Session, moment: datetime) -> None:
    back = parked_at(session, moment)
    assert back == moment.astimezone(UTC)
    assert back.utcoffset() == timedelta(0)


def test_a_time_without_a_zone_is_refused(session: Session) -> None:
    with pytest.raises(StatementError, match="without a zone"):
        parked_at(session, datetime(2026, 11, 19))  # noqa: DTZ001


def test_a_moment_of_tokyo_is_kept_as_utc(session: Session) -> None:
    tokyo = timezone(timedelta(hours=9))
    assert parked_at(session, datetime(2026, 11, 20, 0, 2, tzinfo=tokyo)).isoformat() == "2026-11-19T15:02:00+00:00"


def test_a_row_has_its_id_and_time_before_it_is_saved() -> None:
    with clock.at(datetime(2026, 11, 19, 11, 12, tzinfo=UTC)):
        form = ParkedForm(path="/", fields={})
    assert (form.id.version, form.created_at.isoformat()) == (7, "2026-11-19T11:12:00+00:00")


def test_ids_are_all_different_and_in_the_order_they_were_made() -> None:
    made = [new_id() for _ in range(2000)]
    assert made == sorted(set(made))


def test_a_column_that_does_not_exist_is_a_mistake() -> None:
    with pytest.raises(TypeError, match="WelfareOffice has no coed"):
        WelfareOffice(coed="HB")


def test_the_wall_between_offices_stands_in_every_table() -> None:
    keys = {name: [column.name for column in table.primary_key] for name, table in Base.metadata.tables.items()}
    assert {name for name, key in keys.items() if key[0] != "office_id"} == PLAIN
    for name, table in Base.metadata.tables.items():
        for foreign_key in table.foreign_key_constraints:
            columns = [column.name for column in foreign_key.columns]
            assert columns[0] == "office_id", (name, columns)


def test_money_is_whole_and_days_are_days(session: Session) -> None:
    row = factories.submission(session)
    session.expire_all()
    assert (type(row.month).__name__, type(row.look_by).__name__) == ("date", "date")
    assert isinstance(session.scalars(select(NumberSeries.next_serial)).first(), int)
    assert isinstance(session.scalars(select(Submission.revision)).one(), int)
