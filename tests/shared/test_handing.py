"""From one pair of hands to another."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared import clock, drafts, handing, intake, presence, queue, review, told
from shared.errors import ChangedMeanwhile, NotThere, TakenByAnother, TooLateToUndo
from shared.model import Claim, ClaimWish, LogEntry, Role, StaffMember, State, Step, Submission, Told
from shared.sign_in import Staff
from tests import factories


class Room:
    """A submission in its caseworker's hands, a colleague and a supervisor."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.holder = factories.staff(session, name="例野 太郎")
        self.colleague = factories.staff(session, name="試田 美紀")
        self.head = factories.staff(session, Role.SUPERVISOR, name="頭野 恵")
        self.home = factories.household(session, self.holder)
        self.row = factories.submission(session, who=factories.recipient(session, self.home))
        review.claim(session, self.holder, self.row.id)

    @property
    def claim(self) -> Claim:
        return self.session.get_one(Claim, (self.row.office_id, self.row.id), populate_existing=True)

    def told(self, who: Staff) -> list[tuple[Told, str, str]]:
        return [(one.what, one.who, one.text) for one in told.rows(self.session, who, unread=True)]

    def ask(self, who: Staff | None = None) -> bool:
        return handing.ask_for(self.session, who or self.colleague, self.row.id)

    def hand_over(self, to: Staff | None = None, note: str = "あとは電話だけ", **given: UUID) -> Submission:
        given.setdefault("attempt", uuid4())
        to = to or self.colleague
        return handing.hand_over(
            self.session, self.holder, self.row.id, to.staff_id, note, seen=self.row.revision, **given
        )

    def events(self) -> list[str]:
        return list(
            self.session.scalars(select(LogEntry.event).where(LogEntry.event.like("lease.%")).order_by(LogEntry.seq))
        )


@pytest.fixture
def room(session: Session) -> Room:
    return Room(session)


def test_a_lease_is_renewed_by_its_holder_alone_and_never_cut_short(room: Room) -> None:
    until = room.claim.until
    with clock.at(clock.now() + timedelta(minutes=10)):
        handing.renew(room.session, room.colleague, room.row.id)
        assert room.claim.until == until
        handing.renew(room.session, room.holder, room.row.id)
        assert room.claim.until == clock.now() + review.LEASE
    room.hand_over()
    until = room.claim.until
    handing.renew(room.session, room.colleague, room.row.id)
    assert room.claim.until == until


def test_a_lease_that_is_not_renewed_frees_itself(room: Room) -> None:
    with clock.at(clock.now() + timedelta(minutes=15)):
        handing.renew(room.session, room.holder, room.row.id)
    with clock.at(clock.now() + timedelta(minutes=30)), pytest.raises(TakenByAnother):
        review.claim(room.session, room.colleague, room.row.id)
    with clock.at(clock.now() + timedelta(minutes=36)):
        assert review.claim(room.session, room.colleague, room.row.id).staff_id == room.colleague.staff_id


def test_who_is_asked_hears_it_once_and_hands_it_over_in_one_step(room: Room) -> None:
    assert room.ask()
    assert room.ask()
    assert room.told(room.holder) == [(Told.WISH, "試田 美紀", "")]
    (wish,) = handing.wishes(room.session, room.row.office_id, room.row.id)
    assert (wish.name, wish.kept) == ("試田 美紀", False)
    attempt = uuid4()
    for _tap in range(2):
        handing.give(room.session, room.holder, room.row.id, room.colleague.staff_id, attempt=attempt)
    assert room.claim.staff_id == room.colleague.staff_id
    assert room.row.state is State.IN_REVIEW
    assert handing.wishes(room.session, room.row.office_id, room.row.id) == []
    assert room.told(room.colleague) == [(Told.HANDED, "例野 太郎", "")]
    assert room.told(room.holder) == [], "she has answered"
    last = room.session.scalars(select(Step).order_by(Step.id.desc()).limit(1)).one()
    assert (last.was, last.became, last.actor_id) == (State.IN_REVIEW, State.IN_REVIEW, room.holder.staff_id)
    assert last.handed_to == room.colleague.staff_id
    assert room.events() == ["lease.asked_for", "lease.handed_over"]


