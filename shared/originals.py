"""The original as it came: in quarantine, and out of it only for a named administrator with a written reason."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Select, and_, exists, select
from sqlalchemy.orm import Session

from shared import clock, journal
from shared.errors import Destroyed, NotThere
from shared.model import (
    Actor,
    FileState,
    OriginalFetch,
    Role,
    StaffMember,
    StoredFile,
    Submission,
    SubmissionVersion,
    VersionFile,
)
from shared.rules.names import shown
from shared.sign_in import Staff

SHORTEST_REASON: Final = 10  # characters
LONGEST_REASON: Final = 500
ONE_TAP: Final = timedelta(minutes=10)  # within which the same form is the same fetch


@dataclass(frozen=True)
class Fetched:
    """Somebody took it out: who, when, why."""

    who: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class Original:
    """A file as it came, and its facts. ``key`` is where its bytes are, or were."""

    id: UUID
    number: str
    name: str  # for show
    written_name: str  # as it came: only for a header that quotes it
    kind: str
    size: int  # bytes
    sha256: str
    state: FileState
    refused_because: str | None
    received_at: datetime
    key: str
    destroyed_at: datetime | None


def of_submission(session: Session, who: Staff, typed: str) -> list[Original]:
    """The files that were ever sent under a 受付番号, however it was typed; none for a number nobody has here.

    A household that is protected is no exception: the office's administrator is named, writes why, and is logged.
    """
    number = unicodedata.normalize("NFKC", typed).strip().upper().replace("ー", "-").replace("−", "-")
    rows = session.execute(
        _sent(who).where(Submission.number == number).order_by(StoredFile.received_at, StoredFile.id)
    )
    return [_original(file, number) for file, number in rows]


def one(session: Session, who: Staff, file_id: UUID) -> Original:
    """One file that was sent.

    :raises NotThere: for another office's, and for one that its person has not sent.
    """
    found = session.execute(_sent(who).where(StoredFile.id == file_id)).one_or_none()
    if found is None:
        raise NotThere
    file, number = found
    return _original(file, number)


def fetches(session: Session, who: Staff, file_id: UUID) -> list[Fetched]:
    """Who has taken a file out, the newest first."""
    rows = session.execute(
        select(StaffMember.name, OriginalFetch.created_at, OriginalFetch.reason)
        .join(
            StaffMember,
            and_(StaffMember.office_id == OriginalFetch.office_id, StaffMember.id == OriginalFetch.staff_id),
        )
        .where(OriginalFetch.office_id == who.office_id, OriginalFetch.file_id == file_id)
        .order_by(OriginalFetch.created_at.desc(), OriginalFetch.id.desc())
    )
    return [Fetched(*row) for row in rows]


def fetch(
    session: Session, who: Staff, file_id: UUID, reason: str, *, attempt: UUID, from_address: str = ""
) -> OriginalFetch:
    """Write down who takes an original out and why. The caller commits before the first byte leaves.

    A double tap carries the same ``attempt`` and is one fetch.

    :raises NotThere: for another office's file, or for whoever is no administrator.
    :raises Destroyed: if it was kept long enough.
    :raises ValueError: for a reason too short to be one.
    """
    if who.role is not Role.ADMINISTRATOR:
        raise NotThere
    if not SHORTEST_REASON <= len(reason.strip()) <= LONGEST_REASON:
        raise ValueError("an original leaves for a written reason only")
    if one(session, who, file_id).destroyed_at:
        raise Destroyed
    twin = session.get(OriginalFetch, (who.office_id, attempt))
    if twin and (twin.file_id, twin.staff_id) == (file_id, who.staff_id) and twin.created_at > clock.now() - ONE_TAP:
        return twin
    given = {} if twin else {"id": attempt}
    row = OriginalFetch(office_id=who.office_id, file_id=file_id, staff_id=who.staff_id, reason=reason.strip(), **given)
    session.add(row)
    session.flush()
    file = session.get_one(StoredFile, (who.office_id, file_id))
    submission = session.get_one(Submission, (who.office_id, file.submission_id))
    facts = {"household": submission.household_id, "submission": submission.id, "why": row.id}
    actor = Actor.staff(who.staff_id)
    journal.record(session, who.office_id, actor, "original.fetched", file_id, from_address=from_address, **facts)
    return row


def _sent(who: Staff) -> Select[StoredFile, str | None]:
    sent = exists().where(
        VersionFile.office_id == StoredFile.office_id,
        VersionFile.file_id == StoredFile.id,
        SubmissionVersion.office_id == VersionFile.office_id,
        SubmissionVersion.id == VersionFile.version_id,
        SubmissionVersion.sent_at.is_not(None),
    )
    return (
        select(StoredFile, Submission.number)
        .join(Submission, and_(Submission.office_id == StoredFile.office_id, Submission.id == StoredFile.submission_id))
        .where(StoredFile.office_id == who.office_id, Submission.number.is_not(None), sent)
    )


def _original(file: StoredFile, number: str | None) -> Original:
    return Original(
        id=file.id,
        number=number or "",
        name=shown(file.name),
        written_name=file.name,
        kind=file.kind,
        size=file.size,
        sha256=file.sha256,
        state=file.state,
        refused_because=file.refused_because,
        received_at=file.received_at,
        key=file.key,
        destroyed_at=file.original_destroyed_at,
    )
