"""Declared forms, messages, dated rules of what is due, what a member does, and what must be seen first.

New tables, new columns with a value for old rows, and two wider CHECKs: a release before goes on working beside it.
The way back refuses while something of a new kind is kept: nothing that arrived is thrown away by a downgrade.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0007", "0006"

TIME = sa.DateTime(timezone=True)
FIRST = "'income_report'"
KINDS = (
    "'income_report', 'status_check_in', 'change_notice', 'illness_notice', 'asset_report', 'job_search_report', "
    "'room_photos', 'proofs', 'message'"
)


def upgrade() -> None:
    _kinds(KINDS)
    op.add_column("submission", sa.Column("urgent", sa.Boolean(), server_default=sa.false(), nullable=False))
    with op.batch_alter_table("member") as member:
        member.add_column(sa.Column("situation", sa.String(20), server_default="other", nullable=False))
        member.create_check_constraint(op.f("ck_member_situation"), "situation IN ('working', 'seeking', 'other')")
    op.create_table(
        "duty_rule",
        *_ids(),
        sa.Column("household_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("situation", sa.String(20), nullable=True),
        sa.Column("every_months", sa.Integer(), nullable=False),
        sa.Column("first_month", sa.Integer(), nullable=False),
        sa.Column("due_day", sa.Integer(), nullable=False),
        sa.Column("from_month", sa.Date(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_duty_rule"),
        sa.ForeignKeyConstraint(["office_id"], ["welfare_office.id"], name="fk_duty_rule_office_id"),
        _belongs("duty_rule", "household_id", "household"),
        _belongs("duty_rule", "set_by", "staff_member"),
        sa.UniqueConstraint(
            "office_id",
            "household_id",
            "kind",
            "situation",
            "from_month",
            name="uq_duty_rule_office_id_household_id_kind_situation_from_month",
        ),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("ck_duty_rule_kind")),
        sa.CheckConstraint("situation IN ('working', 'seeking', 'other')", name=op.f("ck_duty_rule_situation")),
        sa.CheckConstraint("every_months BETWEEN 0 AND 12", name=op.f("ck_duty_rule_every_months")),
        sa.CheckConstraint("first_month BETWEEN 1 AND 12", name=op.f("ck_duty_rule_first_month")),
        sa.CheckConstraint("due_day BETWEEN 1 AND 28", name=op.f("ck_duty_rule_due_day")),
    )
    op.create_table(
        "message",
        *_ids(),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Uuid(), nullable=False),
        sa.Column("sent_at", TIME, nullable=False),
        sa.Column("read_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_message"),
        _belongs("message", "household_id", "household"),
        _belongs("message", "member_id", "member"),
        _belongs("message", "staff_id", "staff_member"),
        _belongs("message", "submission_id", "submission"),
        sa.UniqueConstraint("office_id", "attempt", name="uq_message_office_id_attempt"),
        sa.CheckConstraint("length(text) BETWEEN 1 AND 2000", name=op.f("ck_message_text")),
    )
    op.create_index("ix_message_member", "message", ["office_id", "member_id", "sent_at"])
    op.create_table(
        "filled_form",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("form_version", sa.Integer(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_filled_form"),
        _belongs("filled_form", "id", "submission_version"),
        _belongs("filled_form", "message_id", "message"),
        sa.CheckConstraint("form_version >= 1", name=op.f("ck_filled_form_form_version")),
    )
    op.create_table(
        "absent_paper",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("why", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "version_id", name="pk_absent_paper"),
        _belongs("absent_paper", "version_id", "submission_version"),
        sa.CheckConstraint("why IN ('later', 'lost', 'never', 'not_mine')", name=op.f("ck_absent_paper_why")),
    )
    op.create_table(
        "form_setting",
        *_ids(),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("left_out", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_form_setting"),
        sa.ForeignKeyConstraint(["office_id"], ["welfare_office.id"], name="fk_form_setting_office_id"),
        sa.UniqueConstraint("office_id", "kind", "from_day", name="uq_form_setting_office_id_kind_from_day"),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("ck_form_setting_kind")),
    )


def downgrade() -> None:
    for table in ("form_setting", "absent_paper", "filled_form", "message", "duty_rule"):
        op.drop_table(table)
    with op.batch_alter_table("member") as member:
        member.drop_constraint("ck_member_situation", type_="check")
        member.drop_column("situation")
    op.drop_column("submission", "urgent")
    _kinds(FIRST)


def _kinds(allowed: str) -> None:
    """Let a duty and a submission be of one of these kinds; SQLite writes the tables anew for it."""
    for table in ("duty", "submission"):
        with op.batch_alter_table(table) as changed:
            changed.drop_constraint(f"ck_{table}_kind", type_="check")
            changed.create_check_constraint(op.f(f"ck_{table}_kind"), f"kind IN ({allowed})")


def _ids() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
    )


def _belongs(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    names = (f"{other}.office_id", f"{other}.id")
    return sa.ForeignKeyConstraint(["office_id", column], names, name=f"fk_{table}_office_id_{column}")
