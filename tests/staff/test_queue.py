from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, intake, queue, review
from shared.model import Actor, Reason, Role, State, Submission
from shared.sign_in import Staff
from tests import factories
from tests.staff.conftest import Desk
from tests.staff.scene import Scene, set_out, submission, taken
from uploads.storage import FolderStorage

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]

SOME = str(UUID(int=7))  # nobody has it


def order(html: str) -> list[str]:
    return re.findall(r'class="who" href="(/review/[^"]+)"', html)


def corrected(session: Session, scene: Scene) -> None:
    """Asked again, and answered."""
    row = taken(session, scene)
    asked = review.AskAgain(seen=row.revision, attempt=uuid4(), values={"jobs-0-gross_yen": (Reason.DIFFERS, "")})
    review.send_back(session, scene.worker, row.id, asked)
    factories.write(session, scene.person, row.id, {"gross_yen": 85_500})
    intake.send(session, scene.person, row.id, attempt=uuid4())


def test_corrections_come_first_and_then_the_longest_waiting(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage, evening: datetime
) -> None:
    with make_session.begin() as session:
        worker = factories.staff(session)
        late = set_out(session, bytes_kept, worker)
        with clock.at(evening - timedelta(days=7)):
            early = set_out(session, bytes_kept, worker)
        back = set_out(session, bytes_kept, worker)
        corrected(session, back)
    page = enter(worker).open("/")
    assert order(page.html) == [back.path, early.path, late.path]
    assert "補正が届いた" in page.html
    assert "見る期限をすぎた" in page.html
    assert "収入申告書　10月分・ファイル1つ（第2版）" in page.html


def test_what_is_due_today_says_so(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage, evening: datetime
) -> None:
    with make_session.begin() as session, clock.at(evening - timedelta(days=2)):
        scene = set_out(session, bytes_kept)
    page = enter(scene.worker).open("/")
    assert "見る期限は今日" in page.html
    assert "本日まで" in page.html