def test_who_needs_it_still_says_so_and_the_asker_hears_it(room: Room) -> None:
    room.ask()
    for _tap in range(2):
        handing.keep(room.session, room.holder, room.row.id, room.colleague.staff_id)
    assert room.claim.staff_id == room.holder.staff_id
    assert room.told(room.colleague) == [(Told.KEPT, "例野 太郎", "")]
    assert handing.wishes(room.session, room.row.office_id, room.row.id)[0].kept
    assert room.ask(), "later she may ask again"
    assert not handing.wishes(room.session, room.row.office_id, room.row.id)[0].kept


def test_nobody_is_asked_for_what_nobody_holds(room: Room) -> None:
    assert not handing.ask_for(room.session, room.holder, room.row.id)
    with clock.at(clock.now() + timedelta(minutes=21)):
        assert not room.ask()
    review.release(room.session, room.holder, room.row.id)
    assert not room.ask()
    assert room.told(room.holder) == []


@pytest.mark.parametrize("end", ["release", "accept", "new_version"])
def test_a_wish_ends_with_the_lease(room: Room, end: str) -> None:
    room.ask()
    if end == "release":
        review.release(room.session, room.holder, room.row.id)
    elif end == "accept":
        review.accept(room.session, room.holder, room.row.id, seen=room.row.revision, attempt=uuid4())
    else:
        who = factories.recipient_of(room.session, room.row)
        drafts.change(room.session, who, room.row.id)
        factories.write(room.session, who, room.row.id, {"gross_yen": 1})
        intake.send(room.session, who, room.row.id, attempt=uuid4())
    assert room.session.scalar(select(func.count()).select_from(ClaimWish)) == 0


def test_only_the_holder_answers_a_wish_and_only_who_asked_is_given_it(room: Room) -> None:
    room.ask()
    with pytest.raises(ChangedMeanwhile):
        handing.give(room.session, room.head, room.row.id, room.colleague.staff_id, attempt=uuid4())
    with pytest.raises(ChangedMeanwhile):
        handing.keep(room.session, room.head, room.row.id, room.colleague.staff_id)
    with pytest.raises(NotThere):
        handing.give(room.session, room.holder, room.row.id, room.head.staff_id, attempt=uuid4())
    assert room.claim.staff_id == room.holder.staff_id


def test_what_is_handed_over_waits_for_her_first(room: Room) -> None:
    with clock.at(clock.now() - timedelta(days=30)):
        late = factories.submission(room.session)
    assert queue.next_for(room.session, room.colleague, queue.Wanted(queue.Scope.ALL)) == late.id
    room.hand_over()
    everything = queue.Wanted(queue.Scope.ALL)
    assert queue.next_for(room.session, room.colleague, everything) == room.row.id
    assert queue.next_for(room.session, room.head, everything) == late.id
    with clock.at(clock.now() + timedelta(hours=3)):
        assert queue.next_for(room.session, room.head, everything) == late.id, "a visit takes longer than a lease"
    late.urgent = True
    room.session.flush()
    assert queue.next_for(room.session, room.colleague, everything) == late.id, "a danger is never passed over"
    review.claim(room.session, room.colleague, room.row.id)
    assert room.claim.handed_by is None, "she has taken it up"
    assert room.told(room.colleague) == [(Told.HANDED, "例野 太郎", "あとは電話だけ")]


def test_what_is_handed_over_lies_among_her_own_whoever_s_household_it_is(room: Room) -> None:
    room.hand_over()
    assert [row.id for row in queue.waiting(room.session, room.colleague)] == [room.row.id]
    assert queue.next_for(room.session, room.colleague) == room.row.id
    assert queue.counts(room.session, room.colleague, queue.Wanted())[queue.Tab.ALL] == 1
    other = factories.staff(room.session)
    assert queue.waiting(room.session, other) == []


def test_the_same_form_takes_over_once_even_after_she_has_given_it_back(room: Room) -> None:
    attempt = uuid4()
    handing.take_over(room.session, room.head, room.row.id, "急ぎのため", attempt=attempt)
    review.release(room.session, room.head, room.row.id)
    review.claim(room.session, room.holder, room.row.id)
    assert handing.take_over(room.session, room.head, room.row.id, "急ぎのため", attempt=attempt) is room.claim
    assert room.claim.staff_id == room.holder.staff_id


