"""What is due: opened month by month from dated rules, and shown to the person as 今月やること."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, drafts, filled, journal
from shared.errors import RuleOfThePast
from shared.model import (
    MACHINE,
    Duty,
    DutyKind,
    DutyRule,
    Member,
    Situation,
    State,
    Submission,
    WelfareOffice,
    new_id,
)
from shared.rules import due as rules
from shared.rules.forms import form
from shared.rules.months import add_months, due_on
from shared.sign_in import Recipient

_AT_ONCE = 1_000  # rows of one statement
_LATE_ENGINE = 3  # months that are opened at most when the engine has stood still


@dataclass(frozen=True)
class DutyRow:
    """One thing to do. ``draft_id`` is what was begun; ``answered`` of ``asked`` questions have an answer.

    ``due_on`` is None for what she began unasked and no month wants; ``screen`` is the first without an answer.
    """

    kind: DutyKind
    month: date
    due_on: date | None
    late: bool
    draft_id: UUID | None
    answered: int
    asked: int
    screen: str | None = None


def begin(session: Session, office: WelfareOffice, from_month: date) -> None:
    """Give a new office the usual rules of ``tables/duty_rules.csv``, from a month on. Twice is once."""
    if session.scalar(select(DutyRule.id).where(DutyRule.office_id == office.id).limit(1)):
        return
    table = Path(__file__).parent / "tables" / "duty_rules.csv"
    with table.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            session.add(
                DutyRule(
                    office_id=office.id,
                    kind=DutyKind(row["kind"]),
                    situation=Situation(row["situation"]) if row["situation"] else None,
                    every_months=int(row["every_months"]),
                    first_month=int(row["first_month"]),
                    due_day=office.due_day,
                    from_month=from_month,
                )
            )
    session.flush()


def set_rule(
    session: Session,
    office_id: UUID,
    kind: DutyKind,
    situation: Situation | None,
    *,
    every_months: int,
    from_month: date,
    due_day: int,
    first_month: int = 1,
    household_id: UUID | None = None,
) -> DutyRule:
    """Ask for something more or less often, from a month on. The same words again change that rule.

    :param every_months: 1 to 12; 0: no longer.
    :raises RuleOfThePast: for a month that is over: what was due then was due under the rule of then.
    """
    if from_month < clock.today().replace(day=1):
        raise RuleOfThePast
    rule = session.scalar(
        select(DutyRule).where(
            DutyRule.office_id == office_id,
            DutyRule.kind == kind,
            DutyRule.situation.is_(None) if situation is None else DutyRule.situation == situation,
            DutyRule.household_id.is_(None) if household_id is None else DutyRule.household_id == household_id,
            DutyRule.from_month == from_month,
        )
    )
    if rule is None:
        rule = DutyRule(
            office_id=office_id, kind=kind, situation=situation, household_id=household_id, from_month=from_month
        )
        session.add(rule)
    rule.every_months, rule.first_month, rule.due_day = every_months, first_month, due_day
    session.flush()
    facts = {"kind": kind.value, "every": every_months, "from": from_month.isoformat()}
    journal.record(session, office_id, MACHINE, "duty_rule.set", rule.id, **facts)
    return rule


def open_due(session: Session, office_id: UUID, today: date) -> int:
    """Open what the months that are over let be due; months nobody opened, too. Returns how many were new.

    Who came into the office later than a month owes nothing for it.
    """
    this = today.replace(day=1)
    months = [add_months(this, -back) for back in range(_LATE_ENGINE, 0, -1)]
    return sum(open_month(session, office_id, month, all_members=False) for month in months)


def open_everywhere(make_session: sessionmaker[Session], month: date | None = None) -> Iterator[tuple[str, int]]:
    """Open what is due in every office, each in a transaction of its own. Yields its code and how many were new.

    :param month: only this one, and for everybody; None: the months that are over.
    """
    with make_session() as session:
        offices = session.execute(select(WelfareOffice.id, WelfareOffice.code).order_by(WelfareOffice.code)).all()
    for office_id, code in offices:
        with make_session.begin() as session:
            if month is None:
                opened = open_due(session, office_id, clock.today())
            else:
                opened = open_month(session, office_id, month)
        yield code, opened


def open_month(session: Session, office_id: UUID, month: date, *, all_members: bool = True) -> int:
    """Let everything be due that the rules want for ``month`` (its first day). Twice, or from two sides, is once.

    What is open already stays as it is, whatever the rules say now.

    :param all_members: also those who came into the office after that month.
    :returns: how many duties were new.
    """
    people = _people(session, office_id, month, all_members=all_members)
    is_open = select(Duty.member_id, Duty.kind).where(Duty.office_id == office_id, Duty.month == month)
    there = {(member_id, kind) for member_id, kind in session.execute(is_open)}
    wanted = rules.due(_rules(session, office_id), people, month)
    found = [one for one in wanted if (one.member_id, one.kind) not in there]
    now = clock.now()
    insert, opened = _unless_open(session), 0
    for start in range(0, len(found), _AT_ONCE):
        rows = [
            {
                "office_id": office_id,
                "id": new_id(),
                "created_at": now,
                "household_id": one.household_id,
                "member_id": one.member_id,
                "kind": one.kind,
                "month": month,
                "due_on": one.due_on,
            }
            for one in found[start : start + _AT_ONCE]
        ]
        opened += len(session.execute(insert, rows).all())
    if opened:
        journal.record(session, office_id, MACHINE, "duties.opened", month=month.isoformat(), count=opened)
    return opened


def _unless_open(session: Session) -> Any:
    """Somebody else may be opening the same month just now."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    table = Duty.__table__
    insert = dialect.insert(table).on_conflict_do_nothing(index_elements=["office_id", "member_id", "kind", "month"])
    return insert.returning(table.c.id)


