"""Certificates issued in batches with a second person, voided, delivered, gathered; the office's stamp as a picture.

New tables and one wider CHECK: a release before goes on working beside it.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0021", "0020"

TIME = sa.DateTime(timezone=True)
JOBS = "'make_safe_copy', 'draw_receipt', 'destroy', 'bulk', 'undo_bulk'"


def upgrade() -> None:
    _jobs(f"{JOBS}, 'issue_batch', 'gather_receipts', 'draw_stamp'")
    op.create_table(
        "delivery",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("first_at", TIME, nullable=False),
        sa.Column("by_kind", sa.String(20), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "receipt_id", "kind", name="pk_delivery"),
        _belongs("delivery", "receipt_id", "receipt"),
        sa.CheckConstraint("times >= 1 AND last_at >= first_at", name=op.f("ck_delivery_order")),
        sa.CheckConstraint(
            "kind IN ('seen', 'downloaded', 'printed', 'posted', 'handed', 'resent')", name=op.f("ck_delivery_kind")
        ),
        sa.CheckConstraint("by_kind IN ('recipient', 'staff', 'machine')", name=op.f("ck_delivery_by_kind")),
    )
    op.create_table(
        "delivery_way",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("way", sa.String(20), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=False),
        sa.Column("set_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("office_id", "member_id", name="pk_delivery_way"),
        _belongs("delivery_way", "member_id", "member"),
        _belongs("delivery_way", "set_by", "staff_member"),
        sa.CheckConstraint("way IN ('screen', 'post', 'counter')", name=op.f("ck_delivery_way_way")),
    )
    op.create_table(
        "receipt_rule",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("two_people", sa.Boolean(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_receipt_rule"),
        _of_office("receipt_rule"),
        _belongs("receipt_rule", "set_by", "staff_member"),
        sa.UniqueConstraint("office_id", "from_day", name="uq_receipt_rule_office_id_from_day"),
    )
    op.create_table(
        "receipt_batch",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("matched", sa.Integer(), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("done_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_receipt_batch"),
        _belongs("receipt_batch", "decided_by", "staff_member"),
        _belongs("receipt_batch", "staff_id", "staff_member"),
        sa.UniqueConstraint("office_id", "attempt", name="uq_receipt_batch_office_id_attempt"),
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> staff_id", name=op.f("ck_receipt_batch_two_people")),
        sa.CheckConstraint("state <> 'refused' OR length(reason) >= 1", name=op.f("ck_receipt_batch_refused_why")),
        sa.CheckConstraint("(decided_by IS NULL) = (decided_at IS NULL)", name=op.f("ck_receipt_batch_decided")),
        sa.CheckConstraint("(state = 'issued') = (done_at IS NOT NULL)", name=op.f("ck_receipt_batch_done_at")),
        sa.CheckConstraint("matched >= 0", name=op.f("ck_receipt_batch_matched")),
        sa.CheckConstraint(
            "state IN ('chosen', 'proposed', 'refused', 'running', 'issued')", name=op.f("ck_receipt_batch_state")
        ),
    )
    op.create_index("ix_receipt_batch_created", "receipt_batch", ["office_id", "created_at"])
    op.create_index(
        "ix_receipt_batch_open",
        "receipt_batch",
        ["office_id", "created_at"],
        postgresql_where=sa.text("state IN ('proposed', 'running')"),
        sqlite_where=sa.text("state IN ('proposed', 'running')"),
    )
    op.create_table(
        "receipt_batch_item",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("why", sa.String(20), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_receipt_batch_item"),
        _belongs("receipt_batch_item", "batch_id", "receipt_batch"),
        _belongs("receipt_batch_item", "receipt_id", "receipt"),
        _belongs("receipt_batch_item", "submission_id", "submission"),
        sa.UniqueConstraint(
            "office_id", "batch_id", "position", name="uq_receipt_batch_item_office_id_batch_id_position"
        ),
        sa.UniqueConstraint(
            "office_id", "batch_id", "submission_id", name="uq_receipt_batch_item_office_id_batch_id_submission_id"
        ),
        sa.UniqueConstraint("office_id", "receipt_id", name="uq_receipt_batch_item_office_id_receipt_id"),
        sa.CheckConstraint("(state = 'refused') = (why IS NOT NULL)", name=op.f("ck_receipt_batch_item_why_not")),
        sa.CheckConstraint("(state = 'issued') = (receipt_id IS NOT NULL)", name=op.f("ck_receipt_batch_item_issued")),
        sa.CheckConstraint(
            "state IN ('waiting', 'excluded', 'issued', 'refused')", name=op.f("ck_receipt_batch_item_state")
        ),
        sa.CheckConstraint(
            "why IN ('changed', 'taken_back', 'issued', 'not_there')", name=op.f("ck_receipt_batch_item_why")
        ),
    )
    op.create_table(
        "receipt_bundle",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("print_key", sa.Text(), nullable=True),
        sa.Column("print_size", sa.Integer(), nullable=True),
        sa.Column("print_sha256", sa.Text(), nullable=True),
        sa.Column("zip_key", sa.Text(), nullable=True),
        sa.Column("zip_size", sa.Integer(), nullable=True),
        sa.Column("zip_sha256", sa.Text(), nullable=True),
        sa.Column("made_at", TIME, nullable=True),
        sa.Column("gone_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_receipt_bundle"),
        _of_office("receipt_bundle"),
        _belongs("receipt_bundle", "asked_by", "staff_member"),
        _belongs("receipt_bundle", "batch_id", "receipt_batch"),
        sa.CheckConstraint(
            "(print_key IS NULL) = (zip_key IS NULL) AND (zip_key IS NULL) = (made_at IS NULL)"
            " AND (print_key IS NULL) = (print_sha256 IS NULL) AND (zip_key IS NULL) = (zip_sha256 IS NULL)",
            name=op.f("ck_receipt_bundle_made_whole"),
        ),
        sa.CheckConstraint("(batch_id IS NULL) <> (day IS NULL)", name=op.f("ck_receipt_bundle_of_one")),
    )
    op.create_index("ix_receipt_bundle_batch", "receipt_bundle", ["office_id", "batch_id", "created_at"])
    op.create_index("ix_receipt_bundle_day", "receipt_bundle", ["office_id", "day", "created_at"])
    op.create_index(
        "ix_receipt_bundle_made",
        "receipt_bundle",
        ["made_at"],
        postgresql_where=sa.text("made_at IS NOT NULL AND gone_at IS NULL"),
        sqlite_where=sa.text("made_at IS NOT NULL AND gone_at IS NULL"),
    )
    op.create_table(
        "receipt_void",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_receipt_void"),
        _belongs("receipt_void", "decided_by", "staff_member"),
        _belongs("receipt_void", "proposed_by", "staff_member"),
        _belongs("receipt_void", "receipt_id", "receipt"),
        sa.UniqueConstraint("office_id", "attempt", name="uq_receipt_void_office_id_attempt"),
        sa.CheckConstraint("length(reason) BETWEEN 1 AND 300", name=op.f("ck_receipt_void_reason")),
        sa.CheckConstraint("state <> 'refused' OR length(answer) >= 1", name=op.f("ck_receipt_void_refused_why")),
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> proposed_by", name=op.f("ck_receipt_void_two_people")),
        sa.CheckConstraint("(decided_by IS NULL) = (decided_at IS NULL)", name=op.f("ck_receipt_void_decided")),
        sa.CheckConstraint("state IN ('proposed', 'done', 'refused')", name=op.f("ck_receipt_void_state")),
    )
    op.create_index(
        "uq_receipt_void_open",
        "receipt_void",
        ["office_id", "receipt_id"],
        unique=True,
        postgresql_where=sa.text("state = 'proposed'"),
        sqlite_where=sa.text("state = 'proposed'"),
    )
    op.create_table(
        "office_stamp",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Uuid(), nullable=False),
        sa.Column("sent_kind", sa.Text(), nullable=False),
        sa.Column("sent_size", sa.Integer(), nullable=False),
        sa.Column("sent_sha256", sa.Text(), nullable=False),
        sa.Column("sent_key", sa.Text(), nullable=True),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("refused_because", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_office_stamp"),
        _of_office("office_stamp"),
        _belongs("office_stamp", "set_by", "staff_member"),
        sa.UniqueConstraint("office_id", "attempt", name="uq_office_stamp_office_id_attempt"),
        sa.CheckConstraint("(state = 'refused') = (refused_because IS NOT NULL)", name=op.f("ck_office_stamp_refused")),
        sa.CheckConstraint("(state = 'drawn') = (key IS NOT NULL)", name=op.f("ck_office_stamp_drawn")),
        sa.CheckConstraint(
            "(key IS NULL) = (sha256 IS NULL) AND (key IS NULL) = (size IS NULL)", name=op.f("ck_office_stamp_whole")
        ),
        sa.CheckConstraint("kind IN ('stamp', 'signature')", name=op.f("ck_office_stamp_kind")),
        sa.CheckConstraint("state IN ('sent', 'drawn', 'refused')", name=op.f("ck_office_stamp_state")),
    )


def downgrade() -> None:
    op.execute("DELETE FROM task WHERE job IN ('issue_batch', 'gather_receipts', 'draw_stamp')")
    _jobs(JOBS)
    for table in (
        "office_stamp",
        "receipt_void",
        "receipt_bundle",
        "receipt_batch_item",
        "receipt_batch",
        "receipt_rule",
        "delivery_way",
        "delivery",
    ):
        op.drop_table(table)


def _jobs(allowed: str) -> None:
    """Let a task be one of these jobs; SQLite writes the table anew for it."""
    with op.batch_alter_table("task") as task:
        task.drop_constraint("ck_task_job", type_="check")
        task.create_check_constraint(op.f("ck_task_job"), f"job IN ({allowed})")


def _of_office(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["office_id"], ["welfare_office.id"], name=f"fk_{table}_office_id")


def _belongs(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    names = (f"{other}.office_id", f"{other}.id")
    return sa.ForeignKeyConstraint(["office_id", column], names, name=f"fk_{table}_office_id_{column}")
