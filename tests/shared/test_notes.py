from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared import clock, household, notes, presence, told
from shared.errors import NotANote, NotThere
from shared.model import Household, LogEntry, Note, Presence, Role, StaffMember, Submission, Told
from shared.sign_in import Staff
from tests import factories


@pytest.fixture
def row(session: Session) -> Submission:
    return factories.submission(session)


@pytest.fixture
def worker(session: Session, row: Submission) -> Staff:
    return factories.caseworker_of(session, row)


@pytest.fixture
def colleague(session: Session) -> Staff:
    return factories.staff(session, name="試田 美紀")


def unread(session: Session, who: Staff) -> list[tuple[Told, str]]:
    return [(one.what, one.text) for one in told.rows(session, who, unread=True)]


def test_a_note_is_kept_once_and_tells_whom_it_names(
    session: Session, row: Submission, worker: Staff, colleague: Staff
) -> None:
    attempt, text = uuid4(), "@試田さん、家賃の紙を見てください"
    for _tap in range(2):
        assert notes.write(session, worker, row.id, text, to=[colleague.staff_id], attempt=attempt).text == text
    assert [(one.who, one.text) for one in notes.of(session, row)] == [(worker.name, text)]
    assert unread(session, colleague) == [(Told.MENTION, text)]
    assert told.count(session, colleague) == 1
    entry = session.scalars(select(LogEntry).where(LogEntry.event == "note.written")).one()
    assert entry.facts == {"submission": str(row.id), "told": 1}, "no word of it is in the journal"


def test_what_one_is_told_is_read_once_and_by_oneself(
    session: Session, row: Submission, worker: Staff, colleague: Staff
) -> None:
    notes.write(session, worker, row.id, "見てください", to=[colleague.staff_id, worker.staff_id], attempt=uuid4())
    assert unread(session, worker) == [], "nobody tells herself"
    (one,) = told.rows(session, colleague)
    with pytest.raises(NotThere):
        told.read(session, worker, one.id)
    read_at = told.read(session, colleague, one.id).read_at
    with clock.at(clock.now() + timedelta(hours=1)):
        assert told.read(session, colleague, one.id).read_at == read_at
    assert told.count(session, colleague) == 0
    notes.write(session, worker, row.id, "もう一度", to=[colleague.staff_id], attempt=uuid4())
    assert [line.text for line in told.rows(session, colleague)] == ["もう一度", "見てください"]
    told.read_all(session, colleague)
    assert told.count(session, colleague) == 0


@pytest.mark.parametrize(
    ("text", "code", "name"),
    [
        ("  ", "missing", ""),
        ("あ" * 2001, "too_long", ""),
        ("番号は 1234 5678 9018", "my_number", ""),
        ("@見本さん、お願いします", "nobody", "見本さん"),
        ("@品見さん、お願いします", "may_not_open", "品見 薫"),
    ],
)
def test_a_note_that_cannot_be_kept_says_why(
    session: Session, row: Submission, worker: Staff, text: str, code: str, name: str
) -> None:
    factories.staff(session, Role.CLERK, name="品見 薫")
    with pytest.raises(NotANote) as refused:
        notes.write(session, worker, row.id, text, attempt=uuid4())
    assert (refused.value.code, refused.value.name) == (code, name)
    assert session.scalar(select(func.count()).select_from(Note)) == 0


def test_of_a_protected_household_only_those_are_told_who_may_open_it(
    session: Session, row: Submission, worker: Staff, colleague: Staff
) -> None:
    notes.write(session, worker, row.id, "見てください", to=[colleague.staff_id], attempt=uuid4())
    session.get_one(Household, (row.office_id, row.household_id)).protected = True
    session.flush()
    for text, to in (("@試田さん", []), ("見て", [colleague.staff_id])):
        with pytest.raises(NotANote) as refused:
            notes.write(session, worker, row.id, text, to=to, attempt=uuid4())
        assert (refused.value.code, refused.value.name) == ("may_not_open", "試田 美紀")
    assert told.rows(session, colleague) == [], "what she was told before is hers to see no more"
    assert told.count(session, colleague) == 0
    with pytest.raises(NotThere):
        notes.write(session, colleague, row.id, "見た", attempt=uuid4())


def test_somebody_who_has_left_and_somebody_elsewhere_are_not_told(
    session: Session, row: Submission, worker: Staff, colleague: Staff
) -> None:
    session.get_one(StaffMember, (row.office_id, colleague.staff_id)).active = False
    elsewhere = factories.staff(session, office_id=factories.office(session, "XX").id, name="遠野 一")
    for to in (colleague, elsewhere):
        with pytest.raises(NotANote):
            notes.write(session, worker, row.id, "見て", to=[to.staff_id], attempt=uuid4())
    with pytest.raises(NotANote):
        notes.write(session, worker, row.id, "@遠野さん", attempt=uuid4())


def test_a_note_stands_in_the_households_timeline(session: Session, row: Submission, worker: Staff) -> None:
    notes.write(session, worker, row.id, "電話した", attempt=uuid4())
    home = session.get_one(Household, (row.office_id, row.household_id))
    (event,) = [one for one in household.timeline(session, home) if one.is_note]
    assert (event.text, event.who, event.submission_id) == ("電話した", worker.name, row.id)


def test_who_looks_is_said_for_a_minute_to_the_others(
    session: Session, row: Submission, worker: Staff, colleague: Staff
) -> None:
    now = clock.now()
    for _time in range(2):
        presence.here(session, colleague, row.id)
    presence.here(session, worker, row.id)
    assert presence.looking(session, worker, [row.id, uuid4()]) == {row.id: ["試田 美紀"]}
    with clock.at(now + timedelta(seconds=40)):
        presence.here(session, worker, row.id)
    with clock.at(now + timedelta(seconds=61)):
        assert presence.looking(session, worker, [row.id]) == {}
        assert presence.looking(session, colleague, [row.id]) == {row.id: [worker.name]}
        presence.forget(session)
        assert session.scalars(select(Presence.staff_id)).all() == [worker.staff_id]
