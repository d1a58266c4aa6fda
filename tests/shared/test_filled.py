from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import clock, drafts, filled, intake
from shared.errors import AlreadySent, Incomplete, NotThere
from shared.model import (
    MACHINE,
    DutyKind,
    FilledForm,
    FormSetting,
    Member,
    Message,
    State,
    Submission,
    SubmissionVersion,
)
from shared.rules.forms import FORMS, form
from shared.rules.forms.form import MOST_ROWS
from shared.rules.forms.income_report import THREE_MONTHS
from shared.sign_in import Recipient
from tests import factories
from tests.shared.fill import fill

CHECK_IN, JOBS, MESSAGE = DutyKind.STATUS_CHECK_IN, DutyKind.JOB_SEARCH_REPORT, DutyKind.MESSAGE
OCTOBER = factories.OCTOBER
JOB = {"company": "みほん商店", "result": "waiting"}


@pytest.fixture
def who(session: Session) -> Recipient:
    return factories.recipient(session)


def sent(session: Session, who: Recipient, kind: DutyKind = CHECK_IN, month: date = OCTOBER) -> Submission:
    """A form that has arrived."""
    row = filled.start(session, who, kind, month)
    declared = filled.form_of(kind)
    answers = next(fill(declared, str(who.member_id)))
    for screen in declared.screens:
        rows = enumerate(answers.get(screen.key, ())) if screen.rows else [(None, answers)]
        for at, given in rows:
            here = {question.key: given[question.key] for question in screen.questions if question.key in given}
            filled.write(session, who, row.id, screen.key, here, at)
    if declared.files_needed:
        factories.make_safe(session, factories.file(session, who, row))
    intake.send(session, who, row.id, attempt=uuid4())
    return row


def answers_of(session: Session, row: Submission) -> dict[str, object]:
    return session.get_one(FilledForm, (row.office_id, drafts.latest_version(session, row).id)).answers


def test_beginning_twice_is_once_and_each_kind_and_month_has_its_own(session: Session, who: Recipient) -> None:
    first = filled.start(session, who, CHECK_IN, OCTOBER)
    assert filled.start(session, who, CHECK_IN, OCTOBER).id == first.id
    others = [
        filled.start(session, who, CHECK_IN, date(2026, 9, 1)),
        filled.start(session, who, JOBS, OCTOBER),
        filled.start(session, factories.recipient(session), CHECK_IN, OCTOBER),
        factories.begun(session, who, OCTOBER),
    ]
    assert len({first.id, *(row.id for row in others)}) == 5
    assert len(session.scalars(select(SubmissionVersion)).all()) == 5


def test_answers_are_kept_changed_and_taken_back(session: Session, who: Recipient) -> None:
    row = filled.start(session, who, CHECK_IN, OCTOBER)
    filled.write(session, who, row.id, "change", {"change": "yes", "change_what": "入院しました"})
    filled.write(session, who, row.id, "change", {"change": "no", "change_what": None})
    session.expire_all()
    assert answers_of(session, row) == {"change": "no"}


def test_rows_are_added_in_order_changed_and_taken_out(session: Session, who: Recipient) -> None:
    row = filled.start(session, who, JOBS, OCTOBER)
    filled.write(session, who, row.id, "applications", {**JOB}, 0)
    filled.write(session, who, row.id, "applications", {**JOB, "company": "例示食堂"}, 1)
    filled.write(session, who, row.id, "applications", {"result": "hired"}, 0)
    session.expire_all()
    assert answers_of(session, row)["applications"] == [{**JOB, "result": "hired"}, {**JOB, "company": "例示食堂"}]
    filled.remove_row(session, who, row.id, "applications", 0, of=2)
    filled.remove_row(session, who, row.id, "applications", 0, of=2)  # sent twice: what stands there now stays
    filled.remove_row(session, who, row.id, "applications", 7, of=1)
    session.expire_all()
    assert answers_of(session, row)["applications"] == [{**JOB, "company": "例示食堂"}]


