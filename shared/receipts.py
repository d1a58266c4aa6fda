"""受領証: what a certificate says, and the one command that issues it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import clock, journal, series, stamp
from shared.drafts import sent_version
from shared.errors import NotThere
from shared.model import (
    Actor,
    DutyKind,
    Job,
    Member,
    Receipt,
    ReceiptState,
    StaffMember,
    State,
    Step,
    Submission,
    WelfareOffice,
    WhyAbsent,
)
from shared.outbox import promise
from shared.review import changed_meanwhile, done_by
from shared.rules.forms import title_of
from shared.rules.forms.form import SHOTS, name, text_of
from shared.rules.numbers import document_number, grouped, new_check_code, new_check_token
from shared.rules.wareki import fiscal_year, japanese_date, japanese_moment
from shared.sign_in import Recipient, Staff
from shared.slips import SaidRow, Slip, slip

UNNUMBERED = "（発行のときに付きます）"


def for_clerk(session: Session, who: Staff, submission_id: UUID, *, lock: bool = False) -> Submission:
    """An accepted or receipted submission of the clerk's office.

    :raises NotThere: for any other.
    """
    query = select(Submission).where(
        Submission.office_id == who.office_id,
        Submission.id == submission_id,
        Submission.state.in_((State.ACCEPTED, State.RECEIPTED)),
    )
    found = session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NotThere
    return found


def preview(session: Session, who: Staff, submission_id: UUID, *, demo: bool) -> tuple[Slip, dict[str, Any]]:
    """The certificate as it would be issued now, without a number.

    :raises ChangedMeanwhile: if it has been issued already.
    """
    submission = for_clerk(session, who, submission_id)
    if submission.state is not State.ACCEPTED:
        raise changed_meanwhile(session, submission)
    return slip(session, submission), _content(
        session, who, submission, UNNUMBERED, _voided(session, submission), demo=demo
    )


def issue(session: Session, who: Staff, submission_id: UUID, *, seen: int, attempt: UUID, demo: bool) -> Receipt:
    """Issue the certificate: its number, its frozen content and the last step in one transaction.

    The PDF is drawn by the worker right after. A second tap gets the same certificate.

    :raises ChangedMeanwhile: if the submission is no longer as the screen showed it.
    """
    submission = for_clerk(session, who, submission_id, lock=True)
    if done_by(session, submission, attempt) and (issued := newest_of(session, submission)):
        return issued
    if submission.state is not State.ACCEPTED or submission.revision != seen:
        raise changed_meanwhile(session, submission)
    office = session.get_one(WelfareOffice, who.office_id)
    serial = series.take(session, who.office_id, "receipt", fiscal_year(clock.today()))
    number = document_number(office.document_prefix, clock.today(), serial)
    voided = _voided(session, submission)
    content = _content(session, who, submission, number, voided, demo=demo)
    receipt = Receipt(
        office_id=who.office_id,
        submission_id=submission.id,
        version_id=sent_version(session, submission).id,
        document_no=number,
        state=ReceiptState.ISSUED,
        issued_by=who.staff_id,
        issued_at=clock.now(),
        content=content,
        token=new_check_token(),
        check_code=new_check_code(),
        replaces_id=voided.id if voided else None,
    )
    session.add(receipt)
    session.flush()
    step = submission.move(State.RECEIPTED, Actor.staff(who.staff_id), attempt=attempt)
    session.flush()
    promise(session, who.office_id, Job.DRAW_RECEIPT, receipt.id)
    receipt.entry_id = journal.record_step(
        session,
        step,
        "receipt.issued",
        receipt.id,
        version=submission.version_no,
        submission=submission.id,
        content_sha256=content_hash(content),
    ).id
    return receipt


def content_json(content: Mapping[str, Any]) -> str:
    """What a certificate says, as it is hashed: JSON with sorted names, no spaces."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def void(session: Session, who: Staff, receipt_id: UUID, reason: str) -> Receipt:
    """取消し: the certificate counts no more. Its row and its number stay, and its submission can be issued anew.

    Twice is once. Whether a second person must agree is asked before: see ``shared.voids``.

    :raises NotThere: for an unknown one, or another office's.
    :raises ValueError: without a reason.
    """
    if not reason.strip():
        raise ValueError("nothing is voided without a reason")
    submission_id = office_receipt(session, who, receipt_id).submission_id
    submission = session.get_one(
        Submission, (who.office_id, submission_id), with_for_update=True, populate_existing=True
    )
    receipt = session.get_one(Receipt, (who.office_id, receipt_id), with_for_update=True, populate_existing=True)
    if receipt.state is ReceiptState.VOIDED:
        return receipt
    receipt.move(ReceiptState.VOIDED)
    receipt.voided_at, receipt.voided_by, receipt.void_reason = clock.now(), who.staff_id, reason.strip()
    step = submission.move(State.ACCEPTED, Actor.staff(who.staff_id), note=reason.strip())
    session.flush()
    journal.record_step(
        session,
        step,
        "receipt.voided",
        receipt.id,
        version=submission.version_no,
        submission=submission.id,
        issued=receipt.entry_id,
    )
    return receipt


