"""On what ground (依据) somebody may see what others hold: their function by law, or a holder's consent.

Which consents cover a request is judged by `vault.model.consent`; whether that permits it is decided by
`vault.model.access`, to which a ground names what it rests on.

Asking on a consent is a use of it, whatever it finds. The flows take a ground under the consents' lock and
spend it in the transaction that tells of the look: a consent is never used more often than it says, and one
that was taken back serves no request that comes after.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.consents import OpenConsent, consents_for, counted_lately, use_consents
from storage.db import ReadConnection, WriteConnection
from vault.model.access import Caller
from vault.model.actors import ClientGrant
from vault.model.canonical import canonical_json
from vault.model.consent import Asked, Consent, Look, best
from vault.model.face import chosen_face, shown_holders
from vault.model.footing import BY_FUNCTION, ByConsent, Consented, Footing, Statutory
from vault.model.legal_time import legal_day
from vault.workshop import Workshop


@dataclass(frozen=True, slots=True)
class ConsentQuestion:
    """What is asked, as consents judge it. `more`: what else makes it this one, which again counts once."""

    look: Look
    service_item: str | None
    purpose: str | None = field(repr=False)
    more: Mapping[str, Any] = field(repr=False)

    def canonical(self, client: ClientGrant) -> str:
        """What two questions of a client must share to be the same one."""
        whole = {
            "client": client.client_id,
            "look": self.look.value,
            "service_item": self.service_item,
            "purpose": self.purpose,
            **self.more,
        }
        return canonical_json(whole).decode()


@dataclass(frozen=True, slots=True)
class Ground:
    """What a request rests on. `by_type`: the consent for each type that may be seen; None for every type.

    `unspent`: the consents from which this request still has to take a use, with what it is known by there.
    """

    footing: Footing
    by_type: Mapping[str, Consent] | None = None
    unspent: Mapping[UUID, bytes] = field(default_factory=dict, repr=False)

    def shows(self, type_code: str) -> bool:
        """Whether certificates of this type may be seen."""
        return self.by_type is None or type_code in self.by_type

    def fields(self, type_code: str) -> frozenset[str] | None:
        """The fields of such a certificate's face that may be seen; None for all of it."""
        return None if self.by_type is None else self.by_type[type_code].fields

    def shown(self, certificate: Mapping[str, Any]) -> dict[str, Any]:
        """A certificate's JSON with what may be seen of it.

        By consent no sealed files, and of its holders only the one whose consent it is unmasked.
        """
        if self.by_type is None:
            return dict(certificate)
        consent = self.by_type[certificate["type"]]
        face = shown_holders(chosen_face(certificate, consent.fields), consent.holder)
        return {**face, "documents": []} if "documents" in face else face


def standing_footing(caller: Caller) -> Footing | None:
    """What everything rests on that somebody asks; None where it takes a consent.

    A clerk who signed in acts by the function of their organisation.
    """
    if not isinstance(caller, ClientGrant):
        return BY_FUNCTION
    return caller.standing if isinstance(caller.standing, Statutory) else None


def ground_for(
    db: ReadConnection,
    workshop: Workshop,
    caller: Caller,
    question: ConsentQuestion,
    holder_ids: Collection[UUID],
    types: Collection[str] | None,
    *,
    at: datetime,
    lock: bool = False,
) -> Ground | None:
    """The ground on which somebody may see certificates of these types of any of these holders; None: none.

    `types` None: whatever is consented to. `lock`: as `storage.consents.consents_for`. By function it asks
    the database nothing.
    """
    footing = standing_footing(caller)
    if footing is not None:
        return Ground(footing)
    found, again = _open(db, workshop, caller, question, holder_ids, at, lock=lock)
    return _ground(found, caller, question, types, again, at)


def grounds_by_holder(
    db: ReadConnection,
    workshop: Workshop,
    caller: Caller,
    question: ConsentQuestion,
    holder_ids: Collection[UUID],
    types: Collection[str] | None,
    *,
    at: datetime,
    lock: bool = False,
) -> dict[UUID, Ground]:
    """Of somebody who asks by consent as `ground_for`, for each of these holders who consents.

    Two statements for any number of them.
    """
    found, again = _open(db, workshop, caller, question, holder_ids, at, lock=lock)
    grounds = {
        holder_id: _ground(
            [each for each in found if each.consent.holder_id == holder_id],
            caller,
            question,
            types,
            again,
            at,
        )
        for holder_id in {each.consent.holder_id for each in found}
    }
    return {holder_id: ground for holder_id, ground in grounds.items() if ground is not None}


def spend(
    db: WriteConnection,
    caller: Caller,
    question: ConsentQuestion,
    grounds: Iterable[Ground],
    *,
    certificate_id: UUID | None = None,
    at: datetime,
) -> None:
    """Takes a use off every consent that these grounds still owe one to; their rows are locked."""
    unspent = {consent_id: tag for ground in grounds for consent_id, tag in ground.unspent.items()}
    if unspent:
        use_consents(
            db, unspent, actor=caller.actor, look=question.look, certificate_id=certificate_id, at=at
        )


def ground_on(consent: Consent) -> Ground:
    """The ground that a consent gives whose use was taken before."""
    return Ground(Consented((consent.consent_id,)), dict.fromkeys(consent.types, consent))


def _open(
    db: ReadConnection,
    workshop: Workshop,
    caller: Caller,
    question: ConsentQuestion,
    holder_ids: Collection[UUID],
    at: datetime,
    *,
    lock: bool,
) -> tuple[tuple[OpenConsent, ...], frozenset[UUID]]:
    """The consents that may count, and those on which this very question was counted a moment ago."""
    if not isinstance(caller, ClientGrant) or not isinstance(caller.standing, ByConsent):
        return (), frozenset()
    # Of nobody, too: that the vault knows somebody is not to be told by a statement less.
    organisation, on, text = caller.standing.organisation, legal_day(at), question.canonical(caller)
    found = consents_for(db, workshop.keys, holder_ids, organisation, on, text, lock=lock)
    return found, counted_lately(db, found, at) if found else frozenset()


def _ground(
    known: Collection[OpenConsent],
    caller: Caller,
    question: ConsentQuestion,
    types: Collection[str] | None,
    again: Collection[UUID],
    at: datetime,
) -> Ground | None:
    if not isinstance(caller, ClientGrant) or not isinstance(caller.standing, ByConsent):
        return None
    asked = Asked(caller.standing.organisation, question.service_item, question.purpose)
    consents = [each.consent for each in known]
    wanted = {code for each in consents for code in each.types} if types is None else types
    chosen = {code: best(consents, asked, code, on=legal_day(at), again=again) for code in wanted}
    by_type = {code: consent for code, consent in chosen.items() if consent is not None}
    if not by_type:
        return None
    used = {consent.consent_id for consent in by_type.values()}
    tags = {each.consent.consent_id: each.request_tag for each in known}
    unspent = {consent_id: tags[consent_id] for consent_id in used if consent_id not in again}
    return Ground(Consented(tuple(sorted(used))), by_type, unspent)
