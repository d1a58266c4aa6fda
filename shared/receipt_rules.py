"""Whether a second person must agree before certificates are issued together, and before one is voided."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import clock, journal
from shared.errors import RuleStands
from shared.model import MACHINE, Actor, ReceiptRule
from shared.retention import take_turn
from shared.sign_in import Staff


def rule_for(session: Session, office_id: UUID, day: date) -> ReceiptRule | None:
    """The rule that counts on ``day``: the newest that has begun. Without one a clerk issues alone."""
    return session.scalar(
        select(ReceiptRule)
        .where(ReceiptRule.office_id == office_id, ReceiptRule.from_day <= day)
        .order_by(ReceiptRule.from_day.desc())
        .limit(1)
    )


def wants_two(session: Session, office_id: UUID, day: date) -> bool:
    """Whether batches and voids need a second person on that day."""
    rule = rule_for(session, office_id, day)
    return rule is not None and rule.two_people


def rules(session: Session, who: Staff) -> list[ReceiptRule]:
    """Every rule of the office, the newest first."""
    found = select(ReceiptRule).where(ReceiptRule.office_id == who.office_id)
    return list(session.scalars(found.order_by(ReceiptRule.from_day.desc())))


def set_rule(
    session: Session, office_id: UUID, from_day: date, *, two_people: bool, set_by: UUID | None = None
) -> ReceiptRule:
    """From a day on a second person must agree, or need not. What was issued before stays as it is.

    The same again is the same rule; one that has not begun may be put right.

    :raises RuleStands: if another one has begun on that day.
    :raises ValueError: for a day in the past.
    """
    if from_day < clock.today():
        raise ValueError("a rule begins today or later")
    take_turn(session, office_id)
    rule = session.scalar(
        select(ReceiptRule).where(ReceiptRule.office_id == office_id, ReceiptRule.from_day == from_day)
    )
    if rule and rule.two_people is two_people:
        return rule
    if rule and from_day <= clock.today():
        raise RuleStands
    if rule is None:
        rule = ReceiptRule(office_id=office_id, from_day=from_day)
        session.add(rule)
    rule.two_people, rule.set_by = two_people, set_by
    session.flush()
    by = Actor.staff(set_by) if set_by else MACHINE
    facts = {"two_people": two_people, "from_day": from_day.isoformat()}
    journal.record(session, office_id, by, "receipt.rule_set", rule.id, **facts)
    return rule
