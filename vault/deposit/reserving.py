"""Step 2: the intent to seal is committed first, once, with everything that no retry may change."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.cases import (
    FORGOTTEN,
    CaseContents,
    CaseRow,
    ReservationRow,
    ReservedResult,
    find_case,
    insert_case,
    insert_reservations,
    release_case,
    reservations_of,
    start_attempt,
)
from storage.certificates import records_of_case
from storage.db import ReadConnection, WriteConnection
from storage.envelope import KeyRing
from storage.holders import holder_index, holder_json
from storage.seals import seals_in_use
from vault.deposit.differences import differences
from vault.deposit.identifiers import check_predecessor, new_codes, reserve_identifier
from vault.deposit.reading import read_again
from vault.errors import Conflict, FieldProblem, Unavailable
from vault.model.certificate import (
    ApprovalResult,
    CertificateRecord,
    CompletedCase,
    Reservation,
)
from vault.model.scope import Scope
from vault.model.written import case_number_form, hides_something
from vault.workshop import Workshop


@dataclass(frozen=True, slots=True)
class ReservedCase:
    """A case whose identifiers and codes are committed; `seal_ids` by issuing authority."""

    client_id: str
    case_id: UUID
    attempt: int
    reservations: tuple[Reservation, ...]
    seal_ids: Mapping[str, str]


def answer_if_committed(
    workshop: Workshop, client_id: str, request: Mapping[str, Any], *, at: datetime
) -> tuple[CertificateRecord, ...] | None:
    """The certificates of a case that is deposited already; None where it is not.

    Whatever became of its files, of its authorities' seals, of the catalogue and of the client's grant since.

    Raises:
        InputError: a field could not have been taken then, either.
        Conflict: it is deposited with other contents; the problems point at what differs.
        Unavailable: the database does not answer.
    """
    number = case_number_form(request["case"]["number"])
    if hides_something(number):
        return None  # PostgreSQL takes no U+0000; reading the case tells what is wrong with it
    with workshop.database.reading(Scope(client_id=client_id)) as db:
        row = find_case(db, workshop.keys, client_id, number)
        if row is None or row.committed_at is None:
            return None
        case = read_again(row.envelope["request"], client_id, request, at=at)
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
    contents = _contents(case)
    with workshop.database.writing(scope_of(workshop.keys, case)) as db:
        seal_ids = _seals(db, case, at)
        case_id = insert_case(
            db, workshop.keys, client_id=case.client_id, number=case.number, contents=contents, at=at
        )
        if case_id is not None:
            rows = _reserve_identifiers(db, workshop.keys, case, case_id, at)
            return ReservedCase(case.client_id, case_id, 1, _reservations(rows, contents.envelope), seal_ids)
        row = find_case(db, workshop.keys, case.client_id, case.number, lock=True)
        if row is None:  # released between the two statements by a try that was refused
            raise Unavailable(
                "The same case was being refused at this moment; send it again.", retry_after_s=1
            )
        if row.committed_at is not None:
            return _committed(db, workshop, row, case)
        if row.request_digest == contents.request_digest:
            for position, result in enumerate(case.results):
                check_predecessor(db, position, result)
            known = reservations_of(db, row.case_id)
            return ReservedCase(
                case.client_id, row.case_id, row.attempt, _reservations(known, row.envelope), seal_ids
            )
        # Nobody was ever answered for the earlier contents: the mended request takes their place.
        start_attempt(db, workshop.keys, row.case_id, contents, at)
        rows = _reserve_identifiers(db, workshop.keys, case, row.case_id, at)
        return ReservedCase(
            case.client_id, row.case_id, row.attempt + 1, _reservations(rows, contents.envelope), seal_ids
        )


def release(workshop: Workshop, reserved: ReservedCase) -> None:
    """Takes a reservation back after a refusal that came before anything was stored."""
    with workshop.database.writing(Scope(client_id=reserved.client_id)) as db:
        release_case(db, reserved.case_id, reserved.attempt)


def forget(workshop: Workshop, case: CompletedCase, reserved: ReservedCase, *, at: datetime) -> None:
    """Forgets the contents of a case that was refused at its commit, when objects were stored already.

    The abandoned reservations stay: they explain the objects. The same request sent again starts anew.
    """
    nothing = CaseContents(case.service_item, case.completed_at, None, FORGOTTEN, {})
    with workshop.database.writing(Scope(client_id=case.client_id)) as db:
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


def scope_of(keys: KeyRing, case: CompletedCase) -> Scope:
    """A deposit acts for its client, for the authorities whose results it brings, about those it names."""
    of_results = [holder for result in case.results for holder in result.holders]
    of_materials = [holder for material in case.materials for holder in material.holders]
    named = {holder.code for holder in (case.applicant, *of_results, *of_materials)}
    return Scope(
        client_id=case.client_id,
        authorities=frozenset(result.issuing_authority for result in case.results),
        holders=frozenset(holder_index(keys, code) for code in named),
    )


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
                # Only where given: cases deposited before there was such a date keep their digest.
                **({} if material.issued_on is None else {"issued_on": material.issued_on.isoformat()}),
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


def _contents(case: CompletedCase) -> CaseContents:
    request = case_json(case)
    codes = [new_codes() for _ in case.results]
    return CaseContents(
        case.service_item,
        case.completed_at,
        case.applicant.code,
        _digest(request),
        {"request": request, "codes": codes},
    )


def _digest(request: Mapping[str, Any]) -> bytes:
    text = json.dumps(request, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()


def _committed(
    db: ReadConnection, workshop: Workshop, row: CaseRow, case: CompletedCase
) -> tuple[CertificateRecord, ...]:
    request = case_json(case)
    if row.request_digest != _digest(request):
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
    db: WriteConnection, keys: KeyRing, case: CompletedCase, case_id: UUID, at: datetime
) -> list[ReservationRow]:
    reserved = [
        ReservedResult(reserve_identifier(db, n, result, at), tuple(holder.code for holder in result.holders))
        for n, result in enumerate(case.results)
    ]
    insert_reservations(db, keys, case_id, reserved)
    return [result.row for result in reserved]


def _reservations(rows: Sequence[ReservationRow], envelope: Mapping[str, Any]) -> tuple[Reservation, ...]:
    codes = envelope["codes"]
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
