"""文字の大きさと色: chosen once, kept by the phone, for everybody who comes to the door."""

from __future__ import annotations

from tests.portal.pages import Page
from tests.portal.phone import Phone, Somebody


def chosen(page: Page) -> tuple[str, str]:
    root = page.first("html").attributes
    return root["data-text"], root["data-theme"]


def test_larger_letters_and_the_dark_page_stay_chosen(hanako: Somebody) -> None:
    hanako.phone.open("/display")
    page = hanako.phone.press(text="xl", theme="contrast")
    cookie = page.headers.getlist("Set-Cookie")[0]
    assert cookie.startswith("madoguchi_view=xl.contrast;")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    page = hanako.phone.follow()
    assert chosen(page) == ("xl", "contrast")
    assert [box.attributes["value"] for box in page.all("input") if "checked" in box.attributes] == ["xl", "contrast"]
    hanako.phone.press("/leave")
    assert chosen(hanako.phone.open("/")) == ("xl", "contrast"), "how one reads is no secret and outlives leaving"


def test_a_word_that_is_no_choice_changes_nothing(phone: Phone) -> None:
    phone.open("/display")
    for text, theme in (("huge", "light"), ("l", "pink"), ("", ""), ('m"><script>', "light"), ("m\x00", "💐" * 300)):
        page = phone.press(text=text, theme=theme)
        assert "madoguchi_view" not in str(page.headers.getlist("Set-Cookie"))
        assert chosen(phone.follow()) == ("m", "light")


def test_a_cookie_somebody_wrote_by_hand_is_not_believed(phone: Phone) -> None:
    for value in ("", "xl", "xl.", ".contrast.", '"><script>alert(1)</script>', "m.light.m", "%ff%fe"):
        phone.client.set_cookie("madoguchi_view", value)
        page = phone.open("/")
        assert page.status == 200
        assert chosen(page)[0] in ("m", "xl")
        assert chosen(page)[1] in ("light", "contrast")
        assert "alert" not in page.html
