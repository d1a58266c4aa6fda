"""What the role that the apps and the worker use may do in PostgreSQL: add to what is proof, and never change it.

The tables belong to another role, the one that migrates. Only an owner can switch a trigger off, so what the triggers
refuse stays refused, and the rights below refuse it a second time.
"""

from __future__ import annotations

import re
from typing import Final

from shared.model import Base

APPEND_ONLY: Final = frozenset(
    {
        *("closing_kind", "closing_signature", "day_closing", "household_look", "log_entry", "log_node"),
        *("original_fetch", "reassignment", "step", "tree_head"),
    }
)
"""Rows are added and never changed."""

DELETED_FROM: Final = frozenset(
    {
        *("absent_paper", "bulk", "bulk_item", "claim", "claim_wish", "closed_day", "danger_word", "likeness"),
        *(
            "parked_form",
            "presence",
            "reason_words",
            "receipt_batch",
            "receipt_batch_item",
            "safe_copy",
            "saved_view",
            "staff_notice",
            "tries",
        ),
        *("upload_part", "version_file", "worker_sighting"),
    }
)
"""What the product itself forgets: drafts, leases, wishes, copies that are drawn anew. Nothing else loses a row."""

_ROLE: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class NotARole(ValueError):
    """A name that is no plain name of a role."""


def grants(role: str) -> list[str]:
    """The statements that give a role what it needs and take everything else. Twice is once; again after a migration.

    :raises NotARole: for a name that would have to be quoted.
    """
    if not _ROLE.fullmatch(role):
        raise NotARole(f"{role!r}: small letters, digits and _ only")
    return [
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}",
        f"REVOKE ALL ON SCHEMA public FROM {role}",
        f"GRANT USAGE ON SCHEMA public TO {role}",
        f"GRANT SELECT ON alembic_version TO {role}",
        *(f"GRANT {rights(table.name)} ON {table.name} TO {role}" for table in Base.metadata.sorted_tables),
    ]


def rights(table: str) -> str:
    """What the role may do with one table."""
    if table in APPEND_ONLY:
        return "SELECT, INSERT"
    return "SELECT, INSERT, UPDATE, DELETE" if table in DELETED_FROM else "SELECT, INSERT, UPDATE"
