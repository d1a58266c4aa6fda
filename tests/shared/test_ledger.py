"""受付簿: each arrival stands in exactly one day, and every number that is not there is explained."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from shared import clock, closing, intake, ledger, receipts, review
from shared.model import LogEntry, Receipt, Role, State, Submission
from shared.rules.access import may_name
from shared.rules.ledger import Book, Closed, days, runs
from shared.rules.numbers import is_submission_number, submission_number
from shared.rules.office_days import OfficeDays
from shared.sign_in import Staff
from tests import factories

THURSDAY = date(2026, 11, 19)
FRIDAY, SATURDAY, TUESDAY = (THURSDAY + timedelta(days=count) for count in (1, 2, 5))  # Monday: 勤労感謝の日
CALENDAR = OfficeDays()


def moment(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=clock.TOKYO)


def number(serial: int, day: date = THURSDAY) -> str:
    return submission_number("HB", day, serial)


def clerk(session: Session) -> Staff:
    return factories.staff(session, Role.CLERK, name="品見 薫")


def arrive(session: Session, at: datetime, worker: Staff | None = None, *, protected: bool = False) -> Submission:
    with clock.at(at):
        home = factories.household(session, worker or factories.staff(session), protected=protected)
        return factories.submission(session, who=factories.recipient(session, home))


def numbers(session: Session, who: Staff, day: date) -> list[str]:
    stretch = ledger.book(session, who.office_id).stretch(day)
    return [line.number for line in ledger.lines(session, who, stretch)]


# ---- the rule ----


def test_without_a_closing_a_day_is_the_one_on_the_wall() -> None:
    stretch = Book([], CALENDAR).stretch(SATURDAY)
    assert (stretch.since, stretch.until, stretch.goes_to) == (SATURDAY, SATURDAY, None)
    assert Book([], CALENDAR).not_closed(TUESDAY) == []


def test_what_comes_after_a_closing_is_of_the_next_day_the_office_works() -> None:
    book = Book([Closed(THURSDAY, 10, 20)], CALENDAR)
    assert book.day_of(THURSDAY, 20) == THURSDAY
    assert book.day_of(THURSDAY, 21) == FRIDAY
    assert book.day_of(SATURDAY, 30) == TUESDAY
    assert book.stretch(SATURDAY).goes_to == TUESDAY
    assert book.not_closed(TUESDAY) == [FRIDAY]


def test_a_day_that_was_left_out_goes_into_the_next_closing_and_can_no_longer_be_closed() -> None:
    book = Book([Closed(THURSDAY, 0, 20), Closed(TUESDAY, 20, 60)], CALENDAR)
    assert book.stretch(FRIDAY).goes_to == TUESDAY
    assert not book.may_close(FRIDAY, TUESDAY)
    assert not book.may_close(TUESDAY + timedelta(days=1), TUESDAY)
    assert book.may_close(TUESDAY + timedelta(days=1), TUESDAY + timedelta(days=1))


@st.composite
def histories(draw: st.DrawFn) -> tuple[Book, list[tuple[date, int]]]:
    """Days with arrivals and closings between them, in the order of the journal, as a careless office would."""
    seq, today = 0, THURSDAY
    closings: list[Closed] = []
    arrivals: list[tuple[date, int]] = []
    for step in draw(st.lists(st.sampled_from(["arrive", "close", "close yesterday", "morrow"]), max_size=40)):
        last = closings[-1].day if closings else None
        yesterday = today - timedelta(days=1)
        before = max((at for day, at in arrivals if day < today), default=0)
        match step:
            case "arrive":
                seq += 1
                arrivals.append((today, seq))
            case "close" if last is None or last < today:
                after = closings[-1].until_seq if closings else before
                closings.append(Closed(today, after, seq))
            case "close yesterday" if last is not None and last < yesterday:
                after = closings[-1].until_seq
                closings.append(Closed(yesterday, after, max(after, before)))
            case "morrow":
                today += timedelta(days=1)
    return Book(closings, CALENDAR), arrivals


@given(histories())
def test_each_arrival_is_in_exactly_one_day(history: tuple[Book, list[tuple[date, int]]]) -> None:
    book, arrivals = history
    places = [book.stretch(day) for day in days(THURSDAY - timedelta(days=2), THURSDAY + timedelta(days=60))]
    for arrived_on, seq in arrivals:
        holders = [
            stretch.day
            for stretch in places
            if stretch.goes_to is None
            and stretch.after_seq < seq <= (seq if stretch.until_seq is None else stretch.until_seq)
            and (stretch.since or arrived_on) <= arrived_on <= (stretch.until or arrived_on)
        ]
        assert holders == [book.day_of(arrived_on, seq)]


def test_numbers_are_told_by_fiscal_year_with_those_that_are_missing() -> None:
    new_year = date(2027, 4, 1)
    there = [number(8), number(9), number(12), number(1, new_year)]
    old, new = runs(there)
    assert (old.first, old.last, old.count, old.missing) == (number(8), number(12), 3, (number(10), number(11)))
    assert (new.first, new.last, new.count, new.missing) == (number(1, new_year), number(1, new_year), 1, ())
    assert all(is_submission_number(one) for one in old.missing)
    assert runs([]) == []


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("protected", [False, True])
def test_a_list_of_many_names_no_protected_household_but_to_the_supervisor(role: Role, protected: bool) -> None:
    may = {Role.SUPERVISOR} if protected else {Role.SUPERVISOR, Role.CASEWORKER, Role.CLERK}
    assert may_name(role, protected=protected) == (role in may)


# ---- what is shown ----


def test_a_day_lists_its_arrivals_in_the_order_of_their_numbers(session: Session) -> None:
    kaoru, worker = clerk(session), factories.staff(session)
    first = arrive(session, moment(THURSDAY, 9, 1, 2), worker)
    second = arrive(session, moment(THURSDAY, 23, 59, 59), worker, protected=True)
    arrive(session, moment(FRIDAY, 0), worker)
    with clock.at(moment(FRIDAY, 10)):
        lines = ledger.lines(session, kaoru, ledger.book(session, kaoru.office_id).stretch(THURSDAY))
        assert [line.number for line in lines] == [first.number, second.number]
        assert [clock.day_of(line.arrived_at) for line in lines] == [THURSDAY] * 2
        assert [bool(line.member) for line in lines] == [True, False], "a clerk's list names no protected household"
        chief = factories.staff(session, Role.SUPERVISOR)
        seen = ledger.lines(session, chief, ledger.book(session, chief.office_id).stretch(THURSDAY))
        assert all(line.member for line in seen)


def test_a_line_says_what_became_of_it(session: Session) -> None:
    kaoru, worker = clerk(session), factories.staff(session)
    with clock.at(moment(THURSDAY, 9)):
        who = factories.recipient(session, factories.household(session, worker))
        row = factories.draft(session, who)
        for pages in (2, 3):
            factories.make_safe(session, factories.file(session, who, row), pages=pages)
        intake.send(session, who, row.id, attempt=uuid4())
        gone = factories.submission(session, who=factories.recipient(session))
        intake.withdraw(session, factories.recipient_of(session, gone), gone.id, attempt=uuid4())
    book = ledger.book(session, kaoru.office_id)
    line, withdrawn = ledger.lines(session, kaoru, book.stretch(THURSDAY))
    assert (line.files, line.pages, line.version_no, line.accepted_by) == (2, 5, 1, "")
    assert withdrawn.state is State.WITHDRAWN
    summary = ledger.summary(session, kaoru, book, book.stretch(THURSDAY))
    assert (summary.count, summary.withdrawn, summary.missing) == (2, 1, ()), "what was withdrawn keeps its number"
    with clock.at(moment(FRIDAY, 9)):
        session.refresh(row)
        review.claim(session, worker, row.id)
        session.refresh(row)
        review.accept(session, worker, row.id, seen=row.revision, attempt=uuid4())
        session.refresh(row)
        receipt = receipts.issue(session, kaoru, row.id, seen=row.revision, attempt=uuid4(), demo=True)
    line = ledger.lines(session, kaoru, book.stretch(THURSDAY))[0]
    assert (line.accepted_by, line.accepted_at, line.state) == ("例野 太郎", moment(FRIDAY, 9), State.RECEIPTED)
    assert [one.document_no for one in line.certificates] == [receipt.document_no]


def test_a_second_version_of_a_paper_is_no_second_arrival(session: Session) -> None:
    kaoru = clerk(session)
    with clock.at(moment(THURSDAY, 9)):
        row = factories.submission(session, State.RETURNED)
        who = factories.recipient_of(session, row)
        closing.close(session, kaoru, THURSDAY)
    with clock.at(moment(FRIDAY, 9)):
        factories.write(session, who, row.id, {"gross_yen": 90_000})
        intake.send(session, who, row.id, attempt=uuid4())
        assert numbers(session, kaoru, THURSDAY) == [row.number]
        assert numbers(session, kaoru, FRIDAY) == []
        closing.close(session, kaoru, FRIDAY)
        assert numbers(session, kaoru, THURSDAY) == [row.number]
        assert numbers(session, kaoru, FRIDAY) == []


def test_a_number_that_is_missing_is_found_in_another_day_or_nowhere(session: Session) -> None:
    kaoru = clerk(session)
    arrive(session, moment(THURSDAY, 9))
    elsewhere = arrive(session, moment(FRIDAY, 9))
    lost = arrive(session, moment(THURSDAY, 10))
    arrive(session, moment(THURSDAY, 11))
    lost.number = number(9999)
    session.flush()
    book = ledger.book(session, kaoru.office_id)
    summary = ledger.summary(session, kaoru, book, book.stretch(THURSDAY))
    found = {one.number: one.day for one in summary.missing}
    assert found[elsewhere.number or ""] == FRIDAY
    assert found[number(3)] is None


def test_page_follows_page_and_a_long_day_takes_few_queries(session: Session) -> None:
    kaoru, worker = clerk(session), factories.staff(session)
    sent = [arrive(session, moment(THURSDAY, 9, at), worker).number for at in range(7)]
    stretch = ledger.book(session, kaoru.office_id).stretch(THURSDAY)
    asked: list[str] = []
    connection = session.connection()

    def count(*given: object) -> None:
        asked.append(str(given[2]))

    event.listen(connection, "before_cursor_execute", count)
    seen: list[str] = []
    place = None
    while page := ledger.lines(session, kaoru, stretch, behind=place, most=3):
        seen += [line.number for line in page]
        place = page[-1].place
    event.remove(connection, "before_cursor_execute", count)
    assert seen == sent
    assert len(asked) <= 4 * 4


def test_another_offices_arrivals_are_not_there(session: Session) -> None:
    arrive(session, moment(THURSDAY, 9))
    other = factories.staff(session, Role.CLERK, office_id=factories.office(session, "XX").id)
    assert numbers(session, other, THURSDAY) == []


def test_every_arrival_and_receipt_can_be_found_in_the_journal(session: Session) -> None:
    """What the ledger leans on: one entry each, whose order is that of the numbers."""
    kaoru, worker = clerk(session), factories.staff(session)
    for at in range(3):
        arrive(session, moment(THURSDAY, 9, at), worker)
    row = factories.submission(session, State.ACCEPTED)
    receipts.issue(session, kaoru, row.id, seen=row.revision, attempt=uuid4(), demo=True)
    by_number = session.scalars(select(Submission.id).order_by(Submission.number)).all()
    by_entry = session.scalars(ledger.written(kaoru.office_id, ledger.ARRIVED, 0, 10_000).order_by(LogEntry.seq)).all()
    assert by_number == by_entry
    issued = session.scalars(ledger.written(kaoru.office_id, closing.ISSUED, 0, 10_000)).all()
    assert issued == session.scalars(select(Receipt.id)).all()
