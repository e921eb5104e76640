"""fsck: re-derives what the vault claims, from rows to objects and back, and explains every object.

1. Every certificate: its rows can be read; if it is not erased, its envelope opens, and it is found by its
   number, code, token and holders; its events follow the table of transitions, its status is what the newest
   one says, and a superseded one and its successor name each other.
2. Every sealed file: the object is there and has the digests and the size that the row names.
3. Every leaf: one for each event in their order, its content follows from row and event, its hash from
   its content; the log's key signed the promise.
4. Every material: the object is there with its digest and size, its level is the one that its newest event
   left, or without events the one that its case handed it in with. Every other row with an envelope, audit
   events among them: it opens, and the row is found by its indexes. Of what was erased the cipher text is
   still there, and nothing opens it. Every consent and its events agree.
5. Every object in the store: a row names it, or a known reservation or case explains it.
6. Every committed case has all the certificates that it reserved.
7. Every usage copy that is still good: the object is there with its digest and size. Every object among the
   copies: a row names it, or a try that never committed explains it. Every use and its events agree.
8. Every event of every certificate is in the feed of changes, once the older ones have been copied there.
9. The log: indexes, tiles, roots and checkpoints follow from the leaves, in the database and in the bucket.

Damage is a finding, never an end: what cannot be read is reported, and everything else is still looked at.
"""

from collections.abc import Callable

from storage.archive_on_file import archived_materials
from storage.envelopes_on_file import damaged_envelopes
from storage.inspection import (
    contradicting_consents,
    in_pages,
    open_reservations,
    unredeemed_in_committed_cases,
)
from vault.fsck.certificates import check_certificate, check_fed, pages
from vault.fsck.copies import check_copies
from vault.fsck.findings import Finding, FsckReport, Weight
from vault.fsck.objects import check_material, check_named
from vault.model.scope import VAULT
from vault.transparency.deriving import contradictions
from vault.workshop import Workshop


def fsck(workshop: Workshop, *, progress: Callable[[int], None]) -> FsckReport:
    """Looks at everything; `progress` hears how many certificates and objects are done so far.

    Raises:
        Unavailable: an engine does not answer.
    """
    findings: list[Finding] = []
    certificates = objects = 0
    for page in pages(workshop):
        for found in page:
            findings += check_certificate(workshop, found)  # 1, 2, 3
        findings += check_fed(workshop, page)  # 8
        certificates += len(page)
        progress(certificates)
    with workshop.database.reading(VAULT) as db:
        for material in archived_materials(db, workshop.keys):  # 4
            findings += check_material(workshop, material)
        findings += [
            Finding(Weight.PROBLEM, about, detail) for about, detail in damaged_envelopes(db, workshop.keys)
        ]
        findings += [
            Finding(Weight.PROBLEM, f"consent {each}", "Its events and its state contradict each other.")
            for each in contradicting_consents(db)
        ]
        for batch in in_pages(workshop.blobs.documents()):  # 5
            findings += check_named(workshop, db, batch)
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
    findings += check_copies(workshop)  # 7
    findings += [Finding(Weight.PROBLEM, about, detail) for about, detail in contradictions(workshop)]  # 9
    return FsckReport(certificates, objects, tuple(findings))
