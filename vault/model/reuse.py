"""May a required material be taken from the vault? One pure function decides, one line for a requirement.

What is known comes in as plain values, and so does the day; nothing here reads or writes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from vault.model.certificate import Status, TrustLevel
from vault.model.held import Evidence, Held, HeldCertificate, HeldMaterial, Party, PendingResult
from vault.model.lifecycle import TAKES_OVER
from vault.model.reuse_lines import Line, LineState, Obstacle, PartyLine, Proof, Reason
from vault.model.service_item import FieldWay, HolderRole, MaterialWay, Requirement, Way

# Level A is the best; what is only promised is the least.
_TRUST_ORDER = tuple(TrustLevel)
_NEARNESS = {reason: place for place, reason in enumerate(Reason)}
_WORST_FIRST = (LineState.NOT_HELD, LineState.HELD_NOT_USABLE, LineState.PENDING, LineState.HELD)
# These end a certificate for good: what its dates say no longer matters.
_ENDED = {
    Status.SUPERSEDED: Reason.SUPERSEDED,
    Status.CANCELLED: Reason.CANCELLED,
    Status.WITHDRAWN: Reason.WITHDRAWN,
    Status.REVOKED: Reason.REVOKED,
    Status.ABOLISHED: Reason.ABOLISHED,
}


def applies(requirement: Requirement, parties: Sequence[Party]) -> bool:
    """Whether it is asked in this case at all: its conditions on applicant and agent."""
    if requirement.only_if_agent and not any(HolderRole.AGENT in p.roles for p in parties):
        return False
    return any(p.kind in requirement.only_for for p in parties if HolderRole.APPLICANT in p.roles)


def decide(
    requirement: Requirement, parties: Sequence[Party], held: Held, *, on: date, needed_until: date
) -> Line:
    """How one requirement stands on the day `on`, in a case that is to be decided on `needed_until`.

    For each party in the requirement's role: 1. something that does, the one that lasts longest of the first
    way that has any; 2. else a case that will bring it; 3. else the nearest of what does not do, for each
    way, and why; 4. else nothing. The line is as good as its worst party's.
    """
    bound = tuple(p for p in parties if _is_bound(requirement.holder, p))
    others = tuple(p for p in parties if p not in bound)
    lines = tuple(_for_party(requirement, p, others, held, on, needed_until) for p in bound)
    return Line(requirement, _worst(lines), lines)


def to_open(
    requirement: Requirement, parties: Sequence[Party], held: Held, *, on: date, needed_until: date
) -> frozenset[UUID]:
    """The certificates whose envelopes `decide` and its answer may need, whatever they turn out to hold.

    Where a field is asked for, that is every certificate that is usable so far: one of them may lack it.
    """
    if not any(isinstance(way, FieldWay) for way in requirement.ways):
        line = decide(requirement, parties, held, on=on, needed_until=needed_until)
        usable = [proof.evidence for proof in line.satisfied_by]
    else:
        bound = {party.position for party in parties if _is_bound(requirement.holder, party)}
        usable = [
            evidence
            for way in requirement.ways
            for evidence in _of_way(way, held)
            if evidence.parties & bound and not any(_against(evidence, requirement, on, needed_until))
        ]
    return frozenset(each.certificate_id for each in usable if isinstance(each, HeldCertificate))


def _is_bound(role: HolderRole, party: Party) -> bool:
    """Each co-owner means every owner: the applicant is one of them."""
    wanted = {role, HolderRole.APPLICANT} if role is HolderRole.CO_OWNER else {role}
    return bool(wanted & party.roles)


def _for_party(
    requirement: Requirement,
    party: Party,
    others: Sequence[Party],
    held: Held,
    on: date,
    needed_until: date,
) -> PartyLine:
    chain = _Chain.of(held.certificates)
    refused = []
    for way in requirement.ways:
        usable: list[Evidence] = []
        for evidence in _of_way(way, held):
            if party.position in evidence.parties:
                against = [*_against(evidence, requirement, on, needed_until)]
                if _lacks_field(way, evidence, held):
                    against.append(Reason.FIELD_ABSENT)
                reasons = tuple(sorted(against, key=_NEARNESS.__getitem__))
                if not reasons:
                    usable.append(evidence)
                    continue
                refused.append(chain.refused(way, evidence, party, reasons))
            elif any(other.position in evidence.parties for other in others):
                refused.append(Obstacle(way, evidence, party, (Reason.WRONG_HOLDER,)))
        if usable:  # 1
            proof = Proof(way, max(usable, key=_best_last), party)
            return PartyLine(party, LineState.HELD, proof, (), None)
    nearest = _nearest_of_each_way(requirement, refused)
    for coming in held.pending:
        if party.position in coming.parties and _brings(coming, requirement):  # 2
            return PartyLine(party, LineState.PENDING, None, nearest, coming)
    state = LineState.HELD_NOT_USABLE if nearest else LineState.NOT_HELD  # 3, 4
    return PartyLine(party, state, None, nearest, None)


def _of_way(way: Way, held: Held) -> Iterator[Evidence]:
    every: tuple[Evidence, ...] = held.materials if isinstance(way, MaterialWay) else held.certificates
    return (evidence for evidence in every if evidence.type_code == way.type_code)


def _lacks_field(way: Way, evidence: Evidence, held: Held) -> bool:
    return (
        isinstance(way, FieldWay)
        and isinstance(evidence, HeldCertificate)
        and (evidence.certificate_id, way.field) in held.absent
    )


def _brings(coming: PendingResult, requirement: Requirement) -> bool:
    return any(
        way.type_code == coming.type_code for way in requirement.ways if not isinstance(way, MaterialWay)
    )


def _against(evidence: Evidence, requirement: Requirement, on: date, needed_until: date) -> Iterator[Reason]:
    """Every reason that stands against it; none where it does."""
    match evidence:
        case HeldCertificate(status=status) if status in _ENDED:
            yield _ENDED[status]
            return
        case HeldCertificate(status=status, valid_from=valid_from):
            if status is Status.SUSPENDED:
                yield Reason.SUSPENDED
            if on < valid_from:
                yield Reason.NOT_YET_VALID
        case HeldMaterial(trust=trust):
            if _TRUST_ORDER.index(trust) > _TRUST_ORDER.index(requirement.trust_min):
                yield Reason.TRUST_TOO_LOW
    if evidence.valid_to is not None and evidence.valid_to < on:
        yield Reason.EXPIRED
    elif evidence.valid_to is not None and requirement.valid_on_decision and evidence.valid_to < needed_until:
        yield Reason.RUNS_OUT
    if requirement.issued_within_days is not None:
        yield from _against_age(evidence.issued_on, requirement.issued_within_days, on)


def _against_age(issued_on: date | None, days: int, on: date) -> Iterator[Reason]:
    if issued_on is None:
        yield Reason.UNDATED
    elif issued_on + timedelta(days=days) < on:
        yield Reason.TOO_OLD


@dataclass(frozen=True, slots=True)
class _Chain:
    """Which certificate replaced which, both ways."""

    by_id: Mapping[UUID, HeldCertificate]
    replaced_by: Mapping[UUID, HeldCertificate]

    @classmethod
    def of(cls, certificates: Sequence[HeldCertificate]) -> "_Chain":
        return cls(
            {c.certificate_id: c for c in certificates},
            # One whose successor begins later is not superseded yet.
            {
                c.superseded_by: c
                for c in certificates
                if c.superseded_by is not None and c.status is Status.SUPERSEDED
            },
        )

    def refused(self, way: Way, evidence: Evidence, party: Party, reasons: tuple[Reason, ...]) -> Obstacle:
        if isinstance(evidence, HeldMaterial):
            return Obstacle(way, evidence, party, reasons)
        predecessor = self.replaced_by.get(evidence.certificate_id)
        if predecessor is not None and party.position not in predecessor.parties:
            predecessor = None
        return Obstacle(way, evidence, party, reasons, predecessor, self._successor(evidence))

    def _successor(self, evidence: HeldCertificate) -> HeldCertificate | None:
        """What took its place, or will: not what was taken back before its first day."""
        found = None if evidence.superseded_by is None else self.by_id.get(evidence.superseded_by)
        if found is None or evidence.status is Status.SUPERSEDED or found.status in TAKES_OVER:
            return found
        return None


def _nearest_of_each_way(requirement: Requirement, refused: Sequence[Obstacle]) -> tuple[Obstacle, ...]:
    """Holders have hundreds of old certificates; a clerk needs the one nearest to being usable."""
    found = []
    for way in requirement.ways:
        of_way = [o for o in refused if o.way == way and not _spoken_for(o)]
        if of_way:
            least = min(_NEARNESS[obstacle.reasons[-1]] for obstacle in of_way)
            near = [obstacle for obstacle in of_way if _NEARNESS[obstacle.reasons[-1]] == least]
            found.append(max(near, key=lambda obstacle: _best_last(obstacle.evidence)))
    return tuple(found)


def _spoken_for(obstacle: Obstacle) -> bool:
    """The same party holds what replaced it, so that this one is judged in its place."""
    successor = obstacle.successor
    return successor is not None and obstacle.party.position in successor.parties


def _best_last(evidence: Evidence) -> tuple[date, date]:
    """What lasts longest comes last, and of those that last equally the newest."""
    return evidence.valid_to or date.max, evidence.issued_on or date.min


def _worst(parties: Sequence[PartyLine]) -> LineState:
    states = {line.state for line in parties}
    return next((state for state in _WORST_FIRST if state in states), LineState.NOT_HELD)
