"""Issuing the certificates of a batch: some at a time, with their numbers taken in the same transaction.

A worker killed anywhere is followed by one that goes on; what is issued is not issued again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from config import points
from config.log import log
from shared import batch

if TYPE_CHECKING:
    from uploads.jobs import Bench

AT_ONCE: Final = 40  # whoever else wants a number waits for so many, and so many steps has the bar of 1,000


def issue(bench: Bench, office_id: UUID, batch_id: UUID) -> None:
    """Issue each of them, and close the list. Of a list that may not run nothing is touched."""
    with bench.sessions() as session:
        runs = batch.is_running(session, office_id, batch_id)
        items = batch.waiting(session, office_id, batch_id) if runs else []
    for at in range(0, len(items), AT_ONCE):
        with bench.sessions.begin() as session:
            batch.issue_some(session, office_id, batch_id, items[at : at + AT_ONCE])
            points.passed("batch.some_written")
        points.passed("batch.some_issued")
    with bench.sessions.begin() as session:
        ends = batch.finish(session, office_id, batch_id)
    if ends is not None:
        log("batch.ended", batch=batch_id, ends=ends)
