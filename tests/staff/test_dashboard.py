"""係の状況: what is counted, what the titles say, where the figures lead, and who may look."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, dashboard, duties, owed, review
from shared.dashboard import Asked, CheckIns, Figures, Load
from shared.errors import NotThere
from shared.model import Duty, DutyKind, Reason, Role, State, Submission
from shared.owed import Wanted
from shared.queue import Scope
from shared.rules.figures import Age
from shared.sign_in import Staff
from tests import factories
from tests.staff.conftest import Answer, Desk
from tests.staff.scene import Scene, set_out, taken
from uploads.storage import FolderStorage

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]
THURSDAY = date(2026, 11, 19)


@pytest.fixture(autouse=True)
def now(evening: datetime) -> datetime:
    """Thursday, 19 November 2026."""
    return evening


@pytest.fixture
def chief(make_session: Make) -> Staff:
    with make_session.begin() as session:
        return factories.staff(session, Role.SUPERVISOR, name="仮山 百合")


def figures(make_session: Make, chief: Staff) -> Figures:
    with make_session() as session:
        return dashboard.of(session, chief, clock.now())


def on(day: int, hour: int = 9) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=clock.TOKYO)


def came(session: Session, worker: Staff, moment: datetime) -> Submission:
    """A report that waits since then."""
    with clock.at(moment):
        who = factories.recipient(session, factories.household(session, worker))
        row = factories.submission(session, State.WAITING, who)
    assert row.arrived_at == moment
    return row


def heads(page: Answer) -> dict[str, str]:
    return dict(re.findall(r'<h2 id="([^"]+)">([^<]*)</h2>', page.html))


def test_what_waits_is_counted_by_open_days_and_by_caseworker(enter: Enter, make_session: Make, chief: Staff) -> None:
    with make_session.begin() as session:
        one, two = factories.staff(session), factories.staff(session, name="試田 美紀")
        for day in (19, 18, 13):  # Friday the 13th: four open days ago
            came(session, one, on(day))
        came(session, two, on(2))
        elsewhere = factories.staff(session, office_id=factories.office(session, "XX").id, name="他所 遠")
        came(session, elsewhere, on(19))
    found = figures(make_session, chief)
    assert [(age.days, age.count) for age in found.ages if age.count] == [(0, 1), (1, 1), (4, 1), (5, 1)]
    assert [(load.caseworker, load.waiting) for load in found.loads] == [("例野 太郎", 3), ("試田 美紀", 1)]
    assert found.late == sum(age.late for age in found.ages) > 0
    page = enter(chief).open("/dashboard")
    assert heads(page)["ages"] == f"見る約束の日をすぎたものが{found.late}件"
    assert "他所 遠" not in page.html
    assert '<text class="val hit-text" x="' in page.html


def test_one_with_far_more_than_the_others_is_named_and_otherwise_nobody(
    enter: Enter, make_session: Make, chief: Staff
) -> None:
    with make_session.begin() as session:
        one, two = factories.staff(session), factories.staff(session, name="試田 美紀")
        for worker in (one, two):
            came(session, worker, on(19))
    assert heads(enter(chief).open("/dashboard"))["loads"] == "担当の間に、大きな差はありません"
    with make_session.begin() as session:
        for _more in range(6):
            came(session, two, on(19))
    assert heads(enter(chief).open("/dashboard"))["loads"] == "試田 美紀さんに寄っています（平均より3件多い）"


def test_a_day_is_the_offices_day(enter: Enter, make_session: Make, chief: Staff) -> None:
    with make_session.begin() as session:
        worker = factories.staff(session)
        for moment in (on(17, 23), on(18, 0), on(18, 8), on(5)):  # the last: on a day no longer shown
            came(session, worker, moment)
    found = figures(make_session, chief)
    assert found.arrivals[0][0] == THURSDAY - timedelta(days=13)
    assert [(day.day, count) for day, count in found.arrivals if count] == [(17, 1), (18, 2)]
    assert heads(enter(chief).open("/dashboard"))["arrivals"] == "この2週間で多いのは11月18日(水)の2件"


def test_the_time_to_the_first_look_is_in_open_days_and_counts_the_first_alone(
    enter: Enter, make_session: Make, chief: Staff
) -> None:
    with make_session.begin() as session:
        worker = factories.staff(session)
        for came_on, looked_on in ((13, 16), (13, 18), (18, 18), (16, 19)):
            row = came(session, worker, on(came_on))
            for hour in (12, 13):  # the second time is not the first
                with clock.at(on(min(looked_on + hour - 12, 19), hour)):
                    review.claim(session, worker, row.id)
                    review.release(session, worker, row.id)
        came(session, worker, on(18))  # nobody has looked yet
    found = figures(make_session, chief)
    assert found.first_looks == [1, 1, 0, 2, 0, 0]
    assert found.median_look == 1
    assert heads(enter(chief).open("/dashboard"))["looks"] == "半分は、1開庁日以内に見ています"


def test_reasons_are_counted_by_form_so_that_the_form_can_be_mended(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage, chief: Staff
) -> None:
    with make_session.begin() as session:
        for reason in (Reason.DARK, Reason.DARK, Reason.CUT_OFF):
            asked(session, set_out(session, bytes_kept), reason)
        with clock.at(clock.now() - timedelta(days=100)):
            asked(session, set_out(session, bytes_kept), Reason.OTHER)
    kind = DutyKind.INCOME_REPORT
    assert figures(make_session, chief).asked == [Asked(kind, Reason.DARK, 2), Asked(kind, Reason.CUT_OFF, 1)]
    page = enter(chief).open("/dashboard")
    assert heads(page)["reasons"] == "補正の理由は「暗い・ぼやけている」が67%"
    assert "100%" not in heads(page)["reasons"]


def asked(session: Session, scene: Scene, reason: Reason, attempt: UUID | None = None) -> None:
    row = taken(session, scene)
    wish = review.AskAgain(row.revision, attempt or uuid4(), {scene.file_id: (reason, "")})
    review.send_back(session, scene.worker, row.id, wish)


def test_a_correction_that_was_taken_back_is_no_reason(
    make_session: Make, bytes_kept: FolderStorage, chief: Staff
) -> None:
    with make_session.begin() as session:
        scene, attempt = set_out(session, bytes_kept), uuid4()
        asked(session, scene, Reason.DARK, attempt)
        review.undo(session, scene.worker, scene.submission_id, attempt=attempt)
    assert figures(make_session, chief).asked == []


def test_overdue_is_what_the_list_behind_it_says(enter: Enter, make_session: Make, chief: Staff) -> None:
    with make_session.begin() as session:
        for month in (8, 9, 10):
            who = factories.recipient(session)
            duties.open_duty(session, factories.office(session), who.household_id, who.member_id, date(2026, month, 1))
        found = dashboard.of(session, chief, clock.now())
        wanted = Wanted(Scope.ALL, overdue=True)
        assert found.overdue == owed.count(session, chief, wanted, clock.today()) == 2
        assert [(row.kind, row.owed, row.overdue) for row in found.owed] == [(DutyKind.INCOME_REPORT, 3, 2)]
    page = enter(chief).open("/dashboard")
    assert heads(page)["owed"] == "期限をすぎた書類は2件"
    (address,) = re.findall(r'href="(/owed[^"]*kind=[^"]*overdue=yes[^"]*)"', page.html)
    listed = enter(chief).open(address.replace("&amp;", "&"))
    assert "2件" in listed.html


def test_check_ins_are_counted_of_those_whose_day_is_over(enter: Enter, make_session: Make, chief: Staff) -> None:
    with make_session.begin() as session:
        for at in range(4):
            who = factories.recipient(session)
            for month, due in ((date(2026, 9, 1), date(2026, 10, 10)), (date(2026, 11, 1), date(2026, 12, 10))):
                facts = {"household_id": who.household_id, "member_id": who.member_id, "month": month, "due_on": due}
                session.add(Duty(office_id=who.office_id, kind=DutyKind.STATUS_CHECK_IN, **facts))
            if at == 0:
                row = factories.submission(session, State.WAITING, who)
                row.kind, row.month = DutyKind.STATUS_CHECK_IN, date(2026, 9, 1)
    assert figures(make_session, chief).check_ins == [CheckIns(date(2026, 9, 1), 4, 1)]
    assert heads(enter(chief).open("/dashboard"))["check-ins"] == "9月の「今月のようす」は、25%の人から届きました"


def test_an_empty_office_has_a_whole_page_of_noughts(enter: Enter, make_session: Make, chief: Staff) -> None:
    found = figures(make_session, chief)
    assert (found.waiting, found.late, found.overdue, found.median_look) == (0, 0, 0, None)
    assert found.ages == [Age(day, 0, 0) for day in range(6)]
    page = enter(chief).open("/dashboard")
    assert page.status == 200
    assert heads(page) == {
        "owed": "期限をすぎた書類はありません",
        "ages": "確認を待っているものはありません",
        "loads": "担当ごとの確認待ちはありません",
        "arrivals": "この2週間に届いたものはありません",
        "looks": "この4週間に見はじめたものはありません",
        "reasons": "この3か月、補正のおねがいはありません",
        "check-ins": "期限が来た「今月のようす」はありません",
        "second": "この3か月、二度目の確認に当たったものはありません",
    }


def test_more_papers_are_not_more_questions_to_the_database(engine: Engine, make_session: Make, chief: Staff) -> None:
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    sizes = []
    for _more in range(2):
        with make_session.begin() as session:
            for _each in range(3):
                came(session, factories.staff(session), on(18))
        asked.clear()
        found = figures(make_session, chief)
        sizes.append((found.waiting, len(asked)))
    (few, questions), (many, again) = sizes
    assert (few, many) == (3, 6)
    assert questions == again


def test_the_figures_are_the_supervisors_alone(make_session: Make) -> None:
    with make_session.begin() as session:
        for role in set(Role) - {Role.SUPERVISOR}:
            with pytest.raises(NotThere):
                dashboard.of(session, factories.staff(session, role), clock.now())


def test_every_chart_begins_at_zero_and_says_in_words_what_it_draws(
    enter: Enter, make_session: Make, chief: Staff
) -> None:
    with make_session.begin() as session:
        worker = factories.staff(session)
        for _each in range(3):
            came(session, worker, on(19))
        for _each in range(2):
            came(session, worker, on(18))
    page = enter(chief).open("/dashboard")
    chart = page.html.partition('id="ages-told"')[2].partition("</svg>")[0]
    assert "0日 3、1日 2" in chart
    marks = r'<rect class="c1" x="[\d.]+" y="([\d.]+)" width="[\d.]+" height="([\d.]+)"'
    bars = [(float(y), float(tall)) for y, tall in re.findall(marks, chart)]
    assert [round(y + tall) for y, tall in bars] == [164, 164], "both stand on the axis"
    assert bars[1][1] / bars[0][1] == pytest.approx(2 / 3, abs=0.01)
    assert figures(make_session, chief).loads == [Load(worker.staff_id, "例野 太郎", 5, 0)]
