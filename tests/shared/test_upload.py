"""Uploads as rows: begun once, kept part by part, whole in one commit, or ended."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, drafts, intake, upload
from shared.errors import AlreadySent, NotThere, TooManyFiles, TooMuchToday, UploadOver, WrongOffset
from shared.model import (
    Base,
    Household,
    Job,
    Kept,
    RetentionRule,
    State,
    StoredFile,
    Submission,
    Task,
    Upload,
    UploadPart,
    UploadState,
    VersionFile,
)
from shared.sign_in import Recipient
from shared.upload import Announced, Bytes, Limits
from tests import factories
from tests.conftest import NOW
from tests.shared.test_together import at_once, of

LIMITS = Limits(files=3, day=10_000)
A, B = "a" * 64, "b" * 64


@pytest.fixture
def who(session: Session) -> Recipient:
    return factories.recipient(session)


@pytest.fixture
def draft(session: Session, who: Recipient) -> UUID:
    return factories.draft(session, who).id


def announced(size: int = 100, **given: object) -> Announced:
    return Announced(**{"attempt": uuid4(), "name": "明細.jpg", "size": size, **given})  # type: ignore[arg-type]


def arrived(size: int = 100, sha256: str = A) -> Bytes:
    return Bytes(f"original/{uuid4()}", "jpeg", size, sha256)


def part(session: Session, who: Recipient, row: Upload, start: int, size: int) -> str:
    key = f"partial/{uuid4()}"
    upload.keep_part(session, who, row.id, start=start, size=size, key=key)
    return key


def count(session: Session, table: type[Base]) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


def held(session: Session, submission_id: UUID) -> list[str]:
    """The names of what the newest version is sent with."""
    row = session.scalars(select(Submission).where(Submission.id == submission_id)).one()
    return [file.name for file in drafts.files_of(session, drafts.latest_version(session, row))]


def test_an_attempt_is_one_upload_however_often_it_is_begun(session: Session, who: Recipient, draft: UUID) -> None:
    one = announced()
    row = upload.begin(session, who, draft, one, LIMITS)
    assert (row.state, row.kept, row.size, row.name) == (UploadState.OPEN, 0, 100, "明細.jpg")
    part(session, who, row, 0, 40)
    assert upload.begin(session, who, draft, one, LIMITS) is row
    assert row.kept == 40
    assert count(session, Upload) == 1


def test_parts_go_on_where_the_kept_bytes_end_and_nowhere_else(session: Session, who: Recipient, draft: UUID) -> None:
    row = upload.begin(session, who, draft, announced(), LIMITS)
    first = part(session, who, row, 0, 40)
    for start, size in ((0, 40), (39, 10), (41, 10), (40, 61)):
        with pytest.raises(WrongOffset) as wrong:
            part(session, who, row, start, size)
        assert wrong.value.kept == 40
    second = part(session, who, row, 40, 50)
    assert [(one.start, one.size, one.key) for one in upload.parts_of(session, row)] == [
        (0, 40, first),
        (40, 50, second),
    ]


def test_whole_it_is_a_file_with_a_promise_and_its_parts_are_let_go(
    session: Session, who: Recipient, draft: UUID
) -> None:
    row = upload.begin(session, who, draft, announced(), LIMITS)
    keys = [part(session, who, row, 0, 40), part(session, who, row, 40, 50)]
    bytes_ = arrived()
    with pytest.raises(WrongOffset):
        upload.finish(session, who, row.id, bytes_, start=40, limits=LIMITS)
    done, let_go = upload.finish(session, who, row.id, bytes_, start=90, limits=LIMITS)
    session.flush()
    assert (done.state, done.kept) == (UploadState.WHOLE, 100)
    assert sorted(let_go) == sorted(keys)
    assert count(session, UploadPart) == 0
    file = session.get_one(StoredFile, (who.office_id, done.file_id))
    assert (file.key, file.sha256, file.size, file.kind, file.name) == (bytes_.key, A, 100, "jpeg", "明細.jpg")
    assert session.scalars(select(Task.subject_id).where(Task.job == Job.MAKE_SAFE_COPY)).all() == [file.id]
    again = arrived()
    assert upload.finish(session, who, row.id, again, start=90, limits=LIMITS) == (done, [again.key])
    assert count(session, StoredFile) == 1


def test_what_comes_whole_at_once_is_written_in_one_go_and_only_once(
    session: Session, who: Recipient, draft: UUID
) -> None:
    one, bytes_ = announced(), arrived()
    row, let_go = upload.arrive(session, who, draft, one, bytes_, LIMITS)
    assert (row.state, row.kept, let_go) == (UploadState.WHOLE, 100, [])
    again = arrived()
    twin, let_go = upload.arrive(session, who, draft, one, again, LIMITS)
    assert (twin.id, twin.file_id, let_go) == (row.id, row.file_id, [again.key])
    assert upload.begin(session, who, draft, one, LIMITS).id == row.id
    assert [count(session, table) for table in (Upload, StoredFile, VersionFile, Task)] == [1, 1, 1, 1]


def test_an_upload_begun_in_parts_can_come_whole_after_all(session: Session, who: Recipient, draft: UUID) -> None:
    one = announced()
    row = upload.begin(session, who, draft, one, LIMITS)
    key = part(session, who, row, 0, 40)
    done, let_go = upload.arrive(session, who, draft, one, arrived(), LIMITS)
    assert (done, done.state, let_go) == (row, UploadState.WHOLE, [key])


def test_the_same_attempt_for_another_file_is_another_upload(session: Session, who: Recipient, draft: UUID) -> None:
    attempt = uuid4()
    files = [(100, A), (100, B), (200, A)]
    rows = [
        upload.begin(session, who, draft, announced(size, attempt=attempt, sha256=sha256), LIMITS)
        for size, sha256 in files * 2
    ]
    assert len({row.id for row in rows}) == 3
    assert rows[:3] == rows[3:]


@pytest.mark.parametrize("end", ["removed", "expired", "taken out"])
def test_after_its_end_the_same_attempt_begins_anew(session: Session, who: Recipient, draft: UUID, end: str) -> None:
    one = announced()
    row = upload.begin(session, who, draft, one, LIMITS)
    moment = NOW
    if end == "removed":
        assert upload.end(session, who, row.id, "removed") == []
    elif end == "expired":
        moment = row.expires_at
    else:
        row, _ = upload.arrive(session, who, draft, one, arrived(), LIMITS)
        assert row.file_id is not None
        drafts.remove(session, who, draft, row.file_id)
    with clock.at(moment):
        fresh = upload.begin(session, who, draft, one, LIMITS)
        assert fresh.id != row.id
        assert (fresh.state, fresh.kept) == (UploadState.OPEN, 0)
        assert upload.begin(session, who, draft, one, LIMITS).id == fresh.id
        upload.arrive(session, who, draft, one, arrived(), LIMITS)
    session.flush()
    assert held(session, draft) == ["明細.jpg"]


def test_an_ended_upload_says_why_and_gives_its_bytes_back(session: Session, who: Recipient, draft: UUID) -> None:
    row = upload.begin(session, who, draft, announced(), LIMITS)
    keys = [part(session, who, row, 0, 40)]
    assert upload.end(session, who, row.id, "office") == keys
    assert upload.end(session, who, row.id, "removed") == []
    for act in (
        lambda: upload.of(session, who, row.id),
        lambda: part(session, who, row, 0, 40),
        lambda: upload.finish(session, who, row.id, arrived(), start=0, limits=LIMITS),
    ):
        with pytest.raises(UploadOver) as over:
            act()
        assert over.value.because == "office"
    assert count(session, UploadPart) == 0


def test_ending_what_is_whole_takes_its_file_out_of_the_draft_but_not_out_of_what_was_sent(
    session: Session, who: Recipient, draft: UUID
) -> None:
    one, other = (upload.arrive(session, who, draft, announced(), arrived(), LIMITS)[0] for _ in range(2))
    upload.end(session, who, one.id, "removed")
    assert len(held(session, draft)) == 1
    intake.send(session, who, draft, attempt=uuid4())
    with pytest.raises(AlreadySent):
        upload.end(session, who, other.id, "removed")
    assert len(held(session, draft)) == 1


def test_a_wrong_whole_is_begun_again_from_its_first_byte(session: Session, who: Recipient, draft: UUID) -> None:
    row = upload.begin(session, who, draft, announced(), LIMITS)
    key = part(session, who, row, 0, 40)
    assert upload.start_again(session, who, row.id) == [key]
    assert (row.kept, row.state) == (0, UploadState.OPEN)
    part(session, who, row, 0, 60)


def test_anothers_upload_is_as_unknown_as_an_unknown_one(session: Session, who: Recipient, draft: UUID) -> None:
    stranger = factories.recipient(session)
    one = announced()
    row = upload.begin(session, who, draft, one, LIMITS)
    for whose, id_ in ((stranger, row.id), (who, uuid4())):
        for act in (
            lambda whose=whose, id_=id_: upload.of(session, whose, id_),
            lambda whose=whose, id_=id_: upload.end(session, whose, id_, "removed"),
            lambda whose=whose, id_=id_: upload.start_again(session, whose, id_),
            lambda whose=whose, id_=id_: upload.keep_part(session, whose, id_, start=0, size=1, key="partial/x"),
            lambda whose=whose, id_=id_: upload.finish(session, whose, id_, arrived(), start=0, limits=LIMITS),
        ):
            with pytest.raises(NotThere):
                act()
    for submission_id in (draft, uuid4()):
        with pytest.raises(NotThere):
            upload.begin(session, stranger, submission_id, one, LIMITS)
        with pytest.raises(NotThere):
            upload.arrive(session, stranger, submission_id, one, arrived(), LIMITS)


def test_a_full_report_takes_no_more_unless_one_goes_out_for_it(session: Session, who: Recipient, draft: UUID) -> None:
    files = [
        upload.arrive(session, who, draft, announced(name=f"{at}.jpg"), arrived(), LIMITS)[0].file_id for at in range(3)
    ]
    for act in (
        lambda: upload.begin(session, who, draft, announced(), LIMITS),
        lambda: upload.arrive(session, who, draft, announced(), arrived(), LIMITS),
        lambda: upload.begin(session, who, draft, announced(replaces=uuid4()), LIMITS),
    ):
        with pytest.raises(TooManyFiles):
            act()
    row = upload.begin(session, who, draft, announced(replaces=files[1], name="よい.jpg"), LIMITS)
    upload.finish(session, who, row.id, arrived(), start=0, limits=LIMITS)
    session.flush()
    assert held(session, draft) == ["0.jpg", "よい.jpg", "2.jpg"]


def test_a_household_sends_so_much_in_a_day_of_the_office_and_the_next_day_more(
    session: Session, evening: object, who: Recipient, draft: UUID
) -> None:
    home = session.get_one(Household, (who.office_id, who.household_id))
    sister = factories.recipient(session, home, name="見本　桃子", is_head=False)
    hers = factories.draft(session, sister).id
    neighbour = factories.recipient(session)
    theirs = factories.draft(session, neighbour).id
    upload.arrive(session, who, draft, announced(4_000), arrived(4_000), LIMITS)
    begun = upload.begin(session, sister, hers, announced(4_000), LIMITS)
    for act in (
        lambda: upload.begin(session, who, draft, announced(2_001), LIMITS),
        lambda: upload.arrive(session, who, draft, announced(2_001), arrived(2_001), LIMITS),
        lambda: drafts.attach(session, who, draft, factories.arrived_file(size=2_001), limit=3, day_limit=10_000),
    ):
        with pytest.raises(TooMuchToday):
            act()
    upload.begin(session, neighbour, theirs, announced(9_000), LIMITS)
    upload.finish(session, sister, begun.id, arrived(4_000), start=0, limits=LIMITS)  # what was begun may be finished
    upload.begin(session, who, draft, announced(2_000), LIMITS)
    with clock.at(NOW + timedelta(hours=4)):  # past midnight in Tokyo
        upload.begin(session, who, draft, announced(9_000), LIMITS)


def test_nothing_is_added_to_what_was_sent_but_a_lost_answer_is_given_again(
    session: Session, who: Recipient, draft: UUID
) -> None:
    one = announced()
    row, _ = upload.arrive(session, who, draft, one, arrived(), LIMITS)
    late = upload.begin(session, who, draft, announced(), LIMITS)
    intake.send(session, who, draft, attempt=uuid4())
    assert upload.begin(session, who, draft, one, LIMITS).file_id == row.file_id
    for act in (
        lambda: upload.begin(session, who, draft, announced(), LIMITS),
        lambda: upload.arrive(session, who, draft, announced(), arrived(), LIMITS),
        lambda: upload.finish(session, who, late.id, arrived(), start=0, limits=LIMITS),
    ):
        with pytest.raises(AlreadySent):
            act()
    assert upload.end(session, who, late.id, "already_sent") == []


def test_a_file_for_a_returned_report_begins_its_next_version(session: Session) -> None:
    row = factories.submission(session, State.RETURNED)
    who = factories.recipient_of(session, row)
    upload.arrive(session, who, row.id, announced(), arrived(), LIMITS)
    assert drafts.latest_version(session, row).no == 2
    assert held(session, row.id) == ["明細.jpg"]
    assert drafts.files_of(session, drafts.sent_version(session, row)) == []


def test_the_same_bytes_again_are_noted(session: Session, who: Recipient, draft: UUID) -> None:
    from shared.model import Likeness

    for _ in range(2):
        upload.arrive(session, who, draft, announced(), arrived(), LIMITS)
    assert count(session, Likeness) == 1


def test_what_is_never_finished_expires_after_seven_days_or_what_the_office_says(
    session: Session, evening: object, who: Recipient, draft: UUID
) -> None:
    assert upload.begin(session, who, draft, announced(), LIMITS).expires_at == NOW + timedelta(days=7)
    for from_day, days in ((date(2026, 1, 1), 3), (date(2026, 11, 1), 2), (date(2026, 12, 1), 30)):
        session.add(
            RetentionRule(
                office_id=who.office_id, what=Kept.PARTIAL_UPLOAD, days=days, from_day=from_day, source="", set_by=None
            )
        )
    row = upload.begin(session, who, draft, announced(), LIMITS)
    assert row.expires_at == NOW + timedelta(days=2)
    keys = [part(session, who, row, 0, 40)]
    assert upload.expired(session, row.expires_at - timedelta(seconds=1), 10) == []
    with clock.at(row.expires_at):
        with pytest.raises(UploadOver):
            upload.of(session, who, row.id)
        assert upload.expired(session, clock.now(), 10) == keys
        assert upload.expired(session, clock.now(), 10) == []
    assert (row.state, row.ended_because) == (UploadState.ENDED, "expired")
    assert count(session, UploadPart) == 0


def test_the_worker_ends_no_more_at_once_than_it_was_told(session: Session, who: Recipient, draft: UUID) -> None:
    rows = [upload.begin(session, who, draft, announced(), LIMITS) for _ in range(3)]
    late = max(row.expires_at for row in rows) + timedelta(days=1)
    for left in (1, 0, 0):
        upload.expired(session, late, 2)
        assert [row.state for row in rows].count(UploadState.OPEN) == left


def test_pages_change_places_by_buttons(session: Session, who: Recipient, draft: UUID) -> None:
    ids = [
        factories.file(session, who, session.get_one(Submission, (who.office_id, draft)), name=name).id
        for name in ("1", "2", "3")
    ]
    for file, up, order in (
        (0, True, "123"),
        (2, False, "123"),
        (0, False, "213"),
        (2, True, "231"),
        (2, True, "321"),
        (2, True, "321"),
    ):
        drafts.move(session, who, draft, ids[file], up=up)
        assert "".join(held(session, draft)) == order
    drafts.remove(session, who, draft, ids[2])
    drafts.move(session, who, draft, ids[2], up=False)
    drafts.move(session, who, draft, uuid4(), up=False)
    drafts.move(session, who, draft, ids[0], up=True)
    assert "".join(held(session, draft)) == "12"
    with pytest.raises(NotThere):
        drafts.move(session, factories.recipient(session), draft, ids[0], up=True)
    intake.send(session, who, draft, attempt=uuid4())
    with pytest.raises(AlreadySent):
        drafts.move(session, who, draft, ids[0], up=True)


def test_two_requests_for_the_same_stretch_one_is_kept(make_session: sessionmaker[Session]) -> None:
    with make_session.begin() as session:
        who = factories.recipient(session)
        draft = factories.draft(session, who).id
        row = upload.begin(session, who, draft, announced(), LIMITS)
    answers = at_once(make_session, [lambda session: part(session, who, row, 0, 40)] * 6)
    assert len(of(str, answers)) == 1
    assert [wrong.kept for wrong in of(WrongOffset, answers)] == [40] * 5
    with make_session() as session:
        assert [one.size for one in upload.parts_of(session, row)] == [40]


def test_many_requests_that_finish_it_make_one_file(make_session: sessionmaker[Session]) -> None:
    with make_session.begin() as session:
        who = factories.recipient(session)
        draft = factories.draft(session, who).id
        begun = announced()
        row = upload.begin(session, who, draft, begun, LIMITS)
        part(session, who, row, 0, 40)

    def finish(session: Session) -> UUID | None:
        return upload.finish(session, who, row.id, arrived(), start=40, limits=LIMITS)[0].file_id

    def whole(session: Session) -> UUID | None:
        return upload.arrive(session, who, draft, begun, arrived(), LIMITS)[0].file_id

    answers = at_once(make_session, [finish, whole] * 4)
    assert len(set(answers)) == 1
    assert of(UUID, answers)
    with make_session() as session:
        assert [count(session, table) for table in (StoredFile, VersionFile, Task, UploadPart)] == [1, 1, 1, 0]


def test_twenty_taps_of_one_attempt_are_one_file(make_session: sessionmaker[Session]) -> None:
    with make_session.begin() as session:
        who = factories.recipient(session)
        draft = factories.draft(session, who).id
    one = announced()
    answers = at_once(
        make_session, [lambda session: upload.arrive(session, who, draft, one, arrived(), LIMITS)[0].file_id] * 20
    )
    assert len(set(answers)) == len(set(of(UUID, answers))) == 1
    with make_session() as session:
        assert [count(session, table) for table in (Upload, StoredFile, VersionFile, Task)] == [1, 1, 1, 1]
