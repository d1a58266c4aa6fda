"""定型文: what is kept, in which order, and what is filled in."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import fixed_texts, messages
from shared.errors import NotAMessage, NotKept, NotThere
from shared.fixed_texts import LONGEST, LONGEST_TITLE, MOST, NewText
from shared.model import DutyKind, LogEntry, Role, State
from shared.rules import fixed_texts as rules
from shared.sign_in import Staff
from tests import factories

HELLO = NewText("あいさつ", "〔氏名〕さん、〔月〕分は〔期限〕まで。〔担当〕〔電話〕〔金額〕")


NEVER = ("不正", "違反", "指導", "却下", "至急", "警告", "エラー", "生活保護", "福祉事務所")


@pytest.fixture
def chief(session: Session) -> Staff:
    return factories.staff(session, Role.SUPERVISOR)


def titles(session: Session, who: Staff) -> list[str]:
    return [row.title for row in fixed_texts.of(session, who, offered=False)]


def test_a_new_office_has_five_usual_texts_once_each_kind_and_none_can_be_sent_half_filled(
    session: Session, chief: Staff
) -> None:
    for _twice in range(2):
        fixed_texts.begin(session, chief.office_id)
    found = fixed_texts.of(session, chief)
    assert len(found) == 5
    for row in found:
        assert len(row.text) <= LONGEST
        assert not [word for word in NEVER if word in row.title + row.text]
        with pytest.raises(NotAMessage, match="placeholder"):
            messages.checked(row.text)


def test_what_is_known_is_filled_in_and_the_rest_stays_to_be_seen(session: Session, chief: Staff) -> None:
    key = fixed_texts.add(session, chief, HELLO, attempt=uuid4())
    row = factories.submission(session, State.RETURNED)
    row.answer_by = date(2026, 12, 2)
    worker = factories.caseworker_of(session, row)
    said = fixed_texts.filled(session, worker, key, row.id)
    assert said == "見本　花子さん、10月分は12月2日(水)まで。例野 太郎00-0000-0000〔金額〕"
    with pytest.raises(NotAMessage, match="placeholder"):
        messages.checked(said)
    assert messages.checked(said.replace("〔金額〕", "85,400円"))


def test_a_place_nobody_can_fill_in_stays(session: Session, chief: Staff) -> None:
    key = fixed_texts.add(session, chief, HELLO, attempt=uuid4())
    row = factories.submission(session)
    row.kind = DutyKind.MESSAGE
    said = fixed_texts.filled(session, factories.caseworker_of(session, row), key, row.id)
    assert "〔月〕" in said
    assert "〔期限〕" in said
    assert rules.by_hand(HELLO.text) == ["金額"]


@given(st.text(alphabet="〔〕［］氏名月あ", max_size=20), st.text(max_size=9))
def test_filling_in_ends_and_nothing_open_is_overlooked(text: str, name: str) -> None:
    filled = rules.fill(text, {"氏名": name, "月": None})
    assert rules.left_open(filled) or not any(sign in filled for sign in rules.SIGNS)
    assert filled == text or "〔氏名〕" in text


def test_texts_are_worded_anew_switched_off_and_moved(session: Session, chief: Staff) -> None:
    attempt = uuid4()
    first = fixed_texts.add(session, chief, NewText("一", "一"), attempt=attempt)
    assert fixed_texts.add(session, chief, NewText("二", "二"), attempt=attempt) == first
    second, third = (fixed_texts.add(session, chief, NewText(one, one), attempt=uuid4()) for one in ("二", "三"))
    for _twice in range(2):
        fixed_texts.put_before(session, chief, third, second)
    assert titles(session, chief) == ["一", "三", "二"]
    fixed_texts.put_before(session, chief, first, first)
    fixed_texts.change(session, chief, first, NewText("壱", "壱", active=False))
    assert [row.title for row in fixed_texts.of(session, chief)] == ["三", "二"]
    assert titles(session, chief) == ["壱", "三", "二"]
    row = factories.submission(session)
    with pytest.raises(NotThere):
        fixed_texts.filled(session, factories.caseworker_of(session, row), first, row.id)
    events = session.scalars(
        select(LogEntry.event).where(LogEntry.event.startswith("fixed_text.")).order_by(LogEntry.seq)
    ).all()
    assert events.count("fixed_text.changed") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        NewText("", "あ"),
        NewText("あ", ""),
        NewText("あ", " あ"),
        NewText("あ" * (LONGEST_TITLE + 1), "あ"),
        NewText("あ", "あ" * (LONGEST + 1)),
        NewText("あ", "番号 1234 5678 9018"),
        NewText("123456789018", "あ"),
    ],
)
def test_what_cannot_be_kept_is_refused(session: Session, chief: Staff, wrong: NewText) -> None:
    key = fixed_texts.add(session, chief, HELLO, attempt=uuid4())
    with pytest.raises(ValueError, match="neither too long"):
        fixed_texts.add(session, chief, wrong, attempt=uuid4())
    with pytest.raises(ValueError, match="neither too long"):
        fixed_texts.change(session, chief, key, wrong)


def test_there_are_not_too_many(session: Session, chief: Staff) -> None:
    for at in range(MOST):
        fixed_texts.add(session, chief, NewText(str(at), "あ"), attempt=uuid4())
    with pytest.raises(NotKept, match="too_many"):
        fixed_texts.add(session, chief, HELLO, attempt=uuid4())


def test_texts_are_one_offices_and_its_supervisors(session: Session, chief: Staff) -> None:
    key = fixed_texts.add(session, chief, HELLO, attempt=uuid4())
    elsewhere = factories.staff(session, Role.SUPERVISOR, office_id=factories.office(session, "XX").id)
    assert fixed_texts.of(session, elsewhere) == []
    guarded = factories.submission(
        session, who=factories.recipient(session, factories.household(session, protected=True))
    )
    with pytest.raises(NotThere):
        fixed_texts.filled(session, factories.staff(session), key, guarded.id)
    for who in (elsewhere, factories.staff(session), factories.staff(session, Role.CLERK)):
        with pytest.raises(NotThere):
            fixed_texts.change(session, who, key, HELLO)
        with pytest.raises(NotThere):
            fixed_texts.put_before(session, who, key, key)
    with pytest.raises(NotThere):
        fixed_texts.add(session, factories.staff(session), HELLO, attempt=uuid4())
