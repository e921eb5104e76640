"""What the flows work with: the engines, keys and catalogue of one process, wired once at the edge."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from signing.log_key import LogKey
from signing.national.trust import NationalTrust
from signing.revocation import RevocationSources
from signing.timestamp import TimeStampAuthority
from signing.typeset import Typesetter
from signing.validate import Trust
from storage.blobs import BlobStore
from storage.db import Database
from storage.envelope import KeyRing
from storage.log_store import LogStore
from vault.model.long_term import LongTermPolicy
from vault.seal_ring import SealRing
from vault.shelf import CatalogueShelf
from vault.statement_ring import StatementRing
from vault.tlog.witness import Witness


@dataclass(frozen=True, slots=True)
class Workshop:
    """Handed to every flow. `trust_roots`: DER certificates of the authorities that seals must chain to.

    `retention`: how long the object store refuses to delete a sealed document. `promise_within`: by when a
    leaf must be in the log. `public_url`: what a QR points to, without a trailing slash. `statements`: the
    keys for what is stated offline. `witnesses`: whose cosignatures on the log's checkpoints are taken.
    `long_term`: to what seals are raised, with answers from `revocation`. `national`: the roots of national
    seals (SM2).
    """

    database: Database
    blobs: BlobStore
    keys: KeyRing
    shelf: CatalogueShelf
    typesetter: Typesetter
    seals: SealRing
    tsa: TimeStampAuthority | None
    log_key: LogKey
    trust_roots: tuple[bytes, ...]
    public_url: str
    retention: timedelta
    promise_within: timedelta
    log_store: LogStore
    statements: StatementRing
    witnesses: tuple[Witness, ...] = ()
    long_term: LongTermPolicy = field(default_factory=LongTermPolicy)
    revocation: RevocationSources = field(default_factory=lambda: RevocationSources(()))
    national: NationalTrust = field(default_factory=lambda: NationalTrust(()))

    @property
    def trust(self) -> Trust:
        """What a seal that was made here just now is judged by."""
        return Trust(self.trust_roots, national=(*self.national.roots, *self.national.between))

    def retention_of(self, type_code: str, at: datetime) -> timedelta:
        """How long certificates of this type are kept: what the type says, else what the vault is told.

        Raises:
            Unavailable: the database does not answer.
        """
        kind = self.shelf.types(at).get(type_code)
        return self.retention if kind is None or kind.retention is None else kind.retention
