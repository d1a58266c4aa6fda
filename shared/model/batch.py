"""Certificates issued many at once: what was chosen, what became of each, and the files gathered from them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.model.base import Base, OfOffice, belongs_to, choice, of_office
from shared.model.states import (
    NEXT_BATCH,
    NEXT_BATCH_ITEM,
    BatchItemState,
    BatchState,
    check_step,
)


class NotIssued(StrEnum):
    """Why one of a batch gets no certificate. The words for it live in the pages."""

    CHANGED = "changed"  # something has happened with it since it was chosen
    TAKEN_BACK = "taken_back"  # whoever had accepted it has taken that back
    ISSUED = "issued"  # somebody has issued it meanwhile
    NOT_THERE = "not_there"  # it cannot be found any more, or the clerk does not work here any more


class ReceiptRule(OfOffice, Base):
    """From a day on, whether a second person must approve a batch and a void. The newest that has begun counts."""

    __tablename__ = "receipt_rule"
    __table_args__ = (
        of_office(),
        belongs_to("set_by", "staff_member"),
        UniqueConstraint("office_id", "from_day"),
    )
    two_people: Mapped[bool]
    from_day: Mapped[date]
    set_by: Mapped[UUID | None]  # None: from the terminal


class ReceiptBatch(OfOffice, Base):
    """A list frozen by one clerk. Only ``move`` writes ``state``."""

    __tablename__ = "receipt_batch"
    __table_args__ = (
        belongs_to("staff_id", "staff_member"),
        belongs_to("decided_by", "staff_member"),
        UniqueConstraint("office_id", "attempt"),
        CheckConstraint("matched >= 0", name="matched"),
        CheckConstraint("(decided_by IS NULL) = (decided_at IS NULL)", name="decided"),
        CheckConstraint("decided_by IS NULL OR decided_by <> staff_id", name="two_people"),
        CheckConstraint("state <> 'refused' OR length(reason) >= 1", name="refused_why"),
        CheckConstraint("(state = 'issued') = (done_at IS NOT NULL)", name="done_at"),
        Index("ix_receipt_batch_created", "office_id", "created_at"),
        Index(
            "ix_receipt_batch_open",
            "office_id",
            "created_at",
            postgresql_where=text("state IN ('proposed', 'running')"),
            sqlite_where=text("state IN ('proposed', 'running')"),
        ),
    )
    staff_id: Mapped[UUID]  # the clerk who issues
    attempt: Mapped[UUID]  # drawn into the form that chose
    state: Mapped[BatchState] = mapped_column(choice(BatchState, "state"))
    matched: Mapped[int]  # how many were wanted; more than are on the list where the list is full
    demo: Mapped[bool]  # whether its papers say that everything on them is made up
    decided_by: Mapped[UUID | None]  # the second person
    decided_at: Mapped[datetime | None]
    reason: Mapped[str]  # of a refusal; else empty
    done_at: Mapped[datetime | None]

    def move(self, to: BatchState) -> None:
        """:raises IllegalMove: if the table has no such step."""
        check_step(NEXT_BATCH, self.state, to)
        self.state = to


class ReceiptBatchItem(OfOffice, Base):
    """One of them. Its id is the attempt of its step, so that a job that runs twice issues it once."""

    __tablename__ = "receipt_batch_item"
    __table_args__ = (
        belongs_to("batch_id", "receipt_batch"),
        belongs_to("submission_id", "submission"),
        belongs_to("receipt_id", "receipt"),
        UniqueConstraint("office_id", "batch_id", "submission_id"),
        UniqueConstraint("office_id", "batch_id", "position"),
        UniqueConstraint("office_id", "receipt_id"),
        CheckConstraint("(state = 'refused') = (why IS NOT NULL)", name="why_not"),
        CheckConstraint("(state = 'issued') = (receipt_id IS NOT NULL)", name="issued"),
    )
    batch_id: Mapped[UUID]
    submission_id: Mapped[UUID]
    position: Mapped[int]  # as it stood in the list
    revision: Mapped[int]  # of the submission when it was chosen
    state: Mapped[BatchItemState] = mapped_column(choice(BatchItemState, "state"))
    why: Mapped[NotIssued | None] = mapped_column(choice(NotIssued, "why"))
    reason: Mapped[str]  # why the clerk has left it out, if she says so
    receipt_id: Mapped[UUID | None]

    def move(self, to: BatchItemState, why: NotIssued | None = None) -> None:
        """:raises IllegalMove: if the table has no such step."""
        check_step(NEXT_BATCH_ITEM, self.state, to)
        self.state, self.why = to, why


class ReceiptBundle(OfOffice, Base):
    """One file to print and one ZIP, gathered by the worker from a batch or from a day; gone after some days."""

    __tablename__ = "receipt_bundle"
    __table_args__ = (
        of_office(),
        belongs_to("batch_id", "receipt_batch"),
        belongs_to("asked_by", "staff_member"),
        UniqueConstraint("office_id", "batch_id"),
        CheckConstraint("(batch_id IS NULL) <> (day IS NULL)", name="of_one"),
        CheckConstraint(
            "(print_key IS NULL) = (zip_key IS NULL) AND (zip_key IS NULL) = (made_at IS NULL)"
            " AND (print_key IS NULL) = (print_sha256 IS NULL) AND (zip_key IS NULL) = (zip_sha256 IS NULL)",
            name="made_whole",
        ),
        Index("ix_receipt_bundle_day", "office_id", "day", "created_at"),
        Index(
            "ix_receipt_bundle_made",
            "made_at",
            postgresql_where=text("made_at IS NOT NULL AND gone_at IS NULL"),
            sqlite_where=text("made_at IS NOT NULL AND gone_at IS NULL"),
        ),
    )
    batch_id: Mapped[UUID | None]
    day: Mapped[date | None]  # all that was issued on that day before it was asked for
    asked_by: Mapped[UUID]
    print_key: Mapped[str | None]
    print_size: Mapped[int | None]
    print_sha256: Mapped[str | None]
    zip_key: Mapped[str | None]
    zip_size: Mapped[int | None]
    zip_sha256: Mapped[str | None]
    made_at: Mapped[datetime | None]
    gone_at: Mapped[datetime | None]
