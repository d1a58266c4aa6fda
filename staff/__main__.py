"""``python -m staff``: what the person who keeps the servers does from a terminal.

Every verb reads the same settings as the apps (docs/config.md), prints data on stdout and talk on stderr.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TextIO

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from config.settings import MissingSetting, Settings
from shared import (
    clock,
    danger,
    duties,
    filled,
    fixed_texts,
    letters,
    office_days,
    receipt_rules,
    retention,
    second_look,
    sign_in,
)
from shared.errors import RuleInUse, RuleOfThePast, RuleStands
from shared.model import (
    MACHINE,
    DutyKind,
    Household,
    Member,
    Role,
    Situation,
    StaffMember,
    StoredFile,
    WelfareOffice,
)
from shared.rules.danger import LONGEST, NotAWord
from shared.rules.forms import FORMS
from shared.rules.forms.own import NotASetting
from shared.rules.months import add_months
from shared.session import engine_for, migrate, sessions
from uploads.receipt_pdf import draw_letter
from uploads.storage import StorageError, storage_from

SHORTEST_PASSWORD = 12


def _settings() -> Settings:
    try:
        return Settings.from_environ()
    except MissingSetting as missing:
        raise click.ClickException(str(missing)) from missing


@contextmanager
def _transaction() -> Iterator[Session]:
    engine = engine_for(_settings().database_url)
    try:
        with sessions(engine).begin() as session:
            yield session
    finally:
        engine.dispose()


def _office(session: Session, code: str) -> WelfareOffice:
    office = session.scalar(select(WelfareOffice).where(WelfareOffice.code == code))
    if office is None:
        raise click.ClickException(f"no office has the code {code}; add-office makes one")
    return office


def _home(session: Session, office: WelfareOffice, case_no: str) -> Household:
    home = session.scalar(select(Household).where(Household.office_id == office.id, Household.case_no == case_no))
    if home is None:
        raise click.ClickException(f"{office.code} has no household {case_no}")
    return home


def _member(session: Session, office: WelfareOffice, case_no: str, name: str | None) -> Member:
    """The head, or the member with this name."""
    home = _home(session, office, case_no)
    which = Member.is_head if name is None else Member.name == name
    found = session.scalars(select(Member).where(Member.office_id == office.id, Member.household_id == home.id, which))
    members = found.all()
    if len(members) != 1:
        raise click.ClickException(f"the household {case_no} has {len(members)} members called {name or 'head'}")
    return members[0]


def _first_of(month: str, option: str) -> date:
    try:
        return date.fromisoformat(f"{month}-01")
    except ValueError:
        raise click.BadParameter("a year and a month, such as 2026-12", param_hint=option) from None


def _day(day: str, option: str) -> date:
    try:
        return date.fromisoformat(day)
    except ValueError:
        raise click.BadParameter("a day, such as 2026-12-28", param_hint=option) from None


@click.group()
def main() -> None:
    """Keep an office: its database, its staff, its households, its letters."""


@main.command("migrate")
def bring_up_to_date() -> None:
    """Bring the database to the newest shape, and the storage into order. Twice is once."""
    settings = _settings()
    migrate(settings.database_url)
    with _transaction() as session:
        kept = select(StoredFile.id).where(StoredFile.original_destroyed_at.is_(None)).limit(1)
        used = session.scalar(kept) is not None
    try:
        storage_from(settings).prepare(used=used)
    except (StorageError, MissingSetting) as error:
        raise click.ClickException(str(error)) from error
    click.echo("the database is up to date, and the storage is ready", err=True)


@main.command()
@click.argument("code")
@click.option("--name", required=True, help="ひばり野市福祉事務所; stands on receipts only")
@click.option("--title", required=True, help="架空県ひばり野市福祉事務所長")
@click.option("--city", required=True, help="ひばり野市役所; what recipients see")
@click.option("--counter", required=True, help="3番窓口")
@click.option("--phone", required=True)
@click.option("--hours", default="平日 8:30〜17:15", show_default=True)
@click.option("--document-prefix", required=True, help="ひ福生第")
@click.option("--due-day", type=click.IntRange(1, 28), default=10, show_default=True, help="of the month after")
def add_office(code: str, **facts: str | int) -> None:
    """Add an office. CODE is 2 to 4 capital letters and begins every number people read."""
    if not (code.isascii() and code.isalpha() and code.isupper() and 2 <= len(code) <= 4):
        raise click.BadParameter("2 to 4 capital letters, such as HB", param_hint="CODE")
    with _transaction() as session:
        if session.scalar(select(WelfareOffice.id).where(WelfareOffice.code == code)):
            raise click.ClickException(f"the office {code} is there already")
        office = WelfareOffice(code=code, **facts)
        session.add(office)
        session.flush()
        retention.begin(session, office.id)
        duties.begin(session, office, clock.today().replace(day=1))
        fixed_texts.begin(session, office.id)
        click.echo(office.id)


@main.command()
@click.argument("office_code")
@click.argument("role", type=click.Choice([role.value for role in Role]))
@click.argument("login")
@click.option("--name", required=True)
@click.password_option(help=f"at least {SHORTEST_PASSWORD} characters; asked for if it is not given")
def add_staff(office_code: str, role: str, login: str, name: str, password: str) -> None:
    """Add a member of staff with ROLE who signs in as LOGIN."""
    if len(password) < SHORTEST_PASSWORD:
        raise click.BadParameter(f"at least {SHORTEST_PASSWORD} characters", param_hint="--password")
    with _transaction() as session:
        office = _office(session, office_code)
        if session.scalar(select(StaffMember.id).where(StaffMember.login == login)):
            raise click.ClickException(f"somebody signs in as {login} already")
        member = StaffMember(office_id=office.id, login=login, name=name, role=Role(role), active=True)
        session.add(member)
        session.flush()
        sign_in.set_password(session, member, password)
        click.echo(member.id)


@main.command()
@click.argument("office_code")
@click.argument("case_no")
@click.option("--caseworker", required=True, help="the login of her caseworker")
@click.option("--head", required=True, help="name of the 世帯主, family name and given name with a full-width space")
@click.option("--kana", required=True)
@click.option("--protected", is_flag=True, help="only the caseworker and the supervisor may open it")
@click.option("--district", help="地区, as the office calls it")
@click.option("--wages-due/--no-wages-due", default=True, help="last month's income report is due")
@click.option(
    "--situation",
    type=click.Choice([one.value for one in Situation]),
    default=Situation.WORKING.value,
    show_default=True,
    help="what the head does; decides what is due",
)
def add_household(
    office_code: str,
    case_no: str,
    caseworker: str,
    head: str,
    kana: str,
    protected: bool,
    district: str | None,
    wages_due: bool,
    situation: str,
) -> None:
    """Add a household with its head."""
    with _transaction() as session:
        office = _office(session, office_code)
        worker = session.scalar(
            select(StaffMember).where(
                StaffMember.office_id == office.id,
                StaffMember.login == caseworker,
                StaffMember.role == Role.CASEWORKER,
            )
        )
        if worker is None:
            raise click.ClickException(f"no caseworker of {office_code} signs in as {caseworker}")
        if session.scalar(select(Household.id).where(Household.office_id == office.id, Household.case_no == case_no)):
            raise click.ClickException(f"{office_code} has a household {case_no} already")
        home = Household(
            office_id=office.id, case_no=case_no, caseworker_id=worker.id, protected=protected, district=district
        )
        session.add(home)
        session.flush()
        facts = {"name": head, "kana": kana, "is_head": True, "situation": Situation(situation)}
        member = Member(office_id=office.id, household_id=home.id, **facts)
        session.add(member)
        session.flush()
        if wages_due:
            duties.open_duty(session, office, home.id, member.id, add_months(clock.today(), -1))
        click.echo(home.id)


@main.command()
@click.argument("office_code")
@click.argument("kind", type=click.Choice([kind.value for kind in DutyKind]))
@click.argument("situation", type=click.Choice([*(one.value for one in Situation), "head"]))
@click.option("--every", type=click.IntRange(0, 12), required=True, metavar="MONTHS", help="0: no longer")
@click.option("--from", "from_month", required=True, metavar="YYYY-MM", help="the first month it is about")
@click.option(
    "--first-month", type=click.IntRange(1, 12), default=1, show_default=True, help="of the year, counted from"
)
@click.option("--day", type=click.IntRange(1, 28), help="of the following month; else the office's own day")
@click.option("--household", "case_no", metavar="CASE_NO", help="for this household alone; it beats the office's rule")
def duty_rule(
    office_code: str,
    kind: str,
    situation: str,
    every: int,
    from_month: str,
    first_month: int,
    day: int | None,
    case_no: str | None,
) -> None:
    """Set how often KIND is due from members in SITUATION (or from the head alone). The past stays as it was."""
    begins = _first_of(from_month, "--from")
    with _transaction() as session:
        office = _office(session, office_code)
        home = None if case_no is None else _home(session, office, case_no)
        try:
            duties.set_rule(
                session,
                office.id,
                DutyKind(kind),
                None if situation == "head" else Situation(situation),
                every_months=every,
                from_month=begins,
                due_day=day or office.due_day,
                first_month=first_month,
                household_id=home.id if home else None,
            )
        except RuleOfThePast:
            raise click.ClickException("that month is over; a rule begins this month or later") from None
        except RuleInUse:
            raise click.ClickException("something is due under that rule already; begin with a later month") from None


@main.command()
@click.argument("office_code")
@click.argument("case_no")
@click.argument("does", metavar="SITUATION", type=click.Choice([one.value for one in Situation]))
@click.option("--name", help="of the member; else the head")
def situation(office_code: str, case_no: str, does: str, name: str | None) -> None:
    """Note what a member does from this month on; it decides what is due. The past stays as it was."""
    with _transaction() as session:
        office = _office(session, office_code)
        duties.set_situation(session, _member(session, office, case_no, name), Situation(does))


@main.command()
@click.argument("office_code")
@click.argument("case_no")
@click.option("--name", required=True, help="of the member")
@click.option("--on", "left_on", required=True, metavar="YYYY-MM-DD", help="the last day")
def left(office_code: str, case_no: str, name: str, left_on: str) -> None:
    """Note that a member has moved out or died: nothing is due from her from the next month on."""
    last = _day(left_on, "--on")
    with _transaction() as session:
        office = _office(session, office_code)
        duties.leave(session, _member(session, office, case_no, name), last)


@main.command()
@click.argument("office_code")
@click.argument("day", metavar="YYYY-MM-DD")
@click.option("--why", help="市制記念日")
@click.option("--open", "works", is_flag=True, help="take it back: the office works on that day")
def closed_day(office_code: str, day: str, why: str | None, works: bool) -> None:
    """Let the office be closed on a day, beside weekends, national holidays and 29 December to 3 January."""
    closed = _day(day, "YYYY-MM-DD")
    if works == bool(why and why.strip()):
        raise click.UsageError("say --why the office is closed, or that it is --open")
    with _transaction() as session:
        office = _office(session, office_code)
        try:
            if works:
                office_days.reopen(session, office.id, closed)
            else:
                office_days.close(session, office.id, closed, (why or "").strip()[:100])
        except RuleOfThePast:
            raise click.ClickException("that day is over") from None


@main.command()
@click.argument("office_code")
@click.option("--from", "from_month", required=True, metavar="YYYY-MM", help="the first month it holds for")
@click.option("--pay-day", type=click.IntRange(1, 28), help="支給日; on a closed day, the open day before it")
@click.option("--due", type=click.Choice(["after", "before"]), help="where a due day goes that is a closed day")
def calendar(office_code: str, from_month: str, pay_day: int | None, due: str | None) -> None:
    """Set the office's calendar from a month on. What is not said stays as it was, and so does the past."""
    begins = _first_of(from_month, "--from")
    if pay_day is None and due is None:
        raise click.UsageError("say --pay-day, --due, or both")
    with _transaction() as session:
        office = _office(session, office_code)
        before = None if due is None else due == "before"
        try:
            office_days.set_rule(session, office.id, begins, due_before=before, pay_day=pay_day)
        except RuleOfThePast:
            raise click.ClickException("that month is over; a rule begins this month or later") from None


