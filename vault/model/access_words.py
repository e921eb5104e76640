"""A holder's history in plain language: one sentence for each kind of access, in Chinese and in English.

A new kind of access is one line of `DEEDS`, under the audit event's action. One that has no line yet is told
all the same, in general words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from vault.model.deferral import ORDER_NAMES
from vault.model.history_entry import Access, Who
from vault.model.lifecycle import Action

# So many things are named; the rest are counted.
NAMED_MAX = 3


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did. `{what}`: the holder's things; `none`: the same where there were none of theirs."""

    zh: str
    en: str
    none_zh: str | None = None
    none_en: str | None = None


@dataclass(frozen=True, slots=True)
class Sentences:
    """One sentence in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Names:
    """What the catalogue calls things: the access's things in their order, the item, the bodies."""

    things: tuple[str, ...] = ()
    item: str | None = None
    authorities: tuple[str, ...] = ()


DEEDS: Mapping[str, Deed] = MappingProxyType(
    {
        "deposit": Deed("办结入库，收入{what}", "deposited {what}"),
        "import": Deed("从登记存量导入{what}", "imported {what} from a register's stock"),
        "receipts": Deed("取回了{what}的入库回执", "fetched the receipts of {what}"),
        "holdings": Deed(
            "查询了您名下的证照和材料，查到{what}",
            "looked up what you hold and found {what}",
            "查询了您名下的证照和材料，没有查到",
            "looked up what you hold and found nothing",
        ),
        "lookup": Deed("按编号查到了{what}", "found {what} by its number"),
        "reuse-check": Deed(
            "核对了办事所需的材料能否免提交，用到{what}",
            "checked what need not be handed in again, and found {what}",
            "核对了办事所需的材料能否免提交，没有用到您的证照或材料",
            "checked what need not be handed in again, and found nothing of yours",
        ),
        "view": Deed("查看了{what}及其历史", "viewed {what} with its history"),
        "refused-view": Deed("要求查看{what}，被拒绝", "asked to view {what} and was refused"),
        "download": Deed("下载了{what}", "downloaded {what}"),
        "refused-download": Deed("要求下载{what}，被拒绝", "asked to download {what} and was refused"),
        "own-certificates": Deed(
            "查看了名下的{what}",
            "listed {what}",
            "查看了名下的证照，没有查到",
            "listed certificates and found none",
        ),
        "scan": Deed("扫码核对了出示的{what}", "scanned {what}, which was shown at the counter"),
        "page": Deed("查看了{what}的版面", "looked at the page of {what}"),
        "refused-page": Deed(
            "要求查看{what}的版面，被拒绝", "asked to see the page of {what} and was refused"
        ),
        "use-make": Deed("使用了{what}（用证）", "used {what}"),
        "use-code": Deed("再次取得{what}的用证码", "asked again for a use code of {what}"),
        "use-redeem": Deed("凭用证码调取了{what}", "got {what} by a use code"),
        "refused-holdings": Deed(
            "要求查询您名下的证照，没有您的授权，被拒绝",
            "asked what you hold without a consent of yours and was refused",
        ),
        "refused-reuse-check": Deed(
            "要求核对办事所需的材料，没有授权，被拒绝",
            "asked what need not be handed in again without a consent and was refused",
        ),
        "refused-use": Deed(
            "要求使用{what}，没有授权，被拒绝", "asked to use {what} without a consent and was refused"
        ),
        "use-redeem-refused": Deed(
            "出示了{what}的用证码，被拒绝", "showed a use code of {what} and was refused"
        ),
        "use-revoke": Deed("撤回了对{what}的使用", "ended the use of {what}"),
        "verify-material": Deed("将{what}与原件作了核对", "compared {what} with the original"),
        "view-material": Deed("查看了{what}", "viewed {what}"),
        "status": Deed("变更了{what}的状态：{step}", "changed the status of {what}: {step}"),
        "public-verification": Deed(
            "当日共 {count} 次查验了{what}", "verified {what}, {count} times on that day"
        ),
        "directory-export-begun": Deed(
            "导出了电子证照目录，其中可能有您的证照",
            "exported the directory of certificates, in which yours may be",
        ),
        "audit-find": Deed("查阅了审计记录中涉及您的记录", "looked at records about you in the audit trail"),
        "audit-export": Deed(
            "导出了审计记录中涉及您的记录", "exported records about you from the audit trail"
        ),
        "hold-holder": Deed(
            "对您的信息作了保全，此间不予删除", "put what is yours on hold: it is not erased meanwhile"
        ),
        "release-holder": Deed("解除了对您的信息的保全", "released what was yours from a hold"),
        "consent-grant": Deed("作出了一项授权", "gave a consent"),
        "consent-revoke": Deed(
            "撤回了一项授权，依该授权的使用随之终止",
            "took a consent back, and with it every use that rested on it",
        ),
        "own-picture": Deed("查看了证照的图样", "looked at the picture of a certificate"),
        "own-consents": Deed("查看了作出的授权", "listed the consents given"),
        "delegation-grant": Deed("作出了一项委托", "delegated to another person"),
        "delegation-revoke": Deed("终止了一项委托", "ended a delegation"),
        "own-delegations": Deed("查看了作出和接受的委托", "listed the delegations given and received"),
        "delegated-certificates": Deed(
            "受委托查看了{what}",
            "listed {what} under a delegation",
            "受委托查看了名下的证照，没有查到",
            "listed what is delegated and found none",
        ),
        "presentation-make": Deed("生成了{what}的亮证码", "made a code to show {what}"),
        "presentation-end": Deed("收回了{what}的亮证码", "took back a code to show {what}"),
        "own-presentation": Deed("查看了亮证码的状态", "looked at how a code that was shown stands"),
        "presentation-redeem": Deed("扫码查看了出示的{what}（亮证）", "saw {what} by a code that was shown"),
        "refused-presentation": Deed(
            "出示了{what}的亮证码，已失效", "showed a code of {what} that shows nothing any more"
        ),
        "dispute-submit": Deed("就{what}提出了异议", "disputed {what}"),
        "dispute-view": Deed("查看了您提出的异议", "viewed a dispute of yours"),
        "dispute-accepted": Deed("受理了您就{what}提出的异议", "accepted your dispute of {what}"),
        "dispute-rejected": Deed("没有受理您就{what}提出的异议", "rejected your dispute of {what}"),
        "dispute-resolved": Deed("办结了您就{what}提出的异议", "resolved your dispute of {what}"),
    }
)
_OTHER = Deed("处理了{what}", "handled {what}")

