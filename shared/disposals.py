"""Lists of what is to be destroyed, and the log of what was: frozen rows for show, without a name or a byte."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session, aliased

from shared.errors import NotThere
from shared.model import (
    Disposal,
    DisposalItem,
    DisposalState,
    Household,
    Job,
    Kept,
    LegalHold,
    RetentionRule,
    StaffMember,
    StoredFile,
    Submission,
    Task,
)
from shared.sign_in import Staff

PAGE: Final = 50  # lines of the log on one page


@dataclass(frozen=True)
class ListRow:
    """One list. ``things`` counts what is on it by kind."""

    id: UUID
    state: DisposalState
    proposed_by: str
    proposed_by_id: UUID
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    done_at: datetime | None
    stuck: bool  # the worker gave up; somebody may let it go on
    things: dict[Kept, int]
    spared: int

    @property
    def size(self) -> int:
        return sum(self.things.values())


@dataclass(frozen=True)
class ReportRow:
    """What is on a list of one submission and kind. ``number`` is None for one that was never sent."""

    number: str | None
    what: Kept
    count: int
    since: date
    due_on: date


@dataclass(frozen=True)
class EndRow:
    """One line of the destruction log."""

    disposal_id: UUID
    number: str | None
    what: Kept
    sha256: str
    since: date
    due_on: date
    destroyed_at: datetime | None
    spared_because: str | None
    proposed_by: str
    approved_by: str
    approved_at: datetime | None


@dataclass(frozen=True)
class HoldRow:
    """One hold."""

    id: UUID
    case_no: str
    reason: str
    placed_by: str
    placed_at: datetime
    lifted_by: str | None
    lifted_at: datetime | None


@dataclass(frozen=True)
class RuleRow:
    """One rule. ``counts``: it is the one in force on the day that was asked about."""

    what: Kept
    days: int
    from_day: date
    source: str
    set_by: str | None
    counts: bool


def rules(session: Session, who: Staff, day: date) -> list[RuleRow]:
    """Every rule of the office, the newest first: those to come, the ones that count, those before."""
    found = session.execute(
        select(RetentionRule, StaffMember.name)
        .outerjoin(
            StaffMember,
            and_(StaffMember.office_id == RetentionRule.office_id, StaffMember.id == RetentionRule.set_by),
        )
        .where(RetentionRule.office_id == who.office_id)
        .order_by(RetentionRule.from_day.desc())
    ).all()
    in_force: dict[Kept, UUID] = {}
    for rule, _ in found:
        if rule.from_day <= day:
            in_force.setdefault(rule.what, rule.id)
    return [
        RuleRow(rule.what, rule.days, rule.from_day, rule.source, name, in_force.get(rule.what) == rule.id)
        for rule, name in found
    ]


def lists(session: Session, who: Staff, *, most: int = 20) -> list[ListRow]:
    """The newest lists of the office, those that still want somebody first."""
    waiting = Disposal.state.in_((DisposalState.PROPOSED, DisposalState.APPROVED))
    ids = session.scalars(
        select(Disposal.id)
        .where(Disposal.office_id == who.office_id)
        .order_by(waiting.desc(), Disposal.created_at.desc())
        .limit(most)
    ).all()
    rows = _rows(session, who, list(ids))
    return [rows[one] for one in ids]


def one(session: Session, who: Staff, disposal_id: UUID) -> ListRow:
    """:raises NotThere: for another office's, or none."""
    found = _rows(session, who, [disposal_id])
    if not found:
        raise NotThere
    return found[disposal_id]


def _rows(session: Session, who: Staff, ids: list[UUID]) -> dict[UUID, ListRow]:
    proposer, decider = aliased(StaffMember), aliased(StaffMember)
    found = session.execute(
        select(Disposal, proposer.name, decider.name, Task.gave_up_at)
        .join(proposer, and_(proposer.office_id == Disposal.office_id, proposer.id == Disposal.proposed_by))
        .outerjoin(decider, and_(decider.office_id == Disposal.office_id, decider.id == Disposal.decided_by))
        .outerjoin(
            Task,
            and_(Task.office_id == Disposal.office_id, Task.subject_id == Disposal.id, Task.job == Job.DESTROY),
        )
        .where(Disposal.office_id == who.office_id, Disposal.id.in_(ids))
    ).all()
    things: dict[UUID, dict[Kept, int]] = {}
    spared: dict[UUID, int] = {}
    counted = session.execute(
        select(DisposalItem.disposal_id, DisposalItem.what, func.count(), func.count(DisposalItem.spared_because))
        .where(DisposalItem.office_id == who.office_id, DisposalItem.disposal_id.in_(ids))
        .group_by(DisposalItem.disposal_id, DisposalItem.what)
        .order_by(DisposalItem.what)
    )
    for disposal_id, what, count, kept in counted:
        things.setdefault(disposal_id, {})[what] = count
        spared[disposal_id] = spared.get(disposal_id, 0) + kept
    return {
        disposal.id: ListRow(
            id=disposal.id,
            state=disposal.state,
            proposed_by=proposed_by,
            proposed_by_id=disposal.proposed_by,
            proposed_at=disposal.created_at,
            decided_by=decided_by,
            decided_at=disposal.decided_at,
            done_at=disposal.done_at,
            stuck=disposal.state is DisposalState.APPROVED and gave_up is not None,
            things=things.get(disposal.id, {}),
            spared=spared.get(disposal.id, 0),
        )
        for disposal, proposed_by, decided_by, gave_up in found
    }


