"""Many hands at once, each with a connection of its own, on both databases."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session, sessionmaker

from shared import (
    assignment,
    bulk,
    checks,
    clock,
    cover,
    drafts,
    duties,
    handing,
    household,
    intake,
    journal,
    messages,
    overrides,
    presence,
    queue,
    receipts,
    review,
    sign_in,
)
from shared.errors import (
    AlreadyCovered,
    AlreadySent,
    ChangedMeanwhile,
    DomainError,
    SignInRefused,
    TakenByAnother,
    TooManyFiles,
)
from shared.model import (
    BulkAct,
    BulkItem,
    BulkItemState,
    Check,
    Claim,
    Duty,
    DutyAbout,
    FileState,
    HouseholdNews,
    Invitation,
    InvitationState,
    LogEntry,
    News,
    Presence,
    Reason,
    Receipt,
    Result,
    Role,
    Rule,
    Situation,
    StaffMember,
    State,
    Step,
    StoredFile,
    Submission,
    SubmissionVersion,
    Task,
    Tries,
    VersionFile,
    Why,
)
from shared.rules.assignment import Line
from shared.session import engine_for, reading_sessions, sessions
from shared.sign_in import Recipient, Staff
from tests import factories

PROJECT = Path(__file__).resolve().parents[2]
T = TypeVar("T")
Sessions = sessionmaker[Session]


def at_once(make: Sessions, acts: Sequence[Callable[[Session], object]]) -> list[Any]:
    """Let every act run in a transaction of its own, all begun at one moment; what the rules refuse is an answer."""
    start = threading.Barrier(len(acts))

    def one(act: Callable[[Session], object]) -> object:
        start.wait(20)
        try:
            with make.begin() as session:
                return act(session)
        except DomainError as refused:
            return refused

    with ThreadPoolExecutor(len(acts)) as hands:
        return list(hands.map(one, acts))


def of(kind: type[T], answers: Sequence[object]) -> list[T]:
    return [answer for answer in answers if isinstance(answer, kind)]


def a_draft(make: Sessions) -> tuple[Recipient, UUID]:
    with make.begin() as session:
        who = factories.recipient(session)
        return who, factories.draft(session, who).id


def a_submission(make: Sessions, state: State = State.WAITING) -> UUID:
    with make.begin() as session:
        return factories.submission(session, state).id


def test_sixteen_people_send_at_once_and_their_numbers_have_no_gap(make_session: Sessions) -> None:
    with make_session.begin() as session:
        worker = factories.staff(session)
        people = [factories.recipient(session, factories.household(session, worker)) for _ in range(16)]
        drafts = [factories.draft(session, who).id for who in people]

    def send(who: Recipient, draft: UUID) -> Callable[[Session], str | None]:
        return lambda session: intake.send(session, who, draft, attempt=uuid4()).number

    numbers = at_once(make_session, [send(who, draft) for who, draft in zip(people, drafts, strict=True)])
    assert sorted(str(number).split("-")[1] for number in numbers) == [f"{at:05}" for at in range(1, 17)]
    with make_session() as session:
        assert journal.first_broken(session, worker.office_id) is None
        assert set(session.scalars(select(Submission.state))) == {State.WAITING}


def test_eight_taps_of_one_form_are_one_version_with_one_number(make_session: Sessions) -> None:
    who, draft = a_draft(make_session)
    attempt = uuid4()
    tap = [lambda session: intake.send(session, who, draft, attempt=attempt).number] * 8
    answers = at_once(make_session, tap)
    assert len(set(answers)) == 1
    assert of(str, answers)
    with make_session() as session:
        assert session.scalar(select(func.count()).select_from(SubmissionVersion)) == 1
        assert session.scalar(select(func.count()).select_from(Step).where(Step.became == State.ARRIVED)) == 1


def test_two_phones_send_one_draft_and_one_hears_that_it_was_sent(make_session: Sessions) -> None:
    who, draft = a_draft(make_session)
    answers = at_once(
        make_session, [lambda session: intake.send(session, who, draft, attempt=uuid4()).number for _ in range(2)]
    )
    assert len(of(AlreadySent, answers)) == len(of(str, answers)) == 1


def test_an_answer_written_while_it_is_sent_is_in_it_or_refused_but_never_lost(make_session: Sessions) -> None:
    for _ in range(5):
        who, draft = a_draft(make_session)
        written, sent = at_once(
            make_session,
            [
                lambda session: factories.write(session, who, draft, {"gross_yen": 1_000}).version.no,  # noqa: B023
                lambda session: intake.send(session, who, draft, attempt=uuid4()).version_no,  # noqa: B023
            ],
        )
        with make_session() as session:
            row = session.get_one(Submission, (who.office_id, draft))
            kept = factories.wage(session, drafts.sent_version(session, row))["gross_yen"]
        assert sent == 1
        assert (isinstance(written, AlreadySent), kept) in {(True, 85_400), (False, 1_000)}


def test_two_taps_on_begin_are_one_draft(make_session: Sessions) -> None:
    with make_session.begin() as session:
        who = factories.recipient(session)
    answers = at_once(
        make_session, [lambda session: factories.begun(session, who, factories.OCTOBER).id for _ in range(6)]
    )
    assert len(set(answers)) == len(of(UUID, answers[:1])) == 1


def test_parallel_uploads_are_each_one_file_and_never_more_than_the_limit(make_session: Sessions) -> None:
    who, draft = a_draft(make_session)
    arrived = [factories.arrived_file() for _ in range(5)] * 2  # each comes twice, under another key

    def attach(at: int) -> Callable[[Session], UUID]:
        twin = factories.arrived_file(attempt=arrived[at].attempt)
        return lambda session: drafts.attach(session, who, draft, twin, limit=3).id

    answers = at_once(make_session, [attach(at) for at in range(10)])
    assert len(set(of(UUID, answers))) == 3
    assert len(of(UUID, answers)) + len(of(TooManyFiles, answers)) == 10
    with make_session() as session:
        for model in (StoredFile, Task, VersionFile):
            assert session.scalar(select(func.count()).select_from(model)) == 3
        assert sorted(session.scalars(select(VersionFile.position))) == [1, 2, 3]


def test_checks_are_written_from_three_sides_at_once_and_nobody_waits_for_ever(make_session: Sessions) -> None:
    for _round in range(4):
        with make_session.begin() as session:
            worker = factories.staff(session)
            who = factories.recipient(session, factories.household(session, worker))
            first, twice = (factories.submission(session, who=who) for _ in range(2))
            before = factories.draft(session, who, date(2026, 9, 1))
            version = drafts.sent_version(session, twice)
            failed = next(one.id for one in checks.of(session, version) if one.rule is Rule.MONTH)
        of_it: dict[str, Any] = {"who": worker, "submission_id": twice.id, "check_id": failed}
        at_once(
            make_session,
            [
                partial(intake.withdraw, who=who, submission_id=first.id, attempt=uuid4()),
                partial(overrides.override, **of_it, note="よい", attempt=uuid4()),
                partial(intake.send, who=who, submission_id=before.id, attempt=uuid4()),
            ],
        )
        with make_session() as session:
            row = session.get_one(Check, (worker.office_id, failed))
            assert (row.result, row.overridden_by) == (Result.PASS, None)


def test_two_caseworkers_take_one_and_exactly_one_has_it(make_session: Sessions) -> None:
    row = a_submission(make_session)
    with make_session.begin() as session:
        hands = [factories.staff(session, name=name) for name in ("例野 太郎", "手本 春子")]
    answers = at_once(
        make_session,
        [lambda session, who=who: review.claim(session, who, row).staff_id for who in hands],  # type: ignore[misc]
    )
    (winner,) = of(UUID, answers)
    (refused,) = of(TakenByAnother, answers)
    assert refused.who == {who.staff_id: who.name for who in hands}[winner]
    with make_session() as session:
        assert session.scalar(select(func.count()).select_from(Step).where(Step.became == State.IN_REVIEW)) == 1


def test_eight_sessions_that_take_the_next_one_take_eight_different_ones(make_session: Sessions) -> None:
    with make_session.begin() as session:
        waiting = {factories.submission(session).id for _ in range(8)}
        hands = [factories.staff(session, Role.SUPERVISOR) for _ in range(8)]

    def take(who: Staff) -> Callable[[Session], UUID | None]:
        def act(session: Session) -> UUID | None:
            best = queue.next_for(session, who)
            return review.claim(session, who, best).submission_id if best else None

        return act

    taken = at_once(make_session, [take(who) for who in hands])
    assert set(taken) == waiting
    with make_session() as session:
        assert [queue.next_for(session, who) for who in hands] == taken


def test_eight_sessions_that_empty_the_queue_never_have_the_same_one(make_session: Sessions) -> None:
    with make_session.begin() as session:
        worker = factories.staff(session)
        homes = [factories.household(session, worker) for _ in range(24)]
        waiting = [factories.submission(session, who=factories.recipient(session, home)).id for home in homes]
        for at, row in enumerate(session.scalars(select(Submission))):
            row.urgent, row.wants_call = at % 3 == 0, at % 4 == 0
        hands = [factories.staff(session, Role.SUPERVISOR) for _ in range(8)]
    start = threading.Barrier(len(hands))

    def work(who: Staff) -> list[tuple[UUID, bool]]:
        """Take the next one and decide it, again and again, until nothing is left."""
        done: list[tuple[UUID, bool]] = []
        start.wait(20)
        while True:
            with make_session.begin() as session:
                best = queue.next_for(session, who)
                if best is None:
                    return done
                lease = review.claim(session, who, best)
                row = session.get_one(Submission, (who.office_id, best))
                seen, urgent = row.revision, row.urgent
                assert lease.staff_id == who.staff_id
            with make_session.begin() as session:
                review.accept(session, who, best, seen=seen, attempt=uuid4())
            done.append((best, urgent))

    with ThreadPoolExecutor(len(hands)) as pool:
        done = list(pool.map(work, hands))
    assert sorted(one for hers in done for one, _urgent in hers) == sorted(waiting)
    for hers in done:
        dangers = [urgent for _one, urgent in hers]
        assert dangers == sorted(dangers, reverse=True), "a danger was passed over"


def test_eight_sessions_find_what_was_handed_to_each_of_them_and_nothing_of_another(make_session: Sessions) -> None:
    with make_session.begin() as session:
        giver = factories.staff(session, Role.SUPERVISOR)
        hands = [factories.staff(session, Role.SUPERVISOR) for _ in range(8)]
        handed = [factories.submission(session) for _ in hands]
        free = {factories.submission(session).id for _ in hands}
        for who, row in zip(hands, handed, strict=True):
            review.claim(session, giver, row.id)
            given = {"seen": row.revision, "attempt": uuid4()}
            handing.hand_over(session, giver, row.id, who.staff_id, "", **given)  # type: ignore[arg-type]

    def take(who: Staff) -> Callable[[Session], UUID | None]:
        def act(session: Session) -> UUID | None:
            best = queue.next_for(session, who)
            return review.claim(session, who, best).submission_id if best else None

        return act

    assert at_once(make_session, [take(who) for who in hands]) == [row.id for row in handed]
    with make_session.begin() as session:
        for who, row in zip(hands, handed, strict=True):
            seen = session.get_one(Submission, (who.office_id, row.id)).revision
            review.accept(session, who, row.id, seen=seen, attempt=uuid4())
    assert set(at_once(make_session, [take(who) for who in hands])) == free


@pytest.mark.parametrize("runs", [True, False], ids=["while the lease runs", "after it has run out"])
def test_who_asked_and_whoever_takes_it_at_once_are_never_two_holders(make_session: Sessions, runs: bool) -> None:
    for _ in range(4):
        with make_session.begin() as session:
            row = factories.submission(session, State.IN_REVIEW)
            holder = factories.caseworker_of(session, row)
            asker, head, other = (factories.staff(session, role) for role in (Role.CASEWORKER, *[Role.SUPERVISOR] * 2))
            handing.ask_for(session, asker, row.id)
            if not runs:
                session.get_one(Claim, (row.office_id, row.id)).until = clock.now() - timedelta(seconds=1)
            row_id, seen = row.id, row.revision

        def done(*_answer: object) -> bool:
            return True

        acts: list[Callable[[Session], object]] = [
            lambda session: done(handing.give(session, holder, row_id, asker.staff_id, attempt=uuid4())),  # noqa: B023
            lambda session: done(handing.take_over(session, head, row_id, "急ぎのため", attempt=uuid4())),  # noqa: B023
            lambda session: done(review.claim(session, other, row_id)),  # noqa: B023
            lambda session: done(review.accept(session, holder, row_id, seen=seen, attempt=uuid4())),  # noqa: B023
            lambda session: handing.renew(session, holder, row_id),  # noqa: B023
        ]
        answers = at_once(make_session, acts)
        assert set(map(type, answers)) <= {bool, type(None), ChangedMeanwhile, TakenByAnother}
        with make_session() as session:
            history = session.scalars(select(Step).where(Step.submission_id == row_id).order_by(Step.id)).all()
            for before, after in pairwise(history):
                assert after.was is before.became, "each step begins where the one before it ended"
            last, claims = history[-1], session.scalars(select(Claim).where(Claim.submission_id == row_id)).all()
            if last.became is State.ACCEPTED:
                assert claims == []
            else:
                (lease,) = claims
                assert lease.staff_id == (last.handed_to or last.actor_id)
            assert journal.first_broken(session, holder.office_id) is None


def test_one_tap_of_six_hands_it_over(make_session: Sessions) -> None:
    with make_session.begin() as session:
        row = factories.submission(session, State.IN_REVIEW)
        holder, asker = factories.caseworker_of(session, row), factories.staff(session)
        handing.ask_for(session, asker, row.id)
    attempt = uuid4()
    tap = [lambda session: handing.give(session, holder, row.id, asker.staff_id, attempt=attempt).id] * 6
    assert set(at_once(make_session, tap)) == {row.id}
    with make_session() as session:
        assert session.scalar(select(func.count()).select_from(Step).where(Step.handed_to.is_not(None))) == 1


def test_twenty_pages_that_say_they_look_are_one_row_each(make_session: Sessions) -> None:
    row = a_submission(make_session)
    with make_session.begin() as session:
        people = [factories.staff(session, name=name) for name in ("例野 太郎", "手本 春子")]
    at_once(make_session, [lambda session, who=who: presence.here(session, who, row) for who in people * 10])  # type: ignore[misc]
    with make_session() as session:
        assert presence.looking(session, people[0], [row]) == {row: ["手本 春子"]}
        assert session.scalar(select(func.count()).select_from(Presence)) == 2


def test_accepting_and_sending_back_at_once_is_one_decision(make_session: Sessions) -> None:
    row = a_submission(make_session, State.IN_REVIEW)
    with make_session() as session:
        submission = session.scalars(select(Submission)).one()
        worker, seen = factories.caseworker_of(session, submission), submission.revision
    asked = review.AskAgain(seen=seen, attempt=uuid4(), values={"jobs-0-gross_yen": (Reason.DIFFERS, "")})
    answers = at_once(
        make_session,
        [
            lambda session: review.accept(session, worker, row, seen=seen, attempt=uuid4()).state,
            lambda session: review.send_back(session, worker, row, asked).state,
        ],
    )
    assert len(of(State, answers)) == len(of(ChangedMeanwhile, answers)) == 1


def test_two_clerks_issue_one_and_there_is_one_receipt(make_session: Sessions) -> None:
    row = a_submission(make_session, State.ACCEPTED)
    with make_session.begin() as session:
        seen = session.scalars(select(Submission.revision)).one()
        clerks = [factories.staff(session, Role.CLERK) for _ in range(2)]

    def issue(clerk: Staff, attempt: UUID) -> Callable[[Session], str]:
        return lambda session: receipts.issue(session, clerk, row, seen=seen, attempt=attempt, demo=False).document_no

    attempt = uuid4()
    taps = [issue(clerks[0], attempt)] * 4 + [issue(clerks[1], uuid4())] * 4
    answers = at_once(make_session, taps)
    assert len(set(of(str, answers))) == 1
    assert len(of(str, answers)) + len(of(ChangedMeanwhile, answers)) == 8
    with make_session() as session:
        assert session.scalar(select(func.count()).select_from(Receipt)) == 1


def test_a_letter_tapped_six_times_at_once_is_used_once_and_shuts_nobody_out(make_session: Sessions) -> None:
    with make_session.begin() as session:
        code = factories.letter(session, factories.recipient(session))
    answers = at_once(
        make_session, [lambda session: sign_in.open_letter(session, code, shared_device=False) for _ in range(6)]
    )
    assert len(set(of(str, answers))) == 6
    with make_session() as session:
        assert session.scalars(select(Invitation.state)).all() == [InvitationState.USED]


def test_thirty_wrong_secrets_at_once_are_five_tries_and_a_wait(make_session: Sessions) -> None:
    with make_session.begin() as session:
        who = factories.recipient(session)
        code = factories.letter(session, who)
        sign_in.open_letter(session, code, shared_device=False)
        sign_in.choose_pin(session, who, "258046")
    answers = at_once(
        make_session,
        [lambda session: sign_in.enter_pin(session, code, "000000", shared_device=False) for _ in range(30)],
    )
    assert [refused.reason for refused in of(SignInRefused, answers)].count("wrong") == 4
    assert len(of(SignInRefused, answers)) == 30
    with make_session() as session:
        assert session.scalars(select(Tries.wait_until)).one() is not None


def test_a_file_that_is_settled_while_it_is_sent_is_never_left_waiting(make_session: Sessions) -> None:
    """Sending and settling must not miss one another, whoever is first."""
    for _ in range(5):
        who, draft = a_draft(make_session)
        with make_session.begin() as session:
            row = session.get_one(Submission, (who.office_id, draft))
            file = factories.file(session, who, row)

        def settle(session: Session, who: Recipient = who, draft: UUID = draft, file_id: UUID = file.id) -> None:
            submission = session.get_one(Submission, (who.office_id, draft), with_for_update=True)
            factories.make_safe(session, session.get_one(StoredFile, (who.office_id, file_id)))
            intake.settle(session, submission)

        at_once(
            make_session,
            [
                settle,
                lambda session: intake.send(session, who, draft, attempt=uuid4()).number,  # noqa: B023
            ],
        )
        with make_session() as session:
            assert session.get_one(StoredFile, (who.office_id, file.id)).state is FileState.SAFE
            assert session.get_one(Submission, (who.office_id, draft)).state is State.WAITING


def test_four_processes_that_read_and_write_back_lose_nothing_on_sqlite(tmp_path: Path, migrated_sqlite: Path) -> None:
    url = f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'office.db')}"
    engine = engine_for(url)
    make_session = sessions(engine)
    with make_session.begin() as session:
        office = factories.office(session).id
    script = (
        "import sys, uuid\n"
        "from shared import journal, series\n"
        "from shared.model import MACHINE\n"
        "from shared.session import engine_for, sessions\n"
        "make = sessions(engine_for(sys.argv[1]))\n"
        "for _ in range(25):\n"
        "    with make.begin() as session:\n"
        "        journal.record(session, uuid.UUID(sys.argv[2]), MACHINE, 'letter.sent')\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", script, url, str(office)], cwd=PROJECT, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    assert [(writer.communicate(timeout=60)[1], writer.returncode) for writer in writers] == [(b"", 0)] * 4
    with make_session() as session:
        assert session.scalars(select(LogEntry.seq).order_by(LogEntry.seq)).all() == list(range(1, 101))
        assert journal.first_broken(session, office) is None
    engine.dispose()


def test_a_reader_does_not_wait_for_a_writer(engine: Engine, make_session: Sessions) -> None:
    row = a_submission(make_session)
    with make_session.begin() as writer:
        writer.scalars(select(Submission).with_for_update()).one().look_by = None
        writer.flush()
        with ThreadPoolExecutor(1) as other:
            seen = other.submit(lambda: _look_by(reading_sessions(engine), row)).result(timeout=5)
    assert seen is not None


def _look_by(reading: Sessions, row: UUID) -> object:
    with reading() as session:
        return session.scalars(select(Submission.look_by).where(Submission.id == row)).one()


def test_one_message_and_one_reason_however_fast_the_taps(make_session: Sessions) -> None:
    with make_session.begin() as session:
        worker = factories.staff(session)
        who = factories.recipient(session, factories.household(session, worker, protected=True))
        row, home = factories.draft(session, who), who.household_id
        factories.make_safe(session, factories.file(session, who, row))
        about = intake.send(session, who, row.id, attempt=uuid4()).id

    def send(session: Session, attempt: UUID) -> UUID:
        return messages.send(session, worker, about, "一度だけ", attempt=attempt).id

    def say(session: Session, attempt: UUID) -> UUID:
        return household.say_why(session, worker, home, "電話を受けたため開きます", attempt=attempt).id

    for attempt in [uuid4() for _ in range(5)]:
        sent = at_once(make_session, [partial(send, attempt=attempt)] * 3)
        assert len({*sent}) == 1, "each tap has the same message as its answer"
        assert {*at_once(make_session, [partial(say, attempt=attempt)] * 3)} == {attempt}


def test_two_engines_open_a_month_at_the_same_time_and_each_duty_is_opened_once(make_session: Sessions) -> None:
    with make_session.begin() as session:
        office = factories.office(session)
        with clock.at(clock.now() - timedelta(days=400)):
            for _ in range(40):
                factories.recipient(session, situation=Situation.WORKING)
        duties.begin(session, office, date(2025, 4, 1))
        office_id = office.id
    opened = at_once(
        make_session, [lambda session: duties.open_month(session, office_id, factories.OCTOBER) for _ in range(4)]
    )
    assert sum(of(int, opened)) == 40
    with make_session() as session:
        assert session.scalar(select(func.count()).select_from(Duty)) == 40
        assert session.scalar(select(func.count()).select_from(DutyAbout)) == 40


def a_few(make: Sessions, count: int = 3) -> tuple[Staff, list[UUID]]:
    with make.begin() as session:
        worker = factories.staff(session)
        homes = [factories.household(session, worker) for _ in range(count)]
        return worker, [factories.submission(session, who=factories.recipient(session, home)).id for home in homes]


def test_one_choice_sent_by_eight_taps_is_one_and_runs_once(make_session: Sessions) -> None:
    worker, ids = a_few(make_session)
    act, attempt = BulkAct.ACCEPT, uuid4()
    choose = partial(bulk.choose, who=worker, act=act, ids=ids, matched=len(ids), attempt=attempt)
    chosen = {row.id for row in at_once(make_session, [choose] * 8)}
    assert len(chosen) == 1
    (bulk_id,) = chosen
    at_once(make_session, [partial(bulk.start, who=worker, bulk_id=bulk_id)] * 8)
    with make_session() as session:
        assert session.scalar(select(func.count()).where(Task.subject_id == bulk_id)) == 1
        items = bulk.waiting(session, worker.office_id, bulk_id)
    for item in items:  # two workers, of which one was believed dead
        at_once(make_session, [partial(bulk.do_one, office_id=worker.office_id, item_id=item)] * 4)
    with make_session() as session:
        assert session.scalar(select(func.count()).where(Step.became == State.ACCEPTED)) == len(ids)
        assert journal.first_broken(session, worker.office_id) is None


def test_a_colleague_and_the_worker_want_the_same_and_one_of_them_gets_it(make_session: Sessions) -> None:
    worker, (wanted,) = a_few(make_session, 1)
    with make_session.begin() as session:
        colleague = factories.staff(session)
        bulk_id = bulk.choose(session, worker, BulkAct.ACCEPT, [wanted], matched=1, attempt=uuid4()).id
        bulk.start(session, worker, bulk_id)
        (item,) = bulk.waiting(session, worker.office_id, bulk_id)
    do = partial(bulk.do_one, office_id=worker.office_id, item_id=item)
    answers = at_once(make_session, [do, partial(review.claim, who=colleague, submission_id=wanted)])
    with make_session() as session:
        row = session.get_one(BulkItem, (worker.office_id, item))
        state = session.get_one(Submission, (worker.office_id, wanted)).state
    if isinstance(answers[1], ChangedMeanwhile):
        assert (row.state, state) == (BulkItemState.DONE, State.ACCEPTED)
    else:
        assert (row.why, state) == (Why.TAKEN, State.IN_REVIEW)


def test_one_cover_and_one_reassignment_sent_by_eight_taps_are_one_each(make_session: Sessions) -> None:
    with make_session.begin() as session:
        one, other = factories.staff(session), factories.staff(session)
        chief = factories.staff(session, Role.SUPERVISOR)
        login = session.get_one(StaffMember, (other.office_id, other.staff_id)).login
        factories.household(session, one, case_no="0001")
    today = clock.today()
    there = cover.NewCover(one.staff_id, other.staff_id, today, today, uuid4())
    back = cover.NewCover(other.staff_id, one.staff_id, today, today, uuid4())
    begin = [partial(cover.begin, who=chief, wanted=wanted) for wanted in (there, back)]
    assert len({row.id for row in at_once(make_session, begin * 4)}) == 2
    anew = [partial(cover.begin, who=chief, wanted=replace(there, attempt=uuid4())) for _ in range(4)]
    assert len(of(AlreadyCovered, at_once(make_session, anew))) == 4
    lines, attempt = [Line(2, "0001", login)], uuid4()
    apply = partial(assignment.apply, who=chief, lines=lines, attempt=attempt)
    assert len({row.id for row in at_once(make_session, [apply] * 8)}) == 1
    with make_session() as session:
        assert session.scalar(select(func.count()).where(HouseholdNews.what == News.GOT)) == 1
