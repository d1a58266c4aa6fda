"""What every table shares: names of constraints, ids, times, and the office as the first key."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import JSON, Date, DateTime, Dialect, Enum, ForeignKeyConstraint, MetaData, Text, TypeDecorator, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from uuid_utils.compat import uuid7

from shared import clock

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def new_id() -> UUID:
    """UUIDv7: ours, unguessable enough for a key, and in the order of creation."""
    return uuid7()


class UtcTime(TypeDecorator[datetime]):
    """Aware datetimes in UTC. SQLite forgets the zone, so it is taken off and put back here."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def choice(kind: type[StrEnum], column: str) -> Enum:
    """A word of ``kind``, kept by value as VARCHAR with a CHECK.

    The CHECK is named after the column: two columns of one enum in one table would clash on PostgreSQL.
    """
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=20,
        name=column,
        values_callable=lambda words: [word.value for word in words],
    )


class Base(DeclarativeBase):
    """Every row gets its id when it is made, not when it is flushed."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcTime(),
        date: Date(),
        UUID: Uuid(),
        str: Text(),
        dict[str, Any]: JSON(),
    }

    def __init__(self, **given: Any) -> None:
        columns = type(self).__mapper__.columns
        if "id" in columns:
            given.setdefault("id", new_id())
        if "created_at" in columns:
            given.setdefault("created_at", clock.now())
        for name, value in given.items():
            if not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} has no {name}")
            setattr(self, name, value)


class OfOffice:
    """A row that belongs to one welfare office. ``office_id`` is the wall between offices and comes first."""

    office_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-3)
    id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-2)
    created_at: Mapped[datetime] = mapped_column(sort_order=-1)


def of_office() -> ForeignKeyConstraint:
    """The foreign key to the office itself."""
    return ForeignKeyConstraint(["office_id"], ["welfare_office.id"])


def belongs_to(column: str, table: str) -> ForeignKeyConstraint:
    """A foreign key that can only point into the same office."""
    return ForeignKeyConstraint(["office_id", column], [f"{table}.office_id", f"{table}.id"])
