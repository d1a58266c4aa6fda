"""The questions of the income report, good answers to them, and what became of an answer."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared.model import SubmissionVersion
from tests import factories
from tests.portal.pages import Page
from tests.portal.phone import Phone

Make = sessionmaker[Session]
SCREENS = {
    "employer": ("employer",),
    "days": ("work_days",),
    "gross": ("gross_yen",),
    "deductions": ("social_insurance_yen", "income_tax_yen", "commuting_yen"),
}
GOOD = {
    "employer": "株式会社みほん清掃",
    "work_days": "18",
    "gross_yen": "85400",
    "social_insurance_yen": "470",
    "income_tax_yen": "0",
    "commuting_yen": "2600",
}
ALL = [(screen, field) for screen, fields in SCREENS.items() for field in fields]


def line(make_session: Make, submission_id: UUID) -> dict[str, object]:
    """The answers about the first job that are kept in the newest version."""
    with make_session() as session:
        version = session.scalars(
            select(SubmissionVersion)
            .where(SubmissionVersion.submission_id == submission_id)
            .order_by(SubmissionVersion.no.desc())
        ).first()
        assert version is not None
        return factories.wage(session, version)


def write(phone: Phone, submission_id: UUID, screen: str, **typed: str | bytes) -> Page:
    phone.open(f"/forms/{submission_id}/jobs/0/{screen}")
    usual = {field: GOOD[field] for field in SCREENS[screen]}
    return phone.press(**{**usual, **typed})
