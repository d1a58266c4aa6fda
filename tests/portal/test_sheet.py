"""受付票 as her own: on the page, and as files that need no line, in the language she chose."""

from __future__ import annotations

import io
import re
from uuid import UUID, uuid4

import pypdfium2
import pytest
from flask import Flask
from PIL import Image
from sqlalchemy.orm import Session, sessionmaker

from shared import intake
from shared.model import State
from shared.rules.slip_words import LANGUAGES, words
from tests import factories
from tests.portal.frame import SAYS_TOO_MUCH, look
from tests.portal.pages import Page, without_tokens
from tests.portal.phone import Phone, Somebody

Make = sessionmaker[Session]


@pytest.fixture
def sent(hanako: Somebody, make_session: Make) -> UUID:
    with make_session.begin() as session:
        row = factories.draft(session, hanako.who)
        factories.make_safe(session, factories.file(session, hanako.who, row, name="給与明細 <10月>.pdf"))
        intake.send(session, hanako.who, row.id, attempt=uuid4())
        return row.id


def get(one: Somebody, path: str, **headers: str) -> Page:
    return Page(one.phone.client.get(path, headers=headers), path)


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    text = "".join(page.get_textpage().get_text_range() for page in document)
    document.close()
    return re.sub(r"\s", "", text)


def test_the_page_says_the_time_to_the_second_with_its_zone_and_whom_to_call(hanako: Somebody, sent: UUID) -> None:
    page = hanako.phone.open(f"/sent/{sent}")
    assert look(page) == []
    slip = next(element for element in page.all("section") if element.attributes.get("class") == "slip")
    for said in ("令和8年11月19日(木)20時12分41秒（日本時間）", "ひばり野市役所 3番窓口", "00-0000-0000"):
        assert said in slip.text
    for form in ("pdf", "png", "html"):
        assert f"/sent/{sent}/sheet.{form}" in page.links
    assert "hers" not in page.html, "a phone in Japanese gets Japanese alone"


@pytest.mark.parametrize("language", LANGUAGES)
def test_chosen_once_the_language_stands_beside_the_japanese_on_page_pdf_picture_and_file(
    hanako: Somebody, sent: UUID, language: str
) -> None:
    hanako.phone.open(f"/sent/{sent}")
    page = hanako.phone.press(f"/sent/{sent}/language", language=language)
    assert page.status == 303
    assert page.place.startswith(f"/sent/{sent}")
    page = hanako.phone.open(f"/sent/{sent}")
    assert look(page) == []
    hers, file = words(language), get(hanako, f"/sent/{sent}/sheet.html")
    assert "届きました" in page.text
    if language != "ja":
        for key in ("state_arrived", "arrived", "number", "next_certificate", "not_decision", "official"):
            assert hers[key] in page.text, key
        assert hers["official"] in file.text
    assert [box.attributes["value"] for box in page.all("option") if "selected" in box.attributes] == [language]
    assert words("ja")["not_decision"] in file.text
    assert hers["not_decision"] in file.text
    pdf = get(hanako, f"/sent/{sent}/sheet.pdf")
    assert (pdf.status, pdf.headers["Content-Type"]) == (200, "application/pdf")
    found = text_of(pdf.body)
    assert "85,400円" in found
    assert "給与明細<10月>.pdf" in found
    picture = get(hanako, f"/sent/{sent}/sheet.png")
    assert Image.open(io.BytesIO(picture.body)).width > 800
    for saved in (pdf, picture, file):
        assert saved.headers["Cache-Control"] == "no-store"
        assert saved.headers["Content-Disposition"].startswith("attachment")
    for word in SAYS_TOO_MUCH:
        assert word not in found
        assert word not in file.html


def test_a_phone_in_another_language_gets_it_without_asking(hanako: Somebody, sent: UUID) -> None:
    page = get(hanako, f"/sent/{sent}", **{"Accept-Language": "vi-VN,vi;q=0.9,en;q=0.4"})
    assert words("vi")["not_decision"] in page.text
    pdf = get(hanako, f"/sent/{sent}/sheet.pdf", **{"Accept-Language": "vi"})
    assert re.sub(r"\s", "", words("vi")["not_decision"]) in text_of(pdf.body)
    foreign = {element.attributes["lang"] for element in page.elements if "lang" in element.attributes}
    assert foreign == {"ja", "vi", "en", *(name for name in LANGUAGES if name != "ja-easy")}


