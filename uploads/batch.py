"""Issuing the certificates of a batch: each in a transaction of its own, with its number taken in it.

A worker killed anywhere is followed by one that goes on; what is issued is not issued again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from config import points
from config.log import log
from shared import batch

if TYPE_CHECKING:
    from uploads.jobs import Bench


def issue(bench: Bench, office_id: UUID, batch_id: UUID) -> None:
    """Issue each of them, and close the list. Of a list that may not run nothing is touched."""
    with bench.sessions() as session:
        runs = batch.is_running(session, office_id, batch_id)
        items = batch.waiting(session, office_id, batch_id) if runs else []
    for item_id in items:
        with bench.sessions.begin() as session:
            batch.issue_one(session, office_id, item_id)
            points.passed("batch.one_written")
        points.passed("batch.one_issued")
    with bench.sessions.begin() as session:
        ends = batch.finish(session, office_id, batch_id)
    if ends is not None:
        log("batch.ended", batch=batch_id, ends=ends)
