"""Destroying what two people have agreed on, thing by thing.

Each thing is looked at once more right before: a hold placed meanwhile or a rule made longer spares it. First its row
says that it is gone, then its bytes go, then the log says when. A worker killed anywhere is followed by one that goes
on; deleting twice is deleting once.

Gone means gone from the storage. A bucket that keeps old versions keeps the bytes, too: for one that holds people's
papers, versioning must be off (or its life-cycle rule must expire versions that are no longer current after a day), and
backups must be written over within the time the office's rules allow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from config import points
from config.log import log
from shared import destruction

if TYPE_CHECKING:
    from uploads.jobs import Bench


def destroy(bench: Bench, office_id: UUID, disposal_id: UUID) -> None:
    """Bring every thing of an approved list to its end, and close the list. Of any other list nothing is touched.

    :raises StorageUnavailable: what is left is done when the task is sent again.
    """
    with bench.sessions() as session:
        items = destruction.approved_items(session, office_id, disposal_id)
    for item_id in items:
        _destroy(bench, office_id, item_id)
    with bench.sessions.begin() as session:
        ends = destruction.finish(session, office_id, disposal_id)
    if ends is not None:
        log("disposal.done", disposal=disposal_id, ends=dict(ends))


def _destroy(bench: Bench, office_id: UUID, item_id: UUID) -> None:
    with bench.sessions.begin() as session:
        keys = destruction.condemn(session, office_id, item_id)
    points.passed("item.condemned")
    if not keys:
        return
    for key in keys:
        bench.storage.delete(key)
    points.passed("item.deleted")
    with bench.sessions.begin() as session:
        destruction.destroyed(session, office_id, item_id)
