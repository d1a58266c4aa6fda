"""Who looked at what: told from the journal alone, by household, by member of staff and by day."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from shared import clock, household, intake, journal, looks, receipts, review
from shared.errors import NotThere
from shared.looks import Kind, Look, Wanted
from shared.model import Actor, ActorKind, Household, HouseholdLook, LogEntry, Role, StoredFile, Submission
from shared.sign_in import Staff
from tests import factories
from tests.shared.test_ledger import FRIDAY, THURSDAY, clerk, moment


@pytest.fixture
def chief(session: Session) -> Staff:
    return factories.staff(session, Role.SUPERVISOR, name="仮山 百合")


def viewed(session: Session, who: Staff, row: Submission, **facts: str) -> None:
    by = Actor.staff(who.staff_id)
    journal.record(session, who.office_id, by, "submission.viewed", row.id, version=1, **facts)


def with_a_file(session: Session) -> tuple[Submission, StoredFile]:
    who = factories.recipient(session)
    row = factories.draft(session, who)
    file = factories.file(session, who, row)
    factories.make_safe(session, file)
    intake.send(session, who, row.id, attempt=uuid4())
    return row, file


def found(session: Session, who: Staff, day: date = THURSDAY, **more: UUID | Kind | None) -> list[Look]:
    return looks.looks(session, who, Wanted(day, day, **more))  # type: ignore[arg-type]


def test_a_look_is_told_with_who_when_what_from_where_and_why(session: Session, chief: Staff) -> None:
    worker = factories.staff(session)
    with clock.at(moment(THURSDAY, 9, 12, 41)):
        home = factories.household(session, worker, protected=True)
        factories.recipient(session, home, name="見本　花子")
        why = household.say_why(session, worker, home.id, "家庭訪問の準備のため", attempt=uuid4())
        by = Actor.staff(worker.staff_id)
        facts = {"why": str(why.id), "from_address": "10.1.2.3", "household": str(home.id)}
        journal.record(session, worker.office_id, by, "household.viewed", home.id, **facts)
    (look,) = found(session, chief)
    assert (look.at, look.who, look.role) == (moment(THURSDAY, 9, 12, 41), "例野 太郎", Role.CASEWORKER)
    assert (look.event, look.from_address, look.why) == ("household.viewed", "10.1.2.3", "家庭訪問の準備のため")
    assert look.home is not None
    assert (look.home.case_no, look.home.head) == (home.case_no, "見本　花子")


def test_an_entry_of_an_earlier_release_has_its_reason_too(session: Session, chief: Staff) -> None:
    admin = factories.staff(session, Role.ADMINISTRATOR)
    row, file = with_a_file(session)
    who = factories.recipient_of(session, row)
    look = HouseholdLook(
        office_id=admin.office_id, household_id=who.household_id, staff_id=admin.staff_id, reason="照会"
    )
    session.add(look)
    session.flush()
    with clock.at(moment(THURSDAY, 9)):
        by = Actor.staff(admin.staff_id)
        journal.record(session, admin.office_id, by, "household.viewed", who.household_id, look=look.id)
        journal.record(session, admin.office_id, by, "file.viewed", file.id)
    newer, older = found(session, chief)
    assert (older.why, newer.why, newer.number) == ("照会", "", row.number)


def test_every_look_at_a_households_papers_is_found_and_no_other(session: Session, chief: Staff) -> None:
    worker, kaoru = factories.staff(session), clerk(session)
    with clock.at(moment(THURSDAY, 9)):
        (mine, file), other = with_a_file(session), factories.submission(session)
        who = factories.recipient_of(session, mine)
        hers = factories.caseworker_of(session, mine)
        review.claim(session, hers, mine.id)
        session.refresh(mine)
        review.accept(session, hers, mine.id, seen=mine.revision, attempt=uuid4())
        receipt = receipts.issue(session, kaoru, mine.id, seen=mine.revision, attempt=uuid4(), demo=True)
        by = Actor.staff(worker.staff_id)
        for subject, what in (
            (who.household_id, "household.viewed"),
            (mine.id, "submission.viewed"),
            (file.id, "file.viewed"),
            (receipt.id, "receipt.viewed"),
            (other.id, "submission.viewed"),
        ):
            journal.record(session, worker.office_id, by, what, subject)
    mine_only = found(session, chief, household_id=mine.household_id)
    assert [look.event for look in mine_only] == [
        "receipt.viewed",
        "file.viewed",
        "submission.viewed",
        "household.viewed",
    ]
    assert {look.home.id for look in mine_only if look.home} == {mine.household_id}
    assert mine_only[0].number == receipt.document_no
    assert len(found(session, chief)) == 5
    done = found(session, chief, household_id=mine.household_id, kind=Kind.ALL)
    assert {"submission.arrived", "receipt.issued"} <= {look.event for look in done}
    assert {look.by for look in done} >= {ActorKind.STAFF, ActorKind.RECIPIENT}


def test_by_member_of_staff_and_by_day(session: Session, chief: Staff) -> None:
    first, second = factories.staff(session), factories.staff(session, name="試田 美紀")
    row = factories.submission(session)
    for day, who in ((THURSDAY, first), (THURSDAY, second), (FRIDAY, first)):
        with clock.at(moment(day, 23, 59)):
            viewed(session, who, row)
    assert [look.who for look in found(session, chief)] == ["試田 美紀", "例野 太郎"]
    assert [look.who for look in found(session, chief, staff_id=second.staff_id)] == ["試田 美紀"]
    assert looks.count(session, chief, Wanted(THURSDAY, FRIDAY, staff_id=first.staff_id)) == 2


def test_page_follows_page_in_few_queries_and_looking_is_an_entry(session: Session, chief: Staff) -> None:
    worker, row = factories.staff(session), factories.submission(session)
    with clock.at(moment(THURSDAY, 9)):
        for _ in range(7):
            viewed(session, worker, row)
        asked: list[str] = []

        def count(*given: object) -> None:
            asked.append(str(given[2]))

        connection = session.connection()
        event.listen(connection, "before_cursor_execute", count)
        seen, behind = [], None
        while page := looks.looks(session, chief, Wanted(THURSDAY, THURSDAY), behind=behind, most=3):
            seen += [look.seq for look in page]
            behind = page[-1].seq
        event.remove(connection, "before_cursor_execute", count)
        assert seen == sorted(set(seen), reverse=True)
        assert (len(seen), len(asked) <= 4 * 10) == (7, True)
        looks.record(session, chief, "viewed", Wanted(THURSDAY, THURSDAY, household_id=row.household_id), "10.1.2.3")
    entry = session.scalars(select(LogEntry).order_by(LogEntry.seq.desc()).limit(1)).one()
    assert (entry.event, entry.subject_id, entry.actor_id) == ("looks.viewed", row.household_id, chief.staff_id)
    assert [look.event for look in found(session, chief, kind=Kind.LISTS)] == ["looks.viewed"]


def test_an_administrator_sees_numbers_and_no_names(session: Session, chief: Staff) -> None:
    worker, row = factories.staff(session), factories.submission(session)
    admin = factories.staff(session, Role.ADMINISTRATOR)
    with clock.at(moment(THURSDAY, 9)):
        viewed(session, worker, row)
    (hers,), (chiefs,) = found(session, admin), found(session, chief)
    assert hers.home is not None
    assert chiefs.home is not None
    assert (hers.home.case_no, hers.number, hers.who) == (chiefs.home.case_no, row.number, worker.name)
    assert (hers.home.head, bool(chiefs.home.head)) == ("", True)


@pytest.mark.parametrize("role", [Role.CASEWORKER, Role.CLERK])
def test_nobody_else_looks_here(session: Session, role: Role) -> None:
    who = factories.staff(session, role)
    for ask in (looks.looks, looks.count):
        with pytest.raises(NotThere):
            ask(session, who, Wanted(THURSDAY, THURSDAY))


def test_another_office_is_not_there(session: Session, chief: Staff) -> None:
    other = factories.staff(session, Role.SUPERVISOR, office_id=factories.office(session, "XX").id)
    row = factories.submission(session)
    viewed(session, factories.staff(session), row)
    today = Wanted(clock.today() - timedelta(days=1), clock.today() + timedelta(days=1))
    assert looks.looks(session, other, today) == []
    home = session.get_one(Household, (row.office_id, row.household_id))
    assert looks.household_of(session, other, home.case_no) is None
    assert looks.household_of(session, chief, f" {home.case_no} ") == home.id
