"""Which seal each result may bear, and that its use is counted: never more than the grant's cap a day."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.db import WriteConnection
from storage.grants import UsableSeal, UsableSeals, usable_seals
from storage.reservations import Counted, ReservationRow, count_reservation
from storage.seal_uses import take_uses
from storage.seals import NATIONAL, NATIONAL_CLOSING, platform_seal_in_use
from vault.errors import SealCapReached, SealNotGranted, Unavailable
from vault.model.catalogue import DocumentFormat
from vault.model.certificate import ApprovalResult, CompletedCase
from vault.model.legal_time import day_begins, legal_day

# What the seal of each format is for (`storage.seals`), and what it is called where there is none.
_PURPOSE = {DocumentFormat.PDF: None, DocumentFormat.OFD: NATIONAL}
_CALLED = {DocumentFormat.PDF: "seal", DocumentFormat.OFD: "national seal"}
_COMMAND = {DocumentFormat.PDF: "", DocumentFormat.OFD: " (certvault seal new --national)"}


@dataclass(frozen=True, slots=True)
class SealUse:
    """The seals that one result is to bear, by format, each with the grant that it is counted on.

    The grants are for this version of the type: a page of another one may not be sealed under them.
    `closing`: the platform's key that closes its OFD; None where none is made.
    """

    seals: Mapping[DocumentFormat, UsableSeal]
    type_version: int
    closing: str | None


def counted(use: SealUse, at: datetime) -> Counted:
    """Where a use at this time is counted: once on each grant, on the legal day."""
    return Counted({kind: seal.grant_id for kind, seal in use.seals.items()}, legal_day(at))


def find_uses(
    db: WriteConnection, case: CompletedCase, versions: Sequence[int], at: datetime
) -> tuple[SealUse, ...]:
    """The seal and the grant of every result; `versions`: the types' versions in force, by position.

    Raises:
        Unavailable: an authority has no seal in use, or the platform no key that closes OFDs.
        SealNotGranted: no grant lets this client seal one of these types today.
    """
    if not case.results:
        return ()
    authorities = frozenset(result.issuing_authority for result in case.results)
    types = frozenset(result.type_code for result in case.results)
    wanted = {(kind, result.issuing_authority) for result in case.results for kind in result.formats}
    purposes = {_PURPOSE[kind] for kind, _ in wanted}
    usable = usable_seals(db, case.client_id, authorities, types, purposes, at)
    for kind in DocumentFormat:
        missing = sorted(a for k, a in wanted if k is kind and (a, _PURPOSE[k]) not in usable.in_use)
        if missing:
            raise Unavailable(
                f"Authority {missing[0]} has no {_CALLED[kind]} in use: an operator has to make or import one"
                f"{_COMMAND[kind]}.",
                retry_after_s=3600,
            )
    closing = _closing(db, at) if NATIONAL in purposes else None
    return tuple(
        SealUse(
            {kind: _granted(usable, case.client_id, result, kind, version) for kind in result.formats},
            version,
            closing if DocumentFormat.OFD in result.formats else None,
        )
        for result, version in zip(case.results, versions, strict=True)
    )


def _granted(
    usable: UsableSeals, client_id: str, result: ApprovalResult, kind: DocumentFormat, version: int
) -> UsableSeal:
    seal = usable.of(result.issuing_authority, _PURPOSE[kind], result.type_code, version)
    if seal is None:
        with_which = " with its national seal" if kind is DocumentFormat.OFD else ""
        raise SealNotGranted(
            f"No seal-use grant lets client {client_id} seal version {version} of type"
            f" {result.type_code} for authority {result.issuing_authority}{with_which} today: one seal"
            " custodian has to make a grant (POST /v1/seal-grants), another to approve it."
        )
    return seal


def _closing(db: WriteConnection, at: datetime) -> str:
    seal_id = platform_seal_in_use(db, at, NATIONAL_CLOSING)
    if seal_id is None:
        raise Unavailable(
            "The platform has no key in use that closes OFD files: an operator has to make or import one"
            " (certvault seal platform --national).",
            retry_after_s=3600,
        )
    return seal_id


def count(db: WriteConnection, uses: Sequence[SealUse], at: datetime) -> None:
    """Counts each of these once on each of its grants; last before the commit, since it holds rows.

    Raises:
        SealCapReached: a grant has no room for them today.
    """
    _count(db, [seal for use in uses for seal in use.seals.values()], at)


def _count(db: WriteConnection, seals: Sequence[UsableSeal], at: datetime) -> None:
    counts = Counter(seals)
    for seal in sorted(counts, key=lambda seal: seal.grant_id):
        if not take_uses(db, seal.grant_id, seal.daily_cap, legal_day(at), counts[seal]):
            begins = day_begins(legal_day(at) + timedelta(days=1))
            raise SealCapReached(
                f"Grant {seal.grant_id} lets {seal.daily_cap} results be sealed a day, and has no room for"
                f" {counts[seal]} more today: send the case again from {begins.isoformat()} on, or let seal"
                " custodians make and approve a grant with a higher cap.",
                retry_after_s=math.ceil((begins - at).total_seconds()),
            )


def count_again(
    db: WriteConnection, rows: Sequence[ReservationRow], uses: Sequence[SealUse], at: datetime
) -> None:
    """Counts a retry where the day or a grant is another than at the try before: else it is counted.

    Raises:
        SealCapReached: a grant has no room for it today.
    """
    anew: list[UsableSeal] = []
    for row, use in zip(rows, uses, strict=True):
        now = counted(use, at)
        if row.counted == now:
            continue
        before = row.counted.grants if row.counted is not None and row.counted.day == now.day else {}
        anew += [seal for kind, seal in use.seals.items() if before.get(kind) != seal.grant_id]
        count_reservation(db, row.certificate_id, now)
    _count(db, anew, at)
