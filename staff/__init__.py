"""The desk: what the people of the office work with."""

from __future__ import annotations

from flask import Flask

from config.settings import Settings
from config.web import web_app
from shared import sign_in
from staff import correction, files, queue, receipts, review, signin


def create_app(settings: Settings) -> Flask:
    """Make the staff app."""
    app = web_app("staff", settings, sign_in.staff_of)
    for room in (signin, queue, review, correction, files, receipts):
        app.register_blueprint(room.bp)
    return app
