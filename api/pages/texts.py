"""Everything that the pages say, in Chinese and in English."""

from collections.abc import Mapping
from enum import StrEnum

from api.pages.check_texts import CHECKS


class Language(StrEnum):
    """Languages of the pages; Chinese is what a caller gets who chose none."""

    ZH = "zh"
    EN = "en"


def text(key: str, language: Language, **values: object) -> str:
    """A text by its key, with `{placeholders}` filled in."""
    zh, en = TEXTS[key]
    return (zh if language is Language.ZH else en).format(**values)


_FRAME: Mapping[str, tuple[str, str]] = {
    "site.name": ("电子证照库", "Certificate Vault"),
    "site.switch": ("English", "中文"),
    "site.skip": ("跳到正文", "Skip to content"),
    "site.verify": ("查验证照", "Verify"),
    "site.my": ("我的证照", "My certificates"),
    "site.api": ("开发者接口", "For developers"),
    "site.footer": (
        "查验结果只反映查验那一刻的状态。上传的文件只用于比对，不会保存。",
        "A result tells the state at the moment of asking. An uploaded file is compared and not kept.",
    ),
    "problem.title": ("出了点问题", "Something is wrong"),
    "problem.404": ("没有这个页面", "There is no such page"),
    "problem.404.detail": (
        "地址可能抄错了，或者页面已经移走。",
        "The address may have a slip, or the page has moved.",
    ),
    "problem.403": ("不能这样提交", "This cannot be sent"),
    "problem.403.detail": (
        "这份表单来自别的网站。请从本页重新开始。",
        "The form came from another site. Please start again from here.",
    ),
    "problem.401": ("请先登录", "Please sign in"),
    "problem.401.detail": ("这里只对本人开放。", "This is for the holder only."),
    "problem.413": ("文件太大", "The file is too large"),
    "problem.413.detail": (
        "可查验的文件最大 32 MB。",
        "A file to be verified may have 32 MB at most.",
    ),
    "problem.503": ("暂时无法服务", "Not available just now"),
    "problem.503.detail": (
        "系统正在恢复，请稍后再试。",
        "The service is recovering. Please try again in a moment.",
    ),
    "problem.500": ("我们这边出错了", "Something went wrong on our side"),
    "problem.500.detail": (
        "这不是您的问题。如需帮助，请报上编号：",
        "It is not your doing. If you need help, name this number:",
    ),
    "problem.home": ("回到首页", "Back to the start"),
}

_VERIFY: Mapping[str, tuple[str, str]] = {
    "verify.title": ("查验证照", "Verify a certificate"),
    "verify.heading": ("这份证照是真的吗？", "Is this certificate genuine?"),
    "verify.lead": (
        "查一查它是否由本库签发、有没有被改动、今天是否有效。无需登录。",
        "Was it issued here, was it changed, is it in force today? No need to sign in.",
    ),
    "verify.file": ("查文件", "Check the file"),
    "verify.file.drop": ("把证照文件拖到这里，或点击选取", "Drop the file here, or choose one"),
    "verify.file.kinds": ("PDF 或 OFD，最大 32 MB", "PDF or OFD, at most 32 MB"),
    "verify.file.button": ("查验文件", "Verify the file"),
    "verify.code": ("查号码", "Check the number"),
    "verify.code.lead": ("号码和查验码印在证照上。", "Number and code are printed on the certificate."),
    "verify.number": ("证照编号", "Certificate number"),
    "verify.number.example": ("样许字〔2026〕118号", "样许字〔2026〕118号"),
    "verify.verification_code": ("查验码（10 位）", "Verification code (10 characters)"),
    "verify.code.button": ("查验号码", "Verify the number"),
    "verify.scan": ("扫二维码", "Scan the QR code"),
    "verify.scan.lead": (
        "用手机相机对准证照上的二维码，打开的页面就是查验结果。",
        "Point your phone's camera at the QR code on the certificate: the page it opens is the result.",
    ),
    "verify.nothing_given": (
        "请先选一个文件，或者把编号和查验码都填上。",
        "Choose a file first, or fill in both the number and the code.",
    ),
    "landing.title": ("查验结果", "Verification"),
    "landing.waiting": ("正在查验……", "Verifying …"),
    "landing.no_token": ("这个地址里没有二维码的内容。", "This address lacks what the QR code holds."),
    "landing.no_token.detail": (
        "请重新扫描证照上的二维码，或者改用编号和查验码查验。",
        "Please scan the certificate's QR code again, or verify by number and code.",
    ),
    "landing.no_script": (
        "您的浏览器没有运行脚本，所以看不到二维码里的内容。请改用证照上印的编号和查验码查验。",
        "Your browser runs no script and cannot read the QR code. Please verify by number and code.",
    ),
    "landing.by_code": ("用编号和查验码查验", "Verify by number and code"),
    "landing.failed": ("查验没有完成", "The verification was not completed"),
    "landing.failed.detail": (
        "网络或系统暂时不通，请稍后重试。",
        "The network or the service is not available. Please try again in a moment.",
    ),
    "landing.again": ("重试", "Try again"),
}

