"""One function a noun: makes a row, with all it needs around it, and returns it flushed."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import clock, drafts, filled, intake, log_tree, review, sign_in
from shared.model import (
    MACHINE,
    Base,
    DutyKind,
    FileState,
    Household,
    LogEntry,
    Member,
    PortalAccount,
    Reason,
    Role,
    SafeCopy,
    SealCertificate,
    StaffMember,
    State,
    StoredFile,
    Submission,
    SubmissionVersion,
    TreeHead,
    WelfareOffice,
    new_id,
)
from shared.rules.numbers import document_number, short_number
from shared.rules.tree_head import SignedHead
from shared.sign_in import Recipient, Staff

OCTOBER = date(2026, 10, 1)
WAGE: dict[str, str | int] = {  # of one job; how a report says it, says ``wages``
    "employer": "株式会社みほん清掃",
    "work_days": 18,
    "gross_yen": 85_400,
    "social_insurance_yen": 470,
    "income_tax_yen": 0,
    "commuting_yen": 2_600,
}


def _saved(session: Session, row: Any) -> Any:
    assert isinstance(row, Base)
    session.add(row)
    session.flush()
    return row


def office(session: Session, code: str = "HB", **given: Any) -> WelfareOffice:
    """The one office with this code; made if it is not there."""
    found = session.scalar(select(WelfareOffice).where(WelfareOffice.code == code))
    if found:
        return found
    made: WelfareOffice = _saved(
        session,
        WelfareOffice(
            **{
                "code": code,
                "name": "ひばり野市福祉事務所",
                "title": "架空県ひばり野市福祉事務所長",
                "city": "ひばり野市役所",
                "counter": "3番窓口",
                "phone": "00-0000-0000",
                "hours": "平日 8:30〜17:15",
                "document_prefix": "ひ福生第",
                "due_day": 28,
                **given,
            }
        ),
    )
    return made


def staff(session: Session, role: Role = Role.CASEWORKER, **given: Any) -> Staff:
    """A member of staff, as she stands at the door."""
    given.setdefault("office_id", office(session).id)
    given.setdefault("login", f"staff-{uuid4().hex[:8]}")
    given.setdefault("name", "例野 太郎")
    row = _saved(session, StaffMember(role=role, active=True, **given))
    return Staff(row.office_id, new_id(), row.id, row.name, row.role)


def household(session: Session, caseworker: Staff | None = None, **given: Any) -> Household:
    caseworker = caseworker or staff(session)
    given.setdefault("case_no", uuid4().hex[:6])
    given.setdefault("protected", False)
    row: Household = _saved(
        session, Household(office_id=caseworker.office_id, caseworker_id=caseworker.staff_id, **given)
    )
    return row


def recipient(session: Session, home: Household | None = None, **given: Any) -> Recipient:
    """A head of household with a portal account, as she stands at the door."""
    home = home or household(session)
    given.setdefault("name", "見本　花子")
    given.setdefault("kana", "みほん　はなこ")
    given.setdefault("is_head", True)
    member = _saved(session, Member(office_id=home.office_id, household_id=home.id, **given))
    account = _saved(session, PortalAccount(office_id=home.office_id, member_id=member.id))
    return Recipient(home.office_id, new_id(), account.id, member.id, home.id, member.name, False, False)


def letter(session: Session, who: Recipient) -> str:
    """The code of a new invitation letter."""
    return sign_in.invite(session, who.office_id, who.member_id, by=MACHINE)


def wages(who: Recipient, **answers: str | int) -> dict[str, Any]:
    """A whole income report: one job, and nothing else."""
    nothing = dict.fromkeys(("pension", "remittance", "other", "expected"), "no") | {"all_work": "yes"}
    return {"worked": "yes", "jobs": [{"worker": str(who.member_id), **WAGE, **answers}], **nothing}


def begun(session: Session, who: Recipient, month: date = OCTOBER) -> Submission:
    """A report with no answer yet."""
    return filled.start(session, who, DutyKind.INCOME_REPORT, month)


def write(session: Session, who: Recipient, submission_id: UUID, answers: dict[str, Any]) -> drafts.Draft:
    """Change answers about the first job of a report."""
    filled.write(session, who, submission_id, "worked", {"worked": "yes"})
    filled.write(session, who, submission_id, "jobs", answers, 0)
    return drafts.draft_of(session, who, submission_id)


def wage(session: Session, version: SubmissionVersion) -> dict[str, Any]:
    """What a version of a report says of the first job; None where nothing is written."""
    jobs = drafts.filled_of(session, version).answers.get("jobs", [{}])
    return {field: jobs[0].get(field) for field in WAGE}


def draft(session: Session, who: Recipient | None = None, month: date = OCTOBER, **answers: str | int) -> Submission:
    """A report with every answer given, not sent."""
    who = who or recipient(session)
    submission = begun(session, who, month)
    filled.write_whole(session, who, submission.id, wages(who, **answers))
    return submission


def arrived_file(**given: Any) -> drafts.Arrived:
    """Bytes that would already be in the storage."""
    key = given.pop("key", f"original/{uuid4()}")
    return drafts.Arrived(
        **{
            "key": key,
            "name": "給与明細 10月.pdf",
            "kind": "pdf",
            "size": 42_000,
            "sha256": hashlib.sha256(key.encode()).hexdigest(),
            "attempt": uuid4(),
            "part": 0,
            **given,
        }
    )


def file(session: Session, who: Recipient, submission: Submission, **given: Any) -> StoredFile:
    """A file of a draft, just received."""
    stored = drafts.attach(session, who, submission.id, arrived_file(**given), limit=20)
    session.flush()
    return stored


def make_safe(session: Session, stored: StoredFile, pages: int = 1) -> None:
    """What the worker does, without the bytes."""
    stored.move(FileState.CHECKED)
    stored.pages = pages
    stored.move(FileState.SAFE)
    for page in range(1, pages + 1):
        session.add(
            SafeCopy(
                office_id=stored.office_id,
                file_id=stored.id,
                page=page,
                key=f"safe/{uuid4()}",
                thumb_key=f"thumb/{uuid4()}",
                width=1200,
                height=1600,
                size=90_000,
                sha256="a" * 64,
            )
        )
    session.flush()


def submission(session: Session, state: State = State.WAITING, who: Recipient | None = None) -> Submission:
    """A wage report that stands at ``state``, brought there by the steps people would take."""
    who = who or recipient(session)
    row = draft(session, who)
    if state is State.DRAFT:
        return row
    held = file(session, who, row) if state is State.ARRIVED else None
    intake.send(session, who, row.id, attempt=uuid4())
    if held or state is State.WAITING:
        return row
    if state in (State.WITHDRAWN, State.VOIDED):
        row.move(state, MACHINE)
        session.flush()
        return row
    worker = caseworker_of(session, row)
    review.claim(session, worker, row.id)
    if state is State.ON_HOLD:
        until, attempt = clock.today() + timedelta(days=7), uuid4()
        review.hold(session, worker, row.id, until=until, reason="電話を待つ", seen=row.revision, attempt=attempt)
    elif state is State.RETURNED:
        asked = review.AskAgain(
            seen=row.revision, attempt=uuid4(), values={"jobs-0-gross_yen": (Reason.DIFFERS, "85,400円")}
        )
        review.send_back(session, worker, row.id, asked)
    elif state in (State.ACCEPTED, State.RECEIPTED):
        review.accept(session, worker, row.id, seen=row.revision, attempt=uuid4())
        if state is State.RECEIPTED:
            row.move(state, MACHINE)
    session.flush()
    return row


def caseworker_of(session: Session, row: Submission) -> Staff:
    """The caseworker of the household a submission belongs to."""
    home = session.get_one(Household, (row.office_id, row.household_id))
    member = session.get_one(StaffMember, (row.office_id, home.caseworker_id))
    return Staff(member.office_id, new_id(), member.id, member.name, member.role)


def recipient_of(session: Session, row: Submission) -> Recipient:
    """The person whose submission it is."""
    return _behind(session, session.get_one(Member, (row.office_id, row.member_id)))


def recipient_named(session: Session, name: str) -> Recipient:
    """The person of this name."""
    return _behind(session, session.scalars(select(Member).where(Member.name == name)).one())


def _behind(session: Session, member: Member) -> Recipient:
    home, one = member.office_id, PortalAccount.member_id == member.id
    account = session.scalars(select(PortalAccount).where(PortalAccount.office_id == home, one)).one()
    return Recipient(home, new_id(), account.id, member.id, member.household_id, member.name, False, False)


def signed_in_token(session: Session, who: Recipient | Staff) -> str:
    """A session token for a person, as the cookie would carry it."""
    if isinstance(who, Staff):
        return sign_in._begin(
            session, who.office_id, staff_id=who.staff_id, life=sign_in.STAFF_DAY, shared_device=False
        )
    return sign_in._begin(
        session, who.office_id, account_id=who.account_id, life=sign_in.OWN_PHONE, shared_device=False
    )


def unknown_id() -> UUID:
    """An id nobody has."""
    return new_id()


def now() -> Any:
    return clock.now()


def document_no(serial: int) -> str:
    """A 文書番号 of the fiscal year it is now, without its letters: 令8-00001."""
    return short_number(document_number("", clock.today(), serial))


def facts(entry: LogEntry) -> dict[str, Any]:
    """What an entry says beside the step it speaks of."""
    return {name: fact for name, fact in entry.facts.items() if name not in ("step", "was", "became", "at")}


def seal_certificate(session: Session) -> SealCertificate:
    """The public half of a seal, as far as its row goes."""
    now = clock.now()
    made: SealCertificate = _saved(
        session,
        SealCertificate(
            office_id=office(session).id,
            fingerprint=uuid4().hex * 2,
            chain="-----BEGIN CERTIFICATE-----",
            not_before=now,
            not_after=now + timedelta(days=3650),
            revoked=False,
        ),
    )
    return made


def tree_head(session: Session, day: date = OCTOBER, **given: Any) -> TreeHead:
    """A head of the journal as it is now. The signature is no real one."""
    house = office(session)
    now = log_tree.head(session, house.id)
    said = SignedHead(house.code, day, now.size, now.root, clock.now())
    given = {"size": now.size, "root": now.root, "at": said.at, "said": said.text(), "key_id": "none", **given}
    row: TreeHead = _saved(session, TreeHead(office_id=house.id, day=day, signature=b"none", **given))
    return row
