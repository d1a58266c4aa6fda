"""${message}

Safe with the previous release: say why. Locks: say which, and for how long. Follow-ups: say which.
No model imports here: a migration must still run when the models have moved on.
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision, down_revision = ${repr(up_revision)}, ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
