"""取消し: voiding a certificate. What was proposed, and what the second person said where the office wants one."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.model.base import Base, OfOffice, belongs_to, choice
from shared.model.states import NEXT_VOID, VoidState, check_step


class ReceiptVoid(OfOffice, Base):
    """One wish to void one certificate. Only ``move`` writes ``state``."""

    __tablename__ = "receipt_void"
    __table_args__ = (
        belongs_to("receipt_id", "receipt"),
        belongs_to("proposed_by", "staff_member"),
        belongs_to("decided_by", "staff_member"),
        UniqueConstraint("office_id", "attempt"),
        CheckConstraint("length(reason) BETWEEN 1 AND 300", name="reason"),
        CheckConstraint("(decided_by IS NULL) = (decided_at IS NULL)", name="decided"),
        CheckConstraint("decided_by IS NULL OR decided_by <> proposed_by", name="two_people"),
        CheckConstraint("state <> 'refused' OR length(answer) >= 1", name="refused_why"),
        Index(
            "uq_receipt_void_open",
            "office_id",
            "receipt_id",
            unique=True,
            postgresql_where=text("state = 'proposed'"),
            sqlite_where=text("state = 'proposed'"),
        ),
    )
    receipt_id: Mapped[UUID]
    attempt: Mapped[UUID]  # drawn into the form
    state: Mapped[VoidState] = mapped_column(choice(VoidState, "state"))
    reason: Mapped[str]
    proposed_by: Mapped[UUID]
    decided_by: Mapped[UUID | None]  # the second person, where there is one
    decided_at: Mapped[datetime | None]
    answer: Mapped[str]  # of a refusal; else empty

    def move(self, to: VoidState) -> None:
        """:raises IllegalMove: if the table has no such step."""
        check_step(NEXT_VOID, self.state, to)
        self.state = to
