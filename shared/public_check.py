"""確かめる: what anybody who holds a 受領証 may learn of it: whether it stands, and the hash of its file. Nothing else.

Who scans its QR code has the token, of 128 bits. Who types has the 文書番号 and the check code, of 39 bits: so wrong
ones are counted, by where they come from, by number, and by office.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Select, case, delete, exists, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from shared import clock
from shared.model import Receipt, ReceiptState, Tries, WelfareOffice
from shared.rules.numbers import code_hash, read_check_code

WINDOW: Final = timedelta(minutes=10)  # in which wrong ones are counted
LONGEST: Final = 100  # letters of a number or a code that anybody would type
_NUMBER: Final = re.compile(r"(?P<office>.*?)[明大昭平令]\d")


@dataclass(frozen=True)
class Checked:
    """What the public page says of a certificate."""

    document_no: str
    issued_on: date
    city: str
    counter: str
    phone: str
    office_code: str
    voided_on: date | None
    replaced: bool  # voided, and another one stands for the same thing
    pdf_sha256: str | None  # None until it is drawn


@dataclass(frozen=True)
class Limit:
    """So many wrong ones in ``WINDOW`` from one source, under one number, or for one office."""

    name: str
    most: int


def of_address(address: str) -> Limit:
    """Where a question comes from. A household's IPv6 addresses are one."""
    return Limit(f"check from {':'.join(address.split(':')[:4]) if ':' in address else address}", 10)


def of_typed(number: str) -> list[Limit]:
    """The number that was typed, and the office it would be of: whether or not there are such."""
    plain = plain_number(number)
    found = _NUMBER.match(plain)
    return [Limit(f"check of {plain}", 5), Limit(f"check at {found['office'] if found else ''}", 200)]


def by_token(session: Session, token: str) -> Checked | None:
    """The certificate the QR code leads to."""
    return _checked(session, _found().where(Receipt.token == token), lambda _number: True)


def by_code(session: Session, number: str, code: str) -> Checked | None:
    """The certificate with this 文書番号 and check code, whatever their width, case, spaces and hyphens."""
    typed = plain_number(number).encode()
    read = read_check_code(code[:LONGEST]) or ""
    asked = _found().where(Receipt.check_code == read)
    return _checked(session, asked, lambda found: hmac.compare_digest(plain_number(found).encode(), typed))


def plain_number(number: str) -> str:
    """A 文書番号 without what people leave out, add or type otherwise: only its letters and figures count."""
    plain = unicodedata.normalize("NFKC", number[:LONGEST]).upper()
    return "".join(sign for sign in plain if sign.isalnum() and sign not in "号ー")


def wait_of(session: Session, limits: Iterable[Limit]) -> timedelta | None:
    """How long to wait before asking again; None if there is room."""
    most = {code_hash(limit.name): limit.most for limit in limits}
    waits = [
        row.wait_until - clock.now()
        for row in session.scalars(select(Tries).where(Tries.name_hash.in_(most), Tries.wait_until > clock.now()))
        if row.wait_until and row.failures >= most[row.name_hash]
    ]
    return max(waits, default=None)


def count_wrong(session: Session, limits: Iterable[Limit]) -> None:
    """Count one wrong question under each of these. A window begins with its first."""
    session.execute(delete(Tries).where(Tries.last_at < clock.now() - timedelta(days=1)))
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    ends = clock.now() + WINDOW
    running = Tries.wait_until > clock.now()
    for name in sorted(code_hash(limit.name) for limit in limits):  # always in one order: no two wait for each other
        begun = insert(Tries).values(name_hash=name, failures=1, wait_until=ends, last_at=clock.now())
        session.execute(
            begun.on_conflict_do_update(
                index_elements=[Tries.name_hash],
                set_={
                    "failures": case((running, Tries.failures + 1), else_=1),
                    "wait_until": case((running, Tries.wait_until), else_=ends),
                    "last_at": clock.now(),
                },
            )
        )


_Found = Select[Receipt, WelfareOffice, bool]


def _found() -> _Found:
    other = aliased(Receipt)
    stands = exists().where(
        other.office_id == Receipt.office_id,
        other.submission_id == Receipt.submission_id,
        other.id != Receipt.id,
        other.state == ReceiptState.ISSUED,
    )
    return select(Receipt, WelfareOffice, stands).join(WelfareOffice, WelfareOffice.id == Receipt.office_id)


def _checked(session: Session, asked: _Found, is_it: Callable[[str], bool]) -> Checked | None:
    for receipt, office, replaced in session.execute(asked):
        if is_it(receipt.document_no):
            return Checked(
                document_no=receipt.document_no,
                issued_on=clock.day_of(receipt.issued_at),
                city=office.city,
                counter=office.counter,
                phone=office.phone,
                office_code=office.code,
                voided_on=clock.day_of(receipt.voided_at) if receipt.voided_at else None,
                replaced=replaced,
                pdf_sha256=receipt.pdf_sha256,
            )
    return None
