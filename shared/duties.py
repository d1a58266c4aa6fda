"""What is due: opened month by month from dated rules, and shown to the person as 今月やること."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, drafts, filled, journal, office_days
from shared.errors import RuleInUse, RuleOfThePast
from shared.model import (
    MACHINE,
    NOT_STANDING,
    Duty,
    DutyAbout,
    DutyKind,
    DutyRule,
    EarlierSituation,
    Member,
    PortalAccount,
    Situation,
    State,
    Submission,
    WelfareOffice,
    new_id,
)
from shared.rules import due as rules
from shared.rules.forms import form, is_monthly
from shared.rules.months import MONTHS_BACK, add_months
from shared.sign_in import Recipient

_AT_ONCE = 1_000  # rows of one statement
_LATE_ENGINE = 3  # months that are opened at most when the engine has stood still


@dataclass(frozen=True)
class Because:
    """Whom a duty is about, and the rule that asks for it. ``every_months`` is 0 for what was opened by hand."""

    member_id: UUID
    name: str
    situation: Situation | None
    every_months: int
    of_household: bool  # a rule of this household alone


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
    because: tuple[Because, ...] = ()


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
    :raises RuleInUse: if something is due already under the rule that begins with this month.
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
    elif _is_used(session, rule):
        raise RuleInUse
    rule.every_months, rule.first_month, rule.due_day = every_months, first_month, due_day
    session.flush()
    facts = {"kind": kind.value, "every": every_months, "from": from_month.isoformat()}
    journal.record(session, office_id, MACHINE, "duty_rule.set", rule.id, **facts)
    return rule


def _is_used(session: Session, rule: DutyRule) -> bool:
    used = exists().where(DutyAbout.office_id == rule.office_id, DutyAbout.rule_id == rule.id)
    return bool(session.scalar(select(used)))


def set_situation(session: Session, member: Member, situation: Situation) -> None:
    """What a member does from this month on. What she did in the months before stays known. Twice is once."""
    if member.situation is situation:
        return
    this = clock.today().replace(day=1)
    if session.get(EarlierSituation, (member.office_id, member.id, this)) is None:
        facts = {"member_id": member.id, "until_month": this, "situation": member.situation}
        session.add(EarlierSituation(office_id=member.office_id, **facts))
    member.situation = situation
    session.flush()
    journal.record(session, member.office_id, MACHINE, "situation.set", member.id, situation=situation.value)


def leave(session: Session, member: Member, left_on: date) -> None:
    """Somebody has moved out, or died: nothing is due from a later month on. What is open stays on record."""
    member.left_on = left_on
    session.flush()
    journal.record(session, member.office_id, MACHINE, "member.left", member.id, on=left_on.isoformat())


def open_due(session: Session, office_id: UUID, today: date, *, dry_run: bool = False) -> int:
    """Open what the months that are over let be due; months nobody opened, too. Returns how many were new.

    Who came into the office later than a month owes nothing for it.

    :param dry_run: only count.
    """
    this = today.replace(day=1)
    months = [add_months(this, -back) for back in range(_LATE_ENGINE, 0, -1)]
    return sum(open_month(session, office_id, month, all_members=False, dry_run=dry_run) for month in months)


def open_everywhere(
    make_session: sessionmaker[Session], month: date | None = None, *, dry_run: bool = False
) -> Iterator[tuple[str, int]]:
    """Open what is due in every office, each in a transaction of its own. Yields its code and how many were new.

    :param month: only this one, and for everybody; None: the months that are over.
    :param dry_run: only count.
    """
    with make_session() as session:
        offices = session.execute(select(WelfareOffice.id, WelfareOffice.code).order_by(WelfareOffice.code)).all()
    for office_id, code in offices:
        with make_session.begin() as session:
            if month is None:
                opened = open_due(session, office_id, clock.today(), dry_run=dry_run)
            else:
                opened = open_month(session, office_id, month, dry_run=dry_run)
        yield code, opened


def open_month(
    session: Session, office_id: UUID, month: date, *, all_members: bool = True, dry_run: bool = False
) -> int:
    """Let everything be due that the rules want for ``month`` (its first day). Twice, or from two sides, is once.

    What is open already stays as it is, whatever the rules say now.

    :param all_members: also those who came into the office after that month.
    :param dry_run: only count.
    :returns: how many duties were new.
    """
    found = _not_open(session, office_id, month, all_members=all_members)
    if dry_run:
        return len(found)
    now, insert, opened = clock.now(), _unless_open(session), 0
    for start in range(0, len(found), _AT_ONCE):
        given = {new_id(): one for one in found[start : start + _AT_ONCE]}
        rows = [
            {
                "office_id": office_id,
                "id": id_,
                "created_at": now,
                "household_id": one.household_id,
                "member_id": one.member_id,
                "kind": one.kind,
                "month": month,
                "due_on": one.due_on,
            }
            for id_, one in given.items()
        ]
        new = session.scalars(insert, rows).all()
        about = [
            {"office_id": office_id, "duty_id": id_, "member_id": member_id, "rule_id": rule.id}
            for id_ in new
            for member_id, rule in given[id_].about
        ]
        if about:
            session.execute(plain_insert(DutyAbout), about)
        opened += len(new)
    if opened:
        journal.record(session, office_id, MACHINE, "duties.opened", month=month.isoformat(), count=opened)
    return opened


def _not_open(session: Session, office_id: UUID, month: date, *, all_members: bool) -> list[rules.Due]:
    """What the rules want for ``month`` and nobody has opened. Who is in one duty of a kind is in no second."""
    there = _there(session, office_id, month)
    people = _people(session, office_id, month, all_members=all_members)
    found = []
    for one in rules.due(_rules(session, office_id), people, month, office_days.of(session, office_id)):
        left = tuple((member_id, rule) for member_id, rule in one.about if (member_id, one.kind) not in there)
        if left and (one.member_id, one.kind) not in there:
            found.append(replace(one, about=left))
    return found


def _there(session: Session, office_id: UUID, month: date) -> set[tuple[UUID, DutyKind]]:
    """Who is asked for what about ``month`` already: who sends it, and whom it is about."""
    of_month = select(Duty.id, Duty.member_id, Duty.kind).where(Duty.office_id == office_id, Duty.month == month)
    open_ones = session.execute(of_month).all()
    there = {(member_id, kind) for _, member_id, kind in open_ones}
    kinds = {id_: kind for id_, _, kind in open_ones}
    ids = list(kinds)
    about = select(DutyAbout.duty_id, DutyAbout.member_id).where(DutyAbout.office_id == office_id)
    # By ids and not by a join: just after thousands of rows have come, PostgreSQL would join them one by one.
    for start in range(0, len(ids), _AT_ONCE):
        rows = session.execute(about.where(DutyAbout.duty_id.in_(ids[start : start + _AT_ONCE])))
        there |= {(member_id, kinds[duty_id]) for duty_id, member_id in rows}
    return there


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
            row.id,
        )
        for row in found
    ]


def _people(session: Session, office_id: UUID, month: date, *, all_members: bool) -> list[rules.Person]:
    """Every member, with what she did in ``month``."""
    earlier = select(EarlierSituation.member_id, EarlierSituation.situation).where(
        EarlierSituation.office_id == office_id, EarlierSituation.until_month > month
    )
    ends_first_last = session.execute(earlier.order_by(EarlierSituation.until_month.desc())).all()
    did = {row.member_id: row.situation for row in ends_first_last}
    account = (PortalAccount.office_id == Member.office_id) & (PortalAccount.member_id == Member.id)
    members = session.execute(
        select(
            Member.household_id,
            Member.id,
            Member.is_head,
            Member.situation,
            Member.born_on,
            Member.created_at,
            Member.left_on,
            PortalAccount.id.is_not(None),
        )
        .outerjoin(PortalAccount, account)
        .where(Member.office_id == office_id)
        .order_by(Member.id)
    )
    return [
        rules.Person(
            household_id,
            member_id,
            is_head,
            did.get(member_id, situation),
            born_on,
            None if all_members else clock.day_of(created_at),
            left_on,
            has_account,
        )
        for household_id, member_id, is_head, situation, born_on, created_at, left_on, has_account in members
    ]


def open_duty(session: Session, office: WelfareOffice, household_id: UUID, member_id: UUID, month: date) -> Duty:
    """Let an income report of one member for ``month`` be due, whatever the rules want. Twice is once."""
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
        due_on=office_days.of(session, office.id).due_on(month, office.due_day),
    )
    session.add(duty)
    session.flush()
    member = session.get_one(Member, (office.id, member_id))
    person = rules.Person(household_id, member_id, member.is_head, member.situation)
    rule = rules.rule_of(_rules(session, office.id), person, duty.kind, month)
    session.add(DutyAbout(office_id=office.id, duty_id=duty.id, member_id=member_id, rule_id=rule.id if rule else None))
    session.flush()
    return duty


def is_of_its_month() -> ColumnElement[bool]:
    """Of a submission and a duty: the same month; for what is about no month, a later one too."""
    no_month = Duty.kind.in_([kind for kind in DutyKind if not is_monthly(kind)])
    return (Submission.month == Duty.month) | (no_month & (Submission.month > Duty.month))


def unanswered(today: date) -> ColumnElement[bool]:
    """Of a duty: nothing that stands has been sent for it, and it can still be sent.

    What is about no month is answered by whatever was sent since: nobody is asked twice for what the office has.
    """
    sent = exists().where(
        Submission.office_id == Duty.office_id,
        Submission.member_id == Duty.member_id,
        Submission.kind == Duty.kind,
        is_of_its_month(),
        Submission.state.not_in(NOT_STANDING),
    )
    return (Duty.month >= add_months(today, -MONTHS_BACK)) & ~sent


def stays(today: date) -> ColumnElement[bool]:
    """Of a member: she has not left. Who has left owes nothing more."""
    return func.coalesce(Member.left_on, today) >= today


def others(because: Sequence[Because], member_id: UUID) -> tuple[str, ...]:
    """Whom a duty is about, by name, where it is not about the one who sends it alone."""
    if {one.member_id for one in because} <= {member_id}:
        return ()
    return tuple(one.name for one in because)


def to_do(session: Session, who: Recipient, today: date) -> list[DutyRow]:
    """What the person has not sent yet, the earliest due first; and drafts nobody asked for."""
    hers = (Duty.office_id == who.office_id, Duty.member_id == who.member_id)
    owed = session.scalars(select(Duty).where(*hers, unanswered(today)).order_by(Duty.due_on, Duty.id)).all()
    begun = session.scalars(
        select(Submission)
        .where(
            Submission.office_id == who.office_id,
            Submission.member_id == who.member_id,
            Submission.state == State.DRAFT,
        )
        .order_by(Submission.month, Submission.id)
    ).all()
    reasons = reasons_of(session, who.office_id, [duty.id for duty in owed])
    rows, left = [], list(begun)
    for duty in owed:
        draft = next((one for one in left if _is_for(one, duty)), None)
        if draft is not None:
            left.remove(draft)
        row = _row(session, duty.kind, draft.month if draft else duty.month, duty.due_on, draft, today)
        rows.append(replace(row, because=reasons.get(duty.id, ())))
    for draft in left:
        day = _usual_day(session, draft) if draft.kind is DutyKind.INCOME_REPORT else None
        rows.append(_row(session, draft.kind, draft.month, day, draft, today))
    return sorted(rows, key=lambda row: (row.due_on or date.max, row.month, row.kind))


def _usual_day(session: Session, draft: Submission) -> date:
    """The day a report would be due that nobody has asked for."""
    office = session.get_one(WelfareOffice, draft.office_id)
    return office_days.of(session, draft.office_id).due_on(draft.month, office.due_day)


def _is_for(draft: Submission, duty: Duty) -> bool:
    same = draft.month == duty.month or (draft.month > duty.month and not is_monthly(duty.kind))
    return draft.kind is duty.kind and same


def reasons_of(session: Session, office_id: UUID, duty_ids: Sequence[UUID]) -> dict[UUID, tuple[Because, ...]]:
    """Whom duties are about and why, the head first; in one query for all of them."""
    found: dict[UUID, tuple[Because, ...]] = {}
    if not duty_ids:
        return found
    rows = session.execute(
        select(
            DutyAbout.duty_id,
            DutyAbout.member_id,
            Member.name,
            DutyRule.situation,
            func.coalesce(DutyRule.every_months, 0),
            DutyRule.household_id.is_not(None),
        )
        .join(Member, (Member.office_id == DutyAbout.office_id) & (Member.id == DutyAbout.member_id))
        .outerjoin(DutyRule, (DutyRule.office_id == DutyAbout.office_id) & (DutyRule.id == DutyAbout.rule_id))
        .where(DutyAbout.office_id == office_id, DutyAbout.duty_id.in_(duty_ids))
        .order_by(Member.is_head.desc(), Member.id)
    )
    for row in rows:
        found[row[0]] = (*found.get(row[0], ()), Because(*row[1:]))
    return found


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