# What the script on the landing page says of a statement that it checked itself; {{…}} is filled by it.
_OFFLINE: Mapping[str, tuple[str, str]] = {
    "offline.lead": (
        "没有连上网络，问不到它现在的状态。下面是二维码里的声明，只说明当时的情况。",
        "No network: the vault cannot be asked. Below is what the QR code states, as things stood then.",
    ),
    "offline.ask": ("重新联网查验", "Ask again"),
    "offline.heading": ("二维码里的声明", "What the QR code states"),
    "stated.genuine": ("声明属实", "The statement is genuine"),
    "stated.genuine.detail": (
        "由本库签名，未被改动。请与手上的证照对照。",
        "Signed by this vault and unchanged. Please compare it with what you hold.",
    ),
    "stated.not_in_force": ("声明属实，但证照无效", "Genuine, but not in force"),
    "stated.not_proven": ("无法离线核验", "Not proven offline"),
    "stated.not_proven.detail": (
        "本机没有这个签名的密钥，密钥已停用，或者浏览器不能核验签名。请联网查验。",
        "This device lacks this key or cannot check signatures, or the key was revoked: ask with a network.",
    ),
    "stated.not_genuine": ("声明不属实", "The statement is not genuine"),
    "stated.not_genuine.detail": (
        "二维码被改动过，或不是本库所制，请不要采信。",
        "The code was changed, or was not made by this vault. Do not rely on it.",
    ),
    "offline.no_list": (
        "本机还没有本库的密钥清单。联网打开一次本页即可。",
        "This device has no list of this vault's keys yet: open this page once with a network.",
    ),
    "offline.old_list": (
        "本机的密钥清单是 {{age}}的，请联网更新。",
        "The list of keys on this device is {{age}}: please open this page with a network.",
    ),
    "offline.as_of": (
        "状态截至 {{when}}（北京时间，{{age}}）：{{status}}",
        "Status as of {{when}} (China time, {{age}}): {{status}}",
    ),
    "offline.days": ("{{n}} 天前", "{{n}} days old"),
    "offline.hours": ("{{n}} 小时前", "{{n}} hours old"),
    "offline.minutes": ("{{n}} 分钟前", "{{n}} minutes old"),
    "offline.more": ("等 {{n}} 人", "and others, {{n}} in all"),
    "offline.range": ("{{start}} 至 {{end}}", "{{start}} to {{end}}"),
    "offline.open": ("{{start}} 起长期有效", "from {{start}}, without end"),
}

_REPORT: Mapping[str, tuple[str, str]] = {
    "verdict.genuine": ("真实，目前有效", "Genuine and in force"),
    "verdict.genuine.detail": (
        "本库签发，今天有效。请再核对下面的持证人和编号与您手上的一致。",
        "Issued here and in force today. Please compare holder and number below with what you hold.",
    ),
    "verdict.not_in_force": ("真实，但目前无效", "Genuine, but not in force"),
    "verdict.altered": ("内容被改动过", "Altered"),
    "verdict.altered.detail": (
        "这个文件与签发时的不一样，请不要采信。",
        "This file is not as it was issued. Do not rely on it.",
    ),
    "verdict.foreign": ("不是本库签发的文件", "Not issued here"),
    "verdict.foreign.detail": (
        "文件上有别处的电子印章。它是否有效，请向签发的单位核实。",
        "The file bears somebody else's seal. Ask whoever issued it whether it is valid.",
    ),
    "verdict.unrecognised": ("查不到这份证照", "Not found"),
    "verdict.unrecognised.detail": (
        "本库没有与之相符的证照。请核对输入是否有误；若确认无误，请不要采信。",
        "No certificate here matches. Check what you entered; if it is right, do not rely on it.",
    ),
    "reason.suspended": ("已被暂扣。", "It is suspended."),
    "reason.superseded": ("已换发新证，以新证为准。", "A newer certificate has taken its place."),
    "reason.cancelled": ("已注销。", "It was cancelled."),
    "reason.withdrawn": ("已被撤销。", "It was withdrawn."),
    "reason.revoked": ("已被吊销。", "It was revoked."),
    "reason.abolished": ("签发有误，已作废。", "It was issued in error and is void."),
    "reason.expired": ("有效期已过。", "It has run out."),
    "reason.not_yet_valid": ("有效期还没有开始。", "Its validity has not begun."),
    "reason.copy_expired": ("这份加注件的使用期限已过。", "This usage copy has run out."),
    "reason.copy_erased": ("加注件的持证主体信息已删除。", "Those whom this usage copy shows were erased."),
    "reason.copy_revoked": ("这份加注件已被撤回。", "This usage copy was revoked."),
    "dispute.detail": (
        "持证人对这份证照提出了异议，颁发机构已于 {day} 受理，正在核实。使用前请自行判断。",
        "Its holder disputes it; the issuing authority accepted that on {day} and is looking into it.",
    ),
    "copy.heading": ("加注件，只供一次用途", "A usage copy, for one use"),
    "copy.purpose": ("用途", "Purpose"),
    "copy.organisation": ("使用单位", "Used by"),
    "copy.case": ("办件编号", "Case"),
    "copy.until": ("有效期至", "Good until"),
    "status.valid": ("有效", "Valid"),
    "status.suspended": ("暂扣", "Suspended"),
    "status.superseded": ("已换发", "Superseded"),
    "status.cancelled": ("已注销", "Cancelled"),
    "status.withdrawn": ("已撤销", "Withdrawn"),
    "status.revoked": ("已吊销", "Revoked"),
    "status.abolished": ("已作废", "Void"),
    "status.expired": ("已过期", "Expired"),
    "status.since": ("自 {day} 起", "since {day}"),
    "report.certificate": ("证照", "Certificate"),
    "report.masked": ("姓名和号码已部分遮盖", "Names and codes are partly hidden"),
    "report.checks": ("逐项结果", "The checks, one by one"),
    "report.seals": ("文件上的电子印章", "Seals on the file"),
    "report.checked_at": ("查验于 {moment}（北京时间）", "Verified at {moment} (China time)"),
    "report.again": ("再查一份", "Verify another"),
    "result.passed": ("通过", "Passed"),
    "result.failed": ("未通过", "Failed"),
    "result.unknown": ("尚无结论", "Open"),
    "indication.TOTAL-PASSED": ("印章完好", "The seal is whole"),
    "indication.TOTAL-FAILED": ("印章无效", "The seal is not valid"),
    "indication.INDETERMINATE": ("印章无法判断", "The seal cannot be judged"),
    "field.number": ("证照编号", "Number"),
    "field.identifier": ("电子证照标识", "Identifier"),
    "field.holders": ("持证主体", "Holder"),
    "field.issuing_authority": ("颁发机构", "Issued by"),
    "field.issued_on": ("颁发日期", "Issued on"),
    "field.validity": ("有效期", "Validity"),
    "field.status": ("状态", "Status"),
    "field.status_reason": ("状态说明", "Reason given"),
    "field.successor": ("换发后的证照标识", "Replaced by"),
    "validity.range": ("{start} 至 {end}", "{start} to {end}"),
    "validity.open": ("{start} 起长期有效", "from {start}, without end"),
}

