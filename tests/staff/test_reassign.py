"""担当替え, over HTTP: the list and the district, the plan before the act, and what is refused."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from shared.model import Household, LogEntry, Reassignment, Role
from shared.sign_in import Staff
from staff import reassign
from tests import factories
from tests.staff.conftest import Answer, Desk

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]


@pytest.fixture
def people(make_session: Make) -> tuple[Staff, Staff, Staff]:
    """A supervisor and two caseworkers; the first has three households, two of them in 駅前."""
    with make_session.begin() as session:
        chief = factories.staff(session, Role.SUPERVISOR, name="控田 百合", login="hikaeda")
        reino = factories.staff(session, name="例野 太郎", login="reino")
        shida = factories.staff(session, name="試田 美紀", login="shida")
        for case_no, district in (("0001", "駅前"), ("0002", "駅前"), ("0003", None)):
            factories.recipient(session, factories.household(session, reino, case_no=case_no, district=district))
    return chief, reino, shida


@pytest.fixture
def desk(enter: Enter, people: tuple[Staff, Staff, Staff]) -> Desk:
    return enter(people[0])


def upload(desk: Desk, content: bytes) -> Answer:
    fields = {**desk.open("/reassign").form("/reassign/list").fields, "list": (io.BytesIO(content), "担当.csv")}
    return Answer(desk.client.post("/reassign/list", data=fields, content_type="multipart/form-data", buffered=True))


def apply(desk: Desk, plan: Answer, **more: str) -> Answer:
    lines = plan.html.partition('<textarea name="lines" hidden>')[2].partition("</textarea>")[0]
    return desk.send(plan, "/reassign", lines=lines.replace("&#39;", "'"), **more)


def whose(make_session: Make) -> dict[str, tuple[object, str | None]]:
    with make_session() as session:
        columns = Household.case_no, Household.caseworker_id, Household.district
        return {case_no: (worker, district) for case_no, worker, district in session.execute(select(*columns))}


def test_a_list_says_what_it_would_change_and_then_changes_it(
    enter: Enter, make_session: Make, people: tuple[Staff, Staff, Staff], desk: Desk
) -> None:
    _chief, reino, shida = people
    before = whose(make_session)
    plan = upload(
        desk, "ケース番号,担当のログイン,地区\r\n0001,shida,\r\n0003,reino,本町\r\n0002,reino,\r\n".encode("cp932")
    )
    assert plan.status == 200
    assert "<h1>2世帯が変わります</h1>" in plan.html
    assert "まだ何も変えていません" in plan.html
    assert whose(make_session) == before
    for _ in range(2):
        assert apply(desk, plan).place == "/reassign"
    assert "1世帯の担当を変えました（地区が変わったもの 1世帯）" in desk.open("/reassign").html
    assert whose(make_session) == {
        "0001": (shida.staff_id, "駅前"),
        "0002": (reino.staff_id, "駅前"),
        "0003": (reino.staff_id, "本町"),
    }
    assert "担当替えで、あなたの1世帯が、ほかの人の担当になりました。" in enter(reino).open("/").html
    assert "担当替えで、1世帯が、あなたの担当になりました。" in enter(shida).open("/").html
    with make_session() as session:
        assert session.scalar(select(func.count()).select_from(Reassignment)) == 1
        assert session.scalar(select(func.count()).where(LogEntry.event == "household.reassigned")) == 2


def test_a_faulty_line_is_named_and_holds_everything_until_one_says_to_leave_it_out(
    make_session: Make, people: tuple[Staff, Staff, Staff], desk: Desk
) -> None:
    before = whose(make_session)
    plan = upload(
        desk, "ケース番号,担当のログイン\n0001,shida\n0009,shida\n0002,nobody\n0001,reino\n3,shida\n".encode()
    )
    assert "4行は、このままでは使えません" in plan.html
    for no, said in (
        (3, "このケース番号の世帯はありません"),
        (4, "このログインの職員はいません"),
        (5, "同じケース番号が、上の行にもあります"),
        (6, "はじめの0を消したのかもしれません"),
    ):
        row = plan.html.partition(f'<td class="right num">{no}</td>')[2].partition("</tr>")[0]
        assert said in row, no
    refused = apply(desk, plan)
    assert refused.status == 409
    assert "4行は、このままでは使えません" in refused.html
    assert whose(make_session) == before
    assert apply(desk, plan, only_good="yes").status == 303
    assert whose(make_session)["0001"][0] == people[2].staff_id
    assert whose(make_session)["0002"] == before["0002"]


def test_a_district_goes_to_a_colleague(make_session: Make, people: tuple[Staff, Staff, Staff], desk: Desk) -> None:
    page = desk.open("/reassign")
    assert "駅前（2世帯）" in page.html
    plan = desk.send(page, "/reassign/district", district="駅前", colleague=str(people[2].staff_id))
    assert "<h1>2世帯が変わります</h1>" in plan.html
    assert apply(desk, plan).status == 303
    now = whose(make_session)
    assert [now[case_no][0] for case_no in ("0001", "0002", "0003")] == [
        people[2].staff_id,
        people[2].staff_id,
        people[1].staff_id,
    ]


@pytest.mark.parametrize(
    ("district", "colleague", "said"),
    [
        ("", "", "だれの担当にするかを、えらんでください"),
        ("駅前", "x", "だれの担当にするかを、えらんでください"),
        ("", "shida", "地区をえらんでください"),
        ("どこにもない", "shida", "地区をえらんでください"),
    ],
)
def test_a_district_form_that_says_too_little(
    people: tuple[Staff, Staff, Staff], desk: Desk, district: str, colleague: str, said: str
) -> None:
    key = str(people[2].staff_id) if colleague == "shida" else colleague
    answer = desk.send(desk.open("/reassign"), "/reassign/district", district=district, colleague=key)
    assert answer.status == 422
    assert said in answer.html


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "CSVファイルをえらんでください"),
        (b"\xff\xff\x81", "文字コードを読めません"),
        ("名前,地区\n見本,本町\n".encode(), "1行目に「ケース番号」と「担当のログイン」の見出しが見つかりません"),
        ("ケース番号,担当のログイン\n".encode(), "見出しのほかに、行がありません"),
        (b"case_no,login\n" + b"1,a\n" * 6001, "一度に6000行までにしてください"),
        (b"x" * 300_001, "2MBまでにしてください"),
        (b'case_no,login\n1,"' + b"a" * 200_000 + b'"\n', "CSVとして読めません"),
        (b"\x00\n", "見出しが見つかりません"),
    ],
)
def test_what_is_no_list_is_said_in_a_sentence(
    desk: Desk, content: bytes, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reassign, "LARGEST", 300_000)
    answer = upload(desk, content)
    assert answer.status == 422
    assert said in answer.html


def test_a_plan_that_changes_nothing_offers_no_button(desk: Desk) -> None:
    plan = upload(desk, "ケース番号,担当のログイン\n0001,reino\n".encode())
    assert "変わる世帯はありません" in plan.html
    assert "世帯を変える" not in plan.html
    assert apply(desk, plan).place == "/reassign"
    assert "変わる世帯はありませんでした。" in desk.open("/reassign").html
    assert desk.send(plan, "/reassign", lines="nonsense").status == 422


def test_the_present_list_is_a_template_that_changes_nothing_and_no_formula(
    make_session: Make, people: tuple[Staff, Staff, Staff], desk: Desk
) -> None:
    with make_session.begin() as session:
        factories.household(session, people[1], case_no="=1+2", district="@本町")
    answer = desk.open("/reassign/list.csv")
    assert answer.response.data.startswith(b"\xef\xbb\xbf")
    assert "attachment" in answer.response.headers["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(answer.html.removeprefix("\ufeff"))))
    assert rows[0] == ["ケース番号", "担当のログイン", "地区"]
    assert ["'=1+2", "reino", "'@本町"] in rows
    assert "例野" not in answer.html
    assert "変わる世帯はありません" in upload(desk, answer.response.data).html
    with make_session() as session:
        assert session.scalar(select(func.count()).where(LogEntry.event == "assignment.downloaded")) == 1


def test_what_somebody_wrote_into_a_cell_is_shown_as_it_is(desk: Desk) -> None:
    plan = upload(desk, "ケース番号,担当のログイン,地区\n<b>,<script>,</textarea>\n".encode())
    assert "<script>" not in plan.html.partition("<main")[2].replace("</textarea>\n  <div", "")
    assert "&lt;script&gt;" in plan.html
    assert "&lt;/textarea&gt;" in plan.html


def test_the_way_there_stands_with_the_households_and_only_for_a_supervisor(
    enter: Enter, people: tuple[Staff, Staff, Staff], desk: Desk
) -> None:
    assert 'href="/reassign"' in desk.open("/households").html
    assert 'href="/reassign"' not in enter(people[1]).open("/households").html
    assert "駅前" in desk.open("/households?district=駅前").html
