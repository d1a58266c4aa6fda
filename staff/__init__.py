"""The desk: what the people of the office work with."""

from __future__ import annotations

from flask import Flask

from config.settings import Settings
from config.web import web_app
from shared import sign_in
from staff import (
    bulk,
    correction,
    cover,
    dashboard,
    files,
    hold,
    household,
    keys,
    originals,
    owed,
    queue,
    reassign,
    receipts,
    retention,
    review,
    signin,
    status,
)


def create_app(settings: Settings) -> Flask:
    """Make the staff app."""
    app = web_app("staff", settings, sign_in.staff_of)
    for room in (
        signin,
        queue,
        bulk,
        cover,
        reassign,
        owed,
        household,
        dashboard,
        review,
        correction,
        hold,
        keys,
        files,
        receipts,
        originals,
        status,
        retention,
    ):
        app.register_blueprint(room.bp)
    app.context_processor(status.attention)
    return app
