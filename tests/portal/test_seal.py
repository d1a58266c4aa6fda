"""The certificates of an office: public, for whoever checks a signature."""

from __future__ import annotations

from flask import Flask
from sqlalchemy.orm import Session, sessionmaker

from shared import seals as published
from tests import factories
from uploads.signing import Seals


def test_anybody_gets_the_certificates_and_no_key(
    app: Flask, make_session: sessionmaker[Session], seals: Seals
) -> None:
    with make_session.begin() as session:
        factories.office(session)
        published.publish(session, "HB", [seal.public for seal in seals.listed("HB")])
    answer = app.test_client().get("/seal/HB.pem")
    assert answer.status_code == 200
    assert answer.text == seals.of("HB").pem
    assert answer.text.count("BEGIN CERTIFICATE") == 2
    assert "PRIVATE" not in answer.text
    assert answer.headers["Content-Disposition"] == 'attachment; filename="seal-HB.pem"'


def test_of_an_office_without_a_seal_or_of_none_there_is_nothing(
    app: Flask, make_session: sessionmaker[Session]
) -> None:
    with make_session.begin() as session:
        factories.office(session)
    for code in ("HB", "KK", "hb", "..%2fetc"):
        assert app.test_client().get(f"/seal/{code}.pem").status_code == 404
