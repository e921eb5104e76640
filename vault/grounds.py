"""On what ground (依据) a client may see what others hold: its statutory function, or a holder's consent.

Asking on a consent is a use of it, whatever it finds. The flows take a ground under the consents' lock and
spend it in the transaction that tells of the look: a consent is never used more often than it says, and one
that was taken back serves no request that comes after.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.consents import REQUEST, consents_for, counted_lately, use_consents
from storage.db import ReadConnection, WriteConnection
from vault.model.actors import ClientGrant
from vault.model.canonical import canonical_json
from vault.model.consent import Asked, Consent, Look, best
from vault.model.face import chosen_face
from vault.model.footing import ByConsent, Consented, Footing, Statutory
from vault.model.legal_time import legal_day
from vault.workshop import Workshop


@dataclass(frozen=True, slots=True)
class ConsentQuestion:
    """What a client asks, as consents judge it. `request_index`: the same one again counts once."""

    look: Look
    service_item: str | None
    purpose: str | None
    request_index: bytes


@dataclass(frozen=True, slots=True)
class Ground:
    """What a request rests on. `by_type`: the consent for each type that may be seen; None for every type.

    `unspent`: the consents from which this request still has to take a use.
    """

    footing: Footing
    by_type: Mapping[str, Consent] | None = None
    unspent: tuple[UUID, ...] = ()

    def shows(self, type_code: str) -> bool:
        """Whether certificates of this type may be seen."""
        return self.by_type is None or type_code in self.by_type

    def fields(self, type_code: str) -> frozenset[str] | None:
        """The fields of such a certificate's face that may be seen; None for all of it."""
        return None if self.by_type is None else self.by_type[type_code].fields

    def shown(self, certificate: Mapping[str, Any]) -> dict[str, Any]:
        """A certificate's JSON with what may be seen of it; sealed files only by function."""
        if self.by_type is None:
            return dict(certificate)
        face = chosen_face(certificate, self.fields(certificate["type"]))
        return {**face, "documents": []} if "documents" in face else face


def consent_question(
    workshop: Workshop,
    client: ClientGrant,
    look: Look,
    *,
    service_item: str | None,
    purpose: str | None,
    more: Mapping[str, Any],
) -> ConsentQuestion:
    """A client's question; `more` is what else makes it this one and no other."""
    whole = {
        "client": client.client_id,
        "look": look.value,
        "service_item": service_item,
        "purpose": purpose,
        **more,
    }
    index = workshop.keys.index(REQUEST, canonical_json(whole).decode())
    return ConsentQuestion(look, service_item, purpose, index)


def ground_for(
    db: ReadConnection,
    workshop: Workshop,
    client: ClientGrant,
    question: ConsentQuestion,
    holder_ids: Collection[UUID],
    types: Collection[str] | None,
    *,
    at: datetime,
    lock: bool = False,
) -> Ground | None:
    """The ground on which a client may see certificates of these types of any of these holders; None: none.

    `types` None: whatever is consented to. `lock`: as `storage.consents.consents_for`.
    """
    match client.standing:
        case Statutory():
            return Ground(client.standing)
        case ByConsent():
            found, again = _open(db, workshop, client.standing, question, holder_ids, at, lock=lock)
            return _ground(found, client.standing, question, types, again, at)


def grounds_by_holder(
    db: ReadConnection,
    workshop: Workshop,
    client: ClientGrant,
    question: ConsentQuestion,
    holder_ids: Collection[UUID],
    types: Collection[str] | None,
    *,
    at: datetime,
    lock: bool = False,
) -> dict[UUID, Ground]:
    """As `ground_for`, for each of these holders who consents: two statements for any number of them."""
    standing = client.standing
    if isinstance(standing, Statutory):
        return {holder_id: Ground(standing) for holder_id in holder_ids}
    found, again = _open(db, workshop, standing, question, holder_ids, at, lock=lock)
    grounds = {
        holder_id: _ground(
            [each for each in found if each.holder_id == holder_id], standing, question, types, again, at
        )
        for holder_id in {each.holder_id for each in found}
    }
    return {holder_id: ground for holder_id, ground in grounds.items() if ground is not None}


def spend(
    db: WriteConnection,
    client: ClientGrant,
    question: ConsentQuestion,
    grounds: Iterable[Ground],
    *,
    certificate_id: UUID | None = None,
    at: datetime,
) -> None:
    """Takes a use off every consent that these grounds still owe one to; their rows are locked."""
    unspent = sorted({consent_id for ground in grounds for consent_id in ground.unspent})
    if unspent:
        use_consents(
            db,
            unspent,
            actor=client.client_id,
            look=question.look,
            certificate_id=certificate_id,
            request_index=question.request_index,
            at=at,
        )


def ground_on(consent: Consent, *, spent: bool) -> Ground:
    """The ground that one consent gives."""
    by_type = dict.fromkeys(consent.types, consent)
    return Ground(Consented((consent.consent_id,)), by_type, () if spent else (consent.consent_id,))


def _open(
    db: ReadConnection,
    workshop: Workshop,
    standing: ByConsent,
    question: ConsentQuestion,
    holder_ids: Collection[UUID],
    at: datetime,
    *,
    lock: bool,
) -> tuple[tuple[Consent, ...], frozenset[UUID]]:
    """The consents that may count, and those on which this very question was counted a moment ago."""
    if not holder_ids:
        return (), frozenset()
    organisation, on = standing.organisation, legal_day(at)
    found = consents_for(db, workshop.keys, holder_ids, organisation, on, lock=lock)
    if not found:
        return (), frozenset()
    again = counted_lately(db, [each.consent_id for each in found], question.request_index, at)
    return found, again


def _ground(
    known: Collection[Consent],
    standing: ByConsent,
    question: ConsentQuestion,
    types: Collection[str] | None,
    again: Collection[UUID],
    at: datetime,
) -> Ground | None:
    asked = Asked(standing.organisation, question.service_item, question.purpose)
    wanted = {code for each in known for code in each.types} if types is None else types
    chosen = {code: best(known, asked, code, on=legal_day(at), again=again) for code in wanted}
    by_type = {code: consent for code, consent in chosen.items() if consent is not None}
    if not by_type:
        return None
    used = tuple(sorted({consent.consent_id for consent in by_type.values()}))
    return Ground(Consented(used), by_type, tuple(each for each in used if each not in again))
