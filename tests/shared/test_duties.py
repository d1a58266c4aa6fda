from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, drafts, duties, filled, intake
from shared.errors import RuleInUse, RuleOfThePast
from shared.model import (
    MACHINE,
    Duty,
    DutyAbout,
    DutyKind,
    DutyRule,
    LogEntry,
    Member,
    PortalAccount,
    Situation,
    State,
)
from shared.rules.forms import FORMS
from shared.rules.months import add_months
from shared.sign_in import Recipient
from tests import factories
from tests.shared.fill import fill

EVENING = datetime.fromisoformat("2026-11-19T20:12:41+09:00")
SEPTEMBER, OCTOBER = date(2026, 9, 1), date(2026, 10, 1)


@pytest.fixture(autouse=True)
def now() -> Iterator[datetime]:
    with clock.at(EVENING):
        yield EVENING


@pytest.fixture
def who(session: Session) -> Recipient:
    return factories.recipient(session)


def open_duty(session: Session, who: Recipient, month: date) -> Duty:
    return duties.open_duty(session, factories.office(session), who.household_id, who.member_id, month)


def to_do(session: Session, who: Recipient) -> list[tuple[date, date | None, bool, int]]:
    return [(row.month, row.due_on, row.late, row.answered) for row in duties.to_do(session, who, clock.today())]


def test_opening_a_duty_twice_is_once(session: Session, who: Recipient) -> None:
    assert open_duty(session, who, OCTOBER) is open_duty(session, who, OCTOBER)
    assert session.scalar(select(func.count()).select_from(Duty)) == 1


def test_what_is_due_stands_with_the_earliest_first_and_says_if_it_is_late(session: Session, who: Recipient) -> None:
    for month in (OCTOBER, SEPTEMBER):
        open_duty(session, who, month)
    assert to_do(session, who) == [
        (SEPTEMBER, date(2026, 10, 28), True, 0),
        (OCTOBER, date(2026, 11, 30), False, 0),  # the 28th is a Saturday
    ]


def test_on_its_day_nothing_is_late(session: Session, who: Recipient) -> None:
    open_duty(session, who, OCTOBER)
    assert [row.late for row in duties.to_do(session, who, date(2026, 11, 30))] == [False]
    assert [row.late for row in duties.to_do(session, who, date(2026, 12, 1))] == [True]


def test_what_was_begun_says_how_far_it_is(session: Session, who: Recipient) -> None:
    open_duty(session, who, OCTOBER)
    row = factories.begun(session, who, OCTOBER)
    factories.write(session, who, row.id, {"employer": "株式会社みほん清掃", "work_days": 0})
    (line,) = duties.to_do(session, who, clock.today())
    assert (line.draft_id, line.answered, line.asked) == (row.id, 4, 12)


def test_a_report_nobody_asked_for_stands_there_too_while_it_is_written(session: Session, who: Recipient) -> None:
    row = factories.draft(session, who, SEPTEMBER)
    assert to_do(session, who) == [(SEPTEMBER, date(2026, 10, 28), True, 12)]
    intake.send(session, who, row.id, attempt=uuid4())
    assert to_do(session, who) == []


@pytest.mark.parametrize("state", list(State))
def test_just_what_was_sent_and_stands_is_done(session: Session, state: State) -> None:
    row = factories.submission(session, state)
    who = factories.recipient_of(session, row)
    open_duty(session, who, OCTOBER)
    due = state in (State.DRAFT, State.WITHDRAWN, State.VOIDED)
    assert [line.month for line in duties.to_do(session, who, clock.today())] == ([OCTOBER] if due else [])


def test_a_second_report_of_a_month_is_to_do_until_it_is_sent(session: Session, who: Recipient) -> None:
    open_duty(session, who, OCTOBER)
    intake.send(session, who, factories.draft(session, who).id, attempt=uuid4())
    second = factories.begun(session, who, OCTOBER)
    assert [line.draft_id for line in duties.to_do(session, who, clock.today())] == [second.id]


def test_one_report_taken_back_does_not_hide_that_another_was_sent(session: Session, who: Recipient) -> None:
    open_duty(session, who, OCTOBER)
    for taken_back in (True, False):
        row = intake.send(session, who, factories.draft(session, who).id, attempt=uuid4())
        if taken_back:
            row.move(State.WITHDRAWN, MACHINE)
            session.flush()
            assert to_do(session, who) != []
    assert to_do(session, who) == []


def test_a_neighbours_duties_are_not_mine(session: Session, who: Recipient) -> None:
    neighbour = factories.recipient(session, factories.household(session))
    open_duty(session, neighbour, OCTOBER)
    factories.draft(session, neighbour, SEPTEMBER)
    assert to_do(session, who) == []


# ---- the engine ----


