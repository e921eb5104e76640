"""Signing in at a provider, and out again."""

from collections.abc import Mapping

SIGNIN: Mapping[str, tuple[str, str]] = {
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
}
