"""なおしてください: what is asked for, why, and that the first arrival stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, drafts, intake, review
from shared.model import FileState, Reason, State, StoredFile, Submission, SubmissionVersion
from tests import factories
from tests.portal.phone import JPEG, Phone, Sent, Somebody

Make = sessionmaker[Session]
NEW = Sent("とりなおし.jpg", JPEG + b" brighter")


@dataclass(frozen=True)
class Returned:
    """A report that came back: its first file and its gross are asked for again, its second file is fine."""

    id: UUID
    dark: UUID
    fine: UUID
    number: str
    arrived_at: datetime

    @property
    def path(self) -> str:
        return f"/correct/{self.id}"


def send_back(
    session: Session, row: Submission, files: dict[UUID, tuple[Reason, str]], values: dict[str, tuple[Reason, str]]
) -> None:
    worker = factories.caseworker_of(session, row)
    review.claim(session, worker, row.id)
    asked = review.AskAgain(seen=row.revision, attempt=uuid4(), files=files, values=values, memo="内部のメモ")
    review.send_back(session, worker, row.id, asked)


def give_back(make_session: Make, one: Somebody) -> Returned:
    with make_session.begin() as session:
        row = factories.draft(session, one.who)
        files = [factories.file(session, one.who, row, name=name) for name in ("暗い.jpg", "よい.pdf")]
        for file in files:
            factories.make_safe(session, file)
        intake.send(session, one.who, row.id, attempt=uuid4())
        asked = {"jobs-0-gross_yen": (Reason.DIFFERS, "総支給額 <85,000>")}
        send_back(session, row, {files[0].id: (Reason.DARK, "右下")}, asked)
        assert row.number is not None
        assert row.arrived_at is not None
        return Returned(row.id, files[0].id, files[1].id, row.number, row.arrived_at)


@pytest.fixture
def returned(hanako: Somebody, make_session: Make) -> Returned:
    return give_back(make_session, hanako)


def names(make_session: Make, submission_id: UUID, no: int) -> list[str]:
    """The files of one version."""
    with make_session() as session:
        query = select(SubmissionVersion).where(
            SubmissionVersion.submission_id == submission_id, SubmissionVersion.no == no
        )
        return [file.name for file in drafts.files_of(session, session.scalars(query).one())]


def replace(phone: Phone, returned: Returned, *files: Sent) -> int:
    """Send files in place of the dark one, with its own picker."""
    phone.open(returned.path)
    form = next(form for form in phone.page.forms if form.fields.get("replaces") == str(returned.dark))
    return phone.post_files(form.action, form.fields, *files).status


def test_the_page_names_each_thing_and_its_reason_without_blame(hanako: Somebody, returned: Returned) -> None:
    page = hanako.phone.open(returned.path)
    assert page.heading == "なおしてください"
    assert page.by_id("item-1").text == "暗い.jpg：暗くて読めないところがありました"
    assert "「右下」が入るようにとります" in page.text
    assert page.by_id("item-2").text.endswith("給与明細の数字とちがうようです")
    assert "「総支給額 <85,000>」" in page.text
    assert "書いてあるのは 85,400円" in page.text
    assert "11月19日(木)20時12分に届いたことは、記録されています" in page.text
    assert returned.number in page.text
    assert "よい.pdf" in page.by_id("rows").text
    assert "内部のメモ" not in page.html
    assert f"/forms/{returned.id}/jobs/0/gross?then=correct#gross_yen" in page.links


def test_every_reason_has_its_words_for_files_and_for_values(hanako: Somebody, make_session: Make) -> None:
    for reason in Reason:
        with make_session.begin() as session:
            row = factories.draft(session, hanako.who)
            file = factories.file(session, hanako.who, row)
            factories.make_safe(session, file)
            intake.send(session, hanako.who, row.id, attempt=uuid4())
            send_back(
                session,
                row,
                {file.id: (reason, "")},
                {"jobs-0-work_days": (reason, ""), "jobs-0-employer": (reason, "")},
            )
        page = hanako.phone.open(f"/correct/{row.id}")
        assert page.status == 200
        for number in (1, 2, 3):
            assert not page.by_id(f"item-{number}").text.endswith("："), reason


def test_a_file_the_machine_could_not_open_is_asked_for_by_itself(hanako: Somebody, make_session: Make) -> None:
    with make_session.begin() as session:
        row = factories.draft(session, hanako.who)
        file = factories.file(session, hanako.who, row, name="鍵つき.pdf")
        file.move(FileState.REFUSED, because="locked")
        intake.send(session, hanako.who, row.id, attempt=uuid4())
        assert row.state is State.RETURNED
    page = hanako.phone.open(f"/correct/{row.id}")
    assert "鍵つき.pdf：ファイルを開けませんでした" in page.text
    assert "鍵（パスワード）がかかっていて開けません" in page.text


def test_a_new_file_takes_the_place_of_the_old_one_in_the_next_version_only(
    hanako: Somebody, returned: Returned, make_session: Make, evening: datetime
) -> None:
    assert replace(hanako.phone, returned, NEW) == 303
    page = hanako.phone.follow()
    assert "新しいものが届きました" in page.text
    assert "とりなおし.jpg" in page.by_id("rows").text
    assert names(make_session, returned.id, 1) == ["暗い.jpg", "よい.pdf"]
    assert names(make_session, returned.id, 2) == ["とりなおし.jpg", "よい.pdf"]
    with make_session() as session:
        assert session.get_one(Submission, (hanako.who.office_id, returned.id)).version_no == 1, "not sent yet"
    with clock.at(evening + timedelta(days=1)):
        hanako.phone.open(f"/forms/{returned.id}/check")
        assert hanako.phone.press().place == f"/sent/{returned.id}"
    with make_session() as session:
        row = session.get_one(Submission, (hanako.who.office_id, returned.id))
        assert (row.number, row.arrived_at, row.version_no) == (returned.number, returned.arrived_at, 2)
        assert row.state is State.ARRIVED
        assert row.answer_by is None


def test_a_value_is_mended_and_leads_back_to_the_request(
    hanako: Somebody, returned: Returned, make_session: Make
) -> None:
    hanako.phone.open(f"/forms/{returned.id}/jobs/0/gross?then=correct")
    assert hanako.phone.page.typed("gross_yen") == "85400"
    assert hanako.phone.press(gross_yen="85000").place == returned.path
    page = hanako.phone.follow()
    assert "書いてあるのは 85,000円 （なおしました）" in page.text
    with make_session() as session:
        first = session.scalars(select(SubmissionVersion).where(SubmissionVersion.no == 1)).one()
        assert factories.wage(session, first)["gross_yen"] == 85_400, "what was sent stays as it was sent"


def test_all_can_be_sent_again_as_it_was(hanako: Somebody, returned: Returned, make_session: Make) -> None:
    hanako.phone.open(f"/forms/{returned.id}/check")
    assert "届いたことは、記録されています" in hanako.phone.page.text
    assert hanako.phone.press().place == f"/sent/{returned.id}"
    assert names(make_session, returned.id, 2) == ["暗い.jpg", "よい.pdf"]
    assert hanako.phone.open(returned.path).place == f"/sent/{returned.id}"


def test_opening_the_request_changes_nothing(hanako: Somebody, returned: Returned, count: Callable[..., int]) -> None:
    for path in (returned.path, f"/forms/{returned.id}/check", f"/forms/{returned.id}/files", "/home", "/sent"):
        assert hanako.phone.open(path).status == 200
    assert count(SubmissionVersion) == 1


def test_two_taps_of_the_new_file_are_one_file(
    hanako: Somebody, returned: Returned, make_session: Make, count: Callable[..., int], kept: Callable[[], list[str]]
) -> None:
    hanako.phone.open(returned.path)
    form = next(form for form in hanako.phone.page.forms if form.fields.get("replaces") == str(returned.dark))
    for _ in range(2):
        assert hanako.phone.post_files(form.action, form.fields, NEW).place == returned.path
    assert names(make_session, returned.id, 2) == ["とりなおし.jpg", "よい.pdf"]
    assert count(StoredFile) == 3
    assert len(kept()) == 1


def test_a_file_that_cannot_be_taken_replaces_nothing(
    hanako: Somebody, returned: Returned, make_session: Make, count: Callable[..., int]
) -> None:
    assert replace(hanako.phone, returned, Sent("a.zip", b"PK\x03\x04")) == 422
    assert "a.zip：" in hanako.phone.page.text
    assert hanako.phone.page.title.startswith("届いていないものがあります")
    assert replace(hanako.phone, returned) == 422
    assert "写真かPDFをえらんでください" in hanako.phone.page.text
    assert count(SubmissionVersion) == 1
    assert names(make_session, returned.id, 1) == ["暗い.jpg", "よい.pdf"]


def test_a_report_with_as_many_files_as_allowed_can_still_be_mended(
    meet: Callable[..., Somebody], open_door: Callable[..., Flask], make_session: Make
) -> None:
    one = meet("見本　花子", open_door(files_limit=2))
    returned = give_back(make_session, one)
    assert replace(one.phone, returned, NEW) == 303
    assert names(make_session, returned.id, 2) == ["とりなおし.jpg", "よい.pdf"]


def test_what_replaces_says_is_not_believed(
    hanako: Somebody, jiro: Somebody, returned: Returned, make_session: Make
) -> None:
    his = give_back(make_session, jiro)
    hanako.phone.open(returned.path)
    form = hanako.phone.page.form(returned.path)
    for replaces in ("", "not an id", "\x00", str(uuid4()), str(his.dark)):
        fields = {**form.fields, "replaces": replaces, "attempt": str(uuid4())}
        assert hanako.phone.post_files(form.action, fields, NEW).status == 303
    assert names(make_session, returned.id, 2)[:2] == ["暗い.jpg", "よい.pdf"]
    assert names(make_session, his.id, 1) == ["暗い.jpg", "よい.pdf"]


def test_what_is_not_asked_for_again_leads_on(hanako: Somebody, make_session: Make) -> None:
    with make_session.begin() as session:
        sent = factories.submission(session, State.WAITING, hanako.who).id
        draft = factories.draft(session, hanako.who).id
    assert hanako.phone.open(f"/correct/{sent}").place == f"/sent/{sent}"
    assert hanako.phone.open(f"/correct/{draft}").place == f"/forms/{draft}/check"


def test_the_request_of_another_is_as_unknown_as_an_unknown_one(
    jiro: Somebody, returned: Returned, count: Callable[..., int]
) -> None:
    token = jiro.phone.open("/home").form("/leave").fields["csrf_token"]
    for id_ in (returned.id, uuid4()):
        assert jiro.phone.open(f"/correct/{id_}").status == 404
        assert jiro.phone.post_files(f"/correct/{id_}", {"csrf_token": token}, NEW).status == 404
    assert count(StoredFile) == 2
