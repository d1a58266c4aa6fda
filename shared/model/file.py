"""Files as they came, and the safe copies staff see instead."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.model.base import Base, OfOffice, belongs_to, choice
from shared.model.states import NEXT_FILE, FileState, check_step


class StoredFile(OfOffice, Base):
    """One file a recipient sent. ``key`` is ours and random; ``name`` is only what the person called it."""

    __tablename__ = "stored_file"
    __table_args__ = (
        belongs_to("submission_id", "submission"),
        UniqueConstraint("office_id", "submission_id", "attempt", "part"),
        CheckConstraint("size > 0", name="size"),
        CheckConstraint("length(sha256) = 64", name="sha256"),
        CheckConstraint("(state = 'refused') = (refused_because IS NOT NULL)", name="refused_because"),
        CheckConstraint("state <> 'safe' OR (pages IS NOT NULL AND pages >= 1)", name="pages_when_safe"),
        Index("ix_stored_file_sha256", "office_id", "sha256"),
        Index("uq_stored_file_copy_key", "copy_key", unique=True),
    )
    submission_id: Mapped[UUID]
    attempt: Mapped[UUID]  # of the upload form, with ``part`` its place in it: a double tap is one file
    part: Mapped[int]
    name: Mapped[str]
    kind: Mapped[str]  # a ``uploads.checks.Kind``: by content
    size: Mapped[int]  # bytes
    sha256: Mapped[str]  # hex, of the bytes as they came
    key: Mapped[str] = mapped_column(unique=True)
    shot: Mapped[str | None]  # which guided photo it is; a key of ``rules.forms.form.SHOTS``
    state: Mapped[FileState] = mapped_column(choice(FileState, "state"))
    refused_because: Mapped[str | None]
    pages: Mapped[int | None]
    received_at: Mapped[datetime]
    copy_key: Mapped[str | None]  # all safe pages in one PDF of ours, with the text laid invisibly back
    copy_size: Mapped[int | None]  # bytes
    copy_sha256: Mapped[str | None]
    original_destroyed_at: Mapped[datetime | None]  # kept long enough, and destroyed by two people's decision
    copies_destroyed_at: Mapped[datetime | None]  # the PDF and the pages
    thumbs_destroyed_at: Mapped[datetime | None]

    def move(self, to: FileState, *, because: str | None = None) -> None:
        """:raises IllegalMove: if the table has no such step."""
        check_step(NEXT_FILE, self.state, to)
        self.refused_because = because if to is FileState.REFUSED else None
        self.state = to


class VersionFile(Base):
    """Which files a version is sent with, in which order. A file may stand in several versions."""

    __tablename__ = "version_file"
    __table_args__ = (
        belongs_to("version_id", "submission_version"),
        belongs_to("file_id", "stored_file"),
        Index("ix_version_file_file", "office_id", "file_id"),
    )
    office_id: Mapped[UUID] = mapped_column(primary_key=True)
    version_id: Mapped[UUID] = mapped_column(primary_key=True)
    file_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int]


class SafeCopy(OfOffice, Base):
    """One page drawn anew from pixels: an upright JPEG and its thumbnail, without anything of the original's bytes."""

    __tablename__ = "safe_copy"
    __table_args__ = (
        belongs_to("file_id", "stored_file"),
        UniqueConstraint("office_id", "file_id", "page"),
        CheckConstraint("page >= 1", name="page"),
    )
    file_id: Mapped[UUID]
    page: Mapped[int]
    key: Mapped[str] = mapped_column(unique=True)
    thumb_key: Mapped[str] = mapped_column(unique=True)
    width: Mapped[int]  # pixels
    height: Mapped[int]
    size: Mapped[int]  # bytes
    sha256: Mapped[str]
    text: Mapped[str | None]  # what the source's own text layer says on this page
    look: Mapped[str | None]  # hex of a perceptual hash: pages that look alike differ in few bits
    lines: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True), deferred=True)
    """Where the text stands: [text, x, y, width, height] each, in parts of the page from its upper left corner. Long,
    so it is read only where it is asked for. None: there is no text, or a release before has drawn the page."""


class How(StrEnum):
    """In what way two files of one household are like each other."""

    SAME = "same"  # the same bytes
    ALIKE = "alike"  # a page that looks like it: the same paper photographed again, perhaps


class Likeness(Base):
    """A file that is like an earlier one of the same household. It warns; it never blocks."""

    __tablename__ = "likeness"
    __table_args__ = (
        belongs_to("file_id", "stored_file"),
        belongs_to("earlier_id", "stored_file"),
        CheckConstraint("file_id <> earlier_id", name="another"),
        Index("ix_likeness_earlier", "office_id", "earlier_id"),
    )
    office_id: Mapped[UUID] = mapped_column(primary_key=True)
    file_id: Mapped[UUID] = mapped_column(primary_key=True)
    earlier_id: Mapped[UUID] = mapped_column(primary_key=True)
    how: Mapped[How] = mapped_column(choice(How, "how"))


class OriginalFetch(OfOffice, Base):
    """Somebody took an original out of quarantine: who, which, and why in her own words."""

    __tablename__ = "original_fetch"
    __table_args__ = (
        belongs_to("file_id", "stored_file"),
        belongs_to("staff_id", "staff_member"),
        CheckConstraint("length(reason) >= 1", name="reason"),
    )
    file_id: Mapped[UUID]
    staff_id: Mapped[UUID]
    reason: Mapped[str]
