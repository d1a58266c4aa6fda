"""Files that are like each other: noticed inside a household, whatever the order, and nowhere else."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from shared import drafts, intake, likeness, slips
from shared.model import MACHINE, Household, How, Likeness, SafeCopy, State, StoredFile
from shared.rules.likeness import LETTERS, SAME_PAPER, SAME_PICTURE, Page, nearest, nearness
from shared.session import sessions
from shared.sign_in import Recipient
from tests import factories

SEPTEMBER = date(2026, 9, 1)
LOOK = (1 << 241) | (1 << 7)
WORDS = "給与明細書　2026年10月分　株式会社みほん清掃　基本給 82,800円　通勤手当 2,600円　差引支給額"


def look(bits: int = 0) -> str:
    """A look that differs from the first one in so many bits."""
    return f"{LOOK ^ (((1 << bits) - 1) << 20):061x}"


def came(session: Session, who: Recipient, month: date = factories.OCTOBER, **given: Any) -> StoredFile:
    """A file of the person's draft for ``month``."""
    report = factories.begun(session, who, month)
    file = factories.file(session, who, report, **given)
    likeness.note_same(session, file)
    return file


def drawn(session: Session, file: StoredFile, *pages: Page) -> None:
    """What the worker does, as far as likeness goes."""
    factories.make_safe(session, file, pages=len(pages))
    rows = slips.pages_of(session, file.office_id, file.id)
    for row, page in zip(rows, pages, strict=True):
        row.look, row.text = page.look, page.text
    session.flush()
    likeness.note_alike(session, file, rows)


def noted(session: Session) -> list[tuple[object, object, How]]:
    rows = session.scalars(select(Likeness).order_by(Likeness.file_id))
    return [(row.file_id, row.earlier_id, row.how) for row in rows]


@pytest.fixture
def who(session: Session) -> Recipient:
    return factories.recipient(session)


def test_the_same_bytes_again_are_noted_with_the_newest_earlier_file_and_once(session: Session, who: Recipient) -> None:
    _, second, third = (
        came(session, who, month, sha256="a" * 64) for month in (SEPTEMBER, SEPTEMBER, factories.OCTOBER)
    )
    came(session, who, sha256="b" * 64)
    likeness.note_same(session, third)
    assert noted(session)[-1] == (third.id, second.id, How.SAME)
    assert len(noted(session)) == 2


def test_no_likeness_leaves_its_household_or_its_office(session: Session, who: Recipient) -> None:
    neighbour = factories.recipient(session, factories.household(session))
    other_office = factories.office(session, "XY", document_prefix="別福生第")
    stranger = factories.recipient(
        session, factories.household(session, factories.staff(session, office_id=other_office.id))
    )
    page = Page(look(), WORDS)
    for one in (who, neighbour, stranger):
        drawn(session, came(session, one, sha256="a" * 64), page)
    assert noted(session) == []


def test_what_was_taken_out_of_a_draft_or_taken_back_is_no_duplicate(session: Session, who: Recipient) -> None:
    removed = came(session, who, sha256="a" * 64)
    drafts.remove(session, who, removed.submission_id, removed.id)
    again = came(session, who, sha256="a" * 64)
    assert noted(session) == []
    later = came(session, who, SEPTEMBER, sha256="a" * 64)
    assert noted(session) == [(later.id, again.id, How.SAME)]
    (row,) = slips.file_rows(session, [later])
    assert row.like is not None
    drafts.remove(session, who, again.submission_id, again.id)
    assert slips.file_rows(session, [later]) == [replace(row, like=None)]


@pytest.mark.parametrize("taken_back", [State.WITHDRAWN, State.VOIDED])
def test_a_report_that_was_taken_back_is_no_duplicate(session: Session, who: Recipient, taken_back: State) -> None:
    report = factories.draft(session, who)
    earlier = factories.file(session, who, report, sha256="a" * 64)
    intake.send(session, who, report.id, attempt=uuid4())
    again = came(session, who, sha256="a" * 64)
    assert noted(session) == [(again.id, earlier.id, How.SAME)]
    report.move(taken_back, MACHINE)
    session.flush()
    (row,) = slips.file_rows(session, [again])
    assert row.like is None
    came(session, who, SEPTEMBER, sha256="a" * 64)
    assert [earlier_id for _, earlier_id, _ in noted(session)] == [earlier.id, again.id]