@main.command("second-look")
@click.argument("office_code")
@click.option("--percent", type=click.IntRange(0, 100), required=True, help="of what is accepted; 0: none")
@click.option("--from", "from_day", metavar="YYYY-MM-DD", help="the first day it holds for; else today")
def look_again(office_code: str, percent: int, from_day: str | None) -> None:
    """Let a supervisor look again at a share of what caseworkers accept, drawn by lot, from a day on."""
    begins = clock.today() if from_day is None else _day(from_day, "--from")
    if begins < clock.today():
        raise click.ClickException("that day is over; a rule begins today or later")
    with _transaction() as session:
        try:
            second_look.set_rule(session, _office(session, office_code).id, percent, begins)
        except RuleStands:
            raise click.ClickException("a rule has begun on that day already; begin with a later day") from None


@main.command("receipt-rule")
@click.argument("office_code")
@click.option("--two-people/--one-person", required=True, help="whether somebody else must agree")
@click.option("--from", "from_day", metavar="YYYY-MM-DD", help="the first day it holds for; else today")
def agree_on_receipts(office_code: str, from_day: str | None, *, two_people: bool) -> None:
    """Let a second person agree before certificates are issued together or one is voided, from a day on."""
    begins = clock.today() if from_day is None else _day(from_day, "--from")
    if begins < clock.today():
        raise click.ClickException("that day is over; a rule begins today or later")
    with _transaction() as session:
        try:
            receipt_rules.set_rule(session, _office(session, office_code).id, begins, two_people=two_people)
        except RuleStands:
            raise click.ClickException("a rule has begun on that day already; begin with a later day") from None


