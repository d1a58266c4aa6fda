from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import clock
from shared.errors import IllegalMove
from shared.model import (
    MACHINE,
    Actor,
    ActorKind,
    BatchItemState,
    BatchState,
    Bulk,
    BulkAct,
    BulkItem,
    BulkItemState,
    BulkState,
    Disposal,
    DisposalState,
    DutyKind,
    FileState,
    Invitation,
    InvitationState,
    OfficeStamp,
    Receipt,
    ReceiptBatch,
    ReceiptBatchItem,
    ReceiptState,
    ReceiptVoid,
    StampState,
    State,
    Step,
    Submission,
    SubmissionVersion,
    Upload,
    UploadState,
    VoidState,
    Why,
)
from shared.model.states import (
    NEXT,
    NEXT_BATCH,
    NEXT_BATCH_ITEM,
    NEXT_BULK,
    NEXT_BULK_ITEM,
    NEXT_DISPOSAL,
    NEXT_FILE,
    NEXT_INVITATION,
    NEXT_RECEIPT,
    NEXT_STAMP,
    NEXT_UPLOAD,
    NEXT_VOID,
)
from tests import factories


def standing(session: Session, state: State) -> Submission:
    """A bare submission that stands at ``state``, with what the database asks of one there."""
    who = factories.recipient(session)
    sent = state is not State.DRAFT
    row = Submission(
        office_id=who.office_id,
        household_id=who.household_id,
        member_id=who.member_id,
        kind=DutyKind.INCOME_REPORT,
        month=factories.OCTOBER,
        state=state,
        number="HB8-00001-0" if sent else None,
        arrived_at=clock.now() if sent else None,
        version_no=1 if sent else 0,
        answer_by=date(2026, 11, 30) if state is State.RETURNED else None,
    )
    session.add(row)
    session.flush()
    return row


def steps(session: Session, row: Submission) -> list[Step]:
    return list(session.scalars(select(Step).where(Step.submission_id == row.id)))


@pytest.mark.parametrize(("was", "to"), list(product(State, State)))
def test_a_submission_takes_only_the_steps_in_the_table(session: Session, was: State, to: State) -> None:
    row = standing(session, was)
    revision = row.revision
    if to in NEXT[was]:
        actor = Actor.staff(uuid4())
        row.move(to, by=actor, note="because")
        if was is State.DRAFT:
            row.number, row.arrived_at, row.version_no = "HB8-00001-0", clock.now(), 1
        if to is State.RETURNED:
            row.answer_by = date(2026, 11, 30)
        session.flush()
        session.expire_all()
        (step,) = steps(session, row)
        assert (step.was, step.became, step.actor_kind, step.actor_id) == (was, to, ActorKind.STAFF, actor.id)
        assert (row.state, row.revision, step.note) == (to, revision + 1, "because")
    else:
        with pytest.raises(IllegalMove) as refused:
            row.move(to, by=MACHINE)
        session.flush()
        session.expire_all()
        assert (refused.value.was, refused.value.to) == (was, to)
        assert (row.state, row.revision, steps(session, row)) == (was, revision, [])


def test_a_submission_that_belongs_to_no_session_does_not_move() -> None:
    with pytest.raises(ValueError, match="inside a session"):
        Submission(state=State.WAITING).move(State.IN_REVIEW, by=MACHINE)


def test_the_day_for_an_answer_is_forgotten_when_the_answer_came(session: Session) -> None:
    row = standing(session, State.RETURNED)
    row.move(State.ARRIVED, by=MACHINE)
    session.flush()
    assert row.answer_by is None


@pytest.mark.parametrize(("was", "to"), list(product(FileState, FileState)))
def test_a_file_takes_only_the_steps_in_the_table(session: Session, was: FileState, to: FileState) -> None:
    who = factories.recipient(session)
    file = factories.file(session, who, factories.draft(session, who))
    file.state, file.pages = was, 1
    file.refused_because = "locked" if was is FileState.REFUSED else None
    session.flush()
    if to in NEXT_FILE[was]:
        file.move(to, because="unreadable")
        session.flush()
        session.refresh(file)
        assert (file.state, file.refused_because) == (to, "unreadable" if to is FileState.REFUSED else None)
    else:
        with pytest.raises(IllegalMove):
            file.move(to, because="unreadable")
        assert (file.state, file.refused_because) == (was, "locked" if was is FileState.REFUSED else None)


