"""Work promised by a commit. The truth about a job is its row here; the queue server only carries it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.model.base import Base, OfOffice, choice, of_office


class Job(StrEnum):
    """What the worker can be asked to do."""

    MAKE_SAFE_COPY = "make_safe_copy"  # subject: a stored file
    DRAW_RECEIPT = "draw_receipt"  # subject: a receipt
    DESTROY = "destroy"  # subject: an approved disposal
    BULK = "bulk"  # subject: a bulk that was started
    UNDO_BULK = "undo_bulk"  # subject: a bulk that is taken back
    ISSUE_BATCH = "issue_batch"  # subject: a receipt batch that may run
    GATHER_RECEIPTS = "gather_receipts"  # subject: a receipt bundle
    DRAW_STAMP = "draw_stamp"  # subject: an office stamp
    SIGN_CLOSING = "sign_closing"  # subject: a closed day


class Task(OfOffice, Base):
    """One promised job. Not done: ``done_at`` and ``gave_up_at`` are empty."""

    __tablename__ = "task"
    __table_args__ = (
        of_office(),
        UniqueConstraint("office_id", "job", "subject_id"),
        CheckConstraint("tries >= 0", name="tries"),
        CheckConstraint("done_at IS NULL OR gave_up_at IS NULL", name="one_end"),
        Index(
            "ix_task_owed",
            "send_after",
            postgresql_where=text("done_at IS NULL AND gave_up_at IS NULL"),
            sqlite_where=text("done_at IS NULL AND gave_up_at IS NULL"),
        ),
    )
    job: Mapped[Job] = mapped_column(choice(Job, "job"))
    subject_id: Mapped[UUID]
    send_after: Mapped[datetime]  # the relay sends it then, and again later if nobody has said it is done
    tries: Mapped[int]  # how often a worker has begun it; an outage of ours does not count
    held_until: Mapped[datetime | None]  # a worker is at it and says so again before then; later it is presumed dead
    failed_because: Mapped[str | None]  # the kind of the last failure, for those who keep the servers
    done_at: Mapped[datetime | None]
    gave_up_at: Mapped[datetime | None]
