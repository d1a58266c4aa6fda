from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import clock, drafts, filled, intake
from shared.errors import AlreadySent, Incomplete, NotThere
from shared.model import DutyKind, FilledForm, FormSetting, Message, State, Submission, SubmissionVersion
from shared.rules.forms.form import MOST_ROWS
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
    form = filled.form_of(kind)
    answers = next(fill(form, str(who.member_id)))
    for screen in form.screens:
        rows = enumerate(answers.get(screen.key, ())) if screen.rows else [(None, answers)]
        for at, given in rows:
            here = {question.key: given[question.key] for question in screen.questions if question.key in given}
            filled.write(session, who, row.id, screen.key, here, at)
    if form.files_needed:
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
        drafts.start_report(session, who, OCTOBER),
    ]
    assert len({first.id, *(row.id for row in others)}) == 5
    assert len(session.scalars(select(SubmissionVersion)).all()) == 5


def test_the_income_report_is_no_declared_form(session: Session, who: Recipient) -> None:
    with pytest.raises(NotThere):
        filled.start(session, who, DutyKind.INCOME_REPORT, OCTOBER)


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
    filled.remove_row(session, who, row.id, "applications", 0)
    filled.remove_row(session, who, row.id, "applications", 7)
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
    assert filled.last_sent(session, who, CHECK_IN) is None
    old = sent(session, who)
    last = filled.last_sent(session, who, CHECK_IN)
    assert last is not None
    last.form_version = 99
    session.flush()
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
