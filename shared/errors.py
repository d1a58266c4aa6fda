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


class SignInRefused(DomainError):
    """``reason``: unknown, used, expired, replaced, wrong, wait. ``wait_until`` stands with wait."""

    def __init__(self, reason: str, wait_until: datetime | None = None) -> None:
        super().__init__(reason)
        self.reason, self.wait_until = reason, wait_until


class TooManyFiles(DomainError):
    """The submission already holds as many files as the office allows."""


class AlreadySent(DomainError):
    """The draft this hand holds has been sent by another page or device."""
