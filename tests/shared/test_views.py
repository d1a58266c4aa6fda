from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from shared import choice, clock, intake, presence, queue, review, told, views
from shared.errors import NotAView, NotThere
from shared.model import DutyKind, Reason, SavedView, State
from shared.queue import Checked, Scope, Tab, Wanted
from shared.sign_in import Staff
from tests import factories
from tests.shared.test_queue_cost import heard


@pytest.fixture
def worker(session: Session) -> Staff:
    return factories.staff(session)


def comes(session: Session, worker: Staff, at: datetime | None = None) -> Any:
    with clock.at(at or clock.now()):
        return factories.submission(session, who=factories.recipient(session, factories.household(session, worker)))


ALL = Wanted()


def save(session: Session, who: Staff, name: str, wanted: Wanted = ALL, **given: Any) -> SavedView:
    given.setdefault("attempt", uuid4())
    return views.save(session, who, name, wanted, **given)


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(),
        Wanted(Scope.ALL, Tab.OVERDUE, DutyKind.STATUS_CHECK_IN, uuid4(), sought="みほん"),
        Wanted(colleague_id=uuid4(), tab=Tab.HELD),
        Wanted(check=Checked.FAIL, district="本町"),
    ],
)
def test_a_choice_becomes_words_and_a_choice_again(wanted: Wanted) -> None:
    assert choice.wanted(choice.words(wanted)) == wanted


def test_words_that_nobody_knows_are_harmless() -> None:
    given = {"scope": "moon", "tab": "never", "kind": "none", "household": "x", "colour": "red", "q": " な " * 99}
    assert choice.wanted(given) == Wanted(sought=(" な " * 99).strip()[: queue.LONGEST])


def test_a_list_counts_what_is_in_it_and_what_is_new(session: Session, worker: Staff) -> None:
    now = clock.now()
    comes(session, worker, now - timedelta(hours=2))
    with clock.at(now - timedelta(hours=1)):
        view = save(session, worker, "  急ぎの  収入申告 ", Wanted(kind=DutyKind.INCOME_REPORT), tell_at=2)
        save(session, worker, "保留", Wanted(tab=Tab.HELD))
    first = comes(session, worker)
    (held, urgent) = views.rows(session, worker)
    assert (held.name, held.count, held.new, held.tells) == ("保留", 0, 0, False)
    assert (urgent.name, urgent.count, urgent.new, urgent.tells) == ("急ぎの 収入申告", 2, 1, False)
    comes(session, worker)
    assert [(one.name, one.new) for one in views.rows(session, worker, telling=True) if one.tells] == [
        ("急ぎの 収入申告", 2)
    ]
    assert views.opened(session, worker, view.id) == {"kind": "income_report"}
    assert [one.new for one in views.rows(session, worker)] == [0, 0]
    with clock.at(now + timedelta(minutes=1)):
        review.claim(session, worker, first.id)
        review.release(session, worker, first.id)
        assert [one.new for one in views.rows(session, worker)] == [0, 0], "what was given back is not new"
        who = factories.recipient_of(session, first)
        review.claim(session, worker, first.id)
        asked = review.AskAgain(seen=first.revision, attempt=uuid4(), values={"jobs-0-gross_yen": (Reason.DIFFERS, "")})
        review.send_back(session, worker, first.id, asked)
        factories.write(session, who, first.id, {"gross_yen": 1})
        intake.send(session, who, first.id, attempt=uuid4())
        assert [one.new for one in views.rows(session, worker)] == [0, 1], "a correction that came back is"


def test_a_list_is_its_owners_alone(session: Session, worker: Staff) -> None:
    other = factories.staff(session)
    view = save(session, worker, "急ぎ")
    assert views.rows(session, other) == []
    for act in (
        lambda: views.opened(session, other, view.id),
        lambda: views.change(session, other, view.id, "私の", tell_at=None),
    ):
        with pytest.raises(NotThere):
            act()
    views.remove(session, other, view.id)
    assert [one.name for one in views.rows(session, worker)] == ["急ぎ"]
    save(session, other, "急ぎ")
    for _tap in range(2):
        views.remove(session, worker, view.id)
    assert views.rows(session, worker) == []