def people(session: Session, count: int = 3) -> list[Recipient]:
    """Heads of households that work, in an office with the usual rules, there since September."""
    with clock.at(EVENING - timedelta(days=79)):
        office = factories.office(session)
        made = [factories.recipient(session, situation=Situation.WORKING) for _ in range(count)]
    duties.begin(session, office, date(2026, 4, 1))
    return made


def opened(session: Session) -> list[tuple[DutyKind, date, date]]:
    return sorted(session.execute(select(Duty.kind, Duty.month, Duty.due_on)))


def test_what_the_months_that_are_over_want_is_opened_once_however_often(session: Session) -> None:
    (who, *_) = people(session)
    assert duties.open_due(session, who.office_id, clock.today()) == 6
    assert duties.open_due(session, who.office_id, clock.today()) == 0
    assert duties.open_month(session, who.office_id, OCTOBER) == 0
    assert {month for _kind, month, _day in opened(session)} == {SEPTEMBER, OCTOBER}, "nobody was there in August"
    assert [row.month for row in duties.to_do(session, who, clock.today())] == [SEPTEMBER, OCTOBER]


def test_a_month_asked_for_by_name_is_opened_for_everybody(session: Session) -> None:
    (who, *_) = people(session)
    assert duties.open_month(session, who.office_id, date(2026, 5, 1)) == 3


def test_a_new_rule_changes_no_duty_that_is_open(session: Session) -> None:
    (who,) = people(session, 1)
    duties.open_month(session, who.office_id, OCTOBER)
    before = opened(session)
    rule = session.scalars(select(DutyRule).where(DutyRule.situation == Situation.WORKING)).one()
    new = {"due_day": 5, "from_month": OCTOBER, "every_months": 1, "first_month": 1}
    session.add(DutyRule(office_id=who.office_id, kind=rule.kind, situation=rule.situation, **new))
    session.flush()
    duties.open_month(session, who.office_id, OCTOBER)
    assert opened(session) == before
    duties.open_month(session, who.office_id, date(2026, 11, 1))
    assert [day.day for _kind, month, day in opened(session) if month == date(2026, 11, 1)] == [7]  # 5th, 6th: closed


def test_the_usual_rules_are_given_once(session: Session) -> None:
    office = factories.office(session)
    for month in (OCTOBER, SEPTEMBER):
        duties.begin(session, office, month)
    rules = session.scalars(select(DutyRule)).all()
    assert {rule.from_month for rule in rules} == {OCTOBER}
    assert {rule.kind for rule in rules} == {
        DutyKind.INCOME_REPORT,
        DutyKind.JOB_SEARCH_REPORT,
        DutyKind.ASSET_REPORT,
    }


def test_opening_is_in_the_journal_without_names(session: Session) -> None:
    (who, *_) = people(session)
    duties.open_month(session, who.office_id, OCTOBER)
    (entry,) = session.scalars(select(LogEntry).where(LogEntry.event == "duties.opened")).all()
    assert entry.facts == {"month": "2026-10-01", "count": 3}


def test_a_form_that_is_due_is_a_thing_to_do_until_it_is_sent(session: Session) -> None:
    with clock.at(EVENING - timedelta(days=79)):
        who = factories.recipient(session, situation=Situation.SEEKING)
    duties.begin(session, factories.office(session), date(2026, 4, 1))
    duties.open_month(session, who.office_id, OCTOBER)
    jobs = DutyKind.JOB_SEARCH_REPORT
    assert [row.kind for row in duties.to_do(session, who, clock.today())] == [DutyKind.INCOME_REPORT, jobs]
    draft = filled.start(session, who, jobs, OCTOBER)
    filled.write(session, who, draft.id, "searched", {"searched": "no"})
    row = next(row for row in duties.to_do(session, who, clock.today()) if row.kind is jobs)
    assert (row.draft_id, row.screen, row.answered) == (draft.id, "next", 1)
    filled.write(session, who, draft.id, "next", {"wants_help": "no"})
    intake.send(session, who, draft.id, attempt=uuid4())
    assert draft.duty_id is not None
    assert [row.kind for row in duties.to_do(session, who, clock.today())] == [DutyKind.INCOME_REPORT]


