from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import clock, drafts, filled, intake, messages, queue, receipt_lists, review
from shared.model import Actor, DutyKind, FileState, Message, Reason, Role, State, Step, Submission
from shared.queue import Scope, Tab, Wanted
from shared.review import LEASE, AskAgain
from shared.rules import need
from shared.rules.forms.check_in import CHECK_IN
from shared.rules.forms.form import Ask
from shared.rules.need import Facts, Need
from shared.rules.office_days import OfficeDays
from shared.sign_in import Staff
from tests import factories

EVENING = datetime.fromisoformat("2026-11-19T20:12:41+09:00")


@pytest.fixture(autouse=True)
def now() -> Iterator[datetime]:
    with clock.at(EVENING):
        yield EVENING


@pytest.fixture
def worker(session: Session) -> Staff:
    return factories.staff(session, name="例野 太郎")


def arrived(session: Session, worker: Staff, hours_ago: float = 0, *, protected: bool = False) -> Submission:
    home = factories.household(session, worker, protected=protected)
    with clock.at(EVENING - timedelta(hours=hours_ago)):
        return factories.submission(session, who=factories.recipient(session, home))


def come_back(session: Session, worker: Staff, row: Submission) -> None:
    """Ask again, and let the person answer at once."""
    review.claim(session, worker, row.id)
    values = {"jobs-0-gross_yen": (Reason.DIFFERS, "")}
    review.send_back(session, worker, row.id, AskAgain(seen=row.revision, attempt=uuid4(), values=values))
    who = factories.recipient_of(session, row)
    intake.send(session, who, row.id, attempt=uuid4())


def ids(session: Session, who: Staff, scope: Scope = Scope.ALL) -> list[UUID]:
    return [line.id for line in queue.waiting(session, who, Wanted(scope))]


def test_corrections_that_came_back_stand_first_and_then_the_longest_waiting(session: Session, worker: Staff) -> None:
    young, old, corrected, corrected_old = (arrived(session, worker, hours) for hours in (1, 30, 2, 5))
    for row in (corrected, corrected_old):
        come_back(session, worker, row)
    assert ids(session, worker) == [corrected_old.id, corrected.id, old.id, young.id]


def test_a_correction_that_was_taken_back_has_not_come_back(session: Session, worker: Staff) -> None:
    row, older = arrived(session, worker, 1), arrived(session, worker, 30)
    review.claim(session, worker, row.id)
    values, attempt = {"jobs-0-gross_yen": (Reason.DIFFERS, "")}, uuid4()
    review.send_back(session, worker, row.id, AskAgain(seen=row.revision, attempt=attempt, values=values))
    review.undo(session, worker, row.id, attempt=attempt)
    who = factories.recipient_of(session, row)
    drafts.change(session, who, row.id)
    intake.send(session, who, row.id, attempt=uuid4())
    assert row.version_no == 2
    assert Need.CAME_BACK not in {line.id: line.needs for line in queue.waiting(session, worker)}[row.id]
    assert queue.next_for(session, worker) == older.id


def test_a_line_says_what_a_caseworker_must_know(session: Session, worker: Staff) -> None:
    colleague = factories.staff(session, name="手本 春子")
    home = factories.household(session, worker, case_no="0042")
    who = factories.recipient(session, home)
    factories.recipient(session, home, name="見本　次郎", is_head=False)
    row = factories.draft(session, who)
    for _ in range(2):
        factories.make_safe(session, factories.file(session, who, row))
    intake.send(session, who, row.id, attempt=uuid4())
    review.claim(session, colleague, row.id)
    (line,) = queue.waiting(session, worker)
    assert (line.id, line.number, line.member, line.case_no) == (row.id, row.number, "見本　花子", "0042")
    assert (line.members, line.files, line.month, line.version_no) == (2, 2, factories.OCTOBER, 1)
    assert (line.state, line.arrived_at, line.look_by) == (State.IN_REVIEW, EVENING, date(2026, 11, 24))
    assert (line.caseworker, line.holder, line.holder_is_me) == ("例野 太郎", "手本 春子", False)
    (hers,) = queue.waiting(session, colleague, Wanted(Scope.ALL))
    assert hers.holder_is_me


