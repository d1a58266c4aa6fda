"""Serial numbers without gaps: taken in the transaction that uses them, never given twice."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from shared.model import NumberSeries


def take(session: Session, office_id: UUID, series: str, year: int, *, count: int = 1) -> int:
    """Return the next number of ``series`` and hold its row until the transaction ends.

    :param count: how many are taken; they follow the one that is returned.

    A transaction that rolls back gives its number to the next one, so the series has no gaps.
    """
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(
        insert(NumberSeries)
        .values(office_id=office_id, series=series, year=year, next_serial=1)
        .on_conflict_do_nothing()
    )
    row = session.scalars(
        select(NumberSeries)
        .where(NumberSeries.office_id == office_id, NumberSeries.series == series, NumberSeries.year == year)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    serial = row.next_serial
    row.next_serial = serial + count
    session.flush()
    return serial
