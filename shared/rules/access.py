"""Who may open what inside an office. Another office's row is not even looked for."""

from __future__ import annotations

from uuid import UUID

from shared.errors import NotThere
from shared.model.people import Role


def may_open(
    role: Role, staff_id: UUID, *, caseworker_id: UUID, protected: bool, covers_protected: bool = False
) -> bool:
    """Whether a member of staff may see a household's papers.

    Colleagues look in for each other, except where a household is protected: then only its own caseworker, who stands
    in for her by a supervisor's word, and the supervisor. Administrators run the office and read no papers; clerks read
    what a receipt needs.

    :param covers_protected: she stands in for its caseworker today, for the protected households, too.
    """
    match role:
        case Role.SUPERVISOR:
            return True
        case Role.CASEWORKER:
            return staff_id == caseworker_id or not protected or covers_protected
        case Role.CLERK | Role.ADMINISTRATOR:
            return False


def may_name(role: Role, *, protected: bool) -> bool:
    """Whether a list of many households says the names of this one.

    Lists are printed and carried about. So a protected household stands in them by its number for everybody but the
    supervisor, and administrators, who run the office and read no papers, see numbers only.
    """
    match role:
        case Role.SUPERVISOR:
            return True
        case Role.CASEWORKER | Role.CLERK:
            return not protected
        case Role.ADMINISTRATOR:
            return False


def may_decide(role: Role) -> bool:
    """Whether this role accepts papers or asks for a correction."""
    return role in (Role.CASEWORKER, Role.SUPERVISOR)


def only_for_supervisors(role: Role) -> None:
    """:raises NotThere: for every other role."""
    if role is not Role.SUPERVISOR:
        raise NotThere
