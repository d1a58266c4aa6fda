"""Signs the sheet of a closed day with the office's key."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from config.log import log
from shared import closing
from shared.model import ClosingSignature, DayClosing, WelfareOffice
from uploads.seal_keys import SealMissing

if TYPE_CHECKING:
    from uploads.jobs import Bench


def sign_closing(bench: Bench, office_id: UUID, closing_id: UUID) -> None:
    """Sign what a sheet says, detached, and keep the signature beside it. Of two at once one is kept.

    :raises SealMissing: if the office has no seal here.
    :raises TimeStampMissing: if its time stamps cannot be had.
    """
    with bench.sessions.begin() as session:
        if session.get(ClosingSignature, (office_id, closing_id)):
            return
        said = closing.as_bytes(session.get_one(DayClosing, (office_id, closing_id)).content)
        code = session.get_one(WelfareOffice, office_id).code
    if bench.seals is None:
        raise SealMissing("MADOGUCHI_SEALS is not set: there is no seal to sign with")
    cms = bench.seals.of(code).sign_bytes(said)
    with bench.sessions.begin() as session:
        closing.sign(session, office_id, closing_id, cms)
    log("closing.signed", closing=closing_id)
