"""The page that verifies, and the page behind a QR code while it waits."""

from collections.abc import Mapping

VERIFY: Mapping[str, tuple[str, str]] = {
    "verify.title": ("查验证照", "Verify a certificate"),
    "verify.heading": ("这份证照是真的吗？", "Is this certificate genuine?"),
    "verify.lead": (
        "查一查它是否由本库收录、有没有被改动、今天是否有效。无需登录。",
        "Is it on record here, was it changed, is it in force today? No need to sign in.",
    ),
    "verify.file": ("查文件", "Check the file"),
    "verify.file.drop": ("把证照文件拖到这里，或点击选取", "Drop the file here, or choose one"),
    "verify.file.kinds": ("PDF 或 OFD，最大 32 MB", "PDF or OFD, at most 32 MB"),
    "verify.file.kinds.script": (
        "PDF 或 OFD，最大 32 MB；也可以是二维码的照片",
        "PDF or OFD, at most 32 MB; or a photo of the QR code",
    ),
    "verify.file.button": ("查验文件", "Verify the file"),
    "verify.code": ("查号码", "Check the number"),
    "verify.code.lead": ("号码和查验码印在证照上。", "Number and code are printed on the certificate."),
    "verify.number": ("证照编号", "Certificate number"),
    "verify.number.example": ("样许字〔2026〕118号", "样许字〔2026〕118号"),
    "verify.verification_code": ("查验码（10 位）", "Verification code (10 characters)"),
    "verify.code.button": ("查验号码", "Verify the number"),
    "verify.scan": ("扫二维码", "Scan the QR code"),
    "verify.scan.lead": (
        "对准证照上的二维码，或者别人手机上出示的二维码。",
        "The code on a certificate, or the one that somebody shows you on a phone.",
    ),
    "verify.camera": ("打开相机扫码", "Scan with the camera"),
    "verify.camera.title": ("对准证照上的二维码", "Point at the QR code"),
    "verify.camera.view": ("相机画面", "What the camera sees"),
    "verify.camera.starting": ("正在打开相机……", "Opening the camera …"),
    "verify.camera.close": ("关闭相机", "Close the camera"),
    "verify.scanned": ("扫码枪或粘贴", "Hand scanner, or paste"),
    "verify.scanned.hint": (
        "点这里再扫码；也可以粘贴二维码里的网址。",
        "Click here, then scan; or paste the address in the code.",
    ),
    "verify.scanned.button": ("查验", "Verify"),
    "verify.scanned.elsewhere": (
        "这个二维码指向别的网站，不是本库制作的。本页没有打开它。",
        "This QR code leads to another site: it was not made by this vault. It was not opened.",
    ),
    "verify.says.aim": (
        "请把整个二维码放进框里，光线亮一些更容易识别。",
        "Hold the whole code inside the frame, in good light.",
    ),
    "verify.says.denied": (
        "没有使用相机的权限。请在浏览器里允许本网站使用相机，或者选一张二维码照片。",
        "This site may not use the camera. Allow it in your browser, or choose a photo of the code instead.",
    ),
    "verify.says.no-camera": (
        "没有找到相机。可以用扫码枪，或者选一张二维码照片。",
        "There is no camera here. Use a hand scanner, or choose a photo of the code.",
    ),
    "verify.says.failed": (
        "扫码功能没有加载成功，请检查网络后重试，或者改用编号和查验码查验。",
        "The scanner could not be loaded. Check your network and try again, or verify by number and code.",
    ),
    "verify.says.looking": ("正在识别照片里的二维码……", "Looking for a QR code in the picture …"),
    "verify.says.picture": (
        "照片里没有认出二维码。请拍得近一些、正一些再试。",
        "No QR code was found in the picture. Take it closer and straighter, and try again.",
    ),
    "verify.says.nothing": (
        "这不是本库证照上的二维码。请核对是否扫错，或者改用编号和查验码查验。",
        "That is no QR code of a certificate here. Check what was scanned, or verify by number and code.",
    ),
    "verify.says.elsewhere": (
        "这个二维码指向 {{host}}，不是本库制作的。本页没有打开它。",
        "This QR code leads to {{host}}: it was not made by this vault. It was not opened.",
    ),
    "verify.privacy": (
        "照片和相机画面只在您的设备上识别，不会上传。",
        "Pictures and the camera's view are read on your device and sent nowhere.",
    ),
    "verify.nothing_given": (
        "请先选一个文件，或者把编号和查验码都填上。",
        "Choose a file first, or fill in both the number and the code.",
    ),
    "landing.title": ("查验结果", "Verification"),
    "landing.waiting": ("正在查验", "Verifying"),
    "landing.step.code": ("在本机核对二维码里的签名", "Checking the code's signature on this device"),
    "landing.step.vault": ("向证照库查询现在的状态", "Asking the vault how things stand now"),
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
