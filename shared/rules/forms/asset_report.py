"""資産申告書: what the household owns and owes. Source: model form of 社会・援護局長通知 2000-03-31."""

from __future__ import annotations

from typing import Final

from shared.model import DutyKind
from shared.rules.forms.form import N_, Ask, Form, Option, Question, Screen, when

_NO: Final = Option("no", N_("ありません"))
_YES: Final = Option("yes", N_("あります"))


def _gate(key: str, label: str, short: str, hint: str = "") -> Screen:
    """ある or ない; only ある leads to the next screen."""
    return Screen(key, (Question(key, Ask.CHOICE, label, short, hint=hint, options=(_NO, _YES)),))


ASSET_REPORT: Final = Form(
    kind=DutyKind.ASSET_REPORT,
    version=1,
    name=N_("持ちものの申告書"),
    lead=N_("お金や保険など、持っているものを書きます。5分くらいです。通帳を手もとに置くと、はやく終わります。"),
    files=N_("通帳の写真を 送ってください"),
    screens=(
        Screen(
            "cash",
            (
                Question(
                    "cash",
                    Ask.YEN,
                    N_("いま 手もとにある 現金は いくらですか"),
                    N_("現金"),
                    hint=N_("さいふと家にあるお金を あわせた、だいたいの金額です。"),
                ),
            ),
        ),
        _gate(
            "accounts_any", N_("銀行や ゆうちょの 通帳は ありますか"), N_("預貯金"), N_("使っていない通帳も 入ります。")
        ),
        Screen(
            "accounts",
            (
                Question("owner", Ask.MEMBER, N_("だれの 通帳ですか"), N_("名義")),
                Question("bank", Ask.TEXT, N_("銀行の名前"), N_("銀行"), hint=N_("例：ゆうちょ銀行")),
                Question("branch", Ask.TEXT, N_("支店の名前（わかれば）"), N_("支店"), needed=False),
                Question("balance", Ask.YEN, N_("いまの 残高"), N_("残高")),
                Question("seen_on", Ask.DAY, N_("いつの 残高ですか"), N_("残高の日"), needed=False),
            ),
            heading=N_("通帳のことを 教えてください"),
            rows=N_("通帳"),
            when=when("accounts_any", "yes"),
        ),
        _gate("insurance_any", N_("生命保険などに 入っていますか"), N_("保険")),
        Screen(
            "insurances",
            (
                Question("insured", Ask.MEMBER, N_("だれの 保険ですか"), N_("被保険者")),
                Question("insurer", Ask.TEXT, N_("保険会社の名前"), N_("保険会社")),
                Question("premium", Ask.YEN, N_("毎月 はらうお金（わかれば）"), N_("保険料"), needed=False),
                Question(
                    "surrender", Ask.YEN, N_("やめたときに もどるお金（わかれば）"), N_("解約返戻金"), needed=False
                ),
            ),
            heading=N_("保険のことを 教えてください"),
            rows=N_("保険"),
            when=when("insurance_any", "yes"),
        ),
        _gate("securities_any", N_("株や 投資信託、 仮想通貨などは ありますか"), N_("有価証券")),
        Screen(
            "securities",
            (
                Question("security", Ask.TEXT, N_("何ですか"), N_("種類")),
                Question("security_worth", Ask.YEN, N_("いまの だいたいの金額"), N_("評価額")),
            ),
            heading=N_("株などのことを 教えてください"),
            rows=N_("株など"),
            when=when("securities_any", "yes"),
        ),
        _gate(
            "land_any",
            N_("土地や 家を 持っていますか"),
            N_("土地・家屋"),
            N_("借りている家は 入りません。遠くの土地は 入ります。"),
        ),
        Screen(
            "land",
            (
                Question("land_where", Ask.TEXT, N_("どこに ありますか"), N_("所在地")),
                Question(
                    "land_what",
                    Ask.CHOICE,
                    N_("何ですか"),
                    N_("種類"),
                    options=(
                        Option("land", N_("土地")),
                        Option("house", N_("家")),
                        Option("field", N_("田・畑・山")),
                        Option("other", N_("そのほか")),
                    ),
                ),
                Question(
                    "land_use",
                    Ask.TEXT,
                    N_("いま どう使っていますか"),
                    N_("利用のようす"),
                    hint=N_("例：住んでいる、貸している、あいている"),
                    needed=False,
                ),
            ),
            heading=N_("土地や家のことを 教えてください"),
            rows=N_("土地・家"),
            when=when("land_any", "yes"),
        ),
        _gate("vehicle_any", N_("車や バイクを 持っていますか"), N_("車・バイク")),
        Screen(
            "vehicles",
            (
                Question("vehicle", Ask.TEXT, N_("車種（わかれば年も）"), N_("車種")),
                Question("vehicle_use", Ask.TEXT, N_("何に 使っていますか"), N_("使いみち"), needed=False),
            ),
            heading=N_("車やバイクのことを 教えてください"),
            rows=N_("車・バイク"),
            when=when("vehicle_any", "yes"),
        ),
        _gate(
            "other_any", N_("ほかに 高く売れそうなものは ありますか"), N_("貴金属など"), N_("例：金、宝石、ブランド品")
        ),
        Screen(
            "others",
            (
                Question("other_what", Ask.TEXT, N_("何ですか"), N_("もの")),
                Question("other_worth", Ask.YEN, N_("だいたいの金額（わかれば）"), N_("評価額"), needed=False),
            ),
            heading=N_("そのもののことを 教えてください"),
            rows=N_("もの"),
            when=when("other_any", "yes"),
        ),
        _gate(
            "debt_any",
            N_("返していない 借金や、 たまっている支払いは ありますか"),
            N_("負債"),
            N_("あっても、しかられることは ありません。"),
        ),
        Screen(
            "debts",
            (
                Question("lender", Ask.TEXT, N_("だれから・どこへ"), N_("借入先")),
                Question("remaining", Ask.YEN, N_("残りの金額（わかれば）"), N_("残額"), needed=False),
                Question("monthly", Ask.YEN, N_("毎月 返しているお金"), N_("毎月の返済"), needed=False),
            ),
            heading=N_("借金や支払いのことを 教えてください"),
            rows=N_("借金・支払い"),
            when=when("debt_any", "yes"),
        ),
    ),
)
