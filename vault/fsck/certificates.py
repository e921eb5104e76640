"""Steps 1, 2, 3 and 8 of fsck: every certificate with its history, files, leaves and place in the feed."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from itertools import pairwise

from signing.log_key import check_log_signature
from storage.change_copies import is_copied
from storage.inspection import not_in_feed
from storage.objects import Examined, FiledObject
from storage.on_file import CertificateOnFile, LeafOnFile, certificate_page
from storage.spans import Span
from vault.errors import IntegrityError, SignatureError
from vault.fsck.findings import Finding, Weight
from vault.fsck.objects import check_object
from vault.log import event_content, issue_content, promise_message, rendition_content
from vault.model.certificate import CertificateRecord, ErasedCertificate, Status
from vault.model.lifecycle import Action, StatusEvent, outcome, statuses_permitting
from vault.model.scope import VAULT
from vault.tlog.merkle_leaf import leaf_hash
from vault.workshop import Workshop


def pages(workshop: Workshop, span: Span) -> Iterator[tuple[CertificateOnFile, ...]]:
    """Every certificate of this span, a page at a time, each page as it was at one moment."""
    while True:
        with workshop.database.snapshot(VAULT) as db:
            page = certificate_page(db, workshop.keys, span)
        if not page:
            return
        yield page
        span = replace(span, after=page[-1].certificate_id)


def check_certificate(
    workshop: Workshop, found: CertificateOnFile, examined: Mapping[FiledObject, Examined | IntegrityError]
) -> Iterator[Finding]:
    """Steps 1 to 3 for one certificate. `examined`: what its files came to when they were read."""
    about, record, history = found.identifier, found.record, found.history
    if isinstance(record, IntegrityError):
        yield Finding(Weight.PROBLEM, about, record.detail)
    else:
        yield from _check_issue(record, found.leaves)
        yield from _check_renditions(record, found.leaves)
    if isinstance(history, IntegrityError):
        yield Finding(Weight.PROBLEM, about, history.detail)
    else:
        raised = () if isinstance(record, IntegrityError) else _rendition_leaves(record)
        yield from _check_history(about, history, tuple(x for x in found.leaves if x.leaf not in raised))
    if not isinstance(record, IntegrityError) and not isinstance(history, IntegrityError):
        yield from _check_status(record, history, found.overdue)
    if not found.succession:
        yield Finding(Weight.PROBLEM, about, "Its successor does not name it.")
    for name in found.astray:
        yield Finding(Weight.PROBLEM, about, f"It is not found by its {name}: the index is another's.")
    for file in found.files:
        if file.filed is not None:
            yield from check_object(workshop, file.filed, about, examined, sm3=file.sm3)
    for leaf in found.leaves:
        yield from _check_leaf(workshop, about, leaf)


def check_fed(workshop: Workshop, page: tuple[CertificateOnFile, ...]) -> list[Finding]:
    """Step 8 for a page of certificates: a note only while older events are still being copied."""
    with workshop.database.reading(VAULT) as db:
        weight = Weight.PROBLEM if is_copied(db) else Weight.NOTE
        unfed = not_in_feed(db, [found.certificate_id for found in page])
    sentence = "An event of it is not in the feed of changes."
    return [Finding(weight, each.identifier, sentence) for each in page if each.certificate_id in unfed]


def _check_status(
    record: CertificateRecord | ErasedCertificate, history: tuple[StatusEvent, ...], overdue: date | None
) -> Iterator[Finding]:
    about = record.identifier
    if not history or history[-1].status is not record.status:
        yield Finding(Weight.PROBLEM, about, "The status is not what the newest event says.")
    if record.status is Status.SUPERSEDED and record.superseded_by is None:
        yield Finding(Weight.PROBLEM, about, "Its status and its successor contradict each other.")
    if overdue is not None and record.status in statuses_permitting(Action.SUPERSEDE):
        sentence = f"Its successor began on {overdue}, and it was not taken out of force."
        yield Finding(Weight.PROBLEM, about, sentence)


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
        origin=record.origin.kind,
    )
    if not leaves or leaves[0].leaf != expected:
        sentence = "The log leaf of its issue does not follow from the row."
        yield Finding(Weight.PROBLEM, record.identifier, sentence)


def _check_renditions(
    record: CertificateRecord | ErasedCertificate, leaves: tuple[LeafOnFile, ...]
) -> Iterator[Finding]:
    """Every raised file has its own leaf, and they are numbered as they were made."""
    about, logged = record.identifier, [leaf.leaf for leaf in leaves[1:]]
    for expected in _rendition_leaves(record):
        if logged.count(expected) != 1:
            yield Finding(
                Weight.PROBLEM, about, "The log leaf of a raised file does not follow from its row."
            )
    for deposited in record.documents:
        numbers = [r.number for r in record.renditions if r.document.format is deposited.format]
        if numbers != list(range(1, len(numbers) + 1)):
            yield Finding(Weight.PROBLEM, about, "A raised file of it is missing between others.")


def _rendition_leaves(record: CertificateRecord | ErasedCertificate) -> tuple[bytes, ...]:
    deposited = {each.format: each for each in record.documents}
    return tuple(
        rendition_content(record.identifier, rendition, deposited[rendition.document.format])
        for rendition in record.renditions
        if rendition.document.format in deposited
    )


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
