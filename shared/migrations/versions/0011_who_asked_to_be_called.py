"""Whether what was sent asks for a telephone call: the queue ranks by it without reading answers.

A new column with a default: a release before goes on working beside it. What waits already is read once.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0011", "0010"

OPEN = ("arrived", "waiting", "in_review", "on_hold")
SUBMISSION = sa.table(
    "submission",
    *map(sa.column, ("office_id", "id", "kind", "state", "version_no")),
    sa.column("wants_call", sa.Boolean),
)
VERSION = sa.table("submission_version", *map(sa.column, ("office_id", "id", "submission_id", "no")))
FORM = sa.table("filled_form", sa.column("office_id"), sa.column("id"), sa.column("answers", sa.JSON))


def upgrade() -> None:
    op.add_column("submission", sa.Column("wants_call", sa.Boolean(), server_default=sa.false(), nullable=False))
    waiting = (
        sa.select(SUBMISSION.c.office_id, SUBMISSION.c.id, FORM.c.answers)
        .where(SUBMISSION.c.kind == "status_check_in", SUBMISSION.c.state.in_(OPEN))
        .join_from(
            SUBMISSION,
            VERSION,
            sa.and_(
                VERSION.c.office_id == SUBMISSION.c.office_id,
                VERSION.c.submission_id == SUBMISSION.c.id,
                VERSION.c.no == SUBMISSION.c.version_no,
            ),
        )
        .join(FORM, sa.and_(FORM.c.office_id == VERSION.c.office_id, FORM.c.id == VERSION.c.id))
    )
    connection = op.get_bind()
    for row in connection.execute(waiting).all():
        if row.answers.get("call") == "yes":
            hers = sa.and_(SUBMISSION.c.office_id == row.office_id, SUBMISSION.c.id == row.id)
            connection.execute(sa.update(SUBMISSION).where(hers).values(wants_call=True))


def downgrade() -> None:
    op.drop_column("submission", "wants_call")
