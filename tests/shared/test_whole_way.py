"""The life of a report through the commands alone."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy.orm import Session

from shared import drafts, intake, journal, queue, receipt_lists, receipts, review, slips
from shared.model import FileState, Reason, Role, State
from tests import factories


def test_a_report_goes_from_draft_to_receipt_with_one_correction(session: Session) -> None:
    worker = factories.staff(session)
    who = factories.recipient(session, factories.household(session, worker))
    row = factories.draft(session, who)
    first = factories.file(session, who, row)
    intake.send(session, who, row.id, attempt=uuid4())
    assert row.state is State.ARRIVED
    number, arrived_at = row.number, row.arrived_at
    assert number and arrived_at

    factories.make_safe(session, first)
    intake.settle(session, row)
    assert [line.id for line in queue.waiting(session, worker)] == [row.id]

    review.claim(session, worker, row.id)
    asked = review.AskAgain(seen=row.revision, attempt=uuid4(), files={first.id: (Reason.DARK, "出勤の日数")})
    review.send_back(session, worker, row.id, asked)
    assert row.state is State.RETURNED
    assert queue.waiting(session, worker) == []

    drafts.remove(session, who, row.id, first.id)
    second = factories.file(session, who, row)
    factories.make_safe(session, second)
    intake.send(session, who, row.id, attempt=uuid4())
    assert (row.state, row.version_no, row.number, row.arrived_at) == (State.WAITING, 2, number, arrived_at)

    review.claim(session, worker, row.id)
    review.accept(session, worker, row.id, seen=row.revision, attempt=uuid4())
    clerk = factories.staff(session, Role.CLERK, name="品見 薫")
    assert [line.id for line in receipt_lists.ready(session, clerk)] == [row.id]
    receipt = receipts.issue(session, clerk, row.id, seen=row.revision, attempt=uuid4(), demo=True)
    assert row.state is State.RECEIPTED
    assert receipt.content["number"] == number
    assert [file["sha256"] for file in receipt.content["files"]] == [second.sha256]

    first_version = slips.slip(session, row, drafts.latest_version(session, row))
    assert first_version.version_no == 2
    assert first.state is FileState.SAFE
    assert journal.first_broken(session, who.office_id) is None
