"""The recipient's door: a phone, a slow network, a thumb."""

from __future__ import annotations

from flask import Flask

from config import assets
from config.settings import Settings
from config.web import web_app
from portal import (
    absent,
    check,
    correction,
    display,
    files,
    forms,
    home,
    kept,
    messages,
    office,
    seal,
    sent,
    sheet,
    signin,
    tus,
    typed,
)
from portal.upload import UploadRequest
from shared import sign_in


def create_app(settings: Settings) -> Flask:
    """Make the portal."""
    app = web_app("portal", settings, sign_in.recipient_of)
    app.request_class = UploadRequest
    app.permanent_session_lifetime = sign_in.OWN_PHONE
    rooms = (signin, check, seal, home, forms, absent, messages, sent, sheet, correction, files, display, typed)
    for room in rooms:
        app.register_blueprint(room.bp)
    app.extensions["csrf"].exempt(signin.leave)  # it asks for itself: the way out works from the oldest page, too
    app.extensions["csrf"].exempt(check.typed)  # for strangers without a cookie; it changes nothing
    app.after_request(assets.packed)
    app.context_processor(office.card)
    app.context_processor(display.chosen)
    app.context_processor(kept.owner)
    app.context_processor(messages.news)
    app.wsgi_app = tus.Tus(app)  # type: ignore[method-assign]
    return app
