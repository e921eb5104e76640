"""The holder's own pages."""

from collections.abc import Mapping

MY: Mapping[str, tuple[str, str]] = {
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