def test_a_report_without_files_counts_none(session: Session, worker: Staff) -> None:
    arrived(session, worker)
    assert [(line.files, line.members, line.holder) for line in queue.waiting(session, worker)] == [(0, 1, None)]


def test_whose_lease_ran_out_holds_nothing_any_more(session: Session, worker: Staff) -> None:
    row = arrived(session, worker)
    review.claim(session, worker, row.id)
    with clock.at(EVENING + LEASE):
        (line,) = queue.waiting(session, worker)
    assert (line.state, line.holder, line.holder_is_me) == (State.IN_REVIEW, None, False)


@pytest.mark.parametrize("state", list(State))
def test_just_what_needs_a_look_stands_in_the_queue(session: Session, state: State) -> None:
    row = factories.submission(session, state)
    stands = state in (State.WAITING, State.IN_REVIEW, State.ON_HOLD)
    assert ids(session, factories.caseworker_of(session, row), Scope.MINE) == ([row.id] if stands else [])


def test_mine_are_those_of_my_households_and_all_leaves_out_only_the_protected(session: Session, worker: Staff) -> None:
    colleague, supervisor = factories.staff(session), factories.staff(session, Role.SUPERVISOR)
    own, others = arrived(session, worker, 4), arrived(session, colleague, 3)
    own_protected, others_protected = (arrived(session, who, 2, protected=True) for who in (worker, colleague))
    assert ids(session, worker, Scope.MINE) == [own.id, own_protected.id]
    assert ids(session, worker) == [own.id, others.id, own_protected.id]
    everything = [own.id, others.id, own_protected.id, others_protected.id]
    assert sorted(ids(session, supervisor)) == sorted(everything) == sorted(ids(session, supervisor, Scope.MINE))


@pytest.mark.parametrize("role", [Role.CLERK, Role.ADMINISTRATOR])
def test_clerks_and_administrators_have_no_such_list(session: Session, worker: Staff, role: Role) -> None:
    arrived(session, worker)
    somebody = factories.staff(session, role)
    assert ids(session, somebody) == ids(session, somebody, Scope.MINE) == []
    assert queue.next_for(session, somebody) is None


def test_another_offices_lists_are_another_offices(session: Session, worker: Staff) -> None:
    arrived(session, worker)
    office = factories.office(session, "HX")
    for role in Role:
        stranger = factories.staff(session, role, office_id=office.id)
        assert ids(session, stranger) == receipt_lists.ready(session, stranger) == []
        assert queue.next_for(session, stranger) is None


def test_next_is_the_first_of_ones_own_that_nobody_has(session: Session, worker: Staff) -> None:
    colleague, supervisor = factories.staff(session), factories.staff(session, Role.SUPERVISOR)
    arrived(session, colleague, 50)
    taken, first, second = (arrived(session, worker, hours) for hours in (9, 8, 7))
    review.claim(session, supervisor, taken.id)
    assert queue.next_for(session, worker) == first.id
    come_back(session, worker, second)
    assert queue.next_for(session, worker) == second.id


def test_next_is_also_what_one_has_already_or_whose_lease_ran_out(session: Session, worker: Staff) -> None:
    row = arrived(session, worker)
    review.claim(session, worker, row.id)
    assert queue.next_for(session, worker) == row.id
    review.release(session, worker, row.id)
    review.claim(session, factories.staff(session), row.id)
    assert queue.next_for(session, worker) is None
    with clock.at(EVENING + LEASE):
        assert queue.next_for(session, worker) == row.id


def test_next_is_nobody_when_the_queue_is_empty(session: Session, worker: Staff) -> None:
    assert queue.next_for(session, worker) is None
    assert queue.waiting(session, worker, Wanted(Scope.ALL)) == []


