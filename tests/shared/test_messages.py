from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from shared import clock, drafts, filled, intake, messages
from shared.errors import NotAMessage, NotThere, TooMuchToday
from shared.model import DutyKind, Household, State, Submission
from shared.rules.months import add_months
from shared.sign_in import Recipient, Staff
from tests import factories


@pytest.fixture
def worker(session: Session) -> Staff:
    return factories.staff(session)


@pytest.fixture
def who(session: Session, worker: Staff) -> Recipient:
    return factories.recipient(session, factories.household(session, worker))


@pytest.fixture
def report(session: Session, who: Recipient) -> Submission:
    return factories.submission(session, State.WAITING, who)


def answer(session: Session, who: Recipient, text: str, message: object = None) -> Submission:
    row = filled.start(session, who, DutyKind.MESSAGE, factories.OCTOBER, message_id=message)  # type: ignore[arg-type]
    filled.write(session, who, row.id, "tell", {"tell": text})
    intake.send(session, who, row.id, attempt=uuid4())
    return row


def test_a_question_and_its_answer_stand_in_their_order(
    session: Session, worker: Staff, who: Recipient, report: Submission
) -> None:
    with clock.at(clock.now() - timedelta(hours=3)):
        asked = messages.send(session, worker, report.id, " 明細は ありますか。\n", attempt=uuid4())
    row = answer(session, who, "あります。", asked.id)
    lines = messages.thread(session, who.office_id, who.member_id)
    assert [(line.mine, line.text) for line in lines] == [(False, "明細は ありますか。"), (True, "あります。")]
    assert (lines[0].about, lines[1].number) == (report.id, row.number)
    assert row.state is State.WAITING, "it waits in the queue like everything"


def test_a_second_tap_is_one_message(session: Session, worker: Staff, who: Recipient, report: Submission) -> None:
    attempt = uuid4()
    first, second = (messages.send(session, worker, report.id, "一度だけ", attempt=attempt) for _ in range(2))
    assert first.id == second.id
    assert len(messages.thread(session, who.office_id, who.member_id)) == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "missing"),
        (" 　\n", "missing"),
        ("あ" * 2001, "too_long"),
        ("［日付］までに", "placeholder"),
        ("番号6214-9832-0257", "my_number"),
    ],
)
def test_what_is_no_message_is_not_sent(
    session: Session, worker: Staff, who: Recipient, report: Submission, text: str, code: str
) -> None:
    with pytest.raises(NotAMessage) as told:
        messages.send(session, worker, report.id, text, attempt=uuid4())
    assert told.value.code == code
    assert messages.thread(session, who.office_id, who.member_id) == []


def test_read_is_what_she_opened_and_the_first_time_counts(
    session: Session, worker: Staff, who: Recipient, report: Submission
) -> None:
    sent = messages.send(session, worker, report.id, "一つめ", attempt=uuid4())
    assert messages.unread(session, who) == 1
    messages.read(session, who)
    session.refresh(sent)
    first = sent.read_at
    assert first is not None
    messages.send(session, worker, report.id, "二つめ", attempt=uuid4())
    assert messages.unread(session, who) == 1
    messages.read(session, who)
    assert messages.unread(session, who) == 0
    session.refresh(sent)
    assert sent.read_at == first


def test_a_paper_of_the_offices_takes_nothing_of_what_she_may_send_today(
    session: Session, worker: Staff, who: Recipient, report: Submission
) -> None:
    paper = factories.arrived_file(size=9_000)
    messages.send(session, worker, report.id, "家賃の紙です。", attempt=uuid4(), papers=[paper])
    row = factories.draft(session, who, add_months(factories.OCTOBER, -1))
    drafts.attach(session, who, row.id, factories.arrived_file(size=9_000), limit=3, day_limit=10_000)
    with pytest.raises(TooMuchToday):
        drafts.attach(session, who, row.id, factories.arrived_file(size=1_001), limit=3, day_limit=10_000)


def test_nobody_writes_about_what_she_may_not_open(session: Session, who: Recipient, report: Submission) -> None:
    stranger = factories.staff(session)
    session.get_one(Household, (who.office_id, who.household_id)).protected = True
    session.flush()
    with pytest.raises(NotThere):
        messages.send(session, stranger, report.id, "こんにちは", attempt=uuid4())


def test_what_was_begun_answers_the_question_it_was_last_opened_from(
    session: Session, worker: Staff, who: Recipient, report: Submission
) -> None:
    first, second = (messages.send(session, worker, report.id, text, attempt=uuid4()) for text in ("一", "二"))
    row = filled.start(session, who, DutyKind.MESSAGE, factories.OCTOBER, message_id=first.id)
    assert filled.start(session, who, DutyKind.MESSAGE, factories.OCTOBER, message_id=second.id).id == row.id
    filled.write(session, who, row.id, "tell", {"tell": "はい"})
    assert drafts.draft_of(session, who, row.id).filled.message_id == second.id


def test_a_thread_is_one_persons(session: Session, worker: Staff, who: Recipient, report: Submission) -> None:
    messages.send(session, worker, report.id, "あなたに", attempt=uuid4())
    home = session.get_one(Household, (who.office_id, who.household_id))
    other = factories.recipient(session, home, is_head=False, name="別野　次郎")
    assert messages.thread(session, other.office_id, other.member_id) == []
    assert messages.unread(session, other) == 0
