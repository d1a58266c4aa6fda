"""The worker's part: trees grow, heads are signed once a day, and openssl alone proves them."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, journal, log_tree
from shared.audit import Audit
from shared.model import Actor, LogEntry, LogNode, TreeHead, WelfareOffice
from shared.rules import tree_head
from tests import factories
from uploads import heads
from uploads.signing import Seals
from uploads.worker import tend_journals

Make = sessionmaker[Session]


@pytest.fixture
def seals(tmp_path: Path) -> Seals:
    found = Seals(tmp_path / "seals")
    found.make("HB", "架空県ひばり野市福祉事務所長")
    return found


@pytest.fixture
def office_id(make_session: Make) -> UUID:
    with make_session.begin() as session:
        office_id = factories.office(session).id
        factories.office(session, "HX")  # nothing has happened there
        write(session, office_id, 5)
        return office_id


def write(session: Session, office_id: UUID, count: int) -> None:
    for _ in range(count):
        journal.record(session, office_id, Actor.staff(uuid4()), "thing.done")


def signed(make_session: Make) -> list[TreeHead]:
    with make_session() as session:
        return list(session.scalars(select(TreeHead).order_by(TreeHead.day)))


def test_a_head_is_signed_once_a_day_and_is_an_entry_of_the_journal(
    make_session: Make, seals: Seals, office_id: UUID
) -> None:
    for _round in range(3):
        tend_journals(make_session, seals)
    (head,) = signed(make_session)
    assert (head.office_id, head.day, head.size, head.key_id) == (
        office_id,
        clock.today(),
        5,
        seals.of("HB").fingerprint,
    )
    assert tree_head.read(head.said).root == head.root
    with make_session() as session:
        entry = session.scalars(select(LogEntry).where(LogEntry.event == "head.signed")).one()
        assert (entry.seq, entry.subject_id) == (6, head.id)
        assert entry.facts == {"day": head.day.isoformat(), "size": 5, "root": head.root}
    with clock.at(clock.now() + timedelta(days=1)):
        tend_journals(make_session, seals)
    assert [head.size for head in signed(make_session)] == [5, 6]


def test_the_trees_grow_also_where_there_is_no_seal(make_session: Make, office_id: UUID) -> None:
    for seals in (None, Seals(Path("/nowhere"))):
        tend_journals(make_session, seals)
        assert signed(make_session) == []
        with make_session() as session:
            assert log_tree.size_of(session, office_id) == 5
            assert session.scalar(select(func.count()).select_from(LogNode)) == 5 + 2 + 1
            assert log_tree.behind(session) == []


def test_two_workers_at_once_sign_one_head(make_session: Make, seals: Seals, office_id: UUID) -> None:
    with make_session.begin() as session:
        said = log_tree.to_sign(session, office_id)
    signature = seals.of("HB").sign_bytes(said.text().encode())
    kept = []
    for _worker in range(2):
        with make_session.begin() as session:
            kept.append(log_tree.keep(session, office_id, said, signature, "a key"))
    assert kept == [True, False]
    assert len(signed(make_session)) == 1


def test_a_broken_journal_is_not_signed(make_session: Make, seals: Seals, office_id: UUID) -> None:
    with make_session.begin() as session:
        session.execute(text("DROP TRIGGER log_entry_append_only ON log_entry"))
        session.execute(update(LogEntry).where(LogEntry.seq == 3).values(event="x.done"))
    tend_journals(make_session, seals)
    assert signed(make_session) == []


@pytest.fixture
def on_paper(make_session: Make, seals: Seals, office_id: UUID, tmp_path: Path) -> Path:
    """A folder with a head, its signature and the office's certificates, as an auditor has them."""
    tend_journals(make_session, seals)
    (head,) = signed(make_session)
    (tmp_path / "head.txt").write_text(head.said, encoding="ascii")
    (tmp_path / "head.p7s").write_bytes(head.signature)
    (tmp_path / "office.pem").write_text(seals.of("HB").pem, encoding="ascii")
    return tmp_path


def openssl(folder: Path) -> int:
    command = "openssl cms -verify -binary -inform DER -in head.p7s -content head.txt -CAfile office.pem -purpose any"
    return subprocess.run(
        [*command.split(), "-out", "said.txt"], cwd=folder, capture_output=True, check=False
    ).returncode


def test_openssl_proves_a_head_without_us_and_refuses_a_changed_one(on_paper: Path) -> None:
    assert openssl(on_paper) == 0
    assert (on_paper / "said.txt").read_bytes() == (on_paper / "head.txt").read_bytes()
    said = (on_paper / "head.txt").read_text(encoding="ascii")
    (on_paper / "head.txt").write_text(said.replace("size: 5", "size: 6"), encoding="ascii")
    assert openssl(on_paper) != 0


def test_the_audit_checks_the_signature_too(on_paper: Path, make_session: Make, office_id: UUID) -> None:
    pem = (on_paper / "office.pem").read_text(encoding="ascii")
    (head,) = signed(make_session)
    assert heads.is_signed(pem, head.said, head.signature) is True
    assert heads.is_signed(pem, head.said.replace("size: 5", "size: 6"), head.signature) is False
    assert heads.is_signed(pem, head.said, b"none") is False
    assert heads.is_signed("", head.said, head.signature) is None
    other = Seals(on_paper / "others")
    other.make("HB", "架空県ひばり野市福祉事務所長")
    assert heads.is_signed(other.of("HB").pem, head.said, head.signature) is False
    with make_session() as session:
        office = session.get_one(WelfareOffice, office_id)
        look = Audit(session, office, lambda row: heads.is_signed(pem, row.said, row.signature))
        assert list(look.damage()) == []
        assert (look.entries, look.heads, look.unsigned) == (6, 1, 0)
