"""The hash tree over each office's journal, and the head of it that the office signs each day.

New tables, filled by the worker with what is there, and an index on ``log_entry`` by what an entry is about: safe with
the release before; while the index is made nobody writes into the journal.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0019", "0018"

TIME = sa.DateTime(timezone=True)
APPEND_ONLY = ("log_node", "tree_head")


def upgrade() -> None:
    op.create_table(
        "log_node",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "level", "position", name="pk_log_node"),
        sa.ForeignKeyConstraint(["office_id"], ["welfare_office.id"], name="fk_log_node_office_id"),
        sa.CheckConstraint("level >= 0 AND position >= 0", name=op.f("ck_log_node_place")),
        sa.CheckConstraint("length(hash) = 32", name=op.f("ck_log_node_hash")),
    )
    op.create_table(
        "tree_head",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_tree_head"),
        sa.ForeignKeyConstraint(["office_id"], ["welfare_office.id"], name="fk_tree_head_office_id"),
        sa.UniqueConstraint("office_id", "day", name="uq_tree_head_office_id_day"),
        sa.CheckConstraint("size >= 0", name=op.f("ck_tree_head_size")),
        sa.CheckConstraint("length(root) = 64", name=op.f("ck_tree_head_root")),
    )
    op.create_index("ix_log_entry_subject", "log_entry", ["office_id", "subject_id", "seq"])
    for table in APPEND_ONLY:
        _forbid_changes(table)


def _forbid_changes(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"
        )


def downgrade() -> None:
    op.drop_index("ix_log_entry_subject", "log_entry")
    for table in reversed(APPEND_ONLY):
        if op.get_bind().dialect.name == "postgresql":
            op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
        op.drop_table(table)
