"""収入申告書: every income of a household in a month, and who has none and why.

Source of the fields: the national model form (社会・援護局長通知 2000-03-31) and the offices' usual ones. Offices that
ask for this month's estimate and the last three months say so by ``form_setting`` (``THREE_MONTHS``); the others ask
for the month alone (毎月用).
"""

from __future__ import annotations

from typing import Final

from shared.model import DutyKind
from shared.rules.forms.form import N_, Ask, Form, Option, Page, Question, Screen, when

THREE_MONTHS: Final = ("jobs.before1", "jobs.before2", "jobs.estimate")

_YES_NO: Final = (Option("yes", N_("あります")), Option("no", N_("ありません")))
_EXPENSES: Final = (
    ("social_insurance_yen", N_("引かれた社会保険料"), N_("社会保険料（健康保険・年金・雇用保険）")),
    ("income_tax_yen", N_("引かれた税金"), N_("税金（所得税・住民税）")),
    ("commuting_yen", N_("通勤にかかったお金"), N_("通勤にかかったお金")),
    ("union_fee_yen", N_("組合費"), N_("組合費は いくらでしたか（あれば）")),
    ("childcare_yen", N_("託児にかかったお金"), N_("子どもを あずけたお金は いくらでしたか（あれば）")),
    ("other_expenses_yen", N_("そのほかの費用"), N_("そのほかの お金は いくらでしたか（あれば）")),
)
_DEDUCTIONS: Final = 3  # of these stand on every payslip


def _yen(key: str, short: str, label: str, *, needed: bool = True, hint: str = "", **more: str) -> Question:
    return Question(key, Ask.YEN, label, short, hint=hint, needed=needed, fresh=True, **more)  # type: ignore[arg-type]


def _month(key: str, mark: str, heading: str, was: str | None = None) -> Page:
    """Another month of the same work: what the paper's table asks of it.

    :param mark: of the month, as ``worded`` reads it.
    :param was: how the questions about it began in the report of the month before; None if it was still to come.
    """

    def before(field: str) -> str:
        return "" if was is None else f"{was}{field}"

    return Page(
        key,
        (
            _yen(
                f"{key}_gross_yen",
                N_("給料（引かれる前）"),
                N_("給料（引かれる前。ないときは 0）"),
                about=mark,
                was=before("gross_yen"),
            ),
            Question(
                f"{key}_work_days",
                Ask.COUNT,
                N_("働いた日数"),
                N_("働いた日"),
                unit=N_("日"),
                most=31,
                fresh=True,
                about=mark,
                was=before("work_days"),
            ),
            *(
                _yen(f"{key}_{field}", short, label, needed=False, about=mark, was=before(field))
                for field, short, label in _EXPENSES
            ),
        ),
        heading=heading,
        by_office=True,
    )


def _any(key: str, label: str, short: str, hint: str = "") -> Question:
    return Question(key, Ask.CHOICE, label, short, hint=hint, options=_YES_NO, fresh=True)


