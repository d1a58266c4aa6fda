"""Sixteen clerks at once: every number once, and none left out."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import batch, batch_lists, journal, receipts
from shared.errors import ChangedMeanwhile
from shared.model import BatchItemState, BatchState, Receipt, ReceiptState, Role, State, Submission
from shared.rules.numbers import short_number
from shared.sign_in import Staff
from tests import factories

CLERKS = 16
EACH = 3  # of a batch; the neighbour's single hands take the first of each, too


def test_sixteen_clerks_issue_in_batches_and_by_hand_at_once(make_session: sessionmaker[Session]) -> None:
    clerks: list[Staff] = []
    batches: list[UUID] = []
    contested: list[UUID] = []
    with make_session.begin() as session:
        for _ in range(CLERKS):
            clerk = factories.staff(session, Role.CLERK)
            ids = [factories.submission(session, State.ACCEPTED).id for _ in range(EACH)]
            row = batch.choose(session, clerk, ids, matched=EACH, attempt=uuid4(), demo=True)
            batch.start(session, clerk, row.id)
            clerks.append(clerk)
            batches.append(row.id)
            contested.append(ids[0])
    gate = threading.Barrier(CLERKS)

    def at_it(at: int) -> None:
        """One half lets a batch run, as workers do; the other half takes by hand what is in a batch, and voids one."""
        gate.wait()
        clerk, office_id = clerks[at], clerks[at].office_id
        if at % 2 == 0:
            for batch_id in (batches[at], batches[at + 1]):
                with make_session() as session:
                    items = batch.waiting(session, office_id, batch_id)
                for some in (items[:2], items[2:]):
                    with make_session.begin() as session:
                        batch.issue_some(session, office_id, batch_id, some)
                with make_session.begin() as session:
                    batch.finish(session, office_id, batch_id)
            return
        for submission_id in random.sample(contested, 4):
            try:
                with make_session.begin() as session:
                    seen = session.get_one(Submission, (office_id, submission_id)).revision
                    receipt = receipts.issue(session, clerk, submission_id, seen=seen, attempt=uuid4(), demo=True)
            except ChangedMeanwhile:
                continue
            with make_session.begin() as session:
                receipts.void(session, clerk, receipt.id, "誤記")

    with ThreadPoolExecutor(CLERKS) as hands:
        list(hands.map(at_it, range(CLERKS)))
    with make_session() as session:
        found = session.scalars(select(Receipt)).all()
        numbers = sorted(short_number(receipt.document_no) for receipt in found)
        assert numbers == [factories.document_no(serial) for serial in range(1, len(found) + 1)]
        standing = [receipt.submission_id for receipt in found if receipt.state is ReceiptState.ISSUED]
        assert len(standing) == len(set(standing)), "one certificate of each stands"
        assert len(standing) >= CLERKS * (EACH - 1)
        for clerk, batch_id in zip(clerks, batches, strict=True):
            shown = batch_lists.show(session, clerk, batch_id)
            assert (shown.state, shown.counts[BatchItemState.WAITING]) == (BatchState.ISSUED, 0)
        assert journal.first_broken(session, clerks[0].office_id) is None
