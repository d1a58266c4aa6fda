"""Danger words: found however they are typed, in every free text that is sent; and ordinary sentences stay calm."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from config.office.services import PROJECT
from shared import danger, drafts, filled, intake, journal, queue
from shared.model import DutyKind, FileState, LogEntry, State, Submission, SubmissionVersion
from shared.rules.danger import GAP, LONGEST, WORDS, NotAWord, OwnWord, fold, found, found_in, in_force
from shared.rules.forms import FORMS
from shared.rules.forms.form import Ask
from shared.rules.need import Need
from shared.sign_in import Recipient, Staff
from tests import factories
from tests.shared.fill import fill

SPELLINGS = [(word.word, spelling) for word in WORDS for spelling in (word.word, *word.also)]
MEANT = {"水が止まらない・水が出ない", "電気・ガス・水道が 止まっています"}  # answers that are a danger themselves


def ordinary() -> Iterator[str]:
    """What the made-up office says, and every sentence of the product."""
    for table in sorted((PROJECT / "config/office/tables").glob("*.csv")):
        with table.open(encoding="utf-8", newline="") as rows:
            yield from (cell for row in csv.reader(rows) for cell in row)
    catalogue = read_po(io.BytesIO((PROJECT / "config/translations/messages.pot").read_bytes()))
    for message in catalogue:
        yield from (message.id,) if isinstance(message.id, str) else message.id
    for form in FORMS.values():
        yield from (f"「{question.short}」のこと" for screen in form.screens for question in screen.questions)


ORDINARY = sorted({text for text in ordinary() if text} - MEANT)


def katakana(text: str) -> str:
    return "".join(chr(ord(sign) + 0x60) if "ぁ" <= sign <= "ゖ" else sign for sign in text)


def half_width(text: str) -> str:
    whole = {unicodedata.normalize("NFKC", chr(code)): chr(code) for code in range(0xFF66, 0xFF9E)}
    split = unicodedata.normalize("NFD", katakana(text)).replace("\u3099", "ﾞ").replace("\u309a", "ﾟ")
    return "".join(whole.get(sign, sign) for sign in split)


def test_the_list_is_long_enough_to_mean_something() -> None:
    assert len(ORDINARY) > 1_500
    assert len(SPELLINGS) > 150
    assert all(word.about for word in WORDS)


@given(st.lists(st.sampled_from(ORDINARY), min_size=1, max_size=6))
def test_ordinary_sentences_do_not_trigger(sentences: list[str]) -> None:
    assert found("。".join(sentences), WORDS) == []


@pytest.mark.parametrize(
    "text",
    [
        "電気を消したいです",
        "電気代を払いました。冷蔵庫が止まらなくて困ります",
        "はなしにたいして こたえます",
        "ひっこしにたいへん時間がかかります",
        "くすりがきれいな色です",
        "友だちに助けてもらいました",
        "ＤＶＤを売りました",
        "受け取った仕事を続けられます",
        "食べ物のアレルギーはない",
        "転んで手首をついて骨折しました",
        "足首をつったので休みました",
        "申請したところされていませんでした",
        "手をつなぐって約束しました",
        "横断歩道で手を上げてしまった",
        "布団をたたいてしまいました",
        "むかしにたいそう流行りました",
        "子どものじゅくしゅう代です",
        "電気代が高く、止められないか心配です",
        "ガスは止められていません",
        "いまは飲んでいる薬がありません",
        "アドベンチャーワールドへ行きました",
        "小さなこえで、こごえで話します",
        "お米を助けていただいています",
        "電気、ガスは問題ありません",
    ],
)
def test_words_that_only_look_like_it_are_left_alone(text: str) -> None:
    assert found(text, WORDS) == []


AROUND = [("", ""), ("きのうから", "！？"), ("それで、", "。それで"), ("！？", "ので")]
TYPED: list[Callable[[str], str]] = [str, katakana, half_width, "　".join, " \n".join]


@pytest.mark.parametrize(("word", "spelling"), SPELLINGS)
def test_each_spelling_is_found_in_any_width_kana_and_spacing(word: str, spelling: str) -> None:
    said = spelling.replace(GAP, "も")
    texts = [before + typed(said) + after for typed in TYPED for before, after in AROUND]
    assert [text for text in texts if word not in found(text, WORDS)] == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("ガスも電気も止められました", "ガスを止められた"),
        ("もう、しに タ い", "死にたい"),
        ("ﾀﾍﾞﾙﾓﾉｶﾞﾅｲ", "食べるものがない"),
        ("夫になぐられます。はなしにたいして怒ります", "殴られる"),
        ("もう死にたーい", "死にたい"),
        ("死のうと思いました", "死にたい"),
        ("だれか助けて", "助けてください"),
        ("薬が無くなりました", "薬が切れた"),
        ("食べる物が無い", "食べるものがない"),
        ("住む所が無い", "住むところがない"),
        ("ガスがきのうから止まっています", "ガスを止められた"),
        ("電気を止めると言われた", "電気を止められた"),
        ("殺すと言われました", "殺される"),
    ],
)
def test_said_as_people_say_it(text: str, word: str) -> None:
    assert word in found(text, WORDS)


def test_an_office_adds_words_and_takes_some_out() -> None:
    mine = in_force([OwnWord("薬…飲めな", "体", added=True), OwnWord("ＤＶ", "", added=False)])
    assert found("クスリガ のめない", mine) == []
    assert found("薬がもう飲めない。DVです", mine) == ["薬…飲めな"]
    assert fold("ﾃﾞ　ぶい") == "でぶい"


@pytest.mark.parametrize("kind", list(FORMS))
def test_every_free_text_of_every_form_is_looked_at(kind: DutyKind) -> None:
    form = FORMS[kind]
    free = {q.key for screen in form.screens for q in screen.questions if q.ask in (Ask.TEXT, Ask.TELL, Ask.KANA)}
    seen = set()
    for answers in fill(form, str(uuid4())):
        told = {
            key: [{k: "もう死にたい" if k in free else v for k, v in row.items()} for row in value]
            if isinstance(value, list) and value and isinstance(value[0], dict)
            else ("もう死にたい" if key in free else value)
            for key, value in answers.items()
        }
        hits = found_in(form, told, WORDS)
        assert all(words == ["死にたい"] for words in hits.values())
        seen |= {place.rsplit("-", 1)[-1] for place in hits}
        assert found_in(form, answers, WORDS) == {}
    explained = {"explained"} if "explained" in free else set()  # written from the last look only
    assert free - explained <= seen


@pytest.fixture
def worker(session: Session) -> Staff:
    return factories.staff(session)


@pytest.fixture
def who(session: Session, worker: Staff) -> Recipient:
    return factories.recipient(session, factories.household(session, worker))


def told(session: Session, who: Recipient, text: str) -> Submission:
    row = filled.start(session, who, DutyKind.MESSAGE, factories.OCTOBER)
    filled.write(session, who, row.id, "tell", {"tell": text})
    return intake.send(session, who, row.id, attempt=uuid4())


def words_of(session: Session) -> list[dict[str, list[str]] | None]:
    return list(session.scalars(select(SubmissionVersion.danger_words).order_by(SubmissionVersion.id)))


def test_a_message_with_such_a_word_stands_first_and_says_which(
    session: Session, worker: Staff, who: Recipient
) -> None:
    factories.submission(session, State.WAITING, factories.recipient(session, factories.household(session, worker)))
    told(session, who, "ガスを とめられました。食べるものもないです")
    first, second = queue.waiting(session, worker)
    assert first.danger_words == {"tell": ["食べるものがない", "ガスを止められた"]}
    assert second.danger_words == {}
    assert queue.next_for(session, worker) == first.id


def test_what_must_be_seen_first_waits_for_no_file_and_no_machine_gives_it_back(
    session: Session, worker: Staff, who: Recipient
) -> None:
    row = filled.start(session, who, DutyKind.MESSAGE, factories.OCTOBER)
    filled.write(session, who, row.id, "tell", {"tell": "もう死にたいです"})
    photo = factories.file(session, who, row)
    intake.send(session, who, row.id, attempt=uuid4())
    assert [line.id for line in queue.waiting(session, worker)] == [row.id], "though nobody has looked at the photo yet"
    photo.move(FileState.REFUSED, because="damaged")
    session.flush()
    intake.settle(session, row)
    (line,) = queue.waiting(session, worker)
    assert line.needs[0] is Need.DANGER
    assert Need.REFUSED in line.needs


def test_an_explanation_and_a_later_version_are_looked_at_too(session: Session, who: Recipient) -> None:
    row = factories.draft(session, who)
    filled.write(session, who, row.id, "explained", {"explained": "明細は ありません。くすりがきれました"})
    intake.send(session, who, row.id, attempt=uuid4())
    assert (row.urgent, words_of(session)) == (True, [{"explained": ["薬が切れた"]}])
    drafts.change(session, who, row.id)
    filled.write(session, who, row.id, "explained", {"explained": "明細は ありません"})
    intake.send(session, who, row.id, attempt=uuid4())
    assert not row.urgent, "she has said something else"
    drafts.change(session, who, row.id)
    filled.write(session, who, row.id, "jobs", {"employer": "アパートを追い出された"}, 0)
    intake.send(session, who, row.id, attempt=uuid4())
    assert row.urgent
    assert words_of(session)[1:] == [None, {"jobs-0-employer": ["追い出される"]}]


def test_an_offices_own_list_holds_for_it_alone_and_from_then_on(session: Session, who: Recipient) -> None:
    other = factories.office(session, "XX", document_prefix="別福")
    before = len(danger.words_of(session, who.office_id))
    for _ in range(2):
        words = danger.set_words(
            session, who.office_id, add=["雪かきができない"], about="住まい", remove=["凍えている"]
        )
        assert (words[-1].word, words[-1].about, len(words)) == ("雪かきができない", "住まい", before)
    assert len(danger.words_of(session, other.id)) == before
    row = told(session, who, "ゆきで凍えています。雪かきが できない")
    assert words_of(session) == [{"tell": ["雪かきができない"]}]
    assert row.urgent
    assert len(danger.set_words(session, who.office_id, add=["凍えている"], remove=["雪かきができない"])) == before
    entries = session.scalars(
        select(LogEntry.event).where(LogEntry.office_id == who.office_id).order_by(LogEntry.seq)
    ).all()
    assert entries.count("danger_words.set") == 2
    assert journal.first_broken(session, who.office_id) is None


def test_what_a_person_wrote_is_in_no_journal(session: Session, who: Recipient) -> None:
    told(session, who, "もう死にたいです")
    assert "死" not in repr(session.scalars(select(LogEntry.facts)).all())


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"add": ["あ"]}, "too_short"),
        ({"add": [" … "]}, "too_short"),
        ({"add": ["…あい"]}, "too_short"),
        ({"add": ["あ" * (LONGEST + 1)]}, "too_long"),
        ({"add": ["1234 5678 9018"]}, "my_number"),
        ({"remove": ["ないことば"]}, "unknown"),
    ],
)
def test_what_is_no_word_is_said(session: Session, who: Recipient, given: dict[str, list[str]], code: str) -> None:
    with pytest.raises(NotAWord) as refused:
        danger.set_words(session, who.office_id, **given)  # type: ignore[arg-type]
    assert refused.value.code == code
