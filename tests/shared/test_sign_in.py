from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, sign_in
from shared.errors import SignInRefused
from shared.model import (
    MACHINE,
    Credential,
    Invitation,
    InvitationState,
    LogEntry,
    PortalAccount,
    Role,
    SignIn,
    StaffMember,
    Tries,
)
from shared.rules.numbers import code_hash, grouped, new_code
from shared.rules.pin import WeakPin
from shared.sign_in import OWN_PHONE, SHARED_PHONE, STAFF_DAY, TRIES, WAIT, Recipient, Staff
from tests import factories

PIN = "258046"
PASSWORD = "only the tests know this"
NOW = datetime.fromisoformat("2026-11-19T20:12:41+09:00")


def later(**ago: float) -> Any:
    return clock.at(NOW + timedelta(**ago))


@pytest.fixture(autouse=True)
def now() -> Any:
    with clock.at(NOW):
        yield


@pytest.fixture
def who(session: Session) -> Recipient:
    return factories.recipient(session)


@pytest.fixture
def code(session: Session, who: Recipient) -> str:
    return factories.letter(session, who)


@pytest.fixture
def clerk(session: Session) -> StaffMember:
    who = factories.staff(session, Role.CLERK, login="shinami")
    staff = session.get_one(StaffMember, (who.office_id, who.staff_id))
    sign_in.set_password(session, staff, PASSWORD)
    return staff


def token(answer: str | SignInRefused | None) -> str:
    assert isinstance(answer, str), answer
    return answer


def refusal(answer: str | SignInRefused | None) -> tuple[str, datetime | None]:
    assert isinstance(answer, SignInRefused), answer
    return answer.reason, answer.wait_until


def choose_pin(session: Session, code: str, pin: str = PIN) -> None:
    """Come in with a letter for the first time and choose a secret."""
    first = token(sign_in.open_letter(session, code, shared_device=False))
    who = sign_in.recipient_of(session, first)
    assert who
    sign_in.choose_pin(session, who, pin)


@pytest.mark.parametrize(
    "write",
    [
        lambda code: code,
        lambda code: grouped(code).lower(),
        lambda code: f" {grouped(code)} ".replace("-", " - "),
        lambda code: "".join(chr(ord(sign) + 0xFEE0) for sign in code),
        lambda code: grouped(code).replace("-", "ー"),
    ],
)
def test_a_letter_opens_however_its_code_is_typed(session: Session, code: str, write: Callable[[str], str]) -> None:
    opened = sign_in.recipient_of(session, token(sign_in.open_letter(session, write(code), shared_device=False)))
    assert opened is not None
    assert (opened.name, opened.has_pin, opened.shared_device) == ("見本　花子", False, False)


@pytest.mark.parametrize("typed", ["", "A", "あいうえお", "x" * 1_000_000, "ABCD-EFGH-JKMN"])
def test_a_code_that_stands_on_no_letter_is_unknown(session: Session, code: str, typed: str) -> None:
    with pytest.raises(SignInRefused, match="unknown"):
        sign_in.open_letter(session, typed, shared_device=False)
    assert refusal(sign_in.enter_pin(session, typed, PIN, shared_device=False))[0] == "unknown"


def test_only_the_hash_of_a_code_is_kept(session: Session, code: str) -> None:
    (letter,) = session.scalars(select(Invitation))
    assert letter.code_hash == code_hash(code)
    assert code not in repr(vars(letter))


def test_a_used_letter_without_a_secret_opens_nothing_after_half_an_hour(session: Session, code: str) -> None:
    token(sign_in.open_letter(session, code, shared_device=False))
    with later(minutes=31), pytest.raises(SignInRefused, match="used"):
        sign_in.open_letter(session, code, shared_device=False)


def test_a_used_letter_opens_once_more_when_the_answer_was_lost_on_the_way(session: Session, code: str) -> None:
    first = token(sign_in.open_letter(session, code, shared_device=False))
    second = token(sign_in.open_letter(session, code, shared_device=False))
    assert first != second
    assert sign_in.recipient_of(session, second)


