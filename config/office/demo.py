"""The made-up office of the first start: ひばり野市 and its last three months, and how a visitor comes in."""

from __future__ import annotations

import os
import random
import re
import shlex
import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.office.diary import Deed, diary, months, opening
from config.office.hibarino import PASSWORD, Town, settle, table
from config.office.papers import payslip_pdf, payslip_photo
from config.office.replay import Replay
from config.office.services import LOOPBACK, PROJECT
from config.office.wages import Work, payslip, works
from config.settings import Settings
from shared import clock, letters, originals, retention, sign_in
from shared.errors import NotThere
from shared.model import (
    MACHINE,
    Actor,
    Credential,
    Household,
    Invitation,
    InvitationState,
    Kept,
    Member,
    Role,
    Submission,
    WelfareOffice,
    new_id,
)
from shared.rules.numbers import ALPHABET, code_hash, grouped, read_code
from shared.session import engine_for, reading_sessions, sessions
from uploads.jobs import bench_from
from uploads.receipt_pdf import draw_letter

PORTAL: Final = f"http://{LOOPBACK}:8000/"
# What the first three of the table are asked for; {month} is the newest one.
_LETTERS: Final = {
    "1001": "{month}月分の収入申告がまだ。はじめから出せます a report to send",
    "1002": "{month}月分を書きかけ。つづきから a report half written",
    "1003": "{month}月分の明細をなおしてほしい a correction asked for",
}
_HELD: Final = "1004"  # the household of which nothing is destroyed
_ROLES: Final = {
    Role.CASEWORKER: "ケースワーカー caseworker",
    Role.SUPERVISOR: "査察指導員 supervisor",
    Role.CLERK: "事務 clerk",
    Role.ADMINISTRATOR: "管理者 administrator",
}
_GROUP: Final = f"[{ALPHABET}]{{4}}"
_CODE: Final = re.compile(rf"\b{_GROUP}-{_GROUP}-{_GROUP}\b")


def load(settings: Settings, say: Callable[[str], None]) -> None:
    """Put the office and its history into an empty, migrated database. ``say`` gets a sentence now and then.

    The same day gives the same office, but for ids, codes and lots. Nothing in it lies in the future.
    """
    today = clock.today()
    working = works()
    endings = {work.case_no: [story.ending if story else None for story in work.stories] for work in working}
    entries = diary(today, endings, random.Random(today.toordinal()))  # noqa: S311  a story, not a secret
    bench = bench_from(settings)
    try:
        bench.storage.prepare()
        say("60世帯を読みこんでいます…")
        with bench.sessions.begin() as session, clock.at(opening(today)):
            town = settle(session)
            if bench.seals:
                office = session.get_one(WelfareOffice, town.office_id)
                bench.seals.make(office.code, office.title)
        reports = sum(entry.deed is Deed.SEND for entry in entries)
        sent = 0
        with Replay(bench, town, working, months(today)) as replay:
            for entry in entries:
                replay.do(entry)
                if entry.deed is Deed.SEND:
                    sent += 1
                    if sent % 12 == 0:
                        say(f"3か月分の届け出を作っています… {sent}/{reports}")
            say("確認用の画像と受領証を作っています…")
            replay.finish(entries[-1].at + timedelta(minutes=15))
        with bench.sessions.begin() as session, clock.at(entries[-1].at + timedelta(minutes=20)):
            _keep_house(session, town)
        with bench.sessions.begin() as session:
            _lay_out_samples(settings, town, working, months(today)[-1], today)
            _private(_sheet(settings), "\n".join(_first_lines(session, town, months(today)[-1])).encode())
    finally:
        bench.sessions.kw["bind"].dispose()


def _keep_house(session: Session, town: Town) -> None:
    """What an administrator has done: a rule, a hold, an original fetched, and a list that waits for its approval."""
    keeper = town.first(Role.ADMINISTRATOR)
    retention.set_rule(session, keeper, Kept.THUMBNAIL, 30, clock.today(), "ひばり野市文書管理規程 別表第3（見本）")
    retention.place_hold(session, keeper, _HELD, "審査請求（令和8年第12号）が終わるまで")
    sent = select(Submission.number).where(Submission.office_id == town.office_id, Submission.number.is_not(None))
    for number in session.scalars(sent.order_by(Submission.arrived_at)):
        if files := originals.of_submission(session, keeper, number or ""):
            why = "給与明細の偽造の疑いで、会社に原本を確かめてもらうため"
            originals.fetch(session, keeper, files[0].id, why, attempt=new_id())
            break
    retention.propose(session, keeper)


def _first_lines(session: Session, town: Town, newest: date) -> list[str]:
    """How to come in, with a new letter for each of three households."""
    lines = [f"  職員のパスワードはみな {PASSWORD} です。 One password for all staff: {PASSWORD}"]
    for row, member in zip(table("staff"), town.staff, strict=True):
        lines.append(f"    {row['login']:<9} {PASSWORD}  {member.name}　{_ROLES[member.role]}")
    lines += [
        "",
        "  ためしに付けるもの Something to attach: var/samples/",
        "",
        "  届け出る人の手紙の番号（はじめは番号だけで入れます） Letter codes; at first the code alone opens:",
    ]
    by = Actor.staff(town.first(Role.ADMINISTRATOR).staff_id)
    for case_no, what in _LETTERS.items():
        head = town.heads[case_no]
        code = sign_in.invite(session, town.office_id, head.member_id, by=by)
        said = what.format(month=newest.month)
        lines.append(f"    {case_no}  {grouped(code)}  {head.name.replace('　', ' ')}　{said}")
    return lines


