"""What a new version has to know of the certificate that it follows."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from storage.db import ReadConnection, WriteConnection
from storage.tables import certificates, reservations
from vault.model.lifecycle import TAKES_OVER


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The certificate that a new version follows."""

    identifier: str
    status: str
    type_code: str
    issuing_authority: str
    # A version of it that begins later is deposited already.
    announced: bool


def lock_predecessor(db: WriteConnection, certificate_id: UUID) -> Predecessor | None:
    """What a new version of this certificate has to know; its row is held until the transaction ends."""
    successor = certificates.alias("successor")
    query = (
        select(
            certificates.c.identifier,
            certificates.c.status,
            certificates.c.type_code,
            certificates.c.issuing_authority,
            select(successor.c.id)
            .where(successor.c.id == certificates.c.superseded_by, successor.c.status.in_(TAKES_OVER))
            .exists(),
        )
        .where(certificates.c.id == certificate_id)
        # No key changes: records that refer to it need not wait.
        .with_for_update(key_share=True, of=certificates)
    )
    row = db.execute(query).one_or_none()
    return None if row is None else Predecessor(*row)


def highest_version(db: ReadConnection, lineage: str) -> int:
    """The highest version that was ever reserved of this certificate, committed or not."""
    query = select(func.max(reservations.c.version)).where(reservations.c.lineage == lineage)
    return db.execute(query).scalar_one() or 0
