"""What is due: opened month by month, and shown to the person as 今月やること."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import drafts
from shared.model import Duty, DutyKind, State, Submission, WelfareOffice
from shared.rules.income import WAGE_FIELDS
from shared.rules.months import due_on
from shared.sign_in import Recipient


@dataclass(frozen=True)
class DutyRow:
    """One thing to do. ``draft_id`` is what was begun; ``answered`` of ``asked`` questions have an answer."""

    month: date
    due_on: date
    late: bool
    draft_id: UUID | None
    answered: int
    asked: int


def open_duty(session: Session, office: WelfareOffice, household_id: UUID, member_id: UUID, month: date) -> Duty:
    """Let an income report for ``month`` be due. Twice is once."""
    found = session.scalar(
        select(Duty).where(
            Duty.office_id == office.id,
            Duty.member_id == member_id,
            Duty.kind == DutyKind.INCOME_REPORT,
            Duty.month == month,
        )
    )
    if found:
        return found
    duty = Duty(
        office_id=office.id,
        household_id=household_id,
        member_id=member_id,
        kind=DutyKind.INCOME_REPORT,
        month=month,
        due_on=due_on(month, office.due_day),
    )
    session.add(duty)
    session.flush()
    return duty


def to_do(session: Session, who: Recipient, today: date) -> list[DutyRow]:
    """What the person has not sent yet, the earliest due first; and drafts nobody asked for."""
    duties = {
        duty.month: duty
        for duty in session.scalars(
            select(Duty).where(
                Duty.office_id == who.office_id,
                Duty.member_id == who.member_id,
                Duty.kind == DutyKind.INCOME_REPORT,
            )
        )
    }
    drafts: dict[date, Submission] = {}
    for submission in session.scalars(
        select(Submission).where(
            Submission.office_id == who.office_id,
            Submission.member_id == who.member_id,
            Submission.kind == DutyKind.INCOME_REPORT,
        )
    ):
        if submission.state is State.DRAFT:
            drafts[submission.month] = submission
        elif submission.state not in (State.WITHDRAWN, State.VOIDED):
            duties.pop(submission.month, None)
    office = session.get_one(WelfareOffice, who.office_id)
    rows = []
    for month in sorted(duties.keys() | drafts.keys()):
        draft = drafts.get(month)
        day = duties[month].due_on if month in duties else due_on(month, office.due_day)
        rows.append(
            DutyRow(
                month=month,
                due_on=day,
                late=day < today,
                draft_id=draft.id if draft else None,
                answered=_answered(session, draft) if draft else 0,
                asked=len(WAGE_FIELDS),
            )
        )
    return rows


def _answered(session: Session, draft: Submission) -> int:
    line = drafts.wage_line(session, drafts.latest_version(session, draft))
    return sum(getattr(line, field) is not None for field in WAGE_FIELDS)
