"""The page that verifies, and the page behind a QR code while it waits."""

from collections.abc import Mapping

VERIFY: Mapping[str, tuple[str, str]] = {
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
