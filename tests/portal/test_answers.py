"""What people type: each wrong answer gets its sentence at its field, each right one is understood."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.portal.answers import ALL, GOOD, SCREENS, line, write
from tests.portal.phone import Somebody

Make = sessionmaker[Session]
AMOUNTS = [field for field in GOOD if field.endswith("_yen")]
# What was typed, and the words that must stand at the field. The typed text stays in the field as it came.
NEVER_A_NUMBER = {
    "": "書いてください",
    "　 ": "書いてください",
    "8万くらい": "「8万くらい」と書いてあります",
    "-5": "マイナスはつけないで",
    "△5": "マイナスはつけないで",
    "いっぱい": "「いっぱい」と書いてあります",
    "💐": "「💐」と書いてあります",
    "99999999999": "もう一度見てください",
    "9" * 400: "もう一度見てください",
    "9" * 5000: "もう一度見てください",
    "９" * 400: "もう一度見てください",
    "8" * 300 + "x": "数字だけで書いてください",
    "1e5": "「1e5」と書いてあります",
    "0x10": "「0x10」と書いてあります",
    "NaN": "「NaN」と書いてあります",
    "²½": "と書いてあります",
    "<script>alert(1)</script>": "「<script>alert(1)</script>」と書いてあります",
    "' OR '1'='1": "と書いてあります",
    "{{ 7 * 7 }}": "「{{ 7 * 7 }}」と書いてあります",
    "%(typed)s%s%d": "「%(typed)s%s%d」と書いてあります",
}
NEVER_AN_AMOUNT = {
    **NEVER_A_NUMBER,
    "1.5": "円より下はいりません",
    "１．５": "円より下はいりません",
    "9" * 5000 + "万": "もう一度見てください",
    "10000000": "もう一度見てください",
    "1万2": "「1万2」と書いてあります",
}
NEVER_DAYS = {**NEVER_A_NUMBER, "32": "31日まで", "1.5": "「1.5」と書いてあります", "９９日": "31日まで"}
NEVER_AN_EMPLOYER = {
    "": "書いてください",
    " 　\n ": "書いてください",
    "あ" * 101: "100文字まで",
}
BAD = dict.fromkeys(AMOUNTS, NEVER_AN_AMOUNT) | {"work_days": NEVER_DAYS, "employer": NEVER_AN_EMPLOYER}


@pytest.mark.parametrize(("screen", "field"), ALL)
def test_what_cannot_be_kept_gets_its_sentence_and_stays_in_the_field(
    hanako: Somebody, begun: UUID, make_session: Make, screen: str, field: str
) -> None:
    for typed, sentence in BAD[field].items():
        page = write(hanako.phone, begun, screen, **{field: typed})
        assert page.status == 422, typed[:40]
        assert sentence in page.sentence_at(field), typed[:40]
        assert page.typed(field) == typed
        assert page.title.startswith("1か所 なおしてください"), page.title
        assert f"#{field}" in page.links, "the list above the form leads to the field"
        assert not [other for other in SCREENS[screen] if other != field and page.sentence_at(other)]
        assert all("src" in one.attributes for one in page.all("script")), "what was typed is text and nothing else"
    assert set(line(make_session, begun).values()) == {None}


@pytest.mark.parametrize(("screen", "field"), ALL)
def test_bytes_that_no_person_types_are_answered_and_never_crash(
    hanako: Somebody, begun: UUID, make_session: Make, screen: str, field: str
) -> None:
    for raw in (b"\x00", b"\xed\xa0\x80", b"\xff\xfe\x00\x31", b"\x82\xd0", b"\xe2\x80\xae85400", b"\x00" * 2000):
        page = write(hanako.phone, begun, screen, **{field: raw})
        if field != "employer" or page.status != 303:
            assert page.status == 422, raw
            assert page.sentence_at(field)
    kept = line(make_session, begun)[field]
    assert kept is None or (field == "employer" and "\x00" not in str(kept))


UNDERSTOOD: list[tuple[str, str, str, str | int]] = [
    ("gross", "gross_yen", "８５，４００円", 85_400),
    ("gross", "gross_yen", "¥85,400", 85_400),
    ("gross", "gross_yen", "8万5千", 85_000),
    ("gross", "gross_yen", "85400.00", 85_400),
    ("gross", "gross_yen", "0", 0),
    ("gross", "gross_yen", "0000000085400", 85_400),
    ("gross", "gross_yen", "9999999", 9_999_999),
    ("days", "work_days", "１８日", 18),
    ("days", "work_days", "31", 31),
    ("days", "work_days", "0", 0),
    ("employer", "employer", "　みほん　 清掃 ", "みほん 清掃"),
    ("employer", "employer", "💐花屋", "💐花屋"),
    ("employer", "employer", "あ" * 100, "あ" * 100),
    ("employer", "employer", "<b>みほん</b> & 'Co'", "<b>みほん</b> & 'Co'"),
]


def test_what_people_write_is_understood(hanako: Somebody, begun: UUID, make_session: Make) -> None:
    for screen, field, typed, kept in UNDERSTOOD:
        assert write(hanako.phone, begun, screen, **{field: typed}).status == 303, typed
        assert line(make_session, begun)[field] == kept, typed
        assert hanako.phone.open(hanako.path(begun, screen)).typed(field) == str(kept)


def test_three_mistakes_on_one_screen_are_three_sentences(hanako: Somebody, begun: UUID) -> None:
    page = write(hanako.phone, begun, "deductions", social_insurance_yen="a", income_tax_yen="", commuting_yen="-1")
    assert page.title.startswith("3か所 なおしてください")
    assert all(page.sentence_at(field) for field in SCREENS["deductions"])
    assert page.by_id("errors-heading").text == "3か所 なおしてください"


def test_a_form_without_its_field_is_a_form_with_an_empty_field(hanako: Somebody, begun: UUID) -> None:
    page = hanako.phone.open(hanako.path(begun, "gross"))
    page = hanako.phone.post(page.path, {"csrf_token": page.form().fields["csrf_token"]})
    assert page.status == 422
    assert page.sentence_at("gross_yen")


def test_a_field_that_the_screen_does_not_ask_for_is_not_kept(
    hanako: Somebody, begun: UUID, make_session: Make
) -> None:
    write(hanako.phone, begun, "days", gross_yen="1", worker=str(uuid4()), _people="several")
    assert line(make_session, begun) == {**dict.fromkeys(GOOD), "work_days": 18}
