"""The seals that this process may use: keys opened once, by seal id, and let go when a seal is stopped."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from signing.keys import SealingKey, SignatureAlgorithm, load_file_key
from signing.national.sealing_key import load_national_key
from signing.ses import read_seal, require_listed
from signing.token_key import load_token_key
from signing.token_uri import parse_token_uri
from storage.db import ReadConnection
from storage.seals import NATIONAL, SealRow, find_seal, is_stopped, national_seal
from vault.errors import InputError, IntegrityError, SignatureError, Unavailable

# A seal's key is an encrypted file, or a file that says on which token it is. Which library is loaded for
# that is said there and not in the database: whoever may write rows may not choose code that we run.
KEY_SUFFIX = ".key.pem"
TOKEN_SUFFIX = ".pkcs11"  # noqa: S105 - the end of a file name
PIN_SUFFIX = ".pin"
# How long a process may go on sealing before it looks whether the seal was stopped: one read a second, where
# the stop has to hold everywhere within five. What was sealed meanwhile is refused at its commit.
STATE_AGE_MAX_S = 1.0


@dataclass(frozen=True, slots=True)
class UsableSeal:
    """A seal with its key in hand. `picture`: PDF drawing operators in a box of 1000 by 1000 units.

    `national`: of a national seal the SESeal (GB/T 38540), which lists the key's certificate; else None.
    """

    seal_id: str
    authority: str
    authority_name: str
    key: SealingKey
    picture: bytes = field(repr=False)
    national: bytes | None = field(default=None, repr=False)


class SealRing:
    """Opens seals from the key folder; a key is decrypted or logged in to once per process."""

    def __init__(self, folder: Path, passphrase: bytes) -> None:
        self._folder = folder
        self._passphrase = passphrase
        self._opened: dict[str, UsableSeal] = {}
        self._looked_s: dict[str, float] = {}
        self._lock = Lock()

    def opened(self, db: ReadConnection, seal_id: str) -> UsableSeal:
        """The seal with this id, ready to seal. Whether the caller may use it is the caller's question.

        Raises:
            IntegrityError: the seal's row or key is missing or they do not belong together.
            Unavailable: it is stopped, or its token does not answer.
        """
        with self._lock:
            known = self._opened.get(seal_id)
            fresh = time.monotonic() - self._looked_s.get(seal_id, -STATE_AGE_MAX_S) < STATE_AGE_MAX_S
        if known is not None and fresh:
            return known
        if known is not None and is_stopped(db, seal_id):
            with self._lock:  # the key leaves this process's memory
                self._opened.pop(seal_id, None)
            raise _stopped(seal_id)
        with self._lock:
            known = self._opened.get(seal_id)
            if known is None:
                known = self._opened[seal_id] = self._open(db, seal_id)
            self._looked_s[seal_id] = time.monotonic()
            return known

    def _open(self, db: ReadConnection, seal_id: str) -> UsableSeal:
        row = find_seal(db, seal_id)
        if row is None:
            raise IntegrityError(f"Seal {seal_id} is not in the database.")
        if row.stopped_at is not None:
            raise _stopped(seal_id)
        key = self._key(row)
        national = None if row.purpose != NATIONAL else _national(db, row, key)
        return UsableSeal(row.seal_id, row.authority, row.authority_name, key, row.picture, national)

    def _key(self, row: SealRow) -> SealingKey:
        # Key names are ours; anything else in a row would be a path trick.
        place = self._folder / Path(row.key_name).name
        certificate_pem, algorithm = row.certificate_pem.encode(), SignatureAlgorithm(row.algorithm)
        try:
            token = place.with_name(place.name + TOKEN_SUFFIX)
            if token.exists():
                uri = parse_token_uri(token.read_text().strip())
                pin = (uri.pin_file or place.with_name(place.name + PIN_SUFFIX)).read_text().strip()
                return load_token_key(uri, pin, certificate_pem, algorithm=algorithm)
            key_pem = place.with_name(place.name + KEY_SUFFIX).read_bytes()
        except OSError as error:
            raise IntegrityError(f"The key file of seal {row.seal_id} is not readable.") from error
        except (SignatureError, InputError) as error:
            raise IntegrityError(f"The key of seal {row.seal_id} cannot be used: {error.detail}") from error
        if algorithm is SignatureAlgorithm.SM2_SM3:
            return load_national_key(key_pem, self._passphrase, certificate_pem)
        return load_file_key(key_pem, self._passphrase, certificate_pem, algorithm=algorithm)


def _national(db: ReadConnection, row: SealRow, key: SealingKey) -> bytes:
    """The SESeal, where it is this key's. Its validity is a question of each use: `sign_ses` asks it."""
    content = national_seal(db, row.seal_id)
    if content is None:
        raise IntegrityError(f"The national seal of {row.seal_id} is not in the database.")
    try:
        require_listed(read_seal(content), key.certificate)
    except SignatureError as error:
        raise IntegrityError(f"Seal {row.seal_id} is not its key's: {error.detail}") from error
    return content


def _stopped(seal_id: str) -> Unavailable:
    return Unavailable(
        f"Seal {seal_id} is stopped; nothing was sealed. Send the request again.", retry_after_s=1
    )
