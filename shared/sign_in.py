"""Coming in and going out: letters, secrets, sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from shared import clock, journal
from shared.errors import NotThere, SignInRefused
from shared.model import (
    Actor,
    Credential,
    Invitation,
    InvitationState,
    Member,
    PortalAccount,
    Role,
    SignIn,
    StaffMember,
    Tries,
    new_id,
)
from shared.model.base import UtcTime
from shared.rules.numbers import code_hash, new_code, new_token, read_code
from shared.rules.pin import good_pin, read_pin
from shared.session import Reader, Ready, in_turn

LETTER_LIFE: Final = timedelta(days=60)
SECOND_TRY: Final = timedelta(minutes=30)
TRIES: Final = 5
WAIT: Final = timedelta(minutes=15)
OWN_PHONE: Final = timedelta(days=14)
SHARED_PHONE: Final = timedelta(minutes=30)
STAFF_DAY: Final = timedelta(hours=10)
_RENEW_EVERY: Final = timedelta(minutes=5)
LONGEST_SECRET: Final = 200  # longer is refused before any hashing: it would only cost us time

# 19 MiB, two passes: 60 ms here; the OWASP minimum for Argon2id.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_NOBODY: Final = _hasher.hash("nobody has this secret")


@dataclass(frozen=True)
class Recipient:
    """Who is at the portal's door. ``name`` is the member's."""

    office_id: UUID
    sign_in_id: UUID
    account_id: UUID
    member_id: UUID
    household_id: UUID
    name: str
    has_pin: bool
    shared_device: bool
    renewal_due: bool = False  # ``renew`` has something to do: sessions slide, but not with a write on every page


@dataclass(frozen=True)
class Staff:
    """Who is at the staff app's door."""

    office_id: UUID
    sign_in_id: UUID
    staff_id: UUID
    name: str
    role: Role
    keys: bool = True  # works with single keys, too


def invite(session: Session, office_id: UUID, member_id: UUID, *, by: Actor) -> str:
    """Make a new letter code for a member and return it; earlier letters of the member end.

    The code is returned once and kept only as a hash.
    """
    account = session.scalar(
        select(PortalAccount).where(PortalAccount.office_id == office_id, PortalAccount.member_id == member_id)
    )
    if account is None:
        account = PortalAccount(office_id=office_id, member_id=member_id)
        session.add(account)
        session.flush()
    earlier = select(Invitation).where(
        Invitation.office_id == office_id,
        Invitation.account_id == account.id,
        Invitation.state != InvitationState.REPLACED,
    )
    for invitation in session.scalars(earlier):
        invitation.move(InvitationState.REPLACED, clock.now())
    code = new_code()
    invitation = Invitation(
        office_id=office_id,
        account_id=account.id,
        code_hash=code_hash(code),
        state=InvitationState.OPEN,
        expires_at=clock.now() + LETTER_LIFE,
    )
    session.add(invitation)
    session.flush()
    journal.record(session, office_id, by, "invitation.made", invitation.id, account=account.id)
    return code


def open_letter(session: Session, typed: str, *, shared_device: bool) -> str | None:
    """Use the code of a letter. Returns a session token, or None if the person's 暗証番号 is asked next.

    The first use needs only the code. After that the code alone opens nothing: it stands for the person, and
    the secret she chose opens. Without one, the letter is used up.

    :raises SignInRefused: unknown, used, expired or replaced.
    """
    invitation = _letter(session, typed)
    if invitation.state is InvitationState.USED:
        if _credential(session, invitation.office_id, account_id=invitation.account_id):
            return None
        if not _answer_was_lost(session, invitation):
            raise SignInRefused("used")
        return _begin_recipient(session, invitation, shared_device)
    if invitation.expires_at <= clock.now():
        raise SignInRefused("expired")
    invitation.move(InvitationState.USED, clock.now())
    session.flush()
    return _begin_recipient(session, invitation, shared_device)


def _answer_was_lost(session: Session, invitation: Invitation) -> bool:
    """Whether the code may open once more: it was used just now, and nobody has signed out since.

    On a slow network the first tap may have been answered into nothing; that must not cost a person her letter.
    """
    if invitation.used_at is None or clock.now() - invitation.used_at > SECOND_TRY:
        return False
    left = select(SignIn.id).where(
        SignIn.office_id == invitation.office_id,
        SignIn.account_id == invitation.account_id,
        SignIn.created_at >= invitation.used_at,
        SignIn.ended_at.is_not(None),
    )
    return session.scalar(left.limit(1)) is None


