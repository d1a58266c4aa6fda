"""How a migration runs: on the url handed in, with limits that spare a working office at 3 a.m."""

from typing import Any

from alembic import context
from sqlalchemy import Connection, text

from shared.session import engine_for


def run() -> None:
    """Run inside one transaction a migration, so that a failing one leaves nothing half done."""
    engine = engine_for(context.config.attributes["url"])
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                # A table others point to is written anew by a migration; SQLite takes that for a deletion otherwise.
                _plainly(connection, "PRAGMA foreign_keys = OFF")
            context.configure(connection=connection, transaction_per_migration=True)
            with context.begin_transaction():
                if connection.dialect.name == "postgresql":
                    connection.execute(text("SET lock_timeout = '4s'"))  # not LOCAL: for every migration of the run
                context.run_migrations()
            if connection.dialect.name == "sqlite" and (lost := _plainly(connection, "PRAGMA foreign_key_check")):
                raise RuntimeError(f"a migration left rows that point nowhere: {lost[:5]}")
    finally:
        engine.dispose()


def _plainly(connection: Connection, statement: str) -> list[tuple[Any, ...]]:
    """Ask the driver itself: these statements count only outside a transaction, and SQLAlchemy would begin one."""
    driver: Any = connection.connection.driver_connection
    return list(driver.execute(statement).fetchall())


run()
