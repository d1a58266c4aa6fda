"""One decision about many things at once: what was counted, what is done with it, and what became of each."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.model.base import Base, OfOffice, belongs_to, choice
from shared.model.states import NEXT_BULK, NEXT_BULK_ITEM, BulkItemState, BulkState, State, check_step


class BulkAct(StrEnum):
    """What is done with each of them."""

    ACCEPT = "accept"
    HOLD = "hold"
    GIVE_BACK = "give_back"  # to the queue: what one has in hand, and what was put aside


class Why(StrEnum):
    """Why one of many is left out, is not done, or is not taken back. The words for it live in the pages."""

    URGENT = "urgent"  # an answer somebody must see first
    CALL = "call"  # she asked to be called
    MESSAGE = "message"  # she wrote, and wants an answer
    FILES = "files"  # one of its files has no safe copy
    CHECKS = "checks"  # a check did not pass, and nobody has overridden it
    HELD = "held"  # it was put aside, and comes back on its day
    TAKEN = "taken"  # a colleague has it
    NOT_HELD = "not_held"  # it lies in the queue already
    NEWER = "newer"  # she has sent a new version since it was counted
    DECIDED = "decided"  # it needs no look any more
    NOT_THERE = "not_there"  # one may not open it any more
    MOVED_ON = "moved_on"  # somebody has gone on from what was done


class Bulk(OfOffice, Base):
    """まとめて: one person's act on a list that was frozen when it was counted. Only ``move`` writes ``state``."""

    __tablename__ = "bulk"
    __table_args__ = (
        belongs_to("staff_id", "staff_member"),
        UniqueConstraint("office_id", "attempt"),
        CheckConstraint("matched >= 0", name="matched"),
        CheckConstraint("(state IN ('chosen', 'running')) = (done_at IS NULL)", name="done_at"),
        CheckConstraint(
            "act <> 'hold' OR state = 'chosen' OR (until IS NOT NULL AND length(reason) >= 1)", name="hold"
        ),
        Index("ix_bulk_staff", "office_id", "staff_id", "created_at"),
    )
    staff_id: Mapped[UUID]
    attempt: Mapped[UUID]  # drawn into the form that chose
    act: Mapped[BulkAct] = mapped_column(choice(BulkAct, "act"))
    state: Mapped[BulkState] = mapped_column(choice(BulkState, "state"))
    matched: Mapped[int]  # how many were wanted; more than are on the list where the list is full
    until: Mapped[date | None]  # of a hold
    reason: Mapped[str]  # of a hold; else empty
    done_at: Mapped[datetime | None]

    def move(self, to: BulkState) -> None:
        """:raises IllegalMove: if the table has no such step."""
        check_step(NEXT_BULK, self.state, to)
        self.state = to


class BulkItem(OfOffice, Base):
    """One of them. Its id is the attempt of its step, so that a job that runs twice does it once."""

    __tablename__ = "bulk_item"
    __table_args__ = (
        belongs_to("bulk_id", "bulk"),
        belongs_to("submission_id", "submission"),
        UniqueConstraint("office_id", "bulk_id", "submission_id"),
        UniqueConstraint("office_id", "bulk_id", "position"),
        CheckConstraint("(state IN ('refused', 'kept')) = (why IS NOT NULL)", name="why_not"),
    )
    bulk_id: Mapped[UUID]
    submission_id: Mapped[UUID]
    position: Mapped[int]  # as it stood in the queue
    version_no: Mapped[int]  # the version that was counted
    state: Mapped[BulkItemState] = mapped_column(choice(BulkItemState, "state"))
    was: Mapped[State | None] = mapped_column(choice(State, "was"))  # before it was done: where undoing leads
    why: Mapped[Why | None] = mapped_column(choice(Why, "why"))

    def move(self, to: BulkItemState, why: Why | None = None) -> None:
        """:raises IllegalMove: if the table has no such step."""
        check_step(NEXT_BULK_ITEM, self.state, to)
        self.state, self.why = to, why
