"""What the status page says, as it stands and when something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session, sessionmaker

from config.settings import Settings
from shared import clock, journal, outbox, upkeep
from shared import seals as published
from shared.model import (
    MACHINE,
    Job,
    LogEntry,
    Role,
    SealCertificate,
    StoredFile,
    SweepRun,
    Task,
    WorkerSighting,
    new_id,
)
from shared.sign_in import Staff
from staff.status import FINDINGS
from tests import factories
from tests.staff.conftest import Desk
from tests.staff.scene import set_out
from uploads.signing import Seals
from uploads.storage import FolderStorage
from uploads.sweep import Kind

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]
WHOLE = {"limits": "rlimits", "network": "namespace", "files": "landlock", "calls": "seccomp"}


@pytest.fixture
def keeper(make_session: Make, seals: Seals) -> Staff:
    """The administrator of an office that can sign."""
    with make_session.begin() as session:
        keeper = factories.staff(session, Role.ADMINISTRATOR, name="架里 守")
        published.publish(session, "HB", [seal.public for seal in seals.listed("HB")])
        return keeper


def seen(make_session: Make, name: str = "one:7", ago: int = 5, scanner: str = "ok", **room: str) -> None:
    at = clock.now() - timedelta(seconds=ago)
    with make_session.begin() as session:
        session.add(WorkerSighting(worker=name, started_at=at, seen_at=at, room={**WHOLE, **room}, scanner=scanner))


def test_a_healthy_house_says_so_and_the_menu_is_quiet(enter: Enter, keeper: Staff, make_session: Make) -> None:
    seen(make_session)
    with make_session.begin() as session:
        session.add(SweepRun(at=clock.now(), found={"wrong_hash": 0}, mended=0))
    desk = enter(keeper)
    page = desk.open("/status").html
    assert "問題はありませんでした" in page
    assert "動いています" in page
    assert 'data-tone="bad"' not in page
    assert "問題ありません" in desk.open("/").html


@pytest.mark.parametrize(
    ("scanner", "said"),
    [
        ("ok", "しています"),
        ("off", "していません（設定されていません）"),
        ("unreachable", "検査の機械につながりません"),
    ],
)
def test_the_virus_scan_is_said_as_it_is(
    enter: Enter, keeper: Staff, make_session: Make, scanner: str, said: str
) -> None:
    seen(make_session, scanner=scanner)
    assert said in enter(keeper).open("/status").html


def test_without_any_worker_the_scan_is_off_and_the_page_says_that_nothing_works(enter: Enter, keeper: Staff) -> None:
    page = enter(keeper).open("/status").html
    assert "していません（設定されていません）" in page
    assert "写しを作る機械が、動いていません" in page


def test_a_worker_not_seen_for_two_minutes_is_away(enter: Enter, keeper: Staff, make_session: Make) -> None:
    seen(make_session, "gone:1", ago=121)
    assert "いません" in enter(keeper).open("/status").html
    seen(make_session, "here:2")
    page = enter(keeper).open("/status").html
    assert "here:2" in page
    assert "gone:1" not in page, "it was followed by another"


def test_a_room_that_misses_a_layer_is_said_loudly(enter: Enter, keeper: Staff, make_session: Make) -> None:
    seen(make_session, network="none")
    desk = enter(keeper)
    page = desk.open("/status").html
    assert "守りのたりない部屋" in page
    assert "ネットワークの遮断：なし" in page
    home = desk.open("/").html
    assert "守りのたりない部屋" in home
    assert "1件、見てください" in home


def test_an_infected_file_stands_on_the_administrators_first_page(
    enter: Enter, keeper: Staff, make_session: Make, bytes_kept: FolderStorage
) -> None:
    seen(make_session)
    with make_session.begin() as session:
        scene = set_out(session, bytes_kept)
        who = factories.recipient(session)
        factories.file(session, who, factories.draft(session, who))
        session.execute(update(StoredFile).values(state="refused", refused_because="infected"))
        head = factories.staff(session, Role.SUPERVISOR)
    desk = enter(keeper)
    assert "ウイルスの疑いがあるファイルが、2つあります" in desk.open("/").html
    page = desk.open("/status").html
    assert scene.number in page
    assert f"/originals/{scene.file_id}" in page
    assert "まだ出されていません" in page
    assert "/originals" not in enter(head).open("/status").html


def test_owed_work_and_work_given_up_are_counted(
    enter: Enter, keeper: Staff, make_session: Make, bytes_kept: FolderStorage
) -> None:
    seen(make_session)
    with make_session.begin() as session:
        given_up = set_out(session, bytes_kept)
        session.execute(
            update(Task)
            .where(Task.subject_id == given_up.file_id)
            .values(gave_up_at=clock.now(), tries=6, failed_because="Crashed")
        )
        set_out(session, bytes_kept)
    page = enter(keeper).open("/status").html
    assert "1件" in page
    assert given_up.number in page
    assert "Crashed" in page
    with make_session() as session:
        assert session.scalars(select(Task.id).where(Task.done_at.is_(None), Task.gave_up_at.is_(None))).all()


def test_whether_the_office_can_sign_is_said_before_it_cannot(
    enter: Enter, keeper: Staff, make_session: Make, seals: Seals
) -> None:
    seen(make_session)
    assert "できます" in enter(keeper).open("/status").html
    with make_session.begin() as session:
        session.execute(update(SealCertificate).values(not_after=clock.now() + timedelta(days=20)))
    page = enter(keeper).open("/status").html
    assert "に期限がきます" in page
    assert "件、見てください" in page
    with make_session.begin() as session:
        session.execute(update(SealCertificate).values(retired_at=clock.now()))
    assert "鍵がありません" in enter(keeper).open("/status").html


def test_a_certificate_that_waits_for_a_key_is_said_though_one_is_published(
    enter: Enter, keeper: Staff, make_session: Make
) -> None:
    seen(make_session)
    with make_session.begin() as session:
        outbox.promise(session, keeper.office_id, Job.DRAW_RECEIPT, new_id())
        session.execute(update(Task).values(failed_because="SealMissing"))
    assert "鍵がありません" in enter(keeper).open("/status").html


def test_findings_of_the_last_sweep_are_said_in_words(enter: Enter, keeper: Staff, make_session: Make) -> None:
    seen(make_session)
    with make_session.begin() as session:
        session.add(SweepRun(at=clock.now() - timedelta(days=1), found={"wrong_hash": 9}, mended=0))
        session.add(SweepRun(at=clock.now(), found={"row_without_bytes": 2, "something_new": 1}, mended=1))
    page = enter(keeper).open("/status").html
    assert "記録はあるが中身がない" in page
    assert "something_new" in page
    assert "中身が変わっている" not in page
    assert "1件をなおしました" in page


def test_there_is_a_word_for_everything_a_sweep_can_find() -> None:
    assert FINDINGS.keys() == {kind.value for kind in Kind}


def test_another_offices_troubles_are_not_shown(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage, seals: Seals
) -> None:
    seen(make_session)
    with make_session.begin() as session:
        scene = set_out(session, bytes_kept)
        session.execute(update(StoredFile).values(state="refused", refused_because="infected"))
        elsewhere = factories.staff(session, Role.ADMINISTRATOR, office_id=factories.office(session, "XX").id)
        published.publish(session, "XX", [seals.of("HB").public])
    desk = enter(elsewhere)
    assert scene.number not in desk.open("/status").html
    assert "問題ありません" in desk.open("/").html


def test_a_storage_that_is_away_is_said_and_no_crash(
    enter: Enter, keeper: Staff, app: Flask, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "files").rename(tmp_path / "unmounted")
    page = enter(keeper).open("/status")
    assert page.status == 200
    assert "つながりません" in page.html


def test_the_page_says_whether_the_journal_is_whole_and_when_it_was_signed(
    enter: Enter, keeper: Staff, make_session: Make
) -> None:
    desk = enter(keeper)
    assert "署名は、まだありません。" in desk.open("/status").html
    with make_session.begin() as session:
        for _ in range(3):
            journal.record(session, keeper.office_id, MACHINE, "letter.sent")
        factories.tree_head(session, clock.today())
    page = desk.open("/status").html
    assert "つながっています" in page
    assert "最後の署名" in page
    with make_session.begin() as session:
        newest = journal.record(session, keeper.office_id, MACHINE, "letter.sent")
        broken = session.get_one(LogEntry, (keeper.office_id, newest))
        session.execute(text("DROP TRIGGER log_entry_append_only ON log_entry"))
        session.execute(update(LogEntry).where(LogEntry.seq == broken.seq).values(event="x.done"))
        before = upkeep.wants_a_look(session, keeper.office_id)
        with clock.at(clock.now() + timedelta(minutes=11)):
            assert upkeep.wants_a_look(session, keeper.office_id) == before + 1, "and the menu says so after a while"
    assert f"{broken.seq}番の記録が合いません" in desk.open("/status").html