def _rules(session: Session, office_id: UUID) -> list[rules.Rule]:
    found = session.scalars(select(DutyRule).where(DutyRule.office_id == office_id))
    return [
        rules.Rule(
            row.kind,
            row.situation,
            row.every_months,
            row.first_month,
            row.due_day,
            row.from_month,
            row.household_id,
        )
        for row in found
    ]


def _people(session: Session, office_id: UUID, month: date, *, all_members: bool) -> list[rules.Person]:
    members = select(Member.household_id, Member.id, Member.is_head, Member.situation, Member.born_on)
    members = members.where(Member.office_id == office_id)
    if not all_members:
        its_end = datetime.combine(add_months(month, 1), time(), clock.TOKYO)
        members = members.where(Member.created_at < its_end)
    return [rules.Person(*row) for row in session.execute(members.order_by(Member.id))]


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
    owed = {
        (duty.kind, duty.month): duty.due_on
        for duty in session.scalars(
            select(Duty).where(Duty.office_id == who.office_id, Duty.member_id == who.member_id)
        )
    }
    begun: dict[tuple[DutyKind, date], Submission] = {}
    for submission in session.scalars(
        select(Submission).where(Submission.office_id == who.office_id, Submission.member_id == who.member_id)
    ):
        if submission.state is State.DRAFT:
            begun[submission.kind, submission.month] = submission
        elif submission.state not in (State.WITHDRAWN, State.VOIDED):
            owed.pop((submission.kind, submission.month), None)
    office = session.get_one(WelfareOffice, who.office_id)
    for kind, month in begun.keys() - owed.keys():
        if kind is DutyKind.INCOME_REPORT:
            owed[kind, month] = due_on(month, office.due_day)
    rows = [
        _row(session, kind, month, owed.get((kind, month)), begun.get((kind, month)), today)
        for kind, month in owed.keys() | begun.keys()
    ]
    return sorted(rows, key=lambda row: (row.due_on or date.max, row.month, row.kind))


def _row(
    session: Session, kind: DutyKind, month: date, day: date | None, draft: Submission | None, today: date
) -> DutyRow:
    late = day is not None and day < today
    if draft is None:
        return DutyRow(kind, month, day, late, None, 0, 0)
    answers = drafts.filled_of(session, drafts.latest_version(session, draft)).answers
    declared = filled.declared(session, draft)
    needed = [(place, answer) for place, answer in form.places(declared, answers) if place.question.needed]
    left = [place.screen.key for place, answer in needed if answer is None]
    return DutyRow(kind, month, day, late, draft.id, len(needed) - len(left), len(needed), left[0] if left else None)
