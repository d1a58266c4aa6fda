"""What can go wrong in the office's own terms. Each kind is answered once, in ``config.web``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


class DomainError(Exception):
    """Something the rules do not allow. The class says what; the answer is chosen by the web layer."""


class NotThere(DomainError):
    """No such row for this person. Also said of a row that is somebody else's."""


class IllegalMove(DomainError):
    """The table of allowed steps has no such step."""

    def __init__(self, was: Any, to: Any) -> None:
        super().__init__(f"no step from {was} to {to}")
        self.was, self.to = was, to


@dataclass
class ChangedMeanwhile(DomainError):
    """Another hand was quicker. Carries the last step, so that the page can say who did what and when."""

    submission_id: Any
    state: str
    who: str
    at: datetime | None

    def __str__(self) -> str:
        return f"{self.submission_id} is {self.state} since {self.at}"


class TooLateToUndo(DomainError):
    """A decision that cannot be taken back any more: too long ago, or somebody has gone on from it."""


@dataclass
class TakenByAnother(DomainError):
    """A colleague holds the lease on this submission until ``until``."""

    submission_id: Any
    who: str
    since: datetime
    until: datetime


class Incomplete(DomainError):
    """A report cannot be sent yet. ``faults`` maps a field to the code of what is missing."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__(", ".join(sorted(faults)))
        self.faults = faults


class RuleOfThePast(DomainError):
    """A rule that would rewrite what was due."""


class RuleInUse(DomainError):
    """Something is due under this rule already; the next rule begins with a later month."""


class NotAMessage(DomainError):
    """A message that cannot be sent. ``code``: missing, too_long, placeholder, or my_number."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NotANote(DomainError):
    """A note that cannot be kept. ``code``: missing, too_long, my_number; nobody, several, may_not_open have a name."""

    def __init__(self, code: str, name: str = "") -> None:
        super().__init__(code)
        self.code, self.name = code, name


class NotAView(DomainError):
    """A list that cannot be kept. ``code``: missing, too_long, my_number, taken, or too_many."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NotAnOverride(DomainError):
    """A note with which no check is overridden. ``code``: missing, too_long, my_number, or already; then by ``who``."""

    def __init__(self, code: str, who: str = "") -> None:
        super().__init__(code)
        self.code, self.who = code, who


class SignInRefused(DomainError):
    """``reason``: unknown, used, expired, replaced, wrong, wait. ``wait_until`` stands with wait."""

    def __init__(self, reason: str, wait_until: datetime | None = None) -> None:
        super().__init__(reason)
        self.reason, self.wait_until = reason, wait_until


class TooManyFiles(DomainError):
    """The submission already holds as many files as the office allows."""


class TooMuchToday(DomainError):
    """The household has sent as many bytes today as the office takes in a day."""


class WrongOffset(DomainError):
    """A stretch of a file that does not go on where the kept one ends, at byte ``kept``."""

    def __init__(self, kept: int) -> None:
        super().__init__(f"{kept} bytes are kept")
        self.kept = kept


class UploadOver(DomainError):
    """This upload has ended without becoming a file. ``because`` is ``Upload.ended_because``."""

    def __init__(self, because: str) -> None:
        super().__init__(because)
        self.because = because


class AlreadySent(DomainError):
    """The draft this hand holds has been sent by another page or device."""


class AnsweredMeanwhile(DomainError):
    """What a page wants to keep was typed before an answer that came since."""


class SamePerson(DomainError):
    """Two people must do this, and one of them has come twice."""


class AlreadyCovered(DomainError):
    """The same colleague stands in for the same person on one of these days already."""


class RuleStands(DomainError):
    """A rule for this has begun on that day already; what counted in the past is never changed."""


class NotClosable(DomainError):
    """A day that has not come, or one before a day that is closed: what came on it stands in that one."""


class NotKept(DomainError):
    """What somebody wants kept does not go with what is there. ``code``: same_label, or too_many."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Destroyed(DomainError):
    """The bytes were kept long enough and are gone by two people's decision."""


class LogBroken(DomainError):
    """The journal cannot be followed beyond an entry: ``seq`` is missing or does not fit the one before it."""

    def __init__(self, seq: int) -> None:
        super().__init__(f"the journal is broken at entry {seq}")
        self.seq = seq
