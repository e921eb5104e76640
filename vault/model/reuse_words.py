"""A decision in words that a clerk can act on: what is the matter, and what would mend it."""

from collections.abc import Mapping
from datetime import date

from vault.model.certificate import TrustLevel
from vault.model.held import Evidence, HeldCertificate, HeldMaterial, Party
from vault.model.origin import OriginKind, origin_words
from vault.model.reuse_lines import Line, LineState, Obstacle, PartyLine, Proof, Reason
from vault.model.service_item import HolderRole, Requirement

_ROLES = {
    HolderRole.APPLICANT: "the applicant",
    HolderRole.LEGAL_REPRESENTATIVE: "the legal representative",
    HolderRole.AGENT: "the agent",
    HolderRole.CO_OWNER: "the co-owner",
}


def why(line: Line, *, on: date, needed_until: date) -> str:
    """One or more sentences; no name and no number of anybody, parties by their place in the request."""
    if not line.parties:
        role = line.requirement.holder
        return f"The request names nobody as {_ROLES[role]}: add them to holders with the role {role.value}."
    several = len(line.parties) > 1
    sentences = []
    for each in line.parties:
        if line.state is LineState.HELD or each.state is not LineState.HELD:
            told = _of_party(each, line.requirement, on, needed_until)
            sentences.append(f"{_named(each.party)}: {told}" if several else told)
    return " ".join(sentences)


def _named(party: Party) -> str:
    """Holder 2 (the co-owner): counted from 1, as people count."""
    role = next(role for role in HolderRole if role in party.roles)
    return f"Holder {party.position + 1} ({_ROLES[role]})"


def _of_party(line: PartyLine, requirement: Requirement, on: date, needed_until: date) -> str:
    obstacles = " ".join(_obstacle(each, requirement, on, needed_until) for each in line.obstacles)
    match line:
        case PartyLine(proof=Proof() as proof):
            return _proof(proof)
        case PartyLine(pending=coming) if coming is not None:
            told = f"Case {coming.case_number}, reserved on {coming.reserved_on}, will bring it: wait for it."
            return f"{told} {obstacles}".rstrip()
        case PartyLine(obstacles=()):
            names = " or ".join(dict.fromkeys(way.name for way in requirement.ways))
            return f"Not in the vault, and no case will bring it: ask for {names}."
    return obstacles


def _proof(proof: Proof) -> str:
    match proof.evidence:
        case HeldCertificate(issued_on=issued_on, valid_to=valid_to, disputed_on=disputed_on, origin=origin):
            until = "" if valid_to is None else f", valid until {valid_to}"
            told = f"{proof.way.name}, issued on {issued_on}{until}, is in force."
            if origin is not OriginKind.BORN_SEALED:
                told = f"{told} {origin_words(origin)[1]}"
            if disputed_on is None:
                return told
            return f"{told} It is under dispute (存在异议) since {disputed_on} and counts all the same."
        case HeldMaterial(trust=trust, handed_in_on=handed_in_on):
            return f"{proof.way.name}, handed in on {handed_in_on}, level {trust.value}."


def _obstacle(obstacle: Obstacle, requirement: Requirement, on: date, needed_until: date) -> str:
    evidence = obstacle.evidence
    certificate = evidence if isinstance(evidence, HeldCertificate) else None
    facts = {
        "issued_on": evidence.issued_on,
        "age": 0 if evidence.issued_on is None else (on - evidence.issued_on).days,
        "days": requirement.issued_within_days,
        "valid_from": None if certificate is None else certificate.valid_from,
        "valid_to": evidence.valid_to,
        "needed_until": needed_until,
        "since": None if certificate is None else certificate.status_since,
        "successor": _successor(obstacle),
        "trust": _trust(evidence, requirement.trust_min),
        "role": _ROLES[requirement.holder],
    }
    parts = [_WORDS[reason].format(**facts) for reason in obstacle.reasons]
    told = f"{obstacle.way.name} {'; and it '.join(parts)}."
    if obstacle.predecessor is None or certificate is None:
        return told
    replaced_on = obstacle.predecessor.status_since
    return f"An earlier one was superseded on {replaced_on} by {certificate.identifier}: {told}"


# What is the matter, and after the colon what a clerk can do about it.
_WORDS: Mapping[Reason, str] = {
    Reason.TRUST_TOO_LOW: "{trust}",
    Reason.RUNS_OUT: "runs out on {valid_to}, before the decision expected on {needed_until}: "
    "have it renewed first",
    Reason.TOO_OLD: "was issued on {issued_on}, {age} days ago, and may be {days} days old at most: "
    "ask for a fresh one",
    Reason.UNDATED: "is kept without its date of issue, and may be {days} days old at most: "
    "ask for a fresh one",
    Reason.NOT_YET_VALID: "is not valid before {valid_from}: wait for that day",
    Reason.FIELD_ABSENT: "does not say what is asked for: ask for it",
    Reason.SUSPENDED: "is suspended (暂扣) since {since}: it counts again when its issuer resumes it",
    Reason.EXPIRED: "expired on {valid_to}: have it renewed",
    Reason.SUPERSEDED: "was superseded on {since} {successor}",
    Reason.CANCELLED: "was cancelled (注销) on {since}: a new one has to be applied for",
    Reason.WITHDRAWN: "was withdrawn (撤销) on {since}: it may not be used, a new one has to be applied for",
    Reason.REVOKED: "was revoked (吊销) on {since}: it may not be used",
    Reason.ABOLISHED: "was issued in error and abolished on {since}: ask its issuer for the right one",
    Reason.WRONG_HOLDER: "is held by another holder of the request, not by {role}: ask for {role}'s own",
}


def _successor(obstacle: Obstacle) -> str:
    if obstacle.successor is None:
        return "and none of the holders asked about has its successor: ask who holds the new one"
    places = " and ".join(f"holder {n + 1}" for n in sorted(obstacle.successor.parties))
    return f"by {obstacle.successor.identifier}, which {places} of the request holds"


def _trust(evidence: Evidence, wanted: TrustLevel) -> str:
    if not isinstance(evidence, HeldMaterial):
        return ""
    if evidence.trust is TrustLevel.C and wanted is TrustLevel.B:
        return (
            "was uploaded and never checked (level C): compare it with the original and record that, "
            "then it counts"
        )
    level = evidence.trust.value
    return f"is of level {level}, and level {wanted.value} or better is asked for: see the original"
