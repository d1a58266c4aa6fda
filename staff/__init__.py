"""The desk: what the people of the office work with."""

from __future__ import annotations

from flask import Flask

from config.settings import Settings
from config.web import web_app
from shared import sign_in
from staff import (
    correction,
    dashboard,
    dashboard_list,
    files,
    fixed_texts,
    hold,
    household,
    keys,
    originals,
    owed,
    queue,
    reasons,
    receipts,
    retention,
    review,
    second_look,
    signin,
    status,
)


def create_app(settings: Settings) -> Flask:
    """Make the staff app."""
    app = web_app("staff", settings, sign_in.staff_of)
    for room in (
        signin,
        queue,
        owed,
        household,
        dashboard,
        dashboard_list,
        second_look,
        fixed_texts,
        reasons,
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
    app.context_processor(second_look.news)
    return app
