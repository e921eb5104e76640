"""What the vault has already, by type, authority and number: the same once more is no error."""

from collections.abc import Mapping, Sequence
from typing import Any

from storage.certificates import NUMBER, records_named
from storage.db import ReadConnection
from storage.envelope import KeyRing
from storage.holders import holder_json
from storage.imports import numbered
from vault.deposit.differences import differences
from vault.importing.rows import Wanted
from vault.model.certificate import ApprovalResult, CertificateRecord
from vault.model.imports import RowOutcome, RowState
from vault.model.written import number_form


def known_rows(db: ReadConnection, keys: KeyRing, rows: Sequence[Wanted]) -> dict[int, RowOutcome]:
    """What becomes of those rows whose certificate is in the vault, by row: two statements at most.

    The newest certificate under a number counts. One that says something else is no reason to keep two.
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


def _compared(row: Wanted, record: CertificateRecord | None) -> RowOutcome:
    if record is None:
        return RowOutcome(
            row.row, RowState.REJECTED, None, "The vault had this certificate; its holders were erased since."
        )
    differing = differences(_told(record), _told(row.result))
    if not differing:
        return RowOutcome(row.row, RowState.ALREADY_THERE, record.certificate_id)
    return RowOutcome(
        row.row,
        RowState.REJECTED,
        None,
        f"The vault has a certificate of this number that says something else in {', '.join(differing)}.",
    )


def _told(said: ApprovalResult | CertificateRecord) -> Mapping[str, Any]:
    """What two certificates of one number must say alike."""
    return {
        "holders": holder_json(said.holders),
        "issued_on": said.issued_on.isoformat(),
        "valid_from": said.valid_from.isoformat(),
        "valid_to": None if said.valid_to is None else said.valid_to.isoformat(),
        "fields": dict(said.fields),
    }
