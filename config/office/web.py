"""Entry points for the web server: one factory an app, called in the server's worker process."""

from __future__ import annotations

import faulthandler
import signal

from flask import Flask

from config.log import configure
from config.office.leash import end_with_parent
from config.settings import Settings


def portal_app() -> Flask:
    from portal import create_app  # not above: the staff process never loads the portal

    _prepare("portal")
    return create_app(Settings.from_environ())


def staff_app() -> Flask:
    from staff import create_app

    _prepare("staff")
    return create_app(Settings.from_environ())


def _prepare(process: str) -> None:
    end_with_parent()  # the server's main process may be killed; its worker would keep the port
    configure(process)
    faulthandler.register(signal.SIGUSR1)  # "kill -USR1": where each thread stands, into the log: lines of code only
