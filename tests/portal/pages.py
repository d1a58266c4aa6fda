"""A page as its reader finds it: headings, forms, and the sentence that stands at a field."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

from werkzeug.test import TestResponse

_ALONE: Final = frozenset({"br", "hr", "img", "input", "link", "meta", "wbr"})  # tags that hold nothing


def without_tokens(html: str) -> str:
    """A page without what is drawn anew for each answer."""
    return re.sub(r'(name="(?:csrf_token|attempt|csrf-token)"[^>]* (?:value|content)=")[^"]+', r"\1", html)


@dataclass
class Element:
    """One tag, with every word inside it."""

    tag: str
    attributes: dict[str, str]
    words: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return re.sub(r"[ \n\r\t]+", " ", "".join(self.words)).strip(" ")


@dataclass
class Form:
    """A form as a browser would send it before anybody has typed."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.elements: list[Element] = []
        self.forms: list[Form] = []
        self._open: list[Element] = []
        self._form: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag == "form":
            self._form = Form(element.attributes.get("action") or self.path)
            self.forms.append(self._form)
        if tag == "input" and self._form is not None:
            self._keep(self._form, element.attributes)
        if tag not in _ALONE:
            self._open.append(element)

    def _keep(self, form: Form, given: dict[str, str]) -> None:
        chosen = given.get("type") not in ("radio", "checkbox") or "checked" in given
        if given.get("name") and chosen and given.get("type") != "file":
            form.fields[given["name"]] = given.get("value", "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        while self._open and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.words.append(data)


class Page:
    """What came back from the server."""

    def __init__(self, response: TestResponse, path: str) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.body = response.get_data()
        self.path = path
        self.is_html = response.mimetype == "text/html"
        reader = _Reader(path)
        if self.is_html:
            reader.feed(self.html)
        self.elements, self.forms = reader.elements, reader.forms
        response.close()

    @property
    def html(self) -> str:
        return self.body.decode()

    @property
    def place(self) -> str:
        """Where it sends the browser to."""
        assert self.status == 303, f"{self.status} instead of 303 on {self.path}: {self.text if self.is_html else ''}"
        return self.headers["Location"]

    @property
    def text(self) -> str:
        """What a person reads in the middle of the page."""
        return self.first("main").text

    @property
    def heading(self) -> str:
        return self.first("h1").text

    @property
    def title(self) -> str:
        return self.first("title").text

    @property
    def links(self) -> list[str]:
        return [element.attributes["href"] for element in self.elements if element.attributes.get("href")]

    @property
    def assets(self) -> list[str]:
        """The styles, scripts and the icon that the page wants."""
        wanted = [element.attributes for element in self.elements if element.tag in ("link", "script")]
        return [attributes.get("href") or attributes["src"] for attributes in wanted]

    def first(self, tag: str) -> Element:
        return next(element for element in self.elements if element.tag == tag)

    def all(self, tag: str) -> list[Element]:
        return [element for element in self.elements if element.tag == tag]

    def by_id(self, name: str) -> Element:
        return next(element for element in self.elements if element.attributes.get("id") == name)

    def form(self, action: str = "") -> Form:
        """The form that leads to ``action``; without one, the page's first beside すぐ閉じる."""
        found = [form for form in self.forms if (form.action == action if action else form.action != "/leave")]
        assert found, f"no form leads to {action!r} on {self.path}: {[form.action for form in self.forms]}"
        return found[0]

    def typed(self, name: str) -> str:
        """What stands in a field."""
        return self.by_id(name).attributes.get("value", "")

    def sentence_at(self, name: str) -> str:
        """The sentence at a field, tied to it for those who cannot see; empty if the field is in order."""
        box = self.by_id(name).attributes
        tied = f"{name}-error" in box.get("aria-describedby", "").split()
        assert tied == (box.get("aria-invalid") == "true"), f"{name}: seen and heard differ: {box}"
        return self.by_id(f"{name}-error").text if tied else ""
