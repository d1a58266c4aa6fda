"""受付票: every word of it, by what was sent and how it stands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from shared import clock, intake, sheet
from shared.errors import NotThere
from shared.model import DutyKind, FileState, State, Submission
from shared.rules.slip_words import LANGUAGES, words
from tests import factories

EVENING = datetime.fromisoformat("2026-11-19T20:12:41+09:00")


@pytest.fixture(autouse=True)
def now() -> Iterator[datetime]:
    with clock.at(EVENING):
        yield EVENING


def slip_of(session: Session, row: Submission, language: str = "ja", version: int | None = None) -> dict[str, Any]:
    return sheet.sheet(session, row, sheet.version_of(session, row, version), language)


def facts(content: dict[str, Any]) -> dict[str, str]:
    return {fact["label"][0]: " ".join(fact["lines"]) for fact in content["facts"]}


def test_it_says_number_time_to_the_second_with_its_zone_thing_month_values_files_and_whom_to_call(
    session: Session,
) -> None:
    who = factories.recipient(session)
    row = factories.draft(session, who)
    photo = factories.file(session, who, row, name="IMG_0417.jpg", size=412_000)
    factories.make_safe(session, photo, pages=2)
    paper = factories.file(session, who, row, name="給与明細 10月.pdf", size=1_200_000)
    intake.send(session, who, row.id, attempt=uuid4())
    content = slip_of(session, row)
    assert content["number"] == row.number
    assert facts(content) == {
        "書類": "収入申告書",
        "何月分": "令和8年10月分",
        "届いた日時": "令和8年11月19日(木)20時12分41秒（日本時間）",
        "いまの状態": "届きました",
        "窓口": "ひばり野市役所　3番窓口",
        "電話": "00-0000-0000　（平日 8:30〜17:15）",
    }
    assert ["10月の給料（引かれる前）", "85,400円"] in content["declared"]
    assert ["会社（勤め先）", "株式会社みほん清掃"] in content["declared"]
    assert content["files"] == [
        {"name": "IMG_0417.jpg", "pages": ("2", ""), "size": "412 KB", "sha256": photo.sha256},
        {"name": "給与明細 10月.pdf", "pages": ("確認中", ""), "size": "1.2 MB", "sha256": paper.sha256},
    ]
    assert content["not_decision"][0] == "これは「届いた」というしるしです。金額の決定ではありません。"
    assert content["next"][0][0].startswith("職員が見ます。11月24日(火)ごろまで。")
    assert content["drawn"] == "この受付票を作った日時 2026-11-19 20:12:41 (UTC+09:00)"
    assert "福祉" not in str(content), "it lies on phones that others hold"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_stands_beside_the_japanese_and_says_that_the_japanese_counts(
    session: Session, language: str
) -> None:
    content = slip_of(session, factories.submission(session), language)
    japanese = slip_of(session, factories.submission(session))
    pairs = [value for value in content.values() if isinstance(value, tuple) and any(value)]
    assert [pair[0] for pair in pairs if pair[0] not in (words("ja")["official"], words("ja")["as_written"])] == [
        value[0] for value in japanese.values() if isinstance(value, tuple) and any(value)
    ]
    if language == "ja":
        assert {pair[1] for pair in pairs} == {""}
        assert content["official"] == ("", "")
    else:
        assert all(pair[1] for pair in pairs)
        assert content["official"] == (words("ja")["official"], words(language)["official"])
        assert all(fact["label"][1] for fact in content["facts"])
        moments = [fact["hers"] for fact in content["facts"] if fact["label"][0] == "届いた日時"]
        assert moments == [f"2026-11-19 20:12:41 (UTC+09:00, {words(language)['japan_time']})"]
    assert content["declared"] == japanese["declared"], "what she wrote is not translated"


def test_a_later_version_keeps_the_first_arrival_and_the_earlier_one_says_that_there_is_a_newer(
    session: Session,
) -> None:
    row = factories.submission(session, State.RETURNED)
    who = factories.recipient_of(session, row)
    with clock.at(EVENING + timedelta(days=1)):
        factories.write(session, who, row.id, {"gross_yen": 85_000})
        intake.send(session, who, row.id, attempt=uuid4())
    new, old = slip_of(session, row, "en"), slip_of(session, row, "en", 1)
    assert facts(new)["届いた日時"] == facts(old)["届いた日時"] == "令和8年11月19日(木)20時12分41秒（日本時間）"
    assert facts(new)["版"] == "第2版"
    assert facts(new)["この版が届いた日時"].startswith("令和8年11月20日(金)20時12分41秒")
    assert "はじめに届いた日時は変わりません" in facts(new)["この版が届いた日時"]
    assert facts(old)["版"] == "第1版 前に出した版です。もっと新しい版があります。"
    (version,) = [fact for fact in old["facts"] if fact["label"][1] == "Version"]
    assert version["hers"] == "Version 1 This is an earlier version. There is a newer one."
    assert ["10月の給料（引かれる前）", "85,000円"] in new["declared"]
    assert ["10月の給料（引かれる前）", "85,400円"] in old["declared"]
    assert "版" not in facts(slip_of(session, factories.submission(session)))
    with pytest.raises(NotThere):
        sheet.version_of(session, row, 3)


@pytest.mark.parametrize("state", [state for state in State if state is not State.DRAFT])
def test_every_state_has_its_word_and_what_comes_next(session: Session, state: State) -> None:
    row = factories.submission(session, state)
    content = slip_of(session, row, "en")
    said = facts(content)["いまの状態"]
    assert said
    ended = state in (State.WITHDRAWN, State.VOIDED)
    assert ("令和8年11月19日(木)20時12分41秒" in said) == ended, "what ended says when"
    assert any("届いた記録は残ります。" in step[0] for step in content["next"]) == ended
    assert len(content["next"]) >= 2


def test_a_file_that_could_not_be_opened_says_so(session: Session) -> None:
    who = factories.recipient(session)
    row = factories.draft(session, who)
    factories.file(session, who, row, name="鍵つき.pdf").move(FileState.REFUSED, because="locked")
    intake.send(session, who, row.id, attempt=uuid4())
    (file,) = slip_of(session, row, "en")["files"]
    assert file["pages"] == ("開けませんでした", "could not be opened")
    assert file["sha256"], "its hash still proves what was sent"


def test_a_draft_has_none(session: Session) -> None:
    row = factories.submission(session, State.DRAFT)
    with pytest.raises(NotThere):
        sheet.version_of(session, row, None)


def test_a_sample_says_that_it_is_one(session: Session) -> None:
    content = slip_of(session, factories.submission(session), "ko")
    assert content["made_up"] == ("", "")
    assert sheet.with_sample_mark(content)["made_up"][0].startswith("見本。")
    assert {kind.value for kind in DutyKind} <= words("ko").keys()