def _lay_out_samples(settings: Settings, town: Town, working: list[Work], newest: date, today: date) -> None:
    """A payslip of the first household as PDF and as photo: something to attach when trying the portal."""
    work = next(work for work in working if work.case_no == next(iter(_LETTERS)))
    slip = payslip(work, town.heads[work.case_no].name, newest, today)
    folder = settings.incoming.parent.parent / "samples"
    _private(folder / "給与明細.pdf", payslip_pdf(slip))
    _private(folder / "IMG_0417.jpg", payslip_photo(slip, seed=7))


def sign_ins(settings: Settings) -> list[str]:
    """The lines for the terminal: who can come in, and how. A letter that has been used since says so."""
    try:
        lines = _sheet(settings).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return [f"  手紙の番号を作るには Make a letter code: {_verb(settings, '1001')}"]
    engine = engine_for(settings.database_url)
    try:
        with reading_sessions(engine)() as session:
            return [said for line in lines for said in (line, *_since(session, line, settings))]
    finally:
        engine.dispose()


def _since(session: Session, line: str, settings: Settings) -> list[str]:
    """What has become of the letter on ``line``, if there is one and it does not open any more."""
    code = _CODE.search(line)
    if code is None:
        return []
    plain = read_code(code[0])
    letter = session.scalar(select(Invitation).where(Invitation.code_hash == code_hash(plain or "")))
    if letter is None or letter.state is InvitationState.REPLACED:
        became = "新しい手紙があります。 Replaced by a newer letter."
    elif letter.state is InvitationState.USED:
        has_pin = session.scalar(
            select(Credential.id).where(
                Credential.office_id == letter.office_id, Credential.account_id == letter.account_id
            )
        )
        if has_pin:
            return ["          使いました。つぎは暗証番号も聞きます。 Used; now it also asks for the PIN chosen."]
        became = "もう使いました。 Used."
    elif letter.expires_at <= clock.now():
        became = "期限がすぎました。 Expired."
    else:
        return []
    return [f"          {became} 新しい番号 New code: {_verb(settings, line.split(maxsplit=1)[0])}"]


def _verb(settings: Settings, case_no: str) -> str:
    """The command line that makes a new letter in this office."""
    var = settings.incoming.parent.parent
    elsewhere = "" if var == PROJECT / "var" else f" --var {shlex.quote(str(var))}"
    return f".venv/bin/python -m config.office invite {case_no}{elsewhere}"


def invite(settings: Settings, case_no: str, *, portal: str = PORTAL) -> str:
    """Make a new letter for the head of a household, as a PDF at ``letter_path``, and return its code, grouped.

    Works while the office is running. Earlier letters of this person end.

    :param portal: the address the letter names.
    :raises NotThere: for a case number that no household has.
    """
    engine = engine_for(settings.database_url)
    try:
        with sessions(engine).begin() as session:
            member, office = _head(session, case_no)
            code, words = letters.invite(session, office, member, portal=portal, by=MACHINE, demo=True)
            # Inside the transaction: a letter that cannot be drawn ends no earlier one.
            _private(letter_path(settings, case_no), draw_letter(words))
    finally:
        engine.dispose()
    _renew_sheet(settings, case_no, code)
    return code


def letter_path(settings: Settings, case_no: str) -> Path:
    """Where ``invite`` puts the letter: beside the data and not in it."""
    return settings.incoming.parent.parent / "letters" / f"{case_no}.pdf"


def _head(session: Session, case_no: str) -> tuple[Member, WelfareOffice]:
    found = session.execute(
        select(Member, WelfareOffice)
        .join(Household, (Household.office_id == Member.office_id) & (Household.id == Member.household_id))
        .join(WelfareOffice, WelfareOffice.id == Member.office_id)
        .where(Household.case_no == case_no, Member.is_head)
    ).first()
    if found is None:
        raise NotThere
    member, office = found
    return member, office


def _sheet(settings: Settings) -> Path:
    return settings.incoming.parent / "sign-ins.txt"


def _renew_sheet(settings: Settings, case_no: str, code: str) -> None:
    """Write the new code in the place of the old one, if the sheet lists this household."""
    sheet = _sheet(settings)
    if sheet.exists():
        lines = sheet.read_text(encoding="utf-8").splitlines()
        new = [_CODE.sub(code, line) if line.split()[:1] == [case_no] else line for line in lines]
        _private(sheet, "\n".join(new).encode())


def _private(path: Path, content: bytes) -> None:
    """Write a whole file that nobody else can read, or none."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, new = tempfile.mkstemp(dir=path.parent)  # is 0600 from the first moment
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(new).replace(path)
    except BaseException:
        Path(new).unlink()
        raise