@pytest.mark.parametrize(
    ("screen", "row"),
    [
        ("applications", None),
        ("applications", 1),
        ("applications", -1),
        ("applications", MOST_ROWS),
        ("visits", 0),
        ("x", None),
    ],
)
def test_a_screen_or_a_row_that_there_is_not(session: Session, who: Recipient, screen: str, row: int | None) -> None:
    form = filled.start(session, who, JOBS, OCTOBER)
    with pytest.raises(NotThere):
        filled.write(session, who, form.id, screen, {}, row)


def test_an_answer_to_nothing_is_a_mistake_of_ours(session: Session, who: Recipient) -> None:
    row = filled.start(session, who, CHECK_IN, OCTOBER)
    with pytest.raises(ValueError, match="gross_yen"):
        filled.write(session, who, row.id, "health", {"gross_yen": 5})


def test_nobody_else_writes_in_it(session: Session, who: Recipient) -> None:
    row = filled.start(session, who, CHECK_IN, OCTOBER)
    with pytest.raises(NotThere):
        filled.write(session, factories.recipient(session), row.id, "health", {"health": "same"})


def test_what_is_missing_is_named_and_nothing_arrives(session: Session, who: Recipient) -> None:
    row = filled.start(session, who, DutyKind.PROOFS, OCTOBER)
    with pytest.raises(Incomplete) as told:
        intake.send(session, who, row.id, attempt=uuid4())
    assert told.value.faults == {"paper": "missing", "files": "missing"}
    assert row.state is State.DRAFT


@pytest.mark.parametrize("kind", [kind for kind in DutyKind if kind is not DutyKind.INCOME_REPORT])
def test_every_form_arrives_and_is_then_as_it_was_sent(session: Session, who: Recipient, kind: DutyKind) -> None:
    row = sent(session, who, kind)
    assert row.number
    with pytest.raises(AlreadySent):
        filled.write(session, who, row.id, filled.form_of(kind).screens[0].key, {})
    before = dict(answers_of(session, row))
    drafts.change(session, who, row.id)
    assert answers_of(session, row) == before
    first = session.get_one(FilledForm, (row.office_id, drafts.sent_version(session, row).id))
    assert (first.answers, row.version_no) == (before, 1)


def test_as_last_time_takes_the_last_answers_and_overwrites_nothing(session: Session, who: Recipient) -> None:
    with clock.at(clock.now() - timedelta(days=40)):
        sent(session, who, month=date(2026, 9, 1))
    row = filled.start(session, who, CHECK_IN, OCTOBER)
    filled.write(session, who, row.id, "health", {"health": "worse"})
    filled.as_before(session, who, row.id)
    kept = answers_of(session, row)
    assert kept["health"] == "worse"
    assert kept["meals"] == "three"


def test_last_time_was_not_what_was_taken_back_nor_somebody_elses_nor_an_older_form(
    session: Session, who: Recipient
) -> None:
    other = factories.recipient(session)
    sent(session, other)
    intake.withdraw(session, who, sent(session, who).id, attempt=uuid4())
    assert filled.earlier(session, who, FORMS[CHECK_IN], OCTOBER) is None
    old = sent(session, who)
    drafts.filled_of(session, drafts.sent_version(session, old)).form_version = 99
    session.flush()
    last = filled.earlier(session, who, FORMS[CHECK_IN], OCTOBER)
    assert last is not None
    assert last.form_version == 99
    row = filled.start(session, who, CHECK_IN, date(2026, 11, 1))
    assert filled.as_before(session, who, row.id).answers == {}
    assert old.state is State.WAITING


