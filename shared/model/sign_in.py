"""How people come in: invitation letters, secrets, and server-side sessions that die on sign-out."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.model.base import Base, OfOffice, belongs_to, choice
from shared.model.states import NEXT_INVITATION, InvitationState, check_step


class PortalAccount(OfOffice, Base):
    """A member of a household who uses the portal."""

    __tablename__ = "portal_account"
    __table_args__ = (belongs_to("member_id", "member"), UniqueConstraint("office_id", "member_id"))
    member_id: Mapped[UUID]


class Invitation(OfOffice, Base):
    """The code of one letter. Only its hash is kept: 12 characters of 31 are about 59 bits, so SHA-256 is enough."""

    __tablename__ = "invitation"
    __table_args__ = (
        belongs_to("account_id", "portal_account"),
        CheckConstraint("(state = 'open') = (used_at IS NULL) OR state = 'replaced'", name="used_at"),
        Index("ix_invitation_account", "office_id", "account_id"),
    )
    account_id: Mapped[UUID]
    code_hash: Mapped[str] = mapped_column(unique=True)
    state: Mapped[InvitationState] = mapped_column(choice(InvitationState, "state"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    def move(self, to: InvitationState, at: datetime) -> None:
        """:raises IllegalMove: if the table has no such step."""
        check_step(NEXT_INVITATION, self.state, to)
        if to is InvitationState.USED:
            self.used_at = at
        self.state = to


class Credential(OfOffice, Base):
    """What a person knows: a recipient's 暗証番号 or a member of staff's password, as an Argon2 hash."""

    __tablename__ = "credential"
    __table_args__ = (
        belongs_to("account_id", "portal_account"),
        belongs_to("staff_id", "staff_member"),
        UniqueConstraint("office_id", "account_id"),
        UniqueConstraint("office_id", "staff_id"),
        CheckConstraint("(account_id IS NULL) <> (staff_id IS NULL)", name="one_owner"),
    )
    account_id: Mapped[UUID | None]
    staff_id: Mapped[UUID | None]
    secret_hash: Mapped[str]


class Tries(Base):
    """Wrong secrets in a row for one name, whether or not anybody has it: so that waiting gives nobody away.

    ``shared.public_check`` counts here, too; there ``wait_until`` is the end of the time in which it counts.
    """

    __tablename__ = "tries"
    __table_args__ = (CheckConstraint("failures >= 0", name="failures"),)
    name_hash: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]  # in a row; a right answer clears it
    wait_until: Mapped[datetime | None]  # after five wrong ones
    last_at: Mapped[datetime] = mapped_column(index=True)  # forgotten a day later


class SignIn(OfOffice, Base):
    """A server-side session. The cookie holds a random token; here stands its hash. Ended is ended."""

    __tablename__ = "sign_in"
    __table_args__ = (
        belongs_to("account_id", "portal_account"),
        belongs_to("staff_id", "staff_member"),
        CheckConstraint("(account_id IS NULL) <> (staff_id IS NULL)", name="one_owner"),
        Index(
            "ix_sign_in_open",
            "expires_at",
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
    )
    account_id: Mapped[UUID | None]
    staff_id: Mapped[UUID | None]
    token_hash: Mapped[str] = mapped_column(unique=True)
    shared_device: Mapped[bool]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ParkedForm(Base):
    """What somebody had typed when the session was gone. Given back once after signing in; kept for an hour."""

    __tablename__ = "parked_form"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(index=True)
    path: Mapped[str]
    fields: Mapped[dict[str, Any]]
