"""``./madoguchi seal …``: the keys an office signs its certificates with. Run it where the worker runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from config.settings import MissingSetting, Settings
from shared import clock
from shared import seals as certificates
from shared.model import WelfareOffice
from shared.session import engine_for, sessions

if TYPE_CHECKING:
    from uploads.signing import Seal, Seals

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def seal() -> None:
    """Make, show and retire the seals of an office. Certificates are public, keys never leave their folder."""


@seal.command()
@click.argument("code")
@click.option("--certificate", type=FILE, help="PEM: the office's own first, then its chain; else our own CA makes one")
@click.option("--key", type=FILE, help="PEM: the private key of the certificate; else a new one is made")
@click.option("--token", help="the label of the PKCS#11 token that holds the key")
@click.option("--key-label", help="the label of the key in the token")
def new(code: str, certificate: Path | None, key: Path | None, token: str | None, key_label: str | None) -> None:
    """A new seal: it signs from now on. The one before stays valid for what it has signed; retire it when you like."""
    if bool(token) != bool(key_label) or (token and key) or bool(key) != bool(certificate and not token):
        raise click.UsageError("either nothing, or --key and --certificate, or --token and --key-label")
    with _folder() as found:
        title = _title(code)
        if token and key_label:
            made = found.take_token(code, title, token, key_label, certificate.read_bytes() if certificate else None)
        elif key and certificate:
            made = found.take(code, certificate.read_bytes(), key.read_bytes())
        else:
            made = found.make(code, title)
        _publish(found, code)
    click.echo(_line(made))


@seal.command("list")
@click.argument("code", required=False)
def list_(code: str | None) -> None:
    """Every seal, the oldest first: name, state, until when, fingerprint."""
    with _folder() as found:
        for office in [code] if code else found.offices():
            for one in found.listed(office):
                click.echo(f"{office}  {_line(one)}")


@seal.command()
@click.argument("code")
def show(code: str) -> None:
    """The certificates as PEM, the newest first: what the portal hands out at /seal/CODE.pem."""
    with _folder() as found:
        for one in reversed(found.listed(code)):
            click.echo(one.pem, nl=False)


@seal.command()
@click.argument("code")
@click.argument("name")
@click.option("--revoked", is_flag=True, help="its key is in other hands: its certificate is on our list from now on")
def retire(code: str, name: str, revoked: bool) -> None:
    """Take a seal out of use, for good."""
    with _folder() as found:
        done = found.retire(code, name, revoked=revoked)
        _publish(found, code)
    click.echo(_line(done))


@contextmanager
def _folder() -> Iterator[Seals]:
    from uploads.seal_keys import SealMissing  # with all it needs to sign; no other verb does
    from uploads.signing import seals_from

    try:
        found = seals_from(Settings.from_environ())
        if found is None:
            raise click.ClickException("MADOGUCHI_SEALS is not set: it names the folder of the seals")
        yield found
    except (MissingSetting, SealMissing, ValueError, OSError) as error:
        raise click.ClickException(str(error)) from None
    except SQLAlchemyError as error:
        raise click.ClickException(
            f"the database cannot be asked, or is not up to date ({type(error).__name__})"
        ) from None


def _title(code: str) -> str:
    with sessions(engine_for(Settings.from_environ().database_url)).begin() as session:
        title = session.scalar(select(WelfareOffice.title).where(WelfareOffice.code == code))
    if title is None:
        raise ValueError(f"no office has the code {code}; add-office makes one")
    return title


def _publish(found: Seals, code: str) -> None:
    with sessions(engine_for(Settings.from_environ().database_url)).begin() as session:
        certificates.publish(session, code, [one.public for one in found.listed(code)])


def _line(one: Seal) -> str:
    if one.revoked:
        state = "revoked"
    elif one.retired_at:
        state = "retired"
    elif one.usable(clock.now()):
        state = "token" if one.in_token else "file"
    else:
        state = "expired"
    return f"{one.name}  {state}  until {one.not_after:%Y-%m-%d}  sha256 {one.fingerprint}"
