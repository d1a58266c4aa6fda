"""Messages both ways. The office's are rows of their own; what the person writes arrives as a submission."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from shared import clock, journal
from shared.drafts import Arrived
from shared.errors import NotAMessage
from shared.model import (
    LAST_SENT,
    NOT_STANDING,
    Actor,
    DutyKind,
    FileState,
    FilledForm,
    Job,
    Message,
    MessageFile,
    StaffMember,
    State,
    StoredFile,
    Submission,
    SubmissionVersion,
    VersionFile,
)
from shared.outbox import promise
from shared.review import open_for
from shared.rules import fixed_texts, my_number
from shared.sign_in import Recipient, Staff
from shared.slips import FileRow, file_row

LONGEST: Final = 2_000  # characters


@dataclass(frozen=True)
class Line:
    """One message of a thread. ``mine``: the person wrote it; then it has a number and perhaps files."""

    id: UUID  # of the message, or of the submission
    mine: bool
    who: str
    at: datetime
    text: str
    read: bool
    files: int = 0  # of hers
    papers: tuple[FileRow, ...] = ()  # with one of the office's
    number: str | None = None
    about: UUID | None = None  # the submission that a message of the office is about


def sent_before(session: Session, who: Staff, attempt: UUID) -> Message | None:
    """The message of an earlier tap, if any."""
    return session.scalar(select(Message).where(Message.office_id == who.office_id, Message.attempt == attempt))


def checked(text: str) -> str:
    """What can be sent.

    :raises NotAMessage: for nothing, too much, a placeholder that is left, or a My Number; ``code`` says which.
    """
    text = text.strip()
    if not text:
        raise NotAMessage("missing")
    if len(text) > LONGEST:
        raise NotAMessage("too_long")
    if fixed_texts.left_open(text):
        raise NotAMessage("placeholder")
    if my_number.is_in(text):
        raise NotAMessage("my_number")
    return text


def send(
    session: Session,
    who: Staff,
    submission_id: UUID,
    text: str,
    *,
    attempt: UUID,
    papers: Sequence[Arrived] = (),
) -> Message:
    """Write to the person who sent a submission. A second tap finds the first one's message.

    :param papers: files whose bytes are durable; their safe copies are promised in the same transaction.
    :raises NotThere: for a submission she may not open.
    :raises NotAMessage: for nothing, too much, a placeholder that is left, or a My Number; ``code`` says which.
    """
    about = open_for(session, who, submission_id, lock=True)  # two taps at once stand in a row here
    if earlier := sent_before(session, who, attempt):
        return earlier
    text = checked(text)
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
    for position, paper in enumerate(papers, start=1):
        _attach(session, message, about, paper, position)
    facts = {"submission": about.id, "files": [paper.sha256 for paper in papers]}
    journal.record(session, who.office_id, Actor.staff(who.staff_id), "message.sent", message.id, **facts)
    return message


def _attach(session: Session, message: Message, about: Submission, paper: Arrived, position: int) -> None:
    file = StoredFile(
        office_id=message.office_id,
        submission_id=about.id,
        attempt=paper.attempt,
        part=paper.part,
        name=paper.name,
        kind=paper.kind,
        size=paper.size,
        sha256=paper.sha256,
        key=paper.key,
        state=FileState.RECEIVED,
        received_at=message.sent_at,
    )
    session.add(file)
    session.flush()
    session.add(MessageFile(office_id=message.office_id, message_id=message.id, file_id=file.id, position=position))
    session.flush()
    promise(session, message.office_id, Job.MAKE_SAFE_COPY, file.id)


def _papers(session: Session, office_id: UUID, messages: list[UUID]) -> dict[UUID, tuple[FileRow, ...]]:
    found: dict[UUID, tuple[FileRow, ...]] = {}
    rows = session.execute(
        select(MessageFile.message_id, StoredFile)
        .join(StoredFile, (StoredFile.office_id == MessageFile.office_id) & (StoredFile.id == MessageFile.file_id))
        .where(MessageFile.office_id == office_id, MessageFile.message_id.in_(messages))
        .order_by(MessageFile.position)
    )
    for message_id, file in rows:
        found[message_id] = (*found.get(message_id, ()), file_row(file))
    return found


def thread(session: Session, office_id: UUID, member_id: UUID) -> list[Line]:
    """Everything that was written both ways, the oldest first. What she took back is not in it."""
    sent = session.execute(
        select(Message, StaffMember.name)
        .join(StaffMember, (StaffMember.office_id == Message.office_id) & (StaffMember.id == Message.staff_id))
        .where(Message.office_id == office_id, Message.member_id == member_id)
    ).all()
    papers = _papers(session, office_id, [message.id for message, _name in sent])
    lines = [
        Line(
            id=message.id,
            mine=False,
            who=name,
            at=message.sent_at,
            text=message.text,
            read=message.read_at is not None,
            about=message.submission_id,
            papers=papers.get(message.id, ()),
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
        .join(SubmissionVersion, LAST_SENT)
        .join(
            FilledForm,
            (FilledForm.office_id == SubmissionVersion.office_id) & (FilledForm.id == SubmissionVersion.id),
        )
        .where(
            Submission.office_id == office_id,
            Submission.member_id == member_id,
            Submission.kind == DutyKind.MESSAGE,
            Submission.state.not_in(NOT_STANDING),
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
