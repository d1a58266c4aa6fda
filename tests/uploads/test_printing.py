"""Certificates drawn by the worker: signed or not at all, forty at a time, each once, whoever dies in the middle."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path

import pikepdf
import pytest
from sqlalchemy import select

from config import points
from config.settings import Settings
from shared import clock, log_tree, receipts
from shared import seals as published
from shared.model import LogEntry, Receipt, SealCertificate, Task
from tests.readers import openssl_likes
from tests.uploads.conftest import Desk
from uploads.jobs import OUTAGE_PAUSE, bench_from, do
from uploads.signing import Seals
from uploads.time_stamps import Authority
from uploads.worker import publish_seals

STEPS = ["receipt.held", "receipt.drawn", "receipt.signed", "receipt.stored", "receipt.settled"]


def work_on(desk: Desk, task: Task) -> None:
    do(desk.bench, task.office_id, task.id)


def signed(desk: Desk, task: Task) -> bytes:
    """The PDF of a certificate, which is what its row says."""
    receipt = desk.receipt(task)
    assert receipt.pdf_key
    with desk.bench.storage.open(receipt.pdf_key) as stored:
        content = stored.read()
    assert hashlib.sha256(content).hexdigest() == receipt.pdf_sha256
    return content


def test_what_is_kept_is_signed_and_proves_its_entry(desk: Desk, tmp_path: Path, seals: Seals) -> None:
    desk = replace(desk, bench=replace(desk.bench, portal_url="https://madoguchi.example"))
    task = desk.issued()
    work_on(desk, task)
    (tmp_path / "r.pdf").write_bytes(signed(desk, task))
    assert openssl_likes(tmp_path / "r.pdf", seals.root / "ca" / "certificate.pem", tmp_path)
    receipt = desk.receipt(task)
    with pikepdf.open(tmp_path / "r.pdf") as pdf:
        proof = json.loads(pdf.attachments["proof.json"].get_file().read_bytes())
        said = pdf.attachments["content.json"].get_file().read_bytes()
    assert hashlib.sha256(said).hexdigest() == proof["content_sha256"] == receipts.content_hash(receipt.content)
    inclusion = log_tree.Inclusion(**proof["entry"])
    assert inclusion.holds()
    assert proof["content_sha256"] in inclusion.said
    with desk.bench.sessions() as session:
        entry = session.scalars(select(LogEntry).where(LogEntry.event == "receipt.signed")).one()
    assert entry.facts == {"pdf_sha256": receipt.pdf_sha256, "seal": seals.of("HB").fingerprint}


def test_those_beside_it_are_made_in_the_same_go(desk: Desk) -> None:
    tasks = [desk.issued() for _ in range(5)]
    work_on(desk, tasks[2])
    assert all(desk.task(task).done_at for task in tasks)
    assert len({hashlib.sha256(signed(desk, task)).digest() for task in tasks}) == 5
    before = desk.stored()
    for task in tasks:
        work_on(desk, task)
    assert desk.stored() == before
    assert len(before) == 5


def test_two_workers_at_once_make_each_of_them_once(desk: Desk) -> None:
    tasks = [desk.issued() for _ in range(6)]
    with ThreadPoolExecutor(3) as hands:
        list(hands.map(lambda task: work_on(desk, task), tasks))
    assert all(desk.task(task).done_at for task in tasks)
    assert [signed(desk, task)[:5] for task in tasks] == [b"%PDF-"] * 6
    assert len(desk.stored()) == 6


def test_one_that_cannot_be_drawn_holds_up_nobody(desk: Desk) -> None:
    good, bad = desk.issued(), desk.issued()
    with desk.bench.sessions.begin() as session:
        receipt = session.get_one(Receipt, (bad.office_id, bad.subject_id))
        receipt.content = {"number": "nothing else"}
    work_on(desk, good)
    assert signed(desk, good)
    assert (desk.task(bad).tries, desk.task(bad).held_until, desk.task(bad).done_at) == (0, None, None)
    other = desk.issued()
    work_on(desk, bad)
    assert desk.task(bad).failed_because == "ValueError"
    with clock.at(clock.now() + timedelta(minutes=2)):
        work_on(desk, other)
    assert signed(desk, other)


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_killed_anywhere_is_followed_by_one_that_goes_on(step: str, settings: Settings, desk: Desk) -> None:
    tasks = [desk.issued() for _ in range(3)]
    victim = get_context("spawn").Process(target=_die_at, args=(step, settings, tasks[0].office_id, tasks[0].id))
    victim.start()
    victim.join(60)
    assert victim.exitcode == -signal.SIGKILL
    with clock.at(clock.now() + timedelta(minutes=5)):
        for task in tasks:
            work_on(desk, task)
    assert all(desk.task(task).done_at for task in tasks)
    kept = {desk.receipt(task).pdf_key for task in tasks}
    assert [signed(desk, task)[:5] for task in tasks] == [b"%PDF-"] * 3
    assert len(kept) == 3
    with desk.bench.sessions() as session:
        assert len(session.scalars(select(LogEntry).where(LogEntry.event == "receipt.signed")).all()) == 3


def _die_at(step: str, settings: Settings, office_id: object, task_id: object) -> None:
    def die(point: str) -> None:
        if point == step:
            os.kill(os.getpid(), signal.SIGKILL)

    points.waiting = die
    do(bench_from(settings), office_id, task_id)  # type: ignore[arg-type]


@pytest.mark.parametrize("missing", ["setting", "office", "stamps"])
def test_without_seal_or_stamp_it_waits_for_ever_and_nothing_goes_out(
    missing: str, desk: Desk, tmp_path: Path, seals: Seals
) -> None:
    away = {
        "setting": None,
        "office": Seals(tmp_path / "empty"),
        "stamps": replace(seals, authority=Authority("http://127.0.0.1:1/")),
    }
    task, whole = desk.issued(), desk
    desk = replace(whole, bench=replace(whole.bench, seals=away[missing]))
    for tries in range(8):
        with clock.at(clock.now() + tries * 2 * OUTAGE_PAUSE):
            work_on(desk, task)
    waits = desk.task(task)
    assert waits.failed_because == ("TimeStampMissing" if missing == "stamps" else "SealMissing")
    assert (waits.tries, waits.gave_up_at, desk.receipt(task).pdf_key, desk.stored()) == (0, None, None, [])
    work_on(whole, task)
    assert signed(whole, task)


def test_the_stamp_is_drawn_and_one_that_is_gone_leaves_its_place_empty(desk: Desk) -> None:
    from PIL import Image

    picture = io.BytesIO()
    Image.new("RGB", (60, 60), (190, 40, 40)).save(picture, "PNG")
    desk.put("stamp/one", picture.getvalue())
    for key, there in (("stamp/one", True), ("stamp/gone", False)):
        task = desk.issued()
        with desk.bench.sessions.begin() as session:
            receipt = session.get_one(Receipt, (task.office_id, task.subject_id))
            receipt.content = {**receipt.content, "stamp": key}
        work_on(desk, task)
        with pikepdf.open(io.BytesIO(signed(desk, task))) as pdf:
            said = {str(one["/Alt"]) for one in pdf.objects if isinstance(one, pikepdf.Dictionary) and "/Alt" in one}
        assert ("役所の印の画像" in said) is there


def test_the_worker_publishes_the_certificates_once_and_says_when_one_is_retired(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.issued()  # so that there is an office
    own = Seals(tmp_path / "own")
    first = own.make("HB", "架空県ひばり野市福祉事務所長")
    own.make("KK", "nobody's")
    for _ in range(2):
        publish_seals(desk.bench.sessions, own)
    assert [row.fingerprint for row in rows(desk)] == [first.fingerprint]
    assert "seal.missing" not in "".join(capsys.readouterr())
    own.retire("HB", first.name)
    publish_seals(desk.bench.sessions, own)
    assert "seal.missing" in "".join(capsys.readouterr())
    assert rows(desk)[0].retired_at
    with clock.at(first.not_after - timedelta(days=365)):
        second = own.make("HB", "架空県ひばり野市福祉事務所長")
    with clock.at(second.not_after - timedelta(days=30)):
        publish_seals(desk.bench.sessions, own)
    publish_seals(desk.bench.sessions, None)
    with desk.bench.sessions() as session:
        events = session.scalars(select(LogEntry.event).where(LogEntry.event.like("seal.%")).order_by(LogEntry.seq))
        assert list(events) == ["seal.published", "seal.retired", "seal.published"]
        pem = published.certificates(session, "HB")
    assert pem.startswith(second.pem)
    assert pem.endswith(first.pem)


def rows(desk: Desk) -> list[SealCertificate]:
    with desk.bench.sessions() as session:
        return list(session.scalars(select(SealCertificate).order_by(SealCertificate.not_before)))
