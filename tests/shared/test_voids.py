from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import clock, intake, receipt_lists, receipt_rules, receipts, retention, review, voids
from shared.errors import NotThere, SamePerson
from shared.model import Kept, LogEntry, Receipt, ReceiptState, Role, State, Step, Submission, VoidState
from shared.rules.numbers import short_number
from shared.sign_in import Staff
from tests import factories

EVENING = datetime.fromisoformat("2026-11-19T20:12:41+09:00")


@pytest.fixture(autouse=True)
def now() -> Iterator[datetime]:
    with clock.at(EVENING):
        yield EVENING


@pytest.fixture
def clerk(session: Session) -> Staff:
    return factories.staff(session, Role.CLERK, name="品見 薫")


@pytest.fixture
def chief(session: Session) -> Staff:
    return factories.staff(session, Role.SUPERVISOR, name="控田 百合")


def issue(session: Session, clerk: Staff, row: Submission) -> Receipt:
    return receipts.issue(session, clerk, row.id, seen=row.revision, attempt=uuid4(), demo=False)


@pytest.fixture
def row(session: Session) -> Submission:
    return factories.submission(session, State.ACCEPTED)


@pytest.fixture
def issued(session: Session, clerk: Staff, row: Submission) -> Receipt:
    return issue(session, clerk, row)


def events(session: Session) -> list[str]:
    return list(
        session.scalars(select(LogEntry.event).where(LogEntry.event.startswith("receipt.")).order_by(LogEntry.seq))
    )


def test_a_voided_one_keeps_its_row_and_number_and_another_one_takes_its_place(
    session: Session, clerk: Staff, row: Submission, issued: Receipt
) -> None:
    attempt = uuid4()
    for _tap in range(2):
        assert voids.propose(session, clerk, issued.id, " 宛名の誤記 ", attempt=attempt).state is VoidState.DONE
    assert (issued.state, issued.voided_at, issued.voided_by) == (ReceiptState.VOIDED, EVENING, clerk.staff_id)
    assert issued.void_reason == "宛名の誤記"
    assert row.state is State.ACCEPTED
    again = issue(session, clerk, row)
    assert (short_number(issued.document_no), short_number(again.document_no)) == ("令8-00001", "令8-00002")
    assert again.replaces_id == issued.id
    received = dict(again.content["received"])
    assert received["再発行"] == "ひ福生第 令8-00001 号（取消し済み）に代わるもの"
    assert received["受理"].endswith("例野 太郎"), "who has voided it has accepted nothing"
    assert events(session) == ["receipt.issued", "receipt.voided", "receipt.issued"]
    entry = session.scalars(select(LogEntry).where(LogEntry.event == "receipt.voided")).one()
    assert entry.facts["submission"] == str(row.id)
    assert entry.facts["issued"] == str(issued.entry_id)
    assert (entry.facts["was"], entry.facts["became"]) == ("receipted", "accepted")
    with pytest.raises(ValueError, match="voided already"):
        voids.propose(session, clerk, issued.id, "もう一度", attempt=uuid4())


def test_the_third_replaces_the_second(session: Session, clerk: Staff, row: Submission, issued: Receipt) -> None:
    receipts.void(session, clerk, issued.id, "誤記")
    with clock.at(EVENING + timedelta(minutes=1)):
        second = issue(session, clerk, row)
        receipts.void(session, clerk, second.id, "また誤記")
    with clock.at(EVENING + timedelta(minutes=2)):
        third = issue(session, clerk, row)
    assert [one.replaces_id for one in (issued, second, third)] == [None, issued.id, second.id]
    steps = session.scalars(select(Step.became).where(Step.submission_id == row.id).order_by(Step.id)).all()
    assert steps[-5:] == [State.RECEIPTED, State.ACCEPTED, State.RECEIPTED, State.ACCEPTED, State.RECEIPTED]


def test_the_person_sees_that_it_counts_no_more_and_the_new_one(
    session: Session, clerk: Staff, row: Submission, issued: Receipt
) -> None:
    person = factories.recipient_of(session, row)
    receipts.void(session, clerk, issued.id, "誤記")
    (old,) = receipts.own_receipts(session, person)
    assert (old.voided_at, old.replaced) == (EVENING, False)
    with clock.at(EVENING + timedelta(minutes=1)):
        new = issue(session, clerk, row)
    lines = receipts.own_receipts(session, person)
    assert [(line.id, line.voided_at is not None, line.replaced, line.replaces) for line in lines] == [
        (new.id, False, False, True),
        (issued.id, True, True, False),
    ]


