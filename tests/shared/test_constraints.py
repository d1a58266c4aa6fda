"""What the database itself refuses, whichever program writes into it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlalchemy.orm import Session

from shared import clock, drafts, duties, intake, journal, outbox, series
from shared.model import (
    MACHINE,
    Claim,
    Correction,
    CorrectionItem,
    Credential,
    Disposal,
    DisposalItem,
    DisposalState,
    Duty,
    Household,
    HouseholdLook,
    Invitation,
    Kept,
    LegalHold,
    LogEntry,
    Member,
    NumberSeries,
    OriginalFetch,
    PortalAccount,
    Reason,
    Receipt,
    ReceiptState,
    RetentionRule,
    SafeCopy,
    SignIn,
    StaffMember,
    State,
    Step,
    StoredFile,
    Submission,
    SubmissionVersion,
    Task,
    Tries,
    VersionFile,
    WelfareOffice,
    new_id,
)
from tests import factories


@contextmanager
def refused(session: Session, match: str | None = None) -> Iterator[None]:
    with pytest.raises(IntegrityError, match=match), session.begin_nested():
        yield


def with_another(session: Session, model: type[Any], **values: Any) -> Any:
    """Write values into every row of ``model`` past all our code."""
    return session.execute(update(model).values(**values).execution_options(synchronize_session=False))


@pytest.mark.parametrize(
    ("state", "change"),
    [
        (State.WAITING, {"number": None}),
        (State.WAITING, {"arrived_at": None}),
        (State.WAITING, {"number": None, "arrived_at": None, "version_no": 0}),
        (State.WAITING, {"state": State.DRAFT}),
        (State.WAITING, {"version_no": 0}),
        (State.WAITING, {"answer_by": date(2026, 11, 30)}),
        (State.RETURNED, {"answer_by": None}),
        (State.DRAFT, {"number": "HB8-00001-1"}),
        (State.DRAFT, {"arrived_at": clock.now()}),
        (State.DRAFT, {"version_no": 1}),
        (State.DRAFT, {"state": State.ARRIVED}),
    ],
)
def test_a_submission_whose_state_number_and_arrival_do_not_fit(
    session: Session, state: State, change: dict[str, Any]
) -> None:
    factories.submission(session, state)
    with refused(session):
        with_another(session, Submission, **change)


@pytest.mark.parametrize("column", ["state", "kind"])
def test_a_word_that_is_not_in_the_list(session: Session, column: str) -> None:
    factories.draft(session)
    with refused(session, column):
        session.execute(text(f"UPDATE submission SET {column} = 'rejected'"))  # noqa: S608 our own words


def test_one_number_for_two_submissions_of_an_office(session: Session) -> None:
    factories.submission(session)
    factories.submission(session)
    with refused(session):
        with_another(session, Submission, number="HB8-00001-1")


def test_one_number_in_two_offices_is_no_clash(session: Session) -> None:
    rows = []
    for code in ("HB", "HX"):
        office = factories.office(session, code)
        worker = factories.staff(session, office_id=office.id)
        who = factories.recipient(session, factories.household(session, worker))
        rows.append(factories.submission(session, who=who))
    with_another(session, Submission, number="HB8-00001-1")
    assert rows[0].office_id != rows[1].office_id


def test_two_drafts_of_one_month(session: Session) -> None:
    who = factories.recipient(session)
    first = factories.draft(session, who)
    second = factories.draft(session, who, date(2026, 9, 1))
    with refused(session), session.no_autoflush:
        second.month = first.month
    intake.send(session, who, first.id, attempt=uuid4())
    second.month = first.month  # what is sent is no draft any more
    session.flush()


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("household", "caseworker_id"),
        ("member", "household_id"),
        ("portal_account", "member_id"),
        ("invitation", "account_id"),
        ("duty", "member_id"),
        ("duty", "household_id"),
        ("submission", "member_id"),
        ("submission", "household_id"),
        ("step", "submission_id"),
        ("submission_version", "submission_id"),
        ("claim", "staff_id"),
        ("stored_file", "submission_id"),
        ("version_file", "file_id"),
        ("version_file", "version_id"),
        ("safe_copy", "file_id"),
        ("receipt", "submission_id"),
        ("receipt", "issued_by"),
    ],
)
def test_a_row_that_points_into_another_office(session: Session, table: str, column: str) -> None:
    """Every table has one row of our office; none of the other offices has a row of that id."""
    whole_office(session)
    other = factories.office(session, "HX")
    with refused(session):
        session.execute(
            text(f"UPDATE {table} SET office_id = :office"),  # noqa: S608 our own words
            {"office": other.id.hex if session.get_bind().dialect.name == "sqlite" else other.id},
        )
    with refused(session):
        nobody = new_id()
        session.execute(
            text(f"UPDATE {table} SET {column} = :nobody"),  # noqa: S608 our own words
            {"nobody": nobody.hex if session.get_bind().dialect.name == "sqlite" else nobody},
        )


def whole_office(session: Session) -> Submission:
    """A row in every table that belongs to an office."""
    worker = factories.staff(session)
    home = factories.household(session, worker)
    who = factories.recipient(session, home)
    factories.letter(session, who)
    duties.open_duty(session, factories.office(session), home.id, who.member_id, factories.OCTOBER)
    row = factories.draft(session, who)
    factories.make_safe(session, factories.file(session, who, row))
    intake.send(session, who, row.id, attempt=uuid4())
    session.add(receipt_for(session, row))
    session.add(
        Claim(
            office_id=row.office_id,
            submission_id=row.id,
            staff_id=worker.staff_id,
            taken_at=clock.now(),
            until=clock.now(),
        )
    )
    session.flush()
    return row


def receipt_for(session: Session, row: Submission, **given: Any) -> Receipt:
    return Receipt(
        **{
            "office_id": row.office_id,
            "submission_id": row.id,
            "version_id": drafts.sent_version(session, row).id,
            "document_no": uuid4().hex,
            "state": ReceiptState.ISSUED,
            "issued_by": factories.caseworker_of(session, row).staff_id,
            "issued_at": clock.now(),
            "content": {},
            "token": uuid4().hex,
            "check_code": "23456789",
            **given,
        }
    )


def test_two_heads_of_one_household(session: Session) -> None:
    home = factories.household(session)
    factories.recipient(session, home)
    factories.recipient(session, home, is_head=False, name="見本　次郎")
    with refused(session):
        factories.recipient(session, home, name="見本　三郎")


def test_two_issued_receipts_of_one_submission(session: Session) -> None:
    row = factories.submission(session, State.ACCEPTED)
    clerk = factories.caseworker_of(session, row).staff_id
    why = {"voided_at": clock.now(), "voided_by": clerk, "void_reason": "誤記"}
    session.add(receipt_for(session, row, state=ReceiptState.VOIDED, **why))
    session.add(receipt_for(session, row))
    session.flush()
    with refused(session):
        session.add(receipt_for(session, row))


def test_one_document_number_on_two_receipts(session: Session) -> None:
    for number in ("令8-1", "令8-2"):
        session.add(receipt_for(session, factories.submission(session, State.ACCEPTED), document_no=number))
    session.flush()
    with refused(session):
        with_another(session, Receipt, document_no="令8-1")


def test_a_receipt_with_a_pdf_but_no_hash_of_it(session: Session) -> None:
    session.add(receipt_for(session, factories.submission(session, State.ACCEPTED)))
    session.flush()
    with refused(session, "pdf_with_hash"):
        with_another(session, Receipt, pdf_key="receipt/1")


@pytest.mark.parametrize(
    "change",
    [
        {"size": 0},
        {"size": -1},
        {"sha256": "abc"},
        {"state": "refused"},
        {"refused_because": "locked"},
        {"state": "safe"},
        {"state": "safe", "pages": 0},
        {"state": "lost"},
    ],
)
def test_a_file_that_is_empty_or_says_two_things(session: Session, change: dict[str, Any]) -> None:
    who = factories.recipient(session)
    factories.file(session, who, factories.draft(session, who))
    with refused(session):
        columns = ", ".join(f"{name} = :{name}" for name in change)
        session.execute(text(f"UPDATE stored_file SET {columns}"), change)  # noqa: S608 our own words


def test_one_part_of_one_form_as_two_files_or_one_key_for_two(session: Session) -> None:
    who = factories.recipient(session)
    row = factories.draft(session, who)
    factories.file(session, who, row)
    factories.file(session, who, row)
    with refused(session):
        with_another(session, StoredFile, attempt=uuid4(), part=0)
    with refused(session):
        with_another(session, StoredFile, key="original/1")


def test_one_page_twice_or_a_page_before_the_first(session: Session) -> None:
    who = factories.recipient(session)
    factories.make_safe(session, factories.file(session, who, factories.draft(session, who)), pages=2)
    with refused(session):
        with_another(session, SafeCopy, page=1)
    with refused(session, "page"):
        session.execute(update(SafeCopy).where(SafeCopy.page == 1).values(page=0))


def test_two_versions_of_one_number_or_a_sent_one_without_its_attempt(session: Session) -> None:
    row = factories.submission(session)
    with refused(session):
        session.add(SubmissionVersion(office_id=row.office_id, submission_id=row.id, no=1))
    with refused(session, "ck_submission_version_no"):
        session.add(SubmissionVersion(office_id=row.office_id, submission_id=row.id, no=0))
    with refused(session, "sent_with_attempt"):
        with_another(session, SubmissionVersion, attempt=None)


def test_one_attempt_for_two_steps_or_two_versions_of_a_submission(session: Session) -> None:
    row = factories.submission(session, State.RETURNED)
    intake.send(session, factories.recipient_of(session, row), row.id, attempt=uuid4())
    attempt = drafts.sent_version(session, row).attempt
    with refused(session):
        with_another(session, SubmissionVersion, attempt=attempt)
    with refused(session):
        with_another(session, Step, attempt=attempt)


def test_one_attempt_in_two_submissions_is_no_clash(session: Session) -> None:
    attempt = uuid4()
    for _ in range(2):
        who = factories.recipient(session, factories.household(session))
        intake.send(session, who, factories.draft(session, who).id, attempt=attempt)
    assert len(session.scalars(select(Step).where(Step.attempt == attempt)).all()) == 2


def test_two_corrections_of_one_version_or_an_item_that_names_nothing_or_both(session: Session) -> None:
    row = factories.submission(session, State.RETURNED)
    correction = session.scalars(select(Correction).where(Correction.submission_id == row.id)).one()
    with refused(session):
        session.add(
            Correction(
                office_id=row.office_id,
                submission_id=row.id,
                version_id=correction.version_id,
                asked_at=clock.now(),
                memo="",
            )
        )
    with refused(session, "file_or_value"):
        session.add(
            CorrectionItem(
                office_id=row.office_id,
                correction_id=correction.id,
                reason=Reason.DARK,
                said="暗い",
                said_in={},
                detail="",
            )
        )
    with refused(session):
        session.execute(update(CorrectionItem).values(reason=Reason.DARK, file_id=new_id()))


def test_two_duties_of_one_month_or_one_due_before_its_month(session: Session) -> None:
    who = factories.recipient(session)
    office = factories.office(session)
    for month in (factories.OCTOBER, date(2026, 9, 1)):
        duties.open_duty(session, office, who.household_id, who.member_id, month)
    with refused(session):
        with_another(session, Duty, month=factories.OCTOBER)
    with refused(session, "due_after_month"):
        with_another(session, Duty, due_on=date(2026, 9, 1))


def test_a_secret_or_a_session_of_nobody_or_of_two(session: Session) -> None:
    who, worker = factories.recipient(session), factories.staff(session)
    owners: list[dict[str, Any]] = [{}, {"account_id": who.account_id, "staff_id": worker.staff_id}]
    for owner in owners:
        with refused(session, "one_owner"):
            session.add(Credential(office_id=who.office_id, secret_hash="", **owner))
        with refused(session, "one_owner"):
            session.add(
                SignIn(
                    office_id=who.office_id,
                    token_hash=uuid4().hex,
                    shared_device=False,
                    seen_at=clock.now(),
                    expires_at=clock.now(),
                    **owner,
                )
            )


def test_two_secrets_of_one_person_or_fewer_than_no_tries(session: Session) -> None:
    who = factories.recipient(session)
    session.add(Credential(office_id=who.office_id, account_id=who.account_id, secret_hash=""))
    session.flush()
    with refused(session):
        session.add(Credential(office_id=who.office_id, account_id=who.account_id, secret_hash=""))
    with refused(session, "failures"):
        session.add(Tries(name_hash="x", failures=-1, last_at=clock.now()))


def test_one_code_on_two_letters_or_an_open_letter_that_was_used(session: Session) -> None:
    who = factories.recipient(session)
    for _ in range(2):
        factories.letter(session, who)
    with refused(session):
        with_another(session, Invitation, code_hash="a" * 64)
    with refused(session, "used_at"):
        session.execute(update(Invitation).where(Invitation.state == "open").values(used_at=clock.now()))


def test_two_accounts_of_one_member_and_two_households_of_one_case(session: Session) -> None:
    home = factories.household(session)
    who = factories.recipient(session, home)
    with refused(session):
        session.add(PortalAccount(office_id=who.office_id, member_id=who.member_id))
    with refused(session):
        factories.household(session, case_no=home.case_no)


def test_one_login_for_two_people_even_of_two_offices(session: Session) -> None:
    worker = factories.staff(session, login="reino")
    assert session.get_one(StaffMember, (worker.office_id, worker.staff_id)).login == "reino"
    with refused(session):
        factories.staff(session, login="reino", office_id=factories.office(session, "HX").id)


@pytest.mark.parametrize("given", [{"due_day": 0}, {"due_day": 29}])
def test_an_office_whose_reports_are_due_on_no_day(session: Session, given: dict[str, Any]) -> None:
    with refused(session, "due_day"):
        factories.office(session, **given)


@pytest.mark.parametrize("code", ["H", "HIBAR"])
def test_an_office_code_too_short_or_too_long_to_read_out(session: Session, code: str) -> None:
    with refused(session, "code_length"):
        factories.office(session, code)


def test_a_task_promised_twice_or_ended_in_two_ways(session: Session) -> None:
    who = factories.recipient(session)
    row = factories.draft(session, who)
    file = factories.file(session, who, row)
    with refused(session):
        task = session.scalars(select(Task).where(Task.subject_id == file.id)).one()
        outbox.promise(session, task.office_id, task.job, task.subject_id)
    with refused(session, "one_end"):
        with_another(session, Task, done_at=clock.now(), gave_up_at=clock.now())
    with refused(session, "tries"):
        with_another(session, Task, tries=-1)


def test_a_serial_number_before_the_first(session: Session) -> None:
    series.take(session, factories.office(session).id, "submission", 2026)
    with refused(session, "next_serial"):
        with_another(session, NumberSeries, next_serial=0)


@pytest.mark.parametrize("statement", [update(LogEntry).values(event="x.changed"), delete(LogEntry)])
def test_a_change_of_the_journal_by_anybody(session: Session, statement: Any) -> None:
    office = factories.office(session)
    journal.record(session, office.id, MACHINE, "letter.sent")
    with pytest.raises(DatabaseError, match="append-only"), session.begin_nested():
        session.execute(statement)
    assert session.scalars(
        select(LogEntry.event).where(LogEntry.office_id == office.id).order_by(LogEntry.seq)
    ).all() == ["letter.sent"]


def test_a_journal_emptied_at_a_stroke(session: Session) -> None:
    journal.record(session, factories.office(session).id, MACHINE, "letter.sent")
    knows_truncate = session.get_bind().dialect.name == "postgresql"
    with pytest.raises(DatabaseError, match="append-only"), session.begin_nested():
        session.execute(text("TRUNCATE log_entry CASCADE" if knows_truncate else "DELETE FROM log_entry"))


def test_one_place_in_the_journal_for_two_entries(session: Session) -> None:
    office = factories.office(session)
    entry = session.get_one(LogEntry, (office.id, journal.record(session, office.id, MACHINE, "letter.sent")))
    with refused(session):
        session.add(
            LogEntry(
                office_id=office.id,
                seq=entry.seq,
                at=clock.now(),
                actor_kind=entry.actor_kind,
                event="letter.sent",
                facts={},
                before=entry.before,
                hash=entry.hash,
            )
        )


def test_a_household_whose_members_are_still_there_cannot_be_deleted(session: Session) -> None:
    who = factories.recipient(session)
    with refused(session):
        session.execute(delete(Household).where(Household.id == who.household_id))
    with refused(session):
        session.execute(delete(Member).where(Member.id == who.member_id))
    with refused(session):
        session.execute(delete(WelfareOffice))


def test_a_file_that_stands_in_a_sent_version_cannot_be_deleted(session: Session) -> None:
    row = factories.submission(session, State.ARRIVED)
    (file,) = drafts.files_of(session, drafts.sent_version(session, row))
    with refused(session):
        session.execute(delete(StoredFile).where(StoredFile.id == file.id))
    assert session.scalar(select(VersionFile.position).where(VersionFile.file_id == file.id)) == 1


def test_a_list_that_the_same_person_proposed_and_approved(session: Session) -> None:
    one, other = factories.staff(session), factories.staff(session)
    disposal = Disposal(office_id=one.office_id, state=DisposalState.PROPOSED, proposed_by=one.staff_id)
    session.add(disposal)
    session.flush()
    decided = {"state": DisposalState.APPROVED, "decided_at": clock.now()}
    with refused(session, "two_people"):
        with_another(session, Disposal, **decided, decided_by=one.staff_id)
    with refused(session, "decided"):
        with_another(session, Disposal, decided_at=clock.now(), decided_by=other.staff_id)
    with refused(session, "decided"):
        with_another(session, Disposal, **decided)
    with_another(session, Disposal, **decided, decided_by=other.staff_id)


def test_a_thing_that_was_destroyed_and_spared(session: Session) -> None:
    who = factories.recipient(session)
    file = factories.file(session, who, factories.draft(session, who))
    keeper = factories.staff(session)
    disposal = Disposal(office_id=keeper.office_id, state=DisposalState.PROPOSED, proposed_by=keeper.staff_id)
    session.add(disposal)
    session.flush()
    facts = {"what": Kept.ORIGINAL, "since": date(2020, 1, 1), "due_on": date(2026, 1, 1), "sha256": "a" * 64}
    things = [
        DisposalItem(office_id=keeper.office_id, disposal_id=disposal.id, file_id=file.id, **facts)
        for _twice in range(2)
    ]
    session.add(things[0])
    session.flush()
    with refused(session):
        session.add(things[1])
        session.flush()
    with refused(session, "one_end"):
        with_another(session, DisposalItem, destroyed_at=clock.now(), spared_because="hold")


@pytest.mark.parametrize("days", [0, -1])
def test_a_rule_that_keeps_nothing(session: Session, days: int) -> None:
    office = factories.office(session)
    with refused(session, "days"):
        session.add(
            RetentionRule(office_id=office.id, what=Kept.ORIGINAL, days=days, from_day=date(2026, 1, 1), source="x")
        )
        session.flush()


def test_a_hold_or_a_fetch_without_a_reason_and_a_hold_nobody_lifted(session: Session) -> None:
    who = factories.recipient(session)
    keeper = factories.staff(session)
    file = factories.file(session, who, factories.draft(session, who))
    with refused(session, "reason"):
        session.add(OriginalFetch(office_id=who.office_id, file_id=file.id, staff_id=keeper.staff_id, reason=""))
        session.flush()
    look = {"office_id": who.office_id, "household_id": who.household_id, "staff_id": keeper.staff_id}
    with refused(session, "reason"):
        session.add(HouseholdLook(**look, reason=""))
        session.flush()
    hold = {"office_id": who.office_id, "household_id": who.household_id, "placed_by": keeper.staff_id}
    with refused(session, "reason"):
        session.add(LegalHold(**hold, reason=""))
        session.flush()
    session.add(LegalHold(**hold, reason="審査請求"))
    session.flush()
    with refused(session, "lifted_by_somebody"):
        with_another(session, LegalHold, lifted_at=clock.now())