def test_a_second_tap_finds_the_first(session: Session, worker: Staff) -> None:
    attempt = uuid4()
    assert save(session, worker, "急ぎ", attempt=attempt) is save(session, worker, "急ぎ", attempt=attempt)
    other = factories.staff(session)
    assert save(session, other, "急ぎ", attempt=attempt).staff_id == other.staff_id, "a borrowed id takes nothing away"


def test_names_that_cannot_be_kept_and_one_list_too_many(session: Session, worker: Staff) -> None:
    view = save(session, worker, "急ぎ")
    save(session, worker, "保留")
    for name, code in ((" ", "missing"), ("あ" * 41, "too_long"), ("123456789018", "my_number"), ("保留", "taken")):
        with pytest.raises(NotAView) as refused:
            save(session, worker, name)
        assert refused.value.code == code
        with pytest.raises(NotAView) as refused:
            views.change(session, worker, view.id, name, tell_at=1)
        assert refused.value.code == code
    for words in (Wanted(sought="123456789018"), Wanted(district="1234-5678-9018")):
        with pytest.raises(NotAView) as refused:
            save(session, worker, "番号", words)
        assert refused.value.code == "my_number"
    views.change(session, worker, view.id, "急ぎ", tell_at=7)
    assert view.tell_at == 7
    for at in range(views.MOST - 2):
        save(session, worker, f"一覧{at}")
    with pytest.raises(NotAView) as refused:
        save(session, worker, "もう1つ")
    assert refused.value.code == "too_many"


def test_only_what_came_since_and_stands_among_the_lines_shown_is_new_above(session: Session, worker: Staff) -> None:
    now = clock.now()
    rows = [comes(session, worker, now - timedelta(hours=9 - at)) for at in range(4)]
    page = queue.waiting(session, worker)
    shown = [line.id for line in page]
    assert queue.above(session, worker, Wanted(), shown) == 0
    late = comes(session, worker, now)
    assert queue.above(session, worker, Wanted(), shown) == 1
    assert queue.above(session, worker, Wanted(), shown[:2], before=page[1].place) == 0, (
        "it would stand behind her page"
    )
    assert queue.above(session, worker, Wanted(), shown[2:], behind=page[1].place) == 1
    late.urgent = True
    session.flush()
    assert queue.above(session, worker, Wanted(), shown[:2], before=page[1].place) == 1
    assert queue.above(session, worker, Wanted(kind=DutyKind.MESSAGE), shown) == 0
    review.claim(session, worker, rows[0].id)
    review.accept(session, worker, rows[0].id, seen=rows[0].revision, attempt=uuid4())
    hands = queue.hands(session, worker, shown)
    assert [hands[key].state for key in shown] == [State.ACCEPTED, *[State.WAITING] * 3]


def test_asking_again_and_again_costs_the_same_however_much_there_is(
    engine: Engine, make_session: sessionmaker[Session]
) -> None:
    asked = []
    for count in (1, 12):
        with make_session.begin() as session:
            worker = factories.staff(session)
            other = factories.staff(session)
            for at in range(count):
                row = comes(session, worker)
                presence.here(session, other, row.id)
                save(session, worker, f"一覧{at}", tell_at=1)
        with make_session() as session, heard(engine) as statements:
            shown = [line.id for line in queue.waiting(session, worker)]
            statements.clear()
            assert queue.counts(session, worker, Wanted())[Tab.ALL] == count
            assert queue.above(session, worker, Wanted(), shown) == 0
            assert len(queue.hands(session, worker, shown)) == count
            assert len(presence.looking(session, worker, shown)) == count
            assert len(views.rows(session, worker)) == count
            told.rows(session, worker, unread=True, most=3)
            told.count(session, worker)
            asked.append(len(statements))
    assert (
        asked[0] == asked[1] == 8 + 3 * 3
    )  # one each, two for the lists; and the calendar, in three, for three of them
