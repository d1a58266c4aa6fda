"""Acts on many things at once, who stands in for whom, who was told, and the district of a household.

New tables, a new column that may be empty, and one wider CHECK: a release before goes on working beside it.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0016", "0015"

TIME = sa.DateTime(timezone=True)
UNSEEN = sa.text("seen_at IS NULL")


def upgrade() -> None:
    op.add_column("household", sa.Column("district", sa.Text(), nullable=True))
    op.create_index("ix_household_district", "household", ["office_id", "district"])
    _jobs("'make_safe_copy', 'draw_receipt', 'destroy', 'bulk', 'undo_bulk'")
    op.create_table(
        "bulk",
        *_key("bulk"),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Uuid(), nullable=False),
        sa.Column("act", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("matched", sa.Integer(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("done_at", TIME, nullable=True),
        _belongs("bulk", "staff_id", "staff_member"),
        sa.UniqueConstraint("office_id", "attempt", name="uq_bulk_office_id_attempt"),
        sa.CheckConstraint("matched >= 0", name=op.f("ck_bulk_matched")),
        sa.CheckConstraint("(state IN ('chosen', 'running')) = (done_at IS NULL)", name=op.f("ck_bulk_done_at")),
        sa.CheckConstraint(
            "act <> 'hold' OR state = 'chosen' OR (until IS NOT NULL AND length(reason) >= 1)",
            name=op.f("ck_bulk_hold"),
        ),
        sa.CheckConstraint("act IN ('accept', 'hold', 'give_back')", name=op.f("ck_bulk_act")),
        sa.CheckConstraint("state IN ('chosen', 'running', 'done', 'undoing', 'undone')", name=op.f("ck_bulk_state")),
    )
    op.create_index("ix_bulk_staff", "bulk", ["office_id", "staff_id", "created_at"])
    op.create_table(
        "bulk_item",
        *_key("bulk_item"),
        sa.Column("bulk_id", sa.Uuid(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("was", sa.String(20), nullable=True),
        sa.Column("why", sa.String(20), nullable=True),
        _belongs("bulk_item", "bulk_id", "bulk"),
        _belongs("bulk_item", "submission_id", "submission"),
        sa.UniqueConstraint(
            "office_id", "bulk_id", "submission_id", name="uq_bulk_item_office_id_bulk_id_submission_id"
        ),
        sa.UniqueConstraint("office_id", "bulk_id", "position", name="uq_bulk_item_office_id_bulk_id_position"),
        sa.CheckConstraint("(state IN ('refused', 'kept')) = (why IS NOT NULL)", name=op.f("ck_bulk_item_why_not")),
        sa.CheckConstraint(
            "state IN ('waiting', 'done', 'refused', 'undone', 'kept')", name=op.f("ck_bulk_item_state")
        ),
        sa.CheckConstraint(
            "was IN ('draft', 'arrived', 'waiting', 'in_review', 'on_hold', 'returned', 'accepted', 'receipted',"
            " 'withdrawn', 'voided')",
            name=op.f("ck_bulk_item_was"),
        ),
        sa.CheckConstraint(
            "why IN ('urgent', 'call', 'message', 'files', 'checks', 'held', 'taken', 'not_held', 'newer', 'decided',"
            " 'not_there', 'moved_on')",
            name=op.f("ck_bulk_item_why"),
        ),
    )
    op.create_table(
        "cover",
        *_key("cover"),
        sa.Column("absent_id", sa.Uuid(), nullable=False),
        sa.Column("cover_id", sa.Uuid(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("until_day", sa.Date(), nullable=False),
        sa.Column("protected", sa.Boolean(), nullable=False),
        sa.Column("attempt", sa.Uuid(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        *(_belongs("cover", one, "staff_member") for one in ("absent_id", "cover_id", "set_by", "ended_by")),
        sa.UniqueConstraint("office_id", "attempt", name="uq_cover_office_id_attempt"),
        sa.CheckConstraint("absent_id <> cover_id", name=op.f("ck_cover_two_people")),
        sa.CheckConstraint("until_day >= from_day", name=op.f("ck_cover_days")),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name=op.f("ck_cover_ended_by_somebody")),
    )
    op.create_index("ix_cover_cover", "cover", ["office_id", "cover_id", "until_day"])
    op.create_index("ix_cover_until", "cover", ["office_id", "until_day"])
    op.create_table(
        "reassignment",
        *_key("reassignment"),
        sa.Column("attempt", sa.Uuid(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=False),
        sa.Column("moved", sa.Integer(), nullable=False),
        sa.Column("districts", sa.Integer(), nullable=False),
        _belongs("reassignment", "set_by", "staff_member"),
        sa.UniqueConstraint("office_id", "attempt", name="uq_reassignment_office_id_attempt"),
        sa.CheckConstraint("moved >= 0 AND districts >= 0", name=op.f("ck_reassignment_counts")),
    )
    op.create_table(
        "household_news",
        *_key("household_news"),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.String(20), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("cover_id", sa.Uuid(), nullable=True),
        sa.Column("reassignment_id", sa.Uuid(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=True),
        sa.Column("seen_at", TIME, nullable=True),
        _belongs("household_news", "staff_id", "staff_member"),
        _belongs("household_news", "by_id", "staff_member"),
        _belongs("household_news", "cover_id", "cover"),
        _belongs("household_news", "reassignment_id", "reassignment"),
        sa.CheckConstraint("(cover_id IS NULL) <> (reassignment_id IS NULL)", name=op.f("ck_household_news_about_one")),
        sa.CheckConstraint("(reassignment_id IS NULL) = (count IS NULL)", name=op.f("ck_household_news_count")),
        sa.CheckConstraint(
            "what IN ('covered', 'covers', 'cover_ended', 'gave', 'got')", name=op.f("ck_household_news_what")
        ),
    )
    op.create_index(
        "ix_household_news_unseen",
        "household_news",
        ["office_id", "staff_id"],
        postgresql_where=UNSEEN,
        sqlite_where=UNSEEN,
    )


def downgrade() -> None:
    for table in ("household_news", "reassignment", "cover", "bulk_item", "bulk"):
        op.drop_table(table)
    op.execute("DELETE FROM task WHERE job IN ('bulk', 'undo_bulk')")
    _jobs("'make_safe_copy', 'draw_receipt', 'destroy'")
    op.drop_index("ix_household_district", "household")
    op.drop_column("household", "district")


def _key(table: str) -> tuple[sa.Column[object] | sa.PrimaryKeyConstraint, ...]:
    return (
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name=f"pk_{table}"),
    )


def _belongs(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    names = (f"{other}.office_id", f"{other}.id")
    return sa.ForeignKeyConstraint(["office_id", column], names, name=f"fk_{table}_office_id_{column}")


def _jobs(allowed: str) -> None:
    """Let a task be one of these jobs; SQLite writes the table anew for it."""
    with op.batch_alter_table("task") as task:
        task.drop_constraint("ck_task_job", type_="check")
        task.create_check_constraint(op.f("ck_task_job"), f"job IN ({allowed})")
