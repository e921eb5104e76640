"""Step 6: objects as cipher text, locked, read back before any row names them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from storage.objects import FiledObject, document_place, material_place, new_object, prove_object, put_object
from vault.deposit.reserving import ReservedCase, ReservedMaterial
from vault.deposit.sealing import SealedResult
from vault.deposit.taking import TakenFile
from vault.errors import IntegrityError, Unavailable
from vault.model.certificate import CompletedCase, Reservation, SealedDocument
from vault.workshop import Workshop


@dataclass(frozen=True, slots=True)
class StoredFiles:
    """What lies in the object store for a case: its results' and its materials' files, in their order.

    `documents`: by result, one for each format.
    """

    documents: tuple[tuple[FiledObject, ...], ...]
    materials: tuple[FiledObject, ...]


def store(
    workshop: Workshop,
    case: CompletedCase,
    reserved: ReservedCase,
    sealed: tuple[SealedResult, ...],
    handed_in: Mapping[str, TakenFile],
    *,
    at: datetime,
) -> StoredFiles:
    """Puts every sealed file and every material, and reads each back: a 200 is not durability.

    Raises:
        Unavailable: the store does not answer, or lost or changed what it had acknowledged.
    """
    documents = tuple(
        tuple(
            _put_document(workshop, case, result.reservation, document, at) for document in result.documents
        )
        for result in sealed
    )
    materials = tuple(
        _put_material(workshop, reserved, material, handed_in[given.sha256], given.sha256, at)
        for material, given in zip(reserved.materials, case.materials, strict=True)
    )
    try:
        for filed in (*chain.from_iterable(documents), *materials):
            prove_object(workshop.blobs, filed)
    except IntegrityError as error:
        raise Unavailable(
            "The object store did not keep what it acknowledged; send the case again."
        ) from error
    return StoredFiles(documents, materials)


def _put_document(
    workshop: Workshop, case: CompletedCase, reservation: Reservation, document: SealedDocument, at: datetime
) -> FiledObject:
    certificate_id = reservation.certificate_id
    filed = new_object(
        certificate_id,
        document_place(certificate_id, document.format),
        workshop.keys.record_key(reservation.key),
        document.sha256,
        len(document.content),
    )
    type_code = case.results[reservation.position].type_code
    put_object(
        workshop.blobs,
        filed,
        document.content,
        retain_until=at + workshop.retention_of(type_code, at),
        origin={"certificate": str(certificate_id)},
    )
    return filed


def _put_material(
    workshop: Workshop,
    reserved: ReservedCase,
    material: ReservedMaterial,
    taken: TakenFile,
    sha256: str,
    at: datetime,
) -> FiledObject:
    filed = new_object(
        material.material_id,
        material_place(material.material_id),
        workshop.keys.record_key(material.key),
        sha256,
        len(taken.content),
    )
    put_object(
        workshop.blobs,
        filed,
        taken.content,
        retain_until=at + workshop.retention,
        origin={"case": str(reserved.case_id)},
    )
    return filed
