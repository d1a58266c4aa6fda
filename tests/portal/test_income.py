"""収入申告書: one question a screen, checked at the end, and nothing goes twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import intake
from shared.model import State, Step, Submission, SubmissionVersion
from tests import factories
from tests.factories import OCTOBER
from tests.portal.answers import ALL, GOOD, SCREENS, line, write
from tests.portal.pages import without_tokens
from tests.portal.phone import Somebody

Make = sessionmaker[Session]
Count = Callable[..., int]


def test_the_whole_way_from_the_month_to_the_slip(hanako: Somebody, make_session: Make) -> None:
    phone = hanako.phone
    assert phone.open("/income/new").heading == "何月分の給料ですか"
    where = phone.press(month="2026-10").place
    for screen, fields in SCREENS.items():
        assert where.endswith(f"/{screen}")
        page = phone.open(where)
        assert page.sentence_at(fields[0]) == ""
        where = phone.press(**{field: GOOD[field] for field in fields}).place
    assert where.endswith("/payslips")
    phone.open(where)
    page = phone.open(where.replace("payslips", "check"))
    for said in ("株式会社みほん清掃", "18日", "85,400円", "470円", "0円", "2,600円"):
        assert said in page.text
    page = phone.press()
    assert page.place.startswith("/sent/")
    assert phone.follow().heading == "届きました"
    with make_session() as session:
        row = session.scalars(select(Submission)).one()
    assert (row.state, row.version_no, row.month) == (State.WAITING, 1, OCTOBER)
    assert row.number is not None
    assert row.number in phone.page.text


def test_a_month_must_be_one_that_can_be_reported(hanako: Somebody, count: Count) -> None:
    wrong = {
        "": "えらんでください",
        "2026-12": "まだ来ていない月です",
        "2099-01": "まだ来ていない月です",
        "2025-10": "1年より前の月は、電話で",
        "0000-00": "えらんでください",
        "2026-13": "えらんでください",
        "10月": "えらんでください",
        "9" * 400: "えらんでください",
        "\x00": "えらんでください",
        "💐": "えらんでください",
    }
    for typed, sentence in wrong.items():
        hanako.phone.open("/income/new")
        page = hanako.phone.press(month=typed)
        assert page.status == 422, typed
        assert sentence in page.by_id("month-error").text
        assert page.by_id("month").attributes["aria-describedby"] == "month-error"
    assert count(Submission) == 0


def test_an_older_month_may_be_named_and_the_same_month_goes_on(hanako: Somebody, count: Count) -> None:
    for month in ("2026-11", "2026-06", "2025-11"):
        hanako.phone.open("/income/new")
        first = hanako.phone.press(month=month).place
        hanako.phone.open("/income/new")
        assert hanako.phone.press(month=month).place == first, "begun is begun"
    assert count(Submission) == 3


def test_a_month_already_sent_is_shown_before_another_report_is_begun(
    hanako: Somebody, report: UUID, count: Count
) -> None:
    hanako.phone.open(hanako.path(report, "check"))
    assert hanako.phone.press().place == f"/sent/{report}"
    hanako.phone.open("/income/new")
    page = hanako.phone.press(month="2026-10")
    assert page.heading == "10月分は、もう出しています"
    assert f"/sent/{report}" in page.links
    assert count(Submission) == 1
    assert hanako.phone.press(another="yes").place.endswith("/employer"), "a second employer is one tap further"
    assert count(Submission) == 2


def test_two_taps_at_once_begin_one_report(hanako: Somebody, count: Count) -> None:
    hanako.phone.open("/income/new")
    tabs = [hanako.phone.twin() for _ in range(4)]
    with ThreadPoolExecutor(len(tabs)) as taps:
        begun = [taps.submit(copy_context().run, tab.press, month="2026-10") for tab in tabs]
    assert len({page.result().place for page in begun}) == 1
    assert count(Submission) == 1


def test_the_check_names_every_gap_and_leads_to_it(hanako: Somebody, begun: UUID, make_session: Make) -> None:
    hanako.phone.open(hanako.path(begun, "check"))
    page = hanako.phone.press()
    assert page.status == 422
    assert page.title.startswith("6か所 なおしてください")
    for screen, field in ALL:
        assert f"/income/{begun}/{screen}?then=check#{field}" in page.links
        assert "まだ書いてありません" in page.by_id(f"answer-{field}").text
    with make_session() as session:
        assert session.scalars(select(Submission)).one().state is State.DRAFT


def test_a_gap_is_mended_and_leads_back_to_the_check(hanako: Somebody, begun: UUID) -> None:
    hanako.phone.open(f"/income/{begun}/gross?then=check")
    assert hanako.phone.press(gross_yen="8万くらい").status == 422
    assert hanako.phone.press(gross_yen="80000").place == hanako.path(begun, "check")
    for elsewhere in ("//evil.example", "sent", "check/../..", ""):
        hanako.phone.open(f"/income/{begun}/gross?then={elsewhere}")
        assert hanako.phone.press(gross_yen="80000").place == hanako.path(begun, "deductions")


def test_more_taken_off_than_paid_is_asked_about(hanako: Somebody, report: UUID, make_session: Make) -> None:
    assert write(hanako.phone, report, "deductions", social_insurance_yen="85401").status == 303
    hanako.phone.open(hanako.path(report, "check"))
    page = hanako.phone.press()
    assert page.status == 422
    assert "引かれたお金が給料より多いようです" in page.by_id("answer-social_insurance_yen").text
    assert f"/income/{report}/deductions?then=check#social_insurance_yen" in page.links
    assert write(hanako.phone, report, "deductions", social_insurance_yen="85400").status == 303
    hanako.phone.open(hanako.path(report, "check"))
    assert hanako.phone.press().place == f"/sent/{report}"


def test_two_taps_on_send_are_one_arrival(hanako: Somebody, report: UUID, make_session: Make, count: Count) -> None:
    hanako.phone.open(hanako.path(report, "check"))
    tabs = [hanako.phone.twin() for _ in range(4)]
    with ThreadPoolExecutor(len(tabs)) as taps:
        sent = [taps.submit(copy_context().run, tab.press) for tab in tabs]
    assert {page.result().place for page in sent} == {f"/sent/{report}"}
    assert count(SubmissionVersion) == 1
    with make_session() as session:
        assert [step.became for step in session.scalars(select(Step).order_by(Step.id))] == [
            State.ARRIVED,
            State.WAITING,
        ]


def test_a_lost_answer_sent_again_gets_the_same_slip(hanako: Somebody, report: UUID, count: Count) -> None:
    check = hanako.phone.open(hanako.path(report, "check"))
    fields = check.form().fields
    first = hanako.phone.post(check.path, fields).place
    assert hanako.phone.post(check.path, fields).place == first == f"/sent/{report}"
    assert count(SubmissionVersion) == 1


def test_another_tab_that_sends_what_was_sent_is_told_so(hanako: Somebody, report: UUID, count: Count) -> None:
    hanako.phone.open(hanako.path(report, "check"))
    other = hanako.phone.twin()
    other.open(hanako.path(report, "check"))
    assert hanako.phone.press().place == f"/sent/{report}"
    page = other.press()
    assert page.status == 409
    assert page.heading == "これは、もう出してあります"
    assert "二重にはなっていません" in page.text
    assert count(SubmissionVersion) == 1


def test_the_back_button_after_sending_leads_to_the_slip(hanako: Somebody, report: UUID, make_session: Make) -> None:
    question = hanako.phone.open(hanako.path(report, "gross"))
    hanako.phone.open(hanako.path(report, "check"))
    hanako.phone.press()
    assert hanako.phone.open(hanako.path(report, "check")).place == f"/sent/{report}"
    for screen in SCREENS:
        assert hanako.phone.open(hanako.path(report, screen)).status in (303, 409)
    page = hanako.phone.post(question.path, {**question.form().fields, "gross_yen": "1"})
    assert page.status == 409
    assert page.heading == "これは、もう出してあります"
    assert line(make_session, report)["gross_yen"] == 85_400


def test_an_attempt_that_is_no_id_is_a_new_attempt(hanako: Somebody, report: UUID) -> None:
    hanako.phone.open(hanako.path(report, "check"))
    assert hanako.phone.press(attempt="\x00 not an id 💐").place == f"/sent/{report}"


def test_last_month_is_a_reminder_and_never_filled_in(hanako: Somebody, begun: UUID, make_session: Make) -> None:
    with make_session.begin() as session:
        before = factories.draft(session, hanako.who, month=OCTOBER.replace(month=9), employer="<みほん>商店")
        intake.send(session, hanako.who, before.id, attempt=uuid4())
    page = hanako.phone.open(hanako.path(begun, "employer"))
    assert "前は「<みほん>商店」と書きました" in page.text
    assert page.typed("employer") == ""
    page = hanako.phone.open(hanako.path(begun, "gross"))
    assert "9月は 85,400円 と書きました" in page.text
    assert page.typed("gross_yen") == ""


def test_anothers_report_is_as_unknown_as_an_unknown_one(
    hanako: Somebody, jiro: Somebody, report: UUID, make_session: Make
) -> None:
    with make_session.begin() as session:
        file = factories.file(session, hanako.who, session.get_one(Submission, (hanako.who.office_id, report)))
    token = jiro.phone.open("/home").form("/leave").fields["csrf_token"]
    fields = {"csrf_token": token, **GOOD}
    for rest in (*SCREENS, "payslips", "check", f"payslips/{file.id}/remove", f"payslips/{file.id}/move"):
        for path in (f"/income/{{}}/{rest}", "/correct/{}"):
            another, unknown = (jiro.phone.post(path.format(id_), fields) for id_ in (report, uuid4()))
            assert another.status == unknown.status == 404, path
            assert without_tokens(another.html) == without_tokens(unknown.html)
            another, unknown = (jiro.phone.open(path.format(id_)) for id_ in (report, uuid4()))
            assert another.status == unknown.status
            assert another.status == (405 if rest.startswith("payslips/") and path.startswith("/income") else 404), path
            assert without_tokens(another.html) == without_tokens(unknown.html)
    kept = line(make_session, report)
    assert {field: str(answer) for field, answer in kept.items()} == {field: GOOD[field] for field in GOOD}
    with make_session() as session:
        assert session.scalars(select(Submission)).one().state is State.DRAFT
