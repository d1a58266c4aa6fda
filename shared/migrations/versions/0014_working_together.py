"""Who looks at what, who wants what, hand-overs, notes among colleagues, and lists of one's own.

New tables, and columns that may be empty: a release before goes on working beside them. The way back loses them; what
was handed over stays in the hands it is in.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0014", "0013"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("step", sa.Column("handed_to", sa.Uuid(), nullable=True))
    with op.batch_alter_table("claim") as claim:
        claim.add_column(sa.Column("handed_by", sa.Uuid(), nullable=True))
        claim.create_foreign_key(
            "fk_claim_office_id_handed_by", "staff_member", ["office_id", "handed_by"], ["office_id", "id"]
        )
    op.create_table(
        "presence",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("office_id", "submission_id", "staff_id", name="pk_presence"),
        _belongs("presence", "submission_id", "submission"),
        _belongs("presence", "staff_id", "staff_member"),
    )
    op.create_table(
        "claim_wish",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("kept_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("office_id", "submission_id", "staff_id", name="pk_claim_wish"),
        sa.ForeignKeyConstraint(
            ["office_id", "submission_id"],
            ["claim.office_id", "claim.submission_id"],
            name="fk_claim_wish_office_id_submission_id",
            ondelete="CASCADE",
        ),
        _belongs("claim_wish", "staff_id", "staff_member"),
    )
    op.create_table(
        "note",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_note"),
        _belongs("note", "submission_id", "submission"),
        _belongs("note", "household_id", "household"),
        _belongs("note", "staff_id", "staff_member"),
        sa.UniqueConstraint("office_id", "attempt", name="uq_note_office_id_attempt"),
        sa.CheckConstraint("length(text) BETWEEN 1 AND 2000", name=op.f("ck_note_text")),
    )
    op.create_index("ix_note_submission", "note", ["office_id", "submission_id"])
    op.create_index("ix_note_household", "note", ["office_id", "household_id", "created_at"])
    op.create_table(
        "staff_notice",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.String(20), nullable=False),
        sa.Column("note_id", sa.Uuid(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("read_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_staff_notice"),
        _belongs("staff_notice", "staff_id", "staff_member"),
        _belongs("staff_notice", "by_id", "staff_member"),
        _belongs("staff_notice", "submission_id", "submission"),
        _belongs("staff_notice", "note_id", "note"),
        sa.CheckConstraint(
            "what IN ('mention', 'wish', 'kept', 'handed', 'taken_over')", name=op.f("ck_staff_notice_what")
        ),
        sa.CheckConstraint(
            "(what = 'mention') = (note_id IS NOT NULL)", name=op.f("ck_staff_notice_note_of_a_mention")
        ),
    )
    op.create_index("ix_staff_notice_staff", "staff_notice", ["office_id", "staff_id", "read_at"])
    op.create_table(
        "saved_view",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("chosen", sa.JSON(), nullable=False),
        sa.Column("tell_at", sa.Integer(), nullable=True),
        sa.Column("opened_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_saved_view"),
        _belongs("saved_view", "staff_id", "staff_member"),
        sa.UniqueConstraint("office_id", "staff_id", "name", name="uq_saved_view_office_id_staff_id_name"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 40", name=op.f("ck_saved_view_name")),
        sa.CheckConstraint("tell_at BETWEEN 1 AND 99", name=op.f("ck_saved_view_tell_at")),
    )


def downgrade() -> None:
    for table in ("saved_view", "staff_notice", "note", "claim_wish", "presence"):
        op.drop_table(table)
    with op.batch_alter_table("claim") as claim:
        claim.drop_constraint("fk_claim_office_id_handed_by", type_="foreignkey")
        claim.drop_column("handed_by")
    # A release before has no step from one pair of hands to another.
    op.execute("DELETE FROM step WHERE was = 'in_review' AND became = 'in_review'")
    op.drop_column("step", "handed_to")


def _belongs(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    names = (f"{other}.office_id", f"{other}.id")
    return sa.ForeignKeyConstraint(["office_id", column], names, name=f"fk_{table}_office_id_{column}")