def test_the_clerk_sees_what_is_accepted_with_the_longest_waiting_first(session: Session, worker: Staff) -> None:
    clerk = factories.staff(session, Role.CLERK)
    rows = [arrived(session, worker, hours) for hours in (1, 30)]
    arrived(session, worker)
    come_back(session, worker, rows[0])
    for row in rows:
        review.claim(session, worker, row.id)
        review.accept(session, worker, row.id, seen=row.revision, attempt=uuid4())
    lines = receipt_lists.ready(session, clerk)
    assert [(line.id, line.version_no, line.files) for line in lines] == [(rows[1].id, 1, 0), (rows[0].id, 2, 0)]
    first = lines[0]
    assert (first.number, first.member, first.month) == (rows[1].number, "見本　花子", factories.OCTOBER)
    assert (first.accepted_by, first.accepted_at) == ("例野 太郎", EVENING)


@pytest.mark.parametrize("state", list(State))
def test_just_what_is_accepted_waits_for_a_clerk(session: Session, state: State) -> None:
    row = factories.submission(session, state)
    lines = receipt_lists.ready(session, factories.staff(session, Role.CLERK))
    assert [line.id for line in lines] == ([row.id] if state is State.ACCEPTED else [])


def test_the_clerk_sees_how_many_files_the_accepted_version_has(session: Session, worker: Staff) -> None:
    who = factories.recipient(session, factories.household(session, worker))
    row = factories.draft(session, who)
    for _ in range(3):
        factories.make_safe(session, factories.file(session, who, row))
    intake.send(session, who, row.id, attempt=uuid4())
    review.claim(session, worker, row.id)
    review.accept(session, worker, row.id, seen=row.revision, attempt=uuid4())
    assert [line.files for line in receipt_lists.ready(session, factories.staff(session, Role.CLERK))] == [3]


def facts_of(session: Session, row: Submission) -> Facts:
    """The same facts, read the long way."""
    version = drafts.sent_version(session, row)
    steps = session.scalars(select(Step).where(Step.submission_id == row.id)).all()
    written = session.scalars(select(Message.sent_at).where(Message.member_id == row.member_id)).all()
    assert row.look_by is not None
    assert version.sent_at is not None
    return Facts(
        row.look_by,
        urgent=row.urgent,
        wants_call=row.wants_call,
        came_back=any(step.was is State.RETURNED and step.became is State.ARRIVED for step in steps),
        unanswered=row.kind is DutyKind.MESSAGE and not any(at > version.sent_at for at in written),
        refused=any(file.state is FileState.REFUSED for file in drafts.files_of(session, version)),
        held=row.state is State.ON_HOLD,
    )


def lose_copy(session: Session, row: Submission) -> None:
    """The safe copy of its file was lost, and cannot be drawn again."""
    (file,) = drafts.files_of(session, drafts.sent_version(session, row))
    file.move(FileState.CHECKED)
    file.move(FileState.REFUSED, because="unreadable")
    session.flush()


def with_file(session: Session, worker: Staff) -> Submission:
    who = factories.recipient(session, factories.household(session, worker))
    row = factories.draft(session, who)
    factories.make_safe(session, factories.file(session, who, row))
    return intake.send(session, who, row.id, attempt=uuid4())


def message(session: Session, worker: Staff) -> Submission:
    who = factories.recipient(session, factories.household(session, worker))
    row = filled.start(session, who, DutyKind.MESSAGE, factories.OCTOBER)
    filled.write_whole(session, who, row.id, {"tell": "ボーナスはいつ書きますか。"})
    return intake.send(session, who, row.id, attempt=uuid4())


def check_in(session: Session, worker: Staff, **answers: str) -> Submission:
    who = factories.recipient(session, factories.household(session, worker))
    row = filled.start(session, who, DutyKind.STATUS_CHECK_IN, factories.OCTOBER)
    filled.write_whole(session, who, row.id, calm() | answers)
    return intake.send(session, who, row.id, attempt=uuid4())


