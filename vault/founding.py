"""Founding a development vault: its keys, its own certificate authority, and a seal for every authority.

Nothing here is for production: there, keys come from their ceremony and seals from a licensed authority.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from signing.keys import SignatureAlgorithm
from signing.log_key import new_log_key
from signing.trust import (
    IssuedKey,
    issue_seal_certificate,
    issue_timestamp_certificate,
    new_development_authority,
)
from signing.typeset import seal_picture
from storage.db import Database
from storage.envelope import Suite, new_key_ring_document
from storage.seals import USAGE_COPY, SealRow, insert_seal
from vault.catalogue import CityAuthority
from vault.errors import InputError
from vault.model.scope import NOBODY
from vault.seal_ring import KEY_SUFFIX
from vault.statement_ring import found_statement_key

PASSPHRASE_BYTES = 32
SEAL_ID_BYTES = 4  # distinguishes the seals of one authority; an operator reads it aloud
SERIAL_DIGITS = 13
PLATFORM_SEAL_LINE = "用证专用章"
PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


@dataclass(frozen=True, slots=True)
class SecretsFolder:
    """Where each secret lies; one obvious place for each."""

    path: Path

    @property
    def key_ring(self) -> Path:
        """Index and wrapping keys."""
        return self.path / "keys.json"

    @property
    def log_key(self) -> Path:
        """The transparency log's Ed25519 key."""
        return self.path / "log.key.pem"

    @property
    def token_key(self) -> Path:
        """The EC P-256 key that signs access tokens."""
        return self.path / "token.key.pem"

    @property
    def statements(self) -> Path:
        """The folder of the keys that sign offline statements."""
        return self.path / "statements"

    @property
    def passphrase(self) -> Path:
        """What the files of the seal keys and of the statement keys are encrypted with."""
        return self.path / "seal-passphrase"

    @property
    def seals(self) -> Path:
        """The folder of the seal keys' files."""
        return self.path / "seals"

    @property
    def authority_key(self) -> Path:
        """Development only: the certificate authority's key."""
        return self.path / "authority.key.pem"

    @property
    def authority_certificate(self) -> Path:
        """Development only: the certificate authority's certificate."""
        return self.path / "authority.pem"

    @property
    def tsa_key(self) -> Path:
        """Development only: the time-stamp authority's key."""
        return self.path / "tsa.key.pem"

    @property
    def tsa_certificate(self) -> Path:
        """Development only: the time-stamp authority's certificate."""
        return self.path / "tsa.pem"


def found_development_secrets(
    folder: SecretsFolder, *, token_key_pem: bytes, at: datetime, suite: Suite = Suite.AES
) -> bool:
    """Makes every secret of a development vault, once; False where they are there already.

    `suite`: what its personal data is sealed and indexed with.
    """
    if folder.tsa_certificate.exists():  # written last
        # Vaults from before there were statements get their key for them.
        found_statement_key(folder.statements, folder.passphrase.read_bytes(), at=at)
        return False
    folder.seals.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    folder.path.chmod(PRIVATE_FOLDER)
    passphrase = secrets.token_urlsafe(PASSPHRASE_BYTES).encode()
    authority = new_development_authority(passphrase=passphrase, at=at)
    tsa = issue_timestamp_certificate(authority, passphrase, passphrase=passphrase, at=at)
    _write(folder.passphrase, passphrase)
    _write(folder.key_ring, new_key_ring_document(suite).encode())
    _write(folder.log_key, new_log_key())
    _write(folder.token_key, token_key_pem)
    found_statement_key(folder.statements, passphrase, at=at)
    _write(folder.authority_key, authority.key_pem)
    _write(folder.authority_certificate, authority.certificate_pem)
    _write(folder.tsa_key, tsa.key_pem)
    _write(folder.tsa_certificate, tsa.certificate_pem)
    return True


def make_development_seal(
    database: Database,
    folder: SecretsFolder,
    *,
    authority: str,
    authority_name: str,
    algorithm: SignatureAlgorithm,
    centre: str | None,
    at: datetime,
    purpose: str | None = None,
) -> SealRow:
    """A seal for one authority: key in the secrets folder, certificate from the development authority.

    `purpose`: as in `storage.seals.SealRow`.

    Raises:
        InputError: this vault has no development authority.
        Unavailable: the database does not answer.
    """
    if not folder.authority_key.exists():
        raise InputError("This vault has no development authority: import a seal with its real certificate.")
    passphrase = folder.passphrase.read_bytes()
    root = IssuedKey(folder.authority_key.read_bytes(), folder.authority_certificate.read_bytes())
    issued = issue_seal_certificate(
        root,
        passphrase,
        organisation=authority_name,
        uscc=authority,
        algorithm=algorithm,
        passphrase=passphrase,
        at=at,
    )
    seal_id = f"{authority}-{secrets.token_hex(SEAL_ID_BYTES)}"
    # Real seals carry a registered number of thirteen digits along the lower edge.
    serial = "".join(secrets.choice("0123456789") for _ in range(SERIAL_DIGITS))
    _write(folder.seals / (seal_id + KEY_SUFFIX), issued.key_pem)
    row = SealRow(
        seal_id=seal_id,
        authority=authority,
        authority_name=authority_name,
        algorithm=algorithm.value,
        key_name=seal_id,
        certificate_pem=issued.certificate_pem.decode(),
        picture=seal_picture(authority_name, centre=centre, serial=serial).operators,
        not_after=issued.not_after,
        created_at=at,
        stopped_at=None,
        purpose=purpose,
    )
    with database.writing(NOBODY) as db:
        insert_seal(db, row)
    return row


def make_development_seals(
    database: Database, folder: SecretsFolder, authorities: Iterable[CityAuthority], *, at: datetime
) -> tuple[SealRow, ...]:
    """One ECDSA seal for each of these authorities."""
    return tuple(
        make_development_seal(
            database,
            folder,
            authority=authority.code,
            authority_name=authority.name,
            algorithm=SignatureAlgorithm.ECDSA_P256_SHA256,
            centre=None,
            at=at,
        )
        for authority in authorities
    )


def make_development_platform_seal(
    database: Database, folder: SecretsFolder, operator: CityAuthority, *, at: datetime
) -> SealRow:
    """The platform's seal (平台章), which usage copies bear: of the organisation that runs the vault.

    Raises:
        InputError: this vault has no development authority.
        Unavailable: the database does not answer.
    """
    return make_development_seal(
        database,
        folder,
        authority=operator.code,
        authority_name=operator.name,
        algorithm=SignatureAlgorithm.ECDSA_P256_SHA256,
        centre=PLATFORM_SEAL_LINE,
        at=at,
        purpose=USAGE_COPY,
    )


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=PRIVATE_FILE)
    path.write_bytes(content)
