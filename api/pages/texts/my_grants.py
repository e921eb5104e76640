"""What holders grant: consents (授权) and delegations (委托)."""

from collections.abc import Mapping

MY_GRANTS: Mapping[str, tuple[str, str]] = {
    "consents.title": ("授权", "Consents"),
    "consents.lead": (
        (
            "银行、医院、学校这类机构，没有您的授权就查不到您的证照。授权说明谁、为什么、看什么、看几次、"
            "到哪天为止；您随时可以收回。"
        ),
        (
            "A bank, a hospital or a school finds nothing of yours without your consent. A consent says who, "
            "what for, what, how often and until when; you can take it back at any time."
        ),
    ),
    "consents.law": (
        "行政机关依法履行职责时查阅证照不需要授权，每一次都会写进您的查阅记录。",
        "Authorities that act by law need no consent; each of their looks stands in your record.",
    ),
    "consents.new": ("新增授权", "Give a consent"),
    "consents.waiting": ("等您答复的查询", "Waiting for your answer"),
    "consents.waiting.detail": (
        "下面的机构最近查询过您的证照，因为没有您的授权，什么也没有看到。不想给看的，不用理会。",
        (
            "These organisations asked lately and saw nothing, for want of your consent. If you do not want "
            "them to, you need do nothing."
        ),
    ),
    "consents.asked": ("{moment} 要求查询", "asked at {moment}"),
    "consents.asked_for": ("用途：{purpose}", "for: {purpose}"),
    "consents.answer": ("给予授权", "Give a consent"),
    "consents.answer.label": ("给予授权：{name}", "Give a consent to {name}"),
    "consents.given": ("已作出的授权", "Consents that you gave"),
    "consents.none": ("您没有作出过授权。", "You have given no consent."),
    "consent.state.standing": ("有效", "Stands"),
    "consent.state.not_yet": ("尚未开始", "Not yet"),
    "consent.state.ended": ("已到期", "Ended"),
    "consent.state.used_up": ("次数已用完", "Used up"),
    "consent.state.revoked": ("已收回", "Taken back"),
    "consent.who": ("谁可以查", "Who"),
    "consent.unknown": ("尚未接入本库的机构", "No organisation that is connected here"),
    "consent.what": ("可以看什么", "What"),
    "consent.whole": ("全部照面信息", "all that it says"),
    "consent.only": ("只有：{fields}", "only: {fields}"),
    "consent.number": ("证照编号", "its number"),
    "consent.holders": ("您的姓名和证件号码", "your name and code"),
    "consent.not": (
        "看不到盖章的原件和您提交过的材料；证照上别人的信息会遮盖。",
        "They see no sealed original, and none of what you handed in; what it says of others is hidden.",
    ),
    "consent.purpose": ("用途", "What for"),
    "consent.item": ("办理事项", "Service item"),
    "consent.until": ("到哪天为止", "Until"),
    "consent.uses": ("可以查几次", "How often"),
    "consent.uses_of": ("共 {uses} 次，还剩 {left} 次", "{left} of {uses} left"),
    "consent.uses_max": ("最多 {uses} 次", "{uses} at most"),
    "consent.used": ("最近用过 {count} 次", "Used lately: {count}"),
    "consent.look.holdings": ("查询了证照", "looked up what you hold"),
    "consent.look.reuse-check": ("核对了所需材料", "checked what is needed"),
    "consent.look.use": ("使用了证照", "used a certificate"),
    "consent.look.use-redeem": ("凭用证码调取", "got it by a use code"),
    "consent.revoked_on": ("{moment} 收回", "taken back at {moment}"),
    "consent.revoke": ("收回", "Take it back"),
    "consent.revoke.label": ("收回给“{name}”的授权", "Take it back from {name}"),
    "consent.form": ("新增授权", "Give a consent"),
    "consent.form.lead": (
        "填好以后先请您核对，确认了才生效。对方只看得到您在这里选定的内容。",
        "You check it before it holds. They see what you choose here, and nothing else.",
    ),
    "consent.form.organisation": ("给哪个机构", "To which organisation?"),
    "consent.form.organisation.hint": (
        "填 18 位统一社会信用代码，一般印在对方的合同或者公章上；已接入的机构可以从列表里选。",
        (
            "Its 18-character social credit code, as on its contracts and its seal. Those that are connected "
            "here are in the list."
        ),
    ),
    "consent.form.types": ("可以看哪些证照", "Which certificates?"),
    "consent.form.no_types": (
        "您名下还没有证照，现在没有可以授权的内容。",
        "You hold no certificate yet: there is nothing to consent to.",
    ),
    "consent.form.what": ("看到多少", "How much of them?"),
    "consent.form.part": ("只给看一部分", "Only a part"),
    "consent.form.purpose": ("做什么用", "What for?"),
    "consent.form.purpose.hint": (
        "照对方告诉您的写，例如：办理住房贷款。对方查询时说的用途与此一致才能查到。",
        (
            "As they told you, for example 办理住房贷款. They find something only if they ask with the same "
            "words."
        ),
    ),
    "consent.form.item": ("办理事项（可以不选）", "Service item (optional)"),
    "consent.form.no_item": ("不限定事项", "None"),
    "consent.form.valid_to": ("到哪天为止", "Until which day?"),
    "consent.form.valid_to.hint": ("含当天，最长 {days} 天。", "That day included, {days} days at most."),
    "consent.form.uses": ("最多查几次", "How often at most?"),
    "consent.form.uses.hint": (
        "一般 1 次就够；十分钟内重复查询只算一次。",
        "Once is usually enough. The same question within ten minutes counts once.",
    ),
    "consent.form.check": ("下一步：核对", "Next: check it"),
    "consent.check": ("请核对，确认后生效", "Check it: it holds once you confirm"),
    "consent.check.sentence": (
        "从今天起到 {day}，“{name}”可以为下面的用途查询您的这些证照，最多 {uses} 次：",
        (
            "From today until {day}, {name} may look at these certificates of yours for what is said below, "
            "{uses} times at most:"
        ),
    ),
    "consent.check.later": (
        "每一次查询都会写进您的查阅记录。您随时可以收回，收回后立即失效。",
        "Each look stands in your record. You can take the consent back at any time, and at once.",
    ),
    "consent.confirm": ("确认授权", "Give this consent"),
    "consent.end": ("收回给“{name}”的授权？", "Take back what you gave {name}?"),
    "consent.end.detail": (
        (
            "收回后立即生效，不能恢复：对方不能再凭这份授权查询，凭它取得的用证码和加注件也一并失效。"
            "您作出的其他授权不受影响，已经发生的查询仍留在记录里。以后需要，可以重新授权。"
        ),
        (
            "It holds at once and for good: they can no longer look by this consent, and codes and copies "
            "that rest on it are void. Other consents that you gave stand as before, and what was done stays "
            "recorded. You can give another consent later."
        ),
    ),
    "consent.end.confirm": ("确认收回", "Take it back"),
    "consent.wrong.organisation": (
        "机构代码不对：应为 18 位统一社会信用代码，请逐位核对。",
        "This is no social credit code: it has 18 characters, please compare each.",
    ),
    "consent.wrong.types": ("请至少勾选一种证照。", "Tick at least one kind of certificate."),
    "consent.wrong.fields": (
        "您选了“只给看一部分”，请至少勾选一项。",
        "You chose “only a part”: tick at least one line.",
    ),
    "consent.wrong.service_item": (
        "没有这个事项，请从列表里选。",
        "There is no such service item: choose one of the list.",
    ),
    "consent.wrong.purpose": (
        "请写明用途，1 到 60 个字，写在一行里。",
        "Say what for, in 1 to 60 characters on one line.",
    ),
    "consent.wrong.valid_to": (
        "日期不对：请选今天或以后的一天，最长 366 天。",
        "Choose today or a later day, 366 days ahead at most.",
    ),
    "consent.wrong.uses": ("次数应为 1 到 1000 的整数。", "A whole number from 1 to 1000."),
    "consent.wrong.too_many": (
        "有效的授权已经有 200 项，请先收回一些。",
        "You have 200 consents that stand: take some of them back first.",
    ),
    "delegations.title": ("委托", "Delegations"),
    "delegations.lead": (
        "您可以委托家人或者同事，用他们自己的账号替您下载或者出示证照。不用把您的密码告诉任何人。",
        (
            "You can let a relative or a colleague download or show certificates for you, with an account of "
            "their own. Nobody needs your password."
        ),
    ),
    "delegations.new": ("新增委托", "Delegate to somebody"),
    "delegations.received": ("别人委托给我的", "Delegated to me"),
    "delegations.given": ("我委托给别人的", "Delegated by me"),
    "delegations.none_received": ("没有人委托您。", "Nobody delegated anything to you."),
    "delegations.none_given": ("您没有委托过别人。", "You have delegated nothing."),
    "delegation.state.waiting": ("等对方登录", "Waits until they sign in"),
    "delegation.state.standing": ("有效", "Stands"),
    "delegation.state.not_yet": ("尚未开始", "Not yet"),
    "delegation.state.ended": ("已到期", "Ended"),
    "delegation.state.revoked": ("已终止", "Ended early"),
    "delegation.of": ("{name}的证照", "Certificates of {name}"),
    "delegation.to": ("受托人", "Delegate"),
    "delegation.erased": ("（信息已删除）", "(erased)"),
    "delegation.may": ("可以做什么", "They may"),
    "delegation.download": ("下载盖章的原件", "download the sealed original"),
    "delegation.present": ("亮证（生成二维码给人看）", "show it by a code"),
    "delegation.types": ("哪些证照", "Which certificates"),
    "delegation.period": ("期限", "From and to"),
    "delegation.open": ("替{name}办理", "Act for {name}"),
    "delegation.acts": ("最近的办理记录（{count}）", "What was done lately ({count})"),
    "delegation.act.grant": ("您作出委托", "you delegated it"),
    "delegation.act.accept": ("对方登录，委托生效", "they signed in, and it holds"),
    "delegation.act.view": ("查看了证照", "they looked at the certificates"),
    "delegation.act.download": ("下载了一份原件", "they downloaded an original"),
    "delegation.act.present": ("出示了一份证照", "they showed a certificate"),
    "delegation.act.revoke": ("委托终止", "it was ended"),
    "delegation.end": ("终止", "End it"),
    "delegation.end.label": ("终止对 {name} 的委托", "End it: what you delegated to {name}"),
    "delegation.end.received": ("不再接受", "Take no further part"),
    "delegation.ending": ("终止这项委托？", "End this delegation?"),
    "delegation.ending.detail": (
        (
            "终止后立即生效，不能恢复：受托人不能再查看、下载、出示，正在出示的亮证码也一并失效。"
            "办理过的仍留在记录里。"
        ),
        (
            "It holds at once and for good: the delegate sees, downloads and shows nothing any more, and "
            "codes just shown are void. What was done stays recorded."
        ),
    ),
    "delegation.ending.confirm": ("确认终止", "End it"),
    "delegation.form": ("新增委托", "Delegate to somebody"),
    "delegation.form.code_type": ("受托人的证件类型", "Which document do they have?"),
    "delegation.form.code": ("受托人的证件号码", "Its number"),
    "delegation.form.code.hint": (
        "只能委托个人。对方以前没有登录过也可以，第一次登录时委托生效。",
        "A delegate is a person. They need not have signed in before: it holds once they do.",
    ),
    "delegation.form.types": ("委托哪些证照", "Which certificates?"),
    "delegation.form.actions": ("可以做什么", "What may they do?"),
    "delegation.form.valid_to": ("到哪天为止", "Until which day?"),
    "delegation.check": ("请核对，确认后生效", "Check it: it holds once you confirm"),
    "delegation.check.sentence": (
        "从今天起到 {day}，持下面这个证件的人可以替您办理：",
        "From today until {day}, whoever has this document may act for you:",
    ),
    "delegation.check.later": (
        "对方做的每一件事，您都能在这里看到。您随时可以终止，对方也可以不再接受。",
        "You see here all that they do. You can end it at any time, and so can they.",
    ),
    "delegation.confirm": ("确认委托", "Delegate this"),
    "delegation.wrong.code": (
        "证件号码不对：请与证件逐位核对，类型也要选对；只能委托个人，不能委托单位。",
        (
            "This number is not right: compare each character, and check the kind of document. A delegate is "
            "a person, no organisation."
        ),
    ),
    "delegation.wrong.own_code": (
        "这是您自己的证件号码。请填受托人的。",
        "This is your own number. Enter that of whoever is to act for you.",
    ),
    "delegation.wrong.types": ("请至少勾选一种证照。", "Tick at least one kind of certificate."),
    "delegation.wrong.actions": (
        "请勾选对方可以做什么，至少一项。",
        "Tick what they may do: one thing at least.",
    ),
    "delegation.wrong.valid_to": (
        "日期不对：请选今天或以后的一天，最长 366 天。",
        "Choose today or a later day, 366 days ahead at most.",
    ),
    "delegation.wrong.too_many": (
        "有效的委托已经有 50 项，请先终止一些。",
        "You have 50 delegations that stand: end some of them first.",
    ),
    "on_behalf.title": ("替{name}办理", "Acting for {name}"),
    "on_behalf.lead": (
        "您受{name}委托，期限到 {day}。您在这里做的每一件事，{name}都能看到。",
        "{name} delegated this to you until {day}. {name} sees all that you do here.",
    ),
    "on_behalf.none": ("现在没有委托给您的证照。", "There is nothing now that is delegated to you."),
    "on_behalf.back": ("返回委托", "Back to delegations"),
}
