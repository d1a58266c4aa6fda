"""A 受領証 is found by the code somebody types, whatever number she typed with it.

Safe with the previous release: an index. Locks: it waits for writers of ``receipt`` while it is built.
"""

from alembic import op

revision, down_revision = "0022", "0021"


def upgrade() -> None:
    op.create_index("ix_receipt_check_code", "receipt", ["check_code"])


def downgrade() -> None:
    op.drop_index("ix_receipt_check_code", "receipt")
