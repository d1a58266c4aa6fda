"""The office, its people, households and what is due.

New tables only: safe with any release before, no lock on anything in use.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None


def upgrade() -> None:
    op.create_table(
        "welfare_office",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("counter", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("hours", sa.Text(), nullable=False),
        sa.Column("document_prefix", sa.Text(), nullable=False),
        sa.Column("due_day", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_welfare_office"),
        sa.UniqueConstraint("code", name="uq_welfare_office_code"),
        sa.CheckConstraint("due_day BETWEEN 1 AND 28", name=op.f("ck_welfare_office_due_day")),
        sa.CheckConstraint("length(code) BETWEEN 2 AND 4", name=op.f("ck_welfare_office_code_length")),
    )
    op.create_table(
        "number_series",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("next_serial", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "series", "year", name="pk_number_series"),
        sa.CheckConstraint("next_serial >= 1", name=op.f("ck_number_series_next_serial")),
    )
    op.create_table(
        "staff_member",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_staff_member"),
        sa.ForeignKeyConstraint(["office_id"], ["welfare_office.id"], name="fk_staff_member_office_id"),
        sa.UniqueConstraint("login", name="uq_staff_member_login"),
        sa.CheckConstraint(
            "role IN ('caseworker', 'clerk', 'supervisor', 'administrator')", name=op.f("ck_staff_member_role")
        ),
    )
    op.create_table(
        "household",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("case_no", sa.Text(), nullable=False),
        sa.Column("caseworker_id", sa.Uuid(), nullable=False),
        sa.Column("protected", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_household"),
        sa.ForeignKeyConstraint(
            ["office_id", "caseworker_id"],
            ["staff_member.office_id", "staff_member.id"],
            name="fk_household_office_id_caseworker_id",
        ),
        sa.ForeignKeyConstraint(["office_id"], ["welfare_office.id"], name="fk_household_office_id"),
        sa.UniqueConstraint("office_id", "case_no", name="uq_household_office_id_case_no"),
    )
    op.create_index("ix_household_caseworker", "household", ["office_id", "caseworker_id"])
    op.create_table(
        "member",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kana", sa.Text(), nullable=False),
        sa.Column("is_head", sa.Boolean(), nullable=False),
        sa.Column("born_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_member"),
        sa.ForeignKeyConstraint(
            ["office_id", "household_id"],
            ["household.office_id", "household.id"],
            name="fk_member_office_id_household_id",
        ),
    )
    op.create_index("ix_member_household", "member", ["office_id", "household_id"])
    op.create_index(
        "uq_member_one_head",
        "member",
        ["office_id", "household_id"],
        unique=True,
        postgresql_where=sa.text("is_head"),
        sqlite_where=sa.text("is_head"),
    )
    op.create_table(
        "duty",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_duty"),
        sa.ForeignKeyConstraint(
            ["office_id", "household_id"],
            ["household.office_id", "household.id"],
            name="fk_duty_office_id_household_id",
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "member_id"], ["member.office_id", "member.id"], name="fk_duty_office_id_member_id"
        ),
        sa.UniqueConstraint("office_id", "member_id", "kind", "month", name="uq_duty_office_id_member_id_kind_month"),
        sa.CheckConstraint("kind IN ('income_report')", name=op.f("ck_duty_kind")),
        sa.CheckConstraint("due_on > month", name=op.f("ck_duty_due_after_month")),
    )


def downgrade() -> None:
    op.drop_table("duty")
    op.drop_table("member")
    op.drop_table("household")
    op.drop_table("staff_member")
    op.drop_table("number_series")
    op.drop_table("welfare_office")
