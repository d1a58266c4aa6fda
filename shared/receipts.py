"""受領証: what a certificate says, and the one command that issues it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from shared import clock, journal, series, slips, stamp
from shared.drafts import sent_version_of_each
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
from shared.outbox import promise_each
from shared.review import changed_meanwhile
from shared.rules.forms import title_of
from shared.rules.forms.form import SHOTS, name, text_of
from shared.rules.numbers import document_number, grouped, new_check_code, new_check_token
from shared.rules.wareki import fiscal_year, japanese_date, japanese_moment
from shared.session import each_by_id
from shared.sign_in import Recipient, Staff
from shared.slips import SaidRow, Slip

UNNUMBERED = "（発行のときに付きます）"


def for_clerk(session: Session, who: Staff, submission_id: UUID) -> Submission:
    """An accepted or receipted submission of the clerk's office.

    :raises NotThere: for any other.
    """
    query = select(Submission).where(
        Submission.office_id == who.office_id,
        Submission.id == submission_id,
        Submission.state.in_((State.ACCEPTED, State.RECEIPTED)),
    )
    found = session.scalar(query)
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
    said = slips.slip(session, submission)
    say = _Contents(session, who, [submission], demo=demo)
    return said, say.of(submission, said, UNNUMBERED, clock.now())


@dataclass(frozen=True)
class Wanted:
    """What shall have a certificate."""

    submission_id: UUID
    seen: int  # the revision that was shown
    attempt: UUID


def issue(session: Session, who: Staff, submission_id: UUID, *, seen: int, attempt: UUID, demo: bool) -> Receipt:
    """Issue the certificate: its number, its frozen content and the last step in one transaction.

    The PDF is drawn by the worker right after. A second tap gets the same certificate.

    :raises ChangedMeanwhile: if the submission is no longer as the screen showed it.
    :raises NotThere: if it is none that was accepted, or another office's.
    """
    issued = issue_each(session, who, [Wanted(submission_id, seen, attempt)], demo=demo)
    if submission_id not in issued:
        raise changed_meanwhile(session, for_clerk(session, who, submission_id))
    return issued[submission_id]


def issue_each(session: Session, who: Staff, wanted: Sequence[Wanted], *, demo: bool) -> dict[UUID, Receipt]:
    """``issue`` for several submissions, with numbers in their order, in as many questions as for one.

    :param wanted: each submission once.
    :returns: the certificates by their submissions. Where one cannot be issued any more as it was shown, nothing
        happens to it, and it is not among them.
    """
    there = _locked(session, who, [one.submission_id for one in wanted])
    done = _attempts_made(session, who.office_id, there, [one.attempt for one in wanted])
    issued = _newest(
        session, who.office_id, [one.submission_id for one in wanted if (one.submission_id, one.attempt) in done]
    )
    fresh = [
        one
        for one in wanted
        if one.submission_id in there
        and (one.submission_id, one.attempt) not in done
        and there[one.submission_id].state is State.ACCEPTED
        and there[one.submission_id].revision == one.seen
    ]
    if fresh:
        issued.update(_write(session, who, [(there[one.submission_id], one.attempt) for one in fresh], demo=demo))
    return issued


def _write(
    session: Session, who: Staff, ready: Sequence[tuple[Submission, UUID]], *, demo: bool
) -> dict[UUID, Receipt]:
    submissions = [submission for submission, _attempt in ready]
    office = session.get_one(WelfareOffice, who.office_id)
    versions = sent_version_of_each(session, submissions)
    all_said = slips.each(session, [(one, versions[one.id]) for one in submissions])
    say = _Contents(session, who, submissions, demo=demo)
    serial = series.take(session, who.office_id, "receipt", fiscal_year(clock.today()), count=len(ready))
    receipts, taken = [], []
    for at, ((submission, attempt), said) in enumerate(zip(ready, all_said, strict=True)):
        number, now = document_number(office.document_prefix, clock.today(), serial + at), clock.now()
        voided = say.voided.get(submission.id)
        receipt = Receipt(
            office_id=who.office_id,
            submission_id=submission.id,
            version_id=versions[submission.id].id,
            document_no=number,
            state=ReceiptState.ISSUED,
            issued_by=who.staff_id,
            issued_at=now,
            content=say.of(submission, said, number, now),
            token=new_check_token(),
            check_code=new_check_code(),
            replaces_id=voided.id if voided else None,
        )
        step = submission.move(State.RECEIPTED, Actor.staff(who.staff_id), attempt=attempt)
        facts = {
            "version": submission.version_no,
            "submission": submission.id,
            "content_sha256": content_hash(receipt.content),
        }
        receipts.append(receipt)
        taken.append((step, receipt.id, facts))
    session.flush()
    entries = journal.record_step_of_each(session, who.office_id, "receipt.issued", taken)
    for receipt, entry_id in zip(receipts, entries, strict=True):
        receipt.entry_id = entry_id
    session.add_all(receipts)
    session.flush()
    promise_each(session, who.office_id, Job.DRAW_RECEIPT, [receipt.id for receipt in receipts])
    return {receipt.submission_id: receipt for receipt in receipts}


def _locked(session: Session, who: Staff, ids: Sequence[UUID]) -> dict[UUID, Submission]:
    """Those of the clerk's office that were accepted or receipted, in one order for everybody who locks several."""
    rows = session.scalars(
        select(Submission)
        .where(
            Submission.office_id == who.office_id,
            Submission.id.in_(ids),
            Submission.state.in_((State.ACCEPTED, State.RECEIPTED)),
        )
        .order_by(Submission.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {one.id: one for one in rows}


def _attempts_made(
    session: Session, office_id: UUID, submissions: Iterable[UUID], attempts: Sequence[UUID]
) -> set[tuple[UUID, UUID]]:
    """Which of these attempts have taken their step: second taps, and runs after a kill."""
    steps = select(Step.submission_id, Step.attempt).where(
        Step.office_id == office_id, Step.submission_id.in_(submissions), Step.attempt.in_(attempts)
    )
    return {(submission_id, attempt) for submission_id, attempt in session.execute(steps) if attempt}


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


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 of ``content_json`` in UTF-8, in hexadecimal."""
    return hashlib.sha256(content_json(content).encode()).hexdigest()


def newest_of(session: Session, submission: Submission) -> Receipt | None:
    """The newest certificate of a submission, whether it stands or was voided."""
    return _newest(session, submission.office_id, [submission.id]).get(submission.id)


def _newest(
    session: Session, office_id: UUID, submissions: Sequence[UUID], *which: ColumnElement[bool]
) -> dict[UUID, Receipt]:
    """The newest certificates of submissions, by these."""
    if not submissions:
        return {}
    rows = session.scalars(
        select(Receipt)
        .where(Receipt.office_id == office_id, Receipt.submission_id.in_(submissions), *which)
        .order_by(Receipt.issued_at, Receipt.id)  # the last one stays
    )
    return {receipt.submission_id: receipt for receipt in rows}


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


class _Contents:
    """Every word of some papers. Japanese, because they are official documents; frozen, because they are a proof."""

    def __init__(self, session: Session, who: Staff, submissions: Sequence[Submission], *, demo: bool) -> None:
        ids = [one.id for one in submissions]
        self._who, self._demo = who, demo
        self._office = session.get_one(WelfareOffice, who.office_id)
        self._stamps = stamp.keys(session, who.office_id)
        self._members = each_by_id(session, Member, who.office_id, [one.member_id for one in submissions])
        self._accepted = _acceptances(session, who.office_id, ids)
        self.voided = _newest(session, who.office_id, ids, Receipt.state == ReceiptState.VOIDED)
        """The certificate of the same submission that was voided last: a new one takes its place."""

    def of(self, submission: Submission, said: Slip, document_no: str, now: datetime) -> dict[str, Any]:
        """What the paper says that is issued ``now``."""
        member = self._members[submission.member_id]
        if said.arrived_at is None or said.sent_at is None:
            raise NotThere  # accepted means sent, so this is only for the reader of types
        received = [
            ["書類", title_of(said.kind, said.month)],
            ["出した人", f"{member.name}{'（世帯主）' if member.is_head else ''}"],
            ["届いた日時", f"{japanese_moment(said.arrived_at, seconds=True)}（日本時間）"],
        ]
        if said.version_no > 1:
            received.append(["なおした版", f"第{said.version_no}版　{japanese_moment(said.sent_at, seconds=True)}"])
        accepted_at, accepted_by = self._accepted[submission.id]
        received += [
            ["受理", f"{japanese_moment(accepted_at)}　{accepted_by}"],
            ["発行", f"{japanese_moment(now)}　{self._who.name}"],
        ]
        if voided := self.voided.get(submission.id):
            received.append(["再発行", f"{voided.document_no}（取消し済み）に代わるもの"])
        return {
            **self._stamps,
            "number": said.number,
            "document_no": document_no,
            "issued_on": japanese_date(clock.today(), weekday=False),
            "addressee": member.name,
            "office_title": self._office.title,
            "office_phone": self._office.phone,
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
            "demo": self._demo,
        }


def _acceptances(session: Session, office_id: UUID, submissions: Sequence[UUID]) -> dict[UUID, tuple[datetime, str]]:
    """When each was last accepted, and by whom."""
    rows = session.execute(
        select(Step.submission_id, Step.at, StaffMember.name)
        .join(StaffMember, (StaffMember.office_id == Step.office_id) & (StaffMember.id == Step.actor_id))
        .where(
            Step.office_id == office_id,
            Step.submission_id.in_(submissions),
            Step.became == State.ACCEPTED,
            Step.was != State.RECEIPTED,  # who voids has accepted nothing
        )
        .order_by(Step.id)  # the last one stays
    )
    return {submission_id: (at, name) for submission_id, at, name in rows}


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
