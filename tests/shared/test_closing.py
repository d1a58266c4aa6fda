"""締め: a day is closed once, never changes, and what comes while it is closed is in exactly one day."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, closing, intake, journal, ledger, log_tree, receipts
from shared.errors import NotClosable, NotThere, RuleStands
from shared.model import (
    Actor,
    ClosingKind,
    DayClosing,
    DutyKind,
    Job,
    LogEntry,
    Receipt,
    ReceiptState,
    Role,
    State,
    Submission,
    Task,
)
from shared.sign_in import Staff
from tests import factories
from tests.shared.test_ledger import FRIDAY, SATURDAY, THURSDAY, TUESDAY, arrive, clerk, moment, number, numbers

Make = sessionmaker[Session]


def issued(session: Session, kaoru: Staff) -> Receipt:
    row = factories.submission(session, State.ACCEPTED)
    return receipts.issue(session, kaoru, row.id, seen=row.revision, attempt=uuid4(), demo=True)


def voided(session: Session, receipt: Receipt, who: Staff, why: str = "宛名のまちがい") -> None:
    receipt.move(ReceiptState.VOIDED)
    receipt.voided_at, receipt.voided_by, receipt.void_reason = clock.now(), who.staff_id, why
    session.flush()
    journal.record(session, who.office_id, Actor.staff(who.staff_id), closing.VOIDED, receipt.id)


def test_the_sheet_counts_the_day_and_says_how_far_the_journal_was(session: Session) -> None:
    kaoru = clerk(session)
    with clock.at(moment(THURSDAY, 9)):
        sent = [arrive(session, clock.now()) for _ in range(2)]
        first, second = issued(session, kaoru), issued(session, kaoru)
        factories.submission(session, State.ACCEPTED)
        voided(session, first, kaoru)
        intake.withdraw(session, factories.recipient_of(session, sent[0]), sent[0].id, attempt=uuid4())
    with clock.at(moment(THURSDAY, 17, 16)):
        size = journal.length(session, kaoru.office_id)
        row = closing.close(session, kaoru, THURSDAY)
    assert (row.arrivals, row.number_from, row.number_to, row.withdrawn) == (5, number(1), number(5), 1)
    assert (row.receipts, row.document_from, row.document_to) == (2, first.document_no, second.document_no)
    assert (row.voids, row.ready_left, row.log_size) == (1, 1, size)
    assert row.root == log_tree.head(session, kaoru.office_id, size).root
    sheet = closing.sheet(session, kaoru, THURSDAY)
    assert sheet.digest == hashlib.sha256(closing.as_bytes(sheet.content)).hexdigest()
    assert sheet.content["closed_at"] == "令和8年11月19日(木)17時16分00秒"
    assert sheet.content["voids"] == [[first.document_no, "令和8年11月19日(木)9時00分", "品見 薫", "宛名のまちがい"]]
    assert [(kind.kind, kind.arrivals) for kind in session.scalars(select(ClosingKind))] == [
        (DutyKind.INCOME_REPORT, 5)
    ]
    entry = session.scalars(select(LogEntry).where(LogEntry.event == "day.closed")).one()
    assert (entry.subject_id, entry.facts["content_sha256"]) == (row.id, row.digest)
    assert session.scalars(select(Task.subject_id).where(Task.job == Job.SIGN_CLOSING)).all() == [row.id]
    assert journal.first_broken(session, kaoru.office_id) is None


def test_what_comes_late_keeps_its_time_and_stands_in_the_next_day(session: Session) -> None:
    kaoru = clerk(session)
    early = arrive(session, moment(THURSDAY, 17))
    with clock.at(moment(THURSDAY, 17, 15)):
        closing.close(session, kaoru, THURSDAY)
    late = arrive(session, moment(THURSDAY, 17, 15, 1))
    assert late.arrived_at == moment(THURSDAY, 17, 15, 1)
    assert (numbers(session, kaoru, THURSDAY), numbers(session, kaoru, FRIDAY)) == ([early.number], [late.number])
    with clock.at(moment(FRIDAY, 17, 15)):
        book = ledger.book(session, kaoru.office_id)
        assert ledger.summary(session, kaoru, book, book.stretch(FRIDAY)).late == 1
        assert closing.close(session, kaoru, FRIDAY).number_from == late.number
    assert numbers(session, kaoru, FRIDAY) == [late.number]


def test_closing_twice_is_closing_once(session: Session) -> None:
    kaoru, other = clerk(session), factories.staff(session, Role.CLERK)
    with clock.at(moment(THURSDAY, 17)):
        first = closing.close(session, kaoru, THURSDAY)
    arrive(session, moment(THURSDAY, 18))
    with clock.at(moment(THURSDAY, 19)):
        assert closing.close(session, other, THURSDAY) is first
    assert (first.closed_by, first.arrivals) == (kaoru.staff_id, 0)
    assert len(session.scalars(select(LogEntry).where(LogEntry.event == "day.closed")).all()) == 1


def test_a_day_that_is_over_is_closed_up_to_its_midnight_and_says_when(session: Session) -> None:
    kaoru = clerk(session)
    with clock.at(moment(THURSDAY, 17)):
        closing.close(session, kaoru, THURSDAY)
    night, morning = arrive(session, moment(FRIDAY, 23, 59)), arrive(session, moment(TUESDAY, 8))
    with clock.at(moment(TUESDAY, 8, 30)):
        assert closing.desk(session, kaoru).not_closed == [FRIDAY]
        row = closing.close(session, kaoru, FRIDAY)
        assert (row.number_from, row.closed_at) == (night.number, moment(TUESDAY, 8, 30))
        assert closing.sheet(session, kaoru, FRIDAY).content["later"]
        assert closing.desk(session, kaoru).not_closed == []
        assert numbers(session, kaoru, TUESDAY) == [morning.number]


def test_a_day_that_is_left_out_goes_into_the_next_one(session: Session) -> None:
    kaoru = clerk(session)
    with clock.at(moment(THURSDAY, 17)):
        closing.close(session, kaoru, THURSDAY)
    friday, weekend = arrive(session, moment(FRIDAY, 9)), arrive(session, moment(SATURDAY, 9))
    assert numbers(session, kaoru, TUESDAY) == [weekend.number], "on Saturday nobody works"
    with clock.at(moment(TUESDAY, 17)):
        row = closing.close(session, kaoru, TUESDAY)
        assert (row.number_from, row.number_to) == (friday.number, weekend.number)
        with pytest.raises(NotClosable):
            closing.close(session, kaoru, FRIDAY)
        with pytest.raises(NotClosable):
            closing.so_far(session, kaoru, TUESDAY + timedelta(days=1))
        assert [(row.day, row.id is None) for row in closing.of_month(session, kaoru, THURSDAY.replace(day=1))] == [
            (TUESDAY, False),
            (FRIDAY, True),
            (THURSDAY, False),
        ]


def test_the_first_closing_begins_with_its_own_day(session: Session) -> None:
    kaoru = clerk(session)
    old, today = arrive(session, moment(THURSDAY, 23)), arrive(session, moment(FRIDAY, 9))
    with clock.at(moment(FRIDAY, 17)):
        assert closing.close(session, kaoru, FRIDAY).number_from == today.number
    assert numbers(session, kaoru, THURSDAY) == [old.number]


def test_a_void_is_of_the_day_on_which_it_happens(session: Session) -> None:
    kaoru = clerk(session)
    with clock.at(moment(THURSDAY, 16)):
        receipt = issued(session, kaoru)
        before = closing.close(session, kaoru, THURSDAY)
        said = closing.as_bytes(before.content)
    with clock.at(moment(FRIDAY, 9)):
        voided(session, receipt, kaoru)
        after = closing.close(session, kaoru, FRIDAY)
    session.refresh(before)
    assert (before.voids, before.receipts, after.voids, after.receipts) == (0, 1, 1, 0)
    assert closing.as_bytes(before.content) == said


def test_what_would_be_said_now_is_what_the_sheet_says(session: Session) -> None:
    kaoru = clerk(session)
    with clock.at(moment(THURSDAY, 9)):
        arrive(session, clock.now())
        receipt = issued(session, kaoru)
        counts = closing.so_far(session, kaoru, THURSDAY)
        row = closing.close(session, kaoru, THURSDAY)
    assert (len(counts.numbers), counts.documents) == (row.arrivals, (receipt.document_no,))
    assert counts.missing == []


def test_a_day_without_anything_can_be_closed(session: Session) -> None:
    kaoru = clerk(session)
    with clock.at(moment(THURSDAY, 17)):
        row = closing.close(session, kaoru, THURSDAY)
    assert (row.arrivals, row.number_from, row.receipts, row.document_to) == (0, None, 0, None)


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.CLERK}))
def test_only_a_clerk_closes(session: Session, role: Role) -> None:
    with pytest.raises(NotThere):
        closing.close(session, factories.staff(session, role), clock.today())


@pytest.mark.parametrize("act", ["UPDATE day_closing SET arrivals = 9", "DELETE FROM closing_kind"])
def test_a_closed_day_never_changes(session: Session, act: str) -> None:
    kaoru = clerk(session)
    with clock.at(moment(THURSDAY, 17)):
        arrive(session, clock.now())
        closing.close(session, kaoru, THURSDAY)
    with pytest.raises(DBAPIError, match="never changes"):
        session.execute(text(act))


def test_signing_twice_is_signing_once(session: Session) -> None:
    kaoru = clerk(session)
    with clock.at(moment(THURSDAY, 17)):
        row = closing.close(session, kaoru, THURSDAY)
        assert closing.sheet(session, kaoru, THURSDAY).signature is None
        closing.sign(session, row.office_id, row.id, b"first")
        closing.sign(session, row.office_id, row.id, b"second")
        assert closing.sheet(session, kaoru, THURSDAY).signature == b"first"


def test_the_usual_time_is_dated_and_no_lock(session: Session) -> None:
    chief, kaoru = factories.staff(session, Role.SUPERVISOR), clerk(session)
    with clock.at(moment(THURSDAY, 9)):
        assert closing.closes_at(session, chief.office_id, THURSDAY) == time(17, 15)
        closing.set_time(session, chief, time(16, 30), FRIDAY)
        closing.set_time(session, chief, time(16, 45), FRIDAY)  # not begun yet: put right
        assert [closing.closes_at(session, chief.office_id, day) for day in (THURSDAY, FRIDAY)] == [
            time(17, 15),
            time(16, 45),
        ]
        with pytest.raises(ValueError, match="from today on"):
            closing.set_time(session, chief, time(16), THURSDAY - timedelta(days=1))
        with pytest.raises(NotThere):
            closing.set_time(session, kaoru, time(16), FRIDAY)
    with clock.at(moment(FRIDAY, 9)):
        closing.set_time(session, chief, time(16, 45), FRIDAY)
        with pytest.raises(RuleStands):
            closing.set_time(session, chief, time(16), FRIDAY)
        assert closing.close(session, kaoru, FRIDAY).closed_at == moment(FRIDAY, 9), "before its time"


# ---- at once ----


def test_two_clerks_close_a_day_once(make_session: Make) -> None:
    with make_session.begin() as session:
        clerks = [clerk(session) for _ in range(4)]
        arrive(session, clock.now())
    today, start = clock.today(), threading.Barrier(4)

    def close(who: Staff) -> UUID:
        start.wait()
        with make_session.begin() as session:
            return closing.close(session, who, today).id

    with ThreadPoolExecutor(4) as pool:
        ids = set(pool.map(close, clerks))
    with make_session() as session:
        assert [row.id for row in session.scalars(select(DayClosing))] == list(ids)
        assert len(session.scalars(select(LogEntry).where(LogEntry.event == "day.closed")).all()) == 1


def test_what_arrives_while_a_day_is_closed_is_in_exactly_one_day(make_session: Make) -> None:
    """Six send while a clerk closes in the middle of it; whatever each of them had stamped."""
    with make_session.begin() as session:
        kaoru, worker = clerk(session), factories.staff(session)
        people = [factories.recipient(session, factories.household(session, worker)) for _ in range(24)]
        drafts = [factories.draft(session, who).id for who in people]
    today, start = clock.today(), threading.Barrier(7)

    def send(hand: int) -> None:
        start.wait()
        for who, draft in list(zip(people, drafts, strict=True))[hand::6]:
            with make_session.begin() as session:
                intake.send(session, who, draft, attempt=uuid4())

    def close() -> None:
        start.wait()
        with make_session() as session:
            while len(session.scalars(select(Submission.id).where(Submission.number.is_not(None))).all()) < 6:
                session.rollback()
            session.rollback()
        with make_session.begin() as session:
            closing.close(session, kaoru, today)

    with ThreadPoolExecutor(7) as pool:
        done = [*(pool.submit(send, hand) for hand in range(6)), pool.submit(close)]
    for one in done:
        one.result()
    with make_session() as session:
        row = session.scalars(select(DayClosing)).one()
        now, later = numbers(session, kaoru, today), numbers(session, kaoru, next_day(session, kaoru, today))
        everything = session.scalars(
            select(Submission.number).where(Submission.number.is_not(None)).order_by(Submission.number)
        ).all()
        assert now + later == everything, "each once, and the numbers of a day follow one another"
        assert (row.arrivals, row.number_to) == (len(now), now[-1])


def test_who_has_stamped_an_arrival_and_waits_is_of_the_next_day(make_session: Make) -> None:
    """The arrival's moment lies before the closing's, and its transaction commits after it."""
    with make_session.begin() as session:
        kaoru = clerk(session)
        who = factories.recipient(session)
        draft = factories.draft(session, who).id
        office = kaoru.office_id
    if make_session.kw["bind"].dialect.name == "sqlite":
        pytest.skip("one writer at a time: there is no such moment")
    today = clock.today()
    with make_session() as closer, ThreadPoolExecutor(1) as pool:
        journal.hold(closer, office)

        def send() -> None:
            with make_session.begin() as session:
                intake.send(session, who, draft, attempt=uuid4())

        sending = pool.submit(send)
        stamped = waits_for_the_journal(make_session)
        row = closing.close(closer, kaoru, today)
        assert row.closed_at > stamped
        closer.commit()
        sending.result()
    with make_session() as session:
        sent = session.get_one(Submission, (office, draft))
        assert sent.arrived_at is not None
        assert sent.arrived_at < row.closed_at
        assert numbers(session, kaoru, today) == []
        assert numbers(session, kaoru, next_day(session, kaoru, today)) == [sent.number]


def waits_for_the_journal(make_session: Make) -> datetime:
    """Until another transaction waits for a lock."""
    with make_session() as session:
        for _ in range(20_000):
            if session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
                return clock.now()
            session.rollback()
    raise AssertionError("nobody waits")


def next_day(session: Session, who: Staff, day: date) -> date:
    return ledger.book(session, who.office_id).calendar.next_open(day + timedelta(days=1))
