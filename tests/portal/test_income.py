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
from tests.portal.pages import Page, without_tokens
from tests.portal.phone import Phone, Somebody

Make = sessionmaker[Session]
Count = Callable[..., int]


def begin(one: Somebody, month: str = "2026-10", **pressed: str) -> Page:
    """Begin a report for a month, where the page that begins it leads."""
    one.phone.open(f"/forms/income_report/new?month={month}")
    return one.phone.press(**pressed)


def press_all(phone: Phone, where: str, *pages: tuple[str, dict[str, str]]) -> str:
    """Answer page after page; each must be the one expected. Returns where the last one leads."""
    for expected, typed in pages:
        page = phone.open(where)
        if page.status == 303:  # a list leads to its first row
            page = phone.follow()
        assert page.path.partition("?")[0].endswith(f"/{expected}"), (page.path, expected)
        where = phone.press(**typed).place
    return where


WAGES = [(f"jobs/0/{screen}", {field: GOOD[field] for field in fields}) for screen, fields in SCREENS.items()]


def test_the_whole_way_from_the_month_to_the_slip(hanako: Somebody, make_session: Make) -> None:
    phone = hanako.phone
    assert phone.open("/forms/income_report/new").heading == "何月分のことですか"
    assert phone.open("/forms/income_report/new?month=2026-10").heading == "収入申告書　10月分"
    where = press_all(
        phone,
        phone.press().place,
        ("worked", {"worked": "yes"}),
        *WAGES,
        ("jobs/0/costs", {}),
        ("jobs/0/paid", {"paid_on": "11/10"}),
    )
    assert where.endswith("/jobs")
    page = phone.open(where)
    assert "令和8年11月10日(火)" in page.text
    where = next(link for link in page.links if link.endswith("/more"))
    assert phone.open(where).sentence_at("pension") == ""
    where = phone.press(none="1").place
    assert where.endswith("/files"), "who lives alone is asked of nobody else"
    page = phone.open(where.replace("files", "check"))
    for said in ("株式会社みほん清掃", "18日", "85,400円", "470円", "0円", "2,600円", "ありません"):
        assert said in page.text
    page = phone.press()
    assert page.place.startswith("/sent/")
    assert phone.follow().heading == "届きました"
    with make_session() as session:
        row = session.scalars(select(Submission)).one()
    assert (row.state, row.version_no, row.month) == (State.WAITING, 1, OCTOBER)
    assert row.number is not None
    assert row.number in phone.page.text


def test_without_work_three_pages_are_enough(hanako: Somebody) -> None:
    where = press_all(hanako.phone, begin(hanako).place, ("worked", {"worked": "no"}), ("more", {"none": "1"}))
    where = press_all(hanako.phone, where, ("without/0", {"reason": "age"}))
    page = hanako.phone.open(where)
    assert "年をとっているから" in page.text
    assert "だれですか" not in page.html
    page = hanako.phone.open(where.replace("without", "check"))
    assert "見本　花子" in page.text
    assert hanako.phone.press().place.startswith("/sent/")


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
        "%00": "えらんでください",
        "💐": "えらんでください",
    }
    for typed, sentence in wrong.items():
        page = hanako.phone.open(f"/forms/income_report/new?month={typed}")
        assert page.status == 422, typed
        assert sentence in page.by_id("month-error").text
        assert "#month" in page.links
        token = page.form("/leave").fields["csrf_token"]
        fields = {"csrf_token": token, "month": typed}
        assert hanako.phone.post("/forms/income_report/new", fields).status == 422
    assert count(Submission) == 0


def test_an_older_month_may_be_named_and_the_same_month_goes_on(hanako: Somebody, count: Count) -> None:
    for month in ("2026-11", "2026-06", "2025-11"):
        first = begin(hanako, month).place
        assert begin(hanako, month).place == first, "begun is begun"
    assert count(Submission) == 3


