"""Steps 2, 4 and 5 of fsck: what rows name is in the store, and what is in the store is explained."""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from storage.archive_on_file import MaterialOnFile
from storage.db import ReadConnection
from storage.inspection import is_case, is_reserved, named_objects, outlived_objects
from storage.objects import Examined, FiledObject
from storage.packs import examine_objects
from vault.errors import IntegrityError, NotFound
from vault.fsck.findings import Finding, Weight
from vault.workshop import Workshop


def is_erased(filed: FiledObject) -> bool:
    """Whether nothing opens the file any more."""
    return filed.key is None and filed.name is not None


def check_object(
    workshop: Workshop,
    filed: FiledObject,
    about: str,
    examined: Mapping[FiledObject, Examined | IntegrityError],
    *,
    sm3: str | None = None,
) -> Iterator[Finding]:
    """A file that a row names: it is there with this digest, size and SM3 digest.

    Of one whose holders are all erased the cipher text is looked for, and nothing opens it. `examined`: what
    the others came to when they were read.
    """
    if is_erased(filed):
        yield _check_erased(workshop, filed, about)
        return
    found = examined[filed]
    if isinstance(found, IntegrityError):
        yield Finding(Weight.PROBLEM, about, found.detail)
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


def check_material(workshop: Workshop, material: MaterialOnFile) -> Iterator[Finding]:
    """Step 4 for one material."""
    about = f"material {material.material_id}"
    if not isinstance(material.filed, IntegrityError):  # its envelope is looked at with the others
        objects = [] if is_erased(material.filed) else [material.filed]
        yield from check_object(workshop, material.filed, about, examine_objects(workshop.blobs, objects))
    if material.history is not None and material.trust != material.history[-1]:
        yield Finding(
            Weight.PROBLEM,
            about,
            f"Its level is {material.trust}; by its case and its events it is {material.history[-1]}.",
        )
    if material.verified is (material.events == 0):
        yield Finding(Weight.PROBLEM, about, "Who verified it, and the events of it, contradict each other.")


def check_named(workshop: Workshop, db: ReadConnection, names: Sequence[str]) -> Iterator[Finding]:
    """Step 5 for some objects of the store."""
    named, outlived = named_objects(db, names), outlived_objects(db, names)
    for name in names:
        if name in outlived - named:
            sentence = "In clear, from before revision 0010; locked until its retention ends."
            yield Finding(Weight.NOTE, name, sentence)
        elif name not in named:
            yield _explained(workshop, db, name)


def _explained(workshop: Workshop, db: ReadConnection, name: str) -> Finding:
    """An object that no row names was left by a try that another one overtook, or that died."""
    try:
        origin = workshop.blobs.origin(name)
    except NotFound:
        return Finding(Weight.NOTE, name, "The object vanished while it was looked at.")
    certificate, case = named_uuid(origin.get("certificate")), named_uuid(origin.get("case"))
    if certificate is not None and is_reserved(db, certificate):
        return Finding(Weight.NOTE, name, f"Left by an earlier try of certificate {certificate}.")
    if case is not None and is_case(db, case):
        return Finding(Weight.NOTE, name, f"Left by an earlier try of case {case}.")
    return Finding(Weight.PROBLEM, name, "No row names this object and nothing explains it.")


def named_uuid(text: str | None) -> UUID | None:
    """The id in an object's metadata, which anybody may have written."""
    try:
        return None if text is None else UUID(text)
    except ValueError:
        return None
