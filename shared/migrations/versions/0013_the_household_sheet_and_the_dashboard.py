"""Why somebody opened a protected household, and what the supervisor's figures are counted by.

A new table and indexes: a release before goes on working beside them.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0013", "0012"


def upgrade() -> None:
    op.create_table(
        "household_look",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_household_look"),
        _belongs("household_id", "household"),
        _belongs("staff_id", "staff_member"),
        sa.CheckConstraint("length(reason) >= 1", name=op.f("ck_household_look_reason")),
    )
    op.create_index("ix_household_look_household", "household_look", ["office_id", "household_id", "created_at"])
    op.create_index("ix_submission_arrived", "submission", ["office_id", "arrived_at"])
    op.create_index("ix_correction_asked", "correction", ["office_id", "asked_at"])


def downgrade() -> None:
    op.drop_index("ix_correction_asked", "correction")
    op.drop_index("ix_submission_arrived", "submission")
    op.drop_table("household_look")


def _belongs(column: str, other: str) -> sa.ForeignKeyConstraint:
    names = (f"{other}.office_id", f"{other}.id")
    return sa.ForeignKeyConstraint(["office_id", column], names, name=f"fk_household_look_office_id_{column}")
