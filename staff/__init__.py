"""The desk: what the people of the office work with."""

from __future__ import annotations

from flask import Flask

from config.settings import Settings
from config.web import web_app
from shared import sign_in
from staff import (
    batch,
    bulk,
    bundle,
    certificate,
    checks,
    closing,
    correction,
    cover,
    dashboard,
    dashboard_list,
    files,
    fixed_texts,
    handing,
    hold,
    household,
    keys,
    ledger,
    live,
    looks,
    mentions,
    notes,
    originals,
    owed,
    queue,
    reasons,
    reassign,
    receipts,
    retention,
    review,
    second_look,
    signin,
    stamp,
    status,
    views,
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
        dashboard_list,
        second_look,
        fixed_texts,
        reasons,
        review,
        checks,
        correction,
        hold,
        handing,
        live,
        notes,
        mentions,
        views,
        keys,
        files,
        receipts,
        batch,
        bundle,
        certificate,
        stamp,
        ledger,
        closing,
        looks,
        originals,
        status,
        retention,
    ):
        app.register_blueprint(room.bp)
    app.context_processor(status.attention)
    app.context_processor(mentions.attention)
    app.context_processor(second_look.news)
    app.context_processor(closing.attention)
    return app
