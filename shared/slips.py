"""What a submission says, as frozen rows for show: the slip, the review desk and the certificate read the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, TypeGuard
from uuid import UUID

from sqlalchemy import Select, Uuid, and_, bindparam, select
from sqlalchemy.orm import Session

from shared import absent, drafts, likeness, reasons
from shared.filled import declared as declared_form
from shared.filled import declared_of_each
from shared.model import (
    LAST_SENT,
    NOT_STANDING,
    AbsentPaper,
    Correction,
    CorrectionItem,
    CorrectionReason,
    DutyKind,
    FileState,
    FilledForm,
    How,
    Likeness,
    Member,
    Receipt,
    ReceiptState,
    SafeCopy,
    State,
    StoredFile,
    Submission,
    SubmissionVersion,
    VersionFile,
    WhyAbsent,
)
from shared.rules.forms import form
from shared.rules.forms.form import Answer, Form, Place, Question
from shared.rules.names import shown
from shared.session import each_by_id
from shared.sign_in import Recipient


@dataclass(frozen=True)
class LikeRow:
    """An earlier file of the household that this one is like, for a warning that never blocks."""

    how: How
    file_id: UUID
    name: str
    received_at: datetime
    number: str | None  # of its submission; None while that is a draft
    month: date
    member_id: UUID  # whose it is: the portal tells nobody what another member of the household has sent


@dataclass(frozen=True)
class FileRow:
    """One file as people see it. ``size`` is bytes of what was sent; ``pages`` is None until it is looked at."""

    id: UUID
    name: str
    kind: str
    size: int
    sha256: str
    shot: str | None  # which guided photo it is
    state: FileState
    refused_because: str | None
    pages: int | None
    received_at: datetime
    has_copy: bool  # all its safe pages stand in one PDF
    original_destroyed_at: datetime | None
    copies_destroyed_at: datetime | None
    thumbs_destroyed_at: datetime | None
    like: LikeRow | None


@dataclass(frozen=True)
class SaidRow:
    """One answer of a declared form, for show. ``id`` is its place in the form; see ``rules.forms.form.Place``."""

    id: str
    screen: str
    row: int | None  # counted from 0, where a screen may be filled in several times
    of: int  # how many rows there are
    page: str | None  # of the row, where it has pages
    month: date  # of the form
    question: Question
    answer: Answer | None
    member: str  # the name, where the answer is a member of the household
    danger: bool

    @property
    def is_said(self) -> bool:
        """Whether it belongs on a paper: what need not be answered, and is not, says nothing."""
        return self.question.needed or self.answer not in (None, [])


@dataclass(frozen=True)
class ItemRow:
    """One thing asked for again. ``file`` or ``value`` says what."""

    file: FileRow | None
    value: str | None
    reason: str  # a code of ``shared.reasons``
    label: str  # what staff call that reason now
    said: str  # what the person was shown, in Japanese
    said_in: Mapping[str, str]  # and in other languages
    detail: str


@dataclass(frozen=True)
class CorrectionRow:
    """A request for correction about version ``version_no``."""

    version_no: int
    asked_at: datetime
    by_machine: bool
    memo: str
    items: list[ItemRow]


@dataclass(frozen=True)
class SentFile:
    """How one file of something sent stands."""

    name: str
    state: FileState
    refused_because: str | None


@dataclass(frozen=True)
class SentRow:
    """Something sent, as a line of a list, with the files of the version that was sent last."""

    id: UUID
    kind: DutyKind
    month: date
    number: str | None
    state: State
    arrived_at: datetime | None
    answer_by: date | None
    files: list[SentFile]

    @property
    def safe(self) -> int:
        """How many files can be seen by staff."""
        return sum(file.state is FileState.SAFE for file in self.files)

    @property
    def looked_at(self) -> int:
        """How many are just being looked at."""
        return sum(file.state in (FileState.RECEIVED, FileState.CHECKED) for file in self.files)

    @property
    def refused(self) -> list[SentFile]:
        """Those that could not be opened."""
        return [file for file in self.files if file.state is FileState.REFUSED]


_FILES_SENT: Final = (
    select(SubmissionVersion.submission_id, StoredFile.name, StoredFile.state, StoredFile.refused_because)
    .join(Submission, LAST_SENT)
    .join(
        VersionFile,
        (VersionFile.office_id == SubmissionVersion.office_id) & (VersionFile.version_id == SubmissionVersion.id),
    )
    .join(StoredFile, (StoredFile.office_id == VersionFile.office_id) & (StoredFile.id == VersionFile.file_id))
    .where(
        SubmissionVersion.office_id == bindparam("office", type_=Uuid()),
        SubmissionVersion.submission_id.in_(bindparam("ids", expanding=True, type_=Uuid())),
    )
    .order_by(VersionFile.position, StoredFile.id)
)


@dataclass(frozen=True)
class Slip:
    """A submission in one version, whole."""

    id: UUID
    kind: DutyKind
    number: str | None
    state: State
    revision: int
    urgent: bool
    month: date
    member: str
    household_id: UUID
    arrived_at: datetime | None  # the first arrival
    version_no: int  # of this version
    sent_at: datetime | None  # of this version
    look_by: date | None
    answer_by: date | None
    said: list[SaidRow]
    absent: WhyAbsent | None  # why a paper is not with it
    absent_done_at: datetime | None  # when she said that it is done
    owed: bool  # a paper that she wants to send later
    files: list[FileRow]
    correction: CorrectionRow | None  # the last one that was asked
    receipt_id: UUID | None
    receipt_ready: bool  # the PDF is drawn


def slip(session: Session, submission: Submission, version: SubmissionVersion | None = None) -> Slip:
    """The submission as it was last sent, or in ``version``."""
    return each(session, [(submission, version or drafts.sent_version(session, submission))])[0]


def each(session: Session, wanted: Sequence[tuple[Submission, SubmissionVersion]]) -> list[Slip]:
    """Several submissions of one office, each in one version, in as many questions as for one."""
    if not wanted:
        return []
    submissions, versions = [one for one, _ in wanted], [version for _, version in wanted]
    office_id, ids = submissions[0].office_id, [version.id for version in versions]
    papers = each_by_id(session, AbsentPaper, office_id, ids)
    filled = each_by_id(session, FilledForm, office_id, ids)
    declared = declared_of_each(session, submissions)
    answered = [_Answered(declared[submission.id], filled[version.id]) for submission, version in wanted]
    people = {one.member_id for one in submissions}.union(*(one.named() for one in answered))
    members = each_by_id(session, Member, office_id, people)
    receipts = _receipts(session, submissions)
    files = drafts.files_of_each(session, versions)
    likes = _likes(session, [file for some in files.values() for file in some])
    corrections = _last_corrections(session, submissions)
    slips = []
    for (submission, version), answers in zip(wanted, answered, strict=True):
        paper, receipt = papers.get(version.id), receipts.get(submission.id)
        slips.append(
            Slip(
                id=submission.id,
                kind=submission.kind,
                number=submission.number,
                state=submission.state,
                revision=submission.revision,
                urgent=submission.urgent,
                month=submission.month,
                member=members[submission.member_id].name,
                household_id=submission.household_id,
                arrived_at=submission.arrived_at,
                version_no=version.no,
                sent_at=version.sent_at,
                look_by=submission.look_by,
                answer_by=submission.answer_by,
                said=answers.rows(submission, members),
                absent=paper.why if paper else None,
                absent_done_at=paper.done_at if paper else None,
                owed=absent.is_owed(paper, submission.state),
                files=[file_row(file, likes.get(file.id)) for file in files[version.id]],
                correction=corrections.get(submission.id),
                receipt_id=receipt.id if receipt else None,
                receipt_ready=bool(receipt and receipt.pdf_key),
            )
        )
    return slips


def _receipts(session: Session, submissions: Sequence[Submission]) -> dict[UUID, Receipt]:
    """The certificates that stand, by their submissions."""
    rows = session.scalars(
        select(Receipt).where(
            Receipt.office_id == submissions[0].office_id,
            Receipt.submission_id.in_([one.id for one in submissions]),
            Receipt.state == ReceiptState.ISSUED,
        )
    )
    return {receipt.submission_id: receipt for receipt in rows}


def said(session: Session, submission: Submission, filled: FilledForm) -> list[SaidRow]:
    """The answers of a form, in the order they were asked, with what is not answered yet."""
    answered = _Answered(declared_form(session, submission), filled)
    return answered.rows(submission, each_by_id(session, Member, submission.office_id, answered.named()))


class _Answered:
    """The places of a form with what stands there."""

    def __init__(self, declared: Form, filled: FilledForm) -> None:
        self._answers = filled.answers
        self._places = list(form.places(declared, filled.answers))
        self._dangers = {place.id for place in form.dangers(declared, filled.answers)}

    def named(self) -> set[UUID]:
        """The members of the household that are answers."""
        return {UUID(answer) for place, answer in self._places if _is_member(answer, place)}

    def rows(self, submission: Submission, members: Mapping[UUID, Member]) -> list[SaidRow]:
        """The same for show.

        :param members: at least those who are named.
        """
        rows = []
        for place, answer in self._places:
            name = members[UUID(answer)].name if _is_member(answer, place) else ""
            page = place.screen.page_of(place.question.key)
            rows.append(
                SaidRow(
                    id=place.id,
                    screen=place.screen.key,
                    row=place.row,
                    of=0 if place.row is None else len(self._answers[place.screen.key]),
                    page=page,
                    month=submission.month,
                    question=place.question,
                    answer=answer,
                    member=name,
                    danger=place.id in self._dangers,
                )
            )
        return rows


def _is_member(answer: Answer | None, place: Place) -> TypeGuard[str]:
    return place.question.ask is form.Ask.MEMBER and isinstance(answer, str)


def _maybe(file: StoredFile | None) -> FileRow | None:
    return None if file is None else file_row(file)


def file_row(file: StoredFile, like: LikeRow | None = None) -> FileRow:
    """A file for show."""
    return FileRow(
        id=file.id,
        name=shown(file.name),
        kind=file.kind,
        size=file.size,
        sha256=file.sha256,
        shot=file.shot,
        state=file.state,
        refused_because=file.refused_because,
        pages=file.pages,
        received_at=file.received_at,
        has_copy=file.copy_key is not None and file.copies_destroyed_at is None,
        original_destroyed_at=file.original_destroyed_at,
        copies_destroyed_at=file.copies_destroyed_at,
        thumbs_destroyed_at=file.thumbs_destroyed_at,
        like=like,
    )


def file_rows(session: Session, files: list[StoredFile]) -> list[FileRow]:
    """Files for show, each with the earlier file it is like, in one query for all of them."""
    likes = _likes(session, files)
    return [file_row(file, likes.get(file.id)) for file in files]


def _likes(session: Session, files: list[StoredFile]) -> dict[UUID, LikeRow]:
    """Same bytes before a look alike, and of these the newest. What was taken back meanwhile is no duplicate."""
    if not files:
        return {}
    found = session.execute(
        select(Likeness, StoredFile, Submission)
        .join(StoredFile, and_(StoredFile.office_id == Likeness.office_id, StoredFile.id == Likeness.earlier_id))
        .join(Submission, likeness.in_its_submission())
        .where(
            Likeness.office_id == files[0].office_id,
            Likeness.file_id.in_([file.id for file in files]),
            likeness.stands(),
        )
        .order_by(Likeness.how, StoredFile.received_at, StoredFile.id)  # "alike" before "same": the last one stays
    ).all()
    return {
        like.file_id: LikeRow(
            how=like.how,
            file_id=earlier.id,
            name=shown(earlier.name),
            received_at=earlier.received_at,
            number=submission.number,
            month=submission.month,
            member_id=submission.member_id,
        )
        for like, earlier, submission in found
    }


def last_correction(session: Session, submission: Submission) -> CorrectionRow | None:
    """The newest request for correction, answered or not."""
    return _last_corrections(session, [submission]).get(submission.id)


def _last_corrections(session: Session, submissions: Sequence[Submission]) -> dict[UUID, CorrectionRow]:
    office_id = submissions[0].office_id
    rows = session.execute(
        select(Correction, SubmissionVersion.no)
        .join(
            SubmissionVersion,
            (SubmissionVersion.office_id == Correction.office_id) & (SubmissionVersion.id == Correction.version_id),
        )
        .where(
            Correction.office_id == office_id,
            Correction.submission_id.in_([one.id for one in submissions]),
            Correction.taken_back_at.is_(None),
        )
        .order_by(SubmissionVersion.no)  # the last one stays
    )
    newest = {correction.submission_id: (correction, version_no) for correction, version_no in rows}
    if not newest:
        return {}
    items: dict[UUID, list[ItemRow]] = {correction.id: [] for correction, _ in newest.values()}
    for item, file, label in session.execute(
        select(CorrectionItem, StoredFile, CorrectionReason.label)
        .outerjoin(
            StoredFile,
            (StoredFile.office_id == CorrectionItem.office_id) & (StoredFile.id == CorrectionItem.file_id),
        )
        .outerjoin(
            CorrectionReason,
            (CorrectionReason.office_id == CorrectionItem.office_id) & (CorrectionReason.code == CorrectionItem.reason),
        )
        .where(CorrectionItem.office_id == office_id, CorrectionItem.correction_id.in_(items))
        .order_by(CorrectionItem.id)
    ):
        items[item.correction_id].append(
            ItemRow(
                file=_maybe(file),
                value=item.value,
                reason=item.reason,
                label=reasons.label_of(item.reason, label),
                said=item.said,
                said_in=item.said_in,
                detail=item.detail,
            )
        )
    return {
        submission_id: CorrectionRow(
            version_no=version_no,
            asked_at=correction.asked_at,
            by_machine=correction.asked_by is None,
            memo=correction.memo,
            items=items[correction.id],
        )
        for submission_id, (correction, version_no) in newest.items()
    }


def sent_by(session: Session, who: Recipient) -> list[SentRow]:
    """Everything the person has sent, newest arrival first. However much it is, it takes two queries."""
    return _lines(session, _sent(who))


def lately(session: Session, who: Recipient, most: int) -> tuple[list[SentRow], list[SentRow]]:
    """What came back to the person, all of it, and of the rest what arrived last."""
    returned = _lines(session, _sent(who).where(Submission.state == State.RETURNED))
    return returned, _lines(session, _sent(who).where(Submission.state != State.RETURNED).limit(most))


def owed_by(session: Session, who: Recipient) -> list[SentRow]:
    """What the person has sent with a paper promised for later; not what came back, where she is asked anyway."""
    promised = (
        _sent(who)
        .join(SubmissionVersion, LAST_SENT)
        .join(
            AbsentPaper,
            and_(AbsentPaper.office_id == SubmissionVersion.office_id, AbsentPaper.version_id == SubmissionVersion.id),
        )
        .where(
            AbsentPaper.why == WhyAbsent.LATER,
            AbsentPaper.done_at.is_(None),
            Submission.state.not_in((State.RETURNED, State.WITHDRAWN, State.VOIDED)),
        )
    )
    return _lines(session, promised)


def _sent(who: Recipient) -> Select[Submission]:
    return (
        select(Submission)
        .where(
            Submission.office_id == who.office_id,
            Submission.member_id == who.member_id,
            Submission.state != State.DRAFT,
        )
        .order_by(Submission.arrived_at.desc())
    )


def _lines(session: Session, query: Select[Submission]) -> list[SentRow]:
    found = session.scalars(query).all()
    files: dict[UUID, list[SentFile]] = {}
    if found:
        ids = [submission.id for submission in found]
        for submission_id, name, state, because in session.execute(
            _FILES_SENT, {"office": found[0].office_id, "ids": ids}
        ):
            files.setdefault(submission_id, []).append(SentFile(shown(name), state, because))
    return [
        SentRow(
            id=submission.id,
            kind=submission.kind,
            month=submission.month,
            number=submission.number,
            state=submission.state,
            arrived_at=submission.arrived_at,
            answer_by=submission.answer_by,
            files=files.get(submission.id, []),
        )
        for submission in found
    ]


def _standing(who: Recipient) -> Select[Submission]:
    """What the person has sent and not taken back."""
    return select(Submission).where(
        Submission.office_id == who.office_id,
        Submission.member_id == who.member_id,
        Submission.state.not_in(NOT_STANDING),
    )


def sent_for(session: Session, who: Recipient, kind: DutyKind, month: date) -> list[Slip]:
    """What the person has sent in this form for ``month`` and not taken back, oldest first."""
    rows = session.scalars(
        _standing(who).where(Submission.kind == kind, Submission.month == month).order_by(Submission.arrived_at)
    ).all()
    versions = drafts.sent_version_of_each(session, rows)
    return each(session, [(submission, versions[submission.id]) for submission in rows])


def member_of(session: Session, submission: Submission) -> str:
    """Who sent it, by name."""
    return session.get_one(Member, (submission.office_id, submission.member_id)).name


def pages_of(session: Session, office_id: UUID, file_id: UUID) -> list[SafeCopy]:
    """The safe pages of a file, in order."""
    return list(
        session.scalars(
            select(SafeCopy).where(SafeCopy.office_id == office_id, SafeCopy.file_id == file_id).order_by(SafeCopy.page)
        )
    )


def first_pages(session: Session, office_id: UUID, submission_id: UUID, most: int) -> list[SafeCopy]:
    """The first safe pages of the first file of what was last sent; none while it is being looked at."""
    first = (
        select(VersionFile.file_id)
        .join(
            SubmissionVersion,
            and_(SubmissionVersion.office_id == VersionFile.office_id, SubmissionVersion.id == VersionFile.version_id),
        )
        .join(Submission, LAST_SENT)
        .where(Submission.office_id == office_id, Submission.id == submission_id)
        .order_by(VersionFile.position)
        .limit(1)
    )
    return list(
        session.scalars(
            select(SafeCopy)
            .where(SafeCopy.office_id == office_id, SafeCopy.file_id == first.scalar_subquery())
            .order_by(SafeCopy.page)
            .limit(most)
        )
    )