def test_a_paper_about_no_month_that_came_since_is_not_asked_for_again(session: Session) -> None:
    with clock.at(EVENING - timedelta(days=400)):
        who = factories.recipient(session)
    assets, march = DutyKind.ASSET_REPORT, date(2026, 3, 1)
    duties.begin(session, factories.office(session), date(2025, 4, 1))
    duties.open_month(session, who.office_id, march)
    assert assets in {row.kind for row in duties.to_do(session, who, clock.today())}
    draft = filled.start(session, who, assets, date(2026, 11, 1))  # begun from the list of what can always be sent
    (row,) = [row for row in duties.to_do(session, who, clock.today()) if row.kind is assets]
    assert (row.draft_id, row.due_on) == (draft.id, date(2026, 4, 28))
    drafts.draft_of(session, who, draft.id).filled.answers = next(fill(FORMS[assets], str(who.member_id)))
    intake.send(session, who, draft.id, attempt=uuid4())
    assert assets not in {row.kind for row in duties.to_do(session, who, clock.today())}
    duties.open_month(session, who.office_id, date(2027, 3, 1))
    assert [row.month for row in duties.to_do(session, who, date(2027, 4, 1)) if row.kind is assets] == [
        date(2027, 3, 1)
    ], "a year later it is"


def test_what_can_no_longer_be_sent_is_not_asked_for(session: Session, who: Recipient) -> None:
    for month in (date(2025, 10, 1), date(2025, 11, 1)):
        open_duty(session, who, month)
    assert [month for month, *_ in to_do(session, who)] == [date(2025, 11, 1)]


def test_a_form_nobody_asked_for_has_no_day(session: Session, who: Recipient) -> None:
    filled.start(session, who, DutyKind.CHANGE_NOTICE, OCTOBER)
    (row,) = duties.to_do(session, who, clock.today())
    assert (row.kind, row.due_on, row.late, row.screen) == (DutyKind.CHANGE_NOTICE, None, False, "what")


def test_a_rule_is_set_from_now_on_and_never_for_the_past(session: Session) -> None:
    (who,) = people(session, 1)
    working = DutyKind.STATUS_CHECK_IN, Situation.WORKING
    with pytest.raises(RuleOfThePast):
        duties.set_rule(session, who.office_id, *working, every_months=1, from_month=OCTOBER, due_day=10)
    november = date(2026, 11, 1)
    for every in (2, 1):
        duties.set_rule(session, who.office_id, *working, every_months=every, from_month=november, due_day=10)
    rules = session.scalars(select(DutyRule).where(DutyRule.kind == DutyKind.STATUS_CHECK_IN)).all()
    assert [rule.every_months for rule in rules] == [1], "the same words again change that rule"
    duties.open_month(session, who.office_id, november)
    assert DutyKind.STATUS_CHECK_IN in {kind for kind, _month, _day in opened(session)}


def test_a_rule_something_is_due_under_is_not_written_again(session: Session) -> None:
    (who,) = people(session, 1)
    november = date(2026, 11, 1)
    working = DutyKind.INCOME_REPORT, Situation.WORKING
    duties.set_rule(session, who.office_id, *working, every_months=1, from_month=november, due_day=10)
    duties.open_month(session, who.office_id, november)
    with pytest.raises(RuleInUse):
        duties.set_rule(session, who.office_id, *working, every_months=3, from_month=november, due_day=10)
    duties.set_rule(session, who.office_id, *working, every_months=3, from_month=date(2026, 12, 1), due_day=10)


def with_husband(session: Session, who: Recipient, *, account: bool = False, **given: Any) -> Member:
    """Another member of the household, there as long as she."""
    facts = {"name": "見本　太郎", "kana": "みほん　たろう", "is_head": False, "situation": Situation.WORKING, **given}
    with clock.at(EVENING - timedelta(days=79)):
        member = Member(office_id=who.office_id, household_id=who.household_id, **facts)
        session.add(member)
        session.flush()
        if account:
            session.add(PortalAccount(office_id=who.office_id, member_id=member.id))
            session.flush()
    return member


def test_the_head_is_asked_once_for_everybody_and_told_for_whom_and_why(session: Session) -> None:
    (who,) = people(session, 1)
    husband = with_husband(session, who)
    assert duties.open_month(session, who.office_id, OCTOBER) == 1
    (row,) = duties.to_do(session, who, clock.today())
    assert [(one.member_id, one.name, one.situation, one.every_months) for one in row.because] == [
        (who.member_id, "見本　花子", Situation.WORKING, 1),
        (husband.id, "見本　太郎", Situation.WORKING, 1),
    ]
    session.add(PortalAccount(office_id=who.office_id, member_id=husband.id))
    session.flush()
    assert duties.open_month(session, who.office_id, OCTOBER) == 0, "it is about him already"
    assert duties.open_month(session, who.office_id, date(2026, 11, 1)) == 2


def test_what_a_member_with_an_account_owes_the_head_is_not_told(session: Session) -> None:
    (who,) = people(session, 1)
    husband = with_husband(session, who, account=True)
    duties.open_month(session, who.office_id, OCTOBER)
    (row,) = duties.to_do(session, who, clock.today())
    assert [one.name for one in row.because] == ["見本　花子"]
    his = dataclasses.replace(who, member_id=husband.id)
    assert [[one.name for one in row.because] for row in duties.to_do(session, his, clock.today())] == [["見本　太郎"]]


