"""Invitation letters, secrets, server-side sessions, and what was typed when a session was gone.

New tables only: safe with any release before, no lock on anything in use.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    op.create_table(
        "portal_account",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_portal_account"),
        sa.ForeignKeyConstraint(
            ["office_id", "member_id"], ["member.office_id", "member.id"], name="fk_portal_account_office_id_member_id"
        ),
        sa.UniqueConstraint("office_id", "member_id", name="uq_portal_account_office_id_member_id"),
    )
    op.create_table(
        "invitation",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_invitation"),
        sa.ForeignKeyConstraint(
            ["office_id", "account_id"],
            ["portal_account.office_id", "portal_account.id"],
            name="fk_invitation_office_id_account_id",
        ),
        sa.UniqueConstraint("code_hash", name="uq_invitation_code_hash"),
        sa.CheckConstraint(
            "(state = 'open') = (used_at IS NULL) OR state = 'replaced'", name=op.f("ck_invitation_used_at")
        ),
        sa.CheckConstraint("state IN ('open', 'used', 'replaced')", name=op.f("ck_invitation_state")),
    )
    op.create_index("ix_invitation_account", "invitation", ["office_id", "account_id"])
    op.create_table(
        "credential",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_credential"),
        sa.ForeignKeyConstraint(
            ["office_id", "account_id"],
            ["portal_account.office_id", "portal_account.id"],
            name="fk_credential_office_id_account_id",
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "staff_id"],
            ["staff_member.office_id", "staff_member.id"],
            name="fk_credential_office_id_staff_id",
        ),
        sa.UniqueConstraint("office_id", "account_id", name="uq_credential_office_id_account_id"),
        sa.UniqueConstraint("office_id", "staff_id", name="uq_credential_office_id_staff_id"),
        sa.CheckConstraint("(account_id IS NULL) <> (staff_id IS NULL)", name=op.f("ck_credential_one_owner")),
    )
    op.create_table(
        "tries",
        sa.Column("name_hash", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("wait_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name_hash", name="pk_tries"),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_tries_failures")),
    )
    op.create_index("ix_tries_last_at", "tries", ["last_at"])
    op.create_table(
        "sign_in",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("shared_device", sa.Boolean(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_sign_in"),
        sa.ForeignKeyConstraint(
            ["office_id", "account_id"],
            ["portal_account.office_id", "portal_account.id"],
            name="fk_sign_in_office_id_account_id",
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "staff_id"],
            ["staff_member.office_id", "staff_member.id"],
            name="fk_sign_in_office_id_staff_id",
        ),
        sa.UniqueConstraint("token_hash", name="uq_sign_in_token_hash"),
        sa.CheckConstraint("(account_id IS NULL) <> (staff_id IS NULL)", name=op.f("ck_sign_in_one_owner")),
    )
    op.create_index(
        "ix_sign_in_open",
        "sign_in",
        ["expires_at"],
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "parked_form",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_parked_form"),
    )
    op.create_index("ix_parked_form_created_at", "parked_form", ["created_at"])


def downgrade() -> None:
    op.drop_table("parked_form")
    op.drop_table("sign_in")
    op.drop_table("tries")
    op.drop_table("credential")
    op.drop_table("invitation")
    op.drop_table("portal_account")
