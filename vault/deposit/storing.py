"""Step 6: objects under their digests, locked, read back before any row names them."""

from collections.abc import Mapping
from datetime import datetime

from storage.certificates import MEDIA_TYPES
from vault.deposit.making import SealedResult
from vault.deposit.reserving import ReservedCase
from vault.deposit.taking import TakenFile
from vault.errors import IntegrityError, Unavailable
from vault.model.certificate import CompletedCase
from vault.workshop import Workshop


def store(
    workshop: Workshop,
    case: CompletedCase,
    reserved: ReservedCase,
    sealed: tuple[SealedResult, ...],
    handed_in: Mapping[str, TakenFile],
    *,
    at: datetime,
) -> None:
    """Puts every sealed file and every material, and reads each back: a 200 is not durability.

    Raises:
        Unavailable: the store does not answer, or lost or changed what it had acknowledged.
    """
    retain_until = at + workshop.retention
    for result in sealed:
        document = result.document
        workshop.blobs.put_document(
            document.content,
            document.sha256,
            content_type=MEDIA_TYPES[document.format],
            retain_until=retain_until,
            origin={"certificate": str(result.reservation.certificate_id)},
        )
    for material in case.materials:
        taken = handed_in[material.sha256]
        workshop.blobs.put_document(
            taken.content,
            material.sha256,
            content_type=taken.media_type,
            retain_until=retain_until,
            origin={"case": str(reserved.case_id)},
        )
    try:
        for sha256 in [result.document.sha256 for result in sealed] + [m.sha256 for m in case.materials]:
            workshop.blobs.read_document(sha256)
    except IntegrityError as error:
        raise Unavailable(
            "The object store did not keep what it acknowledged; send the case again."
        ) from error
