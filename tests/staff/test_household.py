"""世帯: who finds and opens which household, what stands on its sheet, and what the journal says of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, duties, household, intake, messages, review
from shared.household import Cell
from shared.model import DutyKind, Household, HouseholdLook, LogEntry, Member, Reason, Role, Situation, State
from shared.sign_in import Recipient, Staff
from tests import factories
from tests.staff.conftest import Answer, Desk
from tests.staff.scene import Scene, clerk, issued, set_out, taken
from uploads.storage import FolderStorage

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]
SEPTEMBER, OCTOBER = date(2026, 9, 1), date(2026, 10, 1)


@pytest.fixture(autouse=True)
def now(evening: datetime) -> datetime:
    """19 November: what was due on 28 October is late, what is due on 30 November is not."""
    return evening


def lives(session: Session, worker: Staff, name: str, kana: str, **given: str | bool) -> Recipient:
    return factories.recipient(session, factories.household(session, worker, **given), name=name, kana=kana)


def names(answer: Answer) -> list[str]:
    return re.findall(r'class="who"[^>]*>([^<]+)<', answer.html)


def viewed(make_session: Make) -> list[LogEntry]:
    with make_session() as session:
        return list(
            session.scalars(select(LogEntry).where(LogEntry.event == "household.viewed").order_by(LogEntry.seq))
        )


def text(answer: Answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.html.partition("<main")[2]).split())


def test_a_household_is_found_by_number_name_and_kana_ones_own_first(
    enter: Enter, make_session: Make, worker: Staff
) -> None:
    with make_session.begin() as session:
        colleague = factories.staff(session, name="試田 美紀")
        lives(session, colleague, "見本　一郎", "あほん　いちろう", case_no="220011")
        mine = lives(session, worker, "見本　花子", "みほん　はなこ", case_no="110022")
        child = {"name": "題見　陽太", "kana": "だいみ　ようた", "is_head": False}
        session.add(Member(office_id=mine.office_id, household_id=mine.household_id, **child))
        lives(session, worker, "百%　守", "ひゃく　まもる", case_no="110033")
        elsewhere = factories.staff(session, office_id=factories.office(session, "XX").id)
        lives(session, elsewhere, "見本　遠", "みほん　とおい", case_no="110044")
    desk = enter(worker)
    assert names(desk.open("/households")) == ["百%　守", "見本　花子"], "one's own, in the order of the kana"
    for typed in ("見本", "110022 ", "ﾐﾎﾝ ﾊﾅｺ", "ハナコ", "見本花子", "ようた"):
        assert "見本　花子" in names(desk.open(f"/households?q={typed}")), typed
    assert names(desk.open("/households?q=見本")) == ["見本　花子", "見本　一郎"]
    assert names(desk.open("/households?q=%25")) == ["百%　守"], "a sign of SQL is only a sign"
    assert "見つかりません" in desk.open("/households?q=だれもいない").html


def test_a_long_list_says_that_it_is_not_all(
    enter: Enter, make_session: Make, worker: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staff.household.MOST", 2)
    with make_session.begin() as session:
        for at in range(3):
            lives(session, worker, f"見本　{at}", f"みほん　{at}")
    page = enter(worker).open("/households")
    assert names(page) == ["見本　0", "見本　1"]
    assert "はじめの2世帯です" in page.html


def test_a_strangers_protected_household_is_not_there(enter: Enter, make_session: Make, worker: Staff) -> None:
    with make_session.begin() as session:
        colleague, chief = factories.staff(session), factories.staff(session, Role.SUPERVISOR)
        elsewhere = factories.staff(session, office_id=factories.office(session, "XX").id)
        hidden = lives(session, colleague, "隠野　静", "かくしの　しずか", protected=True)
        foreign = lives(session, elsewhere, "他所　遠", "よそ　とおい")
    hers = enter(worker)
    for key in (hidden.household_id, foreign.household_id, factories.unknown_id()):
        page = hers.open(f"/households/{key}")
        assert page.status == 404, key
        assert enter(worker).open("/households?q=隠野").html.count("隠野　静") == 0
    form = hers.open("/owed").forms[0].fields  # the way out carries her token
    assert hers.post(f"/households/{hidden.household_id}", {**form, "reason": "確認のため"}).status == 404
    assert viewed(make_session) == []
    for who in (colleague, chief):
        assert "配慮が必要な世帯です" in enter(who).open(f"/households/{hidden.household_id}").html
        assert names(enter(who).open("/households?q=かくしの")) == ["隠野　静"]


def test_a_protected_one_opens_for_a_reason_that_is_kept(enter: Enter, make_session: Make, worker: Staff) -> None:
    with make_session.begin() as session:
        who = lives(session, worker, "隠野　静", "かくしの　しずか", protected=True, case_no="990001")
    desk, path = enter(worker), f"/households/{who.household_id}"
    asked = desk.open(path)
    assert "隠野" not in asked.html, "nothing is shown before"
    for reason in ("", "　", "あれ", "あ" * 501):
        answer = desk.send(asked, path, reason=reason)
        assert (answer.status, "隠野" in answer.html) == (422, False), reason
        assert 'aria-invalid="true"' in answer.html
    assert viewed(make_session) == []
    for _tap in range(2):
        answer = desk.send(asked, path, reason=" 10月分の確認のため ")
        assert (answer.status, answer.place) == (303, path)
    sheet = desk.open(path)
    assert "隠野　静" in sheet.html
    assert "10月分の確認のため" in sheet.html
    with make_session() as session:
        said = session.scalars(select(HouseholdLook)).one()
        assert (said.reason, said.staff_id) == ("10月分の確認のため", worker.staff_id)
    (entry,) = viewed(make_session)
    assert (entry.subject_id, entry.actor_id) == (who.household_id, worker.staff_id)
    facts = {"household": str(who.household_id), "from_address": "127.0.0.1", "why": str(said.id)}
    assert entry.facts == facts, "ids, and never the words"
    with clock.at(clock.now() + timedelta(minutes=29)):
        assert desk.open(path).html.count("隠野　静") > 0
    with clock.at(clock.now() + timedelta(minutes=31)):
        assert "配慮が必要な世帯です" in desk.open(path).html
    assert len(viewed(make_session)) == 2, "each opening is an entry"


def test_every_opening_is_in_the_journal(enter: Enter, make_session: Make, worker: Staff) -> None:
    with make_session.begin() as session:
        who = lives(session, worker, "見本　花子", "みほん　はなこ")
    desk = enter(worker)
    for _look in range(2):
        assert desk.open(f"/households/{who.household_id}").status == 200
    facts = {"household": str(who.household_id), "from_address": "127.0.0.1"}
    assert [(one.subject_id, one.facts) for one in viewed(make_session)] == [(who.household_id, facts)] * 2


def test_the_sheet_tells_who_lives_there_and_what_is_due(enter: Enter, make_session: Make, worker: Staff) -> None:
    with make_session.begin() as session:
        home = factories.household(session, worker, case_no="110022")
        facts = {"born_on": date(1984, 11, 20), "situation": Situation.WORKING}
        who = factories.recipient(session, home, **facts)
        gone = {"name": "題見　陽太", "kana": "だいみ　ようた", "is_head": False, "left_on": date(2026, 3, 31)}
        session.add(Member(office_id=home.office_id, household_id=home.id, **gone))
        for month in (SEPTEMBER, OCTOBER):
            duties.open_duty(session, factories.office(session), home.id, who.member_id, month)
    said = text(enter(worker).open(f"/households/{home.id}"))
    assert "1人世帯 ケース番号 110022" in said
    assert "見本 花子 世帯主 みほん はなこ 41 働いている" in said, "42 tomorrow"
    assert "題見 陽太 だいみ ようた — 令和8年3月31日(火)まで" in said
    assert "期限をすぎた 収入申告書 9月分 10月28日(水)まで" in said
    assert "収入申告書 10月分 11月30日(月)まで" in said
    assert "収入申告書 未 期限をすぎた 待 期限前" in said


def test_the_timeline_tells_steps_messages_and_certificates(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session.begin() as session:
        scene = set_out(session, bytes_kept)
        receipt = issued(session, scene, clerk(session))
        messages.send(
            session, scene.worker, scene.submission_id, "届きました。\nありがとうございます。", attempt=uuid4()
        )
        number = receipt.document_no
    page = enter(scene.worker).open(f"/households/{scene.person.household_id}")
    said = text(page).partition("これまでのこと")[2]
    for one in (
        "本人に書きました 例野 太郎 まだ読んでいません 届きました。 ありがとうございます。",
        f"受領証を発行しました（{number}） 品見 薫",
        "受理しました 例野 太郎",
        "届きました 見本 花子",
    ):
        assert one in said, one
    assert said.count("受領証を発行しました") == 1
    assert f'href="{scene.path}"' in page.html
    assert "収入申告書 ✓ 受理" in text(page)


def test_a_correction_stands_among_what_is_waited_for(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session.begin() as session:
        scene = set_out(session, bytes_kept)
        row = taken(session, scene)
        asked = review.AskAgain(row.revision, uuid4(), {scene.file_id: (Reason.DARK, "")}, answer_by=date(2026, 11, 27))
        review.send_back(session, scene.worker, row.id, asked)
    said = text(enter(scene.worker).open(f"/households/{scene.person.household_id}"))
    assert "補正のおねがい中 収入申告書 10月分 11月27日(金)まで" in said
    assert "補 補正のおねがい中" in said


def test_a_draft_is_hers_alone_and_what_was_taken_back_is_in_no_cell(
    enter: Enter, make_session: Make, worker: Staff
) -> None:
    with make_session.begin() as session:
        who = lives(session, worker, "見本　花子", "みほん　はなこ")
        factories.draft(session, who, SEPTEMBER)
        row = intake.send(session, who, factories.draft(session, who, OCTOBER).id, attempt=uuid4())
        intake.withdraw(session, who, row.id, attempt=uuid4())
    said = text(enter(worker).open(f"/households/{who.household_id}"))
    assert "9月分" not in said
    assert "取り下げました" in said
    assert "出したもの 12か月 まだ、ありません" in said


def test_page_follows_page_and_no_line_is_left_out_or_told_twice(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session.begin() as session:
        scene = set_out(session, bytes_kept)
        for at in range(household.PAGE * 2):  # all at one moment: only their ids tell them apart
            messages.send(session, scene.worker, scene.submission_id, f"知らせ{at:03}。", attempt=uuid4())
        home = session.get_one(Household, (scene.worker.office_id, scene.person.household_id))
        everything = [event.id for event in household.timeline(session, home, most=999)]
    desk, path, sizes, seen = enter(scene.worker), f"/households/{home.id}", [], []
    while path:
        page = desk.open(path)
        found = re.findall(r"知らせ\d+。", page.html)
        seen += found
        sizes.append(page.html.partition('id="past"')[2].count("<li>") - tail(page))
        nexts = re.findall(r'href="([^"]+)">もっと前', page.html)
        path = nexts[0].replace("&amp;", "&") if nexts else ""
    assert sorted(seen) == [f"知らせ{at:03}。" for at in range(household.PAGE * 2)]
    assert sum(sizes) == len(everything) == len(set(everything))
    assert sizes[:2] == [household.PAGE] * 2
    days = ("2026-11-19T10:00:00", "0001-01-01T00:00:00%2B09:00")
    for cut in ("x", "2026-11-19.", "2026-11-19T10:00:00.x", *(f"{day}.{uuid4()}" for day in days)):
        assert desk.open(f"/households/{home.id}?behind={cut}").status == 200, cut


def tail(page: Answer) -> int:
    """List items that stand behind the timeline."""
    return page.html.partition('id="open"')[2].count("<li>")


def test_where_several_stand_in_one_place_the_one_that_needs_a_hand_is_shown() -> None:
    months = [SEPTEMBER, OCTOBER]
    kind = DutyKind.STATUS_CHECK_IN
    standing = [(kind, OCTOBER, Cell.DONE), (kind, OCTOBER, Cell.LATE), (kind, OCTOBER, Cell.SENT)]
    standing += [(DutyKind.MESSAGE, date(2024, 1, 1), Cell.DONE)]
    assert household.matrix(standing, months) == {kind: [None, Cell.LATE]}
    assert {household.cell_of(state) for state in (State.DRAFT, State.WITHDRAWN, State.VOIDED)} == {None}
    assert household.cell_of(State.ON_HOLD) is Cell.SENT


@pytest.mark.parametrize(
    ("born_on", "day", "age"),
    [
        (date(1984, 11, 20), date(2026, 11, 19), 41),
        (date(1984, 11, 19), date(2026, 11, 19), 42),
        (date(2024, 2, 29), date(2026, 2, 28), 1),
    ],
)
def test_an_age_is_in_full_years(born_on: date, day: date, age: int) -> None:
    assert household.age_on(born_on, day) == age


def test_the_review_page_and_the_list_lead_to_the_sheet(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session.begin() as session:
        scene: Scene = set_out(session, bytes_kept)
        who = scene.person
        duties.open_duty(session, factories.office(session), who.household_id, who.member_id, SEPTEMBER)
    desk = enter(scene.worker)
    for path in (scene.path, "/owed"):
        assert f'href="/households/{who.household_id}"' in desk.open(path).html, path


def test_beside_a_paper_stands_what_one_should_know_of_its_household(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage, evening: datetime
) -> None:
    with make_session.begin() as session:
        scene = set_out(session, bytes_kept)
        who = scene.person
        home = session.get_one(Household, (who.office_id, who.household_id))
        child = factories.recipient(session, home, name="題見　陽太", kana="だいみ　ようた", is_head=False)
        gone = {"name": "去見　守", "kana": "さるみ　まもる", "is_head": False, "left_on": date(2026, 3, 31)}
        session.add(Member(office_id=home.office_id, household_id=home.id, **gone))
        duties.open_duty(session, factories.office(session), home.id, child.member_id, SEPTEMBER)
        for back in range(4):  # June to September; the oldest is no longer among the last three
            with clock.at(evening - timedelta(days=20 + 30 * back)):
                earlier = factories.draft(session, who, date(2026, 9 - back, 1))
                factories.write(session, who, earlier.id, {"gross_yen": 80_000 + back})
                intake.send(session, who, earlier.id, attempt=uuid4())
        asked = factories.submission(session, State.RETURNED, child)
        taken_back = factories.draft(session, who, date(2026, 11, 1))
        intake.send(session, who, taken_back.id, attempt=uuid4())
        intake.withdraw(session, who, taken_back.id, attempt=uuid4())
    page = enter(scene.worker).open(scene.path)
    strip = page.html.partition('<section class="strip')[2].partition("</section>")[0]
    said = " ".join(re.sub(r"<[^>]+>", " ", strip).split())
    assert "見本 花子、題見 陽太 担当 例野 太郎" in said
    assert "まだ届いていないもの 収入申告書 9月分 題見 陽太 10月28日(水)をすぎた" in said
    lately = said.partition("最近届いたもの")[2].partition("ほかに待っていること")[0]
    assert [lately.count(f"{80_000 + back:,}円") for back in range(4)] == [1, 1, 0, 0]
    assert lately.count("収入申告書") == 3, "hers of two months, and what her child was asked again"
    assert f'href="/review/{asked.id}"' in strip
    assert scene.path not in strip
    assert str(taken_back.id) not in strip
    others = said.partition("ほかに待っていること")[2]
    assert "補正のおねがい中" in others or "ほかに2つ" in others


def test_of_a_protected_household_nothing_more_is_told_beside_a_paper(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session.begin() as session:
        scene = set_out(session, bytes_kept, protected=True)
        who = scene.person
        duties.open_duty(session, factories.office(session), who.household_id, who.member_id, SEPTEMBER)
    page = enter(scene.worker).open(scene.path)
    strip = page.html.partition('<section class="strip')[2].partition("</section>")[0]
    assert "配慮が必要な世帯" in strip
    assert "理由を書いてから" in strip
    assert "9月分" not in strip