def _voided(session: Session, submission: Submission) -> Receipt | None:
    """The certificate of the same submission that was voided last: a new one takes its place."""
    return session.scalar(
        select(Receipt)
        .where(
            Receipt.office_id == submission.office_id,
            Receipt.submission_id == submission.id,
            Receipt.state == ReceiptState.VOIDED,
        )
        .order_by(Receipt.issued_at.desc(), Receipt.id.desc())
        .limit(1)
    )


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 of ``content_json`` in UTF-8, in hexadecimal."""
    return hashlib.sha256(content_json(content).encode()).hexdigest()


def newest_of(session: Session, submission: Submission) -> Receipt | None:
    """The newest certificate of a submission, whether it stands or was voided."""
    return session.scalar(
        select(Receipt)
        .where(Receipt.office_id == submission.office_id, Receipt.submission_id == submission.id)
        .order_by(Receipt.issued_at.desc(), Receipt.id.desc())
        .limit(1)
    )


@dataclass(frozen=True)
class OwnReceipt:
    """One certificate as the person's own list shows it."""

    id: UUID
    submission_id: UUID
    kind: DutyKind
    month: date
    number: str
    arrived_at: datetime
    issued_at: datetime
    ready: bool  # the PDF is drawn
    document_no: str
    token: str  # what its check page is found by
    check_code: str  # and what is typed, as the paper has it
    voided_at: datetime | None
    replaced: bool  # voided, and another one stands in its place
    replaces: bool  # stands in the place of one that was voided


def own_receipts(session: Session, who: Recipient) -> list[OwnReceipt]:
    """The person's certificates, newest first; those that were voided, too: she may hold one in her hand."""
    found = session.execute(
        select(Receipt, Submission)
        .join(Submission, (Submission.office_id == Receipt.office_id) & (Submission.id == Receipt.submission_id))
        .where(
            Receipt.office_id == who.office_id,
            Submission.member_id == who.member_id,
        )
        .order_by(Receipt.issued_at.desc(), Receipt.id.desc())
    ).all()
    replaced = {receipt.replaces_id for receipt, _submission in found}
    return [
        OwnReceipt(
            id=receipt.id,
            submission_id=submission.id,
            kind=submission.kind,
            month=submission.month,
            number=submission.number or "",
            arrived_at=submission.arrived_at or receipt.issued_at,  # what is certified has arrived
            issued_at=receipt.issued_at,
            ready=receipt.pdf_key is not None,
            document_no=receipt.document_no,
            token=receipt.token,
            check_code=grouped(receipt.check_code),
            voided_at=receipt.voided_at,
            replaced=receipt.id in replaced,
            replaces=receipt.replaces_id is not None,
        )
        for receipt, submission in found
    ]


def own_receipt(session: Session, who: Recipient, receipt_id: UUID) -> Receipt:
    """A certificate of the person's own submission, drawn and ready.

    :raises NotThere: for any other, and while it is still being drawn.
    """
    found = session.scalar(
        select(Receipt)
        .join(Submission, (Submission.office_id == Receipt.office_id) & (Submission.id == Receipt.submission_id))
        .where(
            Receipt.office_id == who.office_id,
            Receipt.id == receipt_id,
            Receipt.pdf_key.is_not(None),
            Submission.member_id == who.member_id,
        )
    )
    if found is None:
        raise NotThere
    return found


