from __future__ import annotations

from sqlalchemy.orm import Session, sessionmaker

from shared import series
from shared.model import new_id


def test_a_series_counts_from_one_without_a_gap(session: Session) -> None:
    office = new_id()
    assert [series.take(session, office, "submission", 2026) for _ in range(5)] == [1, 2, 3, 4, 5]


def test_every_office_series_and_year_counts_for_itself(session: Session) -> None:
    first, second = new_id(), new_id()
    for office, name, year in ((first, "submission", 2026), (first, "receipt", 2026), (first, "submission", 2027)):
        assert series.take(session, office, name, year) == 1
    assert series.take(session, second, "submission", 2026) == 1
    assert series.take(session, first, "submission", 2026) == 2


def test_a_number_that_was_taken_in_vain_goes_to_the_next(make_session: sessionmaker[Session]) -> None:
    office = new_id()
    with make_session.begin() as session:
        assert series.take(session, office, "submission", 2026) == 1
    with make_session() as session:
        assert series.take(session, office, "submission", 2026) == 2
        session.rollback()
    with make_session.begin() as session:
        assert series.take(session, office, "submission", 2026) == 2
