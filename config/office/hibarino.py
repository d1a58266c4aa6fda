"""The people of ひばり野市, all made up: an office, its staff and sixty households, as ``tables/`` lists them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from shared import clock, duties, fixed_texts, office_days, retention, second_look
from shared.model import Base, Household, Member, Role, Situation, StaffMember, WelfareOffice, new_id
from shared.sign_in import Staff, set_password

PASSWORD: Final = "hibarino-demo-2026"  # noqa: S105  printed at every start; the people behind it are made up
_TABLES: Final = Path(__file__).with_name("tables")

R = TypeVar("R", bound=Base)


@dataclass(frozen=True)
class Head:
    """The head of a household, and who of the staff looks after it."""

    member_id: UUID
    household_id: UUID
    name: str
    caseworker: Staff


@dataclass(frozen=True)
class Town:
    """Everybody a history needs: heads by case number."""

    office_id: UUID
    staff: tuple[Staff, ...]
    heads: Mapping[str, Head]

    def first(self, role: Role) -> Staff:
        """The first of the staff with this role."""
        return next(member for member in self.staff if member.role is role)


def table(name: str) -> list[dict[str, str]]:
    """The rows of ``tables/NAME.csv``."""
    with (_TABLES / f"{name}.csv").open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


def settle(session: Session) -> Town:
    """Put the office, its staff and the households in."""
    office = _kept(
        session,
        WelfareOffice(
            code="HB",
            name="ひばり野市福祉事務所",
            title="架空県ひばり野市福祉事務所長",
            city="ひばり野市役所",
            counter="3番窓口",
            phone="00-0000-0000",
            hours="平日 8:30〜17:15",
            document_prefix="ひ福生第",
            due_day=28,
        ),
    )
    retention.begin(session, office.id)
    duties.begin(session, office, clock.today().replace(day=1))
    fixed_texts.begin(session, office.id)
    second_look.set_rule(session, office.id, 5, clock.today())
    office_days.set_rule(session, office.id, clock.today().replace(day=1), pay_day=5)
    staff = {row["login"]: _employed(session, office.id, row) for row in table("staff")}
    return Town(office.id, tuple(staff.values()), _housed(session, staff))


def _employed(session: Session, office_id: UUID, row: Mapping[str, str]) -> Staff:
    person = _kept(
        session,
        StaffMember(office_id=office_id, login=row["login"], name=row["name"], role=Role(row["role"]), active=True),
    )
    set_password(session, person, PASSWORD)
    return Staff(office_id, new_id(), person.id, person.name, person.role)


def _housed(session: Session, staff: Mapping[str, Staff]) -> dict[str, Head]:
    """Households and members; the first row of a household is its head and names caseworker and district."""
    heads: dict[str, Head] = {}
    working = {row["case_no"] for row in table("wages")}
    for row in table("members"):
        case_no = row["case_no"]
        is_head = case_no not in heads
        caseworker = staff[row["caseworker"]] if is_head else heads[case_no].caseworker
        if is_head:
            home = Household(
                office_id=caseworker.office_id,
                case_no=case_no,
                caseworker_id=caseworker.staff_id,
                protected=row["protected"] == "yes",
                district=row["district"],
            )
            household_id = _kept(session, home).id
        else:
            household_id = heads[case_no].household_id
        member = Member(
            office_id=caseworker.office_id,
            household_id=household_id,
            name=row["name"],
            kana=row["kana"],
            is_head=is_head,
            born_on=date.fromisoformat(row["born_on"]),
            situation=Situation.WORKING if is_head and case_no in working else Situation.OTHER,
        )
        _kept(session, member)
        if is_head:
            heads[case_no] = Head(member.id, household_id, member.name, caseworker)
    return heads


def _kept(session: Session, row: R) -> R:
    session.add(row)
    session.flush()
    return row
