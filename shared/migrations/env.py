"""How a migration runs: on the url handed in, with limits that spare a working office at 3 a.m."""

from alembic import context
from sqlalchemy import text

from shared.session import engine_for


def run() -> None:
    """Run inside one transaction a migration, so that a failing one leaves nothing half done."""
    engine = engine_for(context.config.attributes["url"])
    try:
        with engine.connect() as connection:
            context.configure(connection=connection, transaction_per_migration=True)
            with context.begin_transaction():
                if connection.dialect.name == "postgresql":
                    connection.execute(text("SET lock_timeout = '4s'"))  # not LOCAL: for every migration of the run
                context.run_migrations()
    finally:
        engine.dispose()


run()
