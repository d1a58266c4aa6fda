"""The life of everything that has one, on one page. The tables here are the only list of allowed steps."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeVar

from shared.errors import IllegalMove

S = TypeVar("S", bound=StrEnum)


class State(StrEnum):
    """Where a submission stands. There is no "rejected": what arrived has arrived."""

    DRAFT = "draft"  # being written; only the person sees it
    ARRIVED = "arrived"  # durable and numbered; its files are being looked at
    WAITING = "waiting"  # in the queue; nobody has it
    IN_REVIEW = "in_review"  # one caseworker has it under a lease
    ON_HOLD = "on_hold"  # put aside until a date
    RETURNED = "returned"  # a correction was asked for; the arrival stands
    ACCEPTED = "accepted"  # a clerk owes a receipt
    RECEIPTED = "receipted"  # closed, as long as its receipt stands
    WITHDRAWN = "withdrawn"  # taken back by the person
    VOIDED = "voided"  # a mis-sent duplicate, with a reason


NOT_STANDING: Final = (State.DRAFT, State.WITHDRAWN, State.VOIDED)
"""Nothing of it stands: not sent yet, or taken back."""

NEXT: Final[Mapping[State, frozenset[State]]] = {
    State.DRAFT: frozenset({State.ARRIVED}),
    State.ARRIVED: frozenset({State.WAITING, State.RETURNED, State.WITHDRAWN, State.VOIDED}),
    State.WAITING: frozenset({State.IN_REVIEW, State.ARRIVED, State.WITHDRAWN, State.VOIDED}),
    State.IN_REVIEW: frozenset(
        {
            State.IN_REVIEW,  # from one pair of hands to another
            State.WAITING,
            State.ON_HOLD,
            State.RETURNED,
            State.ACCEPTED,
            State.ARRIVED,  # the person has sent a new version while it lay on the desk
            State.WITHDRAWN,
            State.VOIDED,
        }
    ),
    State.ON_HOLD: frozenset(
        {
            State.IN_REVIEW,  # taken up again before its day
            State.WAITING,  # its day has come
            State.ARRIVED,
            State.WITHDRAWN,
            State.VOIDED,
        }
    ),
    State.RETURNED: frozenset(
        {
            State.ARRIVED,
            State.IN_REVIEW,  # asked by mistake, and taken back at once, before she has begun to answer
            State.WITHDRAWN,
            State.VOIDED,
        }
    ),
    State.ACCEPTED: frozenset(
        {
            State.RECEIPTED,
            State.IN_REVIEW,  # accepted by mistake, and taken back at once, before a clerk has issued anything
        }
    ),
    State.RECEIPTED: frozenset({State.ACCEPTED}),  # its certificate was voided: another one is owed
    State.WITHDRAWN: frozenset(),
    State.VOIDED: frozenset(),
}


class FileState(StrEnum):
    """Where a file stands."""

    RECEIVED = "received"  # bytes durable, hash known
    CHECKED = "checked"  # its kind is confirmed by its content
    SAFE = "safe"  # a safe copy stands beside it; staff see that one
    REFUSED = "refused"  # cannot be shown; the person is asked for another


NEXT_FILE: Final[Mapping[FileState, frozenset[FileState]]] = {
    FileState.RECEIVED: frozenset({FileState.CHECKED, FileState.REFUSED}),
    FileState.CHECKED: frozenset({FileState.SAFE, FileState.REFUSED}),
    FileState.SAFE: frozenset({FileState.CHECKED}),  # its safe copy was lost: drawn again from the original
    FileState.REFUSED: frozenset(),
}


class UploadState(StrEnum):
    """Where a file on its way in stands."""

    OPEN = "open"  # parts of it are durable; the phone may go on any time until it expires
    WHOLE = "whole"  # it has become a stored file
    ENDED = "ended"  # taken back, expired, or nothing we take


NEXT_UPLOAD: Final[Mapping[UploadState, frozenset[UploadState]]] = {
    UploadState.OPEN: frozenset({UploadState.WHOLE, UploadState.ENDED}),
    UploadState.WHOLE: frozenset(),
    UploadState.ENDED: frozenset(),
}


class DisposalState(StrEnum):
    """Where a list of what has been kept long enough stands. Two people: one proposes, another approves."""

    PROPOSED = "proposed"
    APPROVED = "approved"  # the worker destroys what no hold has caught meanwhile
    DONE = "done"
    DROPPED = "dropped"


NEXT_DISPOSAL: Final[Mapping[DisposalState, frozenset[DisposalState]]] = {
    DisposalState.PROPOSED: frozenset({DisposalState.APPROVED, DisposalState.DROPPED}),
    DisposalState.APPROVED: frozenset({DisposalState.DONE}),
    DisposalState.DONE: frozenset(),
    DisposalState.DROPPED: frozenset(),
}


class BulkState(StrEnum):
    """Where an act on many things stands."""

    CHOSEN = "chosen"  # counted and shown; nothing has happened
    RUNNING = "running"  # the worker does it, one after the other
    DONE = "done"
    UNDOING = "undoing"  # the worker takes it back, one after the other
    UNDONE = "undone"


NEXT_BULK: Final[Mapping[BulkState, frozenset[BulkState]]] = {
    BulkState.CHOSEN: frozenset({BulkState.RUNNING}),
    BulkState.RUNNING: frozenset({BulkState.DONE}),
    BulkState.DONE: frozenset({BulkState.UNDOING}),
    BulkState.UNDOING: frozenset({BulkState.UNDONE}),
    BulkState.UNDONE: frozenset(),
}


class BulkItemState(StrEnum):
    """Where one of many things stands."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"  # left out, or not possible; the row says why
    UNDONE = "undone"
    KEPT = "kept"  # done, and could not be taken back; the row says why


