from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import clock, drafts, intake, receipts, review
from shared.errors import ChangedMeanwhile, NotThere
from shared.model import ActorKind, Job, LogEntry, Reason, Receipt, Role, State, Step, Submission, Task
from shared.receipts import UNNUMBERED, readable_size
from shared.sign_in import Staff
from tests import factories

EVENING = datetime.fromisoformat("2026-11-19T20:12:41+09:00")


@pytest.fixture(autouse=True)
def now() -> Iterator[datetime]:
    with clock.at(EVENING):
        yield EVENING


@pytest.fixture
def clerk(session: Session) -> Staff:
    return factories.staff(session, Role.CLERK, name="品見 薫")


def accepted(session: Session, *, files: int = 1, versions: int = 1) -> Submission:
    """A report that was looked at and accepted, a quarter of an hour after it came."""
    worker = factories.staff(session, name="例野 太郎")
    who = factories.recipient(session, factories.household(session, worker))
    row = factories.draft(session, who)
    for number in range(files):
        file = factories.file(session, who, row, name=f"給与明細 {number + 1}.pdf", size=42_000)
        factories.make_safe(session, file, pages=2)
    intake.send(session, who, row.id, attempt=uuid4())
    for _ in range(versions - 1):
        review.claim(session, worker, row.id)
        values = {"jobs-0-gross_yen": (Reason.DIFFERS, "")}
        review.send_back(session, worker, row.id, review.AskAgain(seen=row.revision, attempt=uuid4(), values=values))
        with clock.at(EVENING + timedelta(minutes=5)):
            factories.write(session, who, row.id, {"gross_yen": 90_000})
            intake.send(session, who, row.id, attempt=uuid4())
    with clock.at(EVENING + timedelta(minutes=15)):
        review.claim(session, worker, row.id)
        review.accept(session, worker, row.id, seen=row.revision, attempt=uuid4())
    return row


def issue(session: Session, clerk: Staff, row: Submission, **given: Any) -> Receipt:
    given = {"seen": row.revision, "attempt": uuid4(), "demo": False, **given}
    return receipts.issue(session, clerk, row.id, **given)


def test_issuing_gives_a_number_frozen_content_the_last_step_and_a_promise(session: Session, clerk: Staff) -> None:
    row = accepted(session)
    receipt = issue(session, clerk, row)
    assert (receipt.document_no, receipt.issued_by, receipt.issued_at) == (
        "ひ福生第 令8-00001 号",
        clerk.staff_id,
        EVENING,
    )
    assert receipt.version_id == drafts.sent_version(session, row).id
    assert row.state is State.RECEIPTED
    step = session.scalars(select(Step).where(Step.submission_id == row.id).order_by(Step.id.desc())).first()
    assert step
    assert (step.became, step.actor_kind, step.actor_id) == (State.RECEIPTED, ActorKind.STAFF, clerk.staff_id)
    task = session.scalars(select(Task).where(Task.job == Job.DRAW_RECEIPT)).one()
    assert (task.subject_id, task.send_after) == (receipt.id, EVENING)
    entry = session.scalars(select(LogEntry).order_by(LogEntry.seq.desc())).first()
    assert entry
    facts = {"version": 1, "submission": str(row.id), "content_sha256": receipts.content_hash(receipt.content)}
    assert (entry.event, entry.subject_id, factories.facts(entry)) == ("receipt.issued", receipt.id, facts)
    assert receipt.entry_id == entry.id


def test_the_paper_says_who_sent_what_when_and_who_looked_at_it(session: Session, clerk: Staff) -> None:
    row = accepted(session, files=2)
    with clock.at(EVENING + timedelta(minutes=30)):
        content = issue(session, clerk, row).content
    assert content["number"] == row.number
    assert (content["document_no"], content["issued_on"]) == ("ひ福生第 令8-00001 号", "令和8年11月19日")
    assert (content["addressee"], content["office_title"]) == ("見本　花子", "架空県ひばり野市福祉事務所長")
    assert content["received"] == [
        ["書類", "収入申告書　令和8年10月分"],
        ["出した人", "見本　花子（世帯主）"],
        ["届いた日時", "令和8年11月19日(木)20時12分41秒（日本時間）"],
        ["受理", "令和8年11月19日(木)20時27分　例野 太郎"],
        ["発行", "令和8年11月19日(木)20時42分　品見 薫"],
    ]
    assert content["declared"] == [
        ["働いて得た収入", "あります"],
        ["働いた人", "見本　花子"],
        ["会社（勤め先）", "株式会社みほん清掃"],
        ["働いた日", "18日"],
        ["10月の給料（引かれる前）", "85,400円"],
        ["引かれた社会保険料", "470円"],
        ["引かれた税金", "0円"],
        ["通勤にかかったお金", "2,600円"],
        ["年金・手当などの収入", "ありません"],
        ["仕送りによる収入", "ありません"],
        ["そのほかの収入", "ありません"],
        ["見込みのある収入", "ありません"],
    ]
    version = drafts.sent_version(session, row)
    assert content["files"] == [
        {"name": f"給与明細 {at}.pdf", "pages": "2", "size": "42 KB", "sha256": file.sha256}
        for at, file in enumerate(drafts.files_of(session, version), start=1)
    ]
    assert content["demo"] is False


def test_a_corrected_report_keeps_its_first_arrival_and_names_its_version(session: Session, clerk: Staff) -> None:
    content = issue(session, clerk, accepted(session, versions=2)).content
    assert ["届いた日時", "令和8年11月19日(木)20時12分41秒（日本時間）"] in content["received"]
    assert ["なおした版", "第2版　令和8年11月19日(木)20時17分41秒"] in content["received"]
    assert ["10月の給料（引かれる前）", "90,000円"] in content["declared"]


