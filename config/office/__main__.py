"""``python -m config.office run``: what ``./run`` hands over to once everything is installed.

``… invite CASE_NO``: a new letter for the head of a household, also while the office is running.
"""

from __future__ import annotations

import argparse
import io
import logging
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
            folder = Folder(options.var.resolve())
            invite(folder, options) if options.verb == "invite" else run(folder, options)
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
            for variables in office.values():
                variables.setdefault("MADOGUCHI_PORTAL_URL", _address(options.portal_port))
            settings = Settings.from_environ(office["worker"])
            _prepare(settings, fresh=fresh)
        crew.start(
            services.web("portal", options.portal_port, office["portal"]),
            services.web("staff", options.staff_port, office["staff"]),
            services.worker(office["worker"]),
        )
        _greet(settings, options)
        crew.watch()


def invite(folder: Folder, options: argparse.Namespace) -> None:
    """Print the code of a new letter, and where the letter lies.

    :raises CannotGoOn: when there is no office yet, or no such household in it.
    """
    from config.office import demo
    from shared.errors import NotThere

    if not folder.database.exists():
        raise CannotGoOn(
            f"まだ役所がありません（{folder.root}）。先に ./run を始めてください。\n"
            f"There is no office yet ({folder.root}). Start ./run first."
        )
    settings = Settings.from_environ(services.environ(folder, "worker", "redis://127.0.0.1:1"))  # it asks no queue
    try:
        code = demo.invite(settings, options.case_no, portal=_address(options.portal_port))
    except NotThere:
        raise CannotGoOn(
            f"世帯番号 {options.case_no} の世帯はありません。 No household has the case number {options.case_no}."
        ) from None
    say(f"  番号 Code    {code}\n  手紙 Letter  {demo.letter_path(settings, options.case_no)}")


def say(text: str) -> None:
    try:
        print(text, flush=True)
    except OSError:  # the terminal is gone; the office ends in order all the same
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _prepare(settings: Settings, *, fresh: bool) -> None:
    from shared.session import migrate  # here and below: a taken port is said before anything heavy loads

    migrate(settings.database_url)
    if fresh:
        from config.log import configure
        from config.office import demo

        configure("office", least=logging.WARNING)  # the jobs of a whole history would fill the terminal
        say("見本の役所を作っています（ひばり野市・架空）… Making a made-up office …")
        demo.load(settings, say)
    else:
        _need_files(settings)
    _need_seals(settings)


def _need_seals(settings: Settings) -> None:
    """A made-up office signs with a certificate of its own CA. One that is real is asked for its own."""
    from sqlalchemy import select

    from shared import seals
    from shared.model import WelfareOffice
    from shared.session import engine_for, sessions
    from uploads.signing import seals_from

    found = seals_from(settings)
    if found is None:
        return
    engine = engine_for(settings.database_url)
    try:
        with sessions(engine).begin() as session:
            for office in session.scalars(select(WelfareOffice)):
                if not found.listed(office.code):
                    found.make(office.code, office.title)
                seals.publish(session, office.code, [seal.public for seal in found.listed(office.code)])
    finally:
        engine.dispose()


def _need_files(settings: Settings) -> None:
    from uploads.storage import StorageError, storage_from

    try:
        storage_from(settings).prepare(used=True)
    except StorageError as error:
        raise CannotGoOn(
            f"届いたファイルの置き場所が見つかりません。 The files are not where they were: {error}"
        ) from None


def _greet(settings: Settings, options: argparse.Namespace) -> None:
    from config.office import demo

    lines = [
        "",
        "準備ができました。 Ready.",
        "",
        f"  届け出る人  Portal  {_address(options.portal_port)}",
        f"  職員        Staff   {_address(options.staff_port)}",
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
    letter = verbs.add_parser("invite", help="make a new letter for the head of a household")
    letter.add_argument("case_no", metavar="CASE_NO", help="for example 1001")
    letter.add_argument("--portal-port", type=_port, default=8000, metavar="PORT", help="stands in the letter")
    var = services.PROJECT / "var"
    for verb in (run, letter):
        verb.add_argument("--var", type=Path, default=var, metavar="DIR", help="where data is kept")
    options = parser.parse_args(arguments)
    if options.verb == "run" and options.portal_port == options.staff_port:
        run.error("ポートは2つとも別の番号にしてください。 --portal-port and --staff-port must differ.")
    return options


def _address(port: int) -> str:
    return f"http://{services.LOOPBACK}:{port}/"


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 2**16:
        raise argparse.ArgumentTypeError(f"{text} はポート番号ではありません。 A port is a number from 1 to 65535.")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
