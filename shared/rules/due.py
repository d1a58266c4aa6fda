"""What is due from whom for which month. Pure: rules and people in, duties out.

Source of the periods: 生活保護法 61条 and the offices' usual practice; each office sets its own, dated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeAlias
from uuid import UUID

from shared.model import DutyKind, Situation
from shared.rules.months import add_months
from shared.rules.office_days import OfficeDays

USUAL: Final = OfficeDays()
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
    id: UUID | None = None


_Newest: TypeAlias = Mapping[tuple[UUID | None, DutyKind, Situation | None], Rule]


@dataclass(frozen=True)
class Person:
    """A member of a household."""

    household_id: UUID
    member_id: UUID
    is_head: bool
    situation: Situation  # in the month that is opened
    born_on: date | None = None
    came_on: date | None = None  # None: was always there
    left_on: date | None = None
    has_account: bool = False  # sends for herself

    def is_there(self, month: date) -> bool:
        """Whether she belonged to the household on any day of ``month``."""
        came = self.came_on is None or self.came_on < add_months(month, 1)
        return came and not self.has_left(month)

    def has_left(self, month: date) -> bool:
        """Whether she had left before ``month`` began."""
        return self.left_on is not None and self.left_on < month


@dataclass(frozen=True)
class Due:
    """One duty. ``member_id`` sends it; ``about`` is whom it is about, each with the rule that asks for it."""

    household_id: UUID
    member_id: UUID
    kind: DutyKind
    due_on: date
    about: tuple[tuple[UUID, Rule], ...]


def due(rules: Sequence[Rule], people: Sequence[Person], month: date, days: OfficeDays = USUAL) -> Iterator[Due]:
    """What ``month`` (its first day) lets be due, each kind once a sender: the head sends for who has no account.

    What has several days, because it is about several people, is due on the first of them.
    """
    newest = _newest(rules, month)
    due_on = {day: days.due_on(month, day) for day in {rule.due_day for rule in newest.values()}}
    heads = {one.household_id: one.member_id for one in people if one.is_head and not one.has_left(month)}
    found: dict[tuple[UUID, UUID, DutyKind], list[tuple[UUID, Rule]]] = {}
    for person in people:
        if not person.is_there(month):
            continue
        head = heads.get(person.household_id, person.member_id)
        sender = person.member_id if person.has_account else head
        for kind in DutyKind:
            rule = _rule_for(newest, person, kind)
            if rule is not None and _is_about(rule, month) and not _is_at_school(person, kind, month):
                found.setdefault((person.household_id, sender, kind), []).append((person.member_id, rule))
    for (household_id, sender, kind), about in found.items():
        yield Due(household_id, sender, kind, min(due_on[rule.due_day] for _, rule in about), tuple(about))


def rule_of(rules: Sequence[Rule], person: Person, kind: DutyKind, month: date) -> Rule | None:
    """The rule that asks a person for something about ``month``, if one does."""
    rule = _rule_for(_newest(rules, month), person, kind)
    return rule if rule is not None and _is_about(rule, month) else None


def _newest(rules: Sequence[Rule], month: date) -> _Newest:
    begun = [rule for rule in rules if rule.from_month <= month]
    begun.sort(key=lambda rule: rule.from_month)
    return {(rule.household_id, rule.kind, rule.situation): rule for rule in begun}


def _rule_for(newest: _Newest, person: Person, kind: DutyKind) -> Rule | None:
    """A rule of the household before the office's, and one for her situation before one for every head."""
    places = (
        (household, kind, situation)
        for household in (person.household_id, None)
        for situation in (person.situation, *([None] if person.is_head else []))
    )
    return next((newest[place] for place in places if place in newest), None)


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