@pytest.mark.parametrize("reason", ["", "  ", "あ" * 301, "個人番号は 123456789018 です"])
def test_nothing_is_voided_without_a_reason_that_can_be_kept(
    session: Session, clerk: Staff, issued: Receipt, reason: str
) -> None:
    with pytest.raises(ValueError, match="without a reason"):
        voids.propose(session, clerk, issued.id, reason, attempt=uuid4())
    assert issued.state is ReceiptState.ISSUED


def test_another_office_voids_nothing(session: Session, issued: Receipt) -> None:
    stranger = factories.staff(session, Role.CLERK, office_id=factories.office(session, "XX").id)
    with pytest.raises(NotThere):
        voids.propose(session, stranger, issued.id, "誤記", attempt=uuid4())
    with pytest.raises(NotThere):
        receipts.void(session, stranger, issued.id, "誤記")
    assert voids.waiting(session, stranger) == []


def test_where_the_office_wants_two_people_another_one_voids_it(
    session: Session, clerk: Staff, chief: Staff, issued: Receipt
) -> None:
    receipt_rules.set_rule(session, clerk.office_id, clock.today(), two_people=True)
    wish = voids.propose(session, clerk, issued.id, "誤記", attempt=uuid4())
    assert wish.state is VoidState.PROPOSED
    assert issued.state is ReceiptState.ISSUED
    colleague = factories.staff(session, Role.CLERK)
    assert voids.propose(session, colleague, issued.id, "誤記です", attempt=uuid4()).id == wish.id
    (line,) = voids.waiting(session, chief)
    assert (line.reason, line.by, line.by_me) == ("誤記", "品見 薫", False)
    with pytest.raises(SamePerson):
        voids.approve(session, clerk, wish.id)
    for _tap in range(2):
        voids.approve(session, chief, wish.id)
    assert (issued.state, issued.voided_by, issued.void_reason) == (ReceiptState.VOIDED, chief.staff_id, "誤記")
    assert voids.waiting(session, chief) == []
    assert sorted(events(session)) == ["receipt.issued", "receipt.rule_set", "receipt.void_proposed", "receipt.voided"]


def test_the_second_person_may_refuse_and_then_it_may_be_asked_again(
    session: Session, clerk: Staff, chief: Staff, issued: Receipt
) -> None:
    receipt_rules.set_rule(session, clerk.office_id, clock.today(), two_people=True)
    wish = voids.propose(session, clerk, issued.id, "誤記", attempt=uuid4())
    with pytest.raises(ValueError, match="says why"):
        voids.refuse(session, chief, wish.id, "")
    assert voids.refuse(session, chief, wish.id, "このままでよい").state is VoidState.REFUSED
    assert voids.approve(session, chief, wish.id).state is VoidState.REFUSED
    assert issued.state is ReceiptState.ISSUED
    assert voids.propose(session, clerk, issued.id, "やはり誤記", attempt=uuid4()).id != wish.id


def test_the_clerk_finds_it_among_what_can_be_issued_and_among_what_was_voided(
    session: Session, clerk: Staff, row: Submission, issued: Receipt
) -> None:
    receipts.void(session, clerk, issued.id, "誤記")
    (line,) = receipt_lists.ready(session, clerk)
    assert (line.id, line.again, line.accepted_by) == (row.id, True, "例野 太郎")
    wanted = receipt_lists.Wanted(tab=receipt_lists.Tab.VOIDED)
    (old,) = receipt_lists.issued(session, clerk, wanted)
    assert (old.void_reason, old.voided_by, old.replaced_by) == ("誤記", "品見 薫", "")
    new = issue(session, clerk, row)
    (old,) = receipt_lists.issued(session, clerk, wanted)
    assert old.replaced_by == new.document_no
    assert receipt_lists.one(session, clerk, new.id).replaces == issued.document_no  # type: ignore[union-attr]


def test_what_is_kept_counts_its_days_from_the_last_issue_and_stands_on_a_list_once(
    session: Session, clerk: Staff
) -> None:
    who = factories.recipient(session)
    row = factories.draft(session, who)
    factories.make_safe(session, factories.file(session, who, row))
    intake.send(session, who, row.id, attempt=uuid4())
    worker = factories.caseworker_of(session, row)
    review.claim(session, worker, row.id)
    review.accept(session, worker, row.id, seen=row.revision, attempt=uuid4())
    first = issue(session, clerk, row)
    receipts.void(session, clerk, first.id, "誤記")
    query = retention.kept_long_enough(clerk.office_id, Kept.ORIGINAL, clock.today() + timedelta(days=9))
    assert session.execute(query).all() == [], "what waits for another certificate is not closed"
    again = EVENING + timedelta(days=3)
    with clock.at(again):
        issue(session, clerk, row)
    assert [since for _file, since, _held in session.execute(query)] == [again]