@pytest.mark.parametrize("language", ["", "de", "../x", "<b>", "ja-", "えいご" * 200])
def test_a_language_we_have_not_changes_nothing(hanako: Somebody, sent: UUID, language: str) -> None:
    hanako.phone.open(f"/sent/{sent}")
    page = hanako.phone.press(f"/sent/{sent}/language", language=language)
    assert page.status == 303
    assert "madoguchi_language" not in str(page.headers.getlist("Set-Cookie"))
    hanako.phone.client.set_cookie("madoguchi_language", "de")
    assert hanako.phone.open(f"/sent/{sent}").status == 200


def test_the_choice_stays_on_her_own_phone_and_on_a_shared_one_until_the_browser_is_closed(
    hanako: Somebody, app: Flask, make_session: Make
) -> None:
    with make_session.begin() as session:
        who = factories.recipient(session, name="別野　次郎")
        code, row = factories.letter(session, who), factories.submission(session, who=who).id
    phone = Phone(app)
    phone.open("/")
    phone.press(code=code, shared="y")
    page = phone.open(f"/sent/{row}")
    assert "ほかの人も使うスマホです" in page.text
    page = phone.press(f"/sent/{row}/language", language="ko")
    (cookie,) = [one for one in page.headers.getlist("Set-Cookie") if one.startswith("madoguchi_language=ko")]
    assert "Max-Age" not in cookie
    assert "HttpOnly" in cookie
    with make_session.begin() as session:
        own = factories.submission(session, who=hanako.who).id
    page = hanako.phone.open(f"/sent/{own}")
    assert "ほかの人も使うスマホです" not in page.text
    page = hanako.phone.press(f"/sent/{own}/language", language="ko")
    assert "Max-Age" in str(page.headers.getlist("Set-Cookie"))


def test_the_file_needs_no_line_and_no_script_and_lets_nothing_in(hanako: Somebody, sent: UUID) -> None:
    page = get(hanako, f"/sent/{sent}/sheet.html", **{"Sec-Fetch-Site": "same-origin", "Accept-Encoding": "gzip"})
    assert page.status == 200
    assert page.headers["Content-Type"].startswith("text/html")
    html = page.body.decode()
    assert "給与明細 &lt;10月&gt;.pdf" in html
    assert "default-src &#39;none&#39;" in html or "default-src 'none'" in html
    for word in ("<script", "<img", "<link", "src=", "href=", "url(", "http:", "https:", "csrf"):
        assert word not in html, word
    assert "85,400円" in html


def test_an_earlier_version_has_its_own_and_says_that_it_is_old(hanako: Somebody, make_session: Make) -> None:
    with make_session.begin() as session:
        row = factories.submission(session, State.RETURNED, hanako.who)
        factories.write(session, hanako.who, row.id, {"gross_yen": 85_000})
        intake.send(session, hanako.who, row.id, attempt=uuid4())
    assert f"/sent/{row.id}/versions/1/sheet.pdf" in hanako.phone.open(f"/sent/{row.id}/versions/1").links
    old, new = (get(hanako, f"/sent/{row.id}{which}/sheet.pdf").body for which in ("/versions/1", ""))
    assert "前に出した版です。もっと新しい版があります。" in text_of(old)
    assert "85,400円" in text_of(old)
    assert "第2版" in text_of(new)
    assert "85,000円" in text_of(new)
    assert get(hanako, f"/sent/{row.id}/versions/3/sheet.pdf").status == 404


@pytest.mark.parametrize("state", [State.WITHDRAWN, State.VOIDED])
def test_what_was_taken_back_says_so_and_when(hanako: Somebody, make_session: Make, state: State) -> None:
    with make_session.begin() as session:
        row = factories.submission(session, state, hanako.who)
    text = text_of(get(hanako, f"/sent/{row.id}/sheet.pdf").body)
    assert words("ja")[f"state_{state.value}"] in text
    assert "届いた記録は残ります" in text


def test_a_draft_and_somebody_elses_have_none(hanako: Somebody, jiro: Somebody, sent: UUID, report: UUID) -> None:
    for form in ("pdf", "png", "html"):
        another = jiro.phone.open(f"/sent/{sent}/sheet.{form}")
        unknown = jiro.phone.open(f"/sent/{uuid4()}/sheet.{form}")
        assert another.status == unknown.status == 404
        assert without_tokens(another.html) == without_tokens(unknown.html)
        assert hanako.phone.open(f"/sent/{report}/sheet.{form}").status == 404
    assert hanako.phone.open(f"/sent/{sent}/sheet.exe").status == 404
