"""What a machine has compared, an office's own danger words, and where the text of a page stands.

New tables, and columns that may be empty: a release before goes on working beside them. What was sent before has no
check and no words, and pages drawn before have no places.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0015", "0014"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "check_result",
        *_ids(),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.String(20), nullable=False),
        sa.Column("result", sa.String(20), nullable=False),
        sa.Column("expected", sa.JSON(), nullable=False),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.Column("overridden_by", sa.Uuid(), nullable=True),
        sa.Column("overridden_at", TIME, nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("attempt", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_check_result"),
        _belongs("version_id", "submission_version"),
        _belongs("overridden_by", "staff_member"),
        sa.UniqueConstraint("office_id", "version_id", "rule", name="uq_check_result_office_id_version_id_rule"),
        _check("rule", "rule IN ('month', 'same_file', 'sum')"),
        _check("result", "result IN ('pass', 'fail', 'cant_tell')"),
        _check("overridden_at", "(overridden_by IS NULL) = (overridden_at IS NULL)"),
        _check("overridden_with_note", "(overridden_by IS NULL) = (note IS NULL)"),
        _check("nothing_to_override", "overridden_by IS NULL OR result <> 'pass'"),
    )
    op.create_table(
        "danger_word",
        *_ids(),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("added", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_danger_word"),
        sa.ForeignKeyConstraint(["office_id"], ["welfare_office.id"], name="fk_danger_word_office_id"),
        sa.UniqueConstraint("office_id", "word", name="uq_danger_word_office_id_word"),
        sa.CheckConstraint("length(word) >= 2", name=op.f("ck_danger_word_word")),
    )
    op.add_column("submission_version", sa.Column("danger_words", sa.JSON(), nullable=True))
    op.add_column("safe_copy", sa.Column("lines", sa.JSON(), nullable=True))
    op.create_index("ix_likeness_earlier", "likeness", ["office_id", "earlier_id"])


def downgrade() -> None:
    op.drop_index("ix_likeness_earlier", "likeness")
    op.drop_column("safe_copy", "lines")
    op.drop_column("submission_version", "danger_words")
    op.drop_table("danger_word")
    op.drop_table("check_result")


def _ids() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
    )


def _belongs(column: str, other: str) -> sa.ForeignKeyConstraint:
    names = (f"{other}.office_id", f"{other}.id")
    return sa.ForeignKeyConstraint(["office_id", column], names, name=f"fk_check_result_office_id_{column}")


def _check(name: str, says: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(says, name=op.f(f"ck_check_result_{name}"))
