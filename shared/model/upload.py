"""Files on their way in: what is durable so far, in parts, so that a phone can go on where it was cut off."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.model.base import Base, OfOffice, belongs_to, choice
from shared.model.states import NEXT_UPLOAD, UploadState, check_step


class Upload(OfOffice, Base):
    """One file that a phone has begun to send. Whole, it becomes a ``StoredFile`` in the same transaction."""

    __tablename__ = "upload"
    __table_args__ = (
        belongs_to("submission_id", "submission"),
        belongs_to("file_id", "stored_file"),
        UniqueConstraint("office_id", "submission_id", "attempt"),
        CheckConstraint("size > 0", name="size"),
        CheckConstraint("kept >= 0 AND kept <= size", name="kept"),
        CheckConstraint("sha256 IS NULL OR length(sha256) = 64", name="sha256"),
        CheckConstraint("(state = 'whole') = (file_id IS NOT NULL)", name="file_when_whole"),
        CheckConstraint("(state = 'ended') = (ended_because IS NOT NULL)", name="ended_because"),
        Index(
            "ix_upload_open",
            "expires_at",
            postgresql_where=text("state = 'open'"),
            sqlite_where=text("state = 'open'"),
        ),
    )
    submission_id: Mapped[UUID]
    attempt: Mapped[UUID]  # drawn by the phone for each file it was given: asked for twice, it is one upload
    name: Mapped[str]
    size: Mapped[int]  # bytes, as announced
    sha256: Mapped[str | None]  # hex, as announced; None from a browser that cannot compute it
    replaces: Mapped[UUID | None]  # the file of the draft that goes out when this one is whole
    shot: Mapped[str | None]  # as ``StoredFile.shot``
    kept: Mapped[int]  # bytes durable so far: the sum of the parts
    state: Mapped[UploadState] = mapped_column(choice(UploadState, "state"))
    expires_at: Mapped[datetime]
    file_id: Mapped[UUID | None]
    ended_because: Mapped[str | None]  # removed, expired, or the reason's code of ``config.words.FILE_REFUSALS``

    def move(self, to: UploadState, *, because: str | None = None) -> None:
        """:raises IllegalMove: if the table has no such step."""
        check_step(NEXT_UPLOAD, self.state, to)
        self.ended_because = because if to is UploadState.ENDED else None
        self.state = to


class UploadPart(Base):
    """A stretch of an upload, durable under its own key. Two parts never begin at the same byte."""

    __tablename__ = "upload_part"
    __table_args__ = (
        belongs_to("upload_id", "upload"),
        CheckConstraint("start >= 0", name="start"),
        CheckConstraint("size > 0", name="size"),
    )
    office_id: Mapped[UUID] = mapped_column(primary_key=True)
    upload_id: Mapped[UUID] = mapped_column(primary_key=True)
    start: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int]  # bytes
    key: Mapped[str] = mapped_column(unique=True)
