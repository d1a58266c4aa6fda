from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from shared import clock, drafts, intake, review, slips
from shared.model import FileState, Reason, Receipt, ReceiptState, State, StoredFile, Submission
from tests import factories

EVENING = datetime.fromisoformat("2026-11-19T20:12:41+09:00")


@pytest.fixture(autouse=True)
def now() -> Iterator[datetime]:
    with clock.at(EVENING):
        yield EVENING


def sent_with_a_file(session: Session) -> tuple[Submission, StoredFile]:
    who = factories.recipient(session)
    row = factories.draft(session, who)
    file = factories.file(session, who, row)
    factories.make_safe(session, file, pages=2)
    intake.send(session, who, row.id, attempt=uuid4())
    return row, file


def test_a_slip_says_what_was_sent(session: Session) -> None:
    row, file = sent_with_a_file(session)
    slip = slips.slip(session, row)
    assert (slip.id, slip.number, slip.state, slip.revision) == (row.id, row.number, State.WAITING, row.revision)
    assert (slip.month, slip.member, slip.household_id) == (factories.OCTOBER, "見本　花子", row.household_id)
    assert (slip.arrived_at, slip.sent_at, slip.version_no) == (EVENING, EVENING, 1)
    assert (slip.look_by, slip.answer_by) == (date(2026, 11, 24), None)
    said = {row.id: row.answer for row in slip.said}
    assert said["worked"] == "yes"
    assert {field: said[f"jobs-0-{field}"] for field in factories.WAGE} == factories.WAGE
    assert [(row.page, row.member) for row in slip.said if row.id == "jobs-0-worker"] == [("worker", "見本　花子")]
    assert (slip.correction, slip.receipt_id, slip.receipt_ready) == (None, None, False)
    (shown,) = slip.files
    assert (shown.id, shown.name, shown.size, shown.sha256) == (file.id, file.name, file.size, file.sha256)
    assert (shown.state, shown.pages, shown.refused_because) == (FileState.SAFE, 2, None)


def test_a_slip_of_a_draft_is_asked_for_by_its_version(session: Session) -> None:
    who = factories.recipient(session)
    row = factories.begun(session, who, factories.OCTOBER)
    slip = slips.slip(session, row, drafts.latest_version(session, row))
    assert (slip.number, slip.arrived_at, slip.sent_at, slip.version_no) == (None, None, None, 1)
    assert {row.answer for row in slip.said} == {None}


def test_what_was_asked_for_stands_with_the_version_it_was_about(session: Session) -> None:
    row, file = sent_with_a_file(session)
    worker = factories.caseworker_of(session, row)
    review.claim(session, worker, row.id)
    asked = review.AskAgain(
        seen=row.revision,
        attempt=uuid4(),
        files={file.id: (Reason.CUT_OFF, "右はし")},
        values={"jobs-0-work_days": (Reason.DIFFERS, "18日")},
        memo="電話した",
    )
    with clock.at(EVENING + timedelta(hours=1)):
        review.send_back(session, worker, row.id, asked)
    correction = slips.slip(session, row).correction
    assert correction is not None
    assert (correction.version_no, correction.asked_at) == (1, EVENING + timedelta(hours=1))
    assert (correction.by_machine, correction.memo) == (False, "電話した")
    about_file, about_value = correction.items
    assert about_file.file is not None
    assert (about_file.file.id, about_file.value, about_file.reason) == (file.id, None, Reason.CUT_OFF)
    assert (about_value.file, about_value.value, about_value.detail) == (None, "jobs-0-work_days", "18日")


def test_the_newest_request_is_shown_and_the_machines_is_known_as_such(session: Session) -> None:
    row = factories.submission(session, State.RETURNED)
    who = factories.recipient_of(session, row)
    factories.file(session, who, row).move(FileState.REFUSED, because="locked")
    intake.send(session, who, row.id, attempt=uuid4())
    correction = slips.last_correction(session, row)
    assert correction is not None
    assert (correction.version_no, correction.by_machine) == (2, True)
    assert [item.reason for item in correction.items] == [Reason.UNREADABLE]


def test_a_certificate_that_was_voided_is_not_shown_and_one_not_drawn_is_not_ready(session: Session) -> None:
    row = factories.submission(session, State.ACCEPTED)
    voided, issued = (
        Receipt(
            office_id=row.office_id,
            submission_id=row.id,
            version_id=drafts.sent_version(session, row).id,
            document_no=state.value,
            state=state,
            issued_by=factories.caseworker_of(session, row).staff_id,
            issued_at=clock.now(),
            content={},
            token=uuid4().hex,
            check_code="23456789",
            voided_at=clock.now() if state is ReceiptState.VOIDED else None,
            voided_by=factories.caseworker_of(session, row).staff_id if state is ReceiptState.VOIDED else None,
            void_reason="誤記" if state is ReceiptState.VOIDED else None,
        )
        for state in (ReceiptState.VOIDED, ReceiptState.ISSUED)
    )
    session.add(voided)
    session.flush()
    assert slips.slip(session, row).receipt_id is None
    session.add(issued)
    session.flush()
    assert (slips.slip(session, row).receipt_id, slips.slip(session, row).receipt_ready) == (issued.id, False)
    issued.pdf_key, issued.pdf_sha256 = "receipt/1", "a" * 64
    session.flush()
    assert slips.slip(session, row).receipt_ready


def test_a_person_sees_what_she_sent_newest_first_and_nobody_elses(session: Session) -> None:
    who = factories.recipient(session)
    rows = []
    for hours, month in ((9, 8), (5, 10), (1, 9)):
        with clock.at(EVENING - timedelta(hours=hours)):
            row = factories.draft(session, who, date(2026, month, 1))
            rows.append(intake.send(session, who, row.id, attempt=uuid4()))
    factories.draft(session, who, date(2026, 7, 1))
    factories.submission(session, who=factories.recipient(session, factories.household(session)))
    assert [slip.id for slip in slips.sent_by(session, who)] == [row.id for row in reversed(rows)]


def test_what_she_is_correcting_is_shown_as_it_was_sent(session: Session) -> None:
    row = factories.submission(session, State.RETURNED)
    who = factories.recipient_of(session, row)
    factories.write(session, who, row.id, {"gross_yen": 1})
    slip = slips.slip(session, row)
    gross = next(one.answer for one in slip.said if one.id == "jobs-0-gross_yen")
    assert (slip.version_no, gross) == (1, 85_400)


def test_the_safe_pages_of_a_file_come_in_order(session: Session) -> None:
    row, file = sent_with_a_file(session)
    assert [page.page for page in slips.pages_of(session, row.office_id, file.id)] == [1, 2]
    assert slips.pages_of(session, row.office_id, factories.unknown_id()) == []
    assert slips.pages_of(session, factories.unknown_id(), file.id) == []