def test_two_jobs_of_one_household_that_end_in_the_same_moment_see_each_other(engine: Engine) -> None:
    with sessions(engine).begin() as session:
        who = factories.recipient(session)
        files = [came(session, who, month) for month in (SEPTEMBER, factories.OCTOBER)]

    def end(file: StoredFile) -> None:
        with sessions(engine).begin() as own:
            drawn(own, own.get_one(StoredFile, (file.office_id, file.id)), Page(look(), None))

    with ThreadPoolExecutor(1) as other:
        with sessions(engine).begin() as session:
            drawn(session, session.get_one(StoredFile, (who.office_id, files[1].id)), Page(look(), None))
            ended = other.submit(end, files[0])
            time.sleep(0.3)  # now it stands at the household
        ended.result()
    with sessions(engine)() as session:
        assert noted(session) == [(files[1].id, files[0].id, How.ALIKE)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_page_photographed_again_is_noted_in_whatever_order_they_become_safe(
    session: Session, who: Recipient, order: tuple[int, int]
) -> None:
    files = [came(session, who) for _ in range(2)]
    pages = [Page(look(), ""), Page(look(60), None)]
    for at in order:
        drawn(session, files[at], pages[at])
        likeness.note_alike(session, files[at], slips.pages_of(session, who.office_id, files[at].id))
    assert noted(session) == [(files[1].id, files[0].id, How.ALIKE)]


def test_of_several_the_one_most_alike_is_named(session: Session, who: Recipient) -> None:
    near, far, new = (came(session, who) for _ in range(3))
    drawn(session, near, Page(look(10), None))
    drawn(session, far, Page(look(70), None))
    drawn(session, new, Page(f"{1 << 240:061x}", None), Page(look(), None))
    assert (new.id, near.id, How.ALIKE) in noted(session)


def test_a_look_alone_says_nothing_about_another_month_or_another_member(session: Session, who: Recipient) -> None:
    partner = factories.recipient(session, session.get_one(Household, (who.office_id, who.household_id)), is_head=False)
    drawn(session, came(session, who, SEPTEMBER), Page(look(60), None))
    drawn(session, came(session, partner), Page(f"{LOOK ^ (((1 << 60) - 1) << 100):061x}", None))
    other = came(session, who)
    drawn(session, other, Page(look(), None))
    assert noted(session) == []


def test_the_same_picture_or_the_same_letters_of_another_month_are_noted(session: Session, who: Recipient) -> None:
    picture, letters = (came(session, who, SEPTEMBER) for _ in range(2))
    drawn(session, picture, Page(look(), None))
    drawn(session, letters, Page(look(200), WORDS))
    smaller, printed = (came(session, who) for _ in range(2))
    drawn(session, smaller, Page(look(SAME_PICTURE), None))
    drawn(session, printed, Page(look(120), WORDS.replace("　", "\n")))
    assert {(smaller.id, picture.id, How.ALIKE), (printed.id, letters.id, How.ALIKE)} <= set(noted(session))


def test_who_has_the_same_bytes_is_not_called_alike_as_well(session: Session, who: Recipient) -> None:
    files = [came(session, who, sha256="a" * 64) for _ in range(2)]
    for file in files:
        drawn(session, file, Page(look(), WORDS))
    assert noted(session) == [(files[1].id, files[0].id, How.SAME)]


def test_bytes_that_came_unseen_by_each_other_are_noted_by_the_worker(session: Session, who: Recipient) -> None:
    files = [came(session, who, sha256="a" * 64) for _ in range(2)]
    for row in session.scalars(select(Likeness)).all():
        session.delete(row)
    session.flush()
    for file in reversed(files):
        drawn(session, file, Page(look(), None))
    assert noted(session) == [(files[1].id, files[0].id, How.SAME)]


def test_only_the_newest_pages_are_compared(session: Session, who: Recipient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likeness, "PAGES", 1)
    old, new, last = (came(session, who) for _ in range(3))
    drawn(session, old, Page(look(), None))
    drawn(session, new, Page(look(200), None))
    drawn(session, last, Page(look(), None))
    assert (last.id, old.id, How.ALIKE) not in noted(session)


def test_a_file_is_shown_with_the_earlier_one(session: Session, who: Recipient) -> None:
    report = factories.draft(session, who, SEPTEMBER)
    earlier = factories.file(session, who, report, name="9月.pdf", sha256="a" * 64)
    plain, like = came(session, who), came(session, who, sha256="a" * 64)
    shown = slips.file_rows(session, [like, plain])
    assert [row.id for row in shown] == [like.id, plain.id]
    assert shown[1].like is None
    assert shown[0].like == slips.LikeRow(
        how=How.SAME,
        file_id=earlier.id,
        name="9月.pdf",
        received_at=earlier.received_at,
        number=None,
        month=SEPTEMBER,
        member_id=who.member_id,
    )
    assert slips.file_rows(session, []) == []
    october = factories.begun(session, who, factories.OCTOBER)
    slip = slips.slip(session, october, drafts.latest_version(session, october))
    assert [row.like is None for row in slip.files] == [True, False]


def test_letters_decide_where_both_pages_have_them() -> None:
    other_month = WORDS.replace("10月", "11月")
    assert nearness(Page(look(), WORDS), Page(look(), other_month), SAME_PAPER) is None
    assert nearness(Page(look(), WORDS), Page(look(200), WORDS), SAME_PAPER) == 0
    assert nearness(Page(look(), WORDS), Page(look(30), None), SAME_PAPER) == 30
    assert nearness(Page(look(), "x" * (LETTERS - 1)), Page(look(), WORDS), SAME_PAPER) == 0


def test_an_empty_page_and_one_without_a_look_are_like_no_other() -> None:
    empty = Page("0" * 61, "")
    for nothing in (empty, Page(None, None), Page("", None)):
        assert nearness(nothing, nothing, SAME_PAPER) is None
    assert nearness(Page("ff", None), Page("0ff", None), SAME_PAPER) is None
    assert nearest([], [Page(look(), None)], SAME_PAPER) is None


@given(st.integers(0, 200), st.integers(0, 242))
def test_nearness_counts_bits_up_to_a_bound(bits: int, within: int) -> None:
    one, other = Page(look(), None), Page(look(bits), None)
    assert nearness(one, other, within) == nearness(other, one, within) == (bits if bits <= within else None)


def test_no_safe_copy_of_an_older_worker_breaks_the_comparison(session: Session, who: Recipient) -> None:
    old, new = (came(session, who) for _ in range(2))
    factories.make_safe(session, old)
    drawn(session, new, Page(look(), None))
    assert (session.scalars(select(SafeCopy.look)).all().count(None), noted(session)) == (1, [])
