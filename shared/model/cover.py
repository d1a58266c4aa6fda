"""Who stands in for whom, who looks after whom from now on, and what those concerned have been told."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.model.base import Base, OfOffice, belongs_to, choice


class Cover(OfOffice, Base):
    """代わり: from a day until a day a colleague looks after somebody's households, too."""

    __tablename__ = "cover"
    __table_args__ = (
        belongs_to("absent_id", "staff_member"),
        belongs_to("cover_id", "staff_member"),
        belongs_to("set_by", "staff_member"),
        belongs_to("ended_by", "staff_member"),
        UniqueConstraint("office_id", "attempt"),
        CheckConstraint("absent_id <> cover_id", name="two_people"),
        CheckConstraint("until_day >= from_day", name="days"),
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended_by_somebody"),
        Index("ix_cover_cover", "office_id", "cover_id", "until_day"),
        Index("ix_cover_until", "office_id", "until_day"),
    )
    absent_id: Mapped[UUID]  # whose households
    cover_id: Mapped[UUID]  # who stands in
    from_day: Mapped[date]
    until_day: Mapped[date]  # the last one
    protected: Mapped[bool]  # the protected households, too: only a supervisor says so
    attempt: Mapped[UUID]
    set_by: Mapped[UUID]
    ended_at: Mapped[datetime | None]  # before its last day was over
    ended_by: Mapped[UUID | None]


class Reassignment(OfOffice, Base):
    """担当替え: households that got another caseworker, or another district, in one go."""

    __tablename__ = "reassignment"
    __table_args__ = (
        belongs_to("set_by", "staff_member"),
        UniqueConstraint("office_id", "attempt"),
        CheckConstraint("moved >= 0 AND districts >= 0", name="counts"),
    )
    attempt: Mapped[UUID]
    set_by: Mapped[UUID]
    moved: Mapped[int]  # households with another caseworker now
    districts: Mapped[int]  # households with another district now


class News(StrEnum):
    """What a member of staff is told about her households. The sentences live in the pages."""

    COVERED = "covered"  # somebody stands in for her
    COVERS = "covers"  # she stands in for somebody
    COVER_ENDED = "cover_ended"  # earlier than was said
    GAVE = "gave"  # households have gone to others
    GOT = "got"  # households have come to her


class HouseholdNews(OfOffice, Base):
    """One thing somebody is told on her first page until she has put it away."""

    __tablename__ = "household_news"
    __table_args__ = (
        belongs_to("staff_id", "staff_member"),
        belongs_to("by_id", "staff_member"),
        belongs_to("cover_id", "cover"),
        belongs_to("reassignment_id", "reassignment"),
        CheckConstraint("(cover_id IS NULL) <> (reassignment_id IS NULL)", name="about_one"),
        CheckConstraint("(reassignment_id IS NULL) = (count IS NULL)", name="count"),
        Index(
            "ix_household_news_unseen",
            "office_id",
            "staff_id",
            postgresql_where=text("seen_at IS NULL"),
            sqlite_where=text("seen_at IS NULL"),
        ),
    )
    staff_id: Mapped[UUID]  # who is told
    what: Mapped[News] = mapped_column(choice(News, "what"))
    by_id: Mapped[UUID]  # who did it
    cover_id: Mapped[UUID | None]
    reassignment_id: Mapped[UUID | None]
    count: Mapped[int | None]  # households
    seen_at: Mapped[datetime | None]
