"""``./madoguchi``: what the person who keeps an office does from a terminal, on one desk as on servers.

Where MADOGUCHI_DATABASE_URL is set, the settings are those of the environment (docs/config.md). Where it is not, they
are those of the office that ./run keeps in this folder. Data goes to stdout, talk to stderr.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import click
from sqlalchemy.exc import SQLAlchemyError

from config.log import configure
from config.office import services
from config.office.audit import audit
from config.office.folder import Folder
from config.office.rights import rights
from config.office.seal import seal
from config.settings import MissingSetting, Settings
from shared import clock
from shared import duties as due
from shared.rules.months import NotAMonth, month_of
from shared.session import engine_for, reading_sessions, sessions
from staff.__main__ import main as keeping
from uploads.relay import queue_at
from uploads.storage import StorageError, storage_from
from uploads.sweep import YOUNG, Finding, House, Report
from uploads.sweep import sweep as sweep_house

FOUND, COULD_NOT_RUN = 1, 2


@click.group()
@click.option(
    "--var",
    type=click.Path(path_type=Path, file_okay=False),
    default=services.PROJECT / "var",
    help="the folder of the office that ./run keeps, where no settings are in the environment",
)
def main(var: Path) -> None:
    """Keep an office: its database, its staff, its households, its files."""
    os.umask(0o077)  # what is written here is nobody else's to read
    folder = Folder(var.resolve())
    if not os.environ.get("MADOGUCHI_DATABASE_URL", "").strip() and folder.database.exists():
        os.environ.update(services.environ(folder, "worker", services.queue_url(folder)))


for _verb in keeping.commands.values():
    main.add_command(_verb)


main.add_command(seal)
main.add_command(audit)
main.add_command(rights)


@main.command()
def work() -> None:
    """Send what is owed to the queue, and do it, until asked to stop."""
    from uploads.__main__ import main as run_worker  # with all it needs to draw; no other verb does

    sys.exit(run_worker(["work"]))


@main.command()
@click.option("--fix", is_flag=True, help="mend what can be mended; what nobody knows is set aside, never deleted")
@click.option("--quick", is_flag=True, help="do not read the files: a wrong hash is then not found")
@click.option(
    "--young",
    type=click.IntRange(min=0),
    default=YOUNG // timedelta(minutes=1),
    show_default=True,
    metavar="MINUTES",
    help="leave alone what is younger",
)
def sweep(fix: bool, quick: bool, young: int) -> None:
    """Compare rows, files and queue. Ends with 0 if all is well, 1 if anything was found, 2 if it could not run."""
    configure("sweep")
    try:
        settings = Settings.from_environ()
        engine = engine_for(settings.database_url)
        house = House(
            reading_sessions(engine),
            sessions(engine),
            storage_from(settings),
            settings.incoming,
            queue_at(settings.redis_url),
        )
        report = sweep_house(house, _say, fix=fix, quick=quick, young=timedelta(minutes=young))
    except (MissingSetting, StorageError) as error:
        _cannot(str(error))
    except SQLAlchemyError as error:
        _cannot(f"the database cannot be asked, or is not up to date ({type(error).__name__})")
    _sum_up(report)
    sys.exit(FOUND if report.found else 0)


@main.command()
@click.option("--month", metavar="YYYY-MM", help="open this month for everybody; else the months that are over")
@click.option("--dry-run", is_flag=True, help="only say how many would be opened")
def duties(month: str | None, dry_run: bool) -> None:
    """Open what is due, in every office, and say how many were new. Doing it again opens nothing twice."""
    configure("duties")
    try:
        wanted = None if month is None else month_of(month, today=clock.today())
    except NotAMonth as error:
        said = {"future": "that month has not begun", "too_old": "nobody can send anything for a month so long ago"}
        reason = said.get(error.code, "a year and a month, such as 2026-10")
        raise click.BadParameter(reason, param_hint="--month") from None
    try:
        make_session = sessions(engine_for(Settings.from_environ().database_url))
        total = 0
        for code, opened in due.open_everywhere(make_session, wanted, dry_run=dry_run):
            click.echo(f"{code}  {opened}")
            total += opened
        click.echo(f"{'would open' if dry_run else 'opened'}: {total}", err=True)
    except MissingSetting as error:
        raise click.ClickException(str(error)) from None
    except SQLAlchemyError as error:
        raise click.ClickException(
            f"the database cannot be asked, or is not up to date ({type(error).__name__})"
        ) from None


def _say(finding: Finding, mended: bool) -> None:
    click.echo(f"{finding.kind.value}  {finding.what}{'  mended' if mended else ''}")


def _sum_up(report: Report) -> None:
    counts = ", ".join(f"{count} {kind.value}" for kind, count in sorted(report.found.items()))
    click.echo(f"found: {counts}; mended: {report.mended}" if counts else "all is well", err=True)
    if not report.queue_asked:
        click.echo("queue server not asked: it cannot be reached, so lost tasks were not looked for", err=True)


def _cannot(reason: str) -> NoReturn:
    click.echo(f"the sweep could not run: {reason}", err=True)
    sys.exit(COULD_NOT_RUN)


if __name__ == "__main__":
    main(prog_name="madoguchi")
