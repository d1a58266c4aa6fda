"""Until when something is put aside; a request for correction that was taken back; who works without keys.

Columns that may be empty or have a value of their own: a release before goes on working beside them. The way back loses
until when something was put aside, and the requests that were taken back; no request that stands.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0012", "0011"

TIME = sa.DateTime(timezone=True)
STANDS = sa.text("taken_back_at IS NULL")


def upgrade() -> None:
    op.add_column("step", sa.Column("until", sa.Date(), nullable=True))
    op.add_column("staff_member", sa.Column("keys", sa.Boolean(), nullable=False, server_default=sa.true()))
    with op.batch_alter_table("correction") as correction:
        correction.add_column(sa.Column("taken_back_at", TIME, nullable=True))
        correction.drop_constraint("uq_correction_office_id_version_id", type_="unique")
    op.create_index(
        "uq_correction_standing",
        "correction",
        ["office_id", "version_id"],
        unique=True,
        postgresql_where=STANDS,
        sqlite_where=STANDS,
    )


def downgrade() -> None:
    op.execute(
        "DELETE FROM correction_item WHERE EXISTS (SELECT 1 FROM correction WHERE correction.id = correction_id"
        " AND correction.office_id = correction_item.office_id AND taken_back_at IS NOT NULL)"
    )
    op.execute("DELETE FROM correction WHERE taken_back_at IS NOT NULL")
    op.drop_index("uq_correction_standing", "correction")
    with op.batch_alter_table("correction") as correction:
        correction.drop_column("taken_back_at")
        correction.create_unique_constraint("uq_correction_office_id_version_id", ["office_id", "version_id"])
    op.drop_column("staff_member", "keys")
    op.drop_column("step", "until")
