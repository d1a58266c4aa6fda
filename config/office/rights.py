"""``./madoguchi rights``: what the role that the apps and the worker use may do in PostgreSQL."""

from __future__ import annotations

import sys
from typing import NoReturn

import click
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from config.settings import MissingSetting, Settings
from shared import rights as given
from shared.session import engine_for

COULD_NOT_RUN = 2


@click.command()
@click.argument("role", default="madoguchi_app")
@click.option("--apply", "now", is_flag=True, help="do it, as the owner of the tables; else only print the statements")
def rights(role: str, now: bool) -> None:
    """Print the GRANTs for ROLE, which must be there and own nothing: it may add to the journal and never change it.

    Again after each migration: a new table is closed to it until then.
    """
    try:
        statements = given.grants(role)
    except given.NotARole as error:
        raise click.BadParameter(str(error), param_hint="ROLE") from None
    for statement in statements:
        click.echo(f"{statement};")
    if not now:
        return
    try:
        _apply(engine_for(Settings.from_environ().database_url), statements)
    except MissingSetting as error:
        _cannot(str(error))
    except SQLAlchemyError as error:
        _cannot(f"the database does not do it ({type(error).__name__}); is the role there, and are the tables yours?")
    click.echo(f"{role} has these rights and no others", err=True)


def _apply(engine: Engine, statements: list[str]) -> None:
    try:
        if engine.dialect.name != "postgresql":
            _cannot("only PostgreSQL has roles; SQLite's file is guarded by its triggers and its mode alone")
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))
    finally:
        engine.dispose()


def _cannot(reason: str) -> NoReturn:
    click.echo(f"this could not run: {reason}", err=True)
    sys.exit(COULD_NOT_RUN)
