"""Styles, scripts and the icon: the same for everybody, so a phone may keep them for a year.

A folder has a version, drawn from everything in it, and the version is a part of the address:
``/static/<version>/files.js``. A module says ``./tus.js`` and so stays inside its version; nothing old meets anything
new. What is the same for everybody goes out packed. Of pages only those are packed that our own pages have asked for.
"""

from __future__ import annotations

import gzip
import mimetypes
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from flask import Response, request
from werkzeug.exceptions import NotFound

YEAR: Final = 365 * 24 * 3600  # seconds
_WORTH_IT: Final = 1000  # bytes of a page: below it fits into one packet anyway


@dataclass(frozen=True)
class _File:
    media_type: str
    plain: bytes
    packed: bytes
    digest: str


class Assets:
    """One folder, as it was when the process began: an update shows after the restart, and then as a whole."""

    def __init__(self, folder: Path) -> None:
        self._files = {path.name: _read(path) for path in sorted(folder.iterdir()) if path.is_file()}
        everything = "".join(f"{name} {file.digest}\n" for name, file in self._files.items())
        self.version: Final = sha256(everything.encode()).hexdigest()[:12]

    def answer(self, filename: str) -> Response:
        """One file. A page of before an update asks for another version: it gets what there is now, and asks again.

        :param filename: ``<version>/<name>``, or the name alone.
        """
        version, _, name = filename.rpartition("/")
        file = self._files.get(name)
        if file is None or "/" in version:
            raise NotFound
        packed = _takes_gzip()
        answer = Response(file.packed if packed else file.plain, mimetype=file.media_type)
        answer.set_etag(f"{file.digest}-gzip" if packed else file.digest)
        answer.vary.add("Accept-Encoding")
        if packed:
            answer.content_encoding = "gzip"
        if version == self.version:
            answer.cache_control.immutable = True
            answer.cache_control.max_age = YEAR
        else:
            answer.cache_control.no_cache = True
        answer.make_conditional(request)
        return answer


def _read(path: Path) -> _File:
    plain = path.read_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return _File(media_type, plain, gzip.compress(plain, mtime=0), sha256(plain).hexdigest()[:16])


def _takes_gzip() -> bool:
    return request.accept_encodings.quality("gzip") > 0


def packed(page: Response) -> Response:
    """``page``, packed if it is safe to be.

    A page holds secrets (tokens, what a person wrote). Who listens on the line and makes her browser ask again and
    again for a page with guesses of his in it could read them off the lengths (BREACH). So only a page is packed that a
    page of ours has asked for, which a browser says itself and nobody can make it say, and by an address without room
    for a guess.
    """
    if page.mimetype != "text/html" or page.is_streamed or (page.content_length or 0) < _WORTH_IT:
        return page
    page.vary.update(["Accept-Encoding", "Sec-Fetch-Site"])
    if _takes_gzip() and request.headers.get("Sec-Fetch-Site") == "same-origin" and not request.query_string:
        page.set_data(gzip.compress(page.get_data(), 6))
        page.content_encoding = "gzip"
    return page
