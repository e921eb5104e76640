"""A usage copy, from the sealed original to an object that was read back."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from signing.seal import SealAppearance, seal_pdf
from signing.usage_copy import CopyFacts, make_usage_copy
from signing.validate import judge_pdf
from storage.db import ReadConnection
from storage.envelope import DataKey
from storage.filed_objects import document_object, material_object
from storage.objects import FiledObject, copy_place, new_object, put_copy, read_copy, read_object
from storage.seals import platform_seal_in_use
from vault.copy_removal import let_go
from vault.errors import DocumentRefused, FieldProblem, InputError, IntegrityError, Unavailable
from vault.model.catalogue import DocumentFormat
from vault.model.certificate import CertificateRecord, newest_file
from vault.model.scope import NOBODY
from vault.model.use import CopyRecord, UseRecord
from vault.model.verdict import Indication
from vault.seal_ring import UsableSeal
from vault.uses.admitting import Used
from vault.uses.wording import TITLE, copy_words
from vault.workshop import Workshop

COPY_FIELD = "certvault-copy"
# A try that died before its commit leaves an object that no row names: it goes after this time.
UNCOMMITTED_FOR = timedelta(hours=1)
_PDF = "application/pdf"


@dataclass(frozen=True, slots=True)
class NewUse:
    """A use about to be committed; `key` seals its envelope and its copy, `copy_name` is where that lies."""

    use: UseRecord
    key: DataKey = field(repr=False)
    copy_name: str | None = None


def make_copy(workshop: Workshop, new: NewUse, used: Used, *, at: datetime) -> NewUse:
    """The use with its copy, which is sealed, judged and stored, but named by no row yet.

    1. read the original, checked against its digest; it is never written. 2. draw every page under the
    watermark. 3. seal with the platform's seal (平台章). 4. judge: an independent reader must find the seal
    whole. 5. announce: a job will take the object away if nothing comes to name it. 6. put the object as
    cipher text under the use's key; read it back and compare.

    Raises:
        InputError: there is no PDF to be copied, or its pages cannot be.
        IntegrityError: the original is lost or altered, or what was sealed does not stand up to the reader.
        Unavailable: the platform has no seal in use, or an engine does not answer.
    """
    use = new.use
    _check_copyable(used)
    with workshop.database.reading(NOBODY.naming(new.use.subject.id)) as db:
        seal_id = platform_seal_in_use(db, at)
        if seal_id is None:
            raise Unavailable(
                "The platform has no seal for usage copies in use: an operator has to make or import one.",
                retry_after_s=3600,
            )
        owner = workshop.seals.opened(db, seal_id)
        filed = _filed(db, workshop, used)
    content, original = read_object(workshop.blobs, filed), filed.sha256  # 1
    kind = workshop.shelf.types(at).get(used.type_code)
    words = copy_words(use, used, kind, original_sha256=original, public_url=workshop.public_url)
    marks = workshop.typesetter.usage_marks(words, at=at)  # 2
    facts = CopyFacts(str(use.use_id), original, f"{TITLE} {use.use_id}", "；".join(words.cell), at)
    try:
        drawn = make_usage_copy(content, marks=marks, facts=facts)
    except DocumentRefused as error:
        sentence = f"No copy can be made of this file. {error.detail}"
        raise DocumentRefused(sentence, FieldProblem("/copy", sentence)) from error
    place = drawn.seal_place
    sealed = seal_pdf(  # 3
        drawn.content,
        key=owner.key,
        appearance=SealAppearance(owner.picture, place.page, place.x_mm, place.y_mm, place.diameter_mm),
        field_name=COPY_FIELD,
        reason="用证加注",
        location=owner.authority_name,
        at=at,
        tsa=workshop.tsa,
    )
    _judge(workshop, sealed.content, owner, at)  # 4
    sha256, size = hashlib.sha256(sealed.content).hexdigest(), len(sealed.content)
    copy = new_object(use.use_id, copy_place(use.use_id), new.key, sha256, size)
    with workshop.database.writing(NOBODY) as announcing:  # 5
        let_go(announcing, copy.stored_name, at + UNCOMMITTED_FOR)
    _store(workshop, sealed.content, copy, use)  # 6
    record = CopyRecord(sha256, size, drawn.page_count, original, sealed.level, owner.seal_id)
    return replace(new, use=replace(use, copy=record), copy_name=copy.stored_name)


def _filed(db: ReadConnection, workshop: Workshop, used: Used) -> FiledObject:
    if isinstance(used, CertificateRecord):
        filed = document_object(db, workshop.keys, used.certificate_id, DocumentFormat.PDF)
    else:
        filed = material_object(db, workshop.keys, used.material_id)
    if filed is None:
        raise IntegrityError("What is to be copied has lost its file.")
    return filed


def _check_copyable(used: Used) -> None:
    """Returns where there is a PDF to be copied; of a certificate its newest rendition is.

    Raises:
        InputError: there is none.
    """
    if isinstance(used, CertificateRecord):
        if newest_file(used, DocumentFormat.PDF) is None:
            raise InputError.at("/copy", "Copies are made of PDF files; this certificate has none.")
    elif used.content_type != _PDF:
        raise InputError.at(
            "/copy", f"Copies are made of PDF files; this material is of type {used.content_type}."
        )


def _judge(workshop: Workshop, content: bytes, owner: UsableSeal, at: datetime) -> None:
    reports = judge_pdf(content, trust=workshop.trust, at=at, admitted=True)
    sealed_by = hashlib.sha256(owner.key.certificate).hexdigest()
    if (
        len(reports) != 1
        or reports[0].indication is not Indication.TOTAL_PASSED
        or reports[0].certificate_sha256 != sealed_by
    ):
        raise IntegrityError("A usage copy that was just sealed does not stand up to the reader.")


def _store(workshop: Workshop, content: bytes, copy: FiledObject, use: UseRecord) -> None:
    put_copy(workshop.blobs, copy, content, origin={"use": str(use.use_id)})
    try:
        read_copy(workshop.blobs, copy)
    except IntegrityError as error:
        raise Unavailable(
            "The object store did not keep what it acknowledged; send the request again."
        ) from error