def test_a_used_letter_opens_nothing_more_once_somebody_has_signed_out(session: Session, code: str) -> None:
    sign_in.end(session, token(sign_in.open_letter(session, code, shared_device=False)))
    session.flush()
    with pytest.raises(SignInRefused, match="used"):
        sign_in.open_letter(session, code, shared_device=False)


def test_a_used_letter_asks_for_the_secret_and_opens_with_it(session: Session, code: str) -> None:
    choose_pin(session, code)
    assert sign_in.open_letter(session, code, shared_device=False) is None
    again = sign_in.recipient_of(session, token(sign_in.enter_pin(session, code, PIN, shared_device=True)))
    assert again is not None
    assert (again.has_pin, again.shared_device) == (True, True)


def test_a_letter_that_nobody_opened_for_sixty_days_has_expired(session: Session, code: str) -> None:
    with later(days=59, hours=23):
        assert sign_in.open_letter(session, factories.letter(session, factories.recipient(session)), shared_device=True)
    with later(days=60), pytest.raises(SignInRefused, match="expired"):
        sign_in.open_letter(session, code, shared_device=False)


def test_a_used_letter_goes_on_to_stand_for_the_person_after_sixty_days(session: Session, code: str) -> None:
    choose_pin(session, code)
    with later(days=400):
        assert sign_in.open_letter(session, code, shared_device=False) is None
        assert token(sign_in.enter_pin(session, code, PIN, shared_device=False))


def test_a_newer_letter_ends_the_older_ones_and_forgets_no_secret(session: Session, who: Recipient, code: str) -> None:
    choose_pin(session, code)
    newer = factories.letter(session, who)
    with pytest.raises(SignInRefused, match="replaced"):
        sign_in.open_letter(session, code, shared_device=False)
    assert refusal(sign_in.enter_pin(session, code, PIN, shared_device=False))[0] == "replaced"
    opened = sign_in.recipient_of(session, token(sign_in.open_letter(session, newer, shared_device=False)))
    assert opened is not None
    assert opened.has_pin
    assert token(sign_in.enter_pin(session, newer, PIN, shared_device=False))
    states = session.scalars(select(Invitation.state).order_by(Invitation.id)).all()
    assert states == [InvitationState.REPLACED, InvitationState.USED]


def test_inviting_a_member_makes_her_an_account_once(session: Session) -> None:
    who = factories.recipient(session)
    session.delete(session.get_one(PortalAccount, (who.office_id, who.account_id)))
    session.flush()
    first, second = (sign_in.invite(session, who.office_id, who.member_id, by=MACHINE) for _ in range(2))
    assert first != second
    assert len(session.scalars(select(PortalAccount).where(PortalAccount.member_id == who.member_id)).all()) == 1


@pytest.mark.parametrize("typed", ["２５８０４６", " 258046 ", "　２５８０４６"])
def test_a_secret_is_the_same_from_any_keyboard(session: Session, code: str, typed: str) -> None:
    choose_pin(session, code)
    assert token(sign_in.enter_pin(session, code, typed, shared_device=False))


def test_a_secret_can_be_changed_and_a_weak_one_changes_nothing(session: Session, who: Recipient, code: str) -> None:
    choose_pin(session, code)
    with pytest.raises(WeakPin):
        sign_in.choose_pin(session, who, "123456")
    assert token(sign_in.enter_pin(session, code, PIN, shared_device=False))
    sign_in.choose_pin(session, who, "640852")
    assert refusal(sign_in.enter_pin(session, code, PIN, shared_device=False))[0] == "wrong"
    assert token(sign_in.enter_pin(session, code, "640852", shared_device=False))


