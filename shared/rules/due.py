"""What is due from whom for which month. Pure: rules and people in, duties out.

Source of the periods: 生活保護法 61条 and the offices' usual practice; each office sets its own, dated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from shared.model import DutyKind, Situation
from shared.rules.months import due_on

_SCHOOL_ENDS: Final = 15  # compulsory education ends on 31 March after this birthday (学校教育法 17条)


@dataclass(frozen=True)
class Rule:
    """How often something is due; see ``model.DutyRule``."""

    kind: DutyKind
    situation: Situation | None  # None: of the head alone
    every_months: int  # 0: not asked
    first_month: int
    due_day: int
    from_month: date
    household_id: UUID | None = None


@dataclass(frozen=True)
class Person:
    """A member of a household."""

    household_id: UUID
    member_id: UUID
    is_head: bool
    situation: Situation
    born_on: date | None = None


@dataclass(frozen=True)
class Due:
    """One duty."""

    household_id: UUID
    member_id: UUID
    kind: DutyKind
    due_on: date


def due(rules: Sequence[Rule], people: Sequence[Person], month: date) -> Iterator[Due]:
    """What ``month`` (its first day) lets be due, each kind once a person."""
    begun = [rule for rule in rules if rule.from_month <= month]
    newest: dict[tuple[UUID | None, DutyKind, Situation | None], Rule] = {}
    for rule in sorted(begun, key=lambda rule: rule.from_month):
        newest[rule.household_id, rule.kind, rule.situation] = rule
    days = {day: due_on(month, day) for day in {rule.due_day for rule in newest.values()}}
    for person in people:
        for kind in DutyKind:
            rules_of_hers = (
                newest.get((household, kind, situation))
                for situation in (person.situation, *([None] if person.is_head else []))
                for household in (person.household_id, None)
            )
            found = next((rule for rule in rules_of_hers if rule is not None), None)
            if found is not None and _is_about(found, month) and not _is_at_school(person, kind, month):
                yield Due(person.household_id, person.member_id, kind, days[found.due_day])


def _is_about(rule: Rule, month: date) -> bool:
    return rule.every_months > 0 and (month.month - rule.first_month) % rule.every_months == 0


def _is_at_school(person: Person, kind: DutyKind, month: date) -> bool:
    """Children in compulsory education report no income."""
    if kind is not DutyKind.INCOME_REPORT or person.born_on is None:
        return False
    return month <= school_ends(person.born_on)


def school_ends(born_on: date) -> date:
    """The last day of compulsory education. Who is born on 1 April is a year ahead (年齢計算ニ関スル法律)."""
    late = (born_on.month, born_on.day) > (4, 1)
    return date(born_on.year + _SCHOOL_ENDS + late, 3, 31)
