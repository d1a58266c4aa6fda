"""Submissions with their versions, files, history, corrections and leases.

New tables only: safe with any release before, no lock on anything in use.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0003", "0002"

STATES = (
    "('draft', 'arrived', 'waiting', 'in_review', 'on_hold', "
    "'returned', 'accepted', 'receipted', 'withdrawn', 'voided')"
)


def upgrade() -> None:
    op.create_table(
        "submission",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("duty_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("look_by", sa.Date(), nullable=True),
        sa.Column("answer_by", sa.Date(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_submission"),
        sa.ForeignKeyConstraint(
            ["office_id", "duty_id"], ["duty.office_id", "duty.id"], name="fk_submission_office_id_duty_id"
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "household_id"],
            ["household.office_id", "household.id"],
            name="fk_submission_office_id_household_id",
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "member_id"], ["member.office_id", "member.id"], name="fk_submission_office_id_member_id"
        ),
        sa.ForeignKeyConstraint(["office_id"], ["welfare_office.id"], name="fk_submission_office_id"),
        sa.UniqueConstraint("office_id", "number", name="uq_submission_office_id_number"),
        sa.CheckConstraint("(state = 'draft') = (number IS NULL)", name=op.f("ck_submission_number_after_draft")),
        sa.CheckConstraint(
            "(state = 'returned') = (answer_by IS NOT NULL)", name=op.f("ck_submission_answer_by_while_returned")
        ),
        sa.CheckConstraint("kind IN ('income_report')", name=op.f("ck_submission_kind")),
        sa.CheckConstraint(
            f"state IN {STATES}",
            name=op.f("ck_submission_state"),
        ),
        sa.CheckConstraint("(number IS NULL) = (arrived_at IS NULL)", name=op.f("ck_submission_arrival_with_number")),
        sa.CheckConstraint("(version_no = 0) = (arrived_at IS NULL)", name=op.f("ck_submission_version_with_arrival")),
    )
    op.create_index("ix_submission_member", "submission", ["office_id", "member_id", "arrived_at"])
    op.create_index(
        "ix_submission_open",
        "submission",
        ["office_id", "arrived_at"],
        postgresql_where=sa.text("state IN ('waiting', 'in_review', 'on_hold')"),
        sqlite_where=sa.text("state IN ('waiting', 'in_review', 'on_hold')"),
    )
    op.create_index(
        "ix_submission_to_receipt",
        "submission",
        ["office_id", "arrived_at"],
        postgresql_where=sa.text("state = 'accepted'"),
        sqlite_where=sa.text("state = 'accepted'"),
    )
    op.create_index(
        "uq_submission_one_draft",
        "submission",
        ["office_id", "member_id", "kind", "month"],
        unique=True,
        postgresql_where=sa.text("state = 'draft'"),
        sqlite_where=sa.text("state = 'draft'"),
    )
    op.create_table(
        "step",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("was", sa.String(20), nullable=False),
        sa.Column("became", sa.String(20), nullable=False),
        sa.Column("actor_kind", sa.String(20), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_step"),
        sa.ForeignKeyConstraint(
            ["office_id", "submission_id"],
            ["submission.office_id", "submission.id"],
            name="fk_step_office_id_submission_id",
        ),
        sa.UniqueConstraint("office_id", "submission_id", "attempt", name="uq_step_office_id_submission_id_attempt"),
        sa.CheckConstraint("actor_kind IN ('recipient', 'staff', 'machine')", name=op.f("ck_step_actor_kind")),
        sa.CheckConstraint(
            f"became IN {STATES}",
            name=op.f("ck_step_became"),
        ),
        sa.CheckConstraint(
            f"was IN {STATES}",
            name=op.f("ck_step_was"),
        ),
    )
    op.create_index("ix_step_submission", "step", ["office_id", "submission_id"])
    op.create_table(
        "submission_version",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Uuid(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_submission_version"),
        sa.ForeignKeyConstraint(
            ["office_id", "submission_id"],
            ["submission.office_id", "submission.id"],
            name="fk_submission_version_office_id_submission_id",
        ),
        sa.UniqueConstraint(
            "office_id", "submission_id", "attempt", name="uq_submission_version_office_id_submission_id_attempt"
        ),
        sa.UniqueConstraint(
            "office_id", "submission_id", "no", name="uq_submission_version_office_id_submission_id_no"
        ),
        sa.CheckConstraint(
            "(sent_at IS NULL) = (attempt IS NULL)", name=op.f("ck_submission_version_sent_with_attempt")
        ),
        sa.CheckConstraint("no >= 1", name=op.f("ck_submission_version_no")),
    )
    op.create_table(
        "claim",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "submission_id", name="pk_claim"),
        sa.ForeignKeyConstraint(
            ["office_id", "staff_id"], ["staff_member.office_id", "staff_member.id"], name="fk_claim_office_id_staff_id"
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "submission_id"],
            ["submission.office_id", "submission.id"],
            name="fk_claim_office_id_submission_id",
        ),
    )
    op.create_table(
        "income_report",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_income_report"),
        sa.ForeignKeyConstraint(
            ["office_id", "id"],
            ["submission_version.office_id", "submission_version.id"],
            name="fk_income_report_office_id_id",
        ),
    )
    op.create_table(
        "income_line",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("earner_id", sa.Uuid(), nullable=True),
        sa.Column("employer", sa.Text(), nullable=True),
        sa.Column("work_days", sa.Integer(), nullable=True),
        sa.Column("gross_yen", sa.Integer(), nullable=True),
        sa.Column("social_insurance_yen", sa.Integer(), nullable=True),
        sa.Column("income_tax_yen", sa.Integer(), nullable=True),
        sa.Column("commuting_yen", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_income_line"),
        sa.ForeignKeyConstraint(
            ["office_id", "earner_id"], ["member.office_id", "member.id"], name="fk_income_line_office_id_earner_id"
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "report_id"],
            ["income_report.office_id", "income_report.id"],
            name="fk_income_line_office_id_report_id",
        ),
        sa.UniqueConstraint("office_id", "report_id", "position", name="uq_income_line_office_id_report_id_position"),
        sa.CheckConstraint("kind IN ('wage')", name=op.f("ck_income_line_kind")),
        sa.CheckConstraint("commuting_yen BETWEEN 0 AND 9999999", name=op.f("ck_income_line_commuting_yen")),
        sa.CheckConstraint("gross_yen BETWEEN 0 AND 9999999", name=op.f("ck_income_line_gross_yen")),
        sa.CheckConstraint("income_tax_yen BETWEEN 0 AND 9999999", name=op.f("ck_income_line_income_tax_yen")),
        sa.CheckConstraint("length(employer) BETWEEN 1 AND 100", name=op.f("ck_income_line_employer")),
        sa.CheckConstraint(
            "social_insurance_yen BETWEEN 0 AND 9999999", name=op.f("ck_income_line_social_insurance_yen")
        ),
        sa.CheckConstraint("work_days BETWEEN 0 AND 31", name=op.f("ck_income_line_work_days")),
    )
    op.create_table(
        "stored_file",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("refused_because", sa.Text(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_stored_file"),
        sa.ForeignKeyConstraint(
            ["office_id", "submission_id"],
            ["submission.office_id", "submission.id"],
            name="fk_stored_file_office_id_submission_id",
        ),
        sa.UniqueConstraint("key", name="uq_stored_file_key"),
        sa.UniqueConstraint(
            "office_id", "submission_id", "attempt", "part", name="uq_stored_file_office_id_submission_id_attempt_part"
        ),
        sa.CheckConstraint(
            "(state = 'refused') = (refused_because IS NOT NULL)", name=op.f("ck_stored_file_refused_because")
        ),
        sa.CheckConstraint(
            "state <> 'safe' OR (pages IS NOT NULL AND pages >= 1)", name=op.f("ck_stored_file_pages_when_safe")
        ),
        sa.CheckConstraint("state IN ('received', 'checked', 'safe', 'refused')", name=op.f("ck_stored_file_state")),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_stored_file_sha256")),
        sa.CheckConstraint("size > 0", name=op.f("ck_stored_file_size")),
    )
    op.create_table(
        "version_file",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "version_id", "file_id", name="pk_version_file"),
        sa.ForeignKeyConstraint(
            ["office_id", "file_id"],
            ["stored_file.office_id", "stored_file.id"],
            name="fk_version_file_office_id_file_id",
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "version_id"],
            ["submission_version.office_id", "submission_version.id"],
            name="fk_version_file_office_id_version_id",
        ),
    )
    op.create_index("ix_version_file_file", "version_file", ["office_id", "file_id"])
    op.create_table(
        "safe_copy",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("thumb_key", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_safe_copy"),
        sa.ForeignKeyConstraint(
            ["office_id", "file_id"], ["stored_file.office_id", "stored_file.id"], name="fk_safe_copy_office_id_file_id"
        ),
        sa.UniqueConstraint("key", name="uq_safe_copy_key"),
        sa.UniqueConstraint("office_id", "file_id", "page", name="uq_safe_copy_office_id_file_id_page"),
        sa.UniqueConstraint("thumb_key", name="uq_safe_copy_thumb_key"),
        sa.CheckConstraint("page >= 1", name=op.f("ck_safe_copy_page")),
    )
    op.create_table(
        "correction",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("memo", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_correction"),
        sa.ForeignKeyConstraint(
            ["office_id", "asked_by"],
            ["staff_member.office_id", "staff_member.id"],
            name="fk_correction_office_id_asked_by",
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "submission_id"],
            ["submission.office_id", "submission.id"],
            name="fk_correction_office_id_submission_id",
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "version_id"],
            ["submission_version.office_id", "submission_version.id"],
            name="fk_correction_office_id_version_id",
        ),
        sa.UniqueConstraint("office_id", "version_id", name="uq_correction_office_id_version_id"),
    )
    op.create_table(
        "correction_item",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("correction_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_correction_item"),
        sa.ForeignKeyConstraint(
            ["office_id", "correction_id"],
            ["correction.office_id", "correction.id"],
            name="fk_correction_item_office_id_correction_id",
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "file_id"],
            ["stored_file.office_id", "stored_file.id"],
            name="fk_correction_item_office_id_file_id",
        ),
        sa.CheckConstraint(
            "reason IN ('dark', 'cut_off', 'wrong_month', 'missing_page', 'no_name', 'differs', 'unreadable', 'other')",
            name=op.f("ck_correction_item_reason"),
        ),
        sa.CheckConstraint("(file_id IS NULL) <> (value IS NULL)", name=op.f("ck_correction_item_file_or_value")),
    )
    op.create_index("ix_correction_item_correction", "correction_item", ["office_id", "correction_id"])


def downgrade() -> None:
    op.drop_table("correction_item")
    op.drop_table("correction")
    op.drop_table("safe_copy")
    op.drop_table("version_file")
    op.drop_table("stored_file")
    op.drop_table("income_line")
    op.drop_table("income_report")
    op.drop_table("claim")
    op.drop_table("submission_version")
    op.drop_table("step")
    op.drop_table("submission")