def test_a_secret_is_kept_as_an_argon2_hash_and_never_written_down(session: Session, code: str) -> None:
    choose_pin(session, code)
    (credential,) = session.scalars(select(Credential))
    assert credential.secret_hash.startswith("$argon2id$")
    assert PIN not in credential.secret_hash
    assert PIN not in repr(session.scalars(select(LogEntry.facts)).all())


def test_after_five_wrong_secrets_there_is_a_wait_for_this_person_alone(session: Session, code: str) -> None:
    choose_pin(session, code)
    other_code = factories.letter(session, factories.recipient(session, factories.household(session)))
    choose_pin(session, other_code)
    for _ in range(TRIES - 1):
        assert refusal(sign_in.enter_pin(session, code, "000000", shared_device=False)) == ("wrong", None)
    until = clock.now() + WAIT
    assert refusal(sign_in.enter_pin(session, code, "000000", shared_device=False)) == ("wait", until)
    assert refusal(sign_in.enter_pin(session, code, PIN, shared_device=False)) == ("wait", until)
    assert token(sign_in.enter_pin(session, other_code, PIN, shared_device=False))
    with later(minutes=14, seconds=59):
        assert refusal(sign_in.enter_pin(session, code, PIN, shared_device=False)) == ("wait", until)
    with later(minutes=15):
        assert token(sign_in.enter_pin(session, code, PIN, shared_device=False))
        assert refusal(sign_in.enter_pin(session, code, "000000", shared_device=False)) == ("wrong", None)


def test_a_right_secret_clears_the_count_of_wrong_ones(session: Session, code: str) -> None:
    choose_pin(session, code)
    for _ in range(2):
        for _ in range(TRIES - 1):
            assert refusal(sign_in.enter_pin(session, code, "000000", shared_device=False))[0] == "wrong"
        assert token(sign_in.enter_pin(session, code, PIN, shared_device=False))


def test_a_new_secret_ends_the_wait(session: Session, who: Recipient, code: str) -> None:
    choose_pin(session, code)
    for _ in range(TRIES):
        sign_in.enter_pin(session, code, "000000", shared_device=False)
    sign_in.choose_pin(session, who, "640852")
    assert token(sign_in.enter_pin(session, code, "640852", shared_device=False))


def test_the_count_of_wrong_secrets_outlives_the_transaction_of_each_try(make_session: sessionmaker[Session]) -> None:
    with make_session.begin() as session:
        code = factories.letter(session, factories.recipient(session))
        choose_pin(session, code)
    for left in range(TRIES, 0, -1):
        with make_session.begin() as session:
            reason, _ = refusal(sign_in.enter_pin(session, code, "000000", shared_device=False))
        assert reason == ("wrong" if left > 1 else "wait")
    with make_session() as session:
        assert session.scalars(select(Tries.wait_until)).one() == clock.now() + WAIT


@pytest.mark.parametrize("secret", ["", "x" * 201, "x" * 1_000_000])
def test_a_secret_of_no_length_or_beyond_all_length_is_refused_without_work(
    session: Session, code: str, clerk: StaffMember, secret: str
) -> None:
    choose_pin(session, code)
    assert refusal(sign_in.enter_password(session, clerk.login, secret)) == ("wrong", None)
    assert refusal(sign_in.enter_pin(session, code, secret, shared_device=False)) == ("wrong", None)
    assert session.scalar(select(func.count()).where(Tries.failures > 0)) == 0


def test_of_a_session_only_the_hash_of_its_token_is_kept(session: Session, code: str) -> None:
    opened = token(sign_in.open_letter(session, code, shared_device=False))
    (row,) = session.scalars(select(SignIn))
    assert row.token_hash == code_hash(opened)
    assert opened not in repr(vars(row))
    assert opened not in repr(session.scalars(select(LogEntry.facts)).all())
    assert len(opened) >= 43  # 256 bits


