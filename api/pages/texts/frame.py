"""What the frame around every page says, and pages of errors."""

from collections.abc import Mapping

FRAME: Mapping[str, tuple[str, str]] = {
    "site.name": ("电子证照库", "Certificate Vault"),
    "site.switch": ("English", "中文"),
    "site.skip": ("跳到正文", "Skip to content"),
    "site.verify": ("查验证照", "Verify"),
    "site.my": ("我的证照", "My certificates"),
    "site.places": ("主要栏目", "Main sections"),
    "site.type.large": ("大字版", "Large type"),
    "site.type.normal": ("标准字号", "Standard type"),
    "site.sign_out": ("退出登录", "Sign out"),
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
    "problem.403": ("您不能进行这项操作", "You may not do this"),
    "problem.403.detail": (
        "登录的身份没有这项权限，或者权限已有变动。请回到首页，或换用其他身份登录。",
        "The person signed in has no right to it, or no longer. Go back, or sign in as somebody else.",
    ),
    "problem.403.origin": ("不能这样提交", "This cannot be sent"),
    "problem.403.origin.detail": (
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