NEXT_BULK_ITEM: Final[Mapping[BulkItemState, frozenset[BulkItemState]]] = {
    BulkItemState.WAITING: frozenset({BulkItemState.DONE, BulkItemState.REFUSED}),
    BulkItemState.DONE: frozenset({BulkItemState.UNDONE, BulkItemState.KEPT}),
    BulkItemState.REFUSED: frozenset(),
    BulkItemState.UNDONE: frozenset(),
    BulkItemState.KEPT: frozenset(),
}


class ReceiptState(StrEnum):
    """Where a receipt certificate stands. It is never deleted."""

    ISSUED = "issued"
    VOIDED = "voided"


NEXT_RECEIPT: Final[Mapping[ReceiptState, frozenset[ReceiptState]]] = {
    ReceiptState.ISSUED: frozenset({ReceiptState.VOIDED}),
    ReceiptState.VOIDED: frozenset(),
}


class VoidState(StrEnum):
    """Where the wish to void a certificate stands."""

    PROPOSED = "proposed"  # waits for the second person
    DONE = "done"
    REFUSED = "refused"


NEXT_VOID: Final[Mapping[VoidState, frozenset[VoidState]]] = {
    VoidState.PROPOSED: frozenset({VoidState.DONE, VoidState.REFUSED}),
    VoidState.DONE: frozenset(),
    VoidState.REFUSED: frozenset(),
}


class BatchState(StrEnum):
    """Where certificates that are issued together stand."""

    CHOSEN = "chosen"  # a list with planned numbers; nothing has happened
    PROPOSED = "proposed"  # waits for the second person
    REFUSED = "refused"  # by the second person
    RUNNING = "running"  # the worker issues one after the other
    ISSUED = "issued"


NEXT_BATCH: Final[Mapping[BatchState, frozenset[BatchState]]] = {
    BatchState.CHOSEN: frozenset({BatchState.PROPOSED, BatchState.RUNNING}),
    BatchState.PROPOSED: frozenset({BatchState.RUNNING, BatchState.REFUSED, BatchState.CHOSEN}),  # or taken back
    BatchState.REFUSED: frozenset(),
    BatchState.RUNNING: frozenset({BatchState.ISSUED}),
    BatchState.ISSUED: frozenset(),
}


class BatchItemState(StrEnum):
    """Where one of them stands."""

    WAITING = "waiting"
    EXCLUDED = "excluded"  # left out by the clerk; takes no number
    ISSUED = "issued"
    REFUSED = "refused"  # the row says why


NEXT_BATCH_ITEM: Final[Mapping[BatchItemState, frozenset[BatchItemState]]] = {
    BatchItemState.WAITING: frozenset({BatchItemState.EXCLUDED, BatchItemState.ISSUED, BatchItemState.REFUSED}),
    BatchItemState.EXCLUDED: frozenset({BatchItemState.WAITING}),
    BatchItemState.ISSUED: frozenset(),
    BatchItemState.REFUSED: frozenset(),
}


class StampState(StrEnum):
    """Where a picture of the office's stamp or signature stands."""

    SENT = "sent"  # the bytes are durable; nobody has looked at them
    DRAWN = "drawn"  # drawn anew in the locked room
    REFUSED = "refused"  # cannot be drawn; the row says why


NEXT_STAMP: Final[Mapping[StampState, frozenset[StampState]]] = {
    StampState.SENT: frozenset({StampState.DRAWN, StampState.REFUSED}),
    StampState.DRAWN: frozenset(),
    StampState.REFUSED: frozenset(),
}


class InvitationState(StrEnum):
    """Where the code of an invitation letter stands."""

    OPEN = "open"
    USED = "used"
    REPLACED = "replaced"  # a newer letter was sent


NEXT_INVITATION: Final[Mapping[InvitationState, frozenset[InvitationState]]] = {
    InvitationState.OPEN: frozenset({InvitationState.USED, InvitationState.REPLACED}),
    InvitationState.USED: frozenset({InvitationState.REPLACED}),
    InvitationState.REPLACED: frozenset(),
}


def check_step(table: Mapping[S, frozenset[S]], was: S, to: S) -> None:
    """:raises IllegalMove: if ``table`` has no step from ``was`` to ``to``."""
    if to not in table[was]:
        raise IllegalMove(was, to)
