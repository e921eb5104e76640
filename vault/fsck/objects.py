"""Steps 2, 4 and 5 of fsck: what rows name is in the store, and what is in the store is explained."""

import hashlib
from collections.abc import Iterator
from uuid import UUID

from storage.archive_on_file import MaterialOnFile
from storage.blobs import StoredObject
from storage.db import ReadConnection
from storage.inspection import is_case, is_reserved, named_objects
from vault.errors import IntegrityError, NotFound
from vault.fsck.findings import Finding, Weight
from vault.workshop import Workshop


def check_object(
    workshop: Workshop, sha256: str, size_bytes: int, about: str, *, sm3: str | None = None
) -> Iterator[Finding]:
    """A file that a row names: it is there with this digest, size and SM3 digest."""
    try:
        content = workshop.blobs.read_document(sha256)
    except IntegrityError as error:
        yield Finding(Weight.PROBLEM, about, error.detail)
        return
    if len(content) != size_bytes:
        yield Finding(Weight.PROBLEM, about, f"Expected {size_bytes} bytes, the object has {len(content)}.")
    if sm3 is not None and hashlib.new("sm3", content).hexdigest() != sm3:
        yield Finding(Weight.PROBLEM, about, "The SM3 digest is not that of the object.")


def check_material(workshop: Workshop, material: MaterialOnFile) -> Iterator[Finding]:
    """Step 4 for one material."""
    about = f"material {material.sha256}"
    yield from check_object(workshop, material.sha256, material.size_bytes, about)
    if material.history is not None and material.trust != material.history[-1]:
        yield Finding(
            Weight.PROBLEM,
            about,
            f"Its level is {material.trust}; by its case and its events it is {material.history[-1]}.",
        )
    if material.verified is (material.events == 0):
        yield Finding(Weight.PROBLEM, about, "Who verified it, and the events of it, contradict each other.")


def check_named(workshop: Workshop, db: ReadConnection, batch: list[StoredObject]) -> Iterator[Finding]:
    """Step 5 for some objects of the store."""
    named = named_objects(db, [stored.sha256 for stored in batch])
    for stored in batch:
        if stored.sha256 not in named:
            yield _explained(workshop, db, stored.sha256)


def _explained(workshop: Workshop, db: ReadConnection, sha256: str) -> Finding:
    """An object that no row names was left by a try that another one overtook, or that died."""
    try:
        origin = workshop.blobs.origin(sha256)
    except NotFound:
        return Finding(Weight.NOTE, sha256, "The object vanished while it was looked at.")
    certificate, case = named_uuid(origin.get("certificate")), named_uuid(origin.get("case"))
    if certificate is not None and is_reserved(db, certificate):
        return Finding(Weight.NOTE, sha256, f"Left by an earlier try of certificate {certificate}.")
    if case is not None and is_case(db, case):
        return Finding(Weight.NOTE, sha256, f"Left by an earlier try of case {case}.")
    return Finding(Weight.PROBLEM, sha256, "No row names this object and nothing explains it.")


def named_uuid(text: str | None) -> UUID | None:
    """The id in an object's metadata, which anybody may have written."""
    try:
        return None if text is None else UUID(text)
    except ValueError:
        return None
