"""Who stands in for whom: what it opens and when, who may say so, who is told; one rule in two forms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import product
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import clock, cover, duties, household, owed, queue, review
from shared.cover import NewCover
from shared.errors import AlreadyCovered, NotThere
from shared.model import Cover, Household, LogEntry, News, Role, StaffMember, State, Submission
from shared.queue import Scope, Tab, Wanted
from shared.rules.cover import LONGEST, days_hold, may_open_protected, may_set
from shared.sign_in import Staff
from tests import factories

EVENING = datetime.fromisoformat("2026-11-19T20:12:41+09:00")
TODAY = date(2026, 11, 19)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def now() -> Iterator[datetime]:
    with clock.at(EVENING):
        yield EVENING


@pytest.fixture
def sato(session: Session) -> Staff:
    return factories.staff(session, name="佐藤 一")


@pytest.fixture
def worker(session: Session) -> Staff:
    return factories.staff(session, name="例野 太郎")


@pytest.fixture
def chief(session: Session) -> Staff:
    return factories.staff(session, Role.SUPERVISOR, name="控田 百合")


def waits(session: Session, worker: Staff, *, protected: bool = False) -> Submission:
    home = factories.household(session, worker, protected=protected)
    return factories.submission(session, who=factories.recipient(session, home))


def wanted(absent: Staff, stands_in: Staff, first: date = TODAY, last: date = TODAY, **more: bool) -> NewCover:
    return NewCover(absent.staff_id, stands_in.staff_id, first, last, uuid4(), **more)


def mine(session: Session, who: Staff) -> set[object]:
    return {row.id for row in queue.waiting(session, who)}


def test_a_covered_queue_is_ones_own_until_its_last_day_is_over(session: Session, sato: Staff, worker: Staff) -> None:
    hers, own = waits(session, sato), waits(session, worker)
    cover.begin(session, worker, wanted(sato, worker, TODAY, TODAY + DAY))
    for later in (timedelta(), DAY):
        with clock.at(EVENING + later):
            rows = {row.id: row for row in queue.waiting(session, worker)}
            assert rows.keys() == {hers.id, own.id}
            assert (rows[hers.id].covers, rows[hers.id].caseworker, rows[own.id].covers) == (True, "佐藤 一", False)
            assert queue.counts(session, worker, Wanted())[Tab.ALL] == 2
    assert queue.next_for(session, worker) == hers.id
    assert mine(session, sato) == {hers.id}, "what is covered stays hers"
    with clock.at(EVENING + 2 * DAY):
        assert mine(session, worker) == {own.id}


def test_before_its_first_day_a_cover_opens_nothing(session: Session, sato: Staff, worker: Staff) -> None:
    hers = waits(session, sato)
    cover.begin(session, sato, wanted(sato, worker, TODAY + DAY, TODAY + DAY))
    assert mine(session, worker) == set()
    with clock.at(EVENING + DAY):
        assert mine(session, worker) == {hers.id}


def test_what_is_owed_and_the_search_for_households_go_with_it(session: Session, sato: Staff, worker: Staff) -> None:
    home = factories.household(session, sato, case_no="0042")
    who = factories.recipient(session, home)
    duties.open_duty(session, factories.office(session), home.id, who.member_id, factories.OCTOBER)
    assert owed.owed(session, worker, owed.Wanted(), TODAY) == household.found(session, worker, "") == []
    cover.begin(session, sato, wanted(sato, worker))
    (line,) = owed.owed(session, worker, owed.Wanted(), TODAY)
    assert (line.case_no, line.covers) == ("0042", True)
    assert owed.count(session, worker, owed.Wanted(), TODAY) == 1
    (found,) = household.found(session, worker, "")
    assert (found.case_no, found.covers, found.mine) == ("0042", True, False)


def test_protected_households_open_only_by_a_supervisors_word(
    session: Session, sato: Staff, worker: Staff, chief: Staff
) -> None:
    shy = waits(session, sato, protected=True)
    for by in (sato, worker):
        with pytest.raises(ValueError, match="supervisor"):
            cover.begin(session, by, wanted(sato, worker, protected=True))
    row = cover.begin(session, sato, wanted(sato, worker))
    assert mine(session, worker) == set()
    with pytest.raises(NotThere):
        review.open_for(session, worker, shy.id)
    cover.end(session, sato, row.id)
    by_chief = cover.begin(session, chief, wanted(sato, worker, protected=True))
    assert mine(session, worker) == {shy.id}
    review.claim(session, worker, shy.id)
    assert household.open_for(session, worker, shy.household_id).protected
    done = review.accept(session, worker, shy.id, seen=shy.revision, attempt=uuid4())
    assert done.state is State.ACCEPTED
    cover.end(session, chief, by_chief.id)
    with pytest.raises(NotThere):
        household.open_for(session, worker, shy.household_id)


COVERS = [None, "open", "protected", "over", "to come", "ended", "of another"]


@pytest.mark.parametrize(("role", "whose", "protected", "covered"), list(product(Role, "mo", (False, True), COVERS)))
def test_the_condition_and_the_rule_say_the_same(
    session: Session, role: Role, whose: str, protected: bool, covered: str | None
) -> None:
    me, other, third = factories.staff(session, role), factories.staff(session), factories.staff(session)
    home = factories.household(session, me if whose == "m" else other, protected=protected)
    if covered:
        days = {"over": (TODAY - DAY, TODAY - DAY), "to come": (TODAY + DAY, TODAY + DAY)}.get(covered, (TODAY, TODAY))
        row = Cover(
            office_id=me.office_id,
            absent_id=(third if covered == "of another" else other).staff_id,
            cover_id=me.staff_id,
            from_day=days[0],
            until_day=days[1],
            protected=covered != "open",
            attempt=uuid4(),
            set_by=other.staff_id,
        )
        if covered == "ended":
            row.ended_at, row.ended_by = EVENING, other.staff_id
        session.add(row)
        session.flush()
    by_rule = cover.may_open(session, me, home)
    by_condition = session.scalar(select(Household.id).where(Household.id == home.id, queue.visible(me, Scope.ALL)))
    assert by_rule == (by_condition is not None)
    opens = role is Role.SUPERVISOR or (
        role is Role.CASEWORKER and (whose == "m" or not protected or covered == "protected")
    )
    assert by_rule == opens
    hers = session.scalar(select(Household.id).where(Household.id == home.id, queue.visible(me, Scope.MINE)))
    stands_in = covered == "protected" or (covered == "open" and not protected)
    assert (hers is not None) == (role is Role.SUPERVISOR or (role is Role.CASEWORKER and (whose == "m" or stands_in)))


def test_the_two_are_told_unless_they_have_set_it_themselves(
    session: Session, sato: Staff, worker: Staff, chief: Staff
) -> None:
    row = cover.begin(session, worker, wanted(sato, worker, TODAY, TODAY + DAY))
    (told,) = cover.news(session, sato)
    assert (told.what, told.other, told.by, told.from_day) == (News.COVERED, "例野 太郎", "例野 太郎", TODAY)
    assert cover.news(session, worker) == []
    with pytest.raises(NotThere):
        cover.put_away(session, worker, told.id)
    cover.put_away(session, sato, told.id)
    cover.put_away(session, sato, told.id)
    assert cover.news(session, sato) == []
    cover.end(session, sato, row.id)
    cover.end(session, sato, row.id)
    (ended,) = cover.news(session, worker)
    assert (ended.what, ended.other, ended.by) == (News.COVER_ENDED, "佐藤 一", "佐藤 一")
    cover.begin(session, chief, wanted(sato, worker, protected=True))
    assert [one.what for one in cover.news(session, sato)] == [News.COVERED]
    newest = cover.news(session, worker)[0]
    assert (newest.what, newest.protected, newest.by) == (News.COVERS, True, "控田 百合")
    said = list(session.scalars(select(LogEntry.event).order_by(LogEntry.seq)))
    assert [event for event in said if event.startswith("cover.")] == ["cover.begun", "cover.ended", "cover.begun"]


def test_the_same_form_twice_is_one_cover_and_the_same_two_are_not_set_twice(
    session: Session, sato: Staff, worker: Staff
) -> None:
    first = wanted(sato, worker, TODAY, TODAY + 3 * DAY)
    row = cover.begin(session, sato, first)
    assert cover.begin(session, sato, first) is row
    assert len(cover.news(session, worker)) == 1
    with pytest.raises(AlreadyCovered):
        cover.begin(session, worker, wanted(sato, worker, TODAY + 3 * DAY, TODAY + 5 * DAY))
    cover.begin(session, sato, wanted(sato, worker, TODAY + 4 * DAY, TODAY + 5 * DAY))
    cover.begin(session, sato, wanted(sato, factories.staff(session), TODAY, TODAY))
    assert [line.runs for line in cover.standing(session, sato)] == [True, True, False]


def test_nobody_else_sets_or_ends_it_and_only_caseworkers_at_work_stand_in(
    session: Session, sato: Staff, worker: Staff, chief: Staff
) -> None:
    stranger = factories.staff(session)
    clerk = factories.staff(session, Role.CLERK)
    far = factories.staff(session, office_id=factories.office(session, "XX").id)
    for by, absent, stands_in in (
        (stranger, sato, worker),
        (clerk, sato, worker),
        (chief, sato, clerk),
        (chief, clerk, worker),
        (chief, sato, far),
        (far, sato, far),
        (chief, chief, worker),
    ):
        with pytest.raises(NotThere):
            cover.begin(session, by, wanted(absent, stands_in))
    row = cover.begin(session, sato, wanted(sato, worker))
    for by in (stranger, clerk, far):
        with pytest.raises(NotThere):
            cover.end(session, by, row.id)
    assert [line.may_end for who in (sato, worker, chief, stranger) for line in cover.standing(session, who)] == [
        True,
        True,
        True,
        False,
    ]
    session.get_one(StaffMember, (sato.office_id, stranger.staff_id)).active = False
    with pytest.raises(NotThere):
        cover.begin(session, sato, wanted(sato, stranger))


def test_days_that_cannot_be_and_one_and_the_same_person_are_refused(
    session: Session, sato: Staff, worker: Staff
) -> None:
    for first, last in ((TODAY - DAY, TODAY), (TODAY + DAY, TODAY), (TODAY, TODAY + LONGEST + DAY)):
        with pytest.raises(ValueError, match="days"):
            cover.begin(session, sato, wanted(sato, worker, first, last))
    with pytest.raises(ValueError, match="herself"):
        cover.begin(session, sato, replace(wanted(sato, worker), cover_id=sato.staff_id))


def test_the_rules_by_themselves() -> None:
    me, one, other = uuid4(), uuid4(), uuid4()
    assert [may_set(role, me, absent_id=me, cover_id=one) for role in Role] == [True, False, True, False]
    assert [may_set(role, me, absent_id=one, cover_id=other) for role in Role] == [False, False, True, False]
    assert [may_open_protected(role) for role in Role] == [False, False, True, False]
    assert days_hold(TODAY, TODAY + LONGEST, TODAY)
    assert not days_hold(TODAY, TODAY - DAY, TODAY)