def test_a_second_tap_gets_the_same_certificate(session: Session, clerk: Staff) -> None:
    row = accepted(session)
    seen, attempt = row.revision, uuid4()
    given = [issue(session, clerk, row, seen=seen, attempt=attempt) for _ in range(3)]
    assert given == [given[0]] * 3
    assert len(session.scalars(select(Receipt)).all()) == 1
    assert len(session.scalars(select(Task).where(Task.job == Job.DRAW_RECEIPT)).all()) == 1


def test_a_colleague_who_comes_later_hears_who_was_quicker(session: Session, clerk: Staff) -> None:
    row = accepted(session)
    seen = row.revision
    other = factories.staff(session, Role.CLERK, name="手本 夏")
    issue(session, clerk, row)
    for shown in (seen, row.revision):
        with pytest.raises(ChangedMeanwhile) as refused:
            issue(session, other, row, seen=shown)
        assert (refused.value.who, refused.value.state) == ("品見 薫", "receipted")
    with pytest.raises(ChangedMeanwhile, match="receipted"):
        receipts.preview(session, other, row.id, demo=False)


def test_a_certificate_of_what_the_screen_did_not_show_is_not_issued(session: Session, clerk: Staff) -> None:
    row = accepted(session)
    with pytest.raises(ChangedMeanwhile):
        issue(session, clerk, row, seen=row.revision - 1)
    assert (row.state, session.scalars(select(Receipt)).all()) == (State.ACCEPTED, [])
    assert issue(session, clerk, row).document_no.endswith("00001 号")  # no number was spent


def test_document_numbers_follow_one_another(session: Session, clerk: Staff) -> None:
    numbers = [issue(session, clerk, accepted(session)).document_no for _ in range(3)]
    assert numbers == [f"ひ福生第 令8-0000{at} 号" for at in (1, 2, 3)]


def test_a_preview_is_what_will_be_issued_but_for_the_number(session: Session, clerk: Staff) -> None:
    row = accepted(session)
    slip, content = receipts.preview(session, clerk, row.id, demo=True)
    assert (slip.id, slip.revision, content["document_no"]) == (row.id, row.revision, UNNUMBERED)
    issued = issue(session, clerk, row, demo=True).content
    assert issued == {**content, "document_no": "ひ福生第 令8-00001 号"}
    assert (content["demo"], session.scalars(select(Receipt)).one().content["demo"]) == (True, True)


@pytest.mark.parametrize("state", [state for state in State if state not in (State.ACCEPTED, State.RECEIPTED)])
def test_a_clerk_is_shown_nothing_that_is_not_accepted(session: Session, clerk: Staff, state: State) -> None:
    row = factories.submission(session, state)
    for act in (
        lambda: receipts.for_clerk(session, clerk, row.id),
        lambda: receipts.preview(session, clerk, row.id, demo=False),
        lambda: issue(session, clerk, row),
    ):
        with pytest.raises(NotThere):
            act()


def test_another_offices_receipts_are_not_there(session: Session, clerk: Staff) -> None:
    row = accepted(session)
    stranger = factories.staff(session, Role.CLERK, office_id=factories.office(session, "HX").id)
    with pytest.raises(NotThere):
        issue(session, stranger, row)
    receipt = issue(session, clerk, row)
    with pytest.raises(NotThere):
        receipts.office_receipt(session, stranger, receipt.id)
    assert receipts.issued_since(session, stranger, EVENING) == []
    assert receipts.office_receipt(session, clerk, receipt.id) is receipt


def test_a_person_gets_her_own_certificate_once_it_is_drawn(session: Session, clerk: Staff) -> None:
    row = accepted(session)
    receipt = issue(session, clerk, row)
    who = factories.recipient_of(session, row)
    neighbour = factories.recipient(session, factories.household(session))
    with pytest.raises(NotThere):
        receipts.own_receipt(session, who, receipt.id)
    receipt.pdf_key, receipt.pdf_sha256 = "receipt/1", "a" * 64
    session.flush()
    assert receipts.own_receipt(session, who, receipt.id) is receipt
    for stranger, wanted in ((neighbour, receipt.id), (who, factories.unknown_id())):
        with pytest.raises(NotThere):
            receipts.own_receipt(session, stranger, wanted)


def test_the_list_of_the_day_shows_the_newest_first_and_which_are_drawn(session: Session, clerk: Staff) -> None:
    issued = []
    for hours in (30, 2, 1):
        with clock.at(EVENING - timedelta(hours=hours)):
            issued.append(issue(session, clerk, accepted(session)))
    issued[1].pdf_key, issued[1].pdf_sha256 = "receipt/1", "a" * 64
    session.flush()
    lines = receipts.issued_since(session, clerk, EVENING - timedelta(hours=20))
    assert [(line.id, line.ready) for line in lines] == [(issued[2].id, False), (issued[1].id, True)]
    assert (lines[0].document_no, lines[0].member) == (issued[2].document_no, "見本　花子")
    assert lines[0].number == issued[2].content["number"]


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (1, "1 B"),
        (999, "999 B"),
        (1_000, "1 KB"),
        (412_400, "412 KB"),
        (999_499, "999 KB"),
        (999_500, "1 MB"),
        (1_000_000, "1 MB"),
        (1_240_000, "1.2 MB"),
        (20_971_520, "21 MB"),
    ],
)
def test_a_size_is_written_as_people_read_it(size: int, text: str) -> None:
    assert readable_size(size) == text