@pytest.mark.parametrize(("was", "to"), list(product(ReceiptState, ReceiptState)))
def test_a_receipt_takes_only_the_steps_in_the_table(session: Session, was: ReceiptState, to: ReceiptState) -> None:
    row = standing(session, State.ACCEPTED)
    version = SubmissionVersion(office_id=row.office_id, submission_id=row.id, no=1, attempt=uuid4())
    version.sent_at = clock.now()
    session.add(version)
    session.flush()
    receipt = Receipt(
        office_id=row.office_id,
        submission_id=row.id,
        version_id=version.id,
        document_no="ひ福生第 令8-00001 号",
        state=was,
        issued_by=factories.caseworker_of(session, row).staff_id,
        issued_at=clock.now(),
        content={},
        token=uuid4().hex,
        check_code="23456789",
    )
    clerk = receipt.issued_by
    if was is ReceiptState.VOIDED:
        receipt.voided_at, receipt.voided_by, receipt.void_reason = clock.now(), clerk, "金額の誤記"
    session.add(receipt)
    session.flush()
    if to in NEXT_RECEIPT[was]:
        receipt.move(to)
        receipt.voided_at, receipt.voided_by, receipt.void_reason = clock.now(), clerk, "金額の誤記"
    else:
        with pytest.raises(IllegalMove):
            receipt.move(to)
    session.flush()
    session.refresh(receipt)
    assert receipt.state is (to if to in NEXT_RECEIPT[was] else was)


@pytest.mark.parametrize(("was", "to"), list(product(InvitationState, InvitationState)))
def test_an_invitation_takes_only_the_steps_in_the_table(
    session: Session, was: InvitationState, to: InvitationState
) -> None:
    who = factories.recipient(session)
    before = clock.now() - timedelta(days=1)
    letter = Invitation(
        office_id=who.office_id,
        account_id=who.account_id,
        code_hash=uuid4().hex,
        state=was,
        expires_at=clock.now(),
        used_at=before if was is InvitationState.USED else None,
    )
    session.add(letter)
    session.flush()
    now = clock.now()
    if to in NEXT_INVITATION[was]:
        letter.move(to, now)
        used_at = now if to is InvitationState.USED else letter.used_at
    else:
        used_at = letter.used_at
        with pytest.raises(IllegalMove):
            letter.move(to, now)
    session.flush()
    session.refresh(letter)
    assert (letter.state, letter.used_at) == (to if to in NEXT_INVITATION[was] else was, used_at)


@pytest.mark.parametrize(("was", "to"), list(product(UploadState, UploadState)))
def test_an_upload_takes_only_the_steps_in_the_table(session: Session, was: UploadState, to: UploadState) -> None:
    who = factories.recipient(session)
    row = factories.draft(session, who)
    whole = factories.file(session, who, row).id
    upload = Upload(
        office_id=row.office_id,
        submission_id=row.id,
        attempt=uuid4(),
        name="給与明細.pdf",
        size=9,
        kept=0,
        state=was,
        expires_at=clock.now(),
        file_id=whole if was is UploadState.WHOLE else None,
        ended_because="removed" if was is UploadState.ENDED else None,
    )
    session.add(upload)
    session.flush()
    if to in NEXT_UPLOAD[was]:
        upload.move(to, because="expired")
        if to is UploadState.WHOLE:
            upload.file_id = whole
    else:
        with pytest.raises(IllegalMove):
            upload.move(to, because="expired")
    session.flush()
    session.refresh(upload)
    assert upload.state is (to if to in NEXT_UPLOAD[was] else was)
    assert (upload.ended_because is not None) == (upload.state is UploadState.ENDED)


@pytest.mark.parametrize(("was", "to"), list(product(DisposalState, DisposalState)))
def test_a_disposal_takes_only_the_steps_in_the_table(session: Session, was: DisposalState, to: DisposalState) -> None:
    one, other = factories.staff(session), factories.staff(session)
    decided = was is not DisposalState.PROPOSED
    disposal = Disposal(
        office_id=one.office_id,
        state=was,
        proposed_by=one.staff_id,
        decided_by=other.staff_id if decided else None,
        decided_at=clock.now() if decided else None,
    )
    session.add(disposal)
    session.flush()
    if to in NEXT_DISPOSAL[was]:
        disposal.move(to)
        disposal.decided_by, disposal.decided_at = other.staff_id, clock.now()
    else:
        with pytest.raises(IllegalMove):
            disposal.move(to)
    session.flush()
    session.refresh(disposal)
    assert disposal.state is (to if to in NEXT_DISPOSAL[was] else was)