def test_one_sees_ones_own_households_and_on_request_all_of_the_office(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session.begin() as session:
        mine, others = set_out(session, bytes_kept), set_out(session, bytes_kept)
        shy = set_out(session, bytes_kept, protected=True)
        elsewhere = factories.staff(session, office_id=factories.office(session, "XX").id)
        far = set_out(session, bytes_kept, elsewhere)
        head = factories.staff(session, Role.SUPERVISOR)
    desk = enter(mine.worker)
    assert order(desk.open("/").html) == [mine.path]
    assert order(desk.open("/?scope=all").html) == [mine.path, others.path]
    assert order(desk.open("/?scope=nonsense").html) == [mine.path]
    assert order(enter(head).open("/").html) == [mine.path, others.path, shy.path]
    assert order(enter(elsewhere).open("/?scope=all").html) == [far.path]


def test_an_empty_queue_says_so_and_offers_no_button(enter: Enter, make_session: Make) -> None:
    with make_session.begin() as session:
        worker = factories.staff(session)
    page = enter(worker).open("/")
    assert "いま、待っているものはありません" in page.html
    assert "/next" not in [form.action for form in page.forms]


def test_the_next_one_is_taken_and_opened(enter: Enter, make_session: Make, bytes_kept: FolderStorage) -> None:
    with make_session.begin() as session:
        scene = set_out(session, bytes_kept)
    desk = enter(scene.worker)
    assert desk.press("/", "/next").place == scene.path
    with make_session() as session:
        assert submission(session, scene).state is State.IN_REVIEW
    assert "あなたが対応中" in desk.open("/").html


def test_two_people_get_two_different_ones(enter: Enter, make_session: Make, bytes_kept: FolderStorage) -> None:
    with make_session.begin() as session:
        first = set_out(session, bytes_kept)
        second = set_out(session, bytes_kept, first.worker)
        head = factories.staff(session, Role.SUPERVISOR, name="頭野 恵")
    mine, hers = enter(first.worker), enter(head)
    assert mine.press("/", "/next").place == first.path
    assert hers.press("/", "/next").place == second.path
    assert "頭野 恵さんが対応中" in mine.open("/").html


def test_a_button_of_an_old_page_finds_an_empty_queue_calmly(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session.begin() as session:
        scene = set_out(session, bytes_kept)
    desk = enter(scene.worker)
    page = desk.open("/")
    with make_session.begin() as session:
        taken(session, scene, factories.staff(session, Role.SUPERVISOR))
    assert desk.send(page, "/next").place == "/"
    assert "いま、待っているものはありません。" in desk.open("/").html


def test_each_tab_says_how_many_and_shows_its_own(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage, evening: datetime
) -> None:
    with make_session.begin() as session:
        worker = factories.staff(session)
        soon = set_out(session, bytes_kept, worker)
        with clock.at(evening - timedelta(days=9)):
            overdue = set_out(session, bytes_kept, worker)
        held = set_out(session, bytes_kept, worker)
        taken(session, held).move(State.ON_HOLD, Actor.staff(worker.staff_id))
    desk = enter(worker)
    page = desk.open("/")
    assert order(page.html) == [overdue.path, soon.path, held.path]
    assert re.findall(r'class="count"[^>]*>(\d+)<', page.html) == ["1", "0", "1", "1", "3"]
    assert order(desk.open("/?tab=overdue").html) == [overdue.path]
    assert order(desk.open("/?tab=soon").html) == [soon.path]
    assert "見る期限をすぎた（5開庁日）" in desk.open("/?tab=overdue").html
    kept = desk.open("/?tab=held")
    assert order(kept.html) == [held.path]
    assert "/next" not in [form.action for form in kept.forms], "what was put aside is not taken by mistake"


def test_search_and_filters_stay_while_one_looks_and_takes(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage, evening: datetime
) -> None:
    with make_session.begin() as session:
        worker = factories.staff(session)
        with clock.at(evening - timedelta(days=1)):
            set_out(session, bytes_kept, worker)
        wanted = set_out(session, bytes_kept, worker)
    desk = enter(worker)
    page = desk.open(f"/?q={wanted.number.lower()}&kind=income_report")
    assert order(page.html) == [wanted.path]
    assert f'value="{wanted.number.lower()}"' in page.html
    assert "tab=soon" in page.html
    assert desk.send(page, "/next").place == wanted.path
    nothing = desk.open("/?q=<b>だれもいない</b>")
    assert "この条件で待っているものはありません" in nothing.html
    assert "<b>だれもいない" not in nothing.html
    assert order(desk.open("/?household=" + str(factories.unknown_id())).html) == []


def test_a_colleagues_households_can_be_looked_through(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session.begin() as session:
        mine = set_out(session, bytes_kept)
        colleague = factories.staff(session, name="手本 春子")
        hers = set_out(session, bytes_kept, colleague)
        set_out(session, bytes_kept, colleague, protected=True)
    desk = enter(mine.worker)
    assert "手本 春子さんの担当" in desk.open("/").html
    page = desk.open(f"/?scope={colleague.staff_id}")
    assert order(page.html) == [hers.path]
    assert desk.send(page, "/next").place == hers.path


def test_a_long_queue_comes_in_pages(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "PAGE", 2)
    with make_session.begin() as session:
        worker = factories.staff(session)
        papers = [set_out(session, bytes_kept, worker) for _ in range(5)]
    desk, path, seen = enter(worker), "/", []
    while path:
        html = desk.open(path).html
        seen.append(order(html))
        more = re.search(r'href="([^"]+behind=[^"]+)"', html)
        path = more[1].replace("&amp;", "&") if more else ""
    assert seen == [[one.path for one in papers[at : at + 2]] for at in (0, 2, 4)]


@pytest.mark.parametrize(
    "asked",
    [
        *("tab=never&kind=none&scope=0&household=x&q=%00", "q=" + "な" * 900, "q=%25_%5C", "scope=mine&scope=all"),
        *("behind=", "behind=1_2_3", "behind=1_0001-01-01T00:00:00_" + SOME),
        *("behind=-1_2026-11-19_" + SOME, "behind=9" + "9" * 30 + "_2026-11-19_" + SOME),
        "behind=3_2026-11-19T00:00:00_" + SOME,
    ],
)
def test_an_address_somebody_has_bent_is_still_a_page(enter: Enter, make_session: Make, asked: str) -> None:
    with make_session.begin() as session:
        worker = factories.staff(session)
    assert enter(worker).open(f"/?{asked}").status == 200


def test_what_is_ahead_is_what_next_gives_and_nothing_is_taken(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage, evening: datetime
) -> None:
    with make_session.begin() as session:
        worker, colleague = factories.staff(session), factories.staff(session)
        with clock.at(evening - timedelta(days=7)):
            first = set_out(session, bytes_kept, worker)
        second = set_out(session, bytes_kept, worker)
        of_a_colleague = set_out(session, bytes_kept, colleague, protected=True)
    desk = enter(worker)
    for in_hand, wanted in (("", first), (str(first.submission_id), second), ("nonsense", first)):
        answer = desk.client.get("/ahead", query_string={"in_hand": in_hand})
        assert answer.json == {"pictures": [f"/files/{wanted.file_id}/{page}.jpg" for page in (1, 2)]}
    with make_session.begin() as session:
        assert session.get_one(Submission, (worker.office_id, first.submission_id)).state is State.WAITING
        review.claim(session, colleague, first.submission_id)
        taken(session, second)
    # One colleague's protected household is nobody else's to know of.
    for who, in_hers, left in ((worker, second, []), (colleague, first, [of_a_colleague])):
        found = enter(who).client.get("/ahead", query_string={"in_hand": str(in_hers.submission_id)}).json
        assert found == {"pictures": [f"/files/{one.file_id}/{page}.jpg" for one in left for page in (1, 2)]}


def test_after_a_decision_the_next_one_is_of_the_same_list(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage, evening: datetime
) -> None:
    with make_session.begin() as session:
        worker, colleague = factories.staff(session), factories.staff(session)
        with clock.at(evening - timedelta(days=7)):
            hers = set_out(session, bytes_kept, worker)
        others = [set_out(session, bytes_kept, colleague) for _ in range(2)]
    desk = enter(worker)
    desk.open(f"/?scope={colleague.staff_id}&q={others[0].number}")
    list_page = desk.open(f"/?scope={colleague.staff_id}")
    page = desk.open(desk.send(list_page, "/next").place)
    assert f'class="back" href="/?scope={colleague.staff_id}"' in page.html
    ahead = desk.client.get(f"/ahead?in_hand={others[0].submission_id}").json
    assert ahead == {"pictures": [f"/files/{others[1].file_id}/{page}.jpg" for page in (1, 2)]}
    answer = desk.send(page, f"{others[0].path}/accept", then="next")
    assert answer.place == others[1].path
    answer = desk.send(desk.open(answer.place), f"{others[1].path}/accept", then="next")
    assert answer.place == f"/?scope={colleague.staff_id}"
    desk.open(f"/?kind=proofs&scope={colleague.staff_id}")
    decided = desk.open(others[0].path)
    assert desk.send(decided, "/next").place == f"/?scope={colleague.staff_id}&kind=proofs", "from what is decided, too"
    desk.open(f"/?q={hers.number}")
    assert desk.open(others[0].path).html.count("?q=") == 0, "a name looked for is not remembered"
    assert order(desk.open("/").html) == [hers.path]


def test_a_script_has_the_next_page_in_the_answer_itself(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session.begin() as session:
        worker = factories.staff(session)
        first, second = (set_out(session, bytes_kept, worker) for _ in range(2))
    desk = enter(worker)
    page = desk.open(desk.send(desk.open("/"), "/next").place)
    fields = {**page.form(f"{first.path}/accept").fields, "then": "next"}
    taps = [desk.client.post(f"{first.path}/accept", data=fields, headers={"X-Ahead": "yes"}) for _tap in range(2)]
    assert [(one.status_code, one.headers["Content-Location"]) for one in taps] == [(200, second.path)] * 2
    said = taps[0].get_data(as_text=True)
    assert f'action="{second.path}/accept"' in said
    assert "を受理しました" in said
    assert "を受理しました" not in desk.open(second.path).html, "it is said once"
    last = {**desk.open(second.path).form(f"{second.path}/accept").fields, "then": "next"}
    answer = desk.client.post(f"{second.path}/accept", data=last, headers={"X-Ahead": "yes"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
