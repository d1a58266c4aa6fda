"""The public half of an office's seals: what the portal hands out, so that anybody can check a signature."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped

from shared.model.base import Base, OfOffice, of_office


class SealCertificate(OfOffice, Base):
    """One certificate of an office with its chain. The key lies with the worker and nowhere here."""

    __tablename__ = "seal_certificate"
    __table_args__ = (
        of_office(),
        UniqueConstraint("office_id", "fingerprint"),
        CheckConstraint("length(fingerprint) = 64", name="fingerprint"),
        CheckConstraint("not_before < not_after", name="validity"),
    )
    fingerprint: Mapped[str]  # SHA-256 of the certificate, in hexadecimal
    chain: Mapped[str]  # PEM; its own first
    not_before: Mapped[datetime]
    not_after: Mapped[datetime]
    retired_at: Mapped[datetime | None]  # it signs no more; what it has signed stays valid
    revoked: Mapped[bool]  # its key got into other hands
