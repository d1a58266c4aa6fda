"""Messages both ways. The office's are rows of their own; what the person writes arrives as a submission."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from shared import clock, journal
from shared.errors import NotAMessage
from shared.model import (
    Actor,
    DutyKind,
    FilledForm,
    Message,
    StaffMember,
    State,
    Submission,
    SubmissionVersion,
    VersionFile,
)
from shared.review import open_for
from shared.rules import my_number
from shared.sign_in import Recipient, Staff

LONGEST: Final = 2_000  # characters
_PLACEHOLDER: Final = ("［", "］")  # what a template leaves to be filled in


@dataclass(frozen=True)
class Line:
    """One message of a thread. ``mine``: the person wrote it; then it has a number and perhaps files."""

    id: UUID  # of the message, or of the submission
    mine: bool
    who: str
    at: datetime
    text: str
    read: bool
    files: int = 0
    number: str | None = None
    about: UUID | None = None  # the submission that a message of the office is about


def send(session: Session, who: Staff, submission_id: UUID, text: str, *, attempt: UUID) -> Message:
    """Write to the person who sent a submission. A second tap finds the first one's message.

    :raises NotThere: for a submission she may not open.
    :raises NotAMessage: for nothing, too much, a placeholder that is left, or a My Number; ``code`` says which.
    """
    about = open_for(session, who, submission_id)
    earlier = session.scalar(select(Message).where(Message.office_id == who.office_id, Message.attempt == attempt))
    if earlier:
        return earlier
    text = text.strip()
    if not text:
        raise NotAMessage("missing")
    if len(text) > LONGEST:
        raise NotAMessage("too_long")
    if any(sign in text for sign in _PLACEHOLDER):
        raise NotAMessage("placeholder")
    if my_number.is_in(text):
        raise NotAMessage("my_number")
    message = Message(
        office_id=who.office_id,
        household_id=about.household_id,
        member_id=about.member_id,
        staff_id=who.staff_id,
        submission_id=about.id,
        text=text,
        attempt=attempt,
        sent_at=clock.now(),
    )
    session.add(message)
    session.flush()
    journal.record(session, who.office_id, Actor.staff(who.staff_id), "message.sent", message.id, submission=about.id)
    return message


def thread(session: Session, office_id: UUID, member_id: UUID) -> list[Line]:
    """Everything that was written both ways, the oldest first. What she took back is not in it."""
    sent = session.execute(
        select(Message, StaffMember.name)
        .join(StaffMember, (StaffMember.office_id == Message.office_id) & (StaffMember.id == Message.staff_id))
        .where(Message.office_id == office_id, Message.member_id == member_id)
    ).all()
    lines = [
        Line(
            id=message.id,
            mine=False,
            who=name,
            at=message.sent_at,
            text=message.text,
            read=message.read_at is not None,
            about=message.submission_id,
        )
        for message, name in sent
    ]
    files = (
        select(func.count())
        .where(VersionFile.office_id == SubmissionVersion.office_id, VersionFile.version_id == SubmissionVersion.id)
        .scalar_subquery()
    )
    written = session.execute(
        select(Submission, FilledForm.answers, files)
        .join(
            SubmissionVersion,
            (SubmissionVersion.office_id == Submission.office_id)
            & (SubmissionVersion.submission_id == Submission.id)
            & (SubmissionVersion.no == Submission.version_no),
        )
        .join(
            FilledForm,
            (FilledForm.office_id == SubmissionVersion.office_id) & (FilledForm.id == SubmissionVersion.id),
        )
        .where(
            Submission.office_id == office_id,
            Submission.member_id == member_id,
            Submission.kind == DutyKind.MESSAGE,
            Submission.state.not_in((State.DRAFT, State.WITHDRAWN, State.VOIDED)),
        )
    ).all()
    read = (State.IN_REVIEW, State.ON_HOLD, State.RETURNED, State.ACCEPTED, State.RECEIPTED)
    for row, answers, count in written:
        if row.arrived_at is not None:
            text = str(answers.get("tell", ""))
            lines.append(
                Line(
                    id=row.id,
                    mine=True,
                    who="",
                    at=row.arrived_at,
                    text=text,
                    read=row.state in read,
                    files=count,
                    number=row.number,
                )
            )
    return sorted(lines, key=lambda line: line.at)


def unread(session: Session, who: Recipient) -> int:
    """How many messages the person has not opened yet."""
    return session.scalar(select(func.count()).select_from(Message).where(*_of(who), Message.read_at.is_(None))) or 0


def read(session: Session, who: Recipient) -> None:
    """She has opened them. The first time counts."""
    session.execute(update(Message).where(*_of(who), Message.read_at.is_(None)).values(read_at=clock.now()))


def _of(who: Recipient) -> tuple[ColumnElement[bool], ...]:
    return Message.office_id == who.office_id, Message.member_id == who.member_id
