"""公印 and signature of an office as pictures, each from a day on."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.model.base import Base, OfOffice, belongs_to, choice, of_office
from shared.model.states import NEXT_STAMP, StampState, check_step


class StampKind(StrEnum):
    """Which picture."""

    STAMP = "stamp"  # 公印
    SIGNATURE = "signature"


class OfficeStamp(OfOffice, Base):
    """A picture that is drawn on certificates issued from a day on. Never changed: another one follows it.

    What came lies under ``sent_key`` until the worker has drawn it anew in the locked room; ``key`` is what was drawn.
    """

    __tablename__ = "office_stamp"
    __table_args__ = (
        of_office(),
        belongs_to("set_by", "staff_member"),
        UniqueConstraint("office_id", "attempt"),
        CheckConstraint("(state = 'drawn') = (key IS NOT NULL)", name="drawn"),
        CheckConstraint("(key IS NULL) = (sha256 IS NULL) AND (key IS NULL) = (size IS NULL)", name="whole"),
        CheckConstraint("(state = 'refused') = (refused_because IS NOT NULL)", name="refused"),
    )
    kind: Mapped[StampKind] = mapped_column(choice(StampKind, "kind"))
    state: Mapped[StampState] = mapped_column(choice(StampState, "state"))
    from_day: Mapped[date]
    set_by: Mapped[UUID]
    attempt: Mapped[UUID]  # drawn into the form
    sent_kind: Mapped[str]  # jpeg or png
    sent_size: Mapped[int]
    sent_sha256: Mapped[str]
    sent_key: Mapped[str | None]  # None once it was drawn or refused
    key: Mapped[str | None]
    size: Mapped[int | None]
    sha256: Mapped[str | None]
    refused_because: Mapped[str | None]

    def move(self, to: StampState, because: str | None = None) -> None:
        """:raises IllegalMove: if the table has no such step."""
        check_step(NEXT_STAMP, self.state, to)
        self.state, self.refused_because = to, because
