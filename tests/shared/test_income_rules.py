"""Expected beside found: each remark has its case, each fine report none, and nothing typed makes it fall over."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules.income import Papers, Remark, Seen, remarks

OCTOBER = date(2026, 10, 1)
HANAKO, TARO = "hanako", "taro"
JOB = {
    "worker": HANAKO,
    "employer": "株式会社みほん清掃",
    "gross_yen": 85_400,
    "social_insurance_yen": 470,
    "income_tax_yen": 0,
}
FINE = {"worked": "yes", "jobs": [JOB]}
SLIP = "給与明細　令和８年１０月分\n総支給額　８５，４００円"


def look(
    answers: dict[str, Any],
    *,
    before: dict[str, Any] | None = None,
    members: dict[str, str] | None = None,
    files: int = 1,
    texts: tuple[str, ...] = (),
    explained: bool = False,
) -> list[Remark]:
    papers = Papers(files=files, texts=texts, explained=explained)
    return remarks(answers, OCTOBER, before=before, members=members or {}, papers=papers)


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"before": FINE},
        {"before": {"worked": "no"}},
        {"members": {HANAKO: "見本　花子"}},
        {"texts": (SLIP,)},
        {"texts": ("2026年10月分 85400",)},
        {"texts": ("10月分 85,400",)},
        {"texts": ("", "令和8年9月分", SLIP)},
        {"files": 0, "explained": True},
    ],
)
def test_a_report_as_expected_is_not_remarked_on(facts: dict[str, Any]) -> None:
    assert look(FINE, **facts) == []


GROSS = "jobs-0-gross_yen"
CASES = [
    (
        {"worked": "yes", "jobs": [{**JOB, "gross_yen": 400}]},
        {},
        Remark(Seen.TAKEN_OFF, GROSS, {"taken": 470, "gross": 400}),
    ),
    (
        {"worked": "yes", "jobs": [{**JOB, "gross_yen": 854_000}]},
        {"before": FINE},
        Remark(Seen.FAR, GROSS, {"was": 85_400, "gross": 854_000}),
    ),
    (
        {"worked": "yes", "jobs": [{**JOB, "gross_yen": 8_540}]},
        {"before": FINE},
        Remark(Seen.FAR, GROSS, {"was": 85_400, "gross": 8_540}),
    ),
    ({"worked": "no"}, {"before": FINE}, Remark(Seen.GONE, "", {"employer": "株式会社みほん清掃"})),
    (FINE, {"members": {HANAKO: "見本　花子", TARO: "見本　太郎"}}, Remark(Seen.UNSAID, "", {"name": "見本　太郎"})),
    (FINE, {"files": 0}, Remark(Seen.NO_PAPERS, "", {"needed": 1, "found": 0})),
    (
        {"worked": "yes", "jobs": [JOB, {**JOB, "employer": "れいだい食堂"}]},
        {},
        Remark(Seen.PAPERS, "", {"needed": 2, "found": 1}),
    ),
    (FINE, {"texts": ("令和8年9月分 85,400円",)}, Remark(Seen.MONTH, "", {"months": [date(2026, 9, 1)]})),
    (FINE, {"texts": ("令和8年10月分 84,500円",)}, Remark(Seen.AMOUNT, GROSS, {"gross": 85_400})),
    (FINE, {"texts": ("令和8年10月分 185,400円",)}, Remark(Seen.AMOUNT, GROSS, {"gross": 85_400})),
]


@pytest.mark.parametrize(("answers", "facts", "remark"), CASES, ids=[case[2].seen.value for case in CASES])
def test_what_differs_from_what_is_expected_is_said(
    answers: dict[str, Any], facts: dict[str, Any], remark: Remark
) -> None:
    assert look(answers, **facts) == [remark]


def test_every_kind_of_remark_has_a_case() -> None:
    assert {remark.seen for _answers, _facts, remark in CASES} == set(Seen)


def test_who_has_no_income_and_says_why_is_not_missed() -> None:
    members = {HANAKO: "見本　花子", TARO: "見本　太郎"}
    assert look({**FINE, "all_work": "no", "without": [{"member": TARO, "reason": "ill"}]}, members=members) == []
    quiet = {**FINE, "all_work": "yes", "without": [{"member": TARO, "reason": "ill"}]}
    assert [one.seen for one in look(quiet, members=members)] == [Seen.UNSAID], "what is not asked is not said"


def test_other_work_of_the_same_person_is_compared_with_nothing() -> None:
    other = {"worked": "yes", "jobs": [{**JOB, "employer": "みほん食堂", "gross_yen": 900_000}]}
    assert [one.seen for one in look(other, before=FINE)] == [Seen.GONE]


answers = st.fixed_dictionaries(
    {"worked": st.sampled_from(["yes", "no"])},
    optional={
        "jobs": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "worker": st.sampled_from([HANAKO, TARO]),
                    "employer": st.text(max_size=5),
                    "gross_yen": st.integers(0, 9_999_999),
                    "social_insurance_yen": st.integers(0, 9_999_999),
                    "income_tax_yen": st.integers(0, 9_999_999),
                },
            ),
            max_size=3,
        ),
        "all_work": st.sampled_from(["yes", "no"]),
        "without": st.lists(st.fixed_dictionaries({"member": st.just(TARO)}), max_size=2),
    },
)


@given(
    now=answers,
    before=st.none() | answers,
    texts=st.lists(st.text(max_size=30) | st.from_regex(r"(令和|R)?(元|\d{1,4})年\d{1,2}月分"), max_size=3),
    files=st.integers(0, 3),
)
def test_whatever_is_half_written_or_printed_it_only_remarks(
    now: dict[str, Any], before: dict[str, Any] | None, texts: list[str], files: int
) -> None:
    found = look(now, before=before, members={HANAKO: "見本　花子"}, texts=tuple(texts), files=files)
    jobs = len(now.get("jobs", ())) if now["worked"] == "yes" else 0
    assert all(one.place == "" or int(one.place.split("-")[1]) < jobs for one in found)