def test_a_second_tap_hands_over_once(room: Room) -> None:
    attempt = uuid4()
    room.hand_over(attempt=attempt)
    room.hand_over(attempt=attempt)
    assert room.events() == ["lease.handed_over"]
    assert len(room.told(room.colleague)) == 1


def test_it_is_handed_only_to_who_may_have_it(room: Room) -> None:
    gone = factories.staff(room.session)
    room.session.get_one(StaffMember, (gone.office_id, gone.staff_id)).active = False
    clerk = factories.staff(room.session, Role.CLERK)
    elsewhere = factories.staff(room.session, office_id=factories.office(room.session, "XX").id)
    for other in (gone, clerk, elsewhere, room.holder):
        with pytest.raises(NotThere):
            room.hand_over(other)
    names = [name for _id, name in handing.colleagues(room.session, room.holder, room.row)]
    assert names == ["試田 美紀", "頭野 恵"]
    room.home.protected = True
    room.session.flush()
    with pytest.raises(NotThere):
        room.hand_over(room.colleague)
    assert [name for _id, name in handing.colleagues(room.session, room.holder, room.row)] == ["頭野 恵"]
    assert room.claim.staff_id == room.holder.staff_id


def test_a_hand_over_can_be_taken_back_until_she_looks_at_it(room: Room) -> None:
    attempt = uuid4()
    room.hand_over(attempt=attempt)
    for _tap in range(2):
        review.undo(room.session, room.holder, room.row.id, attempt=attempt)
    assert room.claim.staff_id == room.holder.staff_id
    assert room.told(room.colleague) == []
    attempt = uuid4()
    room.hand_over(attempt=attempt)
    with clock.at(clock.now() + timedelta(seconds=5)):
        presence.here(room.session, room.colleague, room.row.id)
        with pytest.raises(TooLateToUndo):
            review.undo(room.session, room.holder, room.row.id, attempt=attempt)
    assert room.claim.staff_id == room.colleague.staff_id


def test_a_supervisor_takes_over_with_a_reason_and_the_former_holder_hears_it(room: Room) -> None:
    seen = room.row.revision
    room.ask()
    attempt = uuid4()
    for _tap in range(2):
        handing.take_over(room.session, room.head, room.row.id, "急ぎのため", attempt=attempt)
    assert room.claim.staff_id == room.head.staff_id
    assert room.told(room.holder)[0] == (Told.TAKEN_OVER, "頭野 恵", "急ぎのため")
    last = room.session.scalars(select(Step).order_by(Step.id.desc()).limit(1)).one()
    assert (last.note, last.actor_id, last.handed_to) == ("急ぎのため", room.head.staff_id, room.head.staff_id)
    with pytest.raises(ChangedMeanwhile) as late:
        review.accept(room.session, room.holder, room.row.id, seen=seen, attempt=uuid4())
    assert (late.value.who, late.value.state) == ("頭野 恵", State.IN_REVIEW)
    assert room.events() == ["lease.asked_for", "lease.taken_over"]
    assert [wish.name for wish in handing.wishes(room.session, room.row.office_id, room.row.id)] == ["試田 美紀"]


def test_only_a_supervisor_takes_over_and_says_why(room: Room) -> None:
    with pytest.raises(NotThere):
        handing.take_over(room.session, room.colleague, room.row.id, "急ぎのため", attempt=uuid4())
    with pytest.raises(ValueError, match="reason"):
        handing.take_over(room.session, room.head, room.row.id, "  ", attempt=uuid4())
    assert room.claim.staff_id == room.holder.staff_id
    review.release(room.session, room.holder, room.row.id)
    lease = handing.take_over(room.session, room.head, room.row.id, "", attempt=uuid4())
    assert lease.staff_id == room.head.staff_id, "what nobody holds is taken like any other"


def test_a_reason_that_looks_like_our_own_word_is_still_a_reason(room: Room) -> None:
    attempt = uuid4()
    room.hand_over(note=review.UNDONE, attempt=attempt)
    assert room.hand_over(note=review.UNDONE, attempt=attempt).state is State.IN_REVIEW
