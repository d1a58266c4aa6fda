"""The office's stamp and signature: a stranger's bytes like any other, drawn anew in the locked room, kept as PNG."""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from PIL import Image

from config import points
from config.log import log
from shared import stamp
from shared.model import OfficeStamp, StampState
from uploads.checks import Kind
from uploads.locked_room import Refused, make_safe_copies
from uploads.storage import NotStored, StorageError

if TYPE_CHECKING:
    from uploads.jobs import Bench

LONGEST: Final = 1200  # pixels: 公印 are 24 mm wide at most, so that is more than any printer shows
SMALLEST: Final = 40


def draw(bench: Bench, office_id: UUID, stamp_id: UUID) -> None:
    """Draw what an administrator has sent, and keep the picture; or say why it cannot be drawn."""
    with bench.sessions() as session:
        row = session.get_one(OfficeStamp, (office_id, stamp_id))
        if row.state is not StampState.SENT or row.sent_key is None:
            return
        sent_key, kind, sha256 = row.sent_key, Kind(row.sent_kind), row.sent_sha256
    bench.scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = f"stamp/{uuid4()}"
    with tempfile.TemporaryDirectory(dir=bench.scratch, prefix="job-") as name:
        folder = Path(name)
        found = _drawn(bench, sent_key, kind, sha256, folder)
        if isinstance(found, Refused):
            with bench.sessions.begin() as session:
                done = stamp.refused(session, office_id, stamp_id, found.reason)
            log("stamp.refused", level="warning", stamp=stamp_id, reason=found.reason)
        else:
            content = found.read_bytes()
            bench.storage.put(key, found, "image/png")
            points.passed("stamp.stored")
            sha256 = hashlib.sha256(content).hexdigest()
            with bench.sessions.begin() as session:
                done = stamp.drawn(session, office_id, stamp_id, key, len(content), sha256)
    nobodys = done or (None if isinstance(found, Refused) else key)  # another run was quicker: ours is nobody's
    if nobodys is not None:
        with suppress(StorageError):  # then it is the sweep's
            bench.storage.delete(nobodys)


def _drawn(bench: Bench, key: str, kind: Kind, sha256: str, folder: Path) -> Path | Refused:
    source, into, picture = folder / "sent", folder / "pages", folder / "picture.png"
    into.mkdir()
    try:
        with bench.storage.open(key) as stream:
            source.write_bytes(stream.read())
    except NotStored:
        return Refused("lost")
    if hashlib.sha256(source.read_bytes()).hexdigest() != sha256:
        return Refused("lost")
    made = make_safe_copies(source, kind, into, required=bench.room_required)
    if isinstance(made, Refused):
        return made
    with Image.open(made.pages[0].picture) as drawn:  # our own: it was looked at when it came out of the room
        if min(drawn.size) < SMALLEST:
            return Refused("too_small")
        drawn.thumbnail((LONGEST, LONGEST))
        drawn.convert("RGB").save(picture, "PNG", optimize=True)
    return picture
