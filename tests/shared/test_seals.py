"""The certificates of an office's seals, written down while the office works."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.orm import Session, sessionmaker

from shared import clock, journal, seals
from shared.model import Actor
from shared.seals import Certificate
from tests import factories
from tests.shared.test_closing import waits_for_the_journal

ONE_DATABASE = True  # SQLite lets one write at a time


def test_whoever_writes_the_journal_meanwhile_is_not_cut_off(make_session: sessionmaker[Session]) -> None:
    with make_session.begin() as session:
        office = factories.office(session)
        clerk = factories.staff(session)
    now = clock.now()
    found = [Certificate("ab" * 32, "-----BEGIN", now, now + seals.SOON * 9, None, revoked=False)]

    def publish() -> int:
        with make_session.begin() as session:
            return seals.publish(session, office.code, found)

    with ThreadPoolExecutor(1) as pool, make_session.begin() as session:
        journal.hold(session, office.id)  # somebody is about to write
        publishing = pool.submit(publish)
        waits_for_the_journal(make_session)
        journal.record(session, office.id, Actor.staff(clerk.staff_id), "submission.viewed", clerk.staff_id)
        session.commit()
        assert publishing.result(30) == 1
    with make_session() as session:
        assert [entry.event for entry in journal.entries(session, office.id)] == ["submission.viewed", "seal.published"]
