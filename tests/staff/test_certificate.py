"""One certificate: how it came to its person, and 取消し with a reason."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, delivery, receipt_rules, receipts
from shared.model import Delivered, LogEntry, Message, Receipt, ReceiptState, Role, State, Way
from shared.sign_in import Staff
from tests import factories
from tests.staff.conftest import Desk
from tests.staff.scene import clerk

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]


@pytest.fixture
def kaoru(make_session: Make) -> Staff:
    with make_session.begin() as session:
        return clerk(session)


@pytest.fixture
def issued(make_session: Make, kaoru: Staff) -> Receipt:
    with make_session.begin() as session:
        row = factories.submission(session, State.ACCEPTED)
        return receipts.issue(session, kaoru, row.id, seen=row.revision, attempt=uuid4(), demo=True)


def now(make_session: Make, receipt: Receipt) -> Receipt:
    with make_session() as session:
        return session.get_one(Receipt, (receipt.office_id, receipt.id))


def test_it_says_what_it_says_and_that_it_was_looked_at_is_in_the_journal(
    enter: Enter, make_session: Make, kaoru: Staff, issued: Receipt
) -> None:
    page = enter(kaoru).open(f"/receipts/issued/{issued.id}").html
    for said in (issued.document_no, "有効", issued.check_code[:4], "85,400円", "届け方"):
        assert said in page
    assert "発行前" not in page
    with make_session() as session:
        assert session.scalars(select(LogEntry.subject_id).where(LogEntry.event == "receipt.viewed")).all() == [
            issued.id
        ]


def test_voiding_wants_a_reason_and_then_it_can_be_issued_anew(
    enter: Enter, make_session: Make, kaoru: Staff, issued: Receipt
) -> None:
    desk, path = enter(kaoru), f"/receipts/issued/{issued.id}"
    page = desk.open(path)
    for typed, said in (
        ("", "取り消す理由を書いてください"),
        ("個人番号は 123456789018 です", "個人番号"),
        ("あ" * 301, "300文字まで"),
    ):
        wrong = desk.send(page, f"{path}/void", reason=typed)
        assert (wrong.status, said in wrong.html) == (422, True)
        assert typed in wrong.html
    for _tap in range(2):
        assert desk.send(page, f"{path}/void", reason="宛名の誤記").place == path
    assert now(make_session, issued).state is ReceiptState.VOIDED
    voided = desk.open(path).html
    for said in ("取消し済み", "宛名の誤記", 'data-mark="取消し"', "番号は、ほかに使いません"):
        assert said in voided
    ready = f"/receipts/{issued.submission_id}"
    assert "再発行" in desk.open("/receipts").html
    assert desk.press(ready, f"{ready}/issue").place == "/receipts"
    assert f"代わりの受領証：{factories.document_no(2)}" in desk.open(path).html
    assert "宛名の誤記" in desk.open("/receipts?tab=voided").html


def test_where_the_office_wants_two_people_another_one_voids_it(
    enter: Enter, make_session: Make, kaoru: Staff, issued: Receipt
) -> None:
    with make_session.begin() as session:
        receipt_rules.set_rule(session, kaoru.office_id, clock.today(), two_people=True)
        chief = factories.staff(session, Role.SUPERVISOR, name="控田 百合")
    hers, his, path = enter(kaoru), enter(chief), f"/receipts/issued/{issued.id}"
    hers.send(hers.open(path), f"{path}/void", reason="誤記")
    assert now(make_session, issued).state is ReceiptState.ISSUED
    assert "ほかの人が承認するまで" in hers.open(path).html
    assert "取消しの承認待ち　1件" in his.open("/receipts").html
    page = his.open(path)
    approve, refuse = (form.action for form in page.forms if "/voids/" in form.action)
    token = page.form(approve).fields
    hers.post(approve, {"csrf_token": hers.open(path).form("/signout").fields["csrf_token"]})
    assert now(make_session, issued).state is ReceiptState.ISSUED, "nobody agrees with herself"
    his.post(refuse, {**token, "reason": ""})
    assert "認めない理由を、300文字までで" in his.open("/receipts?tab=voided").html
    his.post(approve, token)
    row = now(make_session, issued)
    assert (row.state, row.voided_by) == (ReceiptState.VOIDED, chief.staff_id)


def test_a_supervisor_voids_nothing_by_himself_and_strangers_find_nothing(
    enter: Enter, make_session: Make, issued: Receipt, worker: Staff
) -> None:
    with make_session.begin() as session:
        chief = factories.staff(session, Role.SUPERVISOR)
        other = factories.staff(session, Role.CLERK, office_id=factories.office(session, "XX").id)
    path = f"/receipts/issued/{issued.id}"
    his = enter(chief)
    page = his.open(path)
    assert f"{path}/void" not in [form.action for form in page.forms]
    token = page.form("/signout").fields["csrf_token"]
    assert his.post(f"{path}/void", {"csrf_token": token, "reason": "誤記"}).status == 403
    assert enter(other).open(path).status == 404
    assert enter(worker).open(path).status == 403


def test_what_was_done_with_it_is_marked_from_the_list_and_from_its_page(
    enter: Enter, make_session: Make, kaoru: Staff, issued: Receipt
) -> None:
    desk = enter(kaoru)
    page = desk.open("/receipts?tab=on_way")
    fields = page.form("/receipts/delivered").fields
    assert desk.post("/receipts/delivered", {**fields, "what": "eaten"}).status == 400
    assert desk.post("/receipts/delivered", {**fields, "what": "posted"}).status == 303
    assert "行がえらばれていません" in desk.open("/receipts").html
    desk.post("/receipts/delivered", {**fields, "what": "printed", "id": str(issued.id)})
    assert "1件に「印刷」と記録しました" in desk.open("/receipts?tab=issued").html
    assert issued.document_no.split()[1] in desk.open("/receipts?tab=on_way").html, "printed has not come to her"
    path = f"/receipts/issued/{issued.id}"
    own = desk.open(path).form("/receipts/delivered").fields
    assert desk.post("/receipts/delivered", {**own, "what": "handed"}).place == path
    assert "届いていないものはありません" in desk.open("/receipts?tab=on_way").html
    for _tap in range(2):
        desk.post("/receipts/delivered", {**own, "what": "resent"})
    with make_session() as session:
        marks = delivery.marks(session, issued.office_id, [issued.id])[issued.id]
        assert {mark.kind for mark in marks} == {Delivered.PRINTED, Delivered.HANDED, Delivered.RESENT}
        assert len(session.scalars(select(Message)).all()) == 1, "a second tap tells nobody twice"


def test_how_she_gets_it_is_set_before_and_after(
    enter: Enter, make_session: Make, kaoru: Staff, issued: Receipt
) -> None:
    desk, path = enter(kaoru), f"/receipts/issued/{issued.id}"
    set_way = f"/receipts/{issued.submission_id}/way"
    assert desk.send(desk.open(path), set_way, way="post").place == path
    assert "<dd>郵送</dd>" in desk.open(path).html
    assert desk.send(desk.open(path), set_way, way="pigeon").status == 400
    with make_session.begin() as session:
        receipts.void(session, kaoru, issued.id, "誤記")
        assert delivery.way(session, kaoru, issued.submission_id) is Way.POST
    ready = f"/receipts/{issued.submission_id}"
    assert desk.send(desk.open(ready), set_way, way="counter").place == ready
