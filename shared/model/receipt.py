"""受領証: the numbered certificate a clerk issues. Its content is frozen at issue."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.model.base import Base, OfOffice, belongs_to, choice
from shared.model.states import NEXT_RECEIPT, ReceiptState, check_step


class Receipt(OfOffice, Base):
    """``content`` is what the paper says, word for word; the PDF is drawn from it and kept with its hash."""

    __tablename__ = "receipt"
    __table_args__ = (
        belongs_to("submission_id", "submission"),
        belongs_to("version_id", "submission_version"),
        belongs_to("issued_by", "staff_member"),
        belongs_to("entry_id", "log_entry"),
        belongs_to("voided_by", "staff_member"),
        belongs_to("replaces_id", "receipt"),
        UniqueConstraint("office_id", "document_no"),
        UniqueConstraint("token"),
        CheckConstraint("length(token) = 32 AND length(check_code) = 8", name="checks"),
        CheckConstraint(
            "(state = 'voided') = (voided_at IS NOT NULL AND voided_by IS NOT NULL AND void_reason IS NOT NULL)",
            name="voided_why",
        ),
        CheckConstraint("(pdf_key IS NULL) = (pdf_sha256 IS NULL)", name="pdf_with_hash"),
        Index("ix_receipt_check_code", "check_code"),
        Index(
            "uq_receipt_one_issued",
            "office_id",
            "submission_id",
            unique=True,
            postgresql_where=text("state = 'issued'"),
            sqlite_where=text("state = 'issued'"),
        ),
    )
    submission_id: Mapped[UUID]
    version_id: Mapped[UUID]
    document_no: Mapped[str]  # 文書番号
    state: Mapped[ReceiptState] = mapped_column(choice(ReceiptState, "state"))
    issued_by: Mapped[UUID]
    issued_at: Mapped[datetime]
    content: Mapped[dict[str, Any]]
    token: Mapped[str]  # what the QR code leads by: 128 bits in hexadecimal, of the whole installation
    check_code: Mapped[str]  # printed beside the number, for those who type
    entry_id: Mapped[UUID | None]  # the journal's entry of the issue, which holds the hash of ``content``
    replaces_id: Mapped[UUID | None]  # the voided one this was issued anew for
    voided_at: Mapped[datetime | None]
    voided_by: Mapped[UUID | None]
    void_reason: Mapped[str | None]
    pdf_key: Mapped[str | None]  # None until the worker has drawn it
    pdf_sha256: Mapped[str | None]

    def move(self, to: ReceiptState) -> None:
        """:raises IllegalMove: if the table has no such step."""
        check_step(NEXT_RECEIPT, self.state, to)
        self.state = to
