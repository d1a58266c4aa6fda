"""Who may say that somebody stands in for somebody, and for how long. Pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final
from uuid import UUID

from shared.model.people import Role

LONGEST: Final = timedelta(days=366)


def may_set(role: Role, staff_id: UUID, *, absent_id: UUID, cover_id: UUID) -> bool:
    """A caseworker for herself, whichever of the two she is; a supervisor for anybody."""
    match role:
        case Role.SUPERVISOR:
            return True
        case Role.CASEWORKER:
            return staff_id in (absent_id, cover_id)
        case Role.CLERK | Role.ADMINISTRATOR:
            return False


def may_open_protected(role: Role) -> bool:
    """Whether a cover set by this role may open the protected households, too."""
    return role is Role.SUPERVISOR


def days_hold(from_day: date, until_day: date, today: date) -> bool:
    """Whether these are days a cover can be set for: to come, in order, and not for ever."""
    return today <= from_day <= until_day <= today + LONGEST
