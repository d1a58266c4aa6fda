"""担当替え: a list as spreadsheets write it, what it would change, and changing it."""

from __future__ import annotations

import time
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from shared import assignment, clock, cover, journal, review
from shared.assignment import LinesAtFault
from shared.errors import NotThere
from shared.model import Claim, Household, LogEntry, News, Reassignment, Role, StaffMember, State, new_id
from shared.rules.assignment import MOST, Line, NotAList, decoded, read, written
from shared.sign_in import Staff
from tests import factories

HEAD = ("ケース番号", "担当のログイン", "地区")


@pytest.fixture
def chief(session: Session) -> Staff:
    return factories.staff(session, Role.SUPERVISOR, name="控田 百合", login="hikaeda")


@pytest.fixture
def reino(session: Session) -> Staff:
    return factories.staff(session, name="例野 太郎", login="reino")


@pytest.fixture
def shida(session: Session) -> Staff:
    return factories.staff(session, name="試田 美紀", login="shida")


@pytest.mark.parametrize(
    "content",
    [
        "ケース番号,担当のログイン,地区\r\n0042,shida,本町\r\n0043,shida,\r\n".encode(),
        "\ufeffケース番号,担当のログイン,地区\n0042,shida,本町\n0043,shida,\n".encode(),
        "ケース番号,担当のログイン,地区\r\n0042,shida,本町\r\n0043,shida,\r\n".encode("cp932"),
        "ケース番号\t担当のログイン\t地区\r\n0042\tshida\t本町\r\n0043\tshida\t\r\n".encode("utf-16"),
        '"ケース番号","担当のログイン","地区"\r\n"0042","shida","本町"\r\n"0043","shida",""\r\n'.encode(),
        "地区,名前,case_no,login\n本町,見本　花子,００４２, shida \n,見本　次郎,0043,shida\n".encode(),
    ],
)
def test_a_list_is_read_however_it_was_saved(content: bytes) -> None:
    lines = read(decoded(content))
    assert lines == [Line(2, "0042", "shida", "本町"), Line(3, "0043", "shida", None)]


def test_lines_keep_the_numbers_of_the_file_also_when_they_are_carried_on() -> None:
    text = 'ケース番号,担当のログイン\n\n1,reino\n,,\n"2\n",shida\n3,shida\n'
    lines = read(text)
    assert [(line.no, line.case_no) for line in lines] == [(3, "1"), (5, "2"), (7, "3")]
    assert read(written(lines, HEAD)) == lines


def test_without_a_column_of_districts_they_stay_and_a_dash_takes_one_away() -> None:
    assert [line.district for line in read("case_no,login\n1,a\n")] == [None]
    lines = read("case_no,login,地区\n1,a,-\n2,a,\n3,a,本町\n")
    assert [line.district for line in lines] == ["", None, "本町"]
    assert read(written(lines, HEAD)) == lines


def test_no_cell_becomes_a_formula_and_it_is_read_back_as_it_was() -> None:
    lines = [Line(2, "=1+1", "@sum", "+本町"), Line(3, "-5", "reino", "−駅前")]
    text = written(lines, HEAD)
    assert text.startswith("\ufeff")
    for row in text.splitlines()[1:]:
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.split(","))
    assert [(line.case_no, line.login, line.district) for line in read(text)] == [
        ("=1+1", "@sum", "+本町"),
        ("-5", "reino", "−駅前"),
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\xff\xff\x81", "coding"),
        ("名前,地区\n見本,本町\n".encode(), "columns"),
        (b"", "columns"),
        ("ケース番号,担当のログイン\n\n".encode(), "empty"),
        (b"case_no,login\n" + b"1,a\n" * (MOST + 1), "too_many"),
        (b'case_no,login\n1,"' + b"a" * 200_000 + b'"\n', "broken"),
    ],
)
def test_what_is_no_list_says_why(content: bytes, code: str) -> None:
    with pytest.raises(NotAList) as refused:
        read(decoded(content))
    assert refused.value.code == code


def test_what_is_wrong_with_a_line_by_itself() -> None:
    faults = [
        (Line(2, "", "reino"), "case_missing"),
        (Line(2, "1", ""), "login_missing"),
        (Line(2, "1" * 21, "reino"), "too_long"),
        (Line(2, "1", "r", "本" * 21), "too_long"),
        (Line(2, "1", "reino", "123456789018"), "my_number"),
        (Line(2, "1", "reino", "本町"), None),
    ]
    assert [line.fault for line, _code in faults] == [code for _line, code in faults]


def home(session: Session, worker: Staff, case_no: str, district: str | None = None) -> UUID:
    return factories.household(session, worker, case_no=case_no, district=district).id


def test_a_plan_counts_names_every_fault_and_changes_nothing(
    session: Session, chief: Staff, reino: Staff, shida: Staff
) -> None:
    factories.staff(session, Role.CLERK, login="shinami")
    gone = factories.staff(session, login="gone")
    session.get_one(StaffMember, (gone.office_id, gone.staff_id)).active = False
    for at in range(1, 5):
        home(session, reino, f"000{at}", "駅前")
    far = factories.staff(session, office_id=factories.office(session, "XX").id, login="far")
    home(session, far, "0009")
    lines = [
        Line(2, "0001", "shida"),
        Line(3, "0002", "reino"),
        Line(4, "0003", "reino", "本町"),
        Line(5, "0009", "shida"),
        Line(6, "4", "shida"),
        Line(7, "0004", "nobody"),
        Line(8, "0001", "reino"),
        Line(9, "", "reino"),
        Line(10, "0004", "shinami"),
    ]
    plan = assignment.plan(session, chief, lines)
    assert (plan.moved, plan.districts, plan.same, len(plan.changes)) == (1, 1, 1, 2)
    assert plan.moves == [("例野 太郎", "試田 美紀", 1)]
    assert [(fault.no, fault.code) for fault in plan.faults] == [
        (5, "case_unknown"),
        (6, "zeros"),
        (7, "login_unknown"),
        (8, "twice"),
        (9, "case_missing"),
        (10, "twice"),
    ]
    codes = [assignment.plan(session, chief, [Line(2, "0004", login)]).faults for login in ("shinami", "gone", "far")]
    assert [fault.code for faults in codes for fault in faults] == ["not_caseworker", "away", "login_unknown"]
    with pytest.raises(LinesAtFault):
        assignment.apply(session, chief, lines, attempt=uuid4())
    assert set(session.scalars(select(Household.caseworker_id))) == {reino.staff_id, far.staff_id}


