"""The office's signature of a closed day: OpenSSL takes it, and a changed sheet is found."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from shared import clock, closing
from shared.model import ClosingSignature, Role, Task, WelfareOffice
from tests import factories
from tests.uploads.conftest import Desk
from uploads.closing import sign_closing
from uploads.jobs import do
from uploads.seal_keys import SealMissing


def closed(desk: Desk) -> Task:
    with desk.bench.sessions.begin() as session:
        factories.submission(session)
        row = closing.close(session, factories.staff(session, Role.CLERK), clock.today())
        return session.scalars(select(Task).where(Task.subject_id == row.id)).one()


def test_a_sheet_is_signed_once_and_openssl_says_so(desk: Desk, tmp_path: Path) -> None:
    task = closed(desk)
    with ThreadPoolExecutor(1) as worker:  # a browser of the same test run keeps this thread's event loop
        worker.submit(do, desk.bench, task.office_id, task.id).result()
        worker.submit(sign_closing, desk.bench, task.office_id, task.subject_id).result()
    with desk.bench.sessions() as session:
        cms = session.scalars(select(ClosingSignature.cms)).one()
        code = session.get_one(WelfareOffice, task.office_id).code
        clerk = factories.staff(session, Role.CLERK)
        said = closing.as_bytes(closing.sheet(session, clerk, clock.today()).content)
        session.rollback()
    assert desk.bench.seals is not None
    names = {"sheet.json": said, "sheet.p7s": cms, "office.pem": desk.bench.seals.of(code).pem.encode()}
    for name, content in names.items():
        (tmp_path / name).write_bytes(content)
    verify = "openssl cms -verify -inform DER -in sheet.p7s -content sheet.json -binary -CAfile office.pem -purpose any"
    command = [*verify.split(), "-out", "out"]
    right = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert right.returncode == 0, right.stderr
    (tmp_path / "sheet.json").write_bytes(said.replace(b'"arrivals":1', b'"arrivals":2'))
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode != 0
    assert desk.task(task).done_at is not None


def test_without_a_seal_nothing_is_signed_and_it_is_tried_again(desk: Desk) -> None:
    task = closed(desk)
    without = replace(desk.bench, seals=None)
    with pytest.raises(SealMissing):
        sign_closing(without, task.office_id, task.subject_id)
    do(without, task.office_id, task.id)
    assert (desk.task(task).done_at, desk.task(task).gave_up_at) == (None, None)
