"""What holders are told and what they say: who looked (查阅记录), and disputes (异议)."""

from collections.abc import Mapping

MY_RECORDS: Mapping[str, tuple[str, str]] = {
    "history.title": ("查阅记录", "Who looked"),
    "history.lead": (
        ("谁在什么时候、为了什么事看过或者用过您的证照和材料，都记在这里；依法暂缓告知的，期满后补上。"),
        (
            "Who looked at or used certificates and materials of yours, when and what for, stands here. What "
            "by law is to be told later is added when that time is over."
        ),
    ),
    "history.filter": ("只看一份证照的记录", "Of one certificate only"),
    "history.all": ("全部证照和材料", "All of them"),
    "history.apply": ("筛选", "Show"),
    "history.none": ("没有记录。", "There is nothing here."),
    "history.own": ("您本人的 {count} 次操作", "{count} times it was you"),
    "history.basis": ("依据：{basis}", "By: {basis}"),
    "history.use_until": ("这次使用的有效期到 {moment}", "This use is good until {moment}"),
    "history.use_ended": ("这次使用已于 {moment} 终止", "This use was ended at {moment}"),
    "history.use_over": ("这次使用已经到期", "This use has run out"),
    "history.end_use": ("终止这次使用", "End this use"),
    "history.dispute": ("有疑问？提出异议", "Something wrong? Dispute it"),
    "use_end.title": ("终止这次使用？", "End this use?"),
    "use_end.detail": (
        (
            "终止后立即生效，不能恢复：用证码打不开任何内容，加注件查验时显示“已撤回”。"
            "正在办理的事项可能因此需要您另交材料。"
        ),
        (
            "It holds at once and for good: its code opens nothing, its copy verifies as revoked. "
            "A case that needs it may ask you for papers then."
        ),
    ),
    "use_end.confirm": ("确认终止", "End it"),
    "disputes.title": ("异议", "Disputes"),
    "disputes.lead": (
        (
            "证照内容有误、不是您的证照，或者有人没有依据查了您的信息，都可以在这里提出，"
            "由颁发机构或者查询单位答复。"
        ),
        (
            "A certificate says something wrong or is not yours, or somebody looked without any right "
            "to: say so here, and the body responsible answers."
        ),
    ),
    "disputes.how": (
        "要就某份证照提出异议，请打开那份证照；要就某次查询提出异议，请在查阅记录里找到那一条。",
        "To dispute a certificate, open it. To dispute a look, find it in the record.",
    ),
    "disputes.none": ("您没有提出过异议。", "You have raised no dispute."),
    "dispute.of_certificate": ("关于《{name}》", "About {name}"),
    "dispute.of_identifier": ("关于一份证照", "About a certificate"),
    "dispute.of_access": ("关于 {moment} 的一次查询", "About a look at {moment}"),
    "dispute.of_early_access": (
        "关于一次早前的查询（记录已归档）",
        "About an early look, whose record is archived",
    ),
    "dispute.state.submitted": ("等待受理", "Handed in"),
    "dispute.state.accepted": ("已受理，正在核实", "Accepted, being looked into"),
    "dispute.state.rejected": ("未予受理", "Not accepted"),
    "dispute.state.resolved": ("已办结", "Resolved"),
    "dispute.outcome.upheld": ("异议成立", "You were right"),
    "dispute.outcome.not_upheld": ("异议不成立", "It was found to be right"),
    "dispute.kind.wrong_data": ("登记的内容有误", "It says something wrong"),
    "dispute.kind.not_mine": ("这不是我的证照", "It is not mine"),
    "dispute.kind.wrong_status": ("状态有误", "Its status is wrong"),
    "dispute.kind.unlawful_access": ("查询没有依据", "They had no right to look"),
    "dispute.kind.other": ("其他", "Something else"),
    "dispute.said": ("您的说明", "What you said"),
    "dispute.due": ("应在 {day}前答复", "To be answered by {day}"),
    "dispute.overdue": ("已超过答复期限 {day}", "The answer was due on {day}"),
    "dispute.steps": ("办理进度", "How it went on"),
    "dispute.reason": ("答复：{reason}", "The answer: {reason}"),
    "dispute.form": ("提出异议", "Raise a dispute"),
    "dispute.form.lead": (
        "由{authority}答复，一般在 {days} 个工作日内。受理之后、办结之前，别人查验这份证照会看到“存在异议”。",
        (
            "{authority} answers, as a rule within {days} working days. Once it is accepted, and until it is "
            "resolved, whoever verifies the certificate is told that it is under dispute."
        ),
    ),
    "dispute.form.lead_access": (
        "由查询的单位答复，一般在 {days} 个工作日内。",
        "The body that looked answers, as a rule within {days} working days.",
    ),
    "dispute.form.kind": ("哪里不对", "What is wrong?"),
    "dispute.form.statement": ("请说明情况", "Please explain"),
    "dispute.form.statement.hint": (
        "写清哪里不对、应该是什么。最多 {max} 个字；请不要写别人的证件号码。",
        "What is wrong, and how it should be. {max} characters at most; write no ID number of anybody else.",
    ),
    "dispute.form.submit": ("提交异议", "Hand it in"),
    "dispute.wrong.subject": (
        "请从证照或者查阅记录进入这个页面。",
        "Come to this page from a certificate or from the record.",
    ),
    "dispute.wrong.access": (
        "这一条是您本人、公众或者本库自己的操作，没有单位可以答复；对证照有疑问，请打开那份证照提出。",
        (
            "This was done by yourself, by the public or by the vault: no body answers for it. If a "
            "certificate is wrong, dispute the certificate."
        ),
    ),
    "dispute.wrong.kind": ("请选择哪里不对。", "Choose what is wrong."),
    "dispute.wrong.statement": (
        "请说明情况，1 到 2000 个字，不要用特殊符号。",
        "Explain it in 1 to 2,000 characters, without odd signs.",
    ),
    "dispute.wrong.too_many": (
        "您已有 20 件异议正在办理，请等其中一件办结后再提。",
        "You have 20 open disputes: wait until one of them is decided.",
    ),
}
