"""Step 4 of a chunk: the intent to seal its rows is committed, and counted on the grants that allow it.

Step 2 asks here whose seal a row would get.
"""

import base64
import math
import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from storage.cases import insert_import_case
from storage.grants import UsableSeal, UsableSeals, usable_seals
from storage.reservations import Counted, ReservationRow, insert_import_reservations
from storage.seal_uses import take_uses
from storage.seals import ATTESTATION
from vault.deposit.identifiers import SERIAL_ALPHABET, SERIAL_CHARS, new_codes, random_text
from vault.errors import InputError, SealCapReached
from vault.importing.orders import ChunkOrder
from vault.importing.rows import Wanted
from vault.model.catalogue import DocumentFormat
from vault.model.certificate import Reservation
from vault.model.identifier import CertificateIdentifier
from vault.model.ids import uuid7
from vault.model.legal_time import day_begins, legal_day
from vault.model.origin import OriginKind
from vault.model.scope import VAULT
from vault.workshop import Workshop


class GrantUsedUp(SealCapReached):
    """As its base, and of which grant; it goes from one process to another as a whole."""

    def __init__(self, detail: str, *, retry_after_s: int, grant_id: UUID) -> None:
        super().__init__(detail, retry_after_s=retry_after_s)
        self.grant_id = grant_id

    def __reduce__(self) -> tuple[Callable[..., "GrantUsedUp"], tuple[str, int, UUID]]:
        return _used_up, (self.detail, self.retry_after_s, self.grant_id)


def _used_up(detail: str, retry_after_s: int, grant_id: UUID) -> GrantUsedUp:
    return GrantUsedUp(detail, retry_after_s=retry_after_s, grant_id=grant_id)


@dataclass(frozen=True, slots=True)
class ReservedRows:
    """The case of some rows, with a reservation for each, in their order."""

    case_id: UUID
    reservations: tuple[Reservation, ...]


def usable_for(workshop: Workshop, order: ChunkOrder, wanted: Sequence[Wanted], at: datetime) -> UsableSeals:
    """The seals in use that these rows may need, with what is granted to the client: one statement.

    Raises:
        Unavailable: the database does not answer.
    """
    authorities = {row.result.issuing_authority for row in wanted}
    authorities |= {row.origin.digitised.authority for row in wanted if row.origin.digitised is not None}
    types = {row.result.type_code for row in wanted}
    with workshop.database.reading(VAULT) as db:
        return usable_seals(db, order.client.client_id, authorities, types, {None, ATTESTATION}, at)


def seal_for(usable: UsableSeals, client_id: str, row: Wanted) -> UsableSeal | None:
    """Whose seal a row's file gets: the issuer's where it is typeset, the digitiser's where it is a copy.

    None: it keeps the seal that it bears.

    Raises:
        InputError: there is no such seal in use, or no grant lets this client use it.
    """
    if row.origin.kind is OriginKind.BORN_SEALED:
        return None
    digitised = row.origin.digitised
    purpose = None if digitised is None else ATTESTATION
    authority = row.result.issuing_authority if digitised is None else digitised.authority
    called = "seal" if digitised is None else "attestation seal"
    pointer = "/issuing_authority" if digitised is None else "/attested/authority"
    if (authority, purpose) not in usable.in_use:
        raise InputError.at(pointer, f"Authority {authority} has no {called} in use.")
    seal = usable.of(authority, purpose, row.kind.code, row.kind.version)
    if seal is None:
        raise InputError.at(
            pointer,
            f"No seal-use grant lets client {client_id} use the {called} of {authority} for version"
            f" {row.kind.version} of type {row.kind.code} today.",
        )
    return seal


def reserve_rows(
    workshop: Workshop,
    order: ChunkOrder,
    rows: Sequence[Wanted],
    seals: Mapping[int, UsableSeal | None],
    at: datetime,
) -> ReservedRows:
    """Identifiers, codes and keys for these rows; `seals` by row. One transaction of a few statements.

    What a crash leaves is a case that nobody committed: its reservations explain what was stored for them,
    and the rows are reserved anew under other identifiers, since nobody has seen these.

    Raises:
        GrantUsedUp: a grant has no room for them today.
        Unavailable: the database does not answer.
    """
    day = legal_day(at)
    reserved = [_reserved(n, row, seals[row.row], at) for n, row in enumerate(rows)]
    number = f"import-{order.run_id}-{order.number}-{secrets.token_hex(4)}"
    counts = Counter(seal for row in rows if (seal := seals[row.row]) is not None)
    with workshop.database.writing(VAULT) as db:
        case_id = insert_import_case(
            db, workshop.keys, client_id=order.client.client_id, number=number, at=at
        )
        insert_import_reservations(db, case_id, reserved)
        for seal in sorted(counts, key=lambda seal: seal.grant_id):
            if not take_uses(db, seal.grant_id, seal.daily_cap, day, counts[seal]):
                begins = day_begins(day + timedelta(days=1))
                raise GrantUsedUp(
                    f"Grant {seal.grant_id} lets {seal.daily_cap} results be sealed a day, and has no room"
                    f" for {counts[seal]} more today: go on from {begins.isoformat()} on, or let seal"
                    " custodians approve a grant with a higher cap.",
                    retry_after_s=math.ceil((begins - at).total_seconds()),
                    grant_id=seal.grant_id,
                )
    return ReservedRows(case_id, tuple(_with_codes(row) for row in reserved))


def _reserved(position: int, row: Wanted, seal: UsableSeal | None, at: datetime) -> ReservationRow:
    serial = random_text(SERIAL_ALPHABET, SERIAL_CHARS)
    result = row.result
    identifier = CertificateIdentifier(result.type_code, result.issuing_authority, serial, 1)
    lineage = f"{result.type_code}.{result.issuing_authority}.{serial}"
    counted = None if seal is None else Counted({DocumentFormat.PDF: seal.grant_id}, legal_day(at))
    return ReservationRow(uuid7(at), position, str(identifier), lineage, 1, counted)


def _with_codes(row: ReservationRow) -> Reservation:
    codes = new_codes()
    return Reservation(
        certificate_id=row.certificate_id,
        position=row.position,
        identifier=row.identifier,
        version=row.version,
        verification_code=codes["code"],
        token=codes["token"],
        key=base64.b64decode(codes["key"]),
    )
