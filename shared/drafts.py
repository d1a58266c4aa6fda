"""What a person is writing: kept on the server answer by answer, so that looking for a paper, a call or another
phone costs nothing. A returned submission is written again in its next version; a version once sent is never touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Text, Uuid, bindparam, exists, func, literal_column, select
from sqlalchemy.orm import Session

from shared import clock
from shared.errors import AlreadySent, NotThere, TooManyFiles, TooMuchToday
from shared.likeness import note_same
from shared.model import (
    LAST_SENT,
    AbsentPaper,
    Duty,
    DutyKind,
    FileState,
    FilledForm,
    Job,
    Member,
    MessageFile,
    PortalAccount,
    State,
    StoredFile,
    Submission,
    SubmissionVersion,
    Upload,
    UploadState,
    VersionFile,
    WhyAbsent,
    new_id,
)
from shared.model.base import UtcTime
from shared.outbox import promise
from shared.session import Ready, Writer, in_turn, insert_row
from shared.sign_in import Recipient


@dataclass(frozen=True)
class Arrived:
    """A file whose bytes are already durable in the storage."""

    key: str
    name: str  # as the person called it; only shown
    kind: str
    size: int  # bytes
    sha256: str
    attempt: UUID
    part: int
    shot: str | None = None  # which guided photo it is; a file in another's place is what that one was


@dataclass(frozen=True)
class Draft:
    """What is being written: the first version, or a correction of a returned submission."""

    submission: Submission
    version: SubmissionVersion
    filled: FilledForm


# Sent, and not yet decided: the person may send another version of it.
CHANGEABLE: Final = frozenset({State.WAITING, State.IN_REVIEW, State.ON_HOLD})

# Statements of the way each upload goes are built once: building one costs more than asking it.
_OFFICE: Final = bindparam("office", type_=Uuid())
_SUBMISSION: Final = bindparam("submission", type_=Uuid())
_MEMBER: Final = bindparam("member", type_=Uuid())
_OWN: Final = select(Submission).where(
    Submission.office_id == _OFFICE, Submission.id == _SUBMISSION, Submission.member_id == _MEMBER
)
_OWN_LOCKED: Final = _OWN.with_for_update()
_LATEST: Final = (
    select(SubmissionVersion)
    .where(SubmissionVersion.office_id == _OFFICE, SubmissionVersion.submission_id == _SUBMISSION)
    .order_by(SubmissionVersion.no.desc())
    .limit(1)
)
_TODAY: Final = bindparam("today", type_=UtcTime())


_BY_STAFF: Final = exists().where(  # a paper the office has sent her is none of the household's bytes
    MessageFile.office_id == StoredFile.office_id, MessageFile.file_id == StoredFile.id
)


def _bytes_of_household(table: type[StoredFile] | type[Upload], *which: ColumnElement[bool]) -> Any:
    members = select(Member.id).where(
        Member.office_id == _OFFICE, Member.household_id == bindparam("household", type_=Uuid())
    )
    reports = select(Submission.id).where(Submission.office_id == _OFFICE, Submission.member_id.in_(members))
    size = func.coalesce(func.sum(table.size), 0)  # not joined: SQLite would look at every file of the office
    return select(size).where(table.office_id == _OFFICE, table.submission_id.in_(reports), *which).scalar_subquery()


# Not a parameter: there is an index of the open ones, and with each new value SQLite would think again whether it fits.
_OPEN: Final[ColumnElement[UploadState]] = literal_column(f"'{UploadState.OPEN.value}'")
_HELD: Final = VersionFile.office_id == _OFFICE, VersionFile.version_id == SubmissionVersion.id
_ROOM: Final = Ready(
    select(
        Submission.state,
        SubmissionVersion.id,
        SubmissionVersion.sent_at.is_not(None),
        select(func.count()).where(*_HELD).scalar_subquery(),
        select(func.coalesce(func.max(VersionFile.position), 0)).where(*_HELD).scalar_subquery(),
        _bytes_of_household(StoredFile, StoredFile.received_at >= _TODAY, ~_BY_STAFF)
        + _bytes_of_household(Upload, Upload.state == _OPEN, Upload.created_at >= _TODAY),
        exists().where(StoredFile.office_id == _OFFICE, StoredFile.sha256 == bindparam("sha256", type_=Text())),
        exists().where(
            Upload.office_id == _OFFICE,
            Upload.submission_id == _SUBMISSION,
            Upload.attempt == bindparam("attempt", type_=Uuid()),
        ),
    )
    .where(
        Submission.office_id == _OFFICE,
        Submission.id == _SUBMISSION,
        Submission.member_id == _MEMBER,
        SubmissionVersion.office_id == _OFFICE,
        SubmissionVersion.submission_id == _SUBMISSION,
    )
    .order_by(SubmissionVersion.no.desc())
    .limit(1)
)


def start(session: Session, who: Recipient, kind: DutyKind, month: date) -> tuple[Submission, bool]:
    """The draft of this kind and month, and whether it was only begun now: then it has no version yet."""
    in_turn(session, PortalAccount, who.office_id, who.account_id)  # the second finds the first one's draft
    draft = session.scalar(
        select(Submission).where(
            Submission.office_id == who.office_id,
            Submission.member_id == who.member_id,
            Submission.kind == kind,
            Submission.month == month,
            Submission.state == State.DRAFT,
        )
    )
    if draft:
        return draft, False
    duty_id = session.scalar(
        select(Duty.id).where(
            Duty.office_id == who.office_id,
            Duty.member_id == who.member_id,
            Duty.kind == kind,
            Duty.month == month,
        )
    )
    submission = Submission(
        office_id=who.office_id,
        household_id=who.household_id,
        member_id=who.member_id,
        duty_id=duty_id,
        kind=kind,
        month=month,
        state=State.DRAFT,
        version_no=0,
    )
    session.add(submission)
    session.flush()
    return submission, True


def bare_version(session: Session, submission: Submission, no: int) -> SubmissionVersion:
    """A new version with nothing in it."""
    version = SubmissionVersion(office_id=submission.office_id, submission_id=submission.id, no=no)
    session.add(version)
    session.flush()
    return version


def own(session: Session, who: Recipient, submission_id: UUID, *, lock: bool = False) -> Submission:
    """The person's own submission.

    :raises NotThere: also for one that is somebody else's, in words that do not tell the two apart.
    """
    ids = {"office": who.office_id, "submission": submission_id, "member": who.member_id}
    found = session.scalar(_OWN_LOCKED if lock else _OWN, ids)
    if found is None:
        raise NotThere
    return found


def draft_of(session: Session, who: Recipient, submission_id: UUID, *, lock: bool = False) -> Draft:
    """What the person is writing.

    A returned submission gets its next version on the first change; until then the sent one is shown.

    :raises AlreadySent: if it is neither a draft nor returned.
    """
    submission, version = _written(session, who, submission_id, lock=lock)
    return Draft(submission, version, filled_of(session, version))


def _written(
    session: Session, who: Recipient, submission_id: UUID, *, lock: bool
) -> tuple[Submission, SubmissionVersion]:
    submission = own(session, who, submission_id, lock=lock)
    version = latest_version(session, submission)
    need_open(submission.state, is_sent=version.sent_at is not None)
    if lock and version.sent_at is not None:
        version = _copy(session, submission, version)
    return submission, version


def need_open(state: State, *, is_sent: bool) -> None:
    """What can be written: a draft, a returned submission, and one she is changing, so that a new version is begun.

    :param is_sent: whether the newest version is sent.
    :raises AlreadySent: otherwise.
    """
    if state not in (State.DRAFT, State.RETURNED) and (is_sent or state not in CHANGEABLE):
        raise AlreadySent


def change(session: Session, who: Recipient, submission_id: UUID) -> Draft:
    """Begin the next version of what was sent, unasked. Until it is sent, the sent one stands. Twice is once.

    :raises AlreadySent: if it is accepted, or taken back, or its files are just being looked at.
    """
    submission = own(session, who, submission_id, lock=True)
    if submission.state in CHANGEABLE:
        version = latest_version(session, submission)
        if version.sent_at is not None:
            _copy(session, submission, version)
    return draft_of(session, who, submission_id, lock=True)


def is_being_changed(session: Session, submission: Submission) -> bool:
    """Whether a newer version than the sent one is begun."""
    return submission.state in CHANGEABLE and latest_version(session, submission).no > submission.version_no


def latest_version(session: Session, submission: Submission) -> SubmissionVersion:
    """The newest version, sent or still being written."""
    return session.scalars(_LATEST, {"office": submission.office_id, "submission": submission.id}).one()


def sent_version(session: Session, submission: Submission) -> SubmissionVersion:
    """The version that was last sent.

    :raises NotThere: for a draft.
    """
    return sent_version_of_each(session, [submission])[submission.id]


def sent_version_of_each(session: Session, submissions: Sequence[Submission]) -> dict[UUID, SubmissionVersion]:
    """The versions that were last sent of several submissions of one office, in one question.

    :raises NotThere: if one is a draft.
    """
    if not submissions:
        return {}
    rows = session.scalars(
        select(SubmissionVersion)
        .join(Submission, LAST_SENT)
        .where(Submission.office_id == submissions[0].office_id, Submission.id.in_([one.id for one in submissions]))
    )
    found = {version.submission_id: version for version in rows}
    if any(one.id not in found for one in submissions):
        raise NotThere
    return found


def sent_versions(session: Session, submission: Submission) -> list[SubmissionVersion]:
    """Every version that was sent, the first one first.

    :raises NotThere: for a draft.
    """
    found = session.scalars(
        select(SubmissionVersion)
        .where(
            SubmissionVersion.office_id == submission.office_id,
            SubmissionVersion.submission_id == submission.id,
            SubmissionVersion.sent_at.is_not(None),
        )
        .order_by(SubmissionVersion.no)
    ).all()
    if not found:
        raise NotThere
    return list(found)


def filled_of(session: Session, version: SubmissionVersion) -> FilledForm:
    """What a version says."""
    return session.get_one(FilledForm, (version.office_id, version.id))


def files_of(session: Session, version: SubmissionVersion) -> list[StoredFile]:
    """The files a version is sent with, in their order."""
    return files_of_each(session, [version])[version.id]


def files_of_each(session: Session, versions: Sequence[SubmissionVersion]) -> dict[UUID, list[StoredFile]]:
    """``files_of`` for several versions of one office, in one question."""
    found: dict[UUID, list[StoredFile]] = {version.id: [] for version in versions}
    if not versions:
        return found
    rows = session.execute(
        select(VersionFile.version_id, StoredFile)
        .join(
            VersionFile,
            (VersionFile.office_id == StoredFile.office_id) & (VersionFile.file_id == StoredFile.id),
        )
        .where(VersionFile.office_id == versions[0].office_id, VersionFile.version_id.in_(found))
        .order_by(VersionFile.version_id, VersionFile.position)
    )
    for version_id, file in rows:
        found[version_id].append(file)
    return found


def _copy(session: Session, submission: Submission, sent: SubmissionVersion) -> SubmissionVersion:
    filled = filled_of(session, sent)
    version = bare_version(session, submission, sent.no + 1)
    fill(session, version, filled.form_version, filled.answers, filled.message_id)
    if paper := session.get(AbsentPaper, (sent.office_id, sent.id)):
        said = {"why": paper.why, "done_at": paper.done_at}
        session.add(AbsentPaper(office_id=version.office_id, version_id=version.id, **said))
    for position, file in enumerate(files_of(session, sent), start=1):
        session.add(VersionFile(office_id=version.office_id, version_id=version.id, file_id=file.id, position=position))
    session.flush()
    return version


def fill(
    session: Session,
    version: SubmissionVersion,
    form_version: int,
    answers: dict[str, Any],
    message_id: UUID | None = None,
) -> FilledForm:
    """The answers of a new version."""
    filled = FilledForm(
        office_id=version.office_id,
        id=version.id,
        form_version=form_version,
        answers=answers,
        message_id=message_id,
    )
    session.add(filled)
    session.flush()
    return filled


def absent_paper(session: Session, version: SubmissionVersion) -> WhyAbsent | None:
    """Why a paper is not with a version, if that was said."""
    row = session.get(AbsentPaper, (version.office_id, version.id))
    return row.why if row else None


def say_absent(session: Session, who: Recipient, submission_id: UUID, why: WhyAbsent | None) -> None:
    """Keep why a paper is not there; None takes it back.

    :raises AlreadySent: if another page or phone has sent it.
    """
    _, version = _written(session, who, submission_id, lock=True)
    row = session.get(AbsentPaper, (version.office_id, version.id))
    if row is not None and why is not None:
        row.why = why
    elif row is not None:
        session.delete(row)
    elif why is not None:
        session.add(AbsentPaper(office_id=version.office_id, version_id=version.id, why=why))
    session.flush()


def attach(
    session: Session,
    who: Recipient,
    submission_id: UUID,
    arrived: Arrived,
    *,
    limit: int,
    day_limit: int | None = None,
    replaces: UUID | None = None,
) -> StoredFile:
    """Add a file whose bytes are durable, and promise its safe copy in the same transaction.

    A second tap carries the same ``attempt`` and ``part`` and gets the same row.

    :param limit: files a version may hold.
    :param day_limit: bytes the household may send in a day; None where that was asked before the bytes came.
    :param replaces: a file that goes out and leaves its place to this one; one that is not held is not missed.
    :raises TooManyFiles: if the version already holds ``limit`` files.
    :raises TooMuchToday: if the household has sent too much today.
    """
    submission = own(session, who, submission_id, lock=True)
    seen = room(session, who, submission_id, arrived.sha256)
    need_open(seen.state, is_sent=seen.is_sent)
    earlier = file_of_attempt(session, submission, arrived.attempt, arrived.part)
    if earlier:
        return earlier
    file_id = add(session, who, submission_id, seen, arrived, limit=limit, day_limit=day_limit, replaces=replaces)
    return session.get_one(StoredFile, (who.office_id, file_id))


def add(
    session: Session,
    who: Recipient,
    submission_id: UUID,
    seen: Room,
    arrived: Arrived,
    *,
    limit: int,
    day_limit: int | None = None,
    replaces: UUID | None = None,
) -> UUID:
    """``attach`` for callers that hold the submission's lock, have asked ``room``, and know that it is no second tap.

    :raises AlreadySent: besides what ``attach`` raises.
    """
    need_open(seen.state, is_sent=seen.is_sent)
    if seen.is_sent:  # a returned report gets its next version on the first change
        _written(session, who, submission_id, lock=True)
        seen = room(session, who, submission_id, arrived.sha256)
    seen.need_today(arrived.size, day_limit)
    old = session.get(VersionFile, (who.office_id, seen.version_id, replaces)) if replaces else None
    seen.need_place(limit + (old is not None))
    if old:
        if arrived.shot is None:
            arrived = replace(arrived, shot=session.get_one(StoredFile, (who.office_id, old.file_id)).shot)
        session.delete(old)
    file_id = put(session, who, submission_id, seen.version_id, arrived, old.position if old else seen.last + 1)
    if seen.same_bytes:
        note_same(session, session.get_one(StoredFile, (who.office_id, file_id)))
    return file_id


def put(
    place: Session | Writer, who: Recipient, submission_id: UUID, version_id: UUID, arrived: Arrived, position: int
) -> UUID:
    """Write the rows of a file for which there is a place: the file, where it stands, and the task of its safe copy."""
    file_id, now = new_id(), clock.now()
    insert_row(
        place,
        StoredFile,
        office_id=who.office_id,
        id=file_id,
        created_at=now,
        submission_id=submission_id,
        attempt=arrived.attempt,
        part=arrived.part,
        name=arrived.name,
        kind=arrived.kind,
        size=arrived.size,
        sha256=arrived.sha256,
        key=arrived.key,
        shot=arrived.shot,
        state=FileState.RECEIVED,
        received_at=now,
    )
    insert_row(place, VersionFile, office_id=who.office_id, version_id=version_id, file_id=file_id, position=position)
    promise(place, who.office_id, Job.MAKE_SAFE_COPY, file_id)
    return file_id


@dataclass(frozen=True)
class Room:
    """What a file that wants to be added to a submission finds."""

    state: State
    version_id: UUID  # the newest
    is_sent: bool  # that version is: the next one is not begun yet
    held: int  # files of the version
    last: int  # position of the last one
    today: int  # bytes of the household on this day; what has been begun counts like what has arrived
    same_bytes: bool  # somebody of the office has sent the same bytes before
    attempt_known: bool  # an upload of this attempt was begun before

    def need_place(self, limit: int) -> None:
        """:raises TooManyFiles: if the version already holds ``limit`` files."""
        if self.held >= limit:
            raise TooManyFiles

    def need_today(self, size: int, limit: int | None) -> None:
        """:raises TooMuchToday: if with ``size`` bytes more the household comes above ``limit`` bytes on this day."""
        if limit is not None and self.today + size > limit:
            raise TooMuchToday


def room(
    place: Session | Writer, who: Recipient, submission_id: UUID, sha256: str | None = None, attempt: UUID | None = None
) -> Room:
    """What a file that wants to be added finds, in one query. The caller holds the lock of the submission.

    :raises NotThere: for a submission that is not hers.
    """
    given = {
        "office": who.office_id,
        "submission": submission_id,
        "member": who.member_id,
        "household": who.household_id,
        "today": clock.start_of(clock.today()),
        "sha256": sha256,
        "attempt": attempt,
    }
    found = _ROOM.on(place, given)
    if not found:
        raise NotThere
    return Room(*found[0])


def hold(session: Session, who: Recipient, submission_id: UUID) -> None:
    """Take the lock of a submission, without looking at it. On SQLite whoever writes is alone anyway."""
    if session.get_bind().dialect.name != "sqlite":
        own(session, who, submission_id, lock=True)


def file_of_attempt(session: Session, submission: Submission, attempt: UUID, part: int) -> StoredFile | None:
    """The file an earlier tap of the same form has brought, if any."""
    return session.scalar(
        select(StoredFile).where(
            StoredFile.office_id == submission.office_id,
            StoredFile.submission_id == submission.id,
            StoredFile.attempt == attempt,
            StoredFile.part == part,
        )
    )


def remove(session: Session, who: Recipient, submission_id: UUID, file_id: UUID) -> None:
    """Take a file out of what is being written. A version already sent keeps it. Twice is once."""
    _, version = _written(session, who, submission_id, lock=True)
    link = session.get(VersionFile, (who.office_id, version.id, file_id))
    if link:
        session.delete(link)
        session.flush()


def move(session: Session, who: Recipient, submission_id: UUID, file_id: UUID, *, up: bool) -> None:
    """Let a file of what is being written change places with the one before it (``up``) or after it.

    At the end of the row, or for a file that is no longer held, nothing happens.
    """
    _, version = _written(session, who, submission_id, lock=True)
    held = list(
        session.scalars(
            select(VersionFile)
            .where(VersionFile.office_id == version.office_id, VersionFile.version_id == version.id)
            .order_by(VersionFile.position, VersionFile.file_id)
        )
    )
    at = next((place for place, link in enumerate(held) if link.file_id == file_id), None)
    to = None if at is None else at + (-1 if up else 1)
    if at is not None and to is not None and 0 <= to < len(held):
        held[at], held[to] = held[to], held[at]
        for position, link in enumerate(held, start=1):
            link.position = position
        session.flush()