def test_what_was_opened_by_hand_says_so_unless_a_rule_wants_it(session: Session) -> None:
    (who,) = people(session, 1)
    for month in (OCTOBER, date(2026, 3, 1)):  # the rules begin in April
        open_duty(session, who, month)
    rows = duties.to_do(session, who, clock.today())
    assert [row.because[0].every_months for row in rows] == [0, 1]


def test_a_month_opened_late_asks_what_was_true_in_it(session: Session) -> None:
    (who,) = people(session, 1)
    member = session.get_one(Member, (who.office_id, who.member_id))
    for situation in (Situation.OTHER, Situation.SEEKING, Situation.SEEKING):
        duties.set_situation(session, member, situation)
    duties.open_due(session, who.office_id, clock.today())
    assert [kind for kind, month, _ in opened(session) if month == OCTOBER] == [DutyKind.INCOME_REPORT], "she worked"
    duties.open_month(session, who.office_id, date(2026, 11, 1))
    jobs = DutyKind.JOB_SEARCH_REPORT
    assert [month for kind, month, _ in opened(session) if kind is jobs] == [date(2026, 11, 1)]


def test_nobody_who_has_left_is_asked(session: Session) -> None:
    (who,) = people(session, 1)
    session.get_one(Member, (who.office_id, who.member_id)).left_on = date(2026, 9, 30)
    session.flush()
    duties.open_due(session, who.office_id, clock.today())
    assert {month for _, month, _ in opened(session)} == {SEPTEMBER}


def test_counting_opens_nothing(session: Session) -> None:
    (who, *_) = people(session)
    assert duties.open_due(session, who.office_id, clock.today(), dry_run=True) == 6
    assert opened(session) == []
    assert session.scalars(select(LogEntry).where(LogEntry.event == "duties.opened")).all() == []


# What an office may do in a month: change a rule from then or a little later on, note what somebody does now.
a_change = st.tuples(
    st.sampled_from([DutyKind.INCOME_REPORT, DutyKind.STATUS_CHECK_IN]),
    st.sampled_from([*Situation, None]),
    st.sampled_from([0, 1, 2, 3, 12]),
    st.integers(0, 2),
    st.integers(1, 28),
    st.booleans(),
)
a_month = st.tuples(
    st.lists(a_change, max_size=2), st.none() | st.tuples(st.integers(0, 2), st.sampled_from(Situation))
)


@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.generate],  # a story takes a second: making it shorter would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=st.lists(a_month, min_size=2, max_size=5), data=st.data())
def test_whatever_changes_the_past_stays_and_is_the_same_in_whichever_order_it_is_opened(
    make_session: sessionmaker[Session], story: list[Any], data: st.DataObject
) -> None:
    with make_session() as session:
        whole = told(session, story)
        months = sorted({month for _, _, month, *_ in whole} | {add_months(OCTOBER, -1)})
        session.execute(delete(DutyAbout))
        session.execute(delete(Duty))
        office_id = factories.office(session).id
        for month in data.draw(st.permutations(months * 2)):
            duties.open_month(session, office_id, month)
        assert all_due(session) == whole
        session.rollback()


def told(session: Session, story: list[Any]) -> set[Any]:
    """Let the months pass, the engine running twice at the beginning of each. Nothing that is due ever changes."""
    heads = people(session, 2)
    members = [session.get_one(Member, (who.office_id, who.member_id)) for who in heads]
    members.append(with_husband(session, heads[0]))
    whole: set[Any] = set()
    for at, (changes, situation) in enumerate([*story, ([], None)]):
        this = add_months(OCTOBER, at)
        with clock.at(datetime(this.year, this.month, 3, 9, tzinfo=clock.TOKYO)):
            for _ in range(2):
                duties.open_month(session, heads[0].office_id, add_months(this, -1))
                assert {one for one in all_due(session) if one[2] < add_months(this, -1)} == whole
            whole = all_due(session)
            for kind, of, every, ahead, day, own in changes:
                duties.set_rule(
                    session,
                    heads[0].office_id,
                    kind,
                    of,
                    every_months=every,
                    from_month=add_months(this, ahead),
                    due_day=day,
                    household_id=heads[0].household_id if own else None,
                )
            if situation is not None:
                duties.set_situation(session, members[situation[0]], situation[1])
            assert all_due(session) == whole
    return whole


def all_due(session: Session) -> set[Any]:
    about = DutyAbout.member_id, DutyAbout.rule_id
    of = (DutyAbout.office_id == Duty.office_id) & (DutyAbout.duty_id == Duty.id)
    rows = session.execute(select(Duty.member_id, Duty.kind, Duty.month, Duty.due_on, *about).join(DutyAbout, of))
    return {tuple(row) for row in rows}
