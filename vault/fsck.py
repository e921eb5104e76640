"""fsck: re-derives what the vault claims, from rows to objects and back, and explains every object.

1. Every certificate: its rows can be read; if it is not erased, its envelope opens, and it is found by its
   number, code, token and holders; its events follow the table of transitions, its status is what the newest
   one says, and a superseded one and its successor name each other.
2. Every sealed file: the object is there and has the digests and the size that the row names.
3. Every leaf: one for each event in their order, its content follows from row and event, its hash from
   its content; the log's key signed the promise.
4. Every material: the object is there with its digest and size. Every case, material, holder and person:
   the envelope opens. Of what was erased the cipher text is still there, and nothing opens it.
5. Every object in the store: a row names it, or a known reservation or case explains it.
6. Every committed case has all the certificates that it reserved.

Damage is a finding, never an end: what cannot be read is reported, and everything else is still looked at.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from uuid import UUID

from signing.log_key import check_log_signature
from storage.blobs import StoredObject
from storage.db import ReadConnection
from storage.inspection import (
    PAGE_ROWS,
    is_case,
    is_reserved,
    named_objects,
    open_reservations,
    outlived_objects,
    unredeemed_in_committed_cases,
)
from storage.objects import FiledObject, examine_object, material_page
from storage.on_file import (
    CertificateOnFile,
    LeafOnFile,
    certificate_page,
    damaged_envelopes,
)
from vault.errors import IntegrityError, NotFound, SignatureError
from vault.log import event_content, issue_content, promise_message
from vault.model.certificate import CertificateRecord, ErasedCertificate, Status
from vault.model.lifecycle import Action, StatusEvent, outcome
from vault.tlog.merkle_leaf import leaf_hash
from vault.workshop import Workshop


class Weight(StrEnum):
    """A problem means that the vault is wrong; a note that something is unfinished and explained."""

    PROBLEM = "problem"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: what it is about (an identifier, a digest, a case), and a sentence."""

    weight: Weight
    about: str
    detail: str


