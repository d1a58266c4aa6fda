"""What is typed and not answered yet, kept beside the answers.

One new column that may be empty: a release before goes on working beside it. The way back loses what was
half typed, and no answer.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0010", "0007"


def upgrade() -> None:
    op.add_column("filled_form", sa.Column("typed", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("filled_form", "typed")
