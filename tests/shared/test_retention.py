"""What is due, who decides, what a hold stops, and what is left of a thing that was destroyed."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shared import clock, destruction, disposals, drafts, intake, journal, messages, retention, review
from shared.errors import ChangedMeanwhile, NotThere, RuleStands, SamePerson
from shared.model import (
    MACHINE,
    Disposal,
    DisposalItem,
    DisposalState,
    Household,
    Job,
    Kept,
    LogEntry,
    Reason,
    RetentionRule,
    Role,
    SafeCopy,
    State,
    StoredFile,
    Submission,
    Task,
    VersionFile,
)
from shared.sign_in import Recipient, Staff
from tests import factories
from tests.conftest import NOW

TODAY = date(2026, 11, 19)
WHOLE = {Kept.ORIGINAL, Kept.SAFE_COPY, Kept.THUMBNAIL}


@pytest.fixture(autouse=True)
def _evening(evening: datetime) -> None:
    """Every test of this file has the same today."""


@pytest.fixture
def chief(session: Session) -> Staff:
    return factories.staff(session, Role.SUPERVISOR, name="仮山 百合")


@pytest.fixture
def keeper(session: Session) -> Staff:
    who = factories.staff(session, Role.ADMINISTRATOR, name="架里 守")
    retention.begin(session, who.office_id)
    session.execute(update(RetentionRule).values(days=30, from_day=date(2026, 1, 1)))
    return who


def sent(session: Session, state: State, days_ago: int, who: Recipient | None = None) -> StoredFile:
    """A report with one safe file that has stood at ``state`` since so many days."""
    with clock.at(NOW - timedelta(days=days_ago)):
        who = who or factories.recipient(session)
        row = factories.draft(session, who)
        file = factories.file(session, who, row)
        factories.make_safe(session, file, pages=2)
        if state is not State.DRAFT:
            bring(session, row, who, state)
        session.execute(update(SafeCopy).values(text="総支給額", look="ff"))
    return file


def bring(session: Session, row: Submission, who: Recipient, state: State) -> None:
    intake.send(session, who, row.id, attempt=uuid4())
    if state in (State.WITHDRAWN, State.VOIDED):
        row.move(state, MACHINE)
    elif state is not State.WAITING:
        worker = factories.caseworker_of(session, row)
        review.claim(session, worker, row.id)
        if state is State.RETURNED:
            asked = review.AskAgain(seen=row.revision, attempt=uuid4(), values={"jobs-0-gross_yen": (Reason.DARK, "")})
            review.send_back(session, worker, row.id, asked)
        elif state is State.ON_HOLD:
            row.move(state, MACHINE)
        elif state in (State.ACCEPTED, State.RECEIPTED):
            review.accept(session, worker, row.id, seen=row.revision, attempt=uuid4())
            if state is State.RECEIPTED:
                row.move(state, MACHINE)
    session.flush()


def due(session: Session, who: Staff, file: StoredFile) -> set[Kept]:
    return {thing.what for thing in retention.due(session, who.office_id, clock.today()) if thing.file_id == file.id}


def approved(session: Session, keeper: Staff, chief: Staff) -> Disposal:
    disposal = retention.propose(session, keeper)
    assert disposal is not None
    seen = disposals.one(session, chief, disposal.id).size
    return retention.approve(session, chief, disposal.id, seen=seen)


def destroy(session: Session, disposal: Disposal) -> list[str]:
    """What the worker does, without the bytes; returns the keys it would delete."""
    keys: list[str] = []
    for item_id in destruction.approved_items(session, disposal.office_id, disposal.id):
        found = destruction.condemn(session, disposal.office_id, item_id)
        if found:
            destruction.destroyed(session, disposal.office_id, item_id)
        keys += found
    destruction.finish(session, disposal.office_id, disposal.id)
    return keys


def ends(session: Session, disposal: Disposal) -> Counter[str]:
    items = session.scalars(select(DisposalItem).where(DisposalItem.disposal_id == disposal.id))
    return Counter(item.spared_because or ("destroyed" if item.destroyed_at else "nothing") for item in items)


# ---- rules ----


def test_a_new_office_has_a_rule_for_everything_and_each_says_what_it_stands_on(session: Session) -> None:
    office = factories.office(session)
    for _twice in range(2):
        retention.begin(session, office.id)
    for what in Kept:
        rule = retention.rule_for(session, office.id, what, TODAY)
        assert rule is not None
        assert rule.days >= 7
        assert "目安" in rule.source
    assert len(session.scalars(select(RetentionRule)).all()) == len(Kept)


def test_the_newest_rule_that_has_begun_counts_and_the_past_stays_as_it_was(session: Session, keeper: Staff) -> None:
    later = TODAY + timedelta(days=10)
    retention.set_rule(session, keeper, Kept.ORIGINAL, 90, later, "文書管理規程 別表")
    for day, days in ((TODAY, 30), (later - timedelta(days=1), 30), (later, 90), (later + timedelta(days=1), 90)):
        rule = retention.rule_for(session, keeper.office_id, Kept.ORIGINAL, day)
        assert rule is not None
        assert rule.days == days
    assert retention.rule_for(session, keeper.office_id, Kept.ORIGINAL, date(2025, 12, 31)) is None


@pytest.mark.parametrize(("days", "after", "source"), [(0, 1, "x"), (36_501, 1, "x"), (5, -1, "x"), (5, 1, "")])
def test_a_rule_that_cannot_be_is_refused(session: Session, keeper: Staff, days: int, after: int, source: str) -> None:
    with pytest.raises(ValueError, match="a rule begins"):
        retention.set_rule(session, keeper, Kept.ORIGINAL, days, TODAY + timedelta(days=after), source)


def test_a_rule_that_counts_already_is_not_changed_but_one_to_come_may_be(session: Session, keeper: Staff) -> None:
    first = retention.set_rule(session, keeper, Kept.ORIGINAL, 40, TODAY, "規程")
    assert retention.set_rule(session, keeper, Kept.ORIGINAL, 40, TODAY, "規程").id == first.id, "a double tap"
    with pytest.raises(RuleStands):
        retention.set_rule(session, keeper, Kept.ORIGINAL, 1, TODAY, "規程")
    tomorrow = TODAY + timedelta(days=1)
    retention.set_rule(session, keeper, Kept.ORIGINAL, 1, tomorrow, "まちがい")
    assert retention.set_rule(session, keeper, Kept.ORIGINAL, 100, tomorrow, "規程").days == 100


def test_a_list_of_rules_says_which_one_counts(session: Session, keeper: Staff) -> None:
    retention.set_rule(session, keeper, Kept.ORIGINAL, 90, TODAY + timedelta(days=9), "規程")
    rows = [row for row in disposals.rules(session, keeper, TODAY) if row.what is Kept.ORIGINAL]
    assert [(row.days, row.counts, row.set_by) for row in rows] == [(90, False, "架里 守"), (30, True, None)]


# ---- what is due ----


@pytest.mark.parametrize(
    ("state", "things"),
    [
        (State.RECEIPTED, WHOLE),
        (State.VOIDED, WHOLE),
        (State.WITHDRAWN, {Kept.WITHDRAWN_DRAFT}),
        (State.DRAFT, {Kept.WITHDRAWN_DRAFT}),
        (State.WAITING, set()),
        (State.IN_REVIEW, set()),
        (State.ON_HOLD, set()),
        (State.RETURNED, set()),
        (State.ACCEPTED, set()),
    ],
)
def test_what_is_due_hangs_on_how_the_report_ended(
    session: Session, keeper: Staff, state: State, things: set[Kept]
) -> None:
    old, young = sent(session, state, 30), sent(session, state, 29)
    assert (due(session, keeper, old), due(session, keeper, young)) == (things, set())


def test_the_days_are_counted_on_the_offices_calendar(session: Session, keeper: Staff) -> None:
    file = sent(session, State.RECEIPTED, 30)
    with clock.at(datetime(2026, 11, 19, 0, 0, tzinfo=clock.TOKYO)):
        assert due(session, keeper, file) == WHOLE
    with clock.at(datetime(2026, 11, 18, 23, 59, 59, tzinfo=clock.TOKYO)):
        assert due(session, keeper, file) == set()


def test_a_file_that_cannot_be_shown_has_only_an_original(session: Session, keeper: Staff) -> None:
    file = sent(session, State.RECEIPTED, 40)
    session.execute(update(StoredFile).values(state="refused", refused_because="infected"))
    session.expire_all()
    assert due(session, keeper, file) == {Kept.ORIGINAL}


def test_a_file_taken_out_waits_until_its_report_is_closed_and_one_that_was_sent_stays(
    session: Session, keeper: Staff
) -> None:
    who = factories.recipient(session)
    with clock.at(NOW - timedelta(days=60)):
        row = factories.draft(session, who)
        kept, out = factories.file(session, who, row), factories.file(session, who, row)
        for file in (kept, out):
            factories.make_safe(session, file)
        drafts.remove(session, who, row.id, out.id)
        bring(session, row, who, State.WAITING)
    assert (due(session, keeper, kept), due(session, keeper, out)) == (set(), set())
    with clock.at(NOW - timedelta(days=30)):
        row.move(State.VOIDED, MACHINE)
        session.flush()
    assert (due(session, keeper, kept), due(session, keeper, out)) == (WHOLE, {Kept.WITHDRAWN_DRAFT})


def test_without_a_rule_nothing_is_due(session: Session, chief: Staff) -> None:
    assert due(session, chief, sent(session, State.RECEIPTED, 9000)) == set()


def test_another_offices_things_are_on_no_list(session: Session, keeper: Staff) -> None:
    elsewhere = factories.staff(session, office_id=factories.office(session, "XX").id)
    sent(session, State.RECEIPTED, 90, factories.recipient(session, factories.household(session, elsewhere)))
    assert retention.propose(session, keeper) is None


# ---- two people ----


def test_one_proposes_another_approves_and_the_work_is_promised(session: Session, keeper: Staff, chief: Staff) -> None:
    file = sent(session, State.RECEIPTED, 30)
    disposal = retention.propose(session, keeper)
    assert disposal is not None
    again = retention.propose(session, chief)
    assert again is not None
    assert again.id == disposal.id, "while a list waits there is no second one"
    with pytest.raises(SamePerson):
        retention.approve(session, keeper, disposal.id, seen=3)
    with pytest.raises(ChangedMeanwhile):
        retention.approve(session, chief, disposal.id, seen=2)
    for _tap in range(2):
        assert retention.approve(session, chief, disposal.id, seen=3).state is DisposalState.APPROVED
    task = session.scalars(select(Task).where(Task.job == Job.DESTROY)).one()
    assert task.subject_id == disposal.id
    with pytest.raises(ChangedMeanwhile):
        retention.drop(session, keeper, disposal.id)
    assert due(session, keeper, file) == set(), "what stands on an open list is on no second one"
    events = session.scalars(select(LogEntry.event).where(LogEntry.subject_id == disposal.id).order_by(LogEntry.seq))
    assert list(events) == ["disposal.proposed", "disposal.approved"]


def test_a_dropped_list_destroys_nothing_and_its_things_may_be_proposed_again(
    session: Session, keeper: Staff, chief: Staff
) -> None:
    file = sent(session, State.RECEIPTED, 30)
    disposal = retention.propose(session, keeper)
    assert disposal is not None
    for _tap in range(2):
        assert retention.drop(session, keeper, disposal.id).state is DisposalState.DROPPED
    with pytest.raises(ChangedMeanwhile):
        retention.approve(session, chief, disposal.id, seen=3)
    assert destruction.approved_items(session, disposal.office_id, disposal.id) == []
    assert due(session, keeper, file) == WHOLE


def test_a_list_of_another_office_is_not_there(session: Session, keeper: Staff) -> None:
    sent(session, State.RECEIPTED, 30)
    disposal = retention.propose(session, keeper)
    assert disposal is not None
    elsewhere = factories.staff(session, Role.SUPERVISOR, office_id=factories.office(session, "XX").id)
    with pytest.raises(NotThere):
        retention.approve(session, elsewhere, disposal.id, seen=3)
    with pytest.raises(NotThere):
        retention.drop(session, elsewhere, disposal.id)


def test_a_list_the_worker_gave_up_on_can_go_on(session: Session, keeper: Staff, chief: Staff) -> None:
    sent(session, State.RECEIPTED, 30)
    disposal = approved(session, keeper, chief)
    session.execute(update(Task).where(Task.job == Job.DESTROY).values(gave_up_at=clock.now(), tries=6))
    session.expire_all()
    assert disposals.one(session, keeper, disposal.id).stuck
    retention.resume(session, keeper, disposal.id)
    task = session.scalars(select(Task).where(Task.job == Job.DESTROY)).one()
    assert (task.gave_up_at, task.tries) == (None, 0)
    assert not disposals.one(session, keeper, disposal.id).stuck


# ---- holds ----


def test_a_hold_keeps_a_household_off_every_list_until_it_is_lifted(session: Session, keeper: Staff) -> None:
    who = factories.recipient(session)
    sent(session, State.RECEIPTED, 30, who)
    case_no = session.get_one(Household, (who.office_id, who.household_id)).case_no
    hold = retention.place_hold(session, keeper, case_no, "審査請求のため")
    assert retention.place_hold(session, keeper, case_no, "審査請求のため").id == hold.id, "a double tap"
    assert retention.held(session, who.office_id, who.household_id)
    assert retention.propose(session, keeper) is None
    assert retention.counts(session, keeper.office_id, TODAY) == ({}, 3)
    for _tap in range(2):
        retention.lift_hold(session, keeper, hold.id)
    assert retention.counts(session, keeper.office_id, TODAY) == (dict.fromkeys(WHOLE, 1), 0)
    events = session.scalars(select(LogEntry.event).where(LogEntry.subject_id == hold.id).order_by(LogEntry.seq))
    assert list(events) == ["hold.placed", "hold.lifted"]
    assert "審査" not in str([entry.facts for entry in session.scalars(select(LogEntry))])


def test_a_hold_for_a_household_nobody_knows_is_not_placed(session: Session, keeper: Staff) -> None:
    elsewhere = factories.staff(session, office_id=factories.office(session, "XX").id)
    factories.household(session, elsewhere, case_no="777")
    with pytest.raises(NotThere):
        retention.place_hold(session, keeper, "777", "審査請求のため")


def test_a_hold_placed_after_the_approval_beats_it(session: Session, keeper: Staff, chief: Staff) -> None:
    who = factories.recipient(session)
    held, free = sent(session, State.RECEIPTED, 30, who), sent(session, State.RECEIPTED, 30)
    disposal = approved(session, keeper, chief)
    case_no = session.get_one(Household, (who.office_id, who.household_id)).case_no
    retention.place_hold(session, chief, case_no, "裁判のため、残す")
    keys = destroy(session, disposal)
    assert (held.key in keys, free.key in keys) == (False, True)
    assert ends(session, disposal) == {"hold": 3, "destroyed": 3}
    assert held.original_destroyed_at is None


# ---- destroying ----


def test_what_was_destroyed_leaves_its_log_and_nothing_to_read(session: Session, keeper: Staff, chief: Staff) -> None:
    file = sent(session, State.RECEIPTED, 30)
    pages = session.scalars(select(SafeCopy).where(SafeCopy.file_id == file.id)).all()
    disposal = approved(session, keeper, chief)
    keys = destroy(session, disposal)
    expected = {file.key, *(page.key for page in pages), *(page.thumb_key for page in pages)}
    assert Counter(keys) == Counter(expected)
    session.expire_all()
    assert file.original_destroyed_at == file.copies_destroyed_at == file.thumbs_destroyed_at == clock.now()
    assert {(page.text, page.look) for page in pages} == {(None, None)}
    assert (disposal.state, disposal.done_at) == (DisposalState.DONE, clock.now())
    entry = session.scalars(select(LogEntry).where(LogEntry.event == "disposal.done")).one()
    assert entry.facts == {"destroyed_original": 1, "destroyed_safe_copy": 1, "destroyed_thumbnail": 1}
    rows, count = disposals.log(session, keeper, 1)
    assert count == 1
    assert {(row.what, row.sha256, row.proposed_by, row.approved_by) for row in rows} == {
        (what, file.sha256, "架里 守", "仮山 百合") for what in WHOLE
    }
    assert destroy(session, disposal) == [], "twice is once"
    assert journal.first_broken(session, keeper.office_id) is None


def test_a_rule_made_longer_after_the_approval_spares_what_it_protects(
    session: Session, keeper: Staff, chief: Staff
) -> None:
    sent(session, State.RECEIPTED, 30)
    disposal = approved(session, keeper, chief)
    retention.set_rule(session, chief, Kept.ORIGINAL, 31, TODAY, "規程")
    destroy(session, disposal)
    assert ends(session, disposal) == {"rule": 1, "destroyed": 2}


def test_a_draft_that_was_sent_after_the_approval_keeps_its_files(
    session: Session, keeper: Staff, chief: Staff
) -> None:
    who = factories.recipient(session)
    file = sent(session, State.DRAFT, 30, who)
    disposal = approved(session, keeper, chief)
    row = session.get_one(Submission, (file.office_id, file.submission_id))
    bring(session, row, who, State.WAITING)
    assert destroy(session, disposal) == []
    assert ends(session, disposal) == {"rule": 1}


def test_a_draft_somebody_came_back_to_is_not_due(session: Session, keeper: Staff) -> None:
    who = factories.recipient(session)
    file = sent(session, State.DRAFT, 90, who)
    assert due(session, keeper, file) == {Kept.WITHDRAWN_DRAFT}
    with clock.at(NOW - timedelta(days=2)):
        factories.file(session, who, session.get_one(Submission, (file.office_id, file.submission_id)))
    assert due(session, keeper, file) == set()


def test_a_draft_goes_on_without_the_file_that_is_gone(session: Session, keeper: Staff, chief: Staff) -> None:
    who = factories.recipient(session)
    file = sent(session, State.DRAFT, 30, who)
    withdrawn = sent(session, State.WITHDRAWN, 30)
    keys = destroy(session, approved(session, keeper, chief))
    assert {file.key, withdrawn.key} <= set(keys)
    draft = drafts.draft_of(session, who, file.submission_id)
    assert drafts.files_of(session, draft.version) == []
    links = session.scalars(select(VersionFile.file_id)).all()
    assert list(links) == [withdrawn.id], "a version that was sent still says what stood in it"


def test_what_went_before_by_another_hand_is_written_down_as_gone(
    session: Session, keeper: Staff, chief: Staff
) -> None:
    file = sent(session, State.RECEIPTED, 30)
    file.thumbs_destroyed_at = NOW - timedelta(days=3)
    disposal = approved(session, keeper, chief)
    assert disposals.one(session, chief, disposal.id).things == {Kept.ORIGINAL: 1, Kept.SAFE_COPY: 1}
    file.original_destroyed_at = NOW - timedelta(days=1)
    session.flush()
    assert file.key not in destroy(session, disposal)
    assert ends(session, disposal) == {"gone": 1, "destroyed": 1}


def test_a_worker_killed_before_the_bytes_went_is_followed_by_one_that_deletes_them(
    session: Session, keeper: Staff, chief: Staff
) -> None:
    file = sent(session, State.RECEIPTED, 30)
    disposal = approved(session, keeper, chief)
    items = destruction.approved_items(session, disposal.office_id, disposal.id)
    first = [destruction.condemn(session, disposal.office_id, item_id) for item_id in items]
    assert destruction.finish(session, disposal.office_id, disposal.id) is None, "not while bytes may be there"
    with clock.at(NOW + timedelta(hours=1)):
        assert sorted(destroy(session, disposal)) == sorted(key for keys in first for key in keys)
    assert ends(session, disposal) == {"destroyed": 3}
    assert file.original_destroyed_at == NOW


Step = tuple[State, int, bool, bool]  # state, days ago, held before, held after the approval
ANY = st.lists(
    st.tuples(st.sampled_from(State), st.integers(0, 60), st.booleans(), st.booleans()), min_size=1, max_size=5
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=ANY)
def test_whatever_comes_nothing_held_young_or_open_is_destroyed(
    session: Session, keeper: Staff, chief: Staff, plan: list[Step]
) -> None:
    with session.begin_nested() as undo:
        files: list[tuple[StoredFile, Step]] = []
        for state, days, before, after in plan:
            who = factories.recipient(session)
            if state is State.ARRIVED:
                continue
            files.append((sent(session, state, days, who), (state, days, before, after)))
            if before:
                hold(session, keeper, who.household_id)
        disposal = retention.propose(session, keeper)
        if disposal:
            seen = disposals.one(session, chief, disposal.id).size
            retention.approve(session, chief, disposal.id, seen=seen)
            for file, (_, _, _, after) in files:
                if after:
                    row = session.get_one(Submission, (file.office_id, file.submission_id))
                    hold(session, chief, row.household_id)
            destroy(session, disposal)
        ended = {State.RECEIPTED, State.VOIDED, State.WITHDRAWN, State.DRAFT}
        for file, (state, days, before, after) in files:
            gone = state in ended and days >= 30 and not before and not after
            assert (file.original_destroyed_at is not None) == gone
        undo.rollback()


def hold(session: Session, who: Staff, household_id: UUID) -> None:
    home = session.get_one(Household, (who.office_id, household_id))
    retention.place_hold(session, who, home.case_no, "審査請求のため、残す")


def test_a_paper_the_office_sent_is_kept_like_the_report_it_is_about(session: Session, keeper: Staff) -> None:
    papers: dict[UUID, str] = {}
    with clock.at(NOW - timedelta(days=40)):
        who = factories.recipient(session)
        row = factories.draft(session, who)
        intake.send(session, who, row.id, attempt=uuid4())
        worker = factories.caseworker_of(session, row)
        paper = factories.arrived_file(name="家賃.pdf")
        messages.send(session, worker, row.id, "家賃の紙です。", attempt=uuid4(), papers=[paper])
        file = session.scalars(select(StoredFile).where(StoredFile.key == paper.key)).one()
        factories.make_safe(session, file)
        papers[file.id] = file.key
        review.claim(session, worker, row.id)
        review.accept(session, worker, row.id, seen=row.revision, attempt=uuid4())
    day = TODAY - timedelta(days=30)
    due = {what: session.execute(retention.kept_long_enough(keeper.office_id, what, day)).all() for what in WHOLE}
    assert not any(due.values()), "the report is not closed yet"
    with clock.at(NOW - timedelta(days=39)):
        row.move(State.RECEIPTED, MACHINE)
        session.flush()
    for what in WHOLE:
        found = session.execute(retention.kept_long_enough(keeper.office_id, what, day)).all()
        assert [one.StoredFile.id for one in found] == list(papers)
    assert not session.execute(retention.kept_long_enough(keeper.office_id, Kept.WITHDRAWN_DRAFT, day)).all()
