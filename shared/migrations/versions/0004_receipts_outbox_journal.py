"""Certificates, the outbox, and the journal that nobody can change.

New tables only: safe with any release before, no lock on anything in use.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0004", "0003"


def upgrade() -> None:
    op.create_table(
        "receipt",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("document_no", sa.Text(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("issued_by", sa.Uuid(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("pdf_key", sa.Text(), nullable=True),
        sa.Column("pdf_sha256", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_receipt"),
        sa.ForeignKeyConstraint(
            ["office_id", "issued_by"],
            ["staff_member.office_id", "staff_member.id"],
            name="fk_receipt_office_id_issued_by",
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "submission_id"],
            ["submission.office_id", "submission.id"],
            name="fk_receipt_office_id_submission_id",
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "version_id"],
            ["submission_version.office_id", "submission_version.id"],
            name="fk_receipt_office_id_version_id",
        ),
        sa.UniqueConstraint("office_id", "document_no", name="uq_receipt_office_id_document_no"),
        sa.CheckConstraint("state IN ('issued', 'voided')", name=op.f("ck_receipt_state")),
        sa.CheckConstraint("(pdf_key IS NULL) = (pdf_sha256 IS NULL)", name=op.f("ck_receipt_pdf_with_hash")),
    )
    op.create_index(
        "uq_receipt_one_issued",
        "receipt",
        ["office_id", "submission_id"],
        unique=True,
        postgresql_where=sa.text("state = 'issued'"),
        sqlite_where=sa.text("state = 'issued'"),
    )
    op.create_table(
        "task",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("job", sa.String(20), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("send_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("gave_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_task"),
        sa.ForeignKeyConstraint(["office_id"], ["welfare_office.id"], name="fk_task_office_id"),
        sa.UniqueConstraint("office_id", "job", "subject_id", name="uq_task_office_id_job_subject_id"),
        sa.CheckConstraint("job IN ('make_safe_copy', 'draw_receipt')", name=op.f("ck_task_job")),
        sa.CheckConstraint("done_at IS NULL OR gave_up_at IS NULL", name=op.f("ck_task_one_end")),
        sa.CheckConstraint("tries >= 0", name=op.f("ck_task_tries")),
    )
    op.create_index(
        "ix_task_owed",
        "task",
        ["send_after"],
        postgresql_where=sa.text("done_at IS NULL AND gave_up_at IS NULL"),
        sqlite_where=sa.text("done_at IS NULL AND gave_up_at IS NULL"),
    )
    op.create_table(
        "log_entry",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(20), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_log_entry"),
        sa.ForeignKeyConstraint(["office_id"], ["welfare_office.id"], name="fk_log_entry_office_id"),
        sa.UniqueConstraint("office_id", "seq", name="uq_log_entry_office_id_seq"),
        sa.CheckConstraint("actor_kind IN ('recipient', 'staff', 'machine')", name=op.f("ck_log_entry_actor_kind")),
        sa.CheckConstraint("length(hash) = 64 AND length(before) = 64", name=op.f("ck_log_entry_hashes")),
    )
    _forbid_changes()


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER log_entry_append_only ON log_entry")
        op.execute("DROP FUNCTION refuse_change()")
    op.drop_table("log_entry")
    op.drop_table("task")
    op.drop_table("receipt")


def _forbid_changes() -> None:
    """The journal is append-only, whoever holds the connection."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the journal is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER log_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log_entry "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER log_entry_no_{act.lower()} BEFORE {act} ON log_entry "
            "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"
        )
