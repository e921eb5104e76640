"""The seals that this process may use: key files opened once, by seal id."""

from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from signing.keys import SealingKey, SignatureAlgorithm, load_file_key
from storage.db import ReadConnection
from storage.seals import find_seal
from vault.errors import IntegrityError

# Key names are ours; anything else in a row would be a path trick.
KEY_SUFFIX = ".key.pem"


@dataclass(frozen=True, slots=True)
class UsableSeal:
    """A seal with its key in hand. `picture`: PDF drawing operators in a box of 1000 by 1000 units."""

    seal_id: str
    authority: str
    authority_name: str
    key: SealingKey
    picture: bytes = field(repr=False)


class SealRing:
    """Opens seals from the key folder; a key file is decrypted once per process, not once per seal."""

    def __init__(self, folder: Path, passphrase: bytes) -> None:
        self._folder = folder
        self._passphrase = passphrase
        self._opened: dict[str, UsableSeal] = {}
        self._lock = Lock()

    def opened(self, db: ReadConnection, seal_id: str) -> UsableSeal:
        """The seal with this id. Whether it may be used now is the caller's question, asked each time.

        Raises:
            IntegrityError: the seal's row or key file is missing or they do not belong together.
        """
        with self._lock:
            known = self._opened.get(seal_id)
            if known is None:
                known = self._opened[seal_id] = self._open(db, seal_id)
            return known

    def _open(self, db: ReadConnection, seal_id: str) -> UsableSeal:
        row = find_seal(db, seal_id)
        if row is None:
            raise IntegrityError(f"Seal {seal_id} is not in the database.")
        try:
            key_pem = (self._folder / (Path(row.key_name).name + KEY_SUFFIX)).read_bytes()
        except OSError as error:
            raise IntegrityError(f"The key file of seal {seal_id} is not readable.") from error
        key = load_file_key(
            key_pem,
            self._passphrase,
            row.certificate_pem.encode(),
            algorithm=SignatureAlgorithm(row.algorithm),
        )
        return UsableSeal(row.seal_id, row.authority, row.authority_name, key, row.picture)
