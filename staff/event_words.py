"""What every entry of the journal is called where people read it. A test walks the code for one that is missing."""

from __future__ import annotations

from typing import Final

from flask_babel import lazy_gettext

EVENTS: Final = {
    # looks
    "household.viewed": lazy_gettext("世帯の画面を見た"),
    "submission.viewed": lazy_gettext("届いた書類を見た"),
    "file.viewed": lazy_gettext("ファイルを見た"),
    "receipt.viewed": lazy_gettext("受領証を見た"),
    "original.fetched": lazy_gettext("原本を取り出した"),
    # lists
    "owed.downloaded": lazy_gettext("提出待ちの一覧を取り出した"),
    "assignment.downloaded": lazy_gettext("担当の一覧を取り出した"),
    "ledger.viewed": lazy_gettext("受付簿を見た"),
    "ledger.printed": lazy_gettext("受付簿を印刷用に開いた"),
    "ledger.downloaded": lazy_gettext("受付簿を取り出した"),
    "looks.viewed": lazy_gettext("閲覧の記録を見た"),
    "looks.printed": lazy_gettext("閲覧の記録を印刷用に開いた"),
    "looks.downloaded": lazy_gettext("閲覧の記録を取り出した"),
    # the life of a submission
    "submission.arrived": lazy_gettext("書類が届いた"),
    "submission.ready": lazy_gettext("確認待ちになった"),
    "submission.withdrawn": lazy_gettext("書類を取り下げた"),
    "submission.taken": lazy_gettext("対応をはじめた"),
    "submission.released": lazy_gettext("受信箱にもどした"),
    "submission.held": lazy_gettext("保留にした"),
    "submission.came_back": lazy_gettext("保留からもどった"),
    "submission.accepted": lazy_gettext("受理した"),
    "decision.undone": lazy_gettext("決めたことを取り消した"),
    "correction.asked": lazy_gettext("補正をおねがいした"),
    "absent_paper.done": lazy_gettext("あとで送る書類は済んだと知らせた"),
    "lease.asked_for": lazy_gettext("譲ってほしいと伝えた"),
    "lease.kept": lazy_gettext("まだ使うと伝えた"),
    "lease.handed_over": lazy_gettext("同僚にわたした"),
    "lease.taken_over": lazy_gettext("引きとった"),
    "check.overridden": lazy_gettext("確認の結果を上書きした"),
    "check.stands_again": lazy_gettext("確認の結果をもとにもどした"),
    "note.written": lazy_gettext("メモを書いた"),
    "message.sent": lazy_gettext("本人にお知らせを送った"),
    # certificates and the day
    "receipt.issued": lazy_gettext("受領証を発行した"),
    "receipt.voided": lazy_gettext("受領証を取り消した"),
    "day.closed": lazy_gettext("日を締めた"),
    "closing_time.set": lazy_gettext("締めの時刻を決めた"),
    # files
    "file.checked": lazy_gettext("ファイルを調べた"),
    "file.infected": lazy_gettext("ウイルスの疑いを見つけた"),
    "file.lost": lazy_gettext("ファイルが見つからなかった"),
    "file.copy_lost": lazy_gettext("写しが見つからなかった"),
    "task.given_up": lazy_gettext("機械の仕事ができなかった"),
    # many at once
    "bulk.started": lazy_gettext("まとめての処理をはじめた"),
    "bulk.done": lazy_gettext("まとめての処理が済んだ"),
    "bulk.undo_started": lazy_gettext("まとめての処理を取り消しはじめた"),
    "bulk.undone": lazy_gettext("まとめての処理を取り消した"),
    # who looks after whom
    "household.reassigned": lazy_gettext("世帯の担当を変えた"),
    "reassignment.made": lazy_gettext("担当替えをした"),
    "cover.begun": lazy_gettext("代わりをはじめた"),
    "cover.ended": lazy_gettext("代わりを終えた"),
    "second_look.done": lazy_gettext("二度目の確認をした"),
    "second_look.read": lazy_gettext("二度目の確認の知らせを読んだ"),
    # signing in
    "invitation.made": lazy_gettext("招待の手紙を作った"),
    "recipient.signed_in": lazy_gettext("本人が入った"),
    "pin.chosen": lazy_gettext("暗証番号を決めた"),
    "staff.signed_in": lazy_gettext("職員が入った"),
    # what is kept how long
    "retention.rule_set": lazy_gettext("保存期間を決めた"),
    "hold.placed": lazy_gettext("廃棄を止めた"),
    "hold.lifted": lazy_gettext("廃棄の停止を解いた"),
    "disposal.proposed": lazy_gettext("廃棄の名簿を作った"),
    "disposal.approved": lazy_gettext("廃棄を承認した"),
    "disposal.dropped": lazy_gettext("廃棄の名簿を取りやめた"),
    "disposal.resumed": lazy_gettext("廃棄をやりなおした"),
    "disposal.done": lazy_gettext("廃棄した"),
    # settings
    "calendar_rule.set": lazy_gettext("期限と支給日の決まりを変えた"),
    "closed_day.set": lazy_gettext("閉庁日を決めた"),
    "closed_day.taken_back": lazy_gettext("閉庁日をやめた"),
    "payment_day.set": lazy_gettext("支給日を変えた"),
    "danger_words.set": lazy_gettext("気をつけることばを変えた"),
    "duties.opened": lazy_gettext("ひと月の書類をたのんだ"),
    "duty_rule.set": lazy_gettext("たのむ書類の決まりを変えた"),
    "situation.set": lazy_gettext("世帯員のようすを変えた"),
    "member.left": lazy_gettext("世帯員が出た"),
    "form_setting.set": lazy_gettext("書類の質問を変えた"),
    "fixed_text.added": lazy_gettext("定型文を加えた"),
    "fixed_text.changed": lazy_gettext("定型文を変えた"),
    "fixed_text.moved": lazy_gettext("定型文の順番を変えた"),
    "reason.added": lazy_gettext("補正の理由を加えた"),
    "reason.changed": lazy_gettext("補正の理由を変えた"),
    "second_look.rule_set": lazy_gettext("二度目の確認の割合を決めた"),
}
