"""The office's own calendar: set by the people who keep the office, read by whatever counts its days."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import clock, journal
from shared.errors import RuleOfThePast
from shared.model import MACHINE, CalendarRule, ClosedDay, PaymentDay
from shared.rules import office_days as rules
from shared.rules.office_days import OfficeDays


def of(session: Session, office_id: UUID) -> OfficeDays:
    """The calendar of an office."""
    closed = select(ClosedDay.day).where(ClosedDay.office_id == office_id)
    dated = select(CalendarRule.from_month, CalendarRule.due_before, CalendarRule.pay_day)
    paid = select(PaymentDay.month, PaymentDay.paid_on).where(PaymentDay.office_id == office_id)
    return OfficeDays(
        closed=frozenset(session.scalars(closed)),
        rules=tuple(
            rules.CalendarRule(*row) for row in session.execute(dated.where(CalendarRule.office_id == office_id))
        ),
        paid={row.month: row.paid_on for row in session.execute(paid)},
    )


def close(session: Session, office_id: UUID, day: date, why: str) -> None:
    """Let the office be closed on a day. What is due already keeps its day. Twice is once.

    :raises RuleOfThePast: for a day that is over.
    """
    _need_future(day)
    session.merge(ClosedDay(office_id=office_id, day=day, why=why))
    session.flush()
    journal.record(session, office_id, MACHINE, "closed_day.set", day=day.isoformat())


def reopen(session: Session, office_id: UUID, day: date) -> None:
    """Let the office work on a day after all. One that was not closed is not missed.

    :raises RuleOfThePast: for a day that is over.
    """
    _need_future(day)
    row = session.get(ClosedDay, (office_id, day))
    if row is not None:
        session.delete(row)
        session.flush()
        journal.record(session, office_id, MACHINE, "closed_day.taken_back", day=day.isoformat())


def set_rule(
    session: Session,
    office_id: UUID,
    from_month: date,
    *,
    due_before: bool | None = None,
    pay_day: int | None = None,
) -> CalendarRule:
    """Say from a month on which way due days move and when the office pays; what is None stays as it was.

    :raises RuleOfThePast: for a month that is over.
    """
    _need_future(from_month, clock.today().replace(day=1))
    kept = session.scalars(
        select(CalendarRule)
        .where(CalendarRule.office_id == office_id, CalendarRule.from_month <= from_month)
        .order_by(CalendarRule.from_month.desc())
        .limit(1)
    ).one_or_none()
    rule = kept if kept is not None and kept.from_month == from_month else None
    if rule is None:
        rule = CalendarRule(
            office_id=office_id,
            from_month=from_month,
            due_before=kept.due_before if kept else False,
            pay_day=kept.pay_day if kept else None,
        )
        session.add(rule)
    rule.due_before = rule.due_before if due_before is None else due_before
    rule.pay_day = rule.pay_day if pay_day is None else pay_day
    session.flush()
    facts = {"from": from_month.isoformat(), "before": rule.due_before, "pay_day": rule.pay_day}
    journal.record(session, office_id, MACHINE, "calendar_rule.set", rule.id, **facts)
    return rule


def set_payment(session: Session, office_id: UUID, month: date, paid_on: date) -> None:
    """Say that one month is paid on another day than usual. The last word holds.

    :raises RuleOfThePast: for a day that is over.
    """
    _need_future(paid_on)
    session.merge(PaymentDay(office_id=office_id, month=month, paid_on=paid_on))
    session.flush()
    event, of, on = "payment_day.set", month.isoformat(), paid_on.isoformat()
    journal.record(session, office_id, MACHINE, event, month=of, paid_on=on)


def _need_future(day: date, since: date | None = None) -> None:
    if day < (since or clock.today()):
        raise RuleOfThePast
