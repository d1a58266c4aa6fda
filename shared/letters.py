"""What an invitation letter says. It names no kind of office: other people open post, too."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from shared import clock, sign_in
from shared.model import Actor, Member, WelfareOffice
from shared.rules.numbers import grouped
from shared.rules.wareki import japanese_date


def invite(
    session: Session, office: WelfareOffice, member: Member, *, portal: str, by: Actor, demo: bool = False
) -> tuple[str, dict[str, Any]]:
    """Make a new letter for a member; earlier ones end. Returns the code, grouped, and the letter's words.

    :param portal: the address the letter names.
    """
    code = grouped(sign_in.invite(session, office.id, member.id, by=by))
    last_whole_day = clock.today() + sign_in.LETTER_LIFE - timedelta(days=1)
    return code, {
        "city": office.city,
        "counter": office.counter,
        "phone": office.phone,
        "addressee": member.name,
        "url": portal,
        "code": code,
        "valid_until": japanese_date(last_whole_day),
        "demo": demo,
    }
