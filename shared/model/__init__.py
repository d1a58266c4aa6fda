"""What is. Imports every table, so that no mapper is ever half built."""

from shared.model.actor import MACHINE, Actor, ActorKind
from shared.model.base import Base, new_id
from shared.model.file import SafeCopy, StoredFile, VersionFile
from shared.model.income import IncomeKind, IncomeLine, IncomeReport
from shared.model.journal import LogEntry
from shared.model.office import NumberSeries, WelfareOffice
from shared.model.outbox import Job, Task
from shared.model.people import Duty, DutyKind, Household, Member, Role, StaffMember
from shared.model.receipt import Receipt
from shared.model.sign_in import Credential, Invitation, ParkedForm, PortalAccount, SignIn, Tries
from shared.model.states import FileState, InvitationState, ReceiptState, State
from shared.model.submission import Claim, Correction, CorrectionItem, Reason, Step, Submission, SubmissionVersion

__all__ = [
    "MACHINE",
    "Actor",
    "ActorKind",
    "Base",
    "Claim",
    "Correction",
    "CorrectionItem",
    "Credential",
    "Duty",
    "DutyKind",
    "FileState",
    "Household",
    "IncomeKind",
    "IncomeLine",
    "IncomeReport",
    "Invitation",
    "InvitationState",
    "Job",
    "LogEntry",
    "Member",
    "NumberSeries",
    "ParkedForm",
    "PortalAccount",
    "Reason",
    "Receipt",
    "ReceiptState",
    "Role",
    "SafeCopy",
    "SignIn",
    "StaffMember",
    "State",
    "Step",
    "StoredFile",
    "Submission",
    "SubmissionVersion",
    "Task",
    "Tries",
    "VersionFile",
    "WelfareOffice",
    "new_id",
]
