"""Every secret of a development vault: where each lies, and all of them made at once.

Nothing here is for production: there, keys come from their ceremony.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from signing.log_key import new_log_key
from signing.national.authority import issue_national_certificate, new_national_authority
from signing.trust import issue_timestamp_certificate, new_development_authority
from storage.envelope import Suite, new_key_ring_document
from vault.statement_ring import found_statement_key

PASSPHRASE_BYTES = 32
PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
# The seal maker (制章人) of a development vault, by an invented code.
MAKER_NAME = "certvault development seal maker — not for production"
MAKER_CODE = "91350100M000100Y43"


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

    @property
    def national(self) -> Path:
        """Development only: the folder of the national authority's keys and certificates (SM2)."""
        return self.path / "national"

    @property
    def national_trust(self) -> Path:
        """Development only: the root that national seals lead to, and the authority below it."""
        return self.national / "trust.pem"


def found_development_secrets(
    folder: SecretsFolder, *, token_key_pem: bytes, at: datetime, suite: Suite = Suite.AES
) -> bool:
    """Makes every secret of a development vault, once; False where they are there already.

    `suite`: what its personal data is sealed and indexed with.
    """
    if folder.tsa_certificate.exists():  # written last
        # Vaults from before there were statements, or national seals, get their keys for them.
        found_statement_key(folder.statements, folder.passphrase.read_bytes(), at=at)
        _found_national(folder, folder.passphrase.read_bytes(), at)
        return False
    folder.seals.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    folder.path.chmod(PRIVATE_FOLDER)
    passphrase = secrets.token_urlsafe(PASSPHRASE_BYTES).encode()
    authority = new_development_authority(passphrase=passphrase, at=at)
    tsa = issue_timestamp_certificate(authority, passphrase, passphrase=passphrase, at=at)
    write_secret(folder.passphrase, passphrase)
    write_secret(folder.key_ring, new_key_ring_document(suite).encode())
    write_secret(folder.log_key, new_log_key())
    write_secret(folder.token_key, token_key_pem)
    found_statement_key(folder.statements, passphrase, at=at)
    _found_national(folder, passphrase, at)
    write_secret(folder.authority_key, authority.key_pem)
    write_secret(folder.authority_certificate, authority.certificate_pem)
    write_secret(folder.tsa_key, tsa.key_pem)
    write_secret(folder.tsa_certificate, tsa.certificate_pem)
    return True


def _found_national(folder: SecretsFolder, passphrase: bytes, at: datetime) -> None:
    """Root, issuing authority and seal maker of national seals, once; `maker.pem` is written last."""
    if (folder.national / "maker.pem").exists():
        return
    folder.national.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    authority = new_national_authority(passphrase=passphrase, at=at)
    maker = issue_national_certificate(
        authority, passphrase, organisation=MAKER_NAME, uscc=MAKER_CODE, passphrase=passphrase, at=at
    )
    write_secret(folder.national_trust, authority.root.certificate_pem + authority.issuing.certificate_pem)
    for name, issued in (("root", authority.root), ("issuing", authority.issuing), ("maker", maker)):
        write_secret(folder.national / f"{name}.key.pem", issued.key_pem)
        write_secret(folder.national / f"{name}.pem", issued.certificate_pem)


def write_secret(path: Path, content: bytes) -> None:
    """A file that its owner alone may read."""
    path.touch(mode=PRIVATE_FILE)
    path.write_bytes(content)
