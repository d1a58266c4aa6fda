"""Checks that need no reading: written when something is sent and when its files were looked at, kept as rows."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import checks, clock, drafts, duties, filled, intake, journal, likeness, overrides, queue, review, slips
from shared.errors import ChangedMeanwhile, NotAnOverride, NotThere
from shared.model import MACHINE, Check, DutyKind, How, LogEntry, Result, Role, Rule, State, Submission
from shared.queue import Checked, Wanted
from shared.rules import checks as rules
from shared.rules.checks import MOST_A_MONTH, Paper, Sent
from shared.sign_in import Recipient, Staff
from tests import factories

OCTOBER = factories.OCTOBER
SEPTEMBER, NOVEMBER = date(2026, 9, 1), date(2026, 11, 1)
HERE = uuid4()


@pytest.fixture
def worker(session: Session) -> Staff:
    return factories.staff(session, name="例野 太郎")


@pytest.fixture
def who(session: Session, worker: Staff) -> Recipient:
    return factories.recipient(session, factories.household(session, worker))


def sent(session: Session, who: Recipient, month: date = OCTOBER, **answers: Any) -> Submission:
    row = factories.draft(session, who, month, **answers)
    return intake.send(session, who, row.id, attempt=uuid4())


def results(session: Session, row: Submission) -> dict[Rule, Result]:
    return {check.rule: check.result for check in checks.of(session, drafts.sent_version(session, row))}


def codes(session: Session, row: Submission, rule: Rule) -> list[str]:
    found = {one.rule: one for one in checks.of(session, drafts.sent_version(session, row))}
    return [finding.code for finding in found[rule].findings]


def test_a_clean_report_passes_what_applies_to_it(session: Session, who: Recipient) -> None:
    assert results(session, sent(session, who)) == {Rule.MONTH: Result.PASS, Rule.SUM: Result.PASS}
    message = filled.start(session, who, DutyKind.MESSAGE, OCTOBER)
    filled.write(session, who, message.id, "tell", {"tell": "あります"})
    assert results(session, intake.send(session, who, message.id, attempt=uuid4())) == {}


def test_a_month_reported_twice_is_said_of_the_later_one_until_the_earlier_is_taken_back(
    session: Session, who: Recipient
) -> None:
    first, second = sent(session, who), sent(session, who)
    other = sent(session, factories.recipient(session))
    assert [results(session, row)[Rule.MONTH] for row in (first, second, other)] == [
        Result.PASS,
        Result.FAIL,
        Result.PASS,
    ]
    (check,) = [one for one in checks.of(session, drafts.sent_version(session, second)) if one.stands]
    assert check.findings[0].found == {"code": "twice", "submission": str(first.id), "number": first.number}
    assert check.findings[0].expected["month"] == "2026-10-01"
    intake.withdraw(session, who, first.id, attempt=uuid4())
    assert results(session, second)[Rule.MONTH] is Result.PASS


def test_the_month_before_is_missing_from_its_due_day_until_it_is_sent(session: Session, who: Recipient) -> None:
    office = factories.office(session)
    with clock.at(clock.now().replace(year=2026, month=11, day=20)):
        duties.open_duty(session, office, who.household_id, who.member_id, SEPTEMBER)
        row = sent(session, who)
        assert codes(session, row, Rule.MONTH) == ["missing"]
        assert codes(session, sent(session, who, NOVEMBER), Rule.MONTH) == []
        late = sent(session, who, SEPTEMBER)
        assert results(session, row)[Rule.MONTH] is Result.PASS
        assert results(session, late)[Rule.MONTH] is Result.PASS


def test_a_month_that_is_not_due_yet_is_not_missing(session: Session, who: Recipient) -> None:
    with clock.at(clock.now().replace(year=2026, month=10, day=5)):
        duties.open_duty(session, factories.office(session), who.household_id, who.member_id, SEPTEMBER)
        assert codes(session, sent(session, who), Rule.MONTH) == []


def with_file(session: Session, who: Recipient, month: date, **given: Any) -> tuple[Submission, Any]:
    row = factories.draft(session, who, month)
    file = factories.file(session, who, row, **given)
    likeness.note_same(session, file)
    return intake.send(session, who, row.id, attempt=uuid4()), file


def looked_at(session: Session, row: Submission, file: Any, look: str) -> None:
    """What the worker does with a file of something sent."""
    factories.make_safe(session, file)
    pages = slips.pages_of(session, file.office_id, file.id)
    pages[0].look = look
    session.flush()
    alike = likeness.note_alike(session, file, pages)
    checks.look_at_files(session, file.office_id, {row.id, *alike})
    intake.settle(session, row)


def test_the_same_file_sent_before_is_found_at_once_and_what_is_still_looked_at_cannot_be_told(
    session: Session, who: Recipient
) -> None:
    first, one = with_file(session, who, SEPTEMBER, sha256="a" * 64)
    second, two = with_file(session, who, OCTOBER, sha256="a" * 64)
    assert results(session, first)[Rule.SAME_FILE] is Result.CANT_TELL
    assert codes(session, second, Rule.SAME_FILE) == ["same", "pending"]
    assert results(session, second)[Rule.SAME_FILE] is Result.FAIL
    looked_at(session, first, one, "1" * 61)
    looked_at(session, second, two, "1" * 61)
    assert results(session, first)[Rule.SAME_FILE] is Result.PASS
    assert codes(session, second, Rule.SAME_FILE) == ["same"]
    (found,) = next(
        one.findings for one in checks.of(session, drafts.sent_version(session, second)) if one.rule is Rule.SAME_FILE
    )
    assert (found.found["submission"], found.found["number"]) == (str(first.id), first.number)


def test_a_file_that_was_slow_tells_the_later_ones_that_they_are_like_it(session: Session, who: Recipient) -> None:
    first, slow = with_file(session, who, OCTOBER)
    second, quick = with_file(session, who, OCTOBER)
    look = "0" * 50 + "123456789ab"
    looked_at(session, second, quick, look)
    assert results(session, second)[Rule.SAME_FILE] is Result.PASS
    looked_at(session, first, slow, look)
    assert codes(session, second, Rule.SAME_FILE) == ["alike"]
    assert results(session, first)[Rule.SAME_FILE] is Result.PASS


def test_two_same_files_in_one_report_are_said_without_a_number(session: Session, who: Recipient) -> None:
    row = factories.draft(session, who)
    for _ in range(2):
        likeness.note_same(session, factories.file(session, who, row, sha256="c" * 64))
    intake.send(session, who, row.id, attempt=uuid4())
    assert codes(session, row, Rule.SAME_FILE) == ["same_here", "pending"]


def test_a_paper_photographed_anew_is_not_one_of_two(session: Session, who: Recipient) -> None:
    row, dark = with_file(session, who, OCTOBER)
    look = "0" * 50 + "123456789ab"
    looked_at(session, row, dark, look)
    drafts.change(session, who, row.id)
    drafts.remove(session, who, row.id, dark.id)
    bright = factories.file(session, who, row)
    likeness.note_same(session, bright)
    intake.send(session, who, row.id, attempt=uuid4())
    looked_at(session, row, bright, look)
    assert results(session, row)[Rule.SAME_FILE] is Result.PASS


def test_a_file_that_stands_in_a_draft_only_was_not_sent_before(session: Session, who: Recipient) -> None:
    draft = factories.begun(session, who, SEPTEMBER)
    factories.file(session, who, draft, sha256="a" * 64)
    row, _file = with_file(session, who, OCTOBER, sha256="a" * 64)
    assert codes(session, row, Rule.SAME_FILE) == ["pending"]


def test_the_same_file_is_told_once_the_earlier_report_is_sent_and_no_more_once_it_is_taken_back(
    session: Session, who: Recipient
) -> None:
    begun = factories.draft(session, who, SEPTEMBER)
    factories.file(session, who, begun, sha256="a" * 64)
    row, _file = with_file(session, who, OCTOBER, sha256="a" * 64)
    assert codes(session, row, Rule.SAME_FILE) == ["pending"]
    intake.send(session, who, begun.id, attempt=uuid4())
    assert codes(session, row, Rule.SAME_FILE) == ["same", "pending"]
    intake.withdraw(session, who, begun.id, attempt=uuid4())
    assert codes(session, row, Rule.SAME_FILE) == ["pending"]


def test_looking_again_writes_nothing_new_and_keeps_what_staff_said(
    session: Session, worker: Staff, who: Recipient
) -> None:
    sent(session, who)
    row = sent(session, who)
    check = next(one for one in checks.of(session, drafts.sent_version(session, row)) if one.stands)
    overrides.override(session, worker, row.id, check.id, "電話で確認", attempt=uuid4())
    count = len(session.scalars(select(Check)).all())
    checks.look(session, row)
    kept = session.get_one(Check, (row.office_id, check.id))
    assert (kept.note, len(session.scalars(select(Check)).all())) == ("電話で確認", count)
    sent(session, who, SEPTEMBER)  # another month: nothing about this one
    assert kept.note == "電話で確認"


def test_what_was_said_to_something_else_does_not_stay(session: Session, worker: Staff, who: Recipient) -> None:
    first, _second = sent(session, who), sent(session, who)
    row = sent(session, who)
    check = next(one for one in checks.of(session, drafts.sent_version(session, row)) if one.stands)
    overrides.override(session, worker, row.id, check.id, "電話で確認", attempt=uuid4())
    intake.withdraw(session, who, first.id, attempt=uuid4())
    kept = session.get_one(Check, (row.office_id, check.id))
    assert (kept.result, kept.overridden_by, kept.note) == (Result.FAIL, None, None)


def test_what_is_decided_keeps_the_checks_it_was_decided_with(session: Session, worker: Staff, who: Recipient) -> None:
    first, second = sent(session, who), sent(session, who)
    review.claim(session, worker, second.id)
    review.accept(session, worker, second.id, seen=second.revision, attempt=uuid4())
    intake.withdraw(session, who, first.id, attempt=uuid4())
    assert results(session, second)[Rule.MONTH] is Result.FAIL


def test_a_new_version_has_checks_of_its_own(session: Session, who: Recipient) -> None:
    row = sent(session, who, gross_yen=100, social_insurance_yen=200)
    assert codes(session, row, Rule.SUM) == ["taken_off"]
    old = drafts.sent_version(session, row)
    drafts.change(session, who, row.id)
    factories.write(session, who, row.id, {"gross_yen": 85_000})
    intake.send(session, who, row.id, attempt=uuid4())
    assert codes(session, row, Rule.SUM) == []
    assert [one.result for one in checks.of(session, old) if one.rule is Rule.SUM] == [Result.FAIL]


# ---- what staff say


@pytest.fixture
def twice(session: Session, who: Recipient) -> tuple[Submission, checks.CheckRow]:
    sent(session, who)
    row = sent(session, who)
    return row, next(one for one in checks.of(session, drafts.sent_version(session, row)) if one.stands)


def test_an_override_says_who_when_and_why_and_can_be_taken_back(
    session: Session, worker: Staff, twice: tuple[Submission, checks.CheckRow]
) -> None:
    row, check = twice
    attempt = uuid4()
    for _tap in range(2):
        overrides.override(session, worker, row.id, check.id, " 2か所で \n働いている ", attempt=attempt)
    shown = next(one for one in checks.of(session, drafts.sent_version(session, row)) if one.id == check.id)
    assert (shown.by, shown.note, shown.stands, shown.result) == (
        "例野 太郎",
        "2か所で 働いている",
        False,
        Result.FAIL,
    )
    for _tap in range(2):
        overrides.take_back(session, worker, row.id, check.id)
    overrides.override(session, worker, row.id, check.id, "遅れて届いた前の送信", attempt=attempt)
    shown = next(one for one in checks.of(session, drafts.sent_version(session, row)) if one.id == check.id)
    assert (shown.by, shown.note, shown.stands) == ("", "", True)
    said = session.scalars(select(LogEntry).where(LogEntry.subject_id == row.id).order_by(LogEntry.seq)).all()
    assert [one.event for one in said][-2:] == ["check.overridden", "check.stands_again"]
    assert "働いている" not in repr([one.facts for one in said])
    assert journal.first_broken(session, worker.office_id) is None


@pytest.mark.parametrize(
    ("note", "code"), [(" ", "missing"), ("あ" * 201, "too_long"), ("1234-5678-9018", "my_number")]
)
def test_a_note_that_says_nothing_or_too_much_is_refused(
    session: Session, worker: Staff, twice: tuple[Submission, checks.CheckRow], note: str, code: str
) -> None:
    row, check = twice
    with pytest.raises(NotAnOverride) as refused:
        overrides.override(session, worker, row.id, check.id, note, attempt=uuid4())
    assert refused.value.code == code
    assert session.get_one(Check, (row.office_id, check.id)).overridden_by is None


def test_a_colleague_who_was_quicker_keeps_her_note(
    session: Session, worker: Staff, twice: tuple[Submission, checks.CheckRow]
) -> None:
    row, check = twice
    quick = factories.staff(session, name="試田 美紀")
    overrides.override(session, quick, row.id, check.id, "先に", attempt=uuid4())
    with pytest.raises(NotAnOverride) as refused:
        overrides.override(session, worker, row.id, check.id, "あとから", attempt=uuid4())
    assert (refused.value.code, refused.value.who) == ("already", "試田 美紀")


def test_what_passed_and_what_is_decided_is_not_overridden(
    session: Session, worker: Staff, twice: tuple[Submission, checks.CheckRow]
) -> None:
    row, check = twice
    passed = next(one for one in checks.of(session, drafts.sent_version(session, row)) if one.result is Result.PASS)
    with pytest.raises(ChangedMeanwhile):
        overrides.override(session, worker, row.id, passed.id, "よい", attempt=uuid4())
    review.claim(session, worker, row.id)
    overrides.override(session, worker, row.id, check.id, "よい", attempt=uuid4())
    review.accept(session, worker, row.id, seen=row.revision, attempt=uuid4())
    with pytest.raises(ChangedMeanwhile):
        overrides.take_back(session, worker, row.id, check.id)


def test_another_offices_a_strangers_and_an_old_versions_check_are_not_there(
    session: Session, who: Recipient, worker: Staff, twice: tuple[Submission, checks.CheckRow]
) -> None:
    row, check = twice
    elsewhere = factories.staff(session, Role.SUPERVISOR, office_id=factories.office(session, "XX").id)
    for one in (elsewhere, factories.staff(session, Role.CLERK), factories.staff(session, Role.ADMINISTRATOR)):
        with pytest.raises(NotThere):
            overrides.override(session, one, row.id, check.id, "よい", attempt=uuid4())
    other = sent(session, factories.recipient(session, factories.household(session, worker)))
    with pytest.raises(NotThere):
        overrides.override(session, worker, other.id, check.id, "よい", attempt=uuid4())
    drafts.change(session, who, row.id)
    intake.send(session, who, row.id, attempt=uuid4())
    with pytest.raises(ChangedMeanwhile):  # whose page gives back what was written
        overrides.override(session, worker, row.id, check.id, "よい", attempt=uuid4())


def test_the_queue_is_narrowed_by_what_the_checks_say(session: Session, worker: Staff, who: Recipient) -> None:
    clean, odd = sent(session, who), sent(session, who)
    unclear, _file = with_file(session, who, NOVEMBER)
    unclear.move(State.WAITING, MACHINE)
    message = filled.start(session, who, DutyKind.MESSAGE, OCTOBER)
    filled.write(session, who, message.id, "tell", {"tell": "あります"})
    intake.send(session, who, message.id, attempt=uuid4())

    def ids(check: Checked | None) -> set[Any]:
        wanted = Wanted(check=check)
        rows = queue.waiting(session, worker, wanted)
        assert queue.counts(session, worker, wanted)[queue.Tab.ALL] == len(rows)
        return {row.id for row in rows}

    assert ids(Checked.FAIL) == {odd.id}
    assert ids(Checked.CANT_TELL) == {unclear.id}
    assert ids(Checked.PASS) == {clean.id}
    assert ids(None) == {clean.id, odd.id, unclear.id, message.id}
    marks = {row.id: (row.fails, row.unclear) for row in queue.waiting(session, worker)}
    assert marks == {clean.id: (0, 0), odd.id: (1, 0), unclear.id: (0, 1), message.id: (0, 0)}
    assert queue.next_for(session, worker, Wanted(check=Checked.FAIL)) == odd.id
    (check,) = [one for one in checks.of(session, drafts.sent_version(session, odd)) if one.stands]
    overrides.override(session, worker, odd.id, check.id, "よい", attempt=uuid4())
    assert (ids(Checked.FAIL), ids(Checked.PASS)) == (set(), {clean.id, odd.id})


# ---- the rules alone


def test_months_say_each_other_report_and_the_one_that_is_missing() -> None:
    assert rules.months(OCTOBER, [], None).result is Result.PASS
    both = rules.months(OCTOBER, [Sent(HERE, "HB8-1")], date(2026, 10, 28))
    assert [finding.code for finding in both.findings] == ["twice", "missing"]
    assert both.findings[1].expected == {"month": "2026-09-01"}
    assert both.result is Result.FAIL


def test_files_fail_before_they_cannot_tell() -> None:
    assert rules.files([]) is None
    waiting, safe = Paper(uuid4(), looked_at=False), Paper(uuid4(), looked_at=True)
    alike = Paper(uuid4(), looked_at=True, how=How.ALIKE, submission_id=HERE, number="HB8-1")
    for papers, result in (
        ([safe], Result.PASS),
        ([safe, waiting], Result.CANT_TELL),
        ([waiting, alike], Result.FAIL),
    ):
        outcome = rules.files(papers)
        assert outcome is not None
        assert outcome.result is result


def job(**given: Any) -> dict[str, Any]:
    return {"worked": "yes", "jobs": [{"gross_yen": 85_400, "work_days": 18, "social_insurance_yen": 470, **given}]}


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        (job(), None),
        (job(gross_yen=0, work_days=0, social_insurance_yen=0), None),
        (job(social_insurance_yen=80_000, income_tax_yen=5_401), "taken_off"),
        (job(social_insurance_yen=80_000, income_tax_yen=4_930), None),
        (job(work_days=31), None),
        (job(work_days=32), "days"),
        (job(work_days=-1), "days"),
        (job(before1_gross_yen=85_400, before1_work_days=31), "days"),
        (job(estimate_gross_yen=85_400, estimate_work_days=31), "days"),
        (job(gross_yen=-1, social_insurance_yen=0), "negative"),
        (job(gross_yen=MOST_A_MONTH + 1), "too_much"),
        (job(gross_yen=1_800_001), "a_day"),
        (job(gross_yen=1_800_000), None),
        (job(bonus_yen=5_000_001), "too_much"),
        (job(gross_yen=None), "no_amount"),
        ({"pension": "yes", "pensions": [{"amount_yen": 1_000_001, "per": "two_months"}]}, "too_much"),
        ({"pension": "yes", "pensions": [{"amount_yen": 1_000_001, "per": "year"}]}, None),
        ({"other": "yes", "others": [{}]}, "no_amount"),
        ({"remittance": "yes", "remittances": [{"amount_yen": 5_000_001}]}, "too_much"),
        ({"expected": "yes", "expectations": [{"expected_yen": -5}]}, "negative"),
    ],
)
def test_sums_that_cannot_be(answers: dict[str, Any], code: str | None) -> None:
    outcome = rules.sums(answers, OCTOBER)
    assert outcome is not None
    assert [finding.code for finding in outcome.findings] == ([code] if code else [])
    expected = Result.PASS if code is None else Result.CANT_TELL if code == "no_amount" else Result.FAIL
    assert outcome.result is expected


def test_where_nothing_is_declared_there_is_nothing_to_add_up() -> None:
    assert rules.sums({"worked": "no", "jobs": [{"gross_yen": -1}], "pension": "no"}, OCTOBER) is None


@given(
    st.fixed_dictionaries(
        {
            "gross_yen": st.none() | st.integers(-10, 9_999_999),
            "work_days": st.none() | st.integers(-1, 40),
            "social_insurance_yen": st.none() | st.integers(0, 9_999_999),
        }
    )
)
def test_whatever_is_declared_each_finding_says_both_sides_in_plain_facts(answers: dict[str, Any]) -> None:
    outcome = rules.sums({"worked": "yes", "jobs": [answers]}, OCTOBER)
    assert outcome is not None
    for finding in outcome.findings:
        assert finding.found["place"].startswith("jobs-0-")
        assert all(isinstance(fact, int | str) for fact in (*finding.found.values(), *finding.expected.values()))
