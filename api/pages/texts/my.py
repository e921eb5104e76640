"""The holder's own pages: what all of them say, and the certificates."""

from collections.abc import Mapping

MY: Mapping[str, tuple[str, str]] = {
    "my.title": ("我的证照", "My certificates"),
    "my.sections": ("我的证照：各栏目", "My certificates: sections"),
    "my.nav.certificates": ("证照", "Certificates"),
    "my.nav.consents": ("授权", "Consents"),
    "my.nav.delegations": ("委托", "Delegations"),
    "my.nav.history": ("查阅记录", "Who looked"),
    "my.nav.disputes": ("异议", "Disputes"),
    "my.hello": ("{name}，您好", "Welcome, {name}"),
    "my.count": ("您名下有 {count} 份证照。", "Certificates in your name: {count}."),
    "my.in_force": ("有效的证照", "In force"),
    "my.coming": ("尚未生效的证照", "Not in force yet"),
    "my.unusable": ("目前不能使用的证照", "Not usable now"),
    "my.empty": ("您名下还没有证照", "There is no certificate in your name yet"),
    "my.empty.detail": (
        "事项办结后，证照会自动出现在这里，不用另外申请。",
        "When a case is completed, its certificate appears here by itself.",
    ),
    "my.not_holder": ("这里是持证人的页面", "These pages are for holders"),
    "my.not_holder.detail": (
        (
            "您以工作人员身份登录，名下没有证照。办理业务请进入工作台；要查看本人的证照，"
            "请退出后以本人身份登录。"
        ),
        (
            "You signed in as staff, and hold nothing here. To see certificates of your own, sign out and "
            "sign in as yourself."
        ),
    ),
    "my.back": ("返回我的证照", "Back to my certificates"),
    "my.older": ("更早的", "Older"),
    "my.newest": ("回到最新", "Back to the newest"),
    "my.no": ("不了，返回", "No, go back"),
    "my.change": ("返回修改", "Change it"),
    "my.wrong": ("还不能提交，请先改好下面几处", "Not yet: please put these right first"),
    "my.all_day": ("均为北京时间。", "All times are China time."),
    "status.not_yet_valid": ("尚未生效", "Not valid yet"),
    "card.picture": ("《{name}》第一页的图样", "Picture of the first page of {name}"),
    "card.no_picture": ("没有图样，请下载原件查看", "No picture: download the original"),
    "card.show": ("亮证", "Show"),
    "card.open": ("查看", "Open"),
    "card.open.label": ("查看《{name}》", "Open {name}"),
    "card.show.label": ("亮证：《{name}》", "Show {name}"),
    "card.ends_today": ("今天到期", "Ends today"),
    "card.ends_soon": ("还有 {days} 天到期", "Ends in {days} days"),
    "card.ends_tomorrow": ("明天到期", "Ends tomorrow"),
    "card.renew": (
        "需要继续使用的，请在 {day}前向{authority}申请延续或者换证；逾期可能要按新证重新办理。",
        (
            "If you still need it, apply to {authority} for its renewal before {day}; later you may have to "
            "start anew."
        ),
    ),
    "card.expired": (
        "已于 {day}到期。需要的话，请向{authority}重新申请。",
        "It ran out on {day}. If you need it, apply to {authority} again.",
    ),
    "card.replaced": ("已换发新证，请使用新证。", "A newer one has taken its place: use that one."),
    "card.ended": (
        "这份证照现在不能使用。对此有疑问的，可以向{authority}了解，也可以在这里提出异议。",
        "It cannot be used now. Ask {authority} about it, or dispute it here.",
    ),
    "my.dispute": ("{day}受理，正在核实", "accepted on {day}, being looked into"),
    "certificate.face": ("照面信息", "What it says"),
    "certificate.files": ("下载原件", "Download the original"),
    "certificate.files.detail": (
        "盖有电子印章的原件，与纸质证照具有同等效力，可以转发、存档。",
        "The sealed original, as good as the paper one; it may be passed on and kept.",
    ),
    "certificate.download": ("下载 {format}（{size} kB）", "Download {format} ({size} kB)"),
    "certificate.pdf": ("电脑、手机都能打开", "Opens anywhere"),
    "certificate.ofd": ("国家版式文件，政务系统通用", "The national format, for public offices"),
    "certificate.more": ("与这份证照有关的", "About this certificate"),
    "certificate.history": ("谁查看过这份证照", "Who looked at it"),
    "certificate.dispute": ("内容有误？提出异议", "Something wrong? Dispute it"),
    "certificate.consent": ("授权别的机构查看", "Let an organisation see it"),
    "done.granted": ("授权已经生效。", "Your consent stands."),
    "done.revoked": (
        "授权已经收回，对方从现在起不能再凭这份授权查询。",
        "Your consent is taken back. From now on nobody can look by it.",
    ),
    "done.delegated": (
        "委托已经作出，对方下次登录后即可办理。",
        "The delegation is given. It holds once they have signed in.",
    ),
    "done.ended": ("委托已经终止。", "The delegation has ended."),
    "done.use_ended": (
        "这次使用已经终止：用证码和加注件都已失效。",
        "That use has ended: its code opens nothing, its copy is no longer good.",
    ),
    "done.disputed": (
        "异议已经提交，办理进度可以在这里查看。",
        "Your dispute is handed in. You can follow it here.",
    ),
}
