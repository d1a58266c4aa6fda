"""確かめる, on both databases: what is found, and how wrong ones are counted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, public_check, receipts
from shared.model import Receipt, ReceiptState, Role, State, Tries
from shared.public_check import Limit, by_code, by_token, count_wrong, of_address, of_typed, plain_number, wait_of
from shared.rules.numbers import read_check_code, read_code
from tests import factories

EVENING = datetime.fromisoformat("2026-11-19T20:12:41+09:00")


@pytest.fixture(autouse=True)
def now() -> Iterator[datetime]:
    with clock.at(EVENING):
        yield EVENING


@pytest.fixture
def issued(session: Session) -> Receipt:
    clerk = factories.staff(session, Role.CLERK)
    row = factories.submission(session, State.ACCEPTED)
    return receipts.issue(session, clerk, row.id, seen=row.revision, attempt=uuid4(), demo=True)


def test_a_certificate_is_found_by_its_token_and_by_number_and_code_together(session: Session, issued: Receipt) -> None:
    found = by_token(session, issued.token)
    assert found is not None
    assert found == by_code(session, issued.document_no, issued.check_code)
    assert (found.document_no, found.issued_on, found.voided_on) == (issued.document_no, EVENING.date(), None)
    assert (found.office_code, found.pdf_sha256, found.replaced) == ("HB", None, False)
    for token in ("", "0" * 32, issued.token[:-1], issued.token.upper() + "x", issued.check_code):
        assert by_token(session, token) is None
    for number, code in (
        (issued.document_no, ""),
        (issued.document_no, "22223333"),
        ("", issued.check_code),
        (issued.document_no.replace("1", "2"), issued.check_code),
        (issued.document_no, issued.check_code + "2"),
    ):
        assert by_code(session, number, code) is None


def test_two_with_one_code_are_told_apart_by_their_numbers(session: Session, issued: Receipt) -> None:
    clerk, row = factories.staff(session, Role.CLERK), factories.submission(session, State.ACCEPTED)
    other = receipts.issue(session, clerk, row.id, seen=row.revision, attempt=uuid4(), demo=True)
    other.check_code = issued.check_code
    session.flush()
    for one in (issued, other):
        found = by_code(session, one.document_no, one.check_code)
        assert found is not None
        assert found.document_no == one.document_no


def test_a_voided_one_is_found_with_its_day(session: Session, issued: Receipt) -> None:
    issued.move(ReceiptState.VOIDED)
    issued.voided_at, issued.voided_by, issued.void_reason = clock.now(), issued.issued_by, "まちがい"
    session.flush()
    found = by_token(session, issued.token)
    assert found is not None
    assert (found.voided_on, found.replaced) == (EVENING.date(), False)


def test_looking_by_code_goes_through_an_index(session: Session, issued: Receipt) -> None:
    asked = "SELECT id FROM receipt WHERE check_code = 'x'"
    if session.get_bind().dialect.name == "sqlite":
        plan = session.execute(text(f"EXPLAIN QUERY PLAN {asked}")).all()
    else:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = session.execute(text(f"EXPLAIN {asked}")).all()
    assert "ix_receipt_check_code" in str(plan)


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("ひ福生第 令8-03121 号", "ひ福生第令803121"),
        ("ひ福生第令８－０３１２１号", "ひ福生第令803121"),
        (" ひ福生第　令8 ー 03121", "ひ福生第令803121"),
        ("HB第 令8-1 号", "HB第令81"),
        ("hb第令8‐1", "HB第令81"),
        ("", ""),
        ("-" * 500, ""),
    ],
)
def test_a_number_is_what_its_letters_and_figures_say(typed: str, plain: str) -> None:
    assert plain_number(typed) == plain


def test_a_check_code_is_no_letters_code() -> None:
    assert read_check_code("k7p4-9mwx") == read_check_code("Ｋ７Ｐ４ ９ＭＷＸ") == "K7P49MWX"
    assert read_check_code("K7P4-9MW0") is None
    assert read_check_code("K7P4-9MWX-R3TD") is None
    assert read_code("K7P4-9MWX") is None


def test_where_a_question_comes_from_is_one_household() -> None:
    assert of_address("2001:db8:1:2::3") == of_address("2001:db8:1:2:ffff:1:2:3") != of_address("2001:db8:1:3::3")
    assert of_address("198.51.100.7") != of_address("198.51.100.8")
    assert of_typed("ひ福生第 令8-1 号")[1] == of_typed("ひ福生第 令8-2 号")[1] != of_typed("ほ福生第 令8-1 号")[1]
    assert of_typed("nonsense")[1] == of_typed("")[1]


def test_a_window_opens_with_the_first_wrong_one_and_closes_by_itself(session: Session) -> None:
    limits = [Limit("here", 3), Limit("there", 5)]
    for turn in range(3):
        assert wait_of(session, limits) is None
        with clock.at(EVENING + timedelta(minutes=turn)):
            count_wrong(session, limits)
    assert wait_of(session, limits) == public_check.WINDOW
    assert wait_of(session, limits[1:]) is None
    with clock.at(EVENING + timedelta(minutes=9)):
        assert wait_of(session, limits) == timedelta(minutes=1)
    with clock.at(EVENING + timedelta(minutes=10, seconds=1)):
        assert wait_of(session, limits) is None
        count_wrong(session, limits)
        assert wait_of(session, limits) is None
        assert session.scalars(select(Tries.failures)).all() == [1, 1]


def test_counts_are_kept_under_no_name_and_forgotten_after_a_day(session: Session) -> None:
    count_wrong(session, [of_address("198.51.100.7")])
    assert "198.51" not in str(session.execute(select(Tries.name_hash)).all())
    with clock.at(EVENING + timedelta(days=1, seconds=1)):
        count_wrong(session, [of_address("198.51.100.8")])
    assert session.scalar(select(func.count()).select_from(Tries)) == 1


def test_many_at_once_are_all_counted(make_session: sessionmaker[Session]) -> None:
    limits = [Limit("b", 99), Limit("a", 99)]

    def wrong() -> None:
        for _ in range(5):
            with make_session.begin() as session:
                count_wrong(session, limits)

    threads = [threading.Thread(target=wrong) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with make_session() as session:
        assert session.scalars(select(Tries.failures)).all() == [20, 20]
