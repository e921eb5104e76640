"""Showing a certificate by a code (亮证): the holder's side, and that of whoever scans it."""

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
    "show.shows_part": ("对方将看到：您选定的 {count} 项", "They will see: the {count} lines that you chose"),
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
        "五分钟内没有人查看。需要的话，请换一个码。",
        "Nobody looked within its five minutes. Make another one if you need it.",
    ),
    "show.gone": ("这个亮证码不能再显示", "This code cannot be shown again"),
    "show.gone.detail": (
        "亮证码只在生成它的手机或电脑上显示。请重新生成一个。",
        "A code is shown only where it was made. Please make another one.",
    ),
    "shown.title": ("查看对方出示的证照", "See what is shown to you"),
    "shown.lead": (
        "用扫码枪扫对方手机上的亮证码，或者把扫出的地址粘贴到这里。每个码只能查看一次。",
        (
            "Scan the code on their phone with a hand scanner, or paste the address that it holds. Each code "
            "is good once."
        ),
    ),
    "shown.field": ("亮证码", "Code"),
    "shown.submit": ("查看", "See it"),
    "shown.nothing": ("这个码打不开任何内容", "This code opens nothing"),
    "shown.nothing.detail": (
        "它可能已经被查看过，或者过了五分钟。请对方换一个码，再扫一次。",
        "It may have been used, or its five minutes may be over. Ask them for another one, and scan again.",
    ),
    "shown.by": ("持证人于 {moment} 当面出示", "Shown by its holder at {moment}"),
    "shown.by_delegate": (
        "受持证人委托的人于 {moment} 当面出示",
        "Shown at {moment} by somebody whom its holder asked to",
    ),
    "shown.whole": ("持证人同意给您看全部照面信息。", "Its holder chose to show all that it says."),
    "shown.part": ("持证人只同意给您看这些内容。", "Its holder chose to show this much of it."),
    "shown.keep_not": (
        "这些内容只供您当面核对，请不要拍照留存。",
        "It is for you to compare here and now: please keep no picture of it.",
    ),
}