def test_a_month_already_sent_is_shown_before_another_report_is_begun(
    hanako: Somebody, report: UUID, count: Count
) -> None:
    hanako.phone.open(hanako.path(report, "check"))
    assert hanako.phone.press().place == f"/sent/{report}"
    page = hanako.phone.open("/forms/income_report/new?month=2026-10")
    assert page.heading == "10月分は、もう出しています"
    assert f"/sent/{report}" in page.links
    token = page.form("/leave").fields["csrf_token"]
    again = hanako.phone.post("/forms/income_report/new", {"csrf_token": token, "month": "2026-10"})
    assert again.heading == "10月分は、もう出しています"
    assert count(Submission) == 1
    hanako.phone.open("/forms/income_report/new?month=2026-10&another=yes")
    assert hanako.phone.press().place.endswith("/worked"), "another one is one tap further"
    assert count(Submission) == 2


def test_two_taps_at_once_begin_one_report(hanako: Somebody, count: Count) -> None:
    hanako.phone.open("/forms/income_report/new?month=2026-10")
    tabs = [hanako.phone.twin() for _ in range(4)]
    with ThreadPoolExecutor(len(tabs)) as taps:
        begun = [taps.submit(copy_context().run, tab.press) for tab in tabs]
    assert len({page.result().place for page in begun}) == 1
    assert count(Submission) == 1


def test_the_check_names_every_gap_and_leads_to_it(hanako: Somebody, begun: UUID, make_session: Make) -> None:
    hanako.phone.open(hanako.path(begun, "check"))
    page = hanako.phone.press()
    assert page.status == 422
    assert page.title.startswith("5か所 なおしてください")
    assert f"/forms/{begun}/jobs?then=check" in page.links
    for field in ("pension", "remittance", "other", "expected"):
        assert f"/forms/{begun}/more?then=check#{field}" in page.links
        assert "まだ答えていません" in page.by_id(f"answer-{field}").text
    write(hanako.phone, begun, "days")
    hanako.phone.open(hanako.path(begun, "check"))
    page = hanako.phone.press()
    assert page.title.startswith("9か所 なおしてください")
    for screen, field in ALL:
        if field != "work_days":
            assert f"/forms/{begun}/jobs/0/{screen}?then=check#{field}" in page.links
            assert "まだ答えていません" in page.by_id(f"answer-jobs-0-{field}").text
    with make_session() as session:
        assert session.scalars(select(Submission)).one().state is State.DRAFT


def test_a_gap_is_mended_and_leads_back_to_the_check(hanako: Somebody, begun: UUID) -> None:
    hanako.phone.open(f"/forms/{begun}/jobs/0/gross?then=check")
    assert hanako.phone.press(gross_yen="8万くらい").status == 422
    assert hanako.phone.press(gross_yen="80000").place == hanako.path(begun, "check")
    for elsewhere in ("//evil.example", "sent", "check/../..", ""):
        hanako.phone.open(f"/forms/{begun}/jobs/0/gross?then={elsewhere}")
        assert hanako.phone.press(gross_yen="80000").place == hanako.path(begun, "deductions")


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


def reported(one: Somebody, make_session: Make, month: int = 9, **answers: str | int) -> None:
    """Her report of an earlier month has arrived."""
    with make_session.begin() as session:
        before = factories.draft(session, one.who, month=OCTOBER.replace(month=month), **answers)
        intake.send(session, one.who, before.id, attempt=uuid4())


def test_last_month_is_a_reminder_and_never_filled_in(hanako: Somebody, begun: UUID, make_session: Make) -> None:
    reported(hanako, make_session, employer="株式会社<みほん>")
    assert write(hanako.phone, begun, "employer", employer="株式会社<みほん>").status == 303
    page = hanako.phone.open(hanako.path(begun, "gross"))
    assert "前（9月）と同じ85,400円" in page.text.replace(" ", "")
    assert page.typed("gross_yen") == ""
    write(hanako.phone, begun, "employer", employer="ほかの会社")
    assert "85,400円" not in hanako.phone.open(hanako.path(begun, "gross")).text, "that was other work"


