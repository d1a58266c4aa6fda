"""``./madoguchi audit …``: whether anybody has touched the journal, and what proves that nobody has (docs/audit.md).

Data goes to stdout, talk to stderr. Ends with 0 if all is well, 1 if anything was found, 2 if it could not run.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, Final, NoReturn

import click
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from config.settings import MissingSetting, Settings
from shared import log_tree, seals
from shared.audit import Audit, Witness
from shared.errors import LogBroken, NotThere
from shared.model import WelfareOffice
from shared.rules import tree_head
from shared.rules.tree_head import NotAHead, SignedHead
from shared.session import engine_for, reading_sessions, sessions

FOUND: Final = 1
COULD_NOT_RUN: Final = 2
FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def audit() -> None:
    """Look whether the journal is whole; print what proves it."""


@audit.command()
@click.option("--office", "code", help="only this office; else all of them")
@click.option("--head", "posted", type=FILE, multiple=True, help="a head that was printed, mailed or posted elsewhere")
@click.option("--certificate", type=FILE, help="PEM: the office's, as you have it; else what it publishes")
def verify(code: str | None, posted: tuple[Path, ...], certificate: Path | None) -> None:
    """Go through the whole journal, and name every entry that was changed, removed, moved, put in or rewritten.

    A line each: office, entry, event, kind of damage, what it is.
    """
    with _asking(snapshot=True) as make_session:
        given = [_head_in(path) for path in posted]
        pem = certificate.read_text(encoding="ascii") if certificate else None
        with make_session() as session:
            found = sum(_look(session, office, given, pem) for office in _offices(session, code, given))
    sys.exit(FOUND if found else 0)


@audit.command()
@click.argument("code")
@click.option("--day", metavar="YYYY-MM-DD", help="the head that was signed on this day; else the newest")
@click.option("--signature", type=click.Path(path_type=Path, dir_okay=False), help="where to write the signature (DER)")
def head(code: str, day: str | None, signature: Path | None) -> None:
    """Print a signed head, byte for byte: to be printed, mailed, posted elsewhere."""
    with _asking() as make_session, make_session() as session:
        wanted = None if day is None else _day(day)
        kept = log_tree.signed_head(session, _office(session, code).id, wanted)
        if kept is None:
            raise click.ClickException("no head was signed" if day is None else "no head was signed on that day")
        click.echo(kept.said, nl=False)
        if signature:
            signature.write_bytes(kept.signature)


@audit.command()
@click.argument("code")
@click.argument("first", type=click.IntRange(min=1))
@click.argument("second", type=click.IntRange(min=1))
def consistency(code: str, first: int, second: int) -> None:
    """Print, as JSON, the proof that the journal of SECOND entries begins with that of FIRST, and check it."""
    with _asking() as make_session, make_session.begin() as session:
        proof = log_tree.consistency(session, _office(session, code).id, first, second)
    _show(proof, holds=proof.holds())


@audit.command()
@click.argument("code")
@click.argument("seq", type=click.IntRange(min=1))
@click.option("--size", type=click.IntRange(min=1), help="in the tree of so many entries; else of all there are")
def proof(code: str, seq: int, size: int | None) -> None:
    """Print, as JSON, the proof that entry SEQ is in the journal, and check it."""
    with _asking() as make_session, make_session.begin() as session:
        office_id = _office(session, code).id
        whole = log_tree.head(session, office_id).size if size is None else size
        found = log_tree.proof_of(session, office_id, seq, whole)
    _show(found, holds=found.holds())


def _look(session: Session, office: WelfareOffice, posted: list[tuple[Path, SignedHead]], pem: str | None) -> int:
    """Say what is wrong with one office's journal. Returns how much."""
    from uploads.heads import is_signed  # with the libraries of signatures; no other verb needs them

    certificates = _published(session, office.code) if pem is None else pem
    mine = [Witness(said.size, said.root, str(path)) for path, said in posted if said.office == office.code]
    look = Audit(session, office, lambda head: is_signed(certificates, head.said, head.signature), mine)
    found = 0
    for one in look.damage():
        found += 1
        click.echo(f"{office.code}  {one.where}  {one.event or '-'}  {one.kind.value}  {one.what}")
    click.echo(f"{office.code}: {look.entries} entries, {look.heads} heads; {found or 'nothing'} found", err=True)
    if look.unsigned:
        click.echo(f"{office.code}: {look.unsigned} signatures not checked: no certificate is known", err=True)
    if look.older:
        click.echo(f"{office.code}: {look.older} steps are older than the rule that each is an entry", err=True)
    return found


def _published(session: Session, code: str) -> str:
    try:
        return seals.certificates(session, code)
    except NotThere:
        return ""


def _offices(session: Session, code: str | None, posted: list[tuple[Path, SignedHead]]) -> list[WelfareOffice]:
    every = select(WelfareOffice).order_by(WelfareOffice.code)
    offices = [_office(session, code)] if code else list(session.scalars(every))
    asked = {office.code for office in offices}
    for path, said in posted:
        if said.office not in asked:
            raise click.ClickException(f"{path} is a head of {said.office}, which is not looked at")
    return offices


def _office(session: Session, code: str) -> WelfareOffice:
    office = session.scalar(select(WelfareOffice).where(WelfareOffice.code == code))
    if office is None:
        raise click.ClickException(f"no office has the code {code}")
    return office


def _head_in(path: Path) -> tuple[Path, SignedHead]:
    try:
        return path, tree_head.read(path.read_text(encoding="ascii"))
    except (NotAHead, UnicodeDecodeError) as error:
        raise click.ClickException(f"{path}: {error}") from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter("a day, such as 2026-12-28", param_hint="--day") from None


def _show(what: Any, *, holds: bool) -> None:
    click.echo(json.dumps(asdict(what), ensure_ascii=False, indent=2))
    click.echo("it holds" if holds else "IT DOES NOT HOLD", err=True)
    if not holds:
        sys.exit(FOUND)


@contextmanager
def _asking(*, snapshot: bool = False) -> Iterator[sessionmaker[Session]]:
    """Sessions; what goes wrong ends with 2 and a sentence.

    :param snapshot: they see one moment, however long they look.
    """
    engine: Engine | None = None
    try:
        engine = engine_for(Settings.from_environ().database_url)
        if not snapshot:
            yield sessions(engine)
        elif engine.dialect.name == "sqlite":
            yield reading_sessions(engine)
        else:
            yield sessions(engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True))
    except LogBroken as broken:
        click.echo(f"{broken}; audit verify says more", err=True)
        sys.exit(FOUND)
    except click.ClickException as error:
        _cannot(error.message)
    except (MissingSetting, ValueError) as error:
        _cannot(str(error))
    except SQLAlchemyError as error:
        _cannot(f"the database cannot be asked, or is not up to date ({type(error).__name__})")
    finally:
        if engine is not None:
            engine.dispose()


def _cannot(reason: str) -> NoReturn:
    click.echo(f"this could not run: {reason}", err=True)
    sys.exit(COULD_NOT_RUN)