_HOLDER: Mapping[str, tuple[str, str]] = {
    "signin.title": ("登录", "Sign in"),
    "signin.lead": (
        "本库不设密码。请到下面的平台证明身份，之后会自动回到这里。",
        "There is no password here. Prove who you are at this provider; it brings you back.",
    ),
    "signin.button": ("用{name}登录", "Sign in with {name}"),
    "signin.cancelled": ("没有登录。", "You are not signed in."),
    "signin.cancelled.detail": (
        "您在平台上取消了登录，或者平台没有放行。可以再试一次。",
        "You cancelled, or the provider did not let you in. You can try again.",
    ),
    "signin.refused": ("登录没有完成。", "The sign-in was not completed."),
    "signin.refused.detail": (
        "这次登录已经用过、超时，或者不是从这个浏览器开始的。请点下面的按钮重新开始。",
        "It was used already, took too long, or was begun in another browser. Please start again below.",
    ),
    "signin.away": ("身份认证平台暂时没有响应。", "The identity provider does not answer just now."),
    "signin.away.detail": (
        "请过一两分钟再点下面的按钮。查验证照不需要登录，现在就可以用。",
        "Wait a minute or two, then try the button again. Verifying needs no sign-in and works now.",
    ),
    "signin.none": ("这里还不能登录。", "Nobody can sign in here yet."),
    "signin.none.detail": (
        "管理员还没有接入身份认证平台。查验证照不需要登录。",
        "The operator has set up no identity provider. Verifying needs no sign-in.",
    ),
    "signed_out.title": ("已退出", "Signed out"),
    "signed_out.lead": ("您已退出电子证照库。", "You are signed out of the vault."),
    "signed_out.provider": (
        "正在退出{name}，这样下一位用户不会用您的身份登录。",
        "Signing you out of {name} as well, so that whoever comes next does not come in as you.",
    ),
    "signed_out.button": ("退出{name}", "Sign out of {name}"),
    "signed_out.close": (
        "{name}可能还记得您。如果是公用电脑，请关闭浏览器。",
        "{name} may still know you. On a shared computer, close the browser.",
    ),
    "my.title": ("我的证照", "My certificates"),
    "my.hello": ("{name}，您好", "Welcome, {name}"),
    "my.count": ("您名下有 {count} 份证照。", "Certificates in your name: {count}."),
    "my.empty": ("您名下还没有证照。", "There is no certificate in your name yet."),
    "my.empty.detail": (
        "事项办结后，证照会自动出现在这里，不用另外申请。",
        "When a case is completed, its certificate appears here by itself.",
    ),
    "my.dispute": ("{day} 受理，正在核实", "accepted on {day}, being looked into"),
    "my.download": ("下载 {format}", "Download {format}"),
    "my.sealed": ("盖有电子印章的原件", "the sealed original"),
    "my.sign_out": ("退出", "Sign out"),
}

TEXTS: Mapping[str, tuple[str, str]] = {**_FRAME, **_VERIFY, **_OFFLINE, **_REPORT, **CHECKS, **_HOLDER}
