"""収入申告書: one question a screen, kept at each step, checked at the end, sent once."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import RadioField, StringField
from wtforms.validators import DataRequired, Length

from config.log import log
from config.web import reading, transaction
from portal.access import me, parked, recipient_required
from portal.answers import DaysField, YenField
from portal.upload import attempt_of_form
from shared import clock, drafts, intake, slips
from shared.errors import AlreadySent, Incomplete
from shared.model import State
from shared.rules.income import gaps
from shared.rules.months import NotAMonth, month_of, months_to_offer
from shared.rules.wareki import japanese_month

bp = Blueprint("income", __name__, url_prefix="/income")
AMOUNT: Final = {"inputmode": "numeric", "autocomplete": "off", "maxlength": "40"}


class EmployerForm(FlaskForm):  # type: ignore[misc]
    employer = StringField(
        lazy_gettext("どこで 働きましたか"),
        filters=[lambda text: " ".join(text.split()) if text else text],
        validators=[
            DataRequired(lazy_gettext("会社やお店の名前を書いてください。給与明細の上のほうに書いてあります。")),
            Length(max=100, message=lazy_gettext("100文字までで書いてください。")),
        ],
        render_kw={"autocomplete": "organization", "maxlength": "200"},
    )


class DaysForm(FlaskForm):  # type: ignore[misc]
    work_days = DaysField(lazy_gettext("何日 働きましたか"), render_kw=AMOUNT)


class GrossForm(FlaskForm):  # type: ignore[misc]
    gross_yen = YenField(lazy_gettext("給料は いくらでしたか"), render_kw=AMOUNT)


class DeductionsForm(FlaskForm):  # type: ignore[misc]
    social_insurance_yen = YenField(lazy_gettext("社会保険料（健康保険・年金・雇用保険）"), render_kw=AMOUNT)
    income_tax_yen = YenField(lazy_gettext("税金（所得税・住民税）"), render_kw=AMOUNT)
    commuting_yen = YenField(lazy_gettext("通勤にかかったお金"), render_kw=AMOUNT)


SCREENS: Final[dict[str, type[FlaskForm]]] = {
    "employer": EmployerForm,
    "days": DaysForm,
    "gross": GrossForm,
    "deductions": DeductionsForm,
}
ORDER: Final = (*SCREENS, "payslips", "check")
SCREEN_OF: Final = {
    "employer": "employer",
    "work_days": "days",
    "gross_yen": "gross",
    "social_insurance_yen": "deductions",
    "income_tax_yen": "deductions",
    "commuting_yen": "deductions",
}


class MonthForm(FlaskForm):  # type: ignore[misc]
    month = RadioField(
        lazy_gettext("何月分の 給料ですか"), validate_choice=False, validators=[], choices=list[tuple[str, str]]()
    )


def steps(screen: str) -> tuple[int, int]:
    """Which of how many."""
    return ORDER.index(screen) + 1, len(ORDER)


@bp.route("/new", methods=["GET", "POST"])
@recipient_required
def new() -> ResponseReturnValue:
    """Begin a report: for the month of a duty, or one the person names.

    A month already reported is shown first; another report for it (a second employer) is one tap further.
    """
    form = MonthForm()
    form.month.choices = [(f"{month:%Y-%m}", japanese_month(month)) for month in months_to_offer(clock.today())]
    if request.method == "GET":
        form.month.data = None
        return render_template("month.html", form=form)
    sentences = {
        "missing": _("何月分かをえらんでください。"),
        "not_a_month": _("何月分かをえらんでください。"),
        "future": _("まだ来ていない月です。終わった月か、今月をえらんでください。"),
        "too_old": _("1年より前の月は、電話で相談してください。"),
    }
    try:
        month = month_of(form.month.data or "", today=clock.today())
    except NotAMonth as wrong:
        form.month.errors = [sentences[wrong.code]]
        return render_template("month.html", form=form), 422
    with reading() as session:
        sent = slips.sent_for(session, me(), month)
    if sent and not request.form.get("another"):  # "did I already send it?" is how things come twice
        return render_template("already.html", month=month, sent=sent)
    with transaction() as session:
        submission = drafts.start_report(session, me(), month)
    return redirect(url_for("income.ask", submission_id=submission.id, screen="employer"), 303)


@bp.route("/<uuid:submission_id>/<any(employer, days, gross, deductions):screen>", methods=["GET", "POST"])
@recipient_required
def ask(submission_id: UUID, screen: str) -> ResponseReturnValue:
    """One question. What is right is kept at once; what is not stays in the field."""
    with reading() as session:
        draft = drafts.draft_of(session, me(), submission_id)
        before = slips.last_before(session, me(), draft.submission.month)  # a reminder, never filled in
    again = parked()
    form = SCREENS[screen](formdata=again, obj=draft.line) if again else SCREENS[screen](obj=draft.line)
    if again:
        form.validate()
        form.csrf_token.errors = ()  # this page was only opened: nothing came that needs a token
    if form.validate_on_submit():
        fields = [field.name for field in form if field.name != "csrf_token"]
        with transaction() as session:
            drafts.write(session, me(), submission_id, {name: form.data[name] for name in fields})
        back = request.args.get("then")
        following = back if back in ("check", "correct") else ORDER[ORDER.index(screen) + 1]
        return redirect(_screen_url(submission_id, following), 303)
    status = 422 if form.errors and request.method == "POST" else 200
    facts = {"draft": draft, "screen": screen, "form": form, "step": steps(screen), "before": before, "who": me()}
    return render_template(f"income/{screen}.html", **facts), status


def _screen_url(submission_id: UUID, screen: str) -> str:
    match screen:
        case "payslips":
            return url_for("payslips.show", submission_id=submission_id)
        case "check":
            return url_for("income.check", submission_id=submission_id)
        case "correct":
            return url_for("correction.show", submission_id=submission_id)
        case _:
            return url_for("income.ask", submission_id=submission_id, screen=screen)


@bp.route("/<uuid:submission_id>/check", methods=["GET", "POST"])
@recipient_required
def check(submission_id: UUID) -> ResponseReturnValue:
    """Everything once more, then send. Sending twice is sending once."""
    faults: dict[str, str] = {}
    if request.method == "POST":
        attempt = attempt_of_form()
        try:
            with transaction() as session:
                sent = intake.send(session, me(), submission_id, attempt=attempt)
        except Incomplete as incomplete:
            faults = incomplete.faults
        else:
            log("submission.arrived", submission=sent.id, version=sent.version_no)
            return redirect(url_for("sent.show", submission_id=submission_id), 303)
    with reading() as session:
        try:
            draft = drafts.draft_of(session, me(), submission_id)
        except AlreadySent:  # the back button after sending leads to what was sent
            return redirect(url_for("sent.show", submission_id=submission_id), 303)
        slip = slips.slip(session, draft.submission, draft.version)
    missing = gaps({field: getattr(draft.line, field) for field in SCREEN_OF})
    facts = {"slip": slip, "faults": faults, "missing": missing, "screen_of": SCREEN_OF, "step": steps("check")}
    returned = draft.submission.state is State.RETURNED
    page = render_template("income/check.html", returned=returned, draft=draft, **facts)
    return page, 422 if faults else 200
