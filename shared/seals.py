"""The certificates of an office's seals: published, and whether the office can sign."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from shared import clock, journal
from shared.errors import NotThere
from shared.model import MACHINE, Job, SealCertificate, Task, WelfareOffice

SOON: Final = timedelta(days=60)  # a seal that expires so soon wants a new one beside it
MISSING: Final = "SealMissing"  # what the worker writes into a task that waits for a seal


@dataclass(frozen=True)
class Certificate:
    """What may be known of one seal by everybody."""

    fingerprint: str
    chain: str  # PEM
    not_before: datetime
    not_after: datetime
    retired_at: datetime | None
    revoked: bool


class Standing(StrEnum):
    """Whether an office can sign."""

    OK = "ok"
    SOON = "soon"  # it expires within ``SOON``
    MISSING = "missing"  # there is none, or the worker cannot use it: certificates wait


def publish(session: Session, code: str, certificates: list[Certificate]) -> int:
    """Write down what the worker found in its folder; what is new or has changed goes into the journal.

    :returns: how many are new or have changed. A code that no office has publishes nothing.
    """
    office_id = session.scalar(select(WelfareOffice.id).where(WelfareOffice.code == code))
    if office_id is None or not _news(session, office_id, certificates):
        return 0
    journal.hold(session, office_id)  # no other lock: whoever writes the journal refers to the office's row
    news = _news(session, office_id, certificates)  # another worker may have been quicker
    for one, row in news:
        if row is None:
            session.add(SealCertificate(office_id=office_id, **vars(one)))
        else:
            row.retired_at, row.revoked = one.retired_at, one.revoked
        event = "seal.published" if one.retired_at is None else "seal.retired"
        journal.record(session, office_id, MACHINE, event, fingerprint=one.fingerprint, revoked=one.revoked)
    return len(news)


def _news(
    session: Session, office_id: UUID, certificates: list[Certificate]
) -> list[tuple[Certificate, SealCertificate | None]]:
    """Those that are not written down, or otherwise, each with its row."""
    rows = session.scalars(
        select(SealCertificate).where(SealCertificate.office_id == office_id).execution_options(populate_existing=True)
    )
    known = {row.fingerprint: row for row in rows}
    found = [(one, known.get(one.fingerprint)) for one in certificates]
    return [
        (one, row)
        for one, row in found
        if row is None or (row.retired_at, row.revoked) != (one.retired_at, one.revoked)
    ]


def certificates(session: Session, code: str) -> str:
    """Every certificate with which the office has ever signed, the newest first, as PEM with its chain.

    :raises NotThere: if no office has this code, or it has none.
    """
    found = session.scalars(
        select(SealCertificate)
        .join(WelfareOffice, WelfareOffice.id == SealCertificate.office_id)
        .where(WelfareOffice.code == code)
        .order_by(SealCertificate.not_before.desc(), SealCertificate.id)
    ).all()
    if not found:
        raise NotThere
    return "".join(row.chain for row in found)


@dataclass(frozen=True)
class State:
    """How it stands with an office's seal."""

    standing: Standing
    until: datetime | None = None  # when the newest that may sign expires
    waiting: bool = False  # certificates wait for a seal


def standing(session: Session, office_id: UUID) -> State:
    """Whether the office can sign: by its published certificates, and by what the worker said of its last tries."""
    now = clock.now()
    until = session.scalar(
        select(SealCertificate.not_after)
        .where(
            SealCertificate.office_id == office_id,
            SealCertificate.retired_at.is_(None),
            SealCertificate.not_before <= now,
            SealCertificate.not_after > now,
        )
        .order_by(SealCertificate.not_before.desc())
        .limit(1)
    )
    waits = exists().where(
        Task.office_id == office_id,
        Task.job == Job.DRAW_RECEIPT,
        Task.done_at.is_(None),
        Task.gave_up_at.is_(None),
        Task.failed_because == MISSING,
    )
    waiting = bool(session.scalar(select(waits)))
    if until is None or waiting:
        return State(Standing.MISSING, until, waiting)
    return State(Standing.SOON if until - now < SOON else Standing.OK, until)
