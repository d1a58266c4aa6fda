"""Uploads in parts, the safe PDF, likenesses, fetched originals, held tasks, and what the house says of itself.

New tables, new columns that may be empty, and one wider CHECK: a release before goes on working beside it.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0005", "0004"

TIME = sa.DateTime(timezone=True)
NEW_IN_FILE = (
    ("copy_key", sa.Text()),
    ("copy_size", sa.Integer()),
    ("copy_sha256", sa.Text()),
    ("original_destroyed_at", TIME),
    ("copies_destroyed_at", TIME),
    ("thumbs_destroyed_at", TIME),
)


def upgrade() -> None:
    for name, kind in NEW_IN_FILE:
        op.add_column("stored_file", sa.Column(name, kind, nullable=True))
    op.create_index("ix_stored_file_sha256", "stored_file", ["office_id", "sha256"])
    op.create_index("uq_stored_file_copy_key", "stored_file", ["copy_key"], unique=True)
    for name in ("text", "look"):
        op.add_column("safe_copy", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("task", sa.Column("held_until", TIME, nullable=True))
    op.add_column("task", sa.Column("failed_because", sa.Text(), nullable=True))
    _jobs("'make_safe_copy', 'draw_receipt', 'destroy'")
    op.create_table(
        "upload",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("replaces", sa.Uuid(), nullable=True),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.Column("ended_because", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_upload"),
        sa.ForeignKeyConstraint(
            ["office_id", "file_id"], ["stored_file.office_id", "stored_file.id"], name="fk_upload_office_id_file_id"
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "submission_id"],
            ["submission.office_id", "submission.id"],
            name="fk_upload_office_id_submission_id",
        ),
        sa.UniqueConstraint("office_id", "submission_id", "attempt", name="uq_upload_office_id_submission_id_attempt"),
        sa.CheckConstraint("(state = 'ended') = (ended_because IS NOT NULL)", name=op.f("ck_upload_ended_because")),
        sa.CheckConstraint("(state = 'whole') = (file_id IS NOT NULL)", name=op.f("ck_upload_file_when_whole")),
        sa.CheckConstraint("kept >= 0 AND kept <= size", name=op.f("ck_upload_kept")),
        sa.CheckConstraint("sha256 IS NULL OR length(sha256) = 64", name=op.f("ck_upload_sha256")),
        sa.CheckConstraint("size > 0", name=op.f("ck_upload_size")),
        sa.CheckConstraint("state IN ('open', 'whole', 'ended')", name=op.f("ck_upload_state")),
    )
    op.create_index(
        "ix_upload_open",
        "upload",
        ["expires_at"],
        postgresql_where=sa.text("state = 'open'"),
        sqlite_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "upload_part",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "upload_id", "start", name="pk_upload_part"),
        sa.ForeignKeyConstraint(
            ["office_id", "upload_id"], ["upload.office_id", "upload.id"], name="fk_upload_part_office_id_upload_id"
        ),
        sa.UniqueConstraint("key", name="uq_upload_part_key"),
        sa.CheckConstraint("size > 0", name=op.f("ck_upload_part_size")),
        sa.CheckConstraint("start >= 0", name=op.f("ck_upload_part_start")),
    )
    op.create_table(
        "likeness",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("earlier_id", sa.Uuid(), nullable=False),
        sa.Column("how", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "file_id", "earlier_id", name="pk_likeness"),
        sa.ForeignKeyConstraint(
            ["office_id", "earlier_id"],
            ["stored_file.office_id", "stored_file.id"],
            name="fk_likeness_office_id_earlier_id",
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "file_id"], ["stored_file.office_id", "stored_file.id"], name="fk_likeness_office_id_file_id"
        ),
        sa.CheckConstraint("file_id <> earlier_id", name=op.f("ck_likeness_another")),
        sa.CheckConstraint("how IN ('same', 'alike')", name=op.f("ck_likeness_how")),
    )
    op.create_table(
        "original_fetch",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_original_fetch"),
        sa.ForeignKeyConstraint(
            ["office_id", "file_id"],
            ["stored_file.office_id", "stored_file.id"],
            name="fk_original_fetch_office_id_file_id",
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "staff_id"],
            ["staff_member.office_id", "staff_member.id"],
            name="fk_original_fetch_office_id_staff_id",
        ),
        sa.CheckConstraint("length(reason) >= 1", name=op.f("ck_original_fetch_reason")),
    )
    op.create_table(
        "worker_sighting",
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("room", sa.JSON(), nullable=False),
        sa.Column("scanner", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("worker", name="pk_worker_sighting"),
    )
    op.create_table(
        "sweep_run",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.Column("mended", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("at", name="pk_sweep_run"),
    )


def downgrade() -> None:
    for table in ("sweep_run", "worker_sighting", "original_fetch", "likeness", "upload_part", "upload"):
        op.drop_table(table)
    op.execute("DELETE FROM task WHERE job = 'destroy'")
    _jobs("'make_safe_copy', 'draw_receipt'")
    op.drop_column("task", "failed_because")
    op.drop_column("task", "held_until")
    for name in ("look", "text"):
        op.drop_column("safe_copy", name)
    op.drop_index("uq_stored_file_copy_key", "stored_file")
    op.drop_index("ix_stored_file_sha256", "stored_file")
    for name, _ in reversed(NEW_IN_FILE):
        op.drop_column("stored_file", name)


def _jobs(allowed: str) -> None:
    """Let a task be one of these jobs; SQLite writes the table anew for it."""
    with op.batch_alter_table("task") as task:
        task.drop_constraint("ck_task_job", type_="check")
        task.create_check_constraint(op.f("ck_task_job"), f"job IN ({allowed})")
