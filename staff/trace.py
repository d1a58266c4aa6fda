"""Whoever looks at a household's papers leaves an entry: who, at what, from where."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import clock, journal
from shared.model import Actor, LogEntry, Receipt, StoredFile, Submission
from staff.access import me

ONE_LOOK: Final = timedelta(minutes=30)  # for so long the pictures of a page belong to the look at it
_SHOWN: Final = ("submission.viewed", "submission.loaded_ahead", "file.viewed")


def from_address() -> str:
    """Where the request comes from; behind proxies of our own, as the outermost of them saw it."""
    return request.remote_addr or ""


def at_submission(rows: Session, submission: Submission, version: int, file_id: UUID | None = None) -> None:
    """She is shown a submission in one of its versions, perhaps with one of its files."""
    shown = {} if file_id is None else {"file": file_id}
    _looked(rows, "submission.viewed", submission.id, submission.household_id, version=version, **shown)


def ahead(rows: Session, submission: Submission) -> None:
    """Her browser is given the pictures of what she may look at next."""
    if not _lately(rows, submission.id):
        _looked(rows, "submission.loaded_ahead", submission.id, submission.household_id, version=submission.version_no)


def at_file(rows: Session, file: StoredFile) -> None:
    """She is shown a file by itself."""
    submission = rows.get_one(Submission, (file.office_id, file.submission_id))
    _looked(rows, "file.viewed", file.id, submission.household_id, submission=submission.id)


def is_known(rows: Session, file: StoredFile) -> bool:
    """Whether a page that shows the file has left her entry a short while ago: its pictures need none of their own."""
    return _lately(rows, file.submission_id, file.id)


def at_receipt(rows: Session, receipt: Receipt) -> None:
    """She is given a certificate's PDF."""
    submission = rows.get_one(Submission, (receipt.office_id, receipt.submission_id))
    _looked(rows, "receipt.viewed", receipt.id, submission.household_id, submission=submission.id)


def _lately(rows: Session, *subjects: UUID) -> bool:
    entry = select(LogEntry.seq).where(
        LogEntry.office_id == me().office_id,
        LogEntry.subject_id.in_(subjects),
        LogEntry.actor_id == me().staff_id,
        LogEntry.event.in_(_SHOWN),
        LogEntry.at > clock.now() - ONE_LOOK,
    )
    return rows.scalar(entry.limit(1)) is not None


def _looked(rows: Session, event: str, subject_id: UUID, household_id: UUID, **facts: UUID | int) -> None:
    who = me()
    about = {"household": household_id, "from_address": from_address(), **facts}
    journal.record(rows, who.office_id, Actor.staff(who.staff_id), event, subject_id, **about)
