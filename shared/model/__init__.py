"""What is. Imports every table, so that no mapper is ever half built."""

from shared.model.actor import MACHINE, Actor, ActorKind
from shared.model.base import Base, new_id
from shared.model.batch import NotIssued, ReceiptBatch, ReceiptBatchItem, ReceiptBundle, ReceiptRule
from shared.model.bulk import Bulk, BulkAct, BulkItem, Why
from shared.model.check import Check, Result, Rule
from shared.model.closing import ClosingKind, ClosingSignature, ClosingTime, DayClosing
from shared.model.colleagues import ClaimWish, Note, Presence, SavedView, StaffNotice, Told
from shared.model.cover import Cover, HouseholdNews, News, Reassignment
from shared.model.danger import DangerWord
from shared.model.delivery import Delivered, Delivery, DeliveryWay, Way
from shared.model.file import How, Likeness, OriginalFetch, SafeCopy, StoredFile, VersionFile
from shared.model.fixed_texts import FixedText
from shared.model.forms import AbsentPaper, FilledForm, FormSetting, WhyAbsent
from shared.model.journal import LogEntry
from shared.model.log_tree import LogNode, TreeHead
from shared.model.message import Message, MessageFile
from shared.model.office import NumberSeries, WelfareOffice
from shared.model.office_days import CalendarRule, ClosedDay, PaymentDay
from shared.model.outbox import Job, Task
from shared.model.people import (
    Duty,
    DutyAbout,
    DutyKind,
    DutyRule,
    EarlierSituation,
    Household,
    HouseholdLook,
    Member,
    Role,
    Situation,
    StaffMember,
)
from shared.model.reasons import CorrectionReason, ReasonWords
from shared.model.receipt import Receipt
from shared.model.retention import Disposal, DisposalItem, Kept, LegalHold, RetentionRule
from shared.model.seal import SealCertificate
from shared.model.second_look import Finding, SecondLook, SecondLookRule
from shared.model.sign_in import Credential, Invitation, ParkedForm, PortalAccount, SignIn, Tries
from shared.model.stamp import OfficeStamp, StampKind
from shared.model.states import (
    NOT_STANDING,
    BatchItemState,
    BatchState,
    BulkItemState,
    BulkState,
    DisposalState,
    FileState,
    InvitationState,
    ReceiptState,
    StampState,
    State,
    UploadState,
    VoidState,
)
from shared.model.submission import (
    LAST_SENT,
    Claim,
    Correction,
    CorrectionItem,
    Reason,
    Step,
    Submission,
    SubmissionVersion,
)
from shared.model.upkeep import SweepRun, WorkerSighting
from shared.model.upload import Upload, UploadPart
from shared.model.voiding import ReceiptVoid

__all__ = [
    "LAST_SENT",
    "MACHINE",
    "NOT_STANDING",
    "AbsentPaper",
    "Actor",
    "ActorKind",
    "Base",
    "BatchItemState",
    "BatchState",
    "Bulk",
    "BulkAct",
    "BulkItem",
    "BulkItemState",
    "BulkState",
    "CalendarRule",
    "Check",
    "Claim",
    "ClaimWish",
    "ClosedDay",
    "ClosingKind",
    "ClosingSignature",
    "ClosingTime",
    "Correction",
    "CorrectionItem",
    "CorrectionReason",
    "Cover",
    "Credential",
    "DangerWord",
    "DayClosing",
    "Delivered",
    "Delivery",
    "DeliveryWay",
    "Disposal",
    "DisposalItem",
    "DisposalState",
    "Duty",
    "DutyAbout",
    "DutyKind",
    "DutyRule",
    "EarlierSituation",
    "FileState",
    "FilledForm",
    "Finding",
    "FixedText",
    "FormSetting",
    "Household",
    "HouseholdLook",
    "HouseholdNews",
    "How",
    "Invitation",
    "InvitationState",
    "Job",
    "Kept",
    "LegalHold",
    "Likeness",
    "LogEntry",
    "LogNode",
    "Member",
    "Message",
    "MessageFile",
    "News",
    "NotIssued",
    "Note",
    "NumberSeries",
    "OfficeStamp",
    "OriginalFetch",
    "ParkedForm",
    "PaymentDay",
    "PortalAccount",
    "Presence",
    "Reason",
    "ReasonWords",
    "Reassignment",
    "Receipt",
    "ReceiptBatch",
    "ReceiptBatchItem",
    "ReceiptBundle",
    "ReceiptRule",
    "ReceiptState",
    "ReceiptVoid",
    "Result",
    "RetentionRule",
    "Role",
    "Rule",
    "SafeCopy",
    "SavedView",
    "SealCertificate",
    "SecondLook",
    "SecondLookRule",
    "SignIn",
    "Situation",
    "StaffMember",
    "StaffNotice",
    "StampKind",
    "StampState",
    "State",
    "Step",
    "StoredFile",
    "Submission",
    "SubmissionVersion",
    "SweepRun",
    "Task",
    "Told",
    "TreeHead",
    "Tries",
    "Upload",
    "UploadPart",
    "UploadState",
    "VersionFile",
    "VoidState",
    "Way",
    "WelfareOffice",
    "Why",
    "WhyAbsent",
    "WorkerSighting",
    "new_id",
]
