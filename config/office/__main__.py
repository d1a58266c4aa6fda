"""``python -m config.office run``: what ``./run`` hands over to once everything is installed."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from config.office import services
from config.office.children import Asked, CannotGoOn, Crew, hearing
from config.office.folder import Folder
from config.settings import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    os.umask(0o077)  # what the office keeps is nobody else's to read
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace", line_buffering=True)  # a terminal that cannot write Japanese
    try:
        with hearing():
            run(Folder(options.var.resolve()), options)
    except CannotGoOn as reason:
        print(reason, file=sys.stderr)
        return 1
    except Asked:
        say("止めました。 Stopped.")
    return 0


def run(folder: Folder, options: argparse.Namespace) -> None:
    """Bring up one desk and stay until somebody asks to end.

    :raises CannotGoOn: with a sentence for the terminal; nothing is left running.
    :raises Asked: after everything has been stopped.
    """
    with folder.locked(), Crew(folder.log, say) as crew:
        services.need_free(options.portal_port, "--portal-port")
        services.need_free(options.staff_port, "--staff-port")
        folder.need_room()
        if options.reset:
            folder.empty()
        with folder.first_time() as fresh:
            queue = services.Valkey.at(folder)
            crew.start(queue.service)
            office = {name: services.environ(folder, name, queue.url) for name in ("portal", "staff", "worker")}
            settings = Settings.from_environ(office["worker"])
            _prepare(settings, fresh=fresh)
        crew.start(
            services.web("portal", options.portal_port, office["portal"]),
            services.web("staff", options.staff_port, office["staff"]),
            services.worker(office["worker"]),
        )
        _greet(settings, options)
        crew.watch()


def say(text: str) -> None:
    try:
        print(text, flush=True)
    except OSError:  # the terminal is gone; the office ends in order all the same
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _prepare(settings: Settings, *, fresh: bool) -> None:
    from shared.session import migrate  # here and below: a taken port is said before anything heavy loads

    migrate(settings.database_url)
    if fresh:
        from config.office import demo

        say("見本の役所を作っています（ひばり野市・架空）… Making a made-up office …")
        demo.load(settings, say)


def _greet(settings: Settings, options: argparse.Namespace) -> None:
    from config.office import demo

    lines = [
        "",
        "準備ができました。 Ready.",
        "",
        f"  届け出る人  Portal  http://{services.LOOPBACK}:{options.portal_port}/",
        f"  職員        Staff   http://{services.LOOPBACK}:{options.staff_port}/",
        "",
        *demo.sign_ins(settings),
        "",
        "止めるときは Ctrl-C を押してください。 Press Ctrl-C to stop.",
    ]
    say("\n".join(lines))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run", description="窓口を1台で動かす。 Run the counter on one machine.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", prog="./run", help="start everything")
    run.add_argument("--reset", action="store_true", help="empty the data first")
    run.add_argument("--portal-port", type=_port, default=8000, metavar="PORT")
    run.add_argument("--staff-port", type=_port, default=8001, metavar="PORT")
    run.add_argument("--var", type=Path, default=services.PROJECT / "var", metavar="DIR", help="where data is kept")
    options = parser.parse_args(arguments)
    if options.portal_port == options.staff_port:
        run.error("ポートは2つとも別の番号にしてください。 --portal-port and --staff-port must differ.")
    return options


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 2**16:
        raise argparse.ArgumentTypeError(f"{text} はポート番号ではありません。 A port is a number from 1 to 65535.")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