def enter_pin(session: Session, typed_code: str, typed_pin: str, *, shared_device: bool) -> str | SignInRefused:
    """Come in again with the letter's code and the 暗証番号. Returns a session token.

    A refusal is returned and not raised, because the count of wrong tries must be committed.
    """
    try:
        invitation = _letter(session, typed_code)
    except SignInRefused as unusable:
        return unusable
    credential = _credential(session, invitation.office_id, account_id=invitation.account_id)
    refusal = _check(session, f"pin {invitation.account_id}", credential, read_pin(typed_pin))
    return refusal or _begin_recipient(session, invitation, shared_device)


def choose_pin(session: Session, who: Recipient, typed: str) -> None:
    """Set or change the person's 暗証番号.

    :raises WeakPin: with a code for the page.
    """
    pin = good_pin(typed)
    in_turn(session, PortalAccount, who.office_id, who.account_id)
    credential = _credential(session, who.office_id, account_id=who.account_id)
    if credential is None:
        credential = Credential(office_id=who.office_id, account_id=who.account_id, secret_hash="")
        session.add(credential)
    credential.secret_hash = _hasher.hash(pin)
    tries = _tries(session, f"pin {who.account_id}")
    tries.failures, tries.wait_until = 0, None
    journal.record(session, who.office_id, Actor.recipient(who.account_id), "pin.chosen", who.account_id)


def set_password(session: Session, staff: StaffMember, password: str) -> None:
    """Give a member of staff a password."""
    credential = _credential(session, staff.office_id, staff_id=staff.id)
    if credential is None:
        credential = Credential(office_id=staff.office_id, staff_id=staff.id, secret_hash="")
        session.add(credential)
    credential.secret_hash = _hasher.hash(password)


def enter_password(session: Session, login: str, password: str) -> str | SignInRefused:
    """Sign a member of staff in. Returns a session token, or the refusal (see ``enter_pin``).

    An unknown login costs the same time, gives the same words and waits as long as a wrong password.
    """
    staff = session.scalar(select(StaffMember).where(StaffMember.login == login.strip(), StaffMember.active))
    credential = _credential(session, staff.office_id, staff_id=staff.id) if staff else None
    refusal = _check(session, f"login {login.strip()}", credential, password)
    if refusal or staff is None:
        return refusal or SignInRefused("wrong")
    token = _begin(session, staff.office_id, staff_id=staff.id, life=STAFF_DAY, shared_device=False)
    journal.record(session, staff.office_id, Actor.staff(staff.id), "staff.signed_in", staff.id)
    return token


_RECIPIENT: Final = Ready(
    select(
        SignIn.office_id,
        SignIn.id,
        PortalAccount.id,
        Member.id,
        Member.household_id,
        Member.name,
        Credential.id.is_not(None),
        SignIn.shared_device,
        SignIn.seen_at < bindparam("not_since", type_=UtcTime()),
    )
    .join(PortalAccount, (PortalAccount.office_id == SignIn.office_id) & (PortalAccount.id == SignIn.account_id))
    .join(Member, (Member.office_id == PortalAccount.office_id) & (Member.id == PortalAccount.member_id))
    .outerjoin(
        Credential,
        (Credential.office_id == PortalAccount.office_id) & (Credential.account_id == PortalAccount.id),
    )
    .where(
        SignIn.token_hash == bindparam("token_hash"),
        SignIn.ended_at.is_(None),
        SignIn.expires_at > bindparam("now", type_=UtcTime()),
    )
)


def recipient_of(place: Session | Reader, token: str) -> Recipient | None:
    """The recipient behind a session token, or None if it is unknown, ended or past its time."""
    now = clock.now()
    found = _RECIPIENT.on(place, {"token_hash": code_hash(token), "now": now, "not_since": now - _RENEW_EVERY})
    return Recipient(*found[0]) if found else None


_STAFF: Final = Ready(
    select(StaffMember.office_id, SignIn.id, StaffMember.id, StaffMember.name, StaffMember.role, StaffMember.keys)
    .join(StaffMember, (StaffMember.office_id == SignIn.office_id) & (StaffMember.id == SignIn.staff_id))
    .where(
        SignIn.token_hash == bindparam("token_hash"),
        SignIn.ended_at.is_(None),
        SignIn.expires_at > bindparam("now", type_=UtcTime()),
        StaffMember.active,
    )
)


def staff_of(place: Session | Reader, token: str) -> Staff | None:
    """The member of staff behind a session token, or None. Somebody no longer active is nobody."""
    found = _STAFF.on(place, {"token_hash": code_hash(token), "now": clock.now()})
    return Staff(*found[0]) if found else None


