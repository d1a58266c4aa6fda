"""What holds for every page of the desk, whatever it shows."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.routing import Rule

from config.settings import Settings
from config.web import POLICY
from shared import clock, duties, fixed_texts, retention, second_look
from shared.model import (
    DayClosing,
    HouseholdLook,
    LogEntry,
    Message,
    Note,
    OriginalFetch,
    Presence,
    RetentionRule,
    Role,
    SavedView,
    Step,
)
from shared.sign_in import Staff
from staff import create_app
from tests import factories
from tests.staff.conftest import Answer, Desk
from tests.staff.scene import Scene, accepted, clerk, issued, set_out, taken
from uploads.storage import FolderStorage

Enter = Callable[[Staff], Desk]
Make = sessionmaker[Session]
DECIDING, RECEIPTS = {Role.CASEWORKER, Role.SUPERVISOR}, {Role.CLERK, Role.SUPERVISOR}
KEEPING = {Role.ADMINISTRATOR, Role.SUPERVISOR}
OPEN_TO_ALL = {"signin.enter", "healthz", "static", "shared.static"}
MAY = {  # who opens which door: the whole table
    "queue.show": set(Role),
    "signin.leave": set(Role),
    "queue.take_next": DECIDING,
    "bulk.choose": DECIDING,
    "bulk.show": DECIDING,
    "bulk.progress": DECIDING,
    "bulk.start": DECIDING,
    "bulk.drop": DECIDING,
    "bulk.undo": DECIDING,
    "bulk.go_on": DECIDING,
    "cover.show": DECIDING,
    "cover.begin": DECIDING,
    "cover.take": {Role.CASEWORKER},
    "cover.end": DECIDING,
    "cover.put_away": DECIDING,
    "reassign.show": {Role.SUPERVISOR},
    "reassign.download": {Role.SUPERVISOR},
    "reassign.by_list": {Role.SUPERVISOR},
    "reassign.by_district": {Role.SUPERVISOR},
    "reassign.apply": {Role.SUPERVISOR},
    "owed.show": DECIDING,
    "owed.download": DECIDING,
    "household.search": DECIDING,
    "household.show": DECIDING,
    "household.say_why": DECIDING,
    "dashboard.show": {Role.SUPERVISOR},
    "dashboard_list.show": {Role.SUPERVISOR},
    "second_look.waiting": {Role.SUPERVISOR},
    "second_look.show": {Role.SUPERVISOR},
    "second_look.say": {Role.SUPERVISOR},
    "second_look.put_away": DECIDING,
    "fixed_texts.show": {Role.SUPERVISOR},
    "fixed_texts.add": {Role.SUPERVISOR},
    "fixed_texts.change": {Role.SUPERVISOR},
    "fixed_texts.put_before": {Role.SUPERVISOR},
    "reasons.show": {Role.SUPERVISOR},
    "reasons.add": {Role.SUPERVISOR},
    "reasons.change": {Role.SUPERVISOR},
    "review.fill": DECIDING,
    "review.show": DECIDING,
    "review.take": DECIDING,
    "review.release": DECIDING,
    "review.accept": DECIDING,
    "review.undo": DECIDING,
    "live.lines": DECIDING,
    "live.here": DECIDING,
    "handing.ask": DECIDING,
    "handing.keep": DECIDING,
    "handing.give": DECIDING,
    "handing.choose": DECIDING,
    "handing.hand_over": DECIDING,
    "handing.why": {Role.SUPERVISOR},
    "handing.take_over": {Role.SUPERVISOR},
    "notes.add": DECIDING,
    "mentions.show": DECIDING,
    "mentions.open_one": DECIDING,
    "mentions.read_all": DECIDING,
    "views.show": DECIDING,
    "views.save": DECIDING,
    "views.open_one": DECIDING,
    "views.change": DECIDING,
    "views.remove": DECIDING,
    "checks.override": DECIDING,
    "checks.stands": DECIDING,
    "keys.show": DECIDING | {Role.CLERK},
    "keys.switch": DECIDING | {Role.CLERK},
    "hold.ask": DECIDING,
    "hold.put": DECIDING,
    "hold.resume": DECIDING,
    "review.message": DECIDING,
    "queue.ahead": DECIDING,
    "correction.ask": DECIDING,
    "correction.send": DECIDING,
    "files.picture": DECIDING,
    "files.thumb": DECIDING,
    "files.pdf": DECIDING,
    "receipts.ready": RECEIPTS,
    "receipts.preview": RECEIPTS,
    "receipts.draft": RECEIPTS,
    "receipts.download": RECEIPTS,
    "receipts.issue": {Role.CLERK},
    "ledger.show": RECEIPTS,
    "ledger.on_paper": RECEIPTS,
    "ledger.download": RECEIPTS,
    "closing.show": RECEIPTS,
    "closing.close": {Role.CLERK},
    "closing.set_time": {Role.SUPERVISOR},
    "closing.sheet": RECEIPTS,
    "closing.content": RECEIPTS,
    "closing.signature": RECEIPTS,
    "looks.show": KEEPING,
    "looks.on_paper": KEEPING,
    "looks.download": KEEPING,
    "receipts.set_way": {Role.CLERK},
    "receipts.delivered": {Role.CLERK},
    "receipts.gather_day": RECEIPTS,
    "certificate.show": RECEIPTS,
    "certificate.propose": {Role.CLERK},
    "certificate.approve": RECEIPTS,
    "certificate.refuse": RECEIPTS,
    "batch.choose": {Role.CLERK},
    "batch.show": RECEIPTS,
    "batch.progress": RECEIPTS,
    "batch.exclude": {Role.CLERK},
    "batch.include": {Role.CLERK},
    "batch.start": {Role.CLERK},
    "batch.take_back": {Role.CLERK},
    "batch.approve": RECEIPTS,
    "batch.refuse": RECEIPTS,
    "batch.drop": {Role.CLERK},
    "batch.go_on": RECEIPTS,
    "batch.gather": RECEIPTS,
    "bundle.show": RECEIPTS,
    "bundle.progress": RECEIPTS,
    "bundle.to_print": RECEIPTS,
    "bundle.zipped": RECEIPTS,
    "stamp.show": {Role.ADMINISTRATOR},
    "stamp.send": {Role.ADMINISTRATOR},
    "stamp.set_rule": {Role.ADMINISTRATOR},
    "stamp.picture": {Role.ADMINISTRATOR},
    "stamp.now": RECEIPTS,
    "originals.search": {Role.ADMINISTRATOR},
    "originals.show": {Role.ADMINISTRATOR},
    "originals.fetch": {Role.ADMINISTRATOR},
    "status.show": KEEPING,
    "retention.rules": KEEPING,
    "retention.holds": KEEPING,
    "retention.lift": KEEPING,
    "retention.lists": KEEPING,
    "retention.propose": KEEPING,
    "retention.show": KEEPING,
    "retention.approve": KEEPING,
    "retention.drop": KEEPING,
    "retention.resume": KEEPING,
    "retention.log": KEEPING,
}


def rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint not in OPEN_TO_ALL]


def address(app: Flask, rule: Rule) -> str:
    given: dict[str, Any] = {name: factories.unknown_id() for name in rule.arguments}
    if "page" in given:
        given["page"] = 1
    if rule.endpoint == "stamp.now":
        given["kind"] = "stamp"
    with app.test_request_context():
        return app.url_map.bind("localhost").build(rule.endpoint, given)


def ask(desk: Desk, rule: Rule, path: str) -> Answer:
    method = "POST" if "POST" in (rule.methods or ()) else "GET"
    return Answer(desk.client.open(path, method=method))


@pytest.fixture
def desks(enter: Enter, make_session: Make) -> dict[Role, Desk]:
    with make_session.begin() as session:
        people = {role: factories.staff(session, role) for role in Role}
    return {role: enter(who) for role, who in people.items()}


def test_every_door_says_who_may_use_it(app: Flask) -> None:
    assert {rule.endpoint for rule in rules(app)} == MAY.keys()
    for endpoint, roles in MAY.items():
        assert vars(app.view_functions[endpoint])["needs"] == {role.value for role in roles}


def test_a_stranger_is_sent_to_the_sign_in_by_every_door(app: Flask, stranger: Desk) -> None:
    for rule in rules(app):
        answer = ask(stranger, rule, address(app, rule))
        assert (answer.status, answer.place.split("?")[0]) == (303, "/signin"), rule.endpoint


def test_every_door_is_closed_to_the_other_roles(app: Flask, desks: dict[Role, Desk]) -> None:
    for rule in rules(app):
        path = address(app, rule)
        for role in set(Role) - MAY[rule.endpoint]:
            answer = ask(desks[role], rule, path)
            assert answer.status == 403, (rule.endpoint, role)
            assert "このページは、ほかの係の人が使います" in answer.html


def test_another_offices_row_and_no_row_get_the_same_answer(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session.begin() as session:
        ours = factories.staff(session, Role.SUPERVISOR)
        elsewhere = factories.staff(session, office_id=factories.office(session, "XX").id)
        theirs = set_out(session, bytes_kept, elsewhere)
    desk = enter(ours)
    answers = [desk.open(f"/review/{key}") for key in (theirs.submission_id, factories.unknown_id(), theirs.file_id)]
    assert {answer.status for answer in answers} == {404}
    assert len({without_tokens(answer.html) for answer in answers}) == 1


def without_tokens(html: str) -> str:
    return re.sub(r'(name="csrf_token" value=")[^"]+', r"\1", html)


@dataclasses.dataclass
class Rounds:
    """Every page there is, opened by somebody who may."""

    pages: list[Answer]
    scene: Scene


@pytest.fixture
def rounds(
    enter: Enter, stranger: Desk, make_session: Make, bytes_kept: FolderStorage, desks: dict[Role, Desk]
) -> Rounds:
    with make_session.begin() as session:
        scene = set_out(session, bytes_kept)
        held, ready, done = (set_out(session, bytes_kept, scene.worker) for _scene in range(3))
        guarded = set_out(session, bytes_kept, scene.worker, protected=True)
        taken(session, held)
        accepted(session, ready)
        receipt = issued(session, done, clerk(session))
        disposal_id = proposed(session, done)
        office, who = factories.office(session), scene.person
        duties.open_duty(session, office, who.household_id, who.member_id, date(2026, 9, 1))
    keeper = desks[Role.ADMINISTRATOR]
    hers, clerks, leads = enter(scene.worker), desks[Role.CLERK], desks[Role.SUPERVISOR]
    form = hers.open(f"{held.path}/return")
    pages = [
        stranger.open("/signin"),
        stranger.send(stranger.open("/signin"), "/signin", login="x", password="y"),
        stranger.open("/nothing-here"),
        hers.open("/"),
        hers.open("/?scope=all"),
        hers.open(hers.send(hers.open("/"), "/bulk", act="hold", which="page").place),
        hers.open("/cover"),
        hers.send(hers.open("/cover"), "/cover"),
        leads.open("/cover"),
        leads.open("/reassign"),
        leads.send(leads.open("/reassign"), "/reassign/list"),
        hers.open("/owed?scope=all"),
        desks[Role.SUPERVISOR].open("/owed"),
        desks[Role.SUPERVISOR].open("/dashboard"),
        *(leads.open(f"/dashboard/list?of={of}") for of in ("age", "arrived", "looked", "asked", "check_in", "second")),
        leads.open("/dashboard/list?of=nothing"),
        leads.open("/second-looks"),
        leads.send(leads.open("/second-looks"), "/second-looks", percent="all"),
        leads.open("/fixed-texts"),
        leads.open("/fixed-texts/new"),
        leads.send(leads.open("/fixed-texts/new"), "/fixed-texts/new"),
        leads.open("/reasons"),
        leads.open("/reasons/dark"),
        leads.send(leads.open("/reasons/new"), "/reasons/new"),
        hers.open("/owed/list.csv"),
        hers.open("/households"),
        hers.open("/households?q=nobody"),
        hers.open(f"/households/{scene.person.household_id}"),
        hers.open(f"/households/{guarded.person.household_id}"),
        hers.send(
            hers.open(f"/households/{guarded.person.household_id}"), f"/households/{guarded.person.household_id}"
        ),
        hers.open(scene.path),
        hers.open(held.path),
        hers.open(f"/files/{held.file_id}/1.jpg"),
        form,
        hers.send(form, f"{held.path}/return"),
        hers.send(form, f"{held.path}/return", do="look", **{"value-jobs-0-gross_yen": "y"}),
        hers.open("/keys"),
        hers.open("/live"),
        hers.send(hers.open(held.path), f"{held.path}/notes", text="@だれか"),
        hers.open(f"{held.path}/hand-over"),
        hers.send(hers.open(f"{held.path}/hand-over"), f"{held.path}/hand-over"),
        desks[Role.SUPERVISOR].open(f"{held.path}/take-over"),
        desks[Role.SUPERVISOR].open(held.path),
        hers.open("/mentions"),
        hers.open("/views?tab=overdue"),
        hers.send(hers.open("/views"), "/views"),
        hers.open(f"{held.path}/hold"),
        hers.send(hers.open(f"{held.path}/hold"), f"{held.path}/hold"),
        hers.send(hers.open(held.path), f"{held.path}/message#messages", text="［日付］までに"),
        hers.open("/receipts"),
        hers.open("/review/nothing"),
        hers.post("/next", {}),
        Answer(hers.client.put("/")),
        clerks.open("/receipts"),
        clerks.open(f"/receipts/{ready.submission_id}"),
        clerks.open(f"/receipts/{receipt.id}.pdf"),
        clerks.open("/ledger"),
        clerks.open("/ledger/print"),
        clerks.open("/ledger/list.csv"),
        clerks.open("/ledger/list.csv?first=2026-11-19&last=2026-11-19"),
        clerks.open("/closing"),
        leads.open("/closing"),
        leads.send(leads.open("/closing"), "/closing/time", at="x"),
        clerks.open(clerks.press("/closing", f"/closing/{clock.today().isoformat()}").place),
        clerks.open("/closing"),
        leads.open("/looks"),
        leads.open("/looks?case_no=x"),
        leads.open("/looks/print"),
        leads.open("/looks/list.csv"),
        desks[Role.ADMINISTRATOR].open("/looks?kind=all"),
        *(clerks.open(f"/receipts?tab={tab}") for tab in ("issued", "on_way", "voided")),
        clerks.open(f"/receipts/issued/{receipt.id}"),
        clerks.send(clerks.open(f"/receipts/issued/{receipt.id}"), f"/receipts/issued/{receipt.id}/void"),
        clerks.open(clerks.send(clerks.open("/receipts"), "/receipts/batches", which="page").place),
        clerks.open(clerks.press("/receipts", "/receipts/day").place),
        keeper.open("/stamp"),
        keeper.send(keeper.open("/stamp"), "/stamp/rule"),
        desks[Role.ADMINISTRATOR].open("/"),
        keeper.open("/status"),
        keeper.open("/originals"),
        keeper.open(f"/originals?number={scene.number}"),
        keeper.open(f"/originals/{scene.file_id}"),
        keeper.send(keeper.open(f"/originals/{scene.file_id}"), f"/originals/{scene.file_id}"),
        keeper.open("/retention"),
        keeper.send(keeper.open("/retention"), "/retention"),
        keeper.open("/retention/holds"),
        keeper.send(keeper.open("/retention/holds"), "/retention/holds"),
        keeper.open("/retention/disposals"),
        keeper.open(f"/retention/disposals/{disposal_id}"),
        keeper.open("/retention/log"),
    ]
    return Rounds(pages, scene)


def proposed(session: Session, scene: Scene) -> UUID:
    """A list with the files of a report that was closed, on the day after its days are over."""
    keeper = factories.staff(session, Role.ADMINISTRATOR)
    retention.begin(session, keeper.office_id)
    with clock.at(clock.now() + timedelta(days=9000)):
        disposal = retention.propose(session, keeper)
    assert disposal is not None
    return disposal.id


def test_every_answer_carries_the_headers_that_protect_it(rounds: Rounds) -> None:
    assert {page.status for page in rounds.pages} == {200, 202, 400, 403, 404, 405, 422}
    for page in rounds.pages:
        headers = page.response.headers
        assert headers["Content-Security-Policy"] == POLICY
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "no-store" in headers["Cache-Control"]


def test_no_page_holds_script_style_or_a_dead_link(rounds: Rounds) -> None:
    for page in rounds.pages:
        if page.response.mimetype != "text/html":
            continue
        html = page.html
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", html)
        assert re.findall(r"<script(?![^>]*\ssrc=)", html) == []
        assert not re.search(r'href="(#|)"', html)
        assert html.count("<h1") == 1
        assert '<html lang="ja"' in html
        assert "Traceback" not in html


def test_styles_and_scripts_are_kept_under_their_version_and_pages_are_not_packed(
    enter: Enter, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session.begin() as session:
        scene = set_out(session, bytes_kept)
        taken(session, scene)
    client = enter(scene.worker).client
    page = client.get(scene.path, headers={"Accept-Encoding": "gzip", "Sec-Fetch-Site": "same-origin"})
    assert "Content-Encoding" not in page.headers, "what others wrote and her own token stand on one page"
    wanted = re.findall(r'<(?:link|script)[^>]* (?:href|src)="([^"]+)"', page.text)
    assert {address.rpartition("/")[2] for address in wanted} == {
        "compare.js",
        "icon.svg",
        "tokens.css",
        "base.css",
        "parts.css",
        "desk.css",
        "ahead.js",
        "desk.js",
        "fill.js",
        "keys.js",
        "live.js",
    }
    for address in wanted:
        assert re.match(r"/(static|shared)/[0-9a-f]{12}/", address)
        answer = client.get(address, headers={"Accept-Encoding": "gzip"})
        assert answer.headers["Cache-Control"] == "immutable, max-age=31536000"
        assert answer.headers["Content-Encoding"] == "gzip"


def test_every_fragment_a_page_links_to_stands_on_it(rounds: Rounds) -> None:
    for page in rounds.pages:
        if page.response.mimetype == "text/html":
            for target in re.findall(r'href="#([^"]+)"', page.html):
                assert f'id="{target}"' in page.html, target


def test_every_post_without_its_token_is_refused_and_stores_nothing(
    app: Flask, enter: Enter, stranger: Desk, make_session: Make, bytes_kept: FolderStorage
) -> None:
    with make_session.begin() as session:
        scene, held = set_out(session, bytes_kept), set_out(session, bytes_kept)
        row = taken(session, held)
        ready = set_out(session, bytes_kept)
        accepted_row = accepted(session, ready)
        kaoru = clerk(session)
        administrator = factories.staff(session, Role.ADMINISTRATOR)
        supervisor = factories.staff(session, Role.SUPERVISOR)
        second_look.set_rule(session, supervisor.office_id, 100, clock.today())
        accepted(session, set_out(session, bytes_kept))
        look_id = second_look.waiting(session, supervisor)[0].id
        fixed_texts.begin(session, supervisor.office_id)
        text_id = fixed_texts.of(session, supervisor)[0].id
    keeper, leading = enter(administrator), enter(supervisor)
    deciding, issuing = enter(held.worker), enter(kaoru)
    nobody = factories.unknown_id()
    rule = {"what": "original", "days": "9", "from_day": "2099-01-01", "source": "規程"}
    fields = {"seen": str(row.revision), "attempt": str(factories.unknown_id()), "value-jobs-0-gross_yen": "y"}
    issue = {"seen": str(accepted_row.revision), "attempt": str(factories.unknown_id())}
    with make_session() as session:
        before = counted(session)
    refused = [
        enter(scene.worker).post("/next", {}),
        enter(scene.worker).post(f"{scene.path}/take", {}),
        deciding.post(f"{held.path}/release", {}),
        deciding.post(f"{held.path}/accept", fields),
        deciding.post(f"{held.path}/undo", fields),
        deciding.post("/keys", {"keys": "off"}),
        deciding.post(f"{held.path}/here", {"active": "yes"}),
        enter(scene.worker).post(f"{held.path}/ask", {}),
        deciding.post(f"{held.path}/keep", {"asker": str(scene.worker.staff_id)}),
        deciding.post(f"{held.path}/give", {**fields, "asker": str(scene.worker.staff_id)}),
        deciding.post(f"{held.path}/hand-over", {**fields, "to": str(scene.worker.staff_id)}),
        leading.post(f"{held.path}/take-over", {**fields, "words": "急ぎのため"}),
        deciding.post(f"{held.path}/notes", {**fields, "text": "電話した"}),
        deciding.post("/mentions", {}),
        deciding.post("/views", {**fields, "name": "急ぎ"}),
        deciding.post(f"/views/{nobody}", {"name": "急ぎ"}),
        deciding.post(f"/views/{nobody}/delete", {}),
        deciding.post(f"{held.path}/checks/{nobody}", {**fields, "note": "電話で確認"}),
        deciding.post(f"{held.path}/checks/{nobody}/stands", fields),
        deciding.post(f"{held.path}/hold", {**fields, "until": "2099-01-01", "reason": "電話を待つ"}),
        enter(scene.worker).post(f"{scene.path}/resume", {}),
        deciding.post(f"{held.path}/return", fields),
        deciding.post(f"{held.path}/message", {"text": "来週、電話します", "attempt": str(nobody)}),
        issuing.post(f"/receipts/{ready.submission_id}/issue", issue),
        deciding.post(f"/households/{held.person.household_id}", {"reason": "確認のため", "attempt": str(nobody)}),
        issuing.post(f"/closing/{clock.today().isoformat()}", {}),
        leading.post("/closing/time", {"at": "17:15", "from_day": "2099-01-01"}),
        issuing.post("/signout", {}),
        stranger.post("/signin", {"login": "tarou", "password": "x"}),
        keeper.post(f"/originals/{scene.file_id}", {"reason": "裁判所への提出のため", "attempt": str(nobody)}),
        keeper.post("/retention", rule),
        keeper.post("/retention/holds", {"case_no": "1", "reason": "審査請求"}),
        keeper.post(f"/retention/holds/{nobody}/lift", {}),
        keeper.post("/retention/disposals", {}),
        keeper.post(f"/retention/disposals/{nobody}/approve", {"seen": "1"}),
        keeper.post(f"/retention/disposals/{nobody}/drop", {}),
        keeper.post(f"/retention/disposals/{nobody}/resume", {}),
        deciding.post("/bulk", {**fields, "act": "accept", "id": str(scene.submission_id)}),
        *(deciding.post(f"/bulk/{nobody}/{act}", {}) for act in ("start", "drop", "undo", "go-on")),
        deciding.post("/cover", fields),
        deciding.post("/cover/take", fields),
        deciding.post(f"/cover/{nobody}/end", {}),
        deciding.post(f"/cover/told/{nobody}", {}),
        leading.post("/reassign", {**fields, "lines": "case_no,login\n1,a\n"}),
        leading.post("/reassign/list", {}),
        leading.post("/reassign/district", {"district": "本町"}),
        deciding.post(f"{held.path}/fill", {"fixed": str(text_id)}),
        deciding.post(f"/second-looks/{look_id}/read", {}),
        leading.post("/second-looks", {"percent": "5", "from_day": "2099-01-01"}),
        leading.post(f"/second-looks/{look_id}", {"finding": "fine", "attempt": str(nobody)}),
        leading.post("/fixed-texts/new", {"title": "電話", "text": "電話をください", "attempt": str(nobody)}),
        leading.post(f"/fixed-texts/{text_id}", {"title": "電話", "text": "電話をください"}),
        leading.post(f"/fixed-texts/{text_id}/before/{text_id}", {}),
        leading.post("/reasons/new", {"label": "日付", "ja-file": "日付を", "ja-value": "日付を"}),
        leading.post("/reasons/dark", {"label": "日付", "ja-file": "日付を", "ja-value": "日付を"}),
        *(
            issuing.post(f"/receipts/{path}", issue)
            for path in (
                *(f"{ready.submission_id}/way", "delivered", "day", f"issued/{nobody}/void"),
                *(f"voids/{nobody}/{act}" for act in ("approve", "refuse")),
                "batches",
                *(f"batches/{nobody}/{act}" for act in ("exclude", "include", "start", "take-back", "approve")),
                *(f"batches/{nobody}/{act}" for act in ("refuse", "drop", "go-on", "files")),
            )
        ),
        keeper.post("/stamp", {"kind": "stamp"}),
        keeper.post("/stamp/rule", {"people": "two"}),
    ]
    posts = [rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())]
    assert len(refused) == len(posts)
    assert [answer.status for answer in refused] == [400] * len(posts)
    with make_session() as session:
        assert counted(session) == before
    assert issuing.open("/receipts").status == 200


def counted(session: Session) -> list[int | None]:
    return [
        session.scalar(select(func.count()).select_from(table))
        for table in (
            Step,
            LogEntry,
            OriginalFetch,
            RetentionRule,
            Message,
            HouseholdLook,
            Note,
            Presence,
            SavedView,
            DayClosing,
        )
    ]


def test_a_database_that_does_not_answer_gives_a_page_and_not_a_crash(
    settings: Settings, app: Flask, enter: Enter, make_session: Make
) -> None:
    with make_session.begin() as session:
        worker = factories.staff(session)
    cookie = enter(worker).client.get_cookie("madoguchi_staff")
    assert cookie is not None
    broken = create_app(dataclasses.replace(settings, database_url="postgresql+psycopg://x@127.0.0.1:1/x"))
    desk = Desk(broken.test_client())
    desk.client.set_cookie("madoguchi_staff", cookie.value)
    answer = desk.open("/")
    assert answer.status == 503
    assert "少し待って" in answer.html