def office_receipt(session: Session, who: Staff, receipt_id: UUID) -> Receipt:
    """A certificate of the clerk's office.

    :raises NotThere: for an unknown one, or another office's.
    """
    found = session.get(Receipt, (who.office_id, receipt_id))
    if found is None:
        raise NotThere
    return found


def _content(
    session: Session, who: Staff, submission: Submission, document_no: str, voided: Receipt | None, *, demo: bool
) -> dict[str, Any]:
    """Every word of the paper. Japanese, because it is an official document; frozen, because it is a proof."""
    office = session.get_one(WelfareOffice, submission.office_id)
    said = slip(session, submission)
    member = session.get_one(Member, (submission.office_id, submission.member_id))
    accepted = session.execute(
        select(Step.at, StaffMember.name)
        .join(StaffMember, (StaffMember.office_id == Step.office_id) & (StaffMember.id == Step.actor_id))
        .where(
            Step.office_id == submission.office_id,
            Step.submission_id == submission.id,
            Step.became == State.ACCEPTED,
            Step.was != State.RECEIPTED,  # who voids has accepted nothing
        )
        .order_by(Step.id.desc())
        .limit(1)
    ).one()
    now = clock.now()
    if said.arrived_at is None or said.sent_at is None:
        raise NotThere  # accepted means sent, so this is only for the reader of types
    received = [
        ["書類", title_of(said.kind, said.month)],
        ["出した人", f"{member.name}{'（世帯主）' if member.is_head else ''}"],
        ["届いた日時", f"{japanese_moment(said.arrived_at, seconds=True)}（日本時間）"],
    ]
    if said.version_no > 1:
        received.append(["なおした版", f"第{said.version_no}版　{japanese_moment(said.sent_at, seconds=True)}"])
    received += [
        ["受理", f"{japanese_moment(accepted.at)}　{accepted.name}"],
        ["発行", f"{japanese_moment(now)}　{who.name}"],
    ]
    if voided:
        received.append(["再発行", f"{voided.document_no}（取消し済み）に代わるもの"])
    return {
        **stamp.keys(session, submission.office_id),
        "number": said.number,
        "document_no": document_no,
        "issued_on": japanese_date(clock.today(), weekday=False),
        "addressee": member.name,
        "office_title": office.title,
        "office_phone": office.phone,
        "received": received,
        "declared": declared(said),
        "files": [
            {
                "name": f"{SHOTS[file.shot].short}　{file.name}" if file.shot in SHOTS else file.name,
                "pages": "—" if file.pages is None else str(file.pages),
                "size": readable_size(file.size),
                "sha256": file.sha256,
            }
            for file in said.files
        ],
        "next_text": (
            "内容を確かめて、必要なときに連絡します。この受領証は、書類を受け取ったことの証明です。"
            "支給額などの決定の通知ではありません。大切に保管してください。"
        ),
        "demo": demo,
    }


def declared(said: Slip) -> list[list[str]]:
    """What was declared, label and value, as the certificate prints it."""
    absent = [["ない書類", ABSENT[said.absent]]] if said.absent else []
    rows = [row for row in said.said if row.is_said]
    return [[label_of(row), text_of(row.question, row.answer, row.member)] for row in rows] + absent


ABSENT: Final = {
    WhyAbsent.LATER: "あとで送る",
    WhyAbsent.LOST: "見つからない",
    WhyAbsent.NEVER: "会社や銀行からもらえない",
    WhyAbsent.NOT_MINE: "本人にはない",
}


def label_of(row: SaidRow) -> str:
    """What an answer is called on paper; with its number where there are several: 会社名（2つめ）."""
    short = name(row.question, row.month)
    return short if row.row is None or row.of == 1 else f"{short}（{row.row + 1}つめ）"


def readable_size(size: int) -> str:
    """Bytes as people read them: 412 KB, 1.2 MB."""
    if size < 1000:
        return f"{size} B"
    return f"{size / 1000:.0f} KB" if size < 999_500 else f"{size / 1_000_000:.1f} MB".replace(".0 ", " ")
