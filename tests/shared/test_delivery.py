from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import clock, delivery, messages, receipts
from shared.errors import NotThere
from shared.model import ActorKind, Delivered, Delivery, DeliveryWay, LogEntry, Receipt, Role, State, Submission, Way
from shared.sign_in import Recipient, Staff
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
def issued(session: Session, clerk: Staff) -> Receipt:
    row = factories.submission(session, State.ACCEPTED)
    return receipts.issue(session, clerk, row.id, seen=row.revision, attempt=uuid4(), demo=True)


@pytest.fixture
def person(session: Session, issued: Receipt) -> Recipient:
    return factories.recipient_of(session, session.get_one(Submission, (issued.office_id, issued.submission_id)))


def said(session: Session) -> list[str]:
    return list(
        session.scalars(select(LogEntry.event).where(LogEntry.event.startswith("receipt.")).order_by(LogEntry.seq))
    )


def arrived(session: Session, receipt: Receipt) -> bool:
    found = session.scalar(
        select(Receipt.id)
        .join(Submission, Submission.id == Receipt.submission_id)
        .outerjoin(DeliveryWay, delivery.its_way())
        .where(Receipt.id == receipt.id, delivery.has_arrived())
    )
    return found is not None


def test_what_the_person_does_is_kept_with_its_first_and_last_moment(
    session: Session, issued: Receipt, person: Recipient
) -> None:
    delivery.seen(session, person, issued.id)
    with clock.at(EVENING + timedelta(hours=1)):
        delivery.seen(session, person, issued.id)
        delivery.downloaded(session, person, issued.id)
    with clock.at(EVENING + timedelta(hours=2)):
        delivery.downloaded(session, person, issued.id)
    seen, taken = delivery.marks(session, issued.office_id, [issued.id])[issued.id]
    assert (seen.kind, seen.first_at, seen.last_at, seen.times) == (Delivered.SEEN, EVENING, EVENING, 1)
    assert (taken.kind, taken.first_at) == (Delivered.DOWNLOADED, EVENING + timedelta(hours=1))
    assert (taken.last_at, taken.times) == (EVENING + timedelta(hours=2), 2)
    assert said(session) == ["receipt.issued", "receipt.seen", "receipt.downloaded"]
    row = session.scalars(select(Delivery).where(Delivery.kind == Delivered.SEEN)).one()
    assert (row.by_kind, row.by_id) == (ActorKind.RECIPIENT, person.account_id)


def test_nobody_else_sees_or_takes_it(session: Session, issued: Receipt) -> None:
    neighbour = factories.recipient(session)
    for act in (delivery.seen, delivery.downloaded):
        with pytest.raises(NotThere):
            act(session, neighbour, issued.id)
    assert delivery.marks(session, issued.office_id, [issued.id]) == {}


def test_staff_say_what_they_have_done_and_each_time_is_in_the_journal(
    session: Session, clerk: Staff, issued: Receipt
) -> None:
    assert delivery.done(session, clerk, [issued.id, uuid4()], Delivered.PRINTED) == 1
    delivery.done(session, clerk, [issued.id], Delivered.PRINTED)
    (mark,) = delivery.marks(session, issued.office_id, [issued.id])[issued.id]
    assert (mark.kind, mark.times) == (Delivered.PRINTED, 2)
    assert said(session) == ["receipt.issued", "receipt.printed", "receipt.printed"]
    with pytest.raises(ValueError, match="not said by staff"):
        delivery.done(session, clerk, [issued.id], Delivered.SEEN)
    other = factories.staff(session, Role.CLERK, office_id=factories.office(session, "XX").id)
    assert delivery.done(session, other, [issued.id], Delivered.POSTED) == 0


def test_the_way_says_what_it_takes_to_have_come_to_her(
    session: Session, clerk: Staff, issued: Receipt, person: Recipient
) -> None:
    assert not arrived(session, issued)
    delivery.seen(session, person, issued.id)
    assert arrived(session, issued)
    delivery.set_way(session, clerk, person.member_id, Way.POST)
    assert not arrived(session, issued), "who gets it by post has not got it by looking at a list"
    delivery.done(session, clerk, [issued.id], Delivered.PRINTED)
    assert not arrived(session, issued)
    delivery.done(session, clerk, [issued.id], Delivered.POSTED)
    assert arrived(session, issued)
    delivery.set_way(session, clerk, person.member_id, Way.POST)
    ways = session.scalars(select(LogEntry.event).where(LogEntry.event == "delivery.way_set")).all()
    assert len(ways) == 1, "the same again is no news"
    with pytest.raises(NotThere):
        delivery.set_way(session, clerk, uuid4(), Way.POST)


def test_a_second_tap_tells_her_again_only_once(
    session: Session, clerk: Staff, issued: Receipt, person: Recipient
) -> None:
    attempt = uuid4()
    for _tap in range(2):
        assert delivery.resend(session, clerk, [issued.id], attempt=attempt) == 1
    assert messages.unread(session, person) == 1
    (line,) = messages.thread(session, person.office_id, person.member_id)
    assert "受領証" in line.text
    (mark,) = delivery.marks(session, issued.office_id, [issued.id])[issued.id]
    assert (mark.kind, mark.times) == (Delivered.RESENT, 1)
