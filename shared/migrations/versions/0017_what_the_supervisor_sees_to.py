"""Second looks, fixed texts for messages, the office's own reasons for corrections and what was said with each.

New tables; ``correction_item`` gets the sentence that the person was shown, filled in here with the words of the
release before, which does not write it: stop, migrate, start. Going down, an office's own reasons become 'other'.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0017", "0016"

TIME = sa.DateTime(timezone=True)
BUILT_IN = "('dark', 'cut_off', 'wrong_month', 'missing_page', 'no_name', 'differs', 'unreadable', 'other')"
OPEN = sa.text("looked_at IS NULL AND dropped_at IS NULL")
UNREAD = sa.text("finding = 'talk' AND read_at IS NULL AND dropped_at IS NULL")
STANDS = sa.text("dropped_at IS NULL")
# What was shown until now: about a file, about a value.
WORDS = {
    "dark": ("暗くて 読めないところが ありました", "書類から 読めませんでした。 もう一度見てください"),
    "cut_off": (
        "はしが切れていて、 見えないところが ありました",
        "書類から 読めませんでした。 もう一度見てください",
    ),
    "wrong_month": ("ちがう月の 書類のようです", "ちがう月の 数字のようです"),
    "missing_page": ("ほかのページも 見せてください", "書類に 見あたりませんでした"),
    "no_name": ("名前のところが 見えませんでした", "もう一度見てください"),
    "differs": ("書いた数字と ちがうようです", "給与明細の数字と ちがうようです"),
    "unreadable": ("ファイルを 開けませんでした", "もう一度見てください"),
    "other": ("もう一度見せてください", "もう一度見てください"),
}


def upgrade() -> None:
    _second_looks()
    op.create_table(
        "fixed_text",
        *_ids(),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("attempt", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_fixed_text"),
        _of_office("fixed_text"),
        sa.UniqueConstraint("office_id", "attempt", name="uq_fixed_text_office_id_attempt"),
        sa.CheckConstraint("length(title) BETWEEN 1 AND 40", name=op.f("ck_fixed_text_title")),
        sa.CheckConstraint("length(text) BETWEEN 1 AND 1000", name=op.f("ck_fixed_text_text")),
    )
    op.create_index("ix_fixed_text_position", "fixed_text", ["office_id", "position"])
    _reasons()


def _second_looks() -> None:
    op.create_table(
        "second_look_rule",
        *_ids(),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_second_look_rule"),
        _of_office("second_look_rule"),
        _belongs("second_look_rule", "set_by", "staff_member"),
        sa.UniqueConstraint("office_id", "from_day", name="uq_second_look_rule_office_id_from_day"),
        sa.CheckConstraint("percent BETWEEN 0 AND 100", name=op.f("ck_second_look_rule_percent")),
    )
    op.create_table(
        "second_look",
        *_ids(),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=False),
        sa.Column("dropped_at", TIME, nullable=True),
        sa.Column("looked_by", sa.Uuid(), nullable=True),
        sa.Column("looked_at", TIME, nullable=True),
        sa.Column("finding", sa.String(20), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Uuid(), nullable=True),
        sa.Column("read_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_second_look"),
        _belongs("second_look", "submission_id", "submission"),
        _belongs("second_look", "decided_by", "staff_member"),
        _belongs("second_look", "looked_by", "staff_member"),
        sa.CheckConstraint("finding IN ('fine', 'talk')", name=op.f("ck_second_look_finding")),
        sa.CheckConstraint("(finding IS NULL) = (looked_at IS NULL)", name=op.f("ck_second_look_found_when_looked")),
        sa.CheckConstraint("(looked_by IS NULL) = (looked_at IS NULL)", name=op.f("ck_second_look_looked_by_somebody")),
        sa.CheckConstraint(
            "finding IS NULL OR finding <> 'talk' OR length(note) >= 1", name=op.f("ck_second_look_talk_about_what")
        ),
    )
    op.create_index("ix_second_look_drawn", "second_look", ["office_id", "created_at"])
    op.create_index(
        "uq_second_look_standing",
        "second_look",
        ["office_id", "submission_id", "version_no"],
        unique=True,
        postgresql_where=STANDS,
        sqlite_where=STANDS,
    )
    op.create_index(
        "ix_second_look_open",
        "second_look",
        ["office_id", "created_at", "id"],
        postgresql_where=OPEN,
        sqlite_where=OPEN,
    )
    op.create_index(
        "ix_second_look_unread",
        "second_look",
        ["office_id", "decided_by", "looked_at"],
        postgresql_where=UNREAD,
        sqlite_where=UNREAD,
    )


def _reasons() -> None:
    op.create_table(
        "correction_reason",
        *_ids(),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_correction_reason"),
        _of_office("correction_reason"),
        sa.UniqueConstraint("office_id", "code", name="uq_correction_reason_office_id_code"),
        sa.CheckConstraint("length(code) BETWEEN 1 AND 20", name=op.f("ck_correction_reason_code")),
        sa.CheckConstraint("length(label) BETWEEN 1 AND 30", name=op.f("ck_correction_reason_label")),
    )
    op.create_table(
        "reason_words",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("reason_id", sa.Uuid(), nullable=False),
        sa.Column("lang", sa.Text(), nullable=False),
        sa.Column("about_file", sa.Text(), nullable=False),
        sa.Column("about_value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "reason_id", "lang", name="pk_reason_words"),
        _belongs("reason_words", "reason_id", "correction_reason"),
        sa.CheckConstraint("length(about_file) BETWEEN 1 AND 100", name=op.f("ck_reason_words_about_file")),
        sa.CheckConstraint("length(about_value) BETWEEN 1 AND 100", name=op.f("ck_reason_words_about_value")),
    )
    op.add_column("correction_item", sa.Column("said", sa.Text(), nullable=True))
    op.add_column("correction_item", sa.Column("said_in", sa.JSON(), nullable=True))
    items = sa.table(
        "correction_item",
        sa.column("reason", sa.Text()),
        sa.column("file_id", sa.Uuid()),
        sa.column("said", sa.Text()),
        sa.column("said_in", sa.JSON()),
    )
    for code, (about_file, about_value) in WORDS.items():
        shown = sa.case((items.c.file_id.is_(None), about_value), else_=about_file)
        op.execute(items.update().where(items.c.reason == code).values(said=shown, said_in={}))
    with op.batch_alter_table("correction_item") as item:
        item.alter_column("said", existing_type=sa.Text(), nullable=False)
        item.alter_column("said_in", existing_type=sa.JSON(), nullable=False)
        item.drop_constraint("ck_correction_item_reason", type_="check")
        item.create_check_constraint(
            op.f("ck_correction_item_reason"), f"substr(reason, 1, 4) = 'own_' OR reason IN {BUILT_IN}"
        )
        item.create_check_constraint(op.f("ck_correction_item_said"), "length(said) >= 1")


def downgrade() -> None:
    op.execute("UPDATE correction_item SET reason = 'other' WHERE substr(reason, 1, 4) = 'own_'")
    with op.batch_alter_table("correction_item") as item:
        item.drop_constraint("ck_correction_item_said", type_="check")
        item.drop_constraint("ck_correction_item_reason", type_="check")
        item.create_check_constraint(op.f("ck_correction_item_reason"), f"reason IN {BUILT_IN}")
        item.drop_column("said_in")
        item.drop_column("said")
    for table in ("reason_words", "correction_reason", "fixed_text", "second_look", "second_look_rule"):
        op.drop_table(table)


def _ids() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
    )


def _of_office(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["office_id"], ["welfare_office.id"], name=f"fk_{table}_office_id")


def _belongs(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    names = (f"{other}.office_id", f"{other}.id")
    return sa.ForeignKeyConstraint(["office_id", column], names, name=f"fk_{table}_office_id_{column}")