@dataclass(frozen=True, slots=True)
class FsckReport:
    """What was looked at, and what was found."""

    certificates: int
    objects: int
    findings: tuple[Finding, ...]

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings that mean that the vault is wrong."""
        return tuple(f for f in self.findings if f.weight is Weight.PROBLEM)


def fsck(workshop: Workshop, *, progress: Callable[[int], None]) -> FsckReport:
    """Looks at everything; `progress` hears how many certificates and objects are done so far.

    Raises:
        Unavailable: an engine does not answer.
    """
    findings: list[Finding] = []
    certificates = objects = 0
    for page in _pages(workshop):
        for found in page:
            findings += _check_certificate(workshop, found)  # 1, 2, 3
        certificates += len(page)
        progress(certificates)
    with workshop.database.reading() as db:
        for material_id, filed in _materials(workshop, db):  # 4
            findings += _check_material(workshop, material_id, filed)
        findings += [
            Finding(Weight.PROBLEM, about, detail) for about, detail in damaged_envelopes(db, workshop.keys)
        ]
        for batch in _batches(workshop.blobs.documents()):  # 5
            findings += _check_named(workshop, db, batch)
            objects += len(batch)
            progress(certificates + objects)
        findings += [  # 6
            Finding(Weight.PROBLEM, str(missing), "A committed case lacks a certificate that it reserved.")
            for missing in unredeemed_in_committed_cases(db)
        ]
        findings += [
            Finding(Weight.NOTE, r.case_number, f"Reserved by {r.client_id} and never committed.")
            for r in open_reservations(db)
        ]
    return FsckReport(certificates, objects, tuple(findings))


def _pages(workshop: Workshop) -> Iterator[tuple[CertificateOnFile, ...]]:
    after: UUID | None = None
    while True:
        with workshop.database.snapshot() as db:
            page = certificate_page(db, workshop.keys, after)
        if not page:
            return
        yield page
        after = page[-1].certificate_id


def _check_certificate(workshop: Workshop, found: CertificateOnFile) -> Iterator[Finding]:
    about, record, history = found.identifier, found.record, found.history
    if isinstance(record, IntegrityError):
        yield Finding(Weight.PROBLEM, about, record.detail)
    else:
        yield from _check_issue(record, found.leaves)
    if isinstance(history, IntegrityError):
        yield Finding(Weight.PROBLEM, about, history.detail)
    else:
        yield from _check_history(about, history, found.leaves)
    if not isinstance(record, IntegrityError) and not isinstance(history, IntegrityError):
        yield from _check_status(record, history)
    if not found.succession:
        yield Finding(Weight.PROBLEM, about, "Its successor does not name it.")
    for name in found.astray:
        yield Finding(Weight.PROBLEM, about, f"It is not found by its {name}: the index is another's.")
    for file in found.files:
        if file.filed is not None:
            yield from _check_object(workshop, file.filed, about, sm3=file.sm3)
    for leaf in found.leaves:
        yield from _check_leaf(workshop, about, leaf)


def _check_status(
    record: CertificateRecord | ErasedCertificate, history: tuple[StatusEvent, ...]
) -> Iterator[Finding]:
    about = record.identifier
    if not history or history[-1].status is not record.status:
        yield Finding(Weight.PROBLEM, about, "The status is not what the newest event says.")
    if (record.status is Status.SUPERSEDED) != (record.superseded_by is not None):
        yield Finding(Weight.PROBLEM, about, "Its status and its successor contradict each other.")


def _check_history(
    about: str, history: tuple[StatusEvent, ...], leaves: tuple[LeafOnFile, ...]
) -> Iterator[Finding]:
    if not history or (history[0].action, history[0].status) != (Action.ISSUE, Status.VALID):
        yield Finding(Weight.PROBLEM, about, "Its history does not begin with its issue.")
    for before, event in pairwise(history):
        if outcome(before.status, event.action) != event.status:
            step = f"{event.action} of a certificate that was {before.status}"
            yield Finding(Weight.PROBLEM, about, f"Its history has a forbidden step: {step}.")
    derived = [event_content(about, event) for event in history[1:]]
    if [leaf.leaf for leaf in leaves[1:]] != derived:
        yield Finding(
            Weight.PROBLEM,
            about,
            f"Its later log leaves do not follow from its events: expected {len(derived)}, got "
            f"{len(leaves[1:])}, or one says something else.",
        )


def _materials(workshop: Workshop, db: ReadConnection) -> Iterator[tuple[UUID, FiledObject | IntegrityError]]:
    after: UUID | None = None
    while page := material_page(db, workshop.keys, after, PAGE_ROWS):
        yield from page
        after = page[-1][0]


def _check_material(
    workshop: Workshop, material_id: UUID, filed: FiledObject | IntegrityError
) -> Iterator[Finding]:
    if not isinstance(filed, IntegrityError):  # its envelope is looked at with the others
        yield from _check_object(workshop, filed, f"material {material_id}")


def _check_object(
    workshop: Workshop, filed: FiledObject, about: str, *, sm3: str | None = None
) -> Iterator[Finding]:
    if filed.key is None and filed.name is not None:
        yield _check_erased(workshop, filed, about)
        return
    try:
        found = examine_object(workshop.blobs, filed)
    except IntegrityError as error:
        yield Finding(Weight.PROBLEM, about, error.detail)
        return
    if found.size_bytes != filed.size_bytes:
        sentence = f"Expected {filed.size_bytes} bytes, the object has {found.size_bytes}."
        yield Finding(Weight.PROBLEM, about, sentence)
    if sm3 is not None and found.sm3 != sm3:
        yield Finding(Weight.PROBLEM, about, "The SM3 digest is not that of the object.")


def _check_erased(workshop: Workshop, filed: FiledObject, about: str) -> Finding:
    try:
        workshop.blobs.document_size(filed.stored_name)
    except NotFound:
        return Finding(Weight.NOTE, about, "Its holders are erased, and its object is gone.")
    return Finding(Weight.NOTE, about, "Its holders are erased: nothing opens its object any more.")


def _check_issue(
    record: CertificateRecord | ErasedCertificate, leaves: tuple[LeafOnFile, ...]
) -> Iterator[Finding]:
    expected = issue_content(
        identifier=record.identifier,
        type_code=record.type_code,
        issuer=record.issuing_authority,
        valid_from=record.valid_from,
        valid_to=record.valid_to,
        documents=record.documents,
        at=record.committed_at,
    )
    if not leaves or leaves[0].leaf != expected:
        sentence = "The log leaf of its issue does not follow from the row."
        yield Finding(Weight.PROBLEM, record.identifier, sentence)


def _check_leaf(workshop: Workshop, about: str, leaf: LeafOnFile) -> Iterator[Finding]:
    if leaf_hash(leaf.leaf) != leaf.leaf_hash:
        yield Finding(Weight.PROBLEM, about, "A leaf's hash is not that of its content.")
    try:
        promise = json.loads(leaf.promise)
        message = promise_message(leaf.leaf_hash, promise["include_by"])
        check_log_signature(workshop.log_key.public, message, promise["signature"])
    except SignatureError as error:
        yield Finding(Weight.PROBLEM, about, error.detail)
    except (ValueError, LookupError, TypeError, AttributeError):
        yield Finding(Weight.PROBLEM, about, "A leaf's promise cannot be read.")


def _check_named(workshop: Workshop, db: ReadConnection, batch: list[StoredObject]) -> Iterator[Finding]:
    names = [stored.name for stored in batch]
    named, outlived = named_objects(db, names), outlived_objects(db, names)
    for name in names:
        if name in outlived - named:
            sentence = "In clear, from before revision 0008; locked until its retention ends."
            yield Finding(Weight.NOTE, name, sentence)
        elif name not in named:
            yield _explained(workshop, db, name)


def _explained(workshop: Workshop, db: ReadConnection, name: str) -> Finding:
    """An object that no row names was left by a try that another one overtook, or that died."""
    try:
        origin = workshop.blobs.origin(name)
    except NotFound:
        return Finding(Weight.NOTE, name, "The object vanished while it was looked at.")
    certificate, case = _uuid(origin.get("certificate")), _uuid(origin.get("case"))
    if certificate is not None and is_reserved(db, certificate):
        return Finding(Weight.NOTE, name, f"Left by an earlier try of certificate {certificate}.")
    if case is not None and is_case(db, case):
        return Finding(Weight.NOTE, name, f"Left by an earlier try of case {case}.")
    return Finding(Weight.PROBLEM, name, "No row names this object and nothing explains it.")


def _uuid(text: str | None) -> UUID | None:
    try:
        return None if text is None else UUID(text)
    except ValueError:
        return None


def _batches(stored: Iterator[StoredObject]) -> Iterator[list[StoredObject]]:
    batch: list[StoredObject] = []
    for item in stored:
        batch.append(item)
        if len(batch) == PAGE_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch
