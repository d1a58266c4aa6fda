"""「持っていない」: four honest answers, seen by staff, none of which holds anything up."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import drafts, receipts, slips
from shared.model import AbsentPaper, Submission, WhyAbsent
from tests.portal.phone import Somebody

Make = sessionmaker[Session]


def said(make_session: Make) -> list[WhyAbsent]:
    with make_session() as session:
        return [row.why for row in session.scalars(select(AbsentPaper).order_by(AbsentPaper.version_id))]


@pytest.mark.parametrize("why", WhyAbsent)
def test_a_paper_that_is_not_there_is_said_and_goes_with_what_is_sent(
    hanako: Somebody, report: UUID, make_session: Make, why: WhyAbsent
) -> None:
    phone = hanako.picker(report)
    assert phone.press(f"/absent/{report}", why=why.value).place == f"/forms/{report}/files#absent"
    assert said(make_session) == [why]
    page = phone.open(f"/forms/{report}/files")
    assert "このまま出せます" in page.text
    phone.open(f"/forms/{report}/check")
    assert phone.press().place == f"/sent/{report}"
    with make_session() as session:
        slip = slips.slip(session, session.scalars(select(Submission)).one())
    assert slip.absent is why
    assert ["ない書類", receipts.ABSENT[why]] in receipts.declared(slip)


def test_it_can_be_changed_and_taken_back(hanako: Somebody, report: UUID, make_session: Make) -> None:
    phone = hanako.picker(report)
    phone.press(f"/absent/{report}", why="lost")
    hanako.picker(report)
    phone.press(f"/absent/{report}", take_back="1")
    assert said(make_session) == []
    hanako.picker(report)
    phone.press(f"/absent/{report}", why="later")
    assert said(make_session) == [WhyAbsent.LATER]


@pytest.mark.parametrize("why", ["", "stolen", "<b>", "\x00"])
def test_no_choice_is_asked_for_again_and_stores_nothing(
    hanako: Somebody, report: UUID, make_session: Make, why: str
) -> None:
    phone = hanako.picker(report)
    phone.press(f"/absent/{report}", why=why)
    assert "1つをえらんで" in phone.open(f"/forms/{report}/files").text
    assert said(make_session) == []


def test_the_next_version_begins_with_it_and_the_sent_one_keeps_its_own(
    hanako: Somebody, report: UUID, make_session: Make
) -> None:
    hanako.picker(report).press(f"/absent/{report}", why="lost")
    hanako.phone.open(f"/forms/{report}/check")
    hanako.phone.press()
    with make_session.begin() as session:
        drafts.change(session, hanako.who, report)
        drafts.say_absent(session, hanako.who, report, WhyAbsent.NEVER)
    assert said(make_session) == [WhyAbsent.LOST, WhyAbsent.NEVER]


def test_nothing_is_said_of_what_is_somebody_elses_or_sent(
    hanako: Somebody, jiro: Somebody, report: UUID, make_session: Make
) -> None:
    page = jiro.phone.open("/home")
    token = next(form.fields["csrf_token"] for form in page.forms if "csrf_token" in form.fields)
    assert jiro.phone.post(f"/absent/{report}", {"csrf_token": token, "why": "lost"}).status == 404
    assert said(make_session) == []
