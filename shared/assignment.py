"""担当替え: many households get another caseworker, or another district, in one transaction.

First what would happen is said, with every line that cannot be followed; then it happens, and those concerned are told.
What a former caseworker has in hand stays in her hand until she is done or her lease ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from shared import cover, journal
from shared.errors import NotThere
from shared.model import Actor, Household, News, Reassignment, Role, StaffMember
from shared.rules.access import only_for_supervisors
from shared.rules.assignment import Line
from shared.session import in_turn
from shared.sign_in import Staff


@dataclass(frozen=True)
class Fault:
    """A line that cannot be followed. ``code``: what ``Line.fault`` says, case_unknown, zeros, login_unknown,
    not_caseworker, away or twice."""

    no: int
    case_no: str
    login: str
    code: str


@dataclass(frozen=True)
class Change:
    """One household that would change."""

    household_id: UUID
    was: UUID
    now: UUID
    district_was: str | None
    district_now: str | None


@dataclass(frozen=True)
class Plan:
    """What would happen. ``moves``: from whom, to whom, how many households."""

    changes: list[Change]
    same: int  # lines that change nothing
    faults: list[Fault]
    moves: list[tuple[str, str, int]]

    @property
    def moved(self) -> int:
        """Households that get another caseworker."""
        return sum(change.was != change.now for change in self.changes)

    @property
    def districts(self) -> int:
        """Households that get another district."""
        return sum(change.district_was != change.district_now for change in self.changes)


class LinesAtFault(Exception):
    """Something is to be mended first; nothing was changed. Carries the plan."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(len(plan.faults))
        self.plan = plan


def now(session: Session, who: Staff) -> list[Line]:
    """The present assignment of the office, a line a household."""
    found = session.execute(
        select(Household.case_no, StaffMember.login, Household.district)
        .join(
            StaffMember,
            (StaffMember.office_id == Household.office_id) & (StaffMember.id == Household.caseworker_id),
        )
        .where(Household.office_id == who.office_id)
        .order_by(Household.case_no)
    )
    return [Line(no, case_no, login, district) for no, (case_no, login, district) in enumerate(found, start=2)]


def of_district(session: Session, who: Staff, district: str, caseworker_id: UUID) -> list[Line]:
    """A line for each household of a district, with its new caseworker.

    :raises NotThere: for somebody who is no caseworker at work here.
    """
    worker = session.get(StaffMember, (who.office_id, caseworker_id))
    if worker is None or worker.role is not Role.CASEWORKER or not worker.active:
        raise NotThere
    found = session.scalars(
        select(Household.case_no)
        .where(Household.office_id == who.office_id, Household.district == district)
        .order_by(Household.case_no)
    )
    return [Line(no, case_no, worker.login) for no, case_no in enumerate(found, start=2)]


def districts(session: Session, who: Staff) -> list[tuple[str, int]]:
    """Every district of the office, with how many households it has."""
    found = session.execute(
        select(Household.district, func.count())
        .where(Household.office_id == who.office_id, Household.district.is_not(None))
        .group_by(Household.district)
        .order_by(Household.district)
    )
    return [(name, count) for name, count in found if name]


def plan(session: Session, who: Staff, lines: Sequence[Line], *, lock: bool = False) -> Plan:
    """What these lines would change."""
    columns = Household.case_no, Household.id, Household.caseworker_id, Household.district
    asked = select(*columns).where(Household.office_id == who.office_id).order_by(Household.id)
    homes = {row.case_no: row for row in session.execute(asked.with_for_update(key_share=True) if lock else asked)}
    without_zeros = {case_no.lstrip("0") for case_no in homes}
    staff = {
        row.login: row for row in session.scalars(select(StaffMember).where(StaffMember.office_id == who.office_id))
    }
    names = {row.id: row.name for row in staff.values()}
    seen: set[str] = set()
    changes: list[Change] = []
    faults: list[Fault] = []
    same = 0
    for line in lines:
        home, worker = homes.get(line.case_no), staff.get(line.login)
        code = line.fault or _fault(line, home is not None, worker, seen, without_zeros)
        seen.add(line.case_no)
        if code or home is None or worker is None:
            faults.append(Fault(line.no, line.case_no, line.login, code or ""))
            continue
        district = home.district if line.district is None else line.district or None
        if (home.caseworker_id, home.district) == (worker.id, district):
            same += 1
        else:
            changes.append(Change(home.id, home.caseworker_id, worker.id, home.district, district))
    pairs = Counter((change.was, change.now) for change in changes if change.was != change.now)
    moves = sorted((names[was], names[to], count) for (was, to), count in pairs.items())
    return Plan(changes, same, faults, moves)


def _fault(line: Line, there: bool, worker: StaffMember | None, seen: set[str], without_zeros: set[str]) -> str | None:
    if line.case_no in seen:
        return "twice"
    if not there:
        return "zeros" if line.case_no in without_zeros else "case_unknown"
    if worker is None:
        return "login_unknown"
    if worker.role is not Role.CASEWORKER:
        return "not_caseworker"
    return None if worker.active else "away"


def apply(
    session: Session, who: Staff, lines: Sequence[Line], *, attempt: UUID, only_good: bool = False
) -> Reassignment:
    """Do it, write it into the journal for each household, and tell those concerned. A second tap finds the first.

    :param only_good: leave the lines out that cannot be followed.
    :raises LinesAtFault: if there is such a line, and it was not said to leave it out.
    :raises NotThere: for anybody but a supervisor.
    :raises ValueError: if nothing would change.
    """
    only_for_supervisors(who.role)
    in_turn(session, StaffMember, who.office_id, who.staff_id)
    twin = session.scalars(
        select(Reassignment).where(Reassignment.office_id == who.office_id, Reassignment.attempt == attempt)
    ).one_or_none()
    if twin:
        return twin
    wanted = plan(session, who, lines, lock=True)
    if wanted.faults and not only_good:
        raise LinesAtFault(wanted)
    if not wanted.changes:
        raise ValueError("nothing would change")
    row = Reassignment(
        office_id=who.office_id,
        attempt=attempt,
        set_by=who.staff_id,
        moved=wanted.moved,
        districts=wanted.districts,
    )
    session.add(row)
    session.flush()
    session.execute(
        update(Household),
        [
            {
                "office_id": who.office_id,
                "id": change.household_id,
                "caseworker_id": change.now,
                "district": change.district_now,
            }
            for change in wanted.changes
        ],
    )
    _tell(session, who, row, wanted)
    _note(session, who, row, wanted)
    return row


def _tell(session: Session, who: Staff, row: Reassignment, wanted: Plan) -> None:
    moved = [change for change in wanted.changes if change.was != change.now]
    for what, counts in (
        (News.GAVE, Counter(change.was for change in moved)),
        (News.GOT, Counter(change.now for change in moved)),
    ):
        for staff_id, count in counts.items():
            cover.tell_moved(session, who, row, staff_id, what, count)
    session.flush()


def _note(session: Session, who: Staff, row: Reassignment, wanted: Plan) -> None:
    by = Actor.staff(who.staff_id)
    entries = [
        (
            change.household_id,
            {
                "reassignment": row.id,
                "was": change.was,
                "now": change.now,
                "district": change.district_was != change.district_now,
            },
        )
        for change in wanted.changes
    ]
    journal.record_all(session, who.office_id, by, "household.reassigned", entries)
    facts = {"moved": row.moved, "districts": row.districts, "left_out": len(wanted.faults)}
    journal.record(session, who.office_id, by, "reassignment.made", row.id, **facts)
