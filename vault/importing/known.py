"""What the vault has already, by type, authority and number: the same once more is no error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.certificates import NUMBER, records_named
from storage.db import ReadConnection
from storage.envelope import KeyRing
from storage.holders import holder_json
from storage.import_rows import numbered
from vault.deposit.differences import differences
from vault.importing.rows import Wanted
from vault.model.certificate import ApprovalResult, CertificateRecord, Status, files_of
from vault.model.imports import RowOutcome, RowState
from vault.model.origin import Origin, OriginKind
from vault.model.written import number_form


@dataclass(frozen=True, slots=True)
class Known:
    """What becomes of a row whose certificate is in the vault.

    `digests`: SHA-256 (hex) of the files that it may be, where it is to keep the seal that it bears; None:
    its file plays no part.
    """

    outcome: RowOutcome
    digests: frozenset[str] | None = None

    def with_file(self, sha256: str) -> RowOutcome:
        """The same, where the row's file has this digest."""
        if self.digests is None or sha256 in self.digests:
            return self.outcome
        return _rejected(self.outcome.row, _OTHERWISE.format("/file"))


_OTHERWISE = "The vault has a certificate of this number that says something else in {}."


def known_rows(db: ReadConnection, keys: KeyRing, rows: Sequence[Wanted]) -> dict[int, Known]:
    """What becomes of those rows whose certificate is in the vault, by row: two statements at most.

    The newest certificate under a number counts. One that says something else, or is something else, is no
    reason to keep two; and one that is not in force there is not what the register says.
    """
    under = {
        (row.result.type_code, row.result.issuing_authority, index): row.row
        for row in rows
        for index in keys.indexes(NUMBER, number_form(row.result.number))
    }
    there = {}
    for found in numbered(db, list({index for _, _, index in under})):
        row = under.get((found.type_code, found.issuing_authority, found.number_index))
        if row is not None:
            there[row] = found.certificate_id
    if not there:
        return {}
    records = records_named(db, keys, list(there.values()))
    by_row = {row.row: row for row in rows}
    return {row: _compared(by_row[row], records.get(held)) for row, held in there.items()}


def _compared(row: Wanted, record: CertificateRecord | None) -> Known:
    if record is None:
        sentence = "The vault had this certificate; its holders were erased since."
        return Known(_rejected(row.row, sentence))
    differing = differences(
        {**_told(record), "origin": _of_origin(record.origin)},
        {**_told(row.result), "origin": _of_origin(row.origin)},
    )
    if differing:
        return Known(_rejected(row.row, _OTHERWISE.format(", ".join(differing))))
    if record.status is not Status.VALID:
        sentence = f"The vault has this certificate, and it is not in force there: {record.status.value}."
        return Known(_rejected(row.row, sentence))
    there = RowOutcome(row.row, RowState.ALREADY_THERE, record.certificate_id)
    if row.origin.kind is not OriginKind.BORN_SEALED:
        return Known(there)
    return Known(there, frozenset(each.sha256 for each in files_of(record)))


def _rejected(row: int, reason: str) -> RowOutcome:
    return RowOutcome(row, RowState.REJECTED, None, reason)


def _told(said: ApprovalResult | CertificateRecord) -> Mapping[str, Any]:
    """What two certificates of one number must say alike."""
    return {
        "holders": holder_json(said.holders),
        "issued_on": said.issued_on.isoformat(),
        "valid_from": said.valid_from.isoformat(),
        "valid_to": None if said.valid_to is None else said.valid_to.isoformat(),
        "fields": dict(said.fields),
    }


def _of_origin(origin: Origin) -> Mapping[str, Any]:
    """What it says of the file; the name of who digitised it is that of the seal, whatever it was then."""
    digitised = origin.digitised
    if digitised is None:
        return {"kind": origin.kind.value}
    return {
        "kind": origin.kind.value,
        "authority": digitised.authority,
        "officer": digitised.officer,
        "attested_on": None if digitised.attested_on is None else digitised.attested_on.isoformat(),
    }
