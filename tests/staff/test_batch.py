"""まとめて発行, over HTTP: what is chosen, what the page says before, while and after, and who may do what."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import batch, bundle, clock, receipt_lists, receipt_rules, receipts
from shared.model import BatchState, Household, LogEntry, Receipt, ReceiptBatch, ReceiptBundle, Role, State, Submission
from shared.sign_in import Staff
from tests import factories
from tests.staff.conftest import Answer, Desk
from tests.staff.scene import clerk, keep
from uploads.storage import FolderStorage

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]


@pytest.fixture
def kaoru(make_session: Make) -> Staff:
    with make_session.begin() as session:
        return clerk(session)


@pytest.fixture
def chief(make_session: Make) -> Staff:
    with make_session.begin() as session:
        return factories.staff(session, Role.SUPERVISOR, name="控田 百合")


def accepted(make_session: Make, count: int) -> list[UUID]:
    with make_session.begin() as session:
        return [factories.submission(session, State.ACCEPTED).id for _ in range(count)]


def two_people(make_session: Make, who: Staff) -> None:
    with make_session.begin() as session:
        receipt_rules.set_rule(session, who.office_id, clock.today(), two_people=True)


def choose(desk: Desk, which: str = "chosen", path: str = "/receipts", **more: object) -> Answer:
    """Press the button of the bar."""
    fields: dict[str, object] = {**desk.open(path).form("/receipts/batches").fields, "which": which, **more}
    sent = Answer(desk.client.post("/receipts/batches", data=fields))
    assert sent.status == 303, sent.html
    return desk.open(sent.place)


def row_of(make_session: Make) -> ReceiptBatch:
    with make_session() as session:
        return session.scalars(select(ReceiptBatch)).one()


def path(make_session: Make) -> str:
    return f"/receipts/batches/{row_of(make_session).id}"


def work(make_session: Make) -> None:
    """What the worker does."""
    row = row_of(make_session)
    with make_session.begin() as session:
        batch.issue_some(session, row.office_id, row.id, batch.waiting(session, row.office_id, row.id))
        batch.finish(session, row.office_id, row.id)


def items(page: Answer) -> list[str]:
    return re.findall(r'name="id" value="([^"]+)"', page.html)


def test_three_ways_to_choose_each_with_its_count_and_nothing_has_happened(
    enter: Enter, make_session: Make, kaoru: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipt_lists, "PAGE", 3)
    monkeypatch.setattr(batch, "MOST", 4)
    ids = accepted(make_session, 5)
    desk = enter(kaoru)
    first = desk.open("/receipts").html
    for said in (
        "このページの3件",
        "この一覧の全部 5件",
        "（一度に4件まで）",
        f"発行番号（予定） {factories.document_no(1)} から",
    ):
        assert said in first
    assert "<h1>2件を発行します</h1>" in choose(desk, id=[str(ids[0]), str(ids[4])]).html
    on_page = re.findall(r'name="on_page" value="([^"]+)"', first)
    assert "<h1>3件を発行します</h1>" in choose(desk, "page", on_page=on_page).html
    page = choose(desk, "all").html
    assert "<h1>4件を発行します</h1>" in page
    assert "5件のうち、一覧の上から4件をえらびました" in page
    assert f"番号（予定） {factories.document_no(1)}〜{factories.document_no(4)}" in page
    assert "行がえらばれていません" in choose(desk).html
    with make_session() as session:
        assert session.scalars(select(Receipt)).all() == []


def test_a_filter_narrows_what_all_of_them_means(enter: Enter, make_session: Make, kaoru: Staff) -> None:
    ids = accepted(make_session, 3)
    with make_session.begin() as session:
        for at in (0, 1):
            row = session.get_one(Submission, (kaoru.office_id, ids[at]))
            session.get_one(Household, (row.office_id, row.household_id)).district = "本町"
    desk = enter(kaoru)
    assert '発行できる <span class="count" data-tone="ask">2</span>' in desk.open("/receipts?district=本町").html
    assert "<h1>2件を発行します</h1>" in choose(desk, "all", "/receipts?district=本町").html


def test_one_by_one_as_it_will_look_and_each_look_is_in_the_journal(
    enter: Enter, make_session: Make, kaoru: Staff
) -> None:
    accepted(make_session, 2)
    desk = enter(kaoru)
    page = choose(desk, "all")
    for said in ('data-mark="発行前"', "2件のうち1件め", f"ひ福生第 {factories.document_no(1)} 号", "A4で見る"):
        assert said in page.html
    second = desk.open(f"{path(make_session)}?at=1").html
    assert "2件のうち2件め" in second
    assert f"ひ福生第 {factories.document_no(2)} 号" in second
    for strange in ("99", "-5", "x"):
        assert desk.open(f"{path(make_session)}?at={strange}").status == 200
    with make_session() as session:
        looks = session.scalars(select(LogEntry.actor_id).where(LogEntry.event == "submission.viewed")).all()
        assert set(looks) == {kaoru.staff_id}
        assert len(looks) >= 2


def test_what_is_left_out_says_why_and_the_numbers_close_up(enter: Enter, make_session: Make, kaoru: Staff) -> None:
    accepted(make_session, 3)
    desk = enter(kaoru)
    page = choose(desk, "all")
    first, second, _third = items(page)
    exclude = f"{path(make_session)}/exclude"
    fields = page.form(exclude).fields
    desk.client.post(exclude, data={**fields, "id": [second], "reason": "住所を確認中"})
    desk.client.post(exclude, data={**fields, "id": []})
    after = desk.open(path(make_session)).html
    assert "除外：住所を確認中" in after
    assert "除外：あなたが外しました" in after, "where no box is ticked, it is the one that is shown"
    assert f"番号（予定） {factories.document_no(1)}〜{factories.document_no(1)}" in after
    wrong = Answer(desk.client.post(exclude, data={**fields, "id": [first], "reason": "個人番号は 123456789018 です"}))
    assert wrong.status == 422
    assert "個人番号は 123456789018 です" in wrong.html, "what was typed stays"
    desk.client.post(f"{path(make_session)}/include", data={**fields, "id": [first, second]})
    assert f"番号（予定） {factories.document_no(1)}〜{factories.document_no(3)}" in desk.open(path(make_session)).html


def test_a_clerk_alone_starts_it_and_a_double_tap_starts_it_once(
    enter: Enter, make_session: Make, kaoru: Staff
) -> None:
    accepted(make_session, 2)
    desk = enter(kaoru)
    page = choose(desk, "all")
    for _tap in range(2):
        assert desk.send(page, f"{path(make_session)}/start").status == 303
    running = desk.open(path(make_session)).html
    assert "<h1>発行しています</h1>" in running
    assert "裏で働く機械が、いま止まっています" in running
    assert desk.open(f"{path(make_session)}/progress").response.get_json() == {
        "state": "running",
        "done": 0,
        "of": 2,
        "words": "2件のうち、0件が終わりました",
    }
    work(make_session)
    done = desk.open(path(make_session)).html
    assert "<h1>2件を発行しました</h1>" in done
    assert f"{factories.document_no(1)}〜{factories.document_no(2)}" in done
    assert "ファイルを作っています" in done
    assert "本日のまとめて発行" in desk.open("/receipts?tab=issued").html


def test_what_could_not_be_issued_is_named_with_its_reason(enter: Enter, make_session: Make, kaoru: Staff) -> None:
    ids = accepted(make_session, 2)
    desk = enter(kaoru)
    desk.send(choose(desk, "all"), f"{path(make_session)}/start")
    with make_session.begin() as session:
        row = session.get_one(Submission, (kaoru.office_id, ids[0]))
        receipts.issue(session, kaoru, row.id, seen=row.revision, attempt=uuid4(), demo=True)
    work(make_session)
    page = desk.open(path(make_session)).html
    assert "発行できなかったもの　1件" in page
    assert "もう、ほかで発行されています" in page


def test_a_second_person_agrees_and_the_first_one_cannot(
    enter: Enter, make_session: Make, kaoru: Staff, chief: Staff
) -> None:
    accepted(make_session, 2)
    two_people(make_session, kaoru)
    hers, his = enter(kaoru), enter(chief)
    page = choose(hers, "all")
    at = path(make_session)
    assert "2件の承認をもとめる" in page.html
    assert his.open(at).status == 404, "what is on her own desk is nobody else's"
    hers.send(page, f"{at}/start")
    waiting = hers.open(at)
    assert "承認を待っています" in waiting.html
    assert f"{at}/approve" not in [form.action for form in waiting.forms]
    token = waiting.form("/signout").fields["csrf_token"]
    assert hers.post(f"{at}/approve", {"csrf_token": token}).status == 303
    assert row_of(make_session).state is BatchState.PROPOSED
    assert "承認待ち" in his.open("/receipts").html
    page = his.open(at)
    assert "承認して2件を発行する" in page.html
    empty = his.send(page, f"{at}/refuse")
    assert (empty.status, "認めない理由を書いてください" in empty.html) == (422, True)
    his.send(page, f"{at}/approve")
    work(make_session)
    assert "承認 控田 百合" in hers.open(at).html


def test_a_refusal_says_why_and_nothing_is_issued(enter: Enter, make_session: Make, kaoru: Staff, chief: Staff) -> None:
    accepted(make_session, 1)
    two_people(make_session, kaoru)
    hers, his = enter(kaoru), enter(chief)
    hers.send(choose(hers, "all"), f"{path(make_session)}/start")
    his.send(his.open(path(make_session)), f"{path(make_session)}/refuse", reason="宛名を確かめて")
    said = hers.open(path(make_session)).html
    assert "控田 百合さんが認めませんでした：宛名を確かめて" in said
    with make_session() as session:
        assert session.scalars(select(Receipt)).all() == []


def test_before_anybody_has_agreed_it_can_be_taken_back_or_dropped(
    enter: Enter, make_session: Make, kaoru: Staff
) -> None:
    accepted(make_session, 1)
    two_people(make_session, kaoru)
    desk = enter(kaoru)
    desk.send(choose(desk, "all"), f"{path(make_session)}/start")
    desk.press(path(make_session), f"{path(make_session)}/take-back")
    page = desk.open(path(make_session))
    assert "もう一度なおせます" in page.html
    assert desk.send(page, f"{path(make_session)}/drop").place == "/receipts"
    assert "やめました。何も発行していません" in desk.open("/receipts").html


def test_a_single_one_waits_for_a_second_person_too(enter: Enter, make_session: Make, kaoru: Staff) -> None:
    (one,) = accepted(make_session, 1)
    two_people(make_session, kaoru)
    answer = enter(kaoru).press(f"/receipts/{one}", f"/receipts/{one}/issue")
    assert answer.place == path(make_session)
    with make_session() as session:
        assert session.scalars(select(Receipt)).all() == []


def test_only_a_clerk_chooses_and_strangers_find_nothing(
    enter: Enter, make_session: Make, kaoru: Staff, chief: Staff, worker: Staff
) -> None:
    accepted(make_session, 1)
    choose(enter(kaoru), "all")
    at = path(make_session)
    his = enter(chief)
    page = his.open("/receipts")
    assert "/receipts/batches" not in [form.action for form in page.forms]
    token = page.form("/signout").fields["csrf_token"]
    assert his.post("/receipts/batches", {"csrf_token": token, "attempt": str(uuid4())}).status == 403
    assert enter(worker).open(at).status == 403
    with make_session.begin() as session:
        other = factories.staff(session, Role.CLERK, office_id=factories.office(session, "XX").id)
    desk = enter(other)
    assert desk.open(at).status == desk.open(f"{at}/progress").status == 404


def test_the_files_are_downloads_with_names_people_can_read_and_each_is_in_the_journal(
    enter: Enter, make_session: Make, kaoru: Staff, bytes_kept: FolderStorage
) -> None:
    accepted(make_session, 1)
    desk = enter(kaoru)
    desk.send(choose(desk, "all"), f"{path(make_session)}/start")
    work(make_session)
    with make_session.begin() as session:
        row = session.scalars(select(ReceiptBundle)).one()
        files = [bundle.Made(f"{kind}/{uuid4()}", 4, "a" * 64) for kind in ("print", "zip")]
        bundle.made(session, row.office_id, row.id, files[0], files[1])
    for one in files:
        keep(bytes_kept, one.key, one.key.encode())
    at = f"/receipts/files/{row.id}"
    assert desk.open(at).place == path(make_session)
    assert desk.open(f"{at}/progress").response.get_json()["state"] == "made"
    page = desk.open(path(make_session)).html
    assert "電子署名はありません" in page
    for name, kind, one in (("print.pdf", "application/pdf", files[0]), ("all.zip", "application/zip", files[1])):
        assert f'href="{at}/{name}"' in page
        answer = desk.open(f"{at}/{name}").response
        assert (answer.data, answer.headers["Content-Type"]) == (one.key.encode(), kind)
        assert answer.headers["Content-Disposition"].startswith("attachment")
    with make_session() as session:
        said = session.scalars(select(LogEntry.facts).where(LogEntry.event == "bundle.downloaded")).all()
        assert [facts["what"] for facts in said] == ["print", "zip"]
    with make_session.begin() as session, clock.at(clock.now() + bundle.KEPT + timedelta(days=1)):
        bundle.expired(session, 9)
    assert desk.open(f"{at}/all.zip").status == 404
    again = desk.open(path(make_session))
    assert "7日たったので消えました" in again.html
    assert desk.send(again, f"{path(make_session)}/files").status == 303


def test_the_files_of_a_day_are_asked_for_and_of_an_empty_day_there_are_none(
    enter: Enter, make_session: Make, kaoru: Staff
) -> None:
    desk = enter(kaoru)
    assert "tab=issued" in desk.press("/receipts", "/receipts/day").place
    (one,) = accepted(make_session, 1)
    desk.press(f"/receipts/{one}", f"/receipts/{one}/issue")
    answer = desk.press("/receipts", "/receipts/day")
    assert "ファイルを作っています" in desk.open(answer.place).html
    with make_session.begin() as session:
        other = factories.staff(session, Role.CLERK, office_id=factories.office(session, "XX").id)
    assert enter(other).open(answer.place).status == 404
