"""Serial numbers without gaps: taken in the transaction that uses them, never given twice."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from shared.model import NumberSeries


def take(session: Session, office_id: UUID, series: str, year: int, *, count: int = 1) -> int:
    """Return the next number of ``series`` and hold its row until the transaction ends.

    :param count: how many are taken; they follow the one that is returned.

    A transaction that rolls back gives its number to the next one, so the series has no gaps.
    """
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.flush()
    first = insert(NumberSeries).values(office_id=office_id, series=series, year=year, next_serial=1 + count)
    taken = first.on_conflict_do_update(
        index_elements=[NumberSeries.office_id, NumberSeries.series, NumberSeries.year],
        set_={"next_serial": NumberSeries.next_serial + count},
    )
    after: int = session.execute(taken.returning(NumberSeries.next_serial)).scalar_one()
    return after - count
