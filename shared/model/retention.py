"""How long what is kept, what must not be destroyed, and the log of what was."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.model.base import Base, OfOffice, belongs_to, choice, of_office
from shared.model.states import NEXT_DISPOSAL, DisposalState, check_step


class Kept(StrEnum):
    """What has a time of its own."""

    PARTIAL_UPLOAD = "partial_upload"  # begun and never finished: it has not arrived
    WITHDRAWN_DRAFT = "withdrawn_draft"  # files of a draft nobody sent, taken out of one, or of a withdrawn report
    THUMBNAIL = "thumbnail"
    ORIGINAL = "original"
    SAFE_COPY = "safe_copy"  # the PDF and the pages


class RetentionRule(OfOffice, Base):
    """保存期間: from a day on, an office keeps one kind of thing so many days. The newest that has begun counts."""

    __tablename__ = "retention_rule"
    __table_args__ = (
        of_office(),
        belongs_to("set_by", "staff_member"),
        UniqueConstraint("office_id", "what", "from_day"),
        CheckConstraint("days >= 1", name="days"),
    )
    what: Mapped[Kept] = mapped_column(choice(Kept, "what"))
    days: Mapped[int]
    from_day: Mapped[date]
    source: Mapped[str]  # the rule of the office or of the land it stands on
    set_by: Mapped[UUID | None]  # None: came with the office


class LegalHold(OfOffice, Base):
    """廃棄の停止: nothing of this household is destroyed while it stands, whoever approved what."""

    __tablename__ = "legal_hold"
    __table_args__ = (
        belongs_to("household_id", "household"),
        belongs_to("placed_by", "staff_member"),
        belongs_to("lifted_by", "staff_member"),
        CheckConstraint("length(reason) >= 1", name="reason"),
        CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name="lifted_by_somebody"),
        Index("ix_legal_hold_household", "office_id", "household_id"),
    )
    household_id: Mapped[UUID]
    reason: Mapped[str]
    placed_by: Mapped[UUID]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[UUID | None]


class Disposal(OfOffice, Base):
    """廃棄: a proposed list that a second person approves."""

    __tablename__ = "disposal"
    __table_args__ = (
        of_office(),
        belongs_to("proposed_by", "staff_member"),
        belongs_to("decided_by", "staff_member"),
        CheckConstraint("(decided_at IS NULL) = (decided_by IS NULL)", name="decided_by_somebody"),
        CheckConstraint("decided_by IS NULL OR state = 'dropped' OR decided_by <> proposed_by", name="two_people"),
        CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name="decided"),
    )
    state: Mapped[DisposalState] = mapped_column(choice(DisposalState, "state"))
    proposed_by: Mapped[UUID]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]

    def move(self, to: DisposalState) -> None:
        """:raises IllegalMove: if the table has no such step."""
        check_step(NEXT_DISPOSAL, self.state, to)
        self.state = to


class DisposalItem(OfOffice, Base):
    """One thing on a list, and what became of it: the destruction log. It outlives the bytes and holds none."""

    __tablename__ = "disposal_item"
    __table_args__ = (
        belongs_to("disposal_id", "disposal"),
        belongs_to("file_id", "stored_file"),
        UniqueConstraint("office_id", "disposal_id", "file_id", "what"),
        CheckConstraint("destroyed_at IS NULL OR spared_because IS NULL", name="one_end"),
    )
    disposal_id: Mapped[UUID]
    file_id: Mapped[UUID]
    what: Mapped[Kept] = mapped_column(choice(Kept, "what"))
    since: Mapped[date]  # from when on its days were counted
    due_on: Mapped[date]  # the day it had been kept long enough
    sha256: Mapped[str]  # of the original
    destroyed_at: Mapped[datetime | None]
    spared_because: Mapped[str | None]  # hold, rule, gone