def test_an_office_leaves_screens_out_from_a_day_on_and_what_was_begun_before_keeps_them(
    session: Session, who: Recipient
) -> None:
    today = clock.today()
    session.add_all(
        [
            FormSetting(office_id=who.office_id, kind=CHECK_IN, from_day=today, left_out={"screens": ["sleep"]}),
            FormSetting(
                office_id=who.office_id,
                kind=CHECK_IN,
                from_day=today + timedelta(days=10),
                left_out={"screens": ["sleep", "people"]},
            ),
        ]
    )
    with clock.at(clock.now() - timedelta(days=2)):
        before = filled.start(session, who, CHECK_IN, date(2026, 9, 1))
    now = filled.start(session, who, CHECK_IN, OCTOBER)
    with clock.at(clock.now() + timedelta(days=11)):
        later = filled.start(session, who, CHECK_IN, date(2026, 11, 1))
    jobs = filled.start(session, who, JOBS, OCTOBER)
    asked = [{screen.key for screen in filled.declared(session, row).screens} for row in (before, now, later, jobs)]
    assert [("sleep" in keys, "people" in keys) for keys in asked[:3]] == [(True, True), (False, True), (False, False)]
    assert asked[3] == {screen.key for screen in filled.form_of(JOBS).screens}
    with pytest.raises(Incomplete) as told:
        intake.send(session, who, now.id, attempt=uuid4())
    assert "sleep" not in told.value.faults
    assert "people" in told.value.faults


def test_an_answer_belongs_to_a_question_that_is_hers(session: Session, who: Recipient) -> None:
    worker = factories.staff(session)
    message = Message(
        office_id=who.office_id,
        household_id=who.household_id,
        member_id=who.member_id,
        staff_id=worker.staff_id,
        text="10月の給与明細を見せてください。",
        attempt=uuid4(),
        sent_at=clock.now(),
    )
    session.add(message)
    session.flush()
    row = filled.start(session, who, MESSAGE, OCTOBER, message_id=message.id)
    assert drafts.draft_of(session, who, row.id).filled.message_id == message.id
    other = factories.recipient(session)
    for strange in (message.id, uuid4()):
        with pytest.raises(NotThere):
            filled.start(session, other, MESSAGE, OCTOBER, message_id=strange)


def test_the_report_before_this_one_is_the_newest_earlier_one_that_still_counts(
    session: Session, who: Recipient
) -> None:
    report, august, september = FORMS[DutyKind.INCOME_REPORT], date(2026, 8, 1), date(2026, 9, 1)
    made = [factories.draft(session, who, august), factories.draft(session, who, september, gross_yen=82_400)]
    sent = [intake.send(session, who, draft.id, attempt=uuid4()) for draft in made]
    factories.draft(session, who, OCTOBER)
    before = filled.earlier(session, who, report, OCTOBER)
    assert before is not None
    assert (before.month, before.answers["jobs"][0]["gross_yen"]) == (september, 82_400)
    sent[1].move(State.WITHDRAWN, MACHINE)
    session.flush()
    before = filled.earlier(session, who, report, OCTOBER)
    assert before is not None
    assert before.month == august
    assert filled.earlier(session, who, report, august) is None
    assert filled.earlier(session, factories.recipient(session), report, OCTOBER) is None


def test_begun_with_the_last_month_the_amounts_are_asked_anew(session: Session, who: Recipient) -> None:
    intake.send(session, who, factories.draft(session, who, date(2026, 9, 1)).id, attempt=uuid4())
    row = factories.begun(session, who)
    kept = filled.as_before(session, who, row.id).answers
    assert kept == {
        "_people": "one",
        "worked": "yes",
        "jobs": [{"worker": str(who.member_id), "employer": factories.WAGE["employer"]}],
    }
    assert set(form.gaps(FORMS[DutyKind.INCOME_REPORT].as_asked(), kept)) == {
        *(f"jobs-0-{field}" for field in factories.WAGE if field != "employer"),
        *("pension", "remittance", "other", "expected"),
    }


