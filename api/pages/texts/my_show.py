"""Showing a certificate by a code (亮证): the holder's side. Whoever scans it sees a report."""

from collections.abc import Mapping

MY_SHOW: Mapping[str, tuple[str, str]] = {
    "show.title": ("亮证", "Show a certificate"),
    "show.choose": ("出示《{name}》", "Show {name}"),
    "show.lead": (
        (
            "生成一个二维码，对方用手机一扫，就能看到您选定的内容和这份证照现在是否有效。五分钟内有效，"
            "只能看一次。"
        ),
        (
            "You get a QR code. Whoever scans it sees what you choose, and whether the certificate is in "
            "force now. It is good for five minutes, and once."
        ),
    ),
    "show.what": ("给对方看什么", "What may they see?"),
    "show.whole": ("全部照面信息", "All that it says"),
    "show.whole.detail": ("与纸质证照上印的一样。", "As it is printed on paper."),
    "show.part": ("只给看一部分", "Only a part"),
    "show.part.detail": (
        "证照名称、颁发机构、有效期和状态总会显示；另外给看：",
        "Its name, issuer, validity and status are always shown. Besides:",
    ),
    "show.holders": ("持证人姓名和证件号码", "The holder's name and code"),
    "show.make": ("生成亮证码", "Make the code"),
    "show.wrong.fields": (
        "您选了“只给看一部分”，请至少勾选一项。",
        "You chose “only a part”: tick at least one line.",
    ),
    "show.scan": ("请对方扫码", "Let them scan this"),
    "show.qr": ("亮证二维码", "The QR code to be scanned"),
    "show.until": ("{moment}前有效", "Good until {moment}"),
    "show.left": ("剩余时间", "Time left"),
    "show.once": ("只能查看一次，扫过即失效。", "Good once: after a scan it opens nothing."),
    "show.bright": (
        "请把屏幕调亮，不要把这个码发给别人：谁先扫到，谁就能看到。",
        "Turn the screen bright. Do not send the code to anybody: whoever scans first, sees it.",
    ),
    "show.shows_whole": ("对方将看到：全部照面信息", "They will see: all that it says"),
    "show.shows_part": (
        "对方将看到：证照名称、颁发机构、有效期、状态，以及您选定的 {count} 项",
        "They will see: its name, issuer, validity and status, and the lines that you chose ({count})",
    ),
    "show.again": ("换一个码", "Another code"),
    "show.cancel": ("收回，不出示了", "Take it back"),
    "show.refresh": ("看看对方扫了没有", "See whether it was scanned"),
    "show.seen": ("对方已经查看", "It has been seen"),
    "show.seen.detail": (
        "亮证完成，这个码已经失效。",
        "Done. The code opens nothing any more.",
    ),
    "show.taken_back": ("亮证码已经收回", "The code is taken back"),
    "show.taken_back.detail": ("没有人看到内容。", "Nobody saw anything."),
    "show.over": ("亮证码已经过期", "The code has run out"),
    "show.over.detail": (
        "没有人查看，这个码已失效。需要的话，请换一个码。",
        "Nobody looked, and it opens nothing any more. Make another one if you need it.",
    ),
    "show.gone": ("这个亮证码不能再显示", "This code cannot be shown again"),
    "show.gone.detail": (
        "亮证码只在生成它的手机或电脑上显示。请重新生成一个。",
        "A code is shown only where it was made. Please make another one.",
    ),
}