def at_once(session: Session, state: BulkState) -> Bulk:
    who = factories.staff(session)
    done = state not in (BulkState.CHOSEN, BulkState.RUNNING)
    row = Bulk(
        office_id=who.office_id,
        staff_id=who.staff_id,
        attempt=uuid4(),
        act=BulkAct.ACCEPT,
        state=state,
        matched=1,
        reason="",
        done_at=clock.now() if done else None,
    )
    session.add(row)
    session.flush()
    return row


@pytest.mark.parametrize(("was", "to"), list(product(BulkState, BulkState)))
def test_an_act_on_many_takes_only_the_steps_in_the_table(session: Session, was: BulkState, to: BulkState) -> None:
    row = at_once(session, was)
    if to in NEXT_BULK[was]:
        row.move(to)
        row.done_at = row.done_at or (clock.now() if to is BulkState.DONE else None)
    else:
        with pytest.raises(IllegalMove):
            row.move(to)
    session.flush()
    session.refresh(row)
    assert row.state is (to if to in NEXT_BULK[was] else was)


@pytest.mark.parametrize(("was", "to"), list(product(BulkItemState, BulkItemState)))
def test_one_of_many_takes_only_the_steps_in_the_table(session: Session, was: BulkItemState, to: BulkItemState) -> None:
    why = {BulkItemState.REFUSED: Why.TAKEN, BulkItemState.KEPT: Why.MOVED_ON}
    bulk, submission = at_once(session, BulkState.RUNNING), factories.submission(session)
    item = BulkItem(
        office_id=bulk.office_id,
        bulk_id=bulk.id,
        submission_id=submission.id,
        position=0,
        version_no=1,
        state=was,
        why=why.get(was),
    )
    session.add(item)
    session.flush()
    if to in NEXT_BULK_ITEM[was]:
        item.move(to, why.get(to))
    else:
        with pytest.raises(IllegalMove):
            item.move(to, why.get(to))
    session.flush()
    session.refresh(item)
    assert item.state is (to if to in NEXT_BULK_ITEM[was] else was)


@pytest.mark.parametrize(
    ("kind", "table", "was", "to"),
    [
        (kind, table, was, to)
        for kind, table in (
            (ReceiptBatch, NEXT_BATCH),
            (ReceiptBatchItem, NEXT_BATCH_ITEM),
            (ReceiptVoid, NEXT_VOID),
            (OfficeStamp, NEXT_STAMP),
        )
        for was, to in product(table, table)
    ],
)
def test_what_certificates_are_issued_and_voided_by_takes_only_the_steps_in_its_table(
    kind: type[Any], table: Mapping[Any, frozenset[Any]], was: Any, to: Any
) -> None:
    row = kind(state=was)
    if to in table[was]:
        row.move(to)
    else:
        with pytest.raises(IllegalMove):
            row.move(to)
    assert row.state is (to if to in table[was] else was)


@pytest.mark.parametrize(
    ("table", "states"),
    [
        (NEXT, State),
        (NEXT_FILE, FileState),
        (NEXT_RECEIPT, ReceiptState),
        (NEXT_INVITATION, InvitationState),
        (NEXT_UPLOAD, UploadState),
        (NEXT_DISPOSAL, DisposalState),
        (NEXT_BULK, BulkState),
        (NEXT_BULK_ITEM, BulkItemState),
        (NEXT_BATCH, BatchState),
        (NEXT_BATCH_ITEM, BatchItemState),
        (NEXT_VOID, VoidState),
        (NEXT_STAMP, StampState),
    ],
)
def test_every_state_stands_in_its_table_and_can_be_reached_from_the_first(
    table: Mapping[Any, frozenset[Any]], states: type[StrEnum]
) -> None:
    first = next(iter(states))
    reached, new = {first}, {first}
    while new:
        new = {to for was in new for to in table[was]} - reached
        reached |= new
    assert reached == set(table) == set(states)


def test_what_has_arrived_is_never_a_draft_again_and_is_never_rejected() -> None:
    assert [was for was in State if State.DRAFT in NEXT[was]] == []
    assert [state for state in State if "reject" in state] == []


def test_nothing_leaves_the_end_of_a_life() -> None:
    assert {was for was in State if not NEXT[was]} == {State.WITHDRAWN, State.VOIDED}
    assert NEXT[State.RECEIPTED] == {State.ACCEPTED}  # and only by voiding the certificate
    assert NEXT[State.ACCEPTED] == {State.RECEIPTED, State.IN_REVIEW}  # never withdrawn under a clerk's hands
