"""Whom a duty is about and by which rule, what members did before, who has left, and the office's own calendar.

New tables, a column that may be empty and an index: a release before goes on working beside it. What is due already is
about the member it stands under, as it was until now.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0010", "0009"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("member", sa.Column("left_on", sa.Date(), nullable=True))
    op.create_index("ix_duty_due", "duty", ["office_id", "due_on", "id"])
    op.create_table(
        "earlier_situation",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("until_month", sa.Date(), nullable=False),
        sa.Column("situation", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "member_id", "until_month", name="pk_earlier_situation"),
        _belongs("earlier_situation", "member_id", "member"),
        sa.CheckConstraint("situation IN ('working', 'seeking', 'other')", name=op.f("ck_earlier_situation_situation")),
    )
    op.create_table(
        "duty_about",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("duty_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("office_id", "duty_id", "member_id", name="pk_duty_about"),
        _belongs("duty_about", "duty_id", "duty"),
        _belongs("duty_about", "member_id", "member"),
        _belongs("duty_about", "rule_id", "duty_rule"),
    )
    op.execute("INSERT INTO duty_about (office_id, duty_id, member_id) SELECT office_id, id, member_id FROM duty")
    op.create_table(
        "closed_day",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "day", name="pk_closed_day"),
        _of_office("closed_day"),
        sa.CheckConstraint("length(why) BETWEEN 1 AND 100", name=op.f("ck_closed_day_why")),
    )
    op.create_table(
        "calendar_rule",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("from_month", sa.Date(), nullable=False),
        sa.Column("due_before", sa.Boolean(), nullable=False),
        sa.Column("pay_day", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_calendar_rule"),
        _of_office("calendar_rule"),
        sa.UniqueConstraint("office_id", "from_month", name="uq_calendar_rule_office_id_from_month"),
        sa.CheckConstraint("pay_day BETWEEN 1 AND 28", name=op.f("ck_calendar_rule_pay_day")),
    )
    op.create_table(
        "payment_day",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "month", name="pk_payment_day"),
        _of_office("payment_day"),
    )


def downgrade() -> None:
    for table in ("payment_day", "calendar_rule", "closed_day", "duty_about", "earlier_situation"):
        op.drop_table(table)
    op.drop_index("ix_duty_due", "duty")
    op.drop_column("member", "left_on")


def _of_office(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["office_id"], ["welfare_office.id"], name=f"fk_{table}_office_id")


def _belongs(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    names = (f"{other}.office_id", f"{other}.id")
    return sa.ForeignKeyConstraint(["office_id", column], names, name=f"fk_{table}_office_id_{column}")