def use_keys(session: Session, who: Staff, *, on: bool) -> None:
    """Whether a member of staff works with single keys: hers to say, on whatever computer she sits."""
    session.get_one(StaffMember, (who.office_id, who.staff_id)).keys = on


def acting(session: Session, office_id: UUID, staff_id: UUID) -> Staff:
    """A member of staff as she is now, for what the worker does in her name.

    :raises NotThere: if she does not work here any more.
    """
    row = session.get_one(StaffMember, (office_id, staff_id))
    if not row.active:
        raise NotThere
    return Staff(row.office_id, new_id(), row.id, row.name, row.role)


def renew(session: Session, token: str) -> None:
    """Let a recipient's session live on while she works. A staff session ends with the day; what is over is over."""
    sign_in = session.scalar(
        select(SignIn)
        .where(SignIn.token_hash == code_hash(token), SignIn.ended_at.is_(None), SignIn.expires_at > clock.now())
        .with_for_update()
    )
    if sign_in:
        sign_in.seen_at = clock.now()
        if sign_in.account_id:
            sign_in.expires_at = clock.now() + (SHARED_PHONE if sign_in.shared_device else OWN_PHONE)


def end(session: Session, token: str) -> None:
    """Sign out: the token is dead from this commit on, wherever a copy of it lies."""
    sign_in = session.scalar(select(SignIn).where(SignIn.token_hash == code_hash(token), SignIn.ended_at.is_(None)))
    if sign_in:
        sign_in.ended_at = clock.now()


def _letter(session: Session, typed: str) -> Invitation:
    code = read_code(typed[:100])
    found = code and session.scalar(select(Invitation).where(Invitation.code_hash == code_hash(code)).with_for_update())
    if not found:
        raise SignInRefused("unknown")
    if found.state is InvitationState.REPLACED:
        raise SignInRefused("replaced")
    return found


def _credential(
    session: Session, office_id: UUID, *, account_id: UUID | None = None, staff_id: UUID | None = None
) -> Credential | None:
    owner = Credential.account_id == account_id if account_id else Credential.staff_id == staff_id
    return session.scalar(select(Credential).where(Credential.office_id == office_id, owner).with_for_update())


def _check(session: Session, name: str, credential: Credential | None, secret: str) -> SignInRefused | None:
    """Compare, and count the wrong tries for ``name``, one that nobody has like any other."""
    if not secret or len(secret) > LONGEST_SECRET:
        return SignInRefused("wrong")
    tries = _tries(session, name)
    if tries.wait_until and tries.wait_until > clock.now():
        return SignInRefused("wait", tries.wait_until)
    tries.last_at = clock.now()
    if _is_right(credential, secret):
        tries.failures, tries.wait_until = 0, None
        return None
    tries.failures += 1
    if tries.failures >= TRIES:
        tries.failures, tries.wait_until = 0, clock.now() + WAIT
        return SignInRefused("wait", tries.wait_until)
    return SignInRefused("wrong")


def _is_right(credential: Credential | None, secret: str) -> bool:
    try:
        _hasher.verify(credential.secret_hash if credential else _NOBODY, secret)
    except (VerifyMismatchError, InvalidHashError):
        return False
    return credential is not None


def _tries(session: Session, name: str) -> Tries:
    """The count for a name, held until the transaction ends. Counts of yesterday are forgotten."""
    session.execute(delete(Tries).where(Tries.last_at < clock.now() - timedelta(days=1)))
    key = code_hash(name)
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(insert(Tries).values(name_hash=key, failures=0, last_at=clock.now()).on_conflict_do_nothing())
    return session.get_one(Tries, key, with_for_update=True, populate_existing=True)


def _begin_recipient(session: Session, invitation: Invitation, shared_device: bool) -> str:
    life = SHARED_PHONE if shared_device else OWN_PHONE
    token = _begin(
        session, invitation.office_id, account_id=invitation.account_id, life=life, shared_device=shared_device
    )
    actor = Actor.recipient(invitation.account_id)
    journal.record(session, invitation.office_id, actor, "recipient.signed_in", invitation.account_id)
    return token


def _begin(
    session: Session,
    office_id: UUID,
    *,
    life: timedelta,
    shared_device: bool,
    account_id: UUID | None = None,
    staff_id: UUID | None = None,
) -> str:
    token = new_token()
    session.add(
        SignIn(
            id=new_id(),
            office_id=office_id,
            account_id=account_id,
            staff_id=staff_id,
            token_hash=code_hash(token),
            shared_device=shared_device,
            seen_at=clock.now(),
            expires_at=clock.now() + life,
        )
    )
    session.flush()
    return token