@main.command()
@click.argument("office_code")
@click.argument("month", metavar="YYYY-MM")
@click.option("--on", "paid_on", required=True, metavar="YYYY-MM-DD", help="the day it is paid, perhaps a month before")
def payment_day(office_code: str, month: str, paid_on: str) -> None:
    """Say that one month is paid on another day than usual."""
    paid, on = _first_of(month, "YYYY-MM"), _day(paid_on, "--on")
    with _transaction() as session:
        office = _office(session, office_code)
        try:
            office_days.set_payment(session, office.id, paid, on)
        except RuleOfThePast:
            raise click.ClickException("that day is over") from None


@main.command()
@click.argument("office_code")
@click.argument("kind", type=click.Choice([kind.value for kind in FORMS]))
@click.argument("wishes", type=click.File(encoding="utf-8"))
@click.option("--from", "from_day", required=True, metavar="YYYY-MM-DD", help="the first day; tomorrow or later")
def form_setting(office_code: str, kind: str, wishes: TextIO, from_day: str) -> None:
    """Leave questions of a form out, say them in other words, add own ones: WISHES is a JSON file, - for stdin.

    Prints what will be asked. What is begun before that day keeps its questions and its words.
    """
    try:
        begins = date.fromisoformat(from_day)
    except ValueError:
        raise click.BadParameter("a day, such as 2026-12-01", param_hint="--from") from None
    try:
        given = json.load(wishes)
    except ValueError as broken:
        raise click.ClickException(f"not JSON: {broken}") from None
    with _transaction() as session:
        office = _office(session, office_code)
        try:
            form = filled.set_form(session, office.id, DutyKind(kind), begins, given)
        except RuleOfThePast:
            raise click.ClickException("from tomorrow at the earliest: what is begun keeps its words") from None
        except NotASetting as wrong:
            raise click.ClickException(str(wrong)) from None
    for screen in form.screens:
        for question in screen.questions:
            click.echo(f"{question.key}  {question.label}")
            for option in question.options:
                click.echo(f"    {option.key}{' !' if option.danger else ''}  {option.label}")


