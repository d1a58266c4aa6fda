"""The script of a phone that speaks tus, and what it hears."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, TestResponse

from tests.portal.phone import OURS, Phone

Said = Mapping[str, str | None]  # headers; what is None is not sent

BODY = {"Content-Type": "application/offset+octet-stream"}


def b64(raw: bytes | str) -> str:
    return base64.b64encode(raw if isinstance(raw, bytes) else raw.encode()).decode()


def checksum(content: bytes, algorithm: str = "sha256") -> dict[str, str]:
    return {"Upload-Checksum": f"{algorithm} {b64(hashlib.new(algorithm, content).digest())}"}


class Line:
    """Requests about files of one submission, from a phone that is signed in."""

    def __init__(self, phone: Phone, submission_id: UUID) -> None:
        self.phone, self.to = phone, f"/uploads/to/{submission_id}"
        self.token = phone.open("/display").form().fields["csrf_token"]

    def ask(
        self, method: str, url: str, headers: Said | None = None, body: bytes | None = None, **more: Any
    ) -> TestResponse:
        """One request. What is None in ``headers`` is not sent."""
        usual = {"Tus-Resumable": "1.0.0", "X-CSRFToken": self.token, **OURS, **(headers or {})}
        sent = {name: value for name, value in usual.items() if value is not None}
        return self.phone.client.open(
            url, method=method, headers=sent, data=body, base_url=self.phone.base_url, buffered=True, **more
        )

    def environ(self, method: str, url: str, headers: Mapping[str, str]) -> dict[str, Any]:
        """A request as a server hands it to the app, with nothing in its body."""
        usual = {"Tus-Resumable": "1.0.0", "X-CSRFToken": self.token, **OURS, **headers}
        name = self.phone.app.config["SESSION_COOKIE_NAME"]
        usual["Cookie"] = f"{name}={self.phone.cookie}"
        builder = EnvironBuilder(url, method=method, headers=Headers(usual))
        return builder.get_environ()

    def create(
        self,
        content: bytes | int,
        *,
        name: str | bytes = "明細.jpg",
        body: bytes | None = None,
        headers: Said | None = None,
        **said: object,
    ) -> TestResponse:
        """Announce a file (or so many bytes), with its first bytes in ``body``."""
        size = content if isinstance(content, int) else len(content)
        pairs = [("filename", name), *((word, str(text)) for word, text in said.items() if text is not None)]
        announced = {
            "Upload-Length": f"{size}",
            "Upload-Metadata": ",".join(f"{word} {b64(text)}" for word, text in pairs),
        }
        kind = BODY if body is not None else {}
        return self.ask("POST", self.to, {**announced, **kind, **(headers or {})}, body)

    def patch(self, url: str, offset: int, body: bytes, headers: Said | None = None) -> TestResponse:
        return self.ask("PATCH", url, {**BODY, "Upload-Offset": f"{offset}", **(headers or {})}, body)

    def patch_cut_off(self, url: str, offset: int, body: bytes, arriving: int, **headers: str) -> TestResponse:
        """Lose the connection when ``arriving`` bytes have come through."""
        return self.ask(
            "PATCH",
            url,
            {**BODY, "Upload-Offset": f"{offset}", **headers},
            input_stream=io.BytesIO(body[:arriving]),
            environ_overrides={"CONTENT_LENGTH": str(len(body))},  # Werkzeug would count what is there
        )

    def head(self, url: str) -> TestResponse:
        return self.ask("HEAD", url)

    def offset(self, url: str) -> int:
        """How much is kept."""
        return int(self.head(url).headers["Upload-Offset"])
