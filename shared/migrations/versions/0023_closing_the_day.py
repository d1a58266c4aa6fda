"""A closed day with its sheet and signature, when an office usually closes, and an index of the journal by time.

New tables, and one more job: safe with any release before. While the index is made nobody writes into the journal.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0023", "0022"

TIME = sa.DateTime(timezone=True)
KINDS = (
    "'income_report', 'status_check_in', 'change_notice', 'illness_notice', 'asset_report', 'job_search_report', "
    "'room_photos', 'proofs', 'message'"
)
JOBS = (
    "'make_safe_copy', 'draw_receipt', 'destroy', 'bulk', 'undo_bulk', 'issue_batch', 'gather_receipts', 'draw_stamp'"
)
COUNTS = "arrivals >= 0 AND withdrawn >= 0 AND receipts >= 0 AND voids >= 0 AND ready_left >= 0 "


def upgrade() -> None:
    _day()
    op.create_table(
        "closing_kind",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("closing_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("arrivals", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "closing_id", "kind", name="pk_closing_kind"),
        _belongs("closing_kind", "closing_id", "day_closing"),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("ck_closing_kind_kind")),
        sa.CheckConstraint("arrivals >= 1", name=op.f("ck_closing_kind_arrivals")),
    )
    op.create_table(
        "closing_signature",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("closing_id", sa.Uuid(), nullable=False),
        sa.Column("signed_at", TIME, nullable=False),
        sa.Column("cms", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "closing_id", name="pk_closing_signature"),
        _belongs("closing_signature", "closing_id", "day_closing"),
        sa.CheckConstraint("length(cms) >= 1", name=op.f("ck_closing_signature_cms")),
    )
    op.create_table(
        "closing_time",
        *_ids(),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("at", sa.Time(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_closing_time"),
        _of_office("closing_time"),
        _belongs("closing_time", "set_by", "staff_member"),
        sa.UniqueConstraint("office_id", "from_day", name="uq_closing_time_office_id_from_day"),
    )
    op.create_index("ix_log_entry_at", "log_entry", ["office_id", "at"])
    _forbid_changes()
    _jobs(f"{JOBS}, 'sign_closing'")


def _day() -> None:
    op.create_table(
        "day_closing",
        *_ids(),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("closed_at", TIME, nullable=False),
        sa.Column("closed_by", sa.Uuid(), nullable=False),
        sa.Column("after_seq", sa.Integer(), nullable=False),
        sa.Column("until_seq", sa.Integer(), nullable=False),
        sa.Column("arrivals", sa.Integer(), nullable=False),
        sa.Column("number_from", sa.Text(), nullable=True),
        sa.Column("number_to", sa.Text(), nullable=True),
        sa.Column("withdrawn", sa.Integer(), nullable=False),
        sa.Column("receipts", sa.Integer(), nullable=False),
        sa.Column("document_from", sa.Text(), nullable=True),
        sa.Column("document_to", sa.Text(), nullable=True),
        sa.Column("voids", sa.Integer(), nullable=False),
        sa.Column("ready_left", sa.Integer(), nullable=False),
        sa.Column("second_looks_left", sa.Integer(), nullable=False),
        sa.Column("log_size", sa.Integer(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_day_closing"),
        _of_office("day_closing"),
        _belongs("day_closing", "closed_by", "staff_member"),
        sa.UniqueConstraint("office_id", "day", name="uq_day_closing_office_id_day"),
        sa.CheckConstraint(
            "0 <= after_seq AND after_seq <= until_seq AND until_seq <= log_size", name=op.f("ck_day_closing_stretch")
        ),
        sa.CheckConstraint(f"{COUNTS}AND second_looks_left >= 0", name=op.f("ck_day_closing_counts")),
        sa.CheckConstraint(
            "(arrivals = 0) = (number_from IS NULL) AND (arrivals = 0) = (number_to IS NULL)",
            name=op.f("ck_day_closing_numbers"),
        ),
        sa.CheckConstraint(
            "(receipts = 0) = (document_from IS NULL) AND (receipts = 0) = (document_to IS NULL)",
            name=op.f("ck_day_closing_documents"),
        ),
        sa.CheckConstraint("length(root) = 64 AND length(digest) = 64", name=op.f("ck_day_closing_hashes")),
    )


def downgrade() -> None:
    op.execute("DELETE FROM task WHERE job = 'sign_closing'")
    _jobs(JOBS)
    op.drop_index("ix_log_entry_at", "log_entry")
    for table in ("closing_time", "closing_signature", "closing_kind", "day_closing"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change_of_a_closed_day()")


def _forbid_changes() -> None:
    """A closed day never changes, whoever holds the connection."""
    said = "a closed day never changes"
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_change_of_a_closed_day() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{said}'; END $$"
        )
    for table in ("day_closing", "closing_kind", "closing_signature"):
        if op.get_bind().dialect.name == "postgresql":
            op.execute(
                f"CREATE TRIGGER {table}_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_a_closed_day()"
            )
            continue
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{said}'); END"
            )


def _jobs(allowed: str) -> None:
    """Let a task be one of these jobs; SQLite writes the table anew for it."""
    with op.batch_alter_table("task") as task:
        task.drop_constraint("ck_task_job", type_="check")
        task.create_check_constraint(op.f("ck_task_job"), f"job IN ({allowed})")


def _ids() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
    )


def _of_office(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["office_id"], ["welfare_office.id"], name=f"fk_{table}_office_id")


def _belongs(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    names = (f"{other}.office_id", f"{other}.id")
    return sa.ForeignKeyConstraint(["office_id", column], names, name=f"fk_{table}_office_id_{column}")
