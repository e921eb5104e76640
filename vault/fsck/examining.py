"""One part of fsck, from its rows or names to what is found. One process does one at a time."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future

from storage.archive_on_file import archived_materials
from storage.db import ReadConnection
from storage.envelopes_on_file import damaged_envelopes, damaged_events
from storage.inspection import unredeemed_in_committed_cases
from storage.objects import FiledObject
from storage.on_file import CertificateOnFile
from storage.packs import examine_objects
from storage.spans import Span
from vault.errors import VaultError
from vault.fsck.certificates import check_certificate, check_fed, pages
from vault.fsck.findings import Finding, Weight
from vault.fsck.objects import check_material, check_named, is_erased
from vault.fsck.parts import (
    CasePart,
    CertificatePart,
    EnvelopePart,
    EventPart,
    Hands,
    MaterialPart,
    ObjectPart,
    Part,
    PartDone,
)
from vault.model.scope import VAULT
from vault.workshop import Workshop


def own_hands(workshop: Workshop) -> Hands:
    """This process itself: each part is done when it is handed in."""

    def submit(part: Part) -> "Future[PartDone]":
        future: Future[PartDone] = Future()
        try:
            future.set_result(examine(workshop, part))
        except VaultError as error:
            future.set_exception(error)
        return future

    return Hands(submit, 1)


def examine(workshop: Workshop, part: Part) -> PartDone:
    """Looks at everything in a part.

    Raises:
        Unavailable: an engine does not answer.
    """
    match part:
        case CertificatePart(span):
            return _certificates(workshop, span)
        case MaterialPart(span):
            return _read(workshop, lambda db: _materials(workshop, db, span))
        case EnvelopePart(table, span):
            return _read(workshop, lambda db: _problems(damaged_envelopes(db, workshop.keys, table, span)))
        case EventPart(span):
            return _read(workshop, lambda db: _problems(damaged_events(db, workshop.keys, span)))
        case ObjectPart(names):
            return _read(workshop, lambda db: check_named(workshop, db, names), objects=len(names))
        case CasePart(span):
            return _read(workshop, lambda db: _unredeemed(db, span))


def _certificates(workshop: Workshop, span: Span) -> PartDone:
    findings: list[Finding] = []
    count = 0
    for page in pages(workshop, span):
        examined = examine_objects(workshop.blobs, _objects_of(page))
        for found in page:
            findings += check_certificate(workshop, found, examined)  # 1, 2, 3
        findings += check_fed(workshop, page)  # 8
        count += len(page)
    return PartDone(tuple(findings), certificates=count)


def _objects_of(page: tuple[CertificateOnFile, ...]) -> list[FiledObject]:
    """The files of these certificates that anything opens."""
    return [
        file.filed
        for found in page
        for file in found.files
        if file.filed is not None and not is_erased(file.filed)
    ]


def _read(
    workshop: Workshop, look: Callable[[ReadConnection], Iterator[Finding]], *, objects: int = 0
) -> PartDone:
    with workshop.database.reading(VAULT) as db:
        return PartDone(tuple(look(db)), objects=objects)


def _materials(workshop: Workshop, db: ReadConnection, span: Span) -> Iterator[Finding]:
    for material in archived_materials(db, workshop.keys, span):
        yield from check_material(workshop, material)


def _problems(found: Iterator[tuple[str, str]]) -> Iterator[Finding]:
    return (Finding(Weight.PROBLEM, about, detail) for about, detail in found)


def _unredeemed(db: ReadConnection, span: Span) -> Iterator[Finding]:
    for missing in unredeemed_in_committed_cases(db, span):
        sentence = "A committed case lacks a certificate that it reserved."
        yield Finding(Weight.PROBLEM, str(missing), sentence)
