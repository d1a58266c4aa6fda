"""Whom to call: the office's card at the foot of every page. It never says what kind of office it is."""

from __future__ import annotations

from typing import Any

from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from config.web import reading
from shared.model import WelfareOffice


def card() -> dict[str, Any]:
    """The person's office; before signing in, the only one there is, if there is only one.

    A page that says the database is away must not need the database.
    """
    try:
        with reading() as session:
            query = select(WelfareOffice).limit(2)
            if current_user and current_user.is_authenticated:
                query = query.where(WelfareOffice.id == current_user.who.office_id)
            offices = session.scalars(query).all()
    except SQLAlchemyError:
        offices = []
    return {"office": offices[0] if len(offices) == 1 else None}