def calm() -> dict[str, str]:
    """A check-in in which each question has its first answer."""
    return {
        question.key: question.options[0].key
        for screen in CHECK_IN.screens
        for question in screen.questions
        if question.ask is Ask.CHOICE
    }


def test_need_comes_before_age_and_every_line_says_its_reasons(session: Session, worker: Staff) -> None:
    nothing, older = arrived(session, worker, 1), arrived(session, worker, 3)
    overdue, today = arrived(session, worker, 24 * 9), arrived(session, worker, 48)
    refused = with_file(session, worker)
    lose_copy(session, refused)
    wrote, answered = message(session, worker), message(session, worker)
    with clock.at(EVENING + timedelta(minutes=1)):
        messages.send(session, worker, answered.id, "12月です。", attempt=uuid4())
    back = arrived(session, worker)
    come_back(session, worker, back)
    changed = arrived(session, worker, 2)
    intake_again(session, changed)
    call = check_in(session, worker, call="yes")
    danger = check_in(session, worker, meals="none")
    held = check_in(session, worker, meals="none")
    review.claim(session, worker, held.id)
    held.move(State.ON_HOLD, Actor.staff(worker.staff_id))
    session.flush()

    lines = queue.waiting(session, worker)
    expected = [danger, call, back, wrote, today, refused, overdue, older, changed, nothing, answered, held]
    assert [line.id for line in lines] == [row.id for row in expected]
    assert [line.needs[:1] for line in lines] == [*((one,) for one in Need), *[()] * 4, (Need.DANGER,)]
    assert [line.late for line in lines if line.id == overdue.id] == [5]
    now = need.days(clock.today(), OfficeDays())
    assert [line.place[0] for line in lines] == [need.rank(facts_of(session, row), now) for row in expected]


def intake_again(session: Session, row: Submission) -> None:
    """She changes what she sent, unasked."""
    who = factories.recipient_of(session, row)
    drafts.change(session, who, row.id)
    factories.write(session, who, row.id, {"gross_yen": 90_000})
    intake.send(session, who, row.id, attempt=uuid4())
    assert row.version_no == 2


def test_each_tab_counts_and_shows_its_own(session: Session, worker: Staff) -> None:
    late, today, soon = (arrived(session, worker, hours) for hours in (24 * 9, 48, 1))
    held = factories.submission(
        session, State.ON_HOLD, factories.recipient(session, factories.household(session, worker))
    )
    with clock.at(datetime.fromisoformat("2026-12-28T09:00:00+09:00")):
        far = arrived_now(session, worker)  # the office is closed until 4 January
        assert far.look_by == date(2027, 1, 5)
        assert under(session, worker)[Tab.ALL] == [late.id, today.id, soon.id, far.id, held.id]
        assert under(session, worker)[Tab.SOON] == []
    assert under(session, worker) == {
        Tab.OVERDUE: [late.id],
        Tab.TODAY: [today.id],
        Tab.SOON: [soon.id],
        Tab.HELD: [held.id],
        Tab.ALL: [today.id, late.id, soon.id, far.id, held.id],
    }


def arrived_now(session: Session, worker: Staff) -> Submission:
    return factories.submission(session, who=factories.recipient(session, factories.household(session, worker)))


def under(session: Session, who: Staff) -> dict[Tab, list[UUID]]:
    """What stands under each tab; the counts say the same."""
    found = {tab: [line.id for line in queue.waiting(session, who, Wanted(tab=tab))] for tab in Tab}
    assert queue.counts(session, who, Wanted(tab=Tab.HELD)) == {tab: len(ids) for tab, ids in found.items()}
    return found


def test_nothing_is_counted_for_those_who_have_no_such_list(session: Session, worker: Staff) -> None:
    arrived(session, worker)
    for who in (factories.staff(session, Role.CLERK), factories.staff(session, Role.ADMINISTRATOR)):
        assert queue.counts(session, who, Wanted(Scope.ALL)) == dict.fromkeys(Tab, 0)


