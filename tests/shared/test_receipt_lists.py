"""The clerk's lists: who stands in which, in what order, page by page, and what narrows them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session

from shared import clock, delivery, receipt_lists, receipts
from shared.model import Delivered, DutyKind, Household, Receipt, Role, State, Submission, Way
from shared.receipt_lists import Tab, Wanted
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


def accepted(session: Session, **given: Any) -> Submission:
    worker = factories.staff(session, name=given.pop("worker", "例野 太郎"))
    home = factories.household(session, worker, district=given.pop("district", None))
    return factories.submission(session, State.ACCEPTED, factories.recipient(session, home, **given))


def issue(session: Session, clerk: Staff, row: Submission) -> Receipt:
    return receipts.issue(session, clerk, row.id, seen=row.revision, attempt=uuid4(), demo=False)


def ready(session: Session, clerk: Staff, **wanted: Any) -> list[UUID]:
    return [line.id for line in receipt_lists.ready(session, clerk, Wanted(**wanted))]


def issued(session: Session, clerk: Staff, **wanted: Any) -> list[str]:
    lines = receipt_lists.issued(session, clerk, Wanted(**{"tab": Tab.ISSUED, **wanted}))
    return [short_number(line.document_no) for line in lines]


def test_pages_follow_one_another_without_gap_or_double(session: Session, clerk: Staff) -> None:
    rows = []
    for minutes in (3, 1, 1, 2, 0):  # two arrive at the same moment
        with clock.at(EVENING - timedelta(minutes=minutes)):
            rows.append(accepted(session).id)
    whole = receipt_lists.ready(session, clerk)
    assert {line.id for line in whole} == set(rows)
    assert [line.id for line in whole] == receipt_lists.ids(session, clerk, Wanted(), 9)
    found, behind = [], None
    while page := receipt_lists.ready(session, clerk, behind=behind, most=2):
        found += page
        behind = page[-1].place
    assert found == whole
    for row in rows:
        issue(session, clerk, session.get_one(Submission, (clerk.office_id, row)))
    for tab in (Tab.ISSUED, Tab.ON_WAY):
        every = receipt_lists.issued(session, clerk, Wanted(tab=tab))
        first = receipt_lists.issued(session, clerk, Wanted(tab=tab), most=2)
        rest = receipt_lists.issued(session, clerk, Wanted(tab=tab), behind=first[-1].place)
        assert first + rest == every
        assert len(every) == 5


def test_each_filter_narrows_the_list_and_its_counts(session: Session, clerk: Staff) -> None:
    plain = accepted(session)
    other = accepted(session, worker="試田 美紀", district="本町", name="架空　一郎", kana="かくう　いちろう")
    member = session.get_one(Submission, (clerk.office_id, other.id)).member_id
    delivery.set_way(session, clerk, member, Way.POST)
    case_no = session.get_one(Household, (clerk.office_id, other.household_id)).case_no
    by = {name: id_ for id_, name in receipt_lists.accepting(session, clerk)}
    assert set(by) == {"例野 太郎", "試田 美紀"}
    for wanted in (
        {"accepted_by": by["試田 美紀"]},
        {"district": "本町"},
        {"way": Way.POST},
        {"sought": "カクウ"},
        {"sought": "架空一郎"},
        {"sought": case_no},
        {"sought": (other.number or "").replace("-", "")},
    ):
        assert ready(session, clerk, **wanted) == [other.id], wanted
        assert receipt_lists.counts(session, clerk, Wanted(**wanted))[Tab.READY] == 1
    assert ready(session, clerk, way=Way.SCREEN) == [plain.id]
    assert ready(session, clerk, kind=DutyKind.ROOM_PHOTOS) == []
    assert ready(session, clerk, kind=DutyKind.INCOME_REPORT) == [plain.id, other.id]


def test_what_was_issued_is_listed_by_day_and_found_on_any_day(session: Session, clerk: Staff) -> None:
    with clock.at(EVENING - timedelta(days=1)):
        issue(session, clerk, accepted(session, name="架空　一郎", kana="かくう　いちろう"))
    issue(session, clerk, accepted(session))
    yesterday = clock.today() - timedelta(days=1)
    assert issued(session, clerk) == ["令8-00002"]
    assert issued(session, clerk, day=yesterday) == ["令8-00001"]
    assert issued(session, clerk, day=date(2020, 1, 1)) == []
    for sought in ("令8-00001", "ひ福生第　令８－00001 号", "00001", "かくう"):
        assert issued(session, clerk, sought=sought)[-1] == "令8-00001", sought
    assert issued(session, clerk, sought="かくう", day=clock.today()) == []
    counts = receipt_lists.counts(session, clerk, Wanted())
    assert (counts[Tab.READY], counts[Tab.ISSUED], counts[Tab.ON_WAY], counts[Tab.VOIDED]) == (0, 1, 2, 0)


def test_what_has_come_to_its_person_is_not_on_its_way_any_more(session: Session, clerk: Staff) -> None:
    first, second = (issue(session, clerk, accepted(session)) for _ in range(2))
    delivery.done(session, clerk, [first.id], Delivered.HANDED)
    assert issued(session, clerk, tab=Tab.ON_WAY) == ["令8-00002"]
    receipts.void(session, clerk, second.id, "誤記")
    assert issued(session, clerk, tab=Tab.ON_WAY) == []
    assert issued(session, clerk, tab=Tab.VOIDED) == ["令8-00002"]
    line = receipt_lists.one(session, clerk, first.id)
    assert line
    assert [mark.kind for mark in line.marks] == [Delivered.HANDED]


def test_another_office_stands_in_none_of_them(session: Session, clerk: Staff) -> None:
    accepted(session)
    receipt = issue(session, clerk, accepted(session))
    receipts.void(session, clerk, issue(session, clerk, accepted(session)).id, "誤記")
    stranger = factories.staff(session, Role.CLERK, office_id=factories.office(session, "XX").id)
    assert ready(session, stranger) == []
    assert all(issued(session, stranger, tab=tab) == [] for tab in (Tab.ISSUED, Tab.ON_WAY, Tab.VOIDED))
    assert set(receipt_lists.counts(session, stranger, Wanted()).values()) == {0}
    assert receipt_lists.accepting(session, stranger) == []
    assert receipt_lists.one(session, stranger, receipt.id) is None


def test_a_choice_goes_into_words_and_back_and_nonsense_is_the_usual() -> None:
    chosen = Wanted(Tab.ISSUED, DutyKind.PROOFS, uuid4(), "本町", Way.POST, "花子", date(2026, 11, 19))
    assert receipt_lists.wanted(receipt_lists.words(chosen)) == chosen
    assert receipt_lists.words(Wanted()) == {}
    nonsense = dict.fromkeys(("tab", "kind", "accepted_by", "way", "day"), "9999-99-99")
    assert receipt_lists.wanted(nonsense) == Wanted()
    assert receipt_lists.wanted({"day": "0001-01-01"}).day is None