def test_only_the_good_lines_are_followed_when_that_is_said(
    session: Session, chief: Staff, reino: Staff, shida: Staff
) -> None:
    one, other = home(session, reino, "0001"), home(session, reino, "0002")
    lines = [Line(2, "0001", "shida", "本町"), Line(3, "0007", "shida")]
    row = assignment.apply(session, chief, lines, attempt=uuid4(), only_good=True)
    assert (row.moved, row.districts) == (1, 1)
    session.expire_all()
    moved = session.get_one(Household, (chief.office_id, one))
    assert (moved.caseworker_id, moved.district) == (shida.staff_id, "本町")
    assert session.get_one(Household, (chief.office_id, other)).caseworker_id == reino.staff_id


def test_it_is_done_once_noted_for_each_household_and_told_to_those_concerned(
    session: Session, chief: Staff, reino: Staff, shida: Staff
) -> None:
    homes = [home(session, reino, f"000{at}") for at in range(3)]
    lines = [Line(at, f"000{at}", "shida") for at in range(3)]
    attempt = uuid4()
    row = assignment.apply(session, chief, lines, attempt=attempt)
    assert assignment.apply(session, chief, lines, attempt=attempt) is row
    assert session.scalar(select(func.count()).select_from(Reassignment)) == 1
    noted = session.scalars(
        select(LogEntry).where(LogEntry.event == "household.reassigned").order_by(LogEntry.seq)
    ).all()
    assert {entry.subject_id for entry in noted} == set(homes)
    assert all(entry.facts["was"] == str(reino.staff_id) for entry in noted)
    assert all(entry.facts["now"] == str(shida.staff_id) for entry in noted)
    assert journal.first_broken(session, chief.office_id) is None
    assert [(told.what, told.count, told.by) for told in cover.news(session, reino)] == [(News.GAVE, 3, "控田 百合")]
    assert [(told.what, told.count) for told in cover.news(session, shida)] == [(News.GOT, 3)]


def test_what_she_has_in_hand_stays_in_her_hand(session: Session, chief: Staff, reino: Staff, shida: Staff) -> None:
    who = factories.recipient(session, factories.household(session, reino, case_no="0001"))
    row = factories.submission(session, who=who)
    review.claim(session, reino, row.id)
    assignment.apply(session, chief, [Line(2, "0001", "shida")], attempt=uuid4())
    lease = session.get_one(Claim, (row.office_id, row.id))
    assert lease.staff_id == reino.staff_id
    assert review.accept(session, reino, row.id, seen=row.revision, attempt=uuid4()).state is State.ACCEPTED


def test_a_whole_district_goes_to_a_colleague(session: Session, chief: Staff, reino: Staff, shida: Staff) -> None:
    for at in range(3):
        home(session, reino, f"000{at}", "駅前" if at else "本町")
    assert assignment.districts(session, chief) == [("本町", 1), ("駅前", 2)]
    lines = assignment.of_district(session, chief, "駅前", shida.staff_id)
    plan = assignment.plan(session, chief, lines)
    assert (plan.moved, plan.districts, plan.faults) == (2, 0, [])
    for nobody in (chief.staff_id, new_id()):
        with pytest.raises(NotThere):
            assignment.of_district(session, chief, "駅前", nobody)


def test_nobody_but_a_supervisor_does_it_and_nothing_is_no_reassignment(
    session: Session, chief: Staff, reino: Staff
) -> None:
    home(session, reino, "0001")
    with pytest.raises(NotThere):
        assignment.apply(session, reino, [Line(2, "0001", "reino")], attempt=uuid4())
    with pytest.raises(ValueError, match="nothing"):
        assignment.apply(session, chief, [Line(2, "0001", "reino")], attempt=uuid4())


def test_the_present_list_changes_nothing(session: Session, chief: Staff, reino: Staff) -> None:
    home(session, reino, "0001", "本町")
    home(session, reino, "=2", None)
    lines = read(written(assignment.now(session, chief), HEAD))
    plan = assignment.plan(session, chief, lines)
    assert (plan.same, plan.changes, plan.faults) == (2, [], [])


def test_six_thousand_lines_take_seconds(session: Session, chief: Staff, reino: Staff, shida: Staff) -> None:
    facts = {"office_id": chief.office_id, "created_at": clock.now(), "caseworker_id": reino.staff_id}
    homes = [{**facts, "id": new_id(), "case_no": f"{at:06}", "protected": False} for at in range(MOST)]
    session.execute(insert(Household), homes)
    content = written([Line(at + 2, f"{at:06}", "shida", "緑ケ丘") for at in range(MOST)], HEAD).encode()
    began = time.perf_counter()
    lines = read(decoded(content))
    row = assignment.apply(session, chief, lines, attempt=uuid4())
    assert time.perf_counter() - began < 10
    assert (row.moved, row.districts) == (MOST, MOST)