def test_one_filters_by_kind_household_and_colleague(session: Session, worker: Staff) -> None:
    colleague = factories.staff(session, name="手本 春子")
    report, wrote = arrived(session, worker), message(session, worker)
    others, shy = arrived(session, colleague), arrived(session, colleague, protected=True)
    assert found(session, worker, Wanted(kind=DutyKind.MESSAGE)) == {wrote.id}
    assert found(session, worker, Wanted(household_id=report.household_id)) == {report.id}
    assert found(session, worker, Wanted(household_id=others.household_id)) == set()
    assert found(session, worker, Wanted(colleague_id=colleague.staff_id)) == {others.id}
    assert found(session, colleague, Wanted(colleague_id=colleague.staff_id)) == {others.id, shy.id}
    assert (colleague.staff_id, "手本 春子") in queue.colleagues(session, worker)
    assert queue.next_for(session, worker, Wanted(colleague_id=colleague.staff_id)) == others.id
    assert queue.next_for(session, worker, Wanted(kind=DutyKind.ASSET_REPORT)) is None


def found(session: Session, who: Staff, wanted: Wanted) -> set[UUID]:
    return {line.id for line in queue.waiting(session, who, wanted)}


@pytest.mark.parametrize(
    "sought",
    [
        *("0042", "００４２", " 0042 "),
        *("みほん", "ミホン ハナ", "ﾐﾎﾝ", "ほんはな", "見本花子", "見本　花"),
        *("{number}", "{number_of_words}", "{number_in_wide}"),
    ],
)
def test_one_finds_by_case_number_kana_and_receipt_code_in_any_writing(
    session: Session, worker: Staff, sought: str
) -> None:
    home = factories.household(session, worker, case_no="0042")
    row = factories.submission(session, who=factories.recipient(session, home))
    other = factories.recipient(session, factories.household(session, worker), name="別野 人子", kana="べつの ひとこ")
    factories.submission(session, who=other)
    number = row.number or ""
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in number)
    text = sought.format(number=number, number_of_words=number.lower().replace("-", " "), number_in_wide=wide)
    assert found(session, worker, Wanted(sought=text)) == {row.id}


@pytest.mark.parametrize("sought", ["%", "_", "\\", "-", "ー", "'", "な" * 500, "004", "😀"])
def test_a_sign_with_a_meaning_to_the_database_means_itself(session: Session, worker: Staff, sought: str) -> None:
    factories.submission(
        session, who=factories.recipient(session, factories.household(session, worker, case_no="0042"))
    )
    assert found(session, worker, Wanted(sought=sought)) == set()


def test_pages_follow_one_another_without_a_gap_or_a_twin(session: Session, worker: Staff) -> None:
    for hours in (1, 1, 1, 48, 48, 300, 300):
        arrived(session, worker, hours)
    message(session, worker)
    come_back(session, worker, arrived(session, worker, 1))
    whole = queue.waiting(session, worker)
    paged, behind = [], None
    while page := queue.waiting(session, worker, behind=behind, most=2):
        paged += page
        behind = page[-1].place
        review.claim(session, worker, page[0].id)  # a line that moves on meanwhile moves no other
    assert [line.id for line in paged] == [line.id for line in whole]
    assert len(paged) == 9


def test_next_is_a_danger_and_then_what_came_back_to_her(session: Session, worker: Staff) -> None:
    supervisor = factories.staff(session, Role.SUPERVISOR)
    call = check_in(session, worker, call="yes")
    hers, anothers = arrived(session, worker, 1), arrived(session, worker, 30)
    come_back(session, worker, hers)
    come_back(session, supervisor, anothers)
    assert queue.next_for(session, worker) == hers.id
    assert queue.next_for(session, supervisor) == anothers.id
    danger = check_in(session, worker, meals="none")
    assert queue.next_for(session, worker) == danger.id
    for row in (danger, hers):
        review.claim(session, supervisor, row.id)
    assert queue.next_for(session, worker) == call.id