def test_each_sign_in_is_a_session_of_its_own(session: Session, code: str) -> None:
    choose_pin(session, code)
    first, second = (token(sign_in.enter_pin(session, code, PIN, shared_device=False)) for _ in range(2))
    sign_in.end(session, first)
    assert first != second
    assert sign_in.recipient_of(session, first) is None
    assert sign_in.recipient_of(session, second) is not None


def test_a_session_that_was_ended_is_nobody_for_ever(session: Session, code: str) -> None:
    opened = token(sign_in.open_letter(session, code, shared_device=False))
    sign_in.end(session, opened)
    sign_in.renew(session, opened)
    sign_in.end(session, opened)
    assert sign_in.recipient_of(session, opened) is None


@pytest.mark.parametrize("typed", ["", "nobody", "x" * 100_000, code_hash("nobody")])
def test_an_unknown_token_is_nobody(session: Session, code: str, typed: str) -> None:
    opened = token(sign_in.open_letter(session, code, shared_device=False))
    for nobody in (typed, opened + "x", opened[:-1], code_hash(opened)):
        assert sign_in.recipient_of(session, nobody) is None
        assert sign_in.staff_of(session, nobody) is None
        assert sign_in.recipient_of(session, nobody) is None
        sign_in.renew(session, nobody)
        sign_in.end(session, nobody)
    assert sign_in.recipient_of(session, opened) is not None


@pytest.mark.parametrize(("shared_device", "life"), [(True, SHARED_PHONE), (False, OWN_PHONE)])
def test_a_session_lives_so_long_and_is_then_nobody(
    session: Session, code: str, shared_device: bool, life: timedelta
) -> None:
    opened = token(sign_in.open_letter(session, code, shared_device=shared_device))
    with clock.at(NOW + life - timedelta(seconds=1)):
        assert sign_in.recipient_of(session, opened) is not None
    with clock.at(NOW + life):
        assert sign_in.recipient_of(session, opened) is None
        sign_in.renew(session, opened)  # comes too late
        assert sign_in.recipient_of(session, opened) is None


def due(session: Session, opened: str) -> bool:
    who = sign_in.recipient_of(session, opened)
    assert who is not None
    return who.renewal_due


@pytest.mark.parametrize(("shared_device", "life"), [(True, SHARED_PHONE), (False, OWN_PHONE)])
def test_a_recipients_session_slides_while_she_works(
    session: Session, code: str, shared_device: bool, life: timedelta
) -> None:
    opened = token(sign_in.open_letter(session, code, shared_device=shared_device))
    moment = NOW
    for _ in range(4):
        moment += life - timedelta(minutes=1)
        with clock.at(moment):
            assert due(session, opened)
            sign_in.renew(session, opened)
            assert not due(session, opened)
            assert sign_in.recipient_of(session, opened) is not None


def test_a_session_is_not_written_to_on_every_page(session: Session, code: str) -> None:
    opened = token(sign_in.open_letter(session, code, shared_device=True))
    with later(minutes=5):
        assert not due(session, opened)
    with later(minutes=5, seconds=1):
        assert due(session, opened)


def test_a_staff_session_ends_with_the_day_however_much_she_works(session: Session, clerk: StaffMember) -> None:
    opened = token(sign_in.enter_password(session, clerk.login, PASSWORD))
    with later(hours=9, minutes=59):
        sign_in.renew(session, opened)
        assert sign_in.staff_of(session, opened) is not None
    with clock.at(NOW + STAFF_DAY):
        assert sign_in.staff_of(session, opened) is None


def test_a_member_of_staff_comes_in_with_her_password(session: Session, clerk: StaffMember) -> None:
    opened = sign_in.staff_of(session, token(sign_in.enter_password(session, " shinami ", PASSWORD)))
    assert opened is not None
    assert (opened.staff_id, opened.name, opened.role) == (clerk.id, clerk.name, Role.CLERK)


