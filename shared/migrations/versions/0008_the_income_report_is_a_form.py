"""The income report becomes a declared form: its line of wages moves into ``filled_form`` as the first job.

Not safe beside the release before, which reads the tables that go: stop it, migrate, start the new one. The way back
takes the first job of each report along; what the old tables have no column for is lost on it, and said here.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0008", "0007"

FIELDS = ("employer", "work_days", "gross_yen", "social_insurance_yen", "income_tax_yen", "commuting_yen")
AT_ONCE = 500  # rows

REPORT = sa.table("income_report", sa.column("office_id", sa.Uuid), sa.column("id", sa.Uuid))
LINE = sa.table(
    "income_line",
    sa.column("office_id", sa.Uuid),
    sa.column("id", sa.Uuid),
    sa.column("created_at", sa.DateTime(timezone=True)),
    sa.column("report_id", sa.Uuid),
    sa.column("position", sa.Integer),
    sa.column("kind", sa.String),
    sa.column("earner_id", sa.Uuid(as_uuid=False)),
    sa.column("employer", sa.Text),
    *(sa.column(field, sa.Integer) for field in FIELDS[1:]),
)
FILLED = sa.table(
    "filled_form",
    sa.column("office_id", sa.Uuid),
    sa.column("id", sa.Uuid),
    sa.column("form_version", sa.Integer),
    sa.column("answers", sa.JSON),
    sa.column("message_id", sa.Uuid),
)
VERSION = sa.table(
    "submission_version",
    sa.column("office_id", sa.Uuid),
    sa.column("id", sa.Uuid),
    sa.column("created_at", sa.DateTime(timezone=True)),
    sa.column("submission_id", sa.Uuid),
)
SUBMISSION = sa.table(
    "submission", sa.column("office_id", sa.Uuid), sa.column("id", sa.Uuid), sa.column("kind", sa.String)
)
ITEM = sa.table("correction_item", sa.column("value", sa.Text))


def upgrade() -> None:
    connection = op.get_bind()
    lines = connection.execute(sa.select(LINE).order_by(LINE.c.position)).mappings().all()
    for start in range(0, len(lines), AT_ONCE):
        rows = [
            {"office_id": line["office_id"], "id": line["report_id"], "form_version": 1, "answers": _answers(line)}
            for line in lines[start : start + AT_ONCE]
        ]
        connection.execute(sa.insert(FILLED), rows)
    for field in FIELDS:
        op.execute(sa.update(ITEM).where(ITEM.c.value == field).values(value=f"jobs-0-{field}"))
    op.drop_table("income_line")
    op.drop_table("income_report")


def _answers(line: sa.RowMapping) -> dict[str, object]:
    """What the line says, as the form keeps it. A line in which nothing is written yet has not begun."""
    job = {field: line[field] for field in FIELDS if line[field] is not None}
    if not job:
        return {}
    if line["earner_id"] is not None:
        job["worker"] = line["earner_id"]
    return {"worked": "yes", "jobs": [job]}


def downgrade() -> None:
    _old_tables()
    connection = op.get_bind()
    reports = connection.execute(
        sa.select(FILLED, VERSION.c.created_at)
        .join(VERSION, sa.and_(VERSION.c.office_id == FILLED.c.office_id, VERSION.c.id == FILLED.c.id))
        .join(
            SUBMISSION,
            sa.and_(SUBMISSION.c.office_id == VERSION.c.office_id, SUBMISSION.c.id == VERSION.c.submission_id),
        )
        .where(SUBMISSION.c.kind == "income_report")
    )
    for report in reports.mappings().all():
        here = {"office_id": report["office_id"], "id": report["id"]}
        jobs = report["answers"].get("jobs") or [{}]
        line = {field: jobs[0].get(field) for field in FIELDS}
        connection.execute(sa.insert(REPORT).values(here))
        connection.execute(
            sa.insert(LINE).values(
                **here,
                created_at=report["created_at"],
                report_id=report["id"],
                position=1,
                kind="wage",
                earner_id=jobs[0].get("worker"),
                **line,
            )
        )
        connection.execute(
            sa.delete(FILLED).where(FILLED.c.office_id == report["office_id"], FILLED.c.id == report["id"])
        )
    for field in FIELDS:
        op.execute(sa.update(ITEM).where(ITEM.c.value == f"jobs-0-{field}").values(value=field))


def _old_tables() -> None:
    op.create_table(
        "income_report",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_income_report"),
        sa.ForeignKeyConstraint(
            ["office_id", "id"],
            ["submission_version.office_id", "submission_version.id"],
            name="fk_income_report_office_id_id",
        ),
    )
    op.create_table(
        "income_line",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("earner_id", sa.Uuid(), nullable=True),
        sa.Column("employer", sa.Text(), nullable=True),
        sa.Column("work_days", sa.Integer(), nullable=True),
        sa.Column("gross_yen", sa.Integer(), nullable=True),
        sa.Column("social_insurance_yen", sa.Integer(), nullable=True),
        sa.Column("income_tax_yen", sa.Integer(), nullable=True),
        sa.Column("commuting_yen", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("office_id", "id", name="pk_income_line"),
        sa.ForeignKeyConstraint(
            ["office_id", "earner_id"], ["member.office_id", "member.id"], name="fk_income_line_office_id_earner_id"
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "report_id"],
            ["income_report.office_id", "income_report.id"],
            name="fk_income_line_office_id_report_id",
        ),
        sa.UniqueConstraint("office_id", "report_id", "position", name="uq_income_line_office_id_report_id_position"),
        sa.CheckConstraint("kind IN ('wage')", name=op.f("ck_income_line_kind")),
        sa.CheckConstraint("commuting_yen BETWEEN 0 AND 9999999", name=op.f("ck_income_line_commuting_yen")),
        sa.CheckConstraint("gross_yen BETWEEN 0 AND 9999999", name=op.f("ck_income_line_gross_yen")),
        sa.CheckConstraint("income_tax_yen BETWEEN 0 AND 9999999", name=op.f("ck_income_line_income_tax_yen")),
        sa.CheckConstraint("length(employer) BETWEEN 1 AND 100", name=op.f("ck_income_line_employer")),
        sa.CheckConstraint(
            "social_insurance_yen BETWEEN 0 AND 9999999", name=op.f("ck_income_line_social_insurance_yen")
        ),
        sa.CheckConstraint("work_days BETWEEN 0 AND 31", name=op.f("ck_income_line_work_days")),
    )
