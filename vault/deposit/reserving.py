"""Step 2: the intent to seal is committed first, once, with everything that no retry may change."""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.cases import (
    CaseRow,
    ReservationRow,
    find_case,
    find_predecessor,
    insert_case,
    insert_reservations,
    release_case,
    replace_uncommitted,
    reservations_of,
)
from storage.certificates import records_of_case
from storage.db import WriteConnection
from storage.holders import holder_json
from storage.seals import seals_in_use
from vault.deposit.differences import differences
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
TOKEN_BYTES = 16  # 128 bits: nobody guesses a QR
SERIAL_CHARS = 20  # 流水号: random, so that identifiers tell nothing about holders or volumes
SERIAL_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class ReservedCase:
    """A case whose identifiers and codes are committed; `seal_ids` by issuing authority."""

    case_id: UUID
    request_digest: bytes
    reservations: tuple[Reservation, ...]
    seal_ids: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Content:
    """What the case's envelope holds: the request, to say what differs; and the codes, by position."""

    request: dict[str, Any] = field(repr=False)
    codes: list[dict[str, str]] = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        return {"request": self.request, "codes": self.codes}


def reserve(
    workshop: Workshop, case: CompletedCase, *, at: datetime
) -> ReservedCase | tuple[CertificateRecord, ...]:
    """Commits the reservation, or finds the one that an earlier try committed.

    Returns the certificates instead where the case is deposited already.

    Raises:
        Conflict: the case is deposited with other contents; the problems point at what differs.
        InputError: what it supersedes is not there or not of its kind.
        Unavailable: an authority has no seal in use, or the database does not answer.
    """
    request = case_json(case)
    digest = hashlib.sha256(
        json.dumps(request, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    ).digest()
    content = _Content(request, [_new_codes() for _ in case.results])
    with workshop.database.writing() as db:
        seal_ids = _seals(db, case, at)
        case_id = insert_case(
            db,
            workshop.keys,
            client_id=case.client_id,
            number=case.number,
            service_item=case.service_item,
            completed_at=case.completed_at,
            request_digest=digest,
            content=content.as_json(),
            at=at,
        )
        if case_id is not None:
            rows = _reserve_identifiers(db, case, at)
            insert_reservations(db, case_id, rows)
            return ReservedCase(case_id, digest, _reservations(rows, content.codes), seal_ids)
        row = find_case(db, workshop.keys, case.client_id, case.number, lock=True)
        if row is None:  # released between the two statements by a try that was refused
            raise Unavailable(
                "The same case was being refused at this moment; send it again.", retry_after_s=1
            )
        if row.committed_at is not None:
            _check_same(row, request, digest)
            return records_of_case(db, workshop.keys, row.case_id)
        if row.request_digest == digest:
            known = reservations_of(db, row.case_id)
            return ReservedCase(row.case_id, digest, _reservations(known, row.content["codes"]), seal_ids)
        # Nobody was ever answered for the earlier contents: the mended request takes their place.
        replace_uncommitted(
            db,
            workshop.keys,
            row.case_id,
            service_item=case.service_item,
            completed_at=case.completed_at,
            request_digest=digest,
            content=content.as_json(),
            at=at,
        )
        rows = _reserve_identifiers(db, case, at)
        insert_reservations(db, row.case_id, rows)
        return ReservedCase(row.case_id, digest, _reservations(rows, content.codes), seal_ids)


def release(workshop: Workshop, reserved: ReservedCase) -> None:
    """Takes a reservation back after a refusal: nothing of a refused deposit is kept."""
    with workshop.database.writing() as db:
        release_case(db, reserved.case_id, reserved.request_digest)


def case_json(case: CompletedCase) -> dict[str, Any]:
    """The case as the contract writes it, normalised: what two requests must share to be the same."""
    return {
        "case": {
            "number": case.number,
            "service_item": case.service_item,
            "completed_at": case.completed_at.isoformat(),
            "applicant": holder_json([case.applicant])[0],
        },
        "results": [_result_json(result) for result in case.results],
        "materials": [
            {
                "type": material.type_code,
                "name": material.name,
                "sha256": material.sha256,
                "trust": material.trust.value,
                "holders": holder_json(material.holders),
                "valid_to": None if material.valid_to is None else material.valid_to.isoformat(),
            }
            for material in case.materials
        ],
    }


def _result_json(result: ApprovalResult) -> dict[str, Any]:
    return {
        "type": result.type_code,
        "issuing_authority": result.issuing_authority,
        "number": result.number,
        "holders": holder_json(result.holders),
        "issued_on": result.issued_on.isoformat(),
        "valid_from": result.valid_from.isoformat(),
        "valid_to": None if result.valid_to is None else result.valid_to.isoformat(),
        "fields": dict(result.fields),
        "document": None if result.document is None else {"sha256": result.document.sha256},
        "formats": [f.value for f in result.formats],
        "supersedes": None if result.supersedes is None else str(result.supersedes),
    }


def _check_same(row: CaseRow, request: dict[str, Any], digest: bytes) -> None:
    if row.request_digest == digest:
        return
    problems = [
        FieldProblem(p, "Differs from what was deposited.")
        for p in differences(row.content["request"], request)
    ]
    raise Conflict("This case was deposited with other contents; a changed result is a new case.", *problems)


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


def _reserve_identifiers(db: WriteConnection, case: CompletedCase, at: datetime) -> list[ReservationRow]:
    return [_reserve_identifier(db, n, result, at) for n, result in enumerate(case.results)]


def _reserve_identifier(
    db: WriteConnection, position: int, result: ApprovalResult, at: datetime
) -> ReservationRow:
    version = 1
    if result.supersedes is None:
        serial = "".join(secrets.choice(SERIAL_ALPHABET) for _ in range(SERIAL_CHARS))
    else:
        serial, version = _next_version(db, position, result)
    identifier = CertificateIdentifier(result.type_code, result.issuing_authority, serial, version)
    return ReservationRow(uuid7(at), position, str(identifier), version, result.supersedes)


def _next_version(db: WriteConnection, position: int, result: ApprovalResult) -> tuple[str, int]:
    assert result.supersedes is not None  # noqa: S101 - the caller asks only then
    pointer = f"/results/{position}/supersedes"
    old = find_predecessor(db, result.supersedes)
    if old is None or old.issuing_authority != result.issuing_authority:
        raise InputError.at(pointer, "There is no such certificate of this authority.")
    if old.type_code != result.type_code:
        raise InputError.at(pointer, "A certificate is superseded by one of its own type.")
    possible = outcome(Status(old.status), Action.SUPERSEDE)
    if isinstance(possible, Forbidden):
        problem = FieldProblem(pointer, possible.why)
        raise Conflict("The certificate to supersede is no longer one that can be.", problem)
    known = CertificateIdentifier.parse(old.identifier)
    # Versions that other tries reserved and never committed stay unused: an identifier is never given twice.
    return known.serial, old.version + 1 + old.successors_reserved


def _new_codes() -> dict[str, str]:
    code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_CHARS))
    token = base64.urlsafe_b64encode(secrets.token_bytes(TOKEN_BYTES)).rstrip(b"=").decode()
    return {"code": code, "token": token}


def _reservations(rows: Sequence[ReservationRow], codes: list[dict[str, str]]) -> tuple[Reservation, ...]:
    return tuple(
        Reservation(
            certificate_id=row.certificate_id,
            position=row.position,
            identifier=row.identifier,
            version=row.version,
            verification_code=codes[row.position]["code"],
            token=codes[row.position]["token"],
        )
        for row in rows
    )