@pytest.mark.parametrize(
    ("screen", "answers"),
    [
        ("jobs", {"gross_yen": -1}),
        ("jobs", {"gross_yen": 10_000_000}),
        ("jobs", {"gross_yen": "85400"}),
        ("jobs", {"gross_yen": True}),
        ("jobs", {"work_days": 32}),
        ("jobs", {"employer": ""}),
        ("jobs", {"employer": "社" * 101}),
        ("jobs", {"worker": "01a20e02-0000-7000-8000-000000000001"}),
        ("jobs", {"costs": ["union", "nothing"]}),
        ("jobs", {"costs": "union"}),
        ("jobs", {"paid_on": "11/10"}),
        ("jobs", {"position": 1}),
        ("worked", {"worked": "perhaps"}),
        ("worked", {"worked": None, "_people": "several"}),
    ],
)
def test_what_is_kept_is_typed(session: Session, who: Recipient, screen: str, answers: dict[str, Any]) -> None:
    row = factories.draft(session, who)
    before = answers_of(session, row)
    with pytest.raises(ValueError, match=r"no such answers|Invalid isoformat"):
        filled.write(session, who, row.id, screen, answers, 0 if screen == "jobs" else None)
    assert answers_of(session, row) == before


def test_somebody_who_lives_alone_is_not_asked_whose_it_is(session: Session, who: Recipient) -> None:
    row = factories.begun(session, who)
    filled.write(session, who, row.id, "without", {"reason": "ill"}, 0)
    assert answers_of(session, row)["without"] == [{"member": str(who.member_id), "reason": "ill"}]
    session.add(Member(office_id=who.office_id, household_id=who.household_id, name="見本　母", kana="", is_head=False))
    session.flush()
    later = factories.begun(session, who, date(2026, 9, 1))
    assert answers_of(session, later)["_people"] == "several"
    filled.write(session, who, later.id, "without", {"reason": "ill"}, 0)
    assert answers_of(session, later)["without"] == [{"reason": "ill"}]


def test_an_office_asks_for_three_months_from_a_day_on(session: Session, who: Recipient) -> None:
    usual = factories.begun(session, who)
    assert usual_pages(session, usual)[-1] == "paid"
    setting = {"asked": list(THREE_MONTHS)}
    session.add(
        FormSetting(office_id=who.office_id, kind=DutyKind.INCOME_REPORT, from_day=clock.today(), left_out=setting)
    )
    session.flush()
    assert usual_pages(session, usual)[-3:] == ["before1", "before2", "estimate"]


def usual_pages(session: Session, row: Submission) -> list[str]:
    jobs = filled.declared(session, row).screen("jobs")
    assert jobs is not None
    return [page.key for page in jobs.pages]


@pytest.mark.parametrize(("month", "known"), [(OCTOBER, True), (date(2026, 11, 1), False)])
def test_of_three_months_those_that_were_reported_are_not_asked_again(
    session: Session, who: Recipient, month: date, known: bool
) -> None:
    setting = {"asked": list(THREE_MONTHS)}
    session.add(
        FormSetting(office_id=who.office_id, kind=DutyKind.INCOME_REPORT, from_day=clock.today(), left_out=setting)
    )
    session.flush()
    earlier = {f"{page}_{field}": 70_000 for page in ("before1", "before2", "estimate") for field in ("gross_yen",)}
    days = {f"{page}_work_days": 15 for page in ("before1", "before2", "estimate")}
    sent = factories.draft(session, who, date(2026, 9, 1), **earlier, **days)
    intake.send(session, who, sent.id, attempt=uuid4())
    row = factories.begun(session, who, month)
    job = filled.as_before(session, who, row.id).answers["jobs"][0]
    gaps = form.gaps(
        filled.declared(session, row), drafts.filled_of(session, drafts.latest_version(session, row)).answers
    )
    if known:
        assert (job["before1_gross_yen"], job["before2_gross_yen"]) == (factories.WAGE["gross_yen"], 70_000)
        assert (job["before1_work_days"], job["before2_work_days"]) == (factories.WAGE["work_days"], 15)
    assert ("jobs-0-before1_gross_yen" in gaps) is not known
    assert "jobs-0-estimate_gross_yen" in gaps, "what was an estimate is asked anew"
    assert "gross_yen" not in job
