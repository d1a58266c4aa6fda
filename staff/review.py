"""確認: the papers beside the values, and the decision."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from config.log import log
from config.web import reading, transaction
from config.words import thing
from shared import (
    checks,
    choice,
    clock,
    fixed_texts,
    handing,
    household,
    messages,
    notes,
    presence,
    remarks,
    review,
    slips,
    told,
)
from shared.errors import NotAMessage, NotThere, TooLateToUndo
from shared.session import remember
from shared.slips import FileRow
from staff import after, attached, compare, once, trace
from staff.access import DECIDING, me, needs
from staff.beside import beside
from staff.opened import Opened, earlier, opened, pages

bp = Blueprint("review", __name__, url_prefix="/review/<uuid:submission_id>")


@bp.get("")
@needs(*DECIDING)
def show(submission_id: UUID) -> ResponseReturnValue:
    """One submission in one version with one of its files. That it was looked at goes into the journal."""
    return page(submission_id)


def page(submission_id: UUID, *, fault: str = "", typed: str = "", refused: tuple[UUID, str, str] | None = None) -> str:
    """The page again, with what was typed.

    :param fault: what is wrong with a message.
    :param refused: the check whose note was refused, why, and the note.
    """
    who = me()
    with reading() as rows:
        is_late = handing.wants_renewal(rows, who, submission_id)
    if is_late:
        with transaction() as rows:  # alone: no lease stays locked while the journal is waited for
            handing.renew(rows, who, submission_id)
    with transaction() as rows:
        remember(rows)
        submission = review.open_for(rows, who, submission_id)
        presence.here(rows, who, submission_id)
        told.seen(rows, who, submission_id)
        others = beside(rows, who, submission)
        written, colleagues = notes.of(rows, submission), handing.colleagues(rows, who, submission)
        it = opened(rows, who, submission, request.args.get("version", type=int))
        seen = remarks.of(rows, submission, it.version)
        file = _file(it)
        copies = pages(rows, who, file)
        like_in = earlier(rows, who, file)
        trace.at_submission(rows, submission, it.slip.version_no, file.id if file else None)
        thread = messages.thread(rows, who.office_id, submission.member_id)
        home = household.open_for(rows, who, submission.household_id)
        strip = None if home.protected else household.strip(rows, home, clock.today(), in_hand=submission_id)
        compared = checks.of(rows, it.version)
        value, words = request.args.get("compare", ""), request.args.get("find", "")
        look = compare.look(rows, who.office_id, it.slip, file, value, words)
        texts = fixed_texts.of(rows, who)
    facts = {
        "back": after.the_list(),
        "chosen": choice.words(after.kept()),
        "home": home,
        "strip": strip,
        "checks": compared,
        "refused": refused,
        "look": look,
        "comparable": (values := compare.comparable(it.slip)),
        "compare_next": compare.after(values, look.value if look else ""),
        "remarks": seen,
        "file": file,
        "copies": copies,
        "like_in": like_in,
        "thread": thread,
        "texts": texts,
        "fault": fault,
        "typed": typed,
        "others": others,
        "notes": written,
        "colleagues": colleagues,
    }
    return render_template("review.html", it=it, slip=it.slip, **facts)


def _file(it: Opened) -> FileRow | None:
    """The file that is asked for, or the first one.

    :raises NotThere: if this version has no such file.
    """
    wanted = request.args.get("file", type=UUID)
    if wanted is None:
        return it.slip.files[0] if it.slip.files else None
    for file in it.slip.files:
        if file.id == wanted:
            return file
    raise NotThere


@bp.post("/take")
@needs(*DECIDING)
def take(submission_id: UUID) -> ResponseReturnValue:
    with transaction() as rows:
        review.claim(rows, me(), submission_id)
    return redirect(url_for("review.show", submission_id=submission_id), 303)


@bp.post("/release")
@needs(*DECIDING)
def release(submission_id: UUID) -> ResponseReturnValue:
    attempt = once.attempt()
    with transaction() as rows:
        review.release(rows, me(), submission_id, attempt=attempt)
    after.say(_("一覧に戻しました。"), submission_id, attempt)
    return redirect(after.the_list(), 303)


@bp.post("/message")
@needs(*DECIDING)
def message(submission_id: UUID) -> ResponseReturnValue:
    """Write to the person who sent it, perhaps with papers; the submission stays where it is."""
    text, attempt = request.form.get("text", ""), once.attempt()
    try:
        with reading() as rows:
            review.open_for(rows, me(), submission_id)
            is_new = messages.sent_before(rows, me(), attempt) is None
        messages.checked(text)
        with attached.papers(attempt, wanted=is_new) as papers, transaction() as rows:
            if is_new and request.form.get("mine"):
                review.nobody_elses(rows, me(), submission_id)
            sent = messages.send(rows, me(), submission_id, text, attempt=attempt, papers=papers)
    except NotAMessage as wrong:
        return page(submission_id, fault=str(_FAULTS[wrong.code]), typed=text), 422
    except attached.NotAttached as wrong:
        return page(submission_id, fault=wrong.sentence, typed=text), 422
    log("message.sent", message=sent.id, submission=submission_id)
    flash(_("本人に送りました。読むと、印がつきます。"))
    return redirect(url_for("review.show", submission_id=submission_id, _anchor="messages"), 303)


@bp.post("/fill")
@needs(*DECIDING)
def fill(submission_id: UUID) -> ResponseReturnValue:
    """Put a 定型文 above what is typed. Nothing is sent; a script asks for the text alone."""
    typed, said = request.form.get("text", "").strip(), ""
    if request.form.get("fixed"):
        with reading() as rows:
            said = fixed_texts.filled(rows, me(), _fixed(), submission_id)
    if request.accept_mimetypes.best == "text/plain":
        return Response(said, mimetype="text/plain")
    return page(submission_id, typed="\n\n".join(filter(None, (said, typed))))


def _fixed() -> UUID:
    try:
        return UUID(request.form["fixed"])
    except ValueError:
        raise NotThere from None


_FAULTS: Final = {
    "missing": lazy_gettext("送ることを書いてください"),
    "too_long": lazy_gettext("2000文字までにしてください"),
    "placeholder": lazy_gettext("〔 〕や［ ］のところを、書きかえるか消してください"),
    "my_number": lazy_gettext("個人番号のような12けたの番号があります。消してから送ってください（保存していません）"),
}


@bp.post("/accept")
@needs(*DECIDING)
def accept(submission_id: UUID) -> ResponseReturnValue:
    attempt = once.attempt()
    with transaction() as rows:
        done = review.accept(rows, me(), submission_id, seen=once.seen(), attempt=attempt)
        member = slips.member_of(rows, done)
        following = after.following(rows, me())
    log("submission.moved", submission=submission_id, state=done.state)
    sentence = _("%(member)s さんの「%(thing)s」を受理しました。", member=member, thing=thing(done.kind, done.month))
    after.say(sentence, submission_id, attempt)
    if following is None or "X-Ahead" not in request.headers:
        return redirect(after.place_of(following), 303)
    answer = make_response(page(following))  # for a script: one turn of the line less
    answer.headers["Content-Location"] = after.place_of(following)
    return answer


@bp.post("/undo")
@needs(*DECIDING)
def undo(submission_id: UUID) -> ResponseReturnValue:
    """Take back what was decided just now."""
    try:
        with transaction() as rows:
            done = review.undo(rows, me(), submission_id, attempt=once.attempt())
    except TooLateToUndo:
        flash(
            _(
                "もう、もとに戻せません。時間がすぎたか、だれかが先に進めました。いまの状態を見て、必要なら本人に書くか電話してください。"
            )
        )
    else:
        log("submission.moved", submission=submission_id, state=done.state)
        flash(_("もとに戻しました。あなたが対応中です。"))
    return redirect(url_for("review.show", submission_id=submission_id), 303)
