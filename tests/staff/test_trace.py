"""Who is shown a household's papers leaves an entry, on every page of the desk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shared import clock, second_look
from shared.model import LogEntry, Role, SecondLook, StoredFile
from shared.sign_in import Staff
from tests import factories
from tests.staff.conftest import Desk
from tests.staff.scene import Scene, accepted, clerk, drawn, issued, keep, set_out, taken
from uploads.storage import FolderStorage

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]

LOOKS: Final = {  # a page that shows a household's papers: the entry it leaves
    "household.show": "household.viewed",
    "review.show": "submission.viewed",
    "correction.ask": "submission.viewed",
    "hold.ask": "submission.viewed",
    "handing.choose": "submission.viewed",
    "handing.why": "submission.viewed",
    "second_look.show": "submission.viewed",
    "receipts.preview": "submission.viewed",
    "receipts.draft": "submission.viewed",
    "receipts.download": "receipt.viewed",
    "certificate.show": "receipt.viewed",
    "files.pdf": "file.viewed",
    "files.picture": "file.viewed",
    "files.thumb": "file.viewed",
    "queue.ahead": "submission.loaded_ahead",
}
LISTS: Final = {  # lines of many households, or what belongs to the house: who sees them says their page's guard
    *("bulk.show", "bulk.progress", "cover.show", "dashboard.show", "dashboard_list.show", "fixed_texts.show"),
    *("fixed_texts.add", "fixed_texts.change", "household.search", "keys.show", "live.lines", "mentions.show"),
    *("mentions.open_one", "originals.search", "originals.show", "owed.show", "owed.download", "queue.show"),
    *("reasons.show", "reasons.add", "reasons.change", "reassign.show", "reassign.download", "receipts.ready"),
    *("retention.rules", "retention.holds", "retention.lists", "retention.show", "retention.log"),
    *("ledger.show", "ledger.on_paper", "ledger.download", "looks.show", "looks.on_paper", "looks.download"),
    *("closing.show", "closing.sheet", "closing.content", "closing.signature"),
    *("batch.show", "batch.progress", "bundle.show", "bundle.progress", "bundle.to_print", "bundle.zipped"),
    *("stamp.show", "stamp.picture", "stamp.now"),
    *("second_look.waiting", "status.show", "views.show", "views.open_one"),
    *("signin.enter", "healthz", "static", "shared.static"),
}


def test_every_page_of_the_desk_says_whether_it_shows_papers(app: Flask) -> None:
    pages = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert pages - LOOKS.keys() - LISTS == set(), "a new page is a look that leaves an entry, or a list: say which"
    assert (LOOKS.keys() | LISTS) - pages == set()


@pytest.fixture
def scene(make_session: Make, bytes_kept: FolderStorage, worker: Staff) -> Scene:
    with make_session.begin() as session:
        return set_out(session, bytes_kept, worker)


def entries(make_session: Make, event: str) -> list[LogEntry]:
    with make_session() as session:
        return list(session.scalars(select(LogEntry).where(LogEntry.event == event).order_by(LogEntry.seq)))


@pytest.mark.parametrize("endpoint", LOOKS)
def test_each_look_is_an_entry_with_whom_and_from_where(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage, scene: Scene, endpoint: str
) -> None:
    who, path, subject = way(endpoint, make_session, bytes_kept, scene)
    desk = enter(who)
    assert entries(make_session, LOOKS[endpoint]) == []
    assert got(desk, path) == 200
    (entry,) = entries(make_session, LOOKS[endpoint])
    assert (entry.subject_id, entry.actor_id) == (subject, who.staff_id)
    assert entry.facts["household"] == str(scene.person.household_id)
    assert entry.facts["from_address"] == "192.0.2.7"
    assert "見本" not in repr(entry.facts)


def way(endpoint: str, make_session: Make, bytes_kept: FolderStorage, scene: Scene) -> tuple[Staff, str, UUID]:
    """Who looks, at which address, and what the entry is about."""
    of_it, of_file = scene.submission_id, scene.file_id
    paths: dict[str, Any] = {
        "household.show": (f"/households/{scene.person.household_id}", scene.person.household_id),
        "review.show": (scene.path, of_it),
        "correction.ask": (f"{scene.path}/return", of_it),
        "hold.ask": (f"{scene.path}/hold", of_it),
        "handing.choose": (f"{scene.path}/hand-over", of_it),
        "handing.why": (f"{scene.path}/take-over", of_it),
        "files.pdf": (f"/files/{of_file}.pdf", of_file),
        "files.picture": (f"/files/{of_file}/1.jpg", of_file),
        "files.thumb": (f"/files/thumb/{of_file}/1.jpg", of_file),
        "queue.ahead": ("/ahead", of_it),
    }
    with make_session.begin() as session:
        match endpoint:
            case "receipts.preview":
                accepted(session, scene)
                return clerk(session), f"/receipts/{of_it}", of_it
            case "receipts.draft":
                accepted(session, scene)
                return clerk(session), f"/receipts/{of_it}/draft.pdf", of_it
            case "receipts.download":
                receipt = issued(session, scene, by := clerk(session))
                drawn(receipt, bytes_kept, b"%PDF-1.7 ours")
                return by, f"/receipts/{receipt.id}.pdf", receipt.id
            case "certificate.show":
                receipt = issued(session, scene, by := clerk(session))
                return by, f"/receipts/issued/{receipt.id}", receipt.id
            case "second_look.show":
                second_look.set_rule(session, scene.worker.office_id, 100, clock.today())
                accepted(session, scene)
                drawn_look = session.scalars(select(SecondLook)).one()
                return factories.staff(session, Role.SUPERVISOR), f"/second-looks/{drawn_look.id}", of_it
            case "handing.why":
                taken(session, scene)
                return factories.staff(session, Role.SUPERVISOR), *paths[endpoint]
            case "correction.ask" | "hold.ask" | "handing.choose":
                taken(session, scene)
                factories.staff(session)
            case "files.pdf":
                file = session.get_one(StoredFile, (scene.person.office_id, of_file))
                file.copy_key, file.copy_size, file.copy_sha256 = f"copy/{of_file}", 13, "0" * 64
                keep(bytes_kept, file.copy_key, b"%PDF-1.7 ours")
    return scene.worker, *paths[endpoint]


def got(desk: Desk, path: str) -> int:
    """The status of an answer whose bytes nobody needs."""
    with desk.client.get(path, environ_base={"REMOTE_ADDR": "192.0.2.7"}) as answer:
        return answer.status_code


def test_the_page_says_which_file_was_shown_and_its_pictures_need_no_entry_of_their_own(
    enter: Enter, make_session: Make, scene: Scene
) -> None:
    desk = enter(scene.worker)
    assert desk.open(scene.path).status == 200
    (entry,) = entries(make_session, "submission.viewed")
    assert entry.facts["file"] == str(scene.file_id)
    for page in (1, 2, 1):
        assert got(desk, f"/files/{scene.file_id}/{page}.jpg") == 200
    assert entries(make_session, "file.viewed") == []
    with clock.at(clock.now() + timedelta(minutes=31)):
        for _again in range(2):
            assert got(desk, f"/files/{scene.file_id}/1.jpg") == 200
    assert len(entries(make_session, "file.viewed")) == 1, "a picture alone, long after: one look"


def test_what_a_browser_holds_ahead_is_said_once_and_is_no_look(enter: Enter, make_session: Make, scene: Scene) -> None:
    desk = enter(scene.worker)
    for _again in range(2):
        (first, *_others) = desk.client.get("/ahead").get_json()["pictures"]
        assert got(desk, first) == 200
    assert len(entries(make_session, "submission.loaded_ahead")) == 1
    assert entries(make_session, "submission.viewed") == entries(make_session, "file.viewed") == []


def test_what_one_may_not_see_leaves_no_look(enter: Enter, make_session: Make, scene: Scene) -> None:
    with make_session.begin() as session:
        stranger = factories.staff(session, office_id=factories.office(session, "HX").id)
    desk = enter(stranger)
    for path in (scene.path, f"/files/{scene.file_id}/1.jpg", f"/households/{scene.person.household_id}"):
        assert desk.open(path).status == 404
    looks = [entry.event for entry in entries(make_session, "submission.viewed")]
    assert looks == entries(make_session, "file.viewed") == entries(make_session, "household.viewed") == []