@main.command("danger-words")
@click.argument("office_code")
@click.option("--add", multiple=True, metavar="WORD", help="look for it, too; … in it stands for a few signs")
@click.option("--about", default="", help="what the added words are about: 住まい")
@click.option("--remove", multiple=True, metavar="WORD", help="no longer look for it")
def danger_words(office_code: str, add: tuple[str, ...], about: str, remove: tuple[str, ...]) -> None:
    """Set which words in what people write put it first in the queue, and print them. What was sent stays as it is."""
    with _transaction() as session:
        office = _office(session, office_code)
        try:
            words = danger.set_words(session, office.id, add=add, about=about, remove=remove)
        except NotAWord as wrong:
            raise click.ClickException(_NO_WORD[wrong.code]) from None
    for word in words:
        click.echo(f"{word.word}  {word.about}")


_NO_WORD = {
    "too_short": "a word has two signs or more",
    "too_long": f"a word has {LONGEST} signs at most",
    "my_number": "a word holds no 12-digit number",
    "unknown": "that word is not in the list; without options the command prints it",
}


@main.command()
@click.argument("office_code")
@click.argument("case_no")
@click.option("--address", required=True, help="of the portal, as it stands in the letter: https://…")
@click.option("--letter", type=click.Path(path_type=Path, dir_okay=False), required=True, help="the PDF to write")
def invite(office_code: str, case_no: str, address: str, letter: Path) -> None:
    """Write an invitation letter for the head of a household. Earlier letters end."""
    with _transaction() as session:
        office = _office(session, office_code)
        member = session.scalar(
            select(Member)
            .join(Household, (Household.office_id == Member.office_id) & (Household.id == Member.household_id))
            .where(Member.office_id == office.id, Member.is_head, Household.case_no == case_no)
        )
        if member is None:
            raise click.ClickException(f"{office_code} has no household {case_no}")
        _code, content = letters.invite(session, office, member, portal=address, by=MACHINE)
        letter.touch(mode=0o600)
        letter.write_bytes(draw_letter(content))
    click.echo(letter)


if __name__ == "__main__":
    main(prog_name="python -m staff")
