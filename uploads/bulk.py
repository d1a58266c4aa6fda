"""Doing, or taking back, what a person has decided about many things: each in a transaction of its own.

A worker killed anywhere is followed by one that goes on; what is done is not done again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from config import points
from config.log import log
from shared import bulk
from shared.model import BulkState

if TYPE_CHECKING:
    from uploads.jobs import Bench


def carry_out(bench: Bench, office_id: UUID, bulk_id: UUID) -> None:
    """Do each of them, and close the list. Of a list that nobody has started nothing is touched."""
    with bench.sessions() as session:
        runs = bulk.is_at(session, office_id, bulk_id, BulkState.RUNNING)
        items = bulk.waiting(session, office_id, bulk_id) if runs else []
    for item_id in items:
        with bench.sessions.begin() as session:
            bulk.do_one(session, office_id, item_id)
        points.passed("bulk.one_done")
    _finish(bench, office_id, bulk_id)


def take_back(bench: Bench, office_id: UUID, bulk_id: UUID) -> None:
    """Take each of them back where nobody has gone on from it, and close the list."""
    with bench.sessions() as session:
        runs = bulk.is_at(session, office_id, bulk_id, BulkState.UNDOING)
        items = bulk.done(session, office_id, bulk_id) if runs else []
    for item_id in items:
        with bench.sessions.begin() as session:
            bulk.undo_one(session, office_id, item_id)
        points.passed("bulk.one_undone")
    _finish(bench, office_id, bulk_id)


def _finish(bench: Bench, office_id: UUID, bulk_id: UUID) -> None:
    with bench.sessions.begin() as session:
        ends = bulk.finish(session, office_id, bulk_id)
    if ends is not None:
        log("bulk.ended", bulk=bulk_id, ends=ends)
