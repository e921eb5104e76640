"""Who may act for whom: a delegation (委托), asked at every act, and what is done under it."""

from datetime import datetime
from uuid import UUID

from storage.db import WriteConnection
from storage.delegations import find_delegation, insert_act
from vault.errors import NotFound
from vault.model.actors import Person
from vault.model.certificate import CertificateRecord
from vault.model.delegation import Act, DelegatedAction, Delegation, DelegationEvent, unable
from vault.model.legal_time import legal_day
from vault.workshop import Workshop

NO_SUCH = "There is no such delegation to you, or it does not hold now."


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
        NotPermitted: they did not sign in as a holder.
    """
    code = person.own_code()
    found = find_delegation(db, workshop.keys, delegation_id, lock=True)
    if found is None or unable(found, code, action, on=legal_day(at)) is not None:
        raise NotFound(NO_SUCH)
    return found


def covers(delegation: Delegation, certificate: CertificateRecord, holders: frozenset[UUID]) -> bool:
    """Whether a certificate, held by these, is one of those that are delegated."""
    return delegation.holder_id in holders and certificate.type_code in delegation.types


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
    act = Act(action, certificate_id, at, {})
    insert_act(db, delegation.delegation_id, f"person:{person.person_id}", act)