INCOME_REPORT: Final = Form(
    kind=DutyKind.INCOME_REPORT,
    version=1,
    name=N_("収入申告書"),
    lead=N_("{month}に入ったお金のことを書きます。3分くらいです。ないものは「ありません」を押すだけです。"),
    monthly=True,
    months_back=True,
    files=N_("{month}の給与明細を 送ってください"),
    without_files=N_("給与明細がないので、このまま進む"),
    screens=(
        Screen(
            "worked",
            (
                Question(
                    "worked",
                    Ask.CHOICE,
                    N_("{month}に 働いて もらったお金は ありますか"),
                    N_("働いて得た収入"),
                    hint=N_("家族の分も ふくめて 考えてください。"),
                    options=_YES_NO,
                ),
            ),
        ),
        Screen(
            "jobs",
            heading=N_("{month}の 仕事と 給料"),
            rows=N_("仕事"),
            when=when("worked", "yes"),
            pages=(
                Page(
                    "worker", (Question("worker", Ask.MEMBER, N_("だれが 働きましたか"), N_("働いた人"), grown=True),)
                ),
                Page(
                    "employer",
                    (
                        Question(
                            "employer",
                            Ask.TEXT,
                            N_("どこで 働きましたか"),
                            N_("会社（勤め先）"),
                            hint=N_("会社やお店の名前です。給与明細の上のほうに書いてあります。"),
                        ),
                        Question(
                            "job",
                            Ask.TEXT,
                            N_("どんな仕事ですか（書かなくても かまいません）"),
                            N_("仕事の内容"),
                            hint=N_("例：そうじ、レジ、はいたつ"),
                            needed=False,
                        ),
                    ),
                ),
                Page(
                    "days",
                    (
                        Question(
                            "work_days",
                            Ask.COUNT,
                            N_("{month}は 何日 働きましたか"),
                            N_("働いた日"),
                            hint=N_("給与明細の「出勤日数」のところです。"),
                            unit=N_("日"),
                            most=31,
                            fresh=True,
                        ),
                    ),
                ),
                Page(
                    "gross",
                    (
                        _yen(
                            "gross_yen",
                            N_("{month}の給料（引かれる前）"),
                            N_("{month}の給料は いくらでしたか"),
                            hint=N_("税金や保険が引かれる前の金額です。"),
                            drawing="payslip-gross",
                        ),
                    ),
                ),
                Page(
                    "deductions",
                    tuple(_yen(key, short, label) for key, short, label in _EXPENSES[:_DEDUCTIONS]),
                    heading=N_("引かれたお金と、 通勤のお金は いくらでしたか"),
                ),
                Page(
                    "costs",
                    (
                        Question(
                            "costs",
                            Ask.SEVERAL,
                            N_("ほかに、 仕事のために 払ったお金は ありますか"),
                            N_("ほかの費用"),
                            hint=N_("ないときは、そのまま「つぎへ」を押してください。"),
                            options=(
                                Option("union", N_("組合費")),
                                Option("childcare", N_("子どもを あずけるお金")),
                                Option("other", N_("そのほか")),
                            ),
                            needed=False,
                            fresh=True,
                        ),
                        *(
                            Question(key, Ask.YEN, label, short, fresh=True, when=when("costs", cost))
                            for (key, short, label), cost in zip(
                                _EXPENSES[_DEDUCTIONS:], ("union", "childcare", "other"), strict=True
                            )
                        ),
                    ),
                ),
                Page(
                    "paid",
                    (
                        Question(
                            "paid_on",
                            Ask.DAY,
                            N_("もらった日（わかれば）"),
                            N_("支給日"),
                            needed=False,
                            fresh=True,
                        ),
                        _yen(
                            "bonus_yen",
                            N_("ボーナス"),
                            N_("ボーナスが 出たときは、 その金額"),
                            needed=False,
                            hint=N_("出ていないときは、書かなくて かまいません。"),
                        ),
                    ),
                    heading=N_("給料は いつ もらいましたか"),
                ),
                _month("before1", "{before1}", N_("{before1}は どうでしたか"), was=""),
                _month("before2", "{before2}", N_("{before2}は どうでしたか"), was="before1_"),
                _month("estimate", "{next}", N_("{next}は どのくらいに なりそうですか")),
            ),
        ),
        Screen(
            "more",
            (
                _any(
                    "pension",
                    N_("年金や 手当"),
                    N_("年金・手当などの収入"),
                    N_("国民年金、児童手当、失業給付、傷病手当金など"),
                ),
                _any(
                    "remittance",
                    N_("仕送りや、 もらった物"),
                    N_("仕送りによる収入"),
                    N_("この3か月に、家族や知人から。お米や野菜も"),
                ),
                _any(
                    "other",
                    N_("そのほかの お金"),
                    N_("そのほかの収入"),
                    N_("この3か月の、保険金、フリマアプリ、動画の広告、ポイント、家賃など"),
                ),
                _any(
                    "expected",
                    N_("これから 入る予定の お金"),
                    N_("見込みのある収入"),
                    N_("もどってくるお金、保険金、遺産など"),
                ),
            ),
            heading=N_("ほかに 入ったお金や、 予定は ありますか"),
            none=N_("どれも ありません"),
        ),
        Screen(
            "pensions",
            (
                Question(
                    "kind",
                    Ask.CHOICE,
                    N_("何の お金ですか"),
                    N_("年金・手当の種類"),
                    options=(
                        Option("basic", N_("国民年金")),
                        Option("employees", N_("厚生年金")),
                        Option("old_civil", N_("恩給")),
                        Option("child", N_("児童手当")),
                        Option("single_parent", N_("児童扶養手当")),
                        Option("special_child", N_("特別児童扶養手当")),
                        Option("unemployment", N_("雇用保険（失業給付）")),
                        Option("sickness", N_("傷病手当金")),
                        Option("other", N_("そのほか")),
                    ),
                ),
                Question(
                    "kind_other",
                    Ask.TEXT,
                    N_("そのほかのときは、その名前"),
                    N_("年金・手当の名前"),
                    needed=False,
                    when=when("kind", "other"),
                ),
                Question("recipient", Ask.MEMBER, N_("だれが もらいましたか"), N_("もらった人")),
                Question("amount_yen", Ask.YEN, N_("いくらでしたか"), N_("年金・手当の金額")),
                Question(
                    "per",
                    Ask.CHOICE,
                    N_("それは、 どのくらいの 分ですか"),
                    N_("何か月分か"),
                    options=(
                        Option("month", N_("1か月分（月額）")),
                        Option("two_months", N_("2か月分（年金の 1回分）")),
                        Option("year", N_("1年分（年額）")),
                    ),
                ),
            ),
            heading=N_("年金や手当のことを 教えてください"),
            rows=N_("年金・手当"),
            when=when("pension", "yes"),
        ),
        Screen(
            "remittances",
            (
                Question("sender", Ask.TEXT, N_("だれから もらいましたか"), N_("送ってくれた人")),
                Question(
                    "amount_yen",
                    Ask.YEN,
                    N_("この3か月で、 お金は いくらでしたか"),
                    N_("仕送りの金額（3か月）"),
                    hint=N_("物だけのときは「0」と書いてください。"),
                ),
                Question(
                    "in_kind",
                    Ask.TEXT,
                    N_("物を もらったときは、それを書いてください"),
                    N_("もらった物"),
                    hint=N_("例：お米 10キロ、野菜"),
                    needed=False,
                ),
            ),
            heading=N_("仕送りや もらった物のことを 教えてください"),
            rows=N_("仕送り"),
            when=when("remittance", "yes"),
            fresh=True,
        ),
        Screen(
            "others",
            (
                Question(
                    "kind",
                    Ask.CHOICE,
                    N_("何の お金ですか"),
                    N_("そのほかの収入の種類"),
                    options=(
                        Option("insurance", N_("保険金（生命保険など）")),
                        Option("property", N_("家賃や 土地のお金")),
                        Option("selling", N_("いらない物を 売った（フリマアプリなど）")),
                        Option("online", N_("動画や ブログの広告、アプリの仕事")),
                        Option("points", N_("ポイントを お金にかえた")),
                        Option("gift", N_("お祝い、お見舞い、香典")),
                        Option("refund", N_("税金などが もどった")),
                        Option("other", N_("そのほか")),
                    ),
                ),
                Question(
                    "what", Ask.TEXT, N_("どんなお金ですか（短くて かまいません）"), N_("収入の内容"), needed=False
                ),
                Question("amount_yen", Ask.YEN, N_("この3か月で、 いくらでしたか"), N_("そのほかの収入額（3か月）")),
                Question("received_on", Ask.DAY, N_("もらった日（わかれば）"), N_("受け取った日"), needed=False),
            ),
            heading=N_("そのほかのお金のことを 教えてください"),
            rows=N_("お金"),
            when=when("other", "yes"),
            fresh=True,
        ),
        Screen(
            "expectations",
            (
                Question("content", Ask.TEXT, N_("どんなお金ですか"), N_("見込みの内容")),
                Question("expected_yen", Ask.YEN, N_("いくらくらいの 予定ですか"), N_("見込みの金額")),
            ),
            heading=N_("これから入るお金のことを 教えてください"),
            rows=N_("予定"),
            when=when("expected", "yes"),
            fresh=True,
        ),
        Screen(
            "all_work",
            (
                Question(
                    "all_work",
                    Ask.CHOICE,
                    N_("家族に、 働いていない人は いますか"),
                    N_("働いて得た収入がない人"),
                    hint=N_("中学生までの子どもは、かぞえません。"),
                    options=(Option("no", N_("います")), Option("yes", N_("いません"))),
                ),
            ),
            when=when("worked", "yes") & when("_people", "several"),
        ),
        Screen(
            "without",
            (
                Question("member", Ask.MEMBER, N_("だれですか"), N_("収入がない人"), grown=True),
                Question(
                    "reason",
                    Ask.CHOICE,
                    N_("働いていないのは、 どうしてですか"),
                    N_("収入がない理由"),
                    options=(
                        Option("age", N_("年をとっているから")),
                        Option("ill", N_("病気や けが、 しょうがい")),
                        Option("caring", N_("子どもや 家族の 世話")),
                        Option("seeking", N_("仕事を さがしているところ")),
                        Option("school", N_("学校に 行っている")),
                        Option("other", N_("そのほか")),
                    ),
                ),
                Question(
                    "reason_more",
                    Ask.TEXT,
                    N_("くわしく 書きたいとき"),
                    N_("理由のくわしいこと"),
                    needed=False,
                ),
            ),
            heading=N_("働いたお金がない人のことを 教えてください"),
            rows=N_("収入がない人"),
            when=when("worked", "no") | when("all_work", "no"),
        ),
        Screen(
            "explained",
            (
                Question(
                    "explained",
                    Ask.TELL,
                    N_("わけや、 伝えたいことを 書いてください"),
                    N_("わけ・伝えたいこと"),
                    needed=False,
                ),
            ),
            aside=True,
        ),
    ),
)