def reports(session: Session, who: Staff, disposal_id: UUID) -> list[ReportRow]:
    """What is on a list, by submission and kind, the longest kept first."""
    found = session.execute(
        select(
            Submission.number,
            DisposalItem.what,
            func.count(),
            func.min(DisposalItem.since),
            func.max(DisposalItem.due_on),
        )
        .join(StoredFile, and_(StoredFile.office_id == DisposalItem.office_id, StoredFile.id == DisposalItem.file_id))
        .join(Submission, and_(Submission.office_id == StoredFile.office_id, Submission.id == StoredFile.submission_id))
        .where(DisposalItem.office_id == who.office_id, DisposalItem.disposal_id == disposal_id)
        .group_by(Submission.office_id, Submission.id, Submission.number, DisposalItem.what)
        .order_by(func.min(DisposalItem.since), Submission.number, DisposalItem.what)
    )
    return [ReportRow(*row) for row in found]


def log(session: Session, who: Staff, page: int, disposal_id: UUID | None = None) -> tuple[list[EndRow], int]:
    """One page of the destruction log, the newest end first, and how many pages there are."""
    proposer, decider = aliased(StaffMember), aliased(StaffMember)
    ended = [
        DisposalItem.office_id == who.office_id,
        DisposalItem.destroyed_at.is_not(None) | DisposalItem.spared_because.is_not(None),
    ]
    if disposal_id:
        ended.append(DisposalItem.disposal_id == disposal_id)
    total = session.scalar(select(func.count()).select_from(DisposalItem).where(*ended)) or 0
    found = session.execute(
        select(DisposalItem, Disposal.decided_at, Submission.number, proposer.name, decider.name)
        .join(Disposal, and_(Disposal.office_id == DisposalItem.office_id, Disposal.id == DisposalItem.disposal_id))
        .join(StoredFile, and_(StoredFile.office_id == DisposalItem.office_id, StoredFile.id == DisposalItem.file_id))
        .join(Submission, and_(Submission.office_id == StoredFile.office_id, Submission.id == StoredFile.submission_id))
        .join(proposer, and_(proposer.office_id == Disposal.office_id, proposer.id == Disposal.proposed_by))
        .join(decider, and_(decider.office_id == Disposal.office_id, decider.id == Disposal.decided_by))
        .where(*ended)
        .order_by(Disposal.decided_at.desc(), DisposalItem.id.desc())
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    )
    rows = [
        EndRow(
            disposal_id=item.disposal_id,
            number=number,
            what=item.what,
            sha256=item.sha256,
            since=item.since,
            due_on=item.due_on,
            destroyed_at=item.destroyed_at,
            spared_because=item.spared_because,
            proposed_by=proposed_by,
            approved_by=approved_by,
            approved_at=approved_at,
        )
        for item, approved_at, number, proposed_by, approved_by in found
    ]
    return rows, max(1, -(-total // PAGE))


def holds(session: Session, who: Staff, *, most: int = 200) -> list[HoldRow]:
    """The holds of the office: those that stand first, then the newest of those that were lifted."""
    placer, lifter = aliased(StaffMember), aliased(StaffMember)
    found = session.execute(
        select(LegalHold, Household.case_no, placer.name, lifter.name)
        .join(Household, and_(Household.office_id == LegalHold.office_id, Household.id == LegalHold.household_id))
        .join(placer, and_(placer.office_id == LegalHold.office_id, placer.id == LegalHold.placed_by))
        .outerjoin(lifter, and_(lifter.office_id == LegalHold.office_id, lifter.id == LegalHold.lifted_by))
        .where(LegalHold.office_id == who.office_id)
        .order_by(LegalHold.lifted_at.is_(None).desc(), LegalHold.created_at.desc())
        .limit(most)
    )
    return [
        HoldRow(hold.id, case_no, hold.reason, placed_by, hold.created_at, lifted_by, hold.lifted_at)
        for hold, case_no, placed_by, lifted_by in found
    ]
