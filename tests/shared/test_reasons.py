"""The office's own words for why something is asked for again: what is kept, and what was said stays said."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared import intake, reasons, review, slips
from shared.drafts import files_of, sent_version
from shared.errors import NotKept, NotThere
from shared.model import CorrectionItem, CorrectionReason, FileState, LogEntry, Reason, Role, State, Submission
from shared.reasons import LONGEST, LONGEST_LABEL, MOST, Sentences, Wording
from shared.sign_in import Staff
from tests import factories

DATE = Wording("日付が見えない", {"ja": Sentences("日付のところを 見せてください", "日付を もう一度見てください")})


@pytest.fixture
def chief(session: Session) -> Staff:
    return factories.staff(session, Role.SUPERVISOR)


def ask(session: Session, code: str) -> Submission:
    row = factories.submission(session, State.IN_REVIEW)
    values = {"jobs-0-gross_yen": (code, "")}
    wish = review.AskAgain(row.revision, uuid4(), values=values)
    review.send_back(session, factories.caseworker_of(session, row), row.id, wish)
    return row


def said(session: Session, row: Submission) -> tuple[str, str, dict[str, Any]]:
    correction = slips.slip(session, row).correction
    assert correction is not None
    (item,) = correction.items
    return item.label, item.said, dict(item.said_in)


def test_an_office_that_has_worded_nothing_uses_the_built_in_reasons(session: Session, chief: Staff) -> None:
    found = reasons.of(session, chief.office_id)
    assert list(found) == [*(one for one in Reason if one is not Reason.OTHER), Reason.OTHER]
    assert [code for code, row in found.items() if not row.is_offered] == [Reason.UNREADABLE]
    assert said(session, ask(session, Reason.DIFFERS)) == (
        "書類の数字とちがうよう",
        "給与明細の数字と ちがうようです",
        {},
    )


def test_what_was_said_is_not_rewritten_and_staff_read_the_new_label(session: Session, chief: Staff) -> None:
    before = ask(session, Reason.DIFFERS)
    words = {"ja": Sentences("紙の数字と くらべてください", "紙の数字を 見てください"), "en": Sentences("See", "Look")}
    reasons.change(session, chief, Reason.DIFFERS, Wording("数字がちがう", words))
    after = ask(session, Reason.DIFFERS)
    again = Wording("数字を見る", {"ja": Sentences("あ", "い")})
    reasons.change(session, chief, Reason.DIFFERS, again)
    assert said(session, before) == ("数字を見る", "給与明細の数字と ちがうようです", {})
    assert said(session, after) == ("数字を見る", "紙の数字を 見てください", {"en": "Look"})
    assert said(session, ask(session, Reason.DIFFERS))[1] == "い"
    assert session.scalar(select(func.count()).select_from(CorrectionReason)) == 1


def test_a_reason_of_its_own_stands_before_the_last_and_is_added_once(session: Session, chief: Staff) -> None:
    assert [reasons.add(session, chief, DATE) for _tap in range(2)] == ["own_1", "own_1"]
    other = Wording("はんこが見えない", {"ja": Sentences("はんこを", "はんこを")})
    assert reasons.add(session, chief, other) == "own_2"
    assert list(reasons.of(session, chief.office_id))[-3:] == ["own_1", "own_2", Reason.OTHER]
    assert said(session, ask(session, "own_1"))[1] == "日付を もう一度見てください"
    events = session.scalars(
        select(LogEntry.event).where(LogEntry.event.startswith("reason.")).order_by(LogEntry.seq)
    ).all()
    assert events == ["reason.added"] * 2
    with pytest.raises(ValueError, match="a reason the office does not have"):
        ask(session, "own_3")


def test_what_is_switched_off_is_not_offered_and_keeps_its_label(session: Session, chief: Staff) -> None:
    code = reasons.add(session, chief, DATE)
    row = ask(session, code)
    reasons.change(session, chief, code, Wording(DATE.label, DATE.said, active=False))
    assert not reasons.of(session, chief.office_id)[code].is_offered
    assert said(session, row)[0] == "日付が見えない"
    for must_stay in (Reason.OTHER, Reason.UNREADABLE):
        with pytest.raises(ValueError, match="must stay"):
            reasons.change(session, chief, must_stay, Wording("x", DATE.said, active=False))


def test_the_machine_says_the_offices_words_too(session: Session, chief: Staff) -> None:
    words = {"ja": Sentences("このファイルは 開きませんでした", "x")}
    reasons.change(session, chief, Reason.UNREADABLE, Wording("開かない", words))
    row = factories.submission(session, State.ARRIVED)
    for file in files_of(session, sent_version(session, row)):
        file.move(FileState.REFUSED, because="locked")
    intake.settle(session, row)
    item = session.scalars(select(CorrectionItem)).one()
    assert (item.reason, item.said) == (Reason.UNREADABLE, "このファイルは 開きませんでした")


@pytest.mark.parametrize(
    "wrong",
    [
        Wording("", DATE.said),
        Wording(" 日付", DATE.said),
        Wording("あ" * (LONGEST_LABEL + 1), DATE.said),
        Wording("日付", {}),
        Wording("日付", {"en": Sentences("Date", "Date")}),
        Wording("日付", {**DATE.said, "xx": Sentences("a", "b")}),
        Wording("日付", {"ja": Sentences("", "日付を")}),
        Wording("日付", {"ja": Sentences("あ" * (LONGEST + 1), "日付を")}),
        Wording("日付", {"ja": Sentences("123456789018 の日付", "日付を")}),
        Wording("1234 5678 9018", DATE.said),
    ],
)
def test_words_that_cannot_be_kept_are_refused(session: Session, chief: Staff, wrong: Wording) -> None:
    with pytest.raises(ValueError, match=r"reason|language"):
        reasons.add(session, chief, wrong)


def test_a_label_is_there_once_and_there_are_not_too_many(session: Session, chief: Staff) -> None:
    reasons.add(session, chief, DATE)
    with pytest.raises(NotKept, match="same_label"):
        reasons.add(session, chief, Wording(DATE.label, {"ja": Sentences("x", "y")}))
    with pytest.raises(NotKept, match="same_label"):
        reasons.change(session, chief, Reason.DARK, DATE)
    for at in range(MOST - len(reasons.of(session, chief.office_id))):
        reasons.add(session, chief, Wording(f"理由{at}", DATE.said))
    with pytest.raises(NotKept, match="too_many"):
        reasons.add(session, chief, Wording("もう1つ", DATE.said))


def test_reasons_are_one_offices_and_its_supervisors(session: Session, chief: Staff) -> None:
    code = reasons.add(session, chief, DATE)
    elsewhere = factories.staff(session, Role.SUPERVISOR, office_id=factories.office(session, "XX").id)
    assert code not in reasons.of(session, elsewhere.office_id)
    with pytest.raises(NotThere):
        reasons.change(session, elsewhere, code, DATE)
    for role in set(Role) - {Role.SUPERVISOR}:
        who = factories.staff(session, role)
        with pytest.raises(NotThere):
            reasons.add(session, who, DATE)
        with pytest.raises(NotThere):
            reasons.change(session, who, Reason.DARK, DATE)