STEPS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        Action.ISSUE: ("签发", "issued"),
        Action.SUSPEND: ("暂扣", "suspended"),
        Action.RESUME: ("发还", "resumed"),
        Action.CANCEL: ("注销", "cancelled"),
        Action.WITHDRAW: ("撤销", "withdrawn"),
        Action.REVOKE: ("吊销", "revoked"),
        Action.ABOLISH: ("签发有误，作废", "void, issued in error"),
        Action.SUPERSEDE: ("换发新证", "superseded by a newer one"),
        Action.INSPECT: ("年检", "annual inspection"),
    }
)

_WHO: Mapping[Who, tuple[str, str]] = MappingProxyType(
    {
        Who.YOU: ("您本人", "You"),
        Who.SYSTEM: ("业务系统", "An approval system"),
        Who.PERSON: ("另一位有权查看的人", "Another person who may"),
        Who.AUDITOR: ("本库审计人员", "An auditor of the vault"),
        Who.OPERATOR: ("本库运行人员", "An operator of the vault"),
        Who.PUBLIC: ("持有证照原件或编号的社会公众", "Members of the public who had it in hand"),
    }
)


def sentences(access: Access, names: Names) -> Sentences:
    """What happened, without the time, which stands beside it. Names nobody but bodies and systems."""
    deed = DEEDS.get(access.action, _OTHER)
    zh, en = deed.zh, deed.en
    if not access.things_count:
        zh, en = deed.none_zh or zh, deed.none_en or en
    step_zh, step_en = STEPS.get(access.step or "", (access.step or "", access.step or ""))
    what_zh, what_en = _things(access, names)
    who_zh, who_en = _who(access, names)
    why_zh, why_en = _why(access, names)
    later_zh, later_en = _deferred(access)
    ground_zh, ground_en = (
        ("（凭持有人的授权。）", " (On a holder's consent.)") if access.by_consent else ("", "")
    )
    done_zh = _filled(zh, what=what_zh, step=step_zh, count=access.count)
    done_en = _filled(en, what=what_en, step=step_en, count=access.count)
    return Sentences(
        f"{who_zh}{why_zh}{done_zh}。{ground_zh}{later_zh}",
        f"{who_en} {done_en}{why_en}.{ground_en}{later_en}",
    )


def _filled(template: str, **values: object) -> str:
    """`{what}` and the like, once: what is filled in may itself hold braces."""
    return template.format(**{name: "" if value is None else value for name, value in values.items()})


def _things(access: Access, names: Names) -> tuple[str, str]:
    if not access.things_count:
        return "您的信息", "data of yours"
    shown = names.things[:NAMED_MAX]
    more = access.things_count - len(shown)
    zh = "".join(f"《{name}》" for name in shown)
    en = ", ".join(shown)
    if more:
        return f"{zh}等 {access.things_count} 件", f"{en} and {more} more"
    return zh, en


def _who(access: Access, names: Names) -> tuple[str, str]:
    zh, en = _WHO[access.who]
    organisation = access.organisation or "、".join(names.authorities)
    clerk_zh, clerk_en = ("的经办人员", "A clerk of ") if access.by_clerk else ("", "")
    if access.who is Who.PERSON and access.by_clerk and organisation:
        return f"{organisation}{clerk_zh}", f"{clerk_en}{organisation}"
    if access.who is not Who.SYSTEM or access.client is None:
        return zh, en
    if organisation and organisation != access.client:
        return (
            f"{organisation}{clerk_zh}（系统：{access.client}）",
            f"{clerk_en}{organisation} (system: {access.client})",
        )
    return f"{access.client}{clerk_zh}", f"{clerk_en}{access.client}"


def _why(access: Access, names: Names) -> tuple[str, str]:
    item = names.item or access.service_item
    zh, en = [], []
    if access.case_number:
        zh.append(f"办件 {access.case_number}")
        en.append(f"case {access.case_number}")
    if item:
        zh.append(f"事项“{item}”")
        en.append(f"item “{item}”")
    if access.purpose:
        zh.append(f"用途“{access.purpose}”")
        en.append(f"purpose “{access.purpose}”")
    if not zh:
        return "", ""
    return f"因{'、'.join(zh)}，", f", for {', '.join(en)}"


def _deferred(access: Access) -> tuple[str, str]:
    if access.deferred is None:
        return "", ""
    zh, en = ORDER_NAMES[access.deferred.kind]
    return f"（依据{zh}，此前暂缓告知。）", f" (Shown later by {en}.)"
