"""What the script behind a QR code says of a statement that it checked itself; {{…}} is filled by it."""

from collections.abc import Mapping

OFFLINE: Mapping[str, tuple[str, str]] = {
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
