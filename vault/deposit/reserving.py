"""Step 2: the intent to seal is committed first, once, with everything that no retry may change."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.cases import CaseContents, CaseRow, find_case, insert_case, release_case, start_attempt
from storage.certificates import records_of_case
from storage.db import ReadConnection, WriteConnection
from storage.envelope import KeyRing
from storage.holders import about
from storage.reservations import ReservationRow, ReservedResult, insert_reservations, reservations_of
from storage.seal_uses import give_back_uses
from vault.deposit.counting import SealUse, count, count_again, counted, find_uses
from vault.deposit.differences import differences
from vault.deposit.identifiers import check_predecessor, new_codes, new_key, reserve_identifier
from vault.deposit.reading import read_again
from vault.deposit.requests import case_json, request_digest
from vault.errors import Conflict, FieldProblem, Unavailable
from vault.model.certificate import (
    CertificateRecord,
    CompletedCase,
    Reservation,
)
from vault.model.ids import uuid7
from vault.model.scope import Scope
from vault.model.written import case_number_form, hides_something
from vault.workshop import Workshop

_ERASED = "This case was deposited; somebody whom it named was erased since, and what it said."


@dataclass(frozen=True, slots=True)
class ReservedMaterial:
    """What a material must keep on every retry: its id, and the key that seals its file."""

    material_id: UUID
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReservedCase:
    """A case whose identifiers, codes and keys are committed and counted; `uses` by a result's position."""

    client_id: str
    case_id: UUID
    attempt: int
    reservations: tuple[Reservation, ...]
    materials: tuple[ReservedMaterial, ...]
    uses: tuple[SealUse, ...]


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
        if row.envelope is None:
            raise Conflict(_ERASED)
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
        SealNotGranted: no seal-use grant lets this client seal one of these types today.
        SealCapReached: a grant is used up for today.
        Unavailable: an authority has no seal in use, or the database does not answer.
    """
    contents = _contents(case, at)
    versions = [workshop.shelf.type(result.type_code, at).version for result in case.results]
    with workshop.database.writing(scope_of(workshop.keys, case)) as db:
        uses = find_uses(db, case, versions, at)
        case_id = insert_case(
            db, workshop.keys, client_id=case.client_id, number=case.number, contents=contents, at=at
        )
        if case_id is not None:
            rows = _reserve_identifiers(db, workshop.keys, case, case_id, uses, at)
            count(db, uses, at)
            return _reserved(case, case_id, 1, rows, contents.envelope, uses)
        row = find_case(db, workshop.keys, case.client_id, case.number, lock=True)
        if row is None:  # released between the two statements by a try that was refused
            raise Unavailable(
                "The same case was being refused at this moment; send it again.", retry_after_s=1
            )
        if row.committed_at is not None:
            return _committed(db, workshop, row, case)
        # A reservation from before revision 0010 has no keys: it is made anew, as for other contents.
        if row.envelope is not None and "materials" in row.envelope and _is_of(row, case_json(case)):
            for position, result in enumerate(case.results):
                check_predecessor(db, position, result)
            known = reservations_of(db, row.case_id)
            count_again(db, known, uses, at)
            return _reserved(case, row.case_id, row.attempt, known, row.envelope, uses)
        # Nobody was ever answered for the earlier contents: the mended request takes their place.
        start_attempt(db, workshop.keys, row.case_id, contents, at)
        rows = _reserve_identifiers(db, workshop.keys, case, row.case_id, uses, at)
        count(db, uses, at)
        return _reserved(case, row.case_id, row.attempt + 1, rows, contents.envelope, uses)


def release(workshop: Workshop, reserved: ReservedCase) -> None:
    """Takes a reservation, and what it counted, back after a refusal that came before anything was stored."""
    with workshop.database.writing(Scope(client_id=reserved.client_id)) as db:
        released = release_case(db, reserved.case_id, reserved.attempt)
        for (grant_id, day), uses in sorted(released.items()):
            give_back_uses(db, grant_id, day, uses)


def forget(workshop: Workshop, case: CompletedCase, reserved: ReservedCase, *, at: datetime) -> None:
    """Forgets the contents of a case that was refused at its commit, when objects were stored already.

    The abandoned reservations stay: they explain the objects. The same request sent again starts anew.
    """
    nothing = CaseContents(case.service_item, case.completed_at, None, {})
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
    authorities = frozenset(result.issuing_authority for result in case.results)
    return about(Scope(client_id=case.client_id, authorities=authorities), keys, *named)


def _contents(case: CompletedCase, at: datetime) -> CaseContents:
    return CaseContents(
        case.service_item,
        case.completed_at,
        case.applicant.code,
        {
            "request": case_json(case),
            "codes": [new_codes() for _ in case.results],
            "materials": [{"id": str(uuid7(at)), "key": new_key()} for _ in case.materials],
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
        raise Conflict(_ERASED)
    if not _is_of(row, request):
        pointers = differences(row.envelope["request"], request)
        problems = [FieldProblem(p, "Differs from what was deposited.") for p in pointers]
        raise Conflict(
            "This case was deposited with other contents; a changed result is a new case.", *problems
        )
    return records_of_case(db, workshop.keys, row.case_id)


def _reserve_identifiers(
    db: WriteConnection,
    keys: KeyRing,
    case: CompletedCase,
    case_id: UUID,
    uses: Sequence[SealUse],
    at: datetime,
) -> list[ReservationRow]:
    reserved = [
        ReservedResult(
            reserve_identifier(db, n, result, counted(use, at), at),
            tuple(holder.code for holder in result.holders),
        )
        for n, (result, use) in enumerate(zip(case.results, uses, strict=True))
    ]
    insert_reservations(db, keys, case_id, reserved)
    return [result.row for result in reserved]


def _reserved(
    case: CompletedCase,
    case_id: UUID,
    attempt: int,
    rows: Sequence[ReservationRow],
    envelope: Mapping[str, Any],
    uses: tuple[SealUse, ...],
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
    return ReservedCase(case.client_id, case_id, attempt, reservations, materials, uses)
