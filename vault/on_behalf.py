"""Who may act for whom: a delegation (委托), asked at every act, and what is done under it."""

from datetime import datetime
from uuid import UUID

from storage.db import WriteConnection
from storage.delegations import find_delegation, insert_act
from vault.model.access import Action, Kind, Resource, authorize, not_there
from vault.model.actors import Person
from vault.model.certificate import CertificateRecord
from vault.model.delegation import Act, DelegatedAction, Delegation, DelegationEvent, unable
from vault.model.legal_time import legal_day
from vault.workshop import Workshop

Identities = frozenset[tuple[str, str]]


def delegation_to(
    db: WriteConnection,
    workshop: Workshop,
    person: Person,
    delegation_id: UUID,
    action: DelegatedAction | None = None,
    *,
    at: datetime,
) -> Delegation:
    """The delegation under which a person may do this now; held until the transaction ends.

    So an act and its being taken back come one after the other: what was taken back serves nothing after.

    Raises:
        NotFound: there is none, or it is not theirs, ended, taken back, or for other acts; always the same.
    """
    found = find_delegation(db, workshop.keys, delegation_id, lock=True)
    able: Identities = frozenset()
    if found is not None and person.code is not None:
        holds = unable(found, person.code, action, on=legal_day(at)) is None
        able = frozenset({person.code.identity}) if holds else able
    authorize(person, Action.ACT_ON_BEHALF, Resource(Kind.DELEGATION, delegates=able))
    if found is None:
        raise not_there(Kind.DELEGATION)
    return found


def delegates_of(
    delegation: Delegation, certificate: CertificateRecord, holders: frozenset[UUID]
) -> Identities:
    """To whom a certificate, held by these, is delegated by this, as a resource names them: one or nobody."""
    covered = delegation.holder_id in holders and certificate.type_code in delegation.types
    delegate = delegation.delegate
    return frozenset({delegate.identity}) if covered and delegate is not None else frozenset()


def tell(
    db: WriteConnection,
    delegation: Delegation,
    person: Person,
    action: DelegationEvent,
    certificate_id: UUID | None,
    *,
    at: datetime,
) -> None:
    """Writes down what a delegate did, for the holder."""
    insert_act(db, delegation.delegation_id, person.actor, Act(action, certificate_id, at, {}))
