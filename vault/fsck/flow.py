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

It is cut into parts (`vault.fsck.parts`) that several processes may do, a bounded number under way at a time,
so that memory does not grow with the vault: a process holds a page of 500 certificates, under 10 MB, and one
pack; whoever hands out the parts holds two ids or 500 names of each under way, and of what was found the
first 10,000 problems and the first 10,000 notes.

Damage is a finding, never an end: what cannot be read is reported, and everything else is still looked at.
"""

from collections.abc import Callable, Generator
from contextlib import closing
from typing import TypeAlias

from storage.envelopes_on_file import TABLES, spans_of_envelopes, spans_of_events
from storage.inspection import (
    PAGE_ROWS,
    contradicting_consents,
    in_pages,
    open_reservations,
)
from storage.spans import spans_of
from storage.tables import cases, certificates, materials
from vault.fsck.copies import check_copies
from vault.fsck.examining import own_hands
from vault.fsck.findings import Finding, Found, FsckReport, Weight
from vault.fsck.parts import (
    CasePart,
    CertificatePart,
    EnvelopePart,
    EventPart,
    Hands,
    MaterialPart,
    ObjectPart,
    Part,
    done_parts,
)
from vault.model.scope import VAULT
from vault.transparency.deriving import contradictions
from vault.workshop import Workshop

# A process needs two seconds to begin, in which another one looks at so many certificates.
FEW_CERTIFICATES = 2_000

Parts: TypeAlias = Generator[Part, None, None]


def fsck(workshop: Workshop, *, progress: Callable[[int], None], hands: Hands | None = None) -> FsckReport:
    """Looks at everything; `progress` hears how many certificates and objects are done so far.

    `hands`: the processes that do the parts; without them this one does.

    Raises:
        Unavailable: an engine does not answer, or a process died.
    """
    found = Found()
    looked_at = [0, 0]

    def take(parts: Parts) -> None:
        with closing(parts):  # where a part raises, too: they hold a connection while they are handed out
            for done in done_parts(hands or own_hands(workshop), parts):
                found.add(done.findings)
                looked_at[0] += done.certificates
                looked_at[1] += done.objects
                progress(sum(looked_at))

    take(_certificate_parts(workshop))  # 1, 2, 3, 8
    take(_archive_parts(workshop))  # 4
    with workshop.database.reading(VAULT) as db:
        found.add(
            Finding(Weight.PROBLEM, f"consent {each}", "Its events and its state contradict each other.")
            for each in contradicting_consents(db)
        )
    take(_object_parts(workshop))  # 5
    take(_case_parts(workshop))  # 6
    with workshop.database.reading(VAULT) as db:
        found.add(
            Finding(Weight.NOTE, r.case_number, f"Reserved by {r.client_id} and never committed.")
            for r in open_reservations(db)
        )
    found.add(check_copies(workshop))  # 7
    found.add(Finding(Weight.PROBLEM, about, detail) for about, detail in contradictions(workshop))  # 9
    return FsckReport(looked_at[0], looked_at[1], tuple(found.findings), found.counts)


def is_worth_processes(workshop: Workshop) -> bool:
    """Whether there are more certificates than one process looks at while others begin."""
    with workshop.database.reading(VAULT) as db:
        return next(spans_of(db, certificates, FEW_CERTIFICATES)).until is not None


def _certificate_parts(workshop: Workshop) -> Parts:
    with workshop.database.reading(VAULT) as db:
        for span in spans_of(db, certificates, PAGE_ROWS):
            yield CertificatePart(span)


def _archive_parts(workshop: Workshop) -> Parts:
    with workshop.database.reading(VAULT) as db:
        for span in spans_of(db, materials, PAGE_ROWS):
            yield MaterialPart(span)
        for table in TABLES:
            for span in spans_of_envelopes(db, table):
                yield EnvelopePart(table, span)
        for span in spans_of_events(db):
            yield EventPart(span)


def _object_parts(workshop: Workshop) -> Parts:
    for batch in in_pages(workshop.blobs.documents()):
        yield ObjectPart(tuple(stored.name for stored in batch))


def _case_parts(workshop: Workshop) -> Parts:
    with workshop.database.reading(VAULT) as db:
        for span in spans_of(db, cases, PAGE_ROWS):
            yield CasePart(span)
