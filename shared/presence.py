"""Who looks at a submission just now: said by her page every few seconds, and forgotten by itself."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from shared import clock
from shared.model import Presence, StaffMember
from shared.sign_in import Staff

PRESENT: Final = timedelta(seconds=60)  # her page says it every 20 s: two lost ones do not make her leave


def here(session: Session, who: Staff, submission_id: UUID) -> None:
    """She looks at it. The caller has asked whether she may."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    now = clock.now()
    row = insert(Presence).values(
        office_id=who.office_id, submission_id=submission_id, staff_id=who.staff_id, seen_at=now
    )
    session.execute(
        row.on_conflict_do_update(index_elements=["office_id", "submission_id", "staff_id"], set_={"seen_at": now})
    )


def looking(session: Session, who: Staff, submissions: Collection[UUID]) -> dict[UUID, list[str]]:
    """The names of the colleagues who look at each of them now, herself left out; one query."""
    rows = session.execute(
        select(Presence.submission_id, StaffMember.name)
        .join(StaffMember, (StaffMember.office_id == Presence.office_id) & (StaffMember.id == Presence.staff_id))
        .where(
            Presence.office_id == who.office_id,
            Presence.submission_id.in_(submissions),
            Presence.staff_id != who.staff_id,
            Presence.seen_at > clock.now() - PRESENT,
        )
        .order_by(StaffMember.name, StaffMember.id)
    )
    found: dict[UUID, list[str]] = {}
    for submission_id, name in rows:
        found.setdefault(submission_id, []).append(name)
    return found


def has_looked(session: Session, office_id: UUID, submission_id: UUID, staff_id: UUID, *, since: timedelta) -> bool:
    """Whether somebody's page has said so within ``since``."""
    row = session.get(Presence, (office_id, submission_id, staff_id), populate_existing=True)
    return row is not None and row.seen_at > clock.now() - since


def forget(session: Session) -> None:
    """Take away what says nothing any more, in every office."""
    session.execute(delete(Presence).where(Presence.seen_at <= clock.now() - PRESENT))
