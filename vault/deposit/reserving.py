"""Step 2: the intent to seal is committed first, once, with everything that no retry may change."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.cases import (
    CaseContents,
    CaseRow,
    Predecessor,
    ReservationRow,
    find_case,
    highest_version,
    insert_case,
    insert_reservations,
    lock_predecessor,
    release_case,
    reservations_of,
    start_attempt,
)
from storage.certificates import records_of_case
from storage.db import ReadConnection, WriteConnection
from storage.seals import seals_in_use
from vault.deposit.differences import differences
from vault.deposit.requests import case_json, request_digest
from vault.errors import Conflict, FieldProblem, InputError, Unavailable
from vault.model.certificate import (
    ApprovalResult,
    CertificateRecord,
    CompletedCase,
    Reservation,
    Status,
)
from vault.model.identifier import CertificateIdentifier
from vault.model.ids import uuid7
from vault.model.lifecycle import Action, Forbidden, outcome
from vault.workshop import Workshop

# Digits and capitals without those that are read for one another on paper (0/O, 1/I/L, U/V).
CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_CHARS = 10  # 49 bits, and only good together with the certificate's number
KEY_BYTES = 32  # of a record's data key, whatever the suite
TOKEN_BYTES = 16  # 128 bits: nobody guesses a QR
SERIAL_CHARS = 20  # 流水号: random, so that identifiers tell nothing about holders or volumes
SERIAL_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class ReservedMaterial:
    """What a material must keep on every retry: its id, and the key that seals its file."""

    material_id: UUID
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReservedCase:
    """A case whose identifiers, codes and keys are committed; `seal_ids` by issuing authority."""

    case_id: UUID
    attempt: int
    reservations: tuple[Reservation, ...]
    materials: tuple[ReservedMaterial, ...]
    seal_ids: Mapping[str, str]


def answer_if_committed(workshop: Workshop, case: CompletedCase) -> tuple[CertificateRecord, ...] | None:
    """The certificates of a case that is deposited already, whatever became of its seals and files since.

    Raises:
        Conflict: it is deposited with other contents; the problems point at what differs.
        Unavailable: the database does not answer.
    """
    with workshop.database.reading() as db:
        row = find_case(db, workshop.keys, case.client_id, case.number)
        if row is None or row.committed_at is None:
            return None
        return _committed(db, workshop, row, case)


def reserve(
    workshop: Workshop, case: CompletedCase, *, at: datetime
) -> ReservedCase | tuple[CertificateRecord, ...]:
    """Commits the reservation, or finds the one that an earlier try committed.

    Returns the certificates instead where another try has deposited the case meanwhile.

    Raises:
        Conflict: the case is deposited with other contents, or what it supersedes no longer can be.
        InputError: what it supersedes is not there or not of its kind.
        Unavailable: an authority has no seal in use, or the database does not answer.
    """
    contents = _contents(case, at)
    with workshop.database.writing() as db:
        seal_ids = _seals(db, case, at)
        case_id = insert_case(
            db, workshop.keys, client_id=case.client_id, number=case.number, contents=contents, at=at
        )
        if case_id is not None:
            rows = _reserve_identifiers(db, case, case_id, at)
            return _reserved(case_id, 1, rows, contents.envelope, seal_ids)
        row = find_case(db, workshop.keys, case.client_id, case.number, lock=True)
        if row is None:  # released between the two statements by a try that was refused
            raise Unavailable(
                "The same case was being refused at this moment; send it again.", retry_after_s=1
            )
        if row.committed_at is not None:
            return _committed(db, workshop, row, case)
        # A reservation from before revision 0008 has no keys: it is made anew, as for other contents.
        if row.envelope is not None and "materials" in row.envelope and _is_of(row, case_json(case)):
            for position, result in enumerate(case.results):
                _check_predecessor(db, position, result)
            known = reservations_of(db, row.case_id)
            return _reserved(row.case_id, row.attempt, known, row.envelope, seal_ids)
        # Nobody was ever answered for the earlier contents: the mended request takes their place.
        start_attempt(db, workshop.keys, row.case_id, contents, at)
        rows = _reserve_identifiers(db, case, row.case_id, at)
        return _reserved(row.case_id, row.attempt + 1, rows, contents.envelope, seal_ids)


def release(workshop: Workshop, reserved: ReservedCase) -> None:
    """Takes a reservation back after a refusal that came before anything was stored."""
    with workshop.database.writing() as db:
        release_case(db, reserved.case_id, reserved.attempt)


def forget(workshop: Workshop, case: CompletedCase, reserved: ReservedCase, *, at: datetime) -> None:
    """Forgets the contents of a case that was refused at its commit, when objects were stored already.

    The abandoned reservations stay: they explain the objects. The same request sent again starts anew.
    """
    nothing = CaseContents(case.service_item, case.completed_at, None, {})
    with workshop.database.writing() as db:
        row = find_case(db, workshop.keys, case.client_id, case.number, lock=True)
        if row is not None and row.committed_at is None and row.attempt == reserved.attempt:
            start_attempt(db, workshop.keys, row.case_id, nothing, at)


def answer_of_another_try(
    db: WriteConnection, workshop: Workshop, case: CompletedCase
) -> tuple[CertificateRecord, ...]:
    """What to answer a try that found its attempt redeemed or overtaken.

    Raises:
        Conflict: another try deposited the case with other contents.
        Unavailable: another try is at it and has committed nothing yet.
    """
    row = find_case(db, workshop.keys, case.client_id, case.number)
    if row is None or row.committed_at is None:
        raise Unavailable("The same case is being deposited at this moment; send it again.", retry_after_s=1)
    return _committed(db, workshop, row, case)


def _contents(case: CompletedCase, at: datetime) -> CaseContents:
    return CaseContents(
        case.service_item,
        case.completed_at,
        case.applicant.code,
        {
            "request": case_json(case),
            "codes": [_new_codes() for _ in case.results],
            "materials": [{"id": str(uuid7(at)), "key": _new_key()} for _ in case.materials],
        },
    )


def _is_of(row: CaseRow, request: Mapping[str, Any]) -> bool:
    """Whether the case holds this request; none, once its contents are forgotten."""
    reserved = None if row.envelope is None else row.envelope.get("request")
    return reserved is not None and request_digest(reserved) == request_digest(request)


def _committed(
    db: ReadConnection, workshop: Workshop, row: CaseRow, case: CompletedCase
) -> tuple[CertificateRecord, ...]:
    request = case_json(case)
    if row.envelope is None:
        raise Conflict("This case was deposited; somebody whom it named was erased since, and what it said.")
    if not _is_of(row, request):
        pointers = differences(row.envelope["request"], request)
        problems = [FieldProblem(p, "Differs from what was deposited.") for p in pointers]
        raise Conflict(
            "This case was deposited with other contents; a changed result is a new case.", *problems
        )
    return records_of_case(db, workshop.keys, row.case_id)


def _seals(db: WriteConnection, case: CompletedCase, at: datetime) -> dict[str, str]:
    authorities = frozenset(result.issuing_authority for result in case.results)
    found = seals_in_use(db, authorities, at)
    missing = sorted(authorities - found.keys())
    if missing:
        raise Unavailable(
            f"Authority {missing[0]} has no seal in use: an operator has to make or import one.",
            retry_after_s=3600,
        )
    return found


def _reserve_identifiers(
    db: WriteConnection, case: CompletedCase, case_id: UUID, at: datetime
) -> list[ReservationRow]:
    rows = [_reserve_identifier(db, n, result, at) for n, result in enumerate(case.results)]
    insert_reservations(db, case_id, rows)
    return rows


def _reserve_identifier(
    db: WriteConnection, position: int, result: ApprovalResult, at: datetime
) -> ReservationRow:
    predecessor = _check_predecessor(db, position, result)
    if predecessor is None:
        serial = "".join(secrets.choice(SERIAL_ALPHABET) for _ in range(SERIAL_CHARS))
    else:
        serial = CertificateIdentifier.parse(predecessor.identifier).serial
    lineage = f"{result.type_code}.{result.issuing_authority}.{serial}"
    # Versions that other tries reserved and never committed stay unused: an identifier is never given twice.
    version = 1 if predecessor is None else highest_version(db, lineage) + 1
    identifier = CertificateIdentifier(result.type_code, result.issuing_authority, serial, version)
    return ReservationRow(uuid7(at), position, str(identifier), lineage, version)


def _check_predecessor(db: WriteConnection, position: int, result: ApprovalResult) -> Predecessor | None:
    """Locks what a result supersedes, so that versions are given out one after the other."""
    if result.supersedes is None:
        return None
    pointer = f"/results/{position}/supersedes"
    old = lock_predecessor(db, result.supersedes)
    if old is None or old.issuing_authority != result.issuing_authority:
        raise InputError.at(pointer, "There is no such certificate of this authority.")
    if old.type_code != result.type_code:
        raise InputError.at(pointer, "A certificate is superseded by one of its own type.")
    possible = outcome(Status(old.status), Action.SUPERSEDE)
    if isinstance(possible, Forbidden):
        problem = FieldProblem(pointer, possible.why)
        raise Conflict("The certificate to supersede is no longer one that can be.", problem)
    return old


def _new_codes() -> dict[str, str]:
    code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_CHARS))
    token = base64.urlsafe_b64encode(secrets.token_bytes(TOKEN_BYTES)).rstrip(b"=").decode()
    return {"code": code, "token": token, "key": _new_key()}


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def _reserved(
    case_id: UUID,
    attempt: int,
    rows: Sequence[ReservationRow],
    envelope: Mapping[str, Any],
    seal_ids: Mapping[str, str],
) -> ReservedCase:
    """What the rows and the case's envelope have reserved."""
    codes = envelope["codes"]
    reservations = tuple(
        Reservation(
            certificate_id=row.certificate_id,
            position=row.position,
            identifier=row.identifier,
            version=row.version,
            verification_code=codes[row.position]["code"],
            token=codes[row.position]["token"],
            key=base64.b64decode(codes[row.position]["key"]),
        )
        for row in rows
    )
    materials = tuple(
        ReservedMaterial(UUID(entry["id"]), base64.b64decode(entry["key"])) for entry in envelope["materials"]
    )
    return ReservedCase(case_id, attempt, reservations, materials, seal_ids)
