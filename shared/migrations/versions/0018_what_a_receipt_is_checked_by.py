"""What a 受領証 is checked by, and why one was voided.

Certificates from before get a token and a code, too; nothing printed leads to them. A release before this one cannot
issue beside it: stop, migrate, start.
"""

import secrets

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0018", "0017"

TIME = sa.DateTime(timezone=True)
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def upgrade() -> None:
    with op.batch_alter_table("receipt") as table:
        table.add_column(sa.Column("token", sa.Text(), nullable=True))
        table.add_column(sa.Column("check_code", sa.Text(), nullable=True))
        table.add_column(sa.Column("entry_id", sa.Uuid(), nullable=True))
        table.add_column(sa.Column("replaces_id", sa.Uuid(), nullable=True))
        table.add_column(sa.Column("voided_at", TIME, nullable=True))
        table.add_column(sa.Column("voided_by", sa.Uuid(), nullable=True))
        table.add_column(sa.Column("void_reason", sa.Text(), nullable=True))
    _fill()
    with op.batch_alter_table("receipt") as table:
        table.alter_column("token", existing_type=sa.Text(), nullable=False)
        table.alter_column("check_code", existing_type=sa.Text(), nullable=False)
        table.create_unique_constraint("uq_receipt_token", ["token"])
        for column, other in (
            ("entry_id", "log_entry"),
            ("voided_by", "staff_member"),
            ("replaces_id", "receipt"),
        ):
            name = f"fk_receipt_office_id_{column}"
            table.create_foreign_key(name, other, ["office_id", column], ["office_id", "id"])
        table.create_check_constraint(op.f("ck_receipt_checks"), "length(token) = 32 AND length(check_code) = 8")
        table.create_check_constraint(
            op.f("ck_receipt_voided_why"),
            "(state = 'voided') = (voided_at IS NOT NULL AND voided_by IS NOT NULL AND void_reason IS NOT NULL)",
        )


def _fill() -> None:
    receipt = sa.table("receipt", *(sa.column(name) for name in ("token", "check_code")), sa.column("id", sa.Uuid()))
    session = op.get_bind()
    for (id_,) in session.execute(sa.select(receipt.c.id)).all():
        code = "".join(secrets.choice(ALPHABET) for _ in range(8))
        session.execute(
            receipt.update().where(receipt.c.id == id_).values(token=secrets.token_hex(16), check_code=code)
        )


def downgrade() -> None:
    with op.batch_alter_table("receipt") as table:
        table.drop_constraint(op.f("ck_receipt_voided_why"), type_="check")
        table.drop_constraint(op.f("ck_receipt_checks"), type_="check")
        for column in ("entry_id", "voided_by", "replaces_id"):
            table.drop_constraint(f"fk_receipt_office_id_{column}", type_="foreignkey")
        table.drop_constraint("uq_receipt_token", type_="unique")
        for column in ("token", "check_code", "entry_id", "replaces_id", "voided_at", "voided_by", "void_reason"):
            table.drop_column(column)
