"""What a holder has in the vault: everything in one round trip."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from storage import certificates, materials
from storage.array_text import array, octets
from storage.envelope import KeyRing
from storage.exchange import Rows
from storage.holders import KNOWN, holder_indexes, one_known
from storage.materials import ArchivedMaterial
from storage.record_keys import KnownHolder
from storage.round_trip import Statement
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


def questions_about(keys: KeyRing, code: HolderCode) -> tuple[Statement, ...]:
    """Every certificate of the holder with this code, and every material that was handed in for them."""
    asked = {"indexes": octets(holder_indexes(keys, code))}
    return (
        (KNOWN, asked | {"versions": array(map(str, keys.index_versions))}),
        (certificates.records_of_code(), asked),
        (materials.materials_of_code(), asked),
    )


def holdings_by(keys: KeyRing, answers: Sequence[Rows]) -> Holdings:
    """What a holder has, by the answers to `questions_about` them.

    Raises:
        IntegrityError: the holder's own key does not open.
    """
    known, held, handed_in = answers
    return Holdings(one_known(keys, next(iter(known), None)), held, handed_in)
