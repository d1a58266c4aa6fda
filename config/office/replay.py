"""Plays the diary with the real commands, the real storage and the real jobs, each at its own moment.

Two threads draw safe copies and certificates beside the diary; a decision waits for the copies it would be made on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.office.diary import Deed, Entry
from config.office.hibarino import Town
from config.office.papers import Payslip
from config.office.wages import Flaw, Paper, Work, answers, papers, payslip, photo
from config.settings import MEBIBYTE
from shared import clock, drafts, duties, filled, intake, receipts, review, sign_in
from shared.errors import SignInRefused
from shared.model import Actor, DutyKind, Reason, Role, Submission, Task, WelfareOffice
from shared.review import AskAgain
from shared.sign_in import Recipient, Staff
from uploads import jobs
from uploads.checks import what_is
from uploads.receiving import Incoming

HANDS: Final = 2  # as many as a small machine has cores
_FILE_LIMIT: Final = 20 * MEBIBYTE
_FILES_LIMIT: Final = 20

Key = tuple[str, date]  # case number, month


class Replay:
    """One telling of the diary. Use it as a context: leaving it waits for the jobs."""

    def __init__(self, bench: jobs.Bench, town: Town, works: Sequence[Work], months: Sequence[date]) -> None:
        self.bench, self.town, self.months = bench, town, months
        self.works: Mapping[str, Work] = {work.case_no: work for work in works}
        self.codes: dict[str, str] = {}
        self.people: dict[str, Recipient] = {}
        self.slips: dict[Key, Payslip] = {}
        self.reports: dict[Key, UUID] = {}
        self.drawing: dict[UUID, list[Future[None]]] = {}  # by what waits for it
        self.hands = ThreadPoolExecutor(HANDS, thread_name_prefix="job")

    def __enter__(self) -> Replay:
        return self

    def __exit__(self, *_: object) -> None:
        self.hands.shutdown(cancel_futures=True)

    def finish(self, at: datetime) -> None:
        """Wait for every job. Raises what one of them raised.

        :param at: later than anybody holds a task. The threads' clocks differ, so that one may have taken from another
            what it then found drawn, and neither says that it is done.
        """
        for waited_for in self.drawing:
            self._wait(waited_for)
        with self.bench.sessions.begin() as session:
            left = session.scalars(select(Task.id).where(Task.done_at.is_(None), Task.gave_up_at.is_(None))).all()
        for task_id in left:
            self._work(task_id, at)

    def do(self, entry: Entry) -> None:
        """Let one entry happen."""
        play: dict[Deed, Callable[[Entry], None]] = {
            Deed.LETTER: self._letter,
            Deed.ENTER: self._enter,
            Deed.DUTY: self._duty,
            Deed.BEGIN: self._begin,
            Deed.SEND: self._send,
            Deed.LOOK: self._look,
            Deed.SEND_BACK: self._send_back,
            Deed.SEND_AGAIN: self._send_again,
            Deed.ACCEPT: self._accept,
            Deed.ISSUE: self._issue,
        }
        with clock.at(entry.at):
            play[entry.deed](entry)

    def _letter(self, entry: Entry) -> None:
        by = Actor.staff(self.town.heads[entry.case_no].caseworker.staff_id)
        with self.bench.sessions.begin() as session:
            member_id = self.town.heads[entry.case_no].member_id
            self.codes[entry.case_no] = sign_in.invite(session, self.town.office_id, member_id, by=by)

    def _enter(self, entry: Entry) -> None:
        with self.bench.sessions.begin() as session:
            token = sign_in.open_letter(session, self.codes.pop(entry.case_no), shared_device=False)
            person = sign_in.recipient_of(session, token or "")
        if person is None:
            raise SignInRefused("unknown")
        self.people[entry.case_no] = person

    def _duty(self, entry: Entry) -> None:
        head = self.town.heads[entry.case_no]
        with self.bench.sessions.begin() as session:
            office = session.get_one(WelfareOffice, self.town.office_id)
            duties.open_duty(session, office, head.household_id, head.member_id, entry.month)

    def _begin(self, entry: Entry) -> None:
        """The employer is written, then the phone rings."""
        who, work = self.people[entry.case_no], self.works[entry.case_no]
        with self.bench.sessions.begin() as session:
            begun = filled.start(session, who, DutyKind.INCOME_REPORT, entry.month)
            filled.write(session, who, begun.id, "worked", {"worked": "yes"})
            job = {"worker": str(who.member_id), "employer": work.employer}
            filled.write(session, who, begun.id, "jobs", dict(job), 0)

    def _send(self, entry: Entry) -> None:
        who, work, flaw = self.people[entry.case_no], self.works[entry.case_no], self._flaw(entry)
        slip = payslip(work, who.name, entry.month, before=clock.today())
        arrived = [self._bring(paper, part) for part, paper in enumerate(papers(work, slip, flaw))]
        with self.bench.sessions.begin() as session:
            with clock.at(entry.at - timedelta(minutes=6)):
                report = filled.start(session, who, DutyKind.INCOME_REPORT, entry.month)
                self._write(session, who, report.id, slip, flaw)
            owed = self._attach(session, who, report.id, arrived, entry.at - timedelta(minutes=2))
            intake.send(session, who, report.id, attempt=uuid4())
        self.slips[self._key(entry)], self.reports[self._key(entry)] = slip, report.id
        self._work_on(report.id, owed, entry.at)

    def _send_again(self, entry: Entry) -> None:
        """The photo is taken anew, or the amount put right."""
        who, report_id, slip = self.people[entry.case_no], self._report(entry), self.slips[self._key(entry)]
        arrived = []
        if self._flaw(entry) is Flaw.DARK:
            arrived.append(self._bring(photo(slip, entry.at.minute, dark=False), 0))
        with self.bench.sessions.begin() as session:
            with clock.at(entry.at - timedelta(minutes=4)):
                self._write(session, who, report_id, slip, None)
                draft = drafts.draft_of(session, who, report_id)
                for file in drafts.files_of(session, draft.version) if arrived else ():
                    if file.kind != "pdf":
                        drafts.remove(session, who, report_id, file.id)
            owed = self._attach(session, who, report_id, arrived, entry.at - timedelta(minutes=1))
            intake.send(session, who, report_id, attempt=uuid4())
        self._work_on(report_id, owed, entry.at)

    def _write(self, session: Session, who: Recipient, report_id: UUID, slip: Payslip, flaw: Flaw | None) -> None:
        report = drafts.own(session, who, report_id)
        others = [id_ for id_ in filled.people_of(session, report).grown if id_ != str(who.member_id)]
        filled.write_whole(session, who, report_id, answers(slip, who.member_id, others, flaw))

    def _look(self, entry: Entry) -> None:
        """A caseworker opens it, is called away and gives it back."""
        by, report_id = self.town.heads[entry.case_no].caseworker, self._report(entry)
        with self.bench.sessions.begin() as session:
            review.claim(session, by, report_id)
        with self.bench.sessions.begin() as session, clock.at(entry.at + timedelta(minutes=5)):
            review.release(session, by, report_id)

    def _accept(self, entry: Entry) -> None:
        by, report_id = self.town.heads[entry.case_no].caseworker, self._report(entry)
        with self.bench.sessions.begin() as session:
            report = self._claimed(session, entry, report_id)
            review.accept(session, by, report_id, seen=report.revision, attempt=uuid4())

    def _send_back(self, entry: Entry) -> None:
        by, slip = self.town.heads[entry.case_no].caseworker, self.slips[self._key(entry)]
        report_id = self._report(entry)
        with self.bench.sessions.begin() as session:
            report = self._claimed(session, entry, report_id)
            files, values = {}, {}
            if self._flaw(entry) is Flaw.DARK:
                sent = drafts.files_of(session, drafts.sent_version(session, report))
                words = "金額のところが暗くて読めません。明るいところで、もう一度とってください。"
                files = {file.id: (Reason.DARK, words) for file in sent if file.kind != "pdf"}
            else:
                words = f"明細の総支給額は {slip.gross_yen:,}円のようです。確かめてください。"
                values = {"jobs-0-gross_yen": (Reason.DIFFERS, words)}
            asked = AskAgain(seen=report.revision, attempt=uuid4(), files=files, values=values)
            review.send_back(session, by, report_id, asked)

    def _issue(self, entry: Entry) -> None:
        report_id, clerk = self._report(entry), self._clerk(entry)
        with self.bench.sessions.begin() as session:
            report = receipts.for_clerk(session, clerk, report_id)
            receipt = receipts.issue(session, clerk, report_id, seen=report.revision, attempt=uuid4(), demo=True)
            owed = self._owed(session, receipt.id)
        self._work_on(receipt.id, [owed], entry.at)

    def _claimed(self, session: Session, entry: Entry, report_id: UUID) -> Submission:
        """Taken by the caseworker seven minutes ago; she has looked at it since."""
        by = self.town.heads[entry.case_no].caseworker
        with clock.at(entry.at - timedelta(minutes=7)):
            review.claim(session, by, report_id)
        return review.open_for(session, by, report_id)

    def _bring(self, paper: Paper, part: int) -> drafts.Arrived:
        """Make the paper and let its bytes arrive as the portal does."""
        with Incoming(self.bench.scratch, _FILE_LIMIT) as incoming:
            incoming.write(paper.make())
            kind = what_is(incoming.head, incoming.size)
            key = f"original/{uuid4()}"
            incoming.keep(self.bench.storage, key, kind.media_type)
            return drafts.Arrived(key, paper.name, kind.value, incoming.size, incoming.sha256, uuid4(), part)

    def _attach(
        self, session: Session, who: Recipient, report_id: UUID, arrived: list[drafts.Arrived], at: datetime
    ) -> list[UUID]:
        with clock.at(at):
            files = [drafts.attach(session, who, report_id, file, limit=_FILES_LIMIT) for file in arrived]
        return [self._owed(session, file.id) for file in files]

    def _owed(self, session: Session, subject_id: UUID) -> UUID:
        return session.scalars(
            select(Task.id).where(Task.office_id == self.town.office_id, Task.subject_id == subject_id)
        ).one()

    def _work_on(self, waiting: UUID, owed: list[UUID], since: datetime) -> None:
        """Hand tasks to the two threads; ``waiting`` is what a later entry must not touch before they are done."""
        for number, task_id in enumerate(owed, start=1):
            done = self.hands.submit(self._work, task_id, since + timedelta(seconds=4 * number))
            self.drawing.setdefault(waiting, []).append(done)

    def _work(self, task_id: UUID, at: datetime) -> None:
        """What fails is tried again, as workers do, only without their pause: a slow machine leaves nothing undone."""
        with clock.at(at):
            for _ in range(jobs.MOST_TRIES):
                jobs.do(self.bench, self.town.office_id, task_id)
                if self._is_done(task_id):
                    return

    def _is_done(self, task_id: UUID) -> bool:
        with self.bench.sessions.begin() as session:
            return session.get_one(Task, (self.town.office_id, task_id)).done_at is not None

    def _wait(self, waited_for: UUID) -> None:
        for done in self.drawing.get(waited_for, ()):
            done.result()

    def _report(self, entry: Entry) -> UUID:
        """The report of an entry, its copies drawn. Not inside a transaction: it may wait for one."""
        report_id = self.reports[self._key(entry)]
        self._wait(report_id)
        return report_id

    def _key(self, entry: Entry) -> Key:
        return entry.case_no, entry.month

    def _flaw(self, entry: Entry) -> Flaw | None:
        story = self.works[entry.case_no].stories[self.months.index(entry.month)]
        return story.flaw if story else None

    def _clerk(self, entry: Entry) -> Staff:
        clerks = [member for member in self.town.staff if member.role is Role.CLERK]
        return clerks[int(entry.case_no) % len(clerks)]
