"""ようす: whether the house works as it should, in words."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext
from flask_login import current_user
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from config.settings import MEBIBYTE
from config.web import reading, settings, storage
from shared import clock, upkeep
from staff.access import KEEPING, me, needs
from uploads.storage import NotStored, StorageError

bp = Blueprint("status", __name__, url_prefix="/status")

TIGHT: Final = 500 * MEBIBYTE  # free bytes of the scratch disk below which somebody should make room
LAYERS: Final = {
    "limits": lazy_gettext("使える量の制限"),
    "network": lazy_gettext("ネットワークの遮断"),
    "files": lazy_gettext("ファイルの遮断"),
    "room": lazy_gettext("部屋（何も開けません）"),
    "calls": lazy_gettext("命令の制限"),
}
JOBS: Final = {
    "make_safe_copy": lazy_gettext("安全な写しを作る"),
    "draw_receipt": lazy_gettext("受領証を作る"),
    "destroy": lazy_gettext("廃棄する"),
    "bulk": lazy_gettext("まとめて行う"),
    "undo_bulk": lazy_gettext("まとめて行ったことを、もとに戻す"),
}
FINDINGS: Final = {
    "row_without_bytes": lazy_gettext("記録はあるが中身がない"),
    "bytes_without_row": lazy_gettext("中身はあるが記録がない"),
    "wrong_size": lazy_gettext("中身の大きさがちがう"),
    "wrong_hash": lazy_gettext("中身が変わっている"),
    "stale_upload": lazy_gettext("送りかけのまま古くなった"),
    "half_written": lazy_gettext("書きかけで止まった"),
    "not_destroyed": lazy_gettext("廃棄したのに残っている"),
    "task_lost": lazy_gettext("行方のわからない仕事"),
    "task_given_up": lazy_gettext("できなかった仕事"),
}


@bp.get("")
@needs(*KEEPING)
def show() -> ResponseReturnValue:
    with reading() as rows:
        house = upkeep.house(rows, me().office_id)
    return render_template(
        "status.html",
        house=house,
        scanner=_scanner(house),
        reachable=_reachable(),
        free=_free(settings().incoming),
        tight=TIGHT,
        seal_until=clock.day_of(house.seal.until) if house.seal.until else None,
        LAYERS=LAYERS,
        JOBS=JOBS,
        FINDINGS=FINDINGS,
    )


def _scanner(house: upkeep.House) -> str:
    """off, ok or unreachable, as the living workers say; unknown while none lives and a scanner is wanted."""
    said = {worker.scanner for worker in house.living}
    for worst in ("unreachable", "off", "ok"):
        if worst in said:
            return worst
    return "unknown" if settings().clamd else "off"


def _reachable() -> bool:
    """Whether the storage answers: asked for a key that nothing has."""
    try:
        storage().size(f"original/{uuid4()}")
    except NotStored:
        return True
    except StorageError:
        return False
    return True


def _free(scratch: Path) -> int | None:
    """Free bytes where files land on their way in; None if nobody can say."""
    with suppress(OSError):
        return shutil.disk_usage(next(place for place in (scratch, *scratch.parents) if place.exists())).free
    return None


def attention() -> dict[str, Callable[[], int]]:
    """What every page may ask: how many things want a look of somebody who keeps the house."""
    return {"wants_a_look": _wants_a_look}


def _wants_a_look() -> int:
    who: Any = current_user.who if current_user and current_user.is_authenticated else None
    if who is None or who.role not in KEEPING:
        return 0
    # The page that says that the database is away has a menu, too.
    with suppress(OperationalError, PoolTimeout), reading() as rows:
        return upkeep.wants_a_look(rows, who.office_id)
    return 0
