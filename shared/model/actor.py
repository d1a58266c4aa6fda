"""Who did it: a recipient, a member of staff, or the machine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID


class ActorKind(StrEnum):
    """Which kind of hand."""

    RECIPIENT = "recipient"
    STAFF = "staff"
    MACHINE = "machine"


@dataclass(frozen=True)
class Actor:
    """``id`` is the portal account's or the staff member's; the machine has none."""

    kind: ActorKind
    id: UUID | None = None

    @classmethod
    def recipient(cls, account_id: UUID) -> Actor:
        return cls(ActorKind.RECIPIENT, account_id)

    @classmethod
    def staff(cls, staff_id: UUID) -> Actor:
        return cls(ActorKind.STAFF, staff_id)


MACHINE: Final = Actor(ActorKind.MACHINE)
