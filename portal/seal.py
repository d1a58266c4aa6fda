"""The certificates of an office's seals, for whoever checks a 受領証 with a program of his own."""

from __future__ import annotations

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from config.web import public, reading
from shared import seals

bp = Blueprint("seal", __name__, url_prefix="/seal")


@bp.get("/<code>.pem")
@public
def chain(code: str) -> ResponseReturnValue:
    """Every certificate the office has ever signed with, and what certifies them."""
    with reading() as session:
        pem = seals.certificates(session, code)
    answer = Response(pem, mimetype="application/x-pem-file")
    answer.headers["Content-Disposition"] = f'attachment; filename="seal-{code}.pem"'
    answer.headers["Cache-Control"] = "public, max-age=300"
    return answer
