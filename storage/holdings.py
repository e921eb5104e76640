"""What a holder has in the vault: everything in one round trip."""

from dataclasses import dataclass, field

from storage import certificates, materials
from storage.db import ReadConnection
from storage.envelope import KeyRing
from storage.holders import KNOWN, holder_indexes, one_known
from storage.materials import ArchivedMaterial
from storage.record_keys import KnownHolder
from storage.round_trip import Rows, ask_together
from vault.model.certificate import CertificateRecord
from vault.model.holders import HolderCode


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a holder has in the vault, still sealed. `holder` None: the vault knows nobody."""

    holder: KnownHolder | None = field(repr=False)
    _certificates: Rows = field(repr=False)
    _materials: Rows = field(repr=False)

    def opened(self, keys: KeyRing) -> tuple[tuple[CertificateRecord, ...], tuple[ArchivedMaterial, ...]]:
        """The certificates and the materials, the newest of each first: for whoever may see them.

        Raises:
            IntegrityError: an envelope does not open, or a certificate has lost its files or its leaf.
        """
        return certificates.readable(keys, self._certificates), materials.readable(keys, self._materials)


def holdings_of(db: ReadConnection, keys: KeyRing, code: HolderCode) -> Holdings:
    """Every certificate of the holder with this code, and every material that was handed in for them.

    Raises:
        IntegrityError: the holder's own key does not open.
    """
    asked = {"indexes": list(holder_indexes(keys, code))}
    known, held, handed_in = ask_together(
        db,
        (KNOWN, asked | {"versions": keys.index_versions}),
        (certificates.records_of_code(), asked),
        (materials.materials_of_code(), asked),
    )
    return Holdings(one_known(keys, next(iter(known), None)), held, handed_in)
