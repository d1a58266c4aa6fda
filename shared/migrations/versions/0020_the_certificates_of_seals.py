"""The certificates of each office's seals, so that whoever holds a 受領証 can check its signature.

A new table, filled by the worker with what lies in its folder of seals: safe with the release before.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0020", "0019"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "seal_certificate",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("not_before", TIME, nullable=False),
        sa.Column("not_after", TIME, nullable=False),
        sa.Column("retired_at", TIME, nullable=True),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_seal_certificate"),
        sa.ForeignKeyConstraint(["office_id"], ["welfare_office.id"], name="fk_seal_certificate_office_id"),
        sa.UniqueConstraint("office_id", "fingerprint", name="uq_seal_certificate_office_id_fingerprint"),
        sa.CheckConstraint("length(fingerprint) = 64", name=op.f("ck_seal_certificate_fingerprint")),
        sa.CheckConstraint("not_before < not_after", name=op.f("ck_seal_certificate_validity")),
    )


def downgrade() -> None:
    op.drop_table("seal_certificate")
