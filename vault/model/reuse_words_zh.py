"""The words of `vault.model.reuse_words` in Chinese, for the clerk's desk."""

from collections.abc import Mapping
from datetime import date

from vault.model.certificate import TrustLevel
from vault.model.held import Evidence, HeldCertificate, HeldMaterial, Party
from vault.model.origin import OriginKind, origin_words
from vault.model.reuse_lines import Line, LineState, Obstacle, PartyLine, Proof, Reason
from vault.model.service_item import HolderRole, Requirement

ROLES_ZH: Mapping[HolderRole, str] = {
    HolderRole.APPLICANT: "申请人",
    HolderRole.LEGAL_REPRESENTATIVE: "法定代表人",
    HolderRole.AGENT: "代理人",
    HolderRole.CO_OWNER: "共有人",
}


def why_zh(line: Line, *, on: date, needed_until: date) -> str:
    """As `vault.model.reuse_words.why`: parties by their place in the request, no name and no number."""
    if not line.parties:
        return f"没有填{ROLES_ZH[line.requirement.holder]}：请补填其证件号码。"
    several = len(line.parties) > 1
    sentences = []
    for each in line.parties:
        if line.state is LineState.HELD or each.state is not LineState.HELD:
            told = _of_party(each, line.requirement, on, needed_until)
            sentences.append(f"{_named(each.party)}：{told}" if several else told)
    return "".join(sentences)


def _named(party: Party) -> str:
    role = next(role for role in HolderRole if role in party.roles)
    return f"第 {party.position + 1} 位（{ROLES_ZH[role]}）"


def _of_party(line: PartyLine, requirement: Requirement, on: date, needed_until: date) -> str:
    obstacles = "".join(_obstacle(each, requirement, on, needed_until) for each in line.obstacles)
    match line:
        case PartyLine(proof=Proof() as proof):
            return _proof(proof)
        case PartyLine(pending=coming) if coming is not None:
            told = f"办件 {coming.case_number}（{_day(coming.reserved_on)}受理）办结后入库，请稍候。"
            return f"{told}{obstacles}"
        case PartyLine(obstacles=()):
            names = "或".join(f"《{name}》" for name in dict.fromkeys(way.name for way in requirement.ways))
            return f"库中没有，也没有在办件会产生：请申请人提交{names}。"
    return obstacles


def _proof(proof: Proof) -> str:
    name = f"《{proof.way.name}》"
    match proof.evidence:
        case HeldCertificate(issued_on=issued_on, valid_to=valid_to, disputed_on=disputed_on, origin=origin):
            until = "长期有效" if valid_to is None else f"有效期至{_day(valid_to)}"
            told = f"{name}{_day(issued_on)}颁发，{until}，现行有效。"
            if origin is not OriginKind.BORN_SEALED:
                told = f"{told}{origin_words(origin)[0]}。"
            if disputed_on is None:
                return told
            return f"{told}{_day(disputed_on)}起存在异议，核实期间仍可使用。"
        case HeldMaterial(trust=trust, handed_in_on=handed_in_on):
            return f"{name}{_day(handed_in_on)}收存，可信等级 {trust.value}。"


def _obstacle(obstacle: Obstacle, requirement: Requirement, on: date, needed_until: date) -> str:
    evidence = obstacle.evidence
    certificate = evidence if isinstance(evidence, HeldCertificate) else None
    facts = {
        "issued_on": _day(evidence.issued_on),
        "age": 0 if evidence.issued_on is None else (on - evidence.issued_on).days,
        "days": requirement.issued_within_days,
        "valid_from": "" if certificate is None else _day(certificate.valid_from),
        "valid_to": _day(evidence.valid_to),
        "needed_until": _day(needed_until),
        "since": "" if certificate is None else _day(certificate.status_since),
        "successor": _successor(obstacle),
        "trust": _trust(evidence, requirement.trust_min),
        "role": ROLES_ZH[requirement.holder],
    }
    parts = "；并且".join(_WORDS[reason].format(**facts) for reason in obstacle.reasons)
    told = f"《{obstacle.way.name}》{parts}。"
    if obstacle.predecessor is None or certificate is None:
        return told
    replaced_on = _day(obstacle.predecessor.status_since)
    return f"旧证已于{replaced_on}换发为 {certificate.identifier}：{told}"


# What is the matter, and after the comma what a clerk can do about it.
_WORDS: Mapping[Reason, str] = {
    Reason.TRUST_TOO_LOW: "{trust}",
    Reason.RUNS_OUT: "{valid_to}到期，早于预计办结日{needed_until}，请先办理延续",
    Reason.TOO_OLD: "{issued_on}出具，已 {age} 天，要求 {days} 天以内，请提交新近出具的",
    Reason.UNDATED: "没有记载出具日期，要求 {days} 天以内，请提交新近出具的",
    Reason.NOT_YET_VALID: "{valid_from}起才生效，请届时再办",
    Reason.FIELD_ABSENT: "没有所需的记载内容，请申请人提交",
    Reason.SUSPENDED: "{since}起暂扣，发证机关发还后方可使用",
    Reason.EXPIRED: "已于{valid_to}到期，请先办理延续",
    Reason.SUPERSEDED: "已于{since}换发，{successor}",
    Reason.CANCELLED: "已于{since}注销，需要重新申领",
    Reason.WITHDRAWN: "已于{since}撤销，不得使用，需要重新申领",
    Reason.REVOKED: "已于{since}吊销，不得使用",
    Reason.ABOLISHED: "签发有误，已于{since}作废，请向发证机关索取正确的证照",
    Reason.WRONG_HOLDER: "属于本办件的其他人，不属于{role}，请提交{role}本人的",
}


def _successor(obstacle: Obstacle) -> str:
    if obstacle.successor is None:
        return "新证不在本办件各人名下，请询问新证由谁持有"
    places = "、".join(f"第 {n + 1} 位" for n in sorted(obstacle.successor.parties))
    return f"新证 {obstacle.successor.identifier} 由{places}持有"


def _trust(evidence: Evidence, wanted: TrustLevel) -> str:
    if not isinstance(evidence, HeldMaterial):
        return ""
    if evidence.trust is TrustLevel.C and wanted is TrustLevel.B:
        return "由申请人上传，尚未核对（C 级），与原件核对并登记后即可使用"
    return f"可信等级为 {evidence.trust.value}，要求 {wanted.value} 级以上，请查看原件"


def _day(day: date | None) -> str:
    return "" if day is None else f"{day.year}年{day.month}月{day.day}日"