@pytest.mark.parametrize(
    ("login", "password"),
    [("shinami", "wrong"), ("shinami", ""), ("nobody", PASSWORD), ("", PASSWORD), ("SHINAMI", PASSWORD)],
)
def test_a_wrong_password_and_an_unknown_name_are_answered_alike(
    session: Session, clerk: StaffMember, login: str, password: str
) -> None:
    assert refusal(sign_in.enter_password(session, login, password)) == ("wrong", None)


def test_after_five_wrong_passwords_a_member_of_staff_waits_too(session: Session, clerk: StaffMember) -> None:
    answers = [sign_in.enter_password(session, clerk.login, "wrong") for _ in range(TRIES)]
    assert [refusal(answer) for answer in answers] == [("wrong", None)] * 4 + [("wait", clock.now() + WAIT)]
    assert refusal(sign_in.enter_password(session, clerk.login, PASSWORD))[0] == "wait"
    with later(minutes=15):
        assert token(sign_in.enter_password(session, clerk.login, PASSWORD))


def test_somebody_without_a_password_does_not_come_in(session: Session) -> None:
    factories.staff(session, login="new")
    assert refusal(sign_in.enter_password(session, "new", PASSWORD)) == ("wrong", None)


def test_a_token_of_one_door_is_nobody_at_the_other(session: Session, code: str, clerk: StaffMember) -> None:
    recipients = token(sign_in.open_letter(session, code, shared_device=False))
    staffs = token(sign_in.enter_password(session, clerk.login, PASSWORD))
    assert sign_in.recipient_of(session, staffs) is None
    assert sign_in.staff_of(session, recipients) is None
    assert isinstance(sign_in.recipient_of(session, recipients), Recipient)
    assert isinstance(sign_in.staff_of(session, staffs), Staff)


def test_somebody_who_is_no_longer_active_is_nobody_at_once(session: Session, clerk: StaffMember) -> None:
    opened = token(sign_in.enter_password(session, clerk.login, PASSWORD))
    clerk.active = False
    session.flush()
    assert sign_in.staff_of(session, opened) is None
    assert refusal(sign_in.enter_password(session, clerk.login, PASSWORD)) == ("wrong", None)


def test_coming_in_and_choosing_a_secret_stand_in_the_journal(
    session: Session, who: Recipient, code: str, clerk: StaffMember
) -> None:
    choose_pin(session, code)
    sign_in.enter_pin(session, code, PIN, shared_device=False)
    sign_in.enter_password(session, clerk.login, PASSWORD)
    events = session.scalars(select(LogEntry.event).order_by(LogEntry.seq)).all()
    came_in = ["recipient.signed_in", "pin.chosen", "recipient.signed_in", "staff.signed_in"]
    assert events == ["invitation.made", *came_in]


def test_a_letter_of_another_person_does_not_take_my_secret(session: Session, code: str) -> None:
    choose_pin(session, code)
    other = factories.letter(session, factories.recipient(session, factories.household(session)))
    choose_pin(session, other, "640852")
    assert refusal(sign_in.enter_pin(session, other, PIN, shared_device=False))[0] == "wrong"
    assert refusal(sign_in.enter_pin(session, new_code(), PIN, shared_device=False))[0] == "unknown"


def test_a_name_that_nobody_has_waits_like_any_other(session: Session, clerk: StaffMember) -> None:
    for login in (clerk.login, "nobody-has-this"):
        answers = [refusal(sign_in.enter_password(session, login, "not the password")) for _ in range(TRIES + 1)]
        assert [reason for reason, _ in answers] == ["wrong"] * (TRIES - 1) + ["wait"] * 2
        assert answers[-1][1] == clock.now() + WAIT


def test_counts_of_yesterday_are_forgotten(session: Session, evening: datetime) -> None:
    sign_in.enter_password(session, "nobody-has-this", "not the password")
    with clock.at(evening + timedelta(days=2)):
        sign_in.enter_password(session, "nor-this", "not the password")
    assert session.scalar(select(func.count()).select_from(Tries)) == 1
