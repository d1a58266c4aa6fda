"""Drafts and intake: from the first word to the arrival, and again after a correction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared import clock, drafts, duties, intake, review, slips
from shared.errors import AlreadySent, Incomplete, NotThere, TooManyFiles
from shared.model import (
    ActorKind,
    Base,
    Correction,
    CorrectionItem,
    FileState,
    Job,
    LogEntry,
    Reason,
    Role,
    State,
    Step,
    StoredFile,
    Submission,
    SubmissionVersion,
    Task,
    VersionFile,
)
from shared.rules.numbers import is_submission_number
from shared.sign_in import Recipient
from tests import factories

EVENING = datetime(2026, 11, 19, 11, 12, 41, tzinfo=UTC)  # a Thursday; Monday the 23rd is a holiday


@pytest.fixture(autouse=True)
def now() -> Iterator[datetime]:
    with clock.at(EVENING):
        yield EVENING


@pytest.fixture
def who(session: Session) -> Recipient:
    return factories.recipient(session)


@pytest.fixture
def row(session: Session, who: Recipient) -> Submission:
    """A report with every answer given, not sent."""
    return factories.draft(session, who)


def count(session: Session, model: type[Base], **where: Any) -> int:
    query = select(func.count()).select_from(model).filter_by(**where)
    return session.scalars(query).one()


def steps(session: Session, row: Submission) -> list[tuple[State, State, ActorKind]]:
    found = session.scalars(select(Step).where(Step.submission_id == row.id).order_by(Step.id))
    return [(step.was, step.became, step.actor_kind) for step in found]


def send(session: Session, who: Recipient, row: Submission) -> Submission:
    return intake.send(session, who, row.id, attempt=uuid4())


def returned(session: Session, who: Recipient, row: Submission) -> tuple[Submission, StoredFile]:
    """A report with one file, sent, looked at, and sent back."""
    file = factories.file(session, who, row)
    factories.make_safe(session, file)
    send(session, who, row)
    worker = factories.caseworker_of(session, row)
    review.claim(session, worker, row.id)
    asked = review.AskAgain(seen=row.revision, attempt=uuid4(), files={file.id: (Reason.DARK, "")})
    review.send_back(session, worker, row.id, asked)
    return row, file


def test_starting_twice_is_one_draft_with_nothing_in_it(session: Session, who: Recipient) -> None:
    first, second = (factories.begun(session, who, factories.OCTOBER) for _ in range(2))
    assert first is second
    assert (first.state, first.number, first.arrived_at, first.version_no) == (State.DRAFT, None, None, 0)
    draft = drafts.draft_of(session, who, first.id)
    assert draft.filled.answers == {"_people": "one"}
    assert count(session, Submission) == count(session, SubmissionVersion) == 1


def test_another_month_another_person_or_a_month_already_sent_is_a_draft_of_its_own(
    session: Session, who: Recipient, row: Submission
) -> None:
    neighbour = factories.recipient(session, factories.household(session))
    ids = {row.id}
    ids.add(factories.begun(session, who, date(2026, 9, 1)).id)
    ids.add(factories.begun(session, neighbour, factories.OCTOBER).id)
    send(session, who, row)
    ids.add(factories.begun(session, who, factories.OCTOBER).id)
    assert len(ids) == 4


def test_a_report_knows_the_duty_it_answers(session: Session, who: Recipient) -> None:
    duty = duties.open_duty(session, factories.office(session), who.household_id, who.member_id, factories.OCTOBER)
    assert factories.begun(session, who, factories.OCTOBER).duty_id == duty.id
    assert factories.begun(session, who, date(2026, 9, 1)).duty_id is None


@pytest.mark.parametrize("whose", ["nobody", "neighbour", "same household", "other office"])
def test_what_is_not_mine_is_not_there_in_just_the_same_words(
    session: Session, who: Recipient, row: Submission, whose: str
) -> None:
    office = factories.office(session, "HX")
    abroad = factories.household(session, factories.staff(session, office_id=office.id))
    strangers = {
        "nobody": who,
        "neighbour": factories.recipient(session, factories.household(session)),
        "same household": replace(who, member_id=factories.unknown_id()),
        "other office": replace(factories.recipient(session, abroad), member_id=who.member_id),
    }
    stranger = strangers[whose]
    wanted = factories.unknown_id() if whose == "nobody" else row.id
    file = factories.file(session, who, row)
    refusals = []
    for act in (
        lambda: drafts.own(session, stranger, wanted),
        lambda: drafts.draft_of(session, stranger, wanted),
        lambda: factories.write(session, stranger, wanted, {"gross_yen": 1}),
        lambda: drafts.attach(session, stranger, wanted, factories.arrived_file(), limit=20),
        lambda: drafts.remove(session, stranger, wanted, file.id),
        lambda: intake.send(session, stranger, wanted, attempt=uuid4()),
    ):
        with pytest.raises(NotThere) as refused:
            act()
        refusals.append(refused.value.args)
    assert set(refusals) == {()}
    assert (row.state, drafts.files_of(session, drafts.latest_version(session, row))) == (State.DRAFT, [file])


def test_answers_are_kept_one_screen_after_the_other(session: Session, who: Recipient) -> None:
    row = factories.begun(session, who, factories.OCTOBER)
    for field, answer in factories.WAGE.items():
        factories.write(session, who, row.id, {field: answer})
    session.expire_all()
    assert factories.wage(session, drafts.latest_version(session, row)) == factories.WAGE
    factories.write(session, who, row.id, {"gross_yen": 90_000})
    assert factories.wage(session, drafts.latest_version(session, row)) == {**factories.WAGE, "gross_yen": 90_000}


@pytest.mark.parametrize("field", ["position", "report_id", "worked", "kind", "office_id", "state", ""])
def test_an_answer_to_a_question_nobody_asked_is_refused(
    session: Session, who: Recipient, row: Submission, field: str
) -> None:
    with pytest.raises(ValueError, match="no such answers"):
        factories.write(session, who, row.id, {"gross_yen": 1, field: 1})
    assert factories.wage(session, drafts.latest_version(session, row)) == factories.WAGE


def test_a_file_comes_with_the_promise_of_a_safe_copy(session: Session, who: Recipient, row: Submission) -> None:
    arrived = factories.arrived_file(name="給与明細 10月.pdf", size=42_000)
    file = drafts.attach(session, who, row.id, arrived, limit=20)
    task = session.scalars(select(Task)).one()
    assert (task.job, task.subject_id, task.tries, task.send_after) == (Job.MAKE_SAFE_COPY, file.id, 0, EVENING)
    assert (file.state, file.key, file.sha256, file.received_at) == (
        FileState.RECEIVED,
        arrived.key,
        arrived.sha256,
        EVENING,
    )
    assert drafts.files_of(session, drafts.latest_version(session, row)) == [file]


def test_the_same_part_of_the_same_form_is_the_same_file(session: Session, who: Recipient, row: Submission) -> None:
    attempt = uuid4()
    first, twin, other_part = (
        drafts.attach(session, who, row.id, factories.arrived_file(attempt=attempt, part=part), limit=20)
        for part in (0, 0, 1)
    )
    assert first is twin is not other_part
    assert drafts.file_of_attempt(session, row, attempt, 0) is first
    assert drafts.file_of_attempt(session, row, attempt, 2) is None
    assert count(session, StoredFile) == count(session, Task) == 2


def test_a_version_holds_so_many_files_and_a_second_tap_is_not_one_more(
    session: Session, who: Recipient, row: Submission
) -> None:
    arrived = [factories.arrived_file() for _ in range(3)]
    files = [drafts.attach(session, who, row.id, one, limit=3) for one in arrived]
    with pytest.raises(TooManyFiles):
        drafts.attach(session, who, row.id, factories.arrived_file(), limit=3)
    assert drafts.attach(session, who, row.id, arrived[0], limit=3) is files[0]
    drafts.remove(session, who, row.id, files[0].id)
    last = drafts.attach(session, who, row.id, factories.arrived_file(), limit=3)
    assert drafts.files_of(session, drafts.latest_version(session, row)) == [files[1], files[2], last]


def test_removing_a_file_twice_or_one_that_is_not_there_removes_nothing_else(
    session: Session, who: Recipient, row: Submission
) -> None:
    kept, gone = factories.file(session, who, row), factories.file(session, who, row)
    for wanted in (gone.id, gone.id, factories.unknown_id()):
        drafts.remove(session, who, row.id, wanted)
    assert drafts.files_of(session, drafts.latest_version(session, row)) == [kept]
    assert session.get(StoredFile, (gone.office_id, gone.id)) is gone


def test_sending_gives_number_arrival_history_journal_and_a_promise(
    session: Session, who: Recipient, row: Submission
) -> None:
    file = factories.file(session, who, row)
    sent = send(session, who, row)
    assert sent.number
    assert is_submission_number(sent.number)
    assert (sent.state, sent.arrived_at, sent.version_no) == (State.ARRIVED, EVENING, 1)
    assert sent.look_by == date(2026, 11, 24)  # two open days after a Thursday before a long weekend
    assert steps(session, sent) == [(State.DRAFT, State.ARRIVED, ActorKind.RECIPIENT)]
    entry = session.scalars(select(LogEntry).order_by(LogEntry.seq.desc())).first()
    assert entry
    assert (entry.event, entry.actor_id, entry.subject_id) == ("submission.arrived", who.account_id, row.id)
    assert factories.facts(entry) == {"version": 1, "files": [file.sha256]}


def test_numbers_follow_one_another_and_begin_anew_in_april(session: Session, who: Recipient) -> None:
    def number(month: date) -> str:
        sent = send(session, who, factories.draft(session, who, month))
        assert sent.number
        return sent.number[:-2]

    numbers = [number(date(2026, month, 1)) for month in (8, 9, 10)]
    with clock.at(datetime(2027, 3, 31, 14, 59, tzinfo=UTC)):  # a minute to April in Tokyo
        numbers.append(number(date(2027, 1, 1)))
    with clock.at(datetime(2027, 3, 31, 15, 0, tzinfo=UTC)):
        numbers.append(number(date(2027, 2, 1)))
    assert numbers == ["HB8-00001", "HB8-00002", "HB8-00003", "HB8-00004", "HB9-00001"]


def test_without_files_there_is_nothing_to_look_at_and_it_waits_at_once(
    session: Session, who: Recipient, row: Submission
) -> None:
    assert send(session, who, row).state is State.WAITING
    assert steps(session, row)[1] == (State.ARRIVED, State.WAITING, ActorKind.MACHINE)


def test_files_that_are_safe_already_let_it_wait_at_once(session: Session, who: Recipient, row: Submission) -> None:
    factories.make_safe(session, factories.file(session, who, row))
    assert send(session, who, row).state is State.WAITING


def test_a_second_tap_sends_nothing_more(session: Session, who: Recipient, row: Submission) -> None:
    attempt = uuid4()
    sent = [intake.send(session, who, row.id, attempt=attempt) for _ in range(3)]
    assert {one.number for one in sent} == {row.number}
    assert (count(session, SubmissionVersion), row.version_no) == (1, 1)
    assert len(steps(session, row)) == 2


def test_another_page_cannot_send_or_change_what_was_sent(session: Session, who: Recipient, row: Submission) -> None:
    file = factories.file(session, who, row)
    send(session, who, row)
    for act in (
        lambda: intake.send(session, who, row.id, attempt=uuid4()),
        lambda: factories.write(session, who, row.id, {"gross_yen": 1}),
        lambda: drafts.attach(session, who, row.id, factories.arrived_file(), limit=20),
        lambda: drafts.remove(session, who, row.id, file.id),
    ):
        with pytest.raises(AlreadySent):
            act()
    version = drafts.sent_version(session, row)
    assert factories.wage(session, version) == factories.WAGE
    assert drafts.files_of(session, version) == [file]


@pytest.mark.parametrize("field", factories.WAGE)
def test_what_is_missing_is_named_and_nothing_is_stored(session: Session, who: Recipient, field: str) -> None:
    row = factories.draft(session, who)
    factories.write(session, who, row.id, {field: None})
    with pytest.raises(Incomplete) as incomplete:
        send(session, who, row)
    assert incomplete.value.faults == {f"jobs-0-{field}": "missing"}
    assert (row.state, row.number, row.arrived_at, steps(session, row)) == (State.DRAFT, None, None, [])
    factories.write(session, who, row.id, {field: factories.WAGE[field]})
    assert str(send(session, who, row).number).startswith("HB8-00001-")  # no number was spent


def test_a_correction_is_version_two_of_the_same_number_and_first_arrival(
    session: Session, who: Recipient, row: Submission
) -> None:
    returned(session, who, row)
    number, arrived_at = row.number, row.arrived_at
    with clock.at(EVENING + timedelta(days=3)):
        factories.write(session, who, row.id, {"gross_yen": 90_000})
        send(session, who, row)
        sent_at = clock.now()
    assert (row.number, row.arrived_at, row.version_no) == (number, arrived_at, 2)
    assert (row.state, row.answer_by, row.look_by) == (State.WAITING, None, date(2026, 11, 25))
    assert drafts.sent_version(session, row).sent_at == sent_at
    assert steps(session, row)[-2:] == [
        (State.RETURNED, State.ARRIVED, ActorKind.RECIPIENT),
        (State.ARRIVED, State.WAITING, ActorKind.MACHINE),
    ]


def test_what_was_sent_first_stays_as_it_was(session: Session, who: Recipient, row: Submission) -> None:
    _, file = returned(session, who, row)
    first = drafts.sent_version(session, row)
    before = slips.slip(session, row, first)
    factories.write(session, who, row.id, {"gross_yen": 90_000, "employer": "株式会社かえた"})
    drafts.remove(session, who, row.id, file.id)
    other = factories.file(session, who, row)
    factories.make_safe(session, other)
    second = drafts.latest_version(session, row)
    assert (first.no, second.no, second.sent_at) == (1, 2, None)
    assert factories.wage(session, second) == {**factories.WAGE, "gross_yen": 90_000, "employer": "株式会社かえた"}
    assert drafts.files_of(session, second) == [other]
    send(session, who, row)
    session.expire_all()
    assert factories.wage(session, first) == factories.WAGE
    assert drafts.files_of(session, first) == [file]
    after = slips.slip(session, row, first)
    assert (after.said, after.files, after.sent_at) == (before.said, before.files, before.sent_at)


def test_looking_at_what_came_back_makes_no_new_version(session: Session, who: Recipient, row: Submission) -> None:
    returned(session, who, row)
    draft = drafts.draft_of(session, who, row.id)
    assert (draft.version.no, draft.version.sent_at is None) == (1, False)
    for _ in range(2):
        factories.write(session, who, row.id, {})
    assert count(session, SubmissionVersion, submission_id=row.id) == 2


def test_a_correction_begins_with_the_answers_and_files_of_before(
    session: Session, who: Recipient, row: Submission
) -> None:
    _, file = returned(session, who, row)
    draft = factories.write(session, who, row.id, {})
    assert factories.wage(session, draft.version) == factories.WAGE
    assert drafts.files_of(session, draft.version) == [file]
    assert count(session, VersionFile, file_id=file.id) == 2
    assert count(session, Task) == 1  # its safe copy is made already


def test_all_files_safe_let_it_wait_and_not_one_earlier(session: Session, who: Recipient, row: Submission) -> None:
    first, second = factories.file(session, who, row), factories.file(session, who, row)
    send(session, who, row)
    factories.make_safe(session, first)
    second.move(FileState.CHECKED)
    intake.settle(session, row)
    assert row.state is State.ARRIVED
    second.pages = 1
    second.move(FileState.SAFE)
    for _ in range(2):
        intake.settle(session, row)
    assert row.state is State.WAITING
    assert len(steps(session, row)) == 2


def test_a_file_nobody_can_open_asks_for_another_copy_by_itself(
    session: Session, who: Recipient, row: Submission
) -> None:
    good, bad, worse = (factories.file(session, who, row) for _ in range(3))
    send(session, who, row)
    number, arrived_at = row.number, row.arrived_at
    factories.make_safe(session, good)
    bad.move(FileState.REFUSED, because="locked")
    intake.settle(session, row)
    assert row.state is State.ARRIVED  # the third file is still being looked at
    worse.move(FileState.REFUSED, because="unreadable")
    intake.settle(session, row)
    assert (row.state, row.number, row.arrived_at) == (State.RETURNED, number, arrived_at)
    assert row.answer_by == date(2026, 11, 27)  # five open days
    correction = session.scalars(select(Correction)).one()
    items = session.scalars(select(CorrectionItem).order_by(CorrectionItem.id)).all()
    assert (correction.asked_by, correction.memo) == (None, "")
    assert [(item.file_id, item.value, item.reason) for item in items] == [
        (bad.id, None, Reason.UNREADABLE),
        (worse.id, None, Reason.UNREADABLE),
    ]
    assert steps(session, row)[-1] == (State.ARRIVED, State.RETURNED, ActorKind.MACHINE)
    assert session.scalars(select(LogEntry.event).order_by(LogEntry.seq.desc())).first() == "correction.asked"


def test_sending_the_same_bad_file_again_comes_back_again(session: Session, who: Recipient, row: Submission) -> None:
    factories.file(session, who, row).move(FileState.REFUSED, because="locked")
    assert send(session, who, row).state is State.RETURNED
    assert send(session, who, row).state is State.RETURNED
    (held,) = drafts.files_of(session, drafts.sent_version(session, row))
    drafts.remove(session, who, row.id, held.id)
    assert send(session, who, row).state is State.WAITING
    assert (row.version_no, count(session, Correction)) == (3, 2)


@pytest.mark.parametrize("state", [State.DRAFT, State.WAITING, State.IN_REVIEW, State.RETURNED, State.ACCEPTED])
def test_settling_touches_only_what_has_just_arrived(session: Session, state: State) -> None:
    row = factories.submission(session, state)
    revision, history = row.revision, steps(session, row)
    intake.settle(session, row)
    session.flush()
    assert (row.state, row.revision, steps(session, row)) == (state, revision, history)


def test_a_draft_has_no_version_that_was_sent(session: Session, row: Submission) -> None:
    with pytest.raises(NotThere):
        drafts.sent_version(session, row)


def test_a_caseworkers_correction_names_her_and_the_day_she_hopes_for(
    session: Session, who: Recipient, row: Submission
) -> None:
    send(session, who, row)
    worker = factories.caseworker_of(session, row)
    assert worker.role is Role.CASEWORKER
    review.claim(session, worker, row.id)
    asked = review.AskAgain(
        seen=row.revision,
        attempt=uuid4(),
        values={"jobs-0-gross_yen": (Reason.DIFFERS, "")},
        answer_by=date(2026, 12, 10),
        memo="電話した",
    )
    review.send_back(session, worker, row.id, asked)
    correction = session.scalars(select(Correction)).one()
    assert (correction.asked_by, correction.memo, row.answer_by) == (worker.staff_id, "電話した", date(2026, 12, 10))
