"""The deposit, in the order in which it happens."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.history import AuditRow, insert_look
from vault.deposit.committing import commit
from vault.deposit.making import make_page
from vault.deposit.reading import read_case
from vault.deposit.reserving import ReservedCase, answer_if_committed, forget, release, reserve
from vault.deposit.sealing import judge, seal
from vault.deposit.storing import store
from vault.deposit.taking import take_handed_in
from vault.errors import Conflict, InputError
from vault.model.access import Action, authorize
from vault.model.actors import Clerk, ClientGrant
from vault.model.certificate import CertificateRecord, CompletedCase
from vault.model.scope import NOBODY
from vault.model.written import case_number_form
from vault.workshop import Workshop


@dataclass(frozen=True, slots=True)
class Deposited:
    """What a deposit answers: the case's certificates, and whether they were there before."""

    case_number: str
    certificates: tuple[CertificateRecord, ...]
    repeated: bool


def hand_in(
    workshop: Workshop,
    client: ClientGrant,
    request: Mapping[str, Any],
    *,
    at: datetime,
    listed_items_only: bool = False,
) -> Deposited:
    """Deposits the case that a request describes (its shape is the contract's already).

    0. answer from the records where the case is deposited already, whatever became of its files, of the
    catalogue and of the client's grant since; else read it against those, and `deposit` it.

    `listed_items_only`: refuse a case whose service item the catalogue does not have.

    Raises:
        NotPermitted: a result is of a type or for an authority that the client's grant does not hold.
        InputError, Conflict, Unavailable, IntegrityError: as `deposit` does.
    """
    authorize(client, Action.DEPOSIT)
    held = answer_if_committed(workshop, client.client_id, request, at=at)  # 0
    if held is not None:
        number = case_number_form(request["case"]["number"])
        return _repeated(workshop, client.client_id, client.acting_for, number, held, at=at)
    in_force = workshop.shelf.in_force(at)
    case = read_case(in_force, client, request, at=at, listed_items_only=listed_items_only)
    return deposit(workshop, case, at=at)


def deposit(workshop: Workshop, case: CompletedCase, *, at: datetime) -> Deposited:
    """Seals, stores and indexes every result of a completed case, all of them or none.

    1. take: the files that the case names are there and may be sealed; nothing is written yet.
    2. reserve: identifiers, verification codes and the intent to seal are committed, once per
       (client, case number), and counted on the seal-use grant that lets this client have them sealed.
    3. make: typeset the page from the type's template, or take the file handed in.
    4. seal: certify it with the issuing authority's seal, unless that was stopped meanwhile.
    5. judge: an independent reader must find the seal whole before anybody else sees it.
    6. store: put the object as cipher text, locked; read it back and compare.
    7. commit: one transaction with records, holders index, status, log leaves, audit event and
       jobs. **This is the commit point**: before it nothing is visible, after it nothing is lost. The
       database refuses it where the seal is stopped by now.
    8. answer with the records.

    No network call happens inside a transaction. A crash before 7 leaves a reservation and perhaps an
    object that no row names; the same request again walks the same path under the same identifiers.
    Two tries at once: one redeems the reservation, the other answers with its certificates.

    Raises:
        InputError: the case cannot be deposited as it is; nothing of it is kept.
        Conflict: the case is there with other contents, or what it supersedes no longer can be.
        SealNotGranted: nobody has let this client have this type sealed.
        SealCapReached: what was let through for today is used up.
        Unavailable: an engine does not answer; the same request may succeed later.
        IntegrityError: the vault's own work does not stand up to its own reader.
    """
    handed_in = take_handed_in(workshop, case, at=at)  # 1
    reserved = reserve(workshop, case, at=at)  # 2
    if not isinstance(reserved, ReservedCase):
        return _repeated(workshop, case.client_id, case.acting_for, case.number, reserved, at=at)
    try:
        pages = make_page(workshop, case, reserved, handed_in, at=at)  # 3
        sealed = seal(workshop, reserved, pages, at=at)  # 4
    except InputError:
        release(workshop, reserved)
        raise
    judge(workshop, sealed, at=at)  # 5
    stored = store(workshop, case, reserved, sealed, handed_in, at=at)  # 6
    try:
        records, first = commit(workshop, case, reserved, sealed, stored, handed_in, at=at)  # 7
    except Conflict:
        forget(workshop, case, reserved, at=at)
        raise
    if not first:
        return _repeated(workshop, case.client_id, case.acting_for, case.number, records, at=at)
    return Deposited(case.number, records, repeated=False)  # 8


def _repeated(
    workshop: Workshop,
    client_id: str,
    acting_for: Clerk | None,
    number: str,
    records: tuple[CertificateRecord, ...],
    *,
    at: datetime,
) -> Deposited:
    """The receipts again: opened for somebody once more, and so recorded."""
    details = {"certificates": [str(record.certificate_id) for record in records]}
    with workshop.database.writing(NOBODY) as db:
        event = AuditRow(client_id, "receipts", None, None, details, acting_for)
        insert_look(db, workshop.keys, event, {"case_number": number}, at)
    return Deposited(number, records, repeated=True)
