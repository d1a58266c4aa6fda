"""How an issued certificate came to its person: on her screen, by post, over the counter."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.model.actor import ActorKind
from shared.model.base import Base, belongs_to, choice


class Way(StrEnum):
    """届け方: how somebody gets her certificates."""

    SCREEN = "screen"  # in the portal; nothing is sent on paper
    POST = "post"
    COUNTER = "counter"  # handed over


class Delivered(StrEnum):
    """What has happened with one certificate."""

    SEEN = "seen"  # the person saw it in her list
    DOWNLOADED = "downloaded"  # the person has the file
    PRINTED = "printed"
    POSTED = "posted"
    HANDED = "handed"  # over the counter
    RESENT = "resent"  # told again, or sent once more


class Delivery(Base):
    """One row a certificate and kind: first and last moment, by whom, how often. The journal has each by itself."""

    __tablename__ = "delivery"
    __table_args__ = (
        belongs_to("receipt_id", "receipt"),
        CheckConstraint("times >= 1 AND last_at >= first_at", name="order"),
    )
    office_id: Mapped[UUID] = mapped_column(primary_key=True)
    receipt_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[Delivered] = mapped_column(choice(Delivered, "kind"), primary_key=True)
    first_at: Mapped[datetime]
    by_kind: Mapped[ActorKind] = mapped_column(choice(ActorKind, "by_kind"))
    by_id: Mapped[UUID]  # who did it first: the portal account, or the member of staff
    last_at: Mapped[datetime]
    times: Mapped[int]


class DeliveryWay(Base):
    """How one person gets hers. Without a row it is the screen."""

    __tablename__ = "delivery_way"
    __table_args__ = (belongs_to("member_id", "member"), belongs_to("set_by", "staff_member"))
    office_id: Mapped[UUID] = mapped_column(primary_key=True)
    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    way: Mapped[Way] = mapped_column(choice(Way, "way"))
    set_by: Mapped[UUID]
    set_at: Mapped[datetime]
