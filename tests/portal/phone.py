"""A phone without a screen: opens pages, fills in the forms it finds there, keeps cookies."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient

from shared.sign_in import Recipient
from tests.portal.pages import Page

OURS = {"Origin": "http://localhost"}
BOUNDARY = "----WebKitFormBoundaryMadoguchi"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + b"wages of October " * 40
PDF = b"%PDF-1.7\n" + b"wages of October " * 40


@dataclass(frozen=True)
class Sent:
    """A file as the phone sends it. ``name_as`` is the whole parameter, for names no browser would write so."""

    name: str
    content: bytes = JPEG
    media_type: str = "image/jpeg"
    name_as: str | bytes = ""

    def part(self) -> bytes:
        quoted = self.name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        naming = self.name_as or f'filename="{quoted}"'
        naming = naming.encode() if isinstance(naming, str) else naming
        kind = f"\r\nContent-Type: {self.media_type}\r\n\r\n".encode()
        return b'Content-Disposition: form-data; name="file"; ' + naming + kind + self.content


def multipart(fields: Mapping[str, str], files: Sequence[Sent]) -> bytes:
    """The body of a form with files, in the raw UTF-8 that browsers write."""
    plain = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    parts = [*plain, *(file.part() for file in files)]
    return b"".join(b"--" + BOUNDARY.encode() + b"\r\n" + part + b"\r\n" for part in parts) + (
        b"--" + BOUNDARY.encode() + b"--\r\n"
    )


class Phone:
    """One browser. ``page`` is what it shows."""

    def __init__(self, app: Flask, base_url: str = "http://localhost") -> None:
        self.app, self.base_url = app, base_url
        self.client: FlaskClient = app.test_client()
        self.page: Page

    def open(self, path: str) -> Page:
        self.page = Page(self.client.get(path, base_url=self.base_url), path)
        return self.page

    def follow(self) -> Page:
        return self.open(self.page.place)

    def press(self, action: str = "", /, **typed: str | bytes) -> Page:
        """Send the form of the page that is shown, with what is hidden in it and what is typed now."""
        form = self.page.form(action)
        return self.post(form.action, {**form.fields, **typed})

    def post(self, path: str, fields: Mapping[str, str | bytes], headers: Mapping[str, str] | None = OURS) -> Page:
        body = urlencode(fields).encode()
        return self.post_body(path, body, "application/x-www-form-urlencoded", headers)

    def send(self, *files: Sent, action: str = "", **typed: str) -> Page:
        """Send files with the picker's form."""
        form = self.page.form(action)
        return self.post_files(form.action, {**form.fields, **typed}, *files)

    def post_files(self, path: str, fields: Mapping[str, str], *files: Sent) -> Page:
        return self.post_body(path, multipart(fields, files), MULTIPART)

    def post_body(self, path: str, body: bytes, content_type: str, headers: Mapping[str, str] | None = OURS) -> Page:
        answer = self.client.post(
            path, data=body, content_type=content_type, headers=dict(headers or {}), base_url=self.base_url
        )
        self.page = Page(answer, path)
        return self.page

    def come_in(self, code: str, pin: str = "") -> Page:
        """Through the front door, to where the portal leads."""
        self.open("/")
        self.press(code=code)
        if pin:
            self.follow()
            self.press(pin=pin)
        return self.page

    def post_cut_off(self, path: str, fields: Mapping[str, str], file: Sent, arriving: int) -> Page:
        """Lose the connection when ``arriving`` bytes of the form have come through."""
        body = multipart(fields, [file])
        answer = self.client.post(
            path,
            input_stream=io.BytesIO(body[:arriving]),
            content_length=len(body),
            content_type=MULTIPART,
            headers=OURS,
            base_url=self.base_url,
        )
        return Page(answer, path)

    @property
    def cookie(self) -> str:
        """The session cookie as it lies on the phone; empty if there is none."""
        kept = self.client.get_cookie(self.app.config["SESSION_COOKIE_NAME"])
        return kept.value if kept else ""

    def twin(self) -> Phone:
        """The same browser in another tab: the same cookies, the same page."""
        other = Phone(self.app, self.base_url)
        other.client.set_cookie(self.app.config["SESSION_COOKIE_NAME"], self.cookie)
        other.page = self.page
        return other


@dataclass(frozen=True)
class Somebody:
    """A person with a letter, and her phone, signed in with it."""

    who: Recipient
    code: str
    phone: Phone

    def path(self, submission_id: UUID, screen: str) -> str:
        """The address of a page of her income report."""
        job = "" if screen in ("files", "check") else "jobs/0/"
        return f"/forms/{submission_id}/{job}{screen}"

    def picker(self, submission_id: UUID) -> Phone:
        """Her phone, showing the page where files are chosen."""
        self.phone.open(self.path(submission_id, "files"))
        return self.phone
