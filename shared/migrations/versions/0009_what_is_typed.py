"""What is typed and not answered yet; which guided photo a file is; an office's own questions; promised papers that are
done; papers the office sends with a message.

A new table, and new columns that may be empty: a release before goes on working beside them. The way back loses what
was half typed and no answer, which photo was meant and no photo, and the words of an office's own questions.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0009", "0008"


def upgrade() -> None:
    op.add_column("filled_form", sa.Column("typed", sa.JSON(), nullable=True))
    op.add_column("absent_paper", sa.Column("done_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("form_setting", sa.Column("own", sa.JSON(), nullable=True))
    op.create_table(
        "message_file",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "message_id", "file_id", name="pk_message_file"),
        _belongs("message_id", "message"),
        _belongs("file_id", "stored_file"),
    )
    op.create_index("ix_message_file_file", "message_file", ["office_id", "file_id"])
    for table in ("stored_file", "upload"):
        op.add_column(table, sa.Column("shot", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_table("message_file")
    for table in ("upload", "stored_file"):
        op.drop_column(table, "shot")
    op.drop_column("form_setting", "own")
    op.drop_column("absent_paper", "done_at")
    op.drop_column("filled_form", "typed")


def _belongs(column: str, other: str) -> sa.ForeignKeyConstraint:
    names = (f"{other}.office_id", f"{other}.id")
    return sa.ForeignKeyConstraint(["office_id", column], names, name=f"fk_message_file_office_id_{column}")