def test_the_same_as_last_month_only_asks_what_is_new(hanako: Somebody, make_session: Make) -> None:
    reported(hanako, make_session)
    phone, where = hanako.phone, begin(hanako, as_before="1").place
    assert "9月と同じところから" in phone.open("/forms/income_report/new?month=2026-10").text
    where = press_all(
        phone,
        where,
        ("jobs/0/days", {"work_days": "17"}),
    )
    phone.open(where)
    assert phone.press(gross_yen="8万くらい").status == 422, "what is not understood stays on its page"
    where = press_all(
        phone, phone.press(gross_yen="81,000").place, ("jobs/0/deductions", {"as_before": "1"}), ("more", {"none": "1"})
    )
    assert where.endswith("/files")
    page = phone.open(where.replace("files", "check"))
    for said in ("株式会社みほん清掃", "17日", "81,000円", "470円", "2,600円"):
        assert said in page.text
    assert phone.press().place.startswith("/sent/")


def test_what_is_the_same_is_one_tap_and_what_is_typed_beside_it_wins(
    hanako: Somebody, begun: UUID, make_session: Make
) -> None:
    reported(hanako, make_session)
    write(hanako.phone, begun, "employer")
    page = hanako.phone.open(hanako.path(begun, "deductions"))
    assert "前（9月）と同じ470円、0円、2,600円" in page.text.replace(" ", "")
    assert hanako.phone.press(as_before="1", income_tax_yen="100").status == 303
    kept = line(make_session, begun)
    assert [kept[field] for field in SCREENS["deductions"]] == [470, 100, 2_600]


def test_anothers_report_is_as_unknown_as_an_unknown_one(
    hanako: Somebody, jiro: Somebody, report: UUID, make_session: Make
) -> None:
    with make_session.begin() as session:
        file = factories.file(session, hanako.who, session.get_one(Submission, (hanako.who.office_id, report)))
    token = jiro.phone.open("/home").form("/leave").fields["csrf_token"]
    fields = {"csrf_token": token, **GOOD}
    jobs = [f"jobs/0/{screen}" for screen in SCREENS]
    for rest in (*jobs, "worked", "files", "check", f"files/{file.id}/remove", f"files/{file.id}/move"):
        for path in (f"/forms/{{}}/{rest}", "/correct/{}"):
            another, unknown = (jiro.phone.post(path.format(id_), fields) for id_ in (report, uuid4()))
            assert another.status == unknown.status == 404, path
            assert without_tokens(another.html) == without_tokens(unknown.html)
            another, unknown = (jiro.phone.open(path.format(id_)) for id_ in (report, uuid4()))
            assert another.status == unknown.status
            assert another.status == (405 if rest.startswith("files/") and path.startswith("/forms") else 404), path
            assert without_tokens(another.html) == without_tokens(unknown.html)
    kept = line(make_session, report)
    assert {field: str(answer) for field, answer in kept.items()} == {field: GOOD[field] for field in GOOD}
    with make_session() as session:
        assert session.scalars(select(Submission)).one().state is State.DRAFT


def test_what_differs_is_shown_kindly_explained_and_sent_all_the_same(hanako: Somebody, make_session: Make) -> None:
    reported(hanako, make_session)
    with make_session.begin() as session:
        report = factories.draft(session, hanako.who, gross_yen=854_000).id
    page = hanako.phone.open(hanako.path(report, "check"))
    assert "前の月は 85,400円でした。854,000円でよいか" in page.text
    assert "給与明細の写真やPDFは、まだありません" in page.text
    assert "そのまま出せます" in page.text
    hanako.phone.open(f"/forms/{report}/explained?then=check")
    assert hanako.phone.press(explained="ボーナスが 出ました").place == hanako.path(report, "check")
    assert "ボーナスが 出ました" in hanako.phone.open(hanako.path(report, "check")).text
    assert hanako.phone.press().place == f"/sent/{report}"


def test_a_report_like_the_last_one_is_not_remarked_on(hanako: Somebody, make_session: Make) -> None:
    reported(hanako, make_session)
    with make_session.begin() as session:
        row = factories.draft(session, hanako.who)
        factories.make_safe(session, factories.file(session, hanako.who, row))
    page = hanako.phone.open(hanako.path(row.id, "check"))
    assert page.status == 200
    assert not [one for one in page.all("h2") if one.text.startswith("もう一度見てほしい")]
