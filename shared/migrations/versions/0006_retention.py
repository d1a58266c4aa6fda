"""How long what is kept: dated rules, holds, lists that two people decide, and the log of what was destroyed.

New tables only: safe with any release before, no lock on anything in use.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0006", "0005"


def upgrade() -> None:
    op.create_table(
        "retention_rule",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("what", sa.String(20), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_retention_rule"),
        sa.ForeignKeyConstraint(["office_id"], ["welfare_office.id"], name="fk_retention_rule_office_id"),
        sa.ForeignKeyConstraint(
            ["office_id", "set_by"],
            ["staff_member.office_id", "staff_member.id"],
            name="fk_retention_rule_office_id_set_by",
        ),
        sa.UniqueConstraint("office_id", "what", "from_day", name="uq_retention_rule_office_id_what_from_day"),
        sa.CheckConstraint("days >= 1", name=op.f("ck_retention_rule_days")),
        sa.CheckConstraint(
            "what IN ('partial_upload', 'withdrawn_draft', 'thumbnail', 'original', 'safe_copy')",
            name=op.f("ck_retention_rule_what"),
        ),
    )
    op.create_table(
        "legal_hold",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_by", sa.Uuid(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_legal_hold"),
        sa.ForeignKeyConstraint(
            ["office_id", "household_id"],
            ["household.office_id", "household.id"],
            name="fk_legal_hold_office_id_household_id",
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "lifted_by"],
            ["staff_member.office_id", "staff_member.id"],
            name="fk_legal_hold_office_id_lifted_by",
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "placed_by"],
            ["staff_member.office_id", "staff_member.id"],
            name="fk_legal_hold_office_id_placed_by",
        ),
        sa.CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name=op.f("ck_legal_hold_lifted_by_somebody")),
        sa.CheckConstraint("length(reason) >= 1", name=op.f("ck_legal_hold_reason")),
    )
    op.create_index("ix_legal_hold_household", "legal_hold", ["office_id", "household_id"])
    op.create_table(
        "disposal",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_disposal"),
        sa.ForeignKeyConstraint(["office_id"], ["welfare_office.id"], name="fk_disposal_office_id"),
        sa.ForeignKeyConstraint(
            ["office_id", "decided_by"],
            ["staff_member.office_id", "staff_member.id"],
            name="fk_disposal_office_id_decided_by",
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "proposed_by"],
            ["staff_member.office_id", "staff_member.id"],
            name="fk_disposal_office_id_proposed_by",
        ),
        sa.CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name=op.f("ck_disposal_decided")),
        sa.CheckConstraint("(decided_at IS NULL) = (decided_by IS NULL)", name=op.f("ck_disposal_decided_by_somebody")),
        sa.CheckConstraint("state IN ('proposed', 'approved', 'done', 'dropped')", name=op.f("ck_disposal_state")),
        sa.CheckConstraint(
            "decided_by IS NULL OR state = 'dropped' OR decided_by <> proposed_by", name=op.f("ck_disposal_two_people")
        ),
    )
    op.create_table(
        "disposal_item",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disposal_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.String(20), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("destroyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("spared_because", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_disposal_item"),
        sa.ForeignKeyConstraint(
            ["office_id", "disposal_id"],
            ["disposal.office_id", "disposal.id"],
            name="fk_disposal_item_office_id_disposal_id",
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "file_id"],
            ["stored_file.office_id", "stored_file.id"],
            name="fk_disposal_item_office_id_file_id",
        ),
        sa.UniqueConstraint(
            "office_id", "disposal_id", "file_id", "what", name="uq_disposal_item_office_id_disposal_id_file_id_what"
        ),
        sa.CheckConstraint("destroyed_at IS NULL OR spared_because IS NULL", name=op.f("ck_disposal_item_one_end")),
        sa.CheckConstraint(
            "what IN ('partial_upload', 'withdrawn_draft', 'thumbnail', 'original', 'safe_copy')",
            name=op.f("ck_disposal_item_what"),
        ),
    )


def downgrade() -> None:
    for table in ("disposal_item", "disposal", "legal_hold", "retention_rule"):
        op.drop_table(table)
