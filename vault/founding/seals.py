"""A development vault's seals for PDFs, with certificates of its own authority.

Nothing here is for production: there, seals come from a licensed authority.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime

from signing.keys import SignatureAlgorithm
from signing.trust import IssuedKey, issue_seal_certificate
from signing.typeset import seal_picture
from storage.db import Database
from storage.seals import ATTESTATION, USAGE_COPY, SealRow, insert_seal
from vault.catalogue import CityAuthority
from vault.errors import InputError
from vault.founding.secrets import SecretsFolder, write_secret
from vault.model.scope import NOBODY
from vault.seal_ring import KEY_SUFFIX

SEAL_ID_BYTES = 4  # distinguishes the seals of one authority; an operator reads it aloud
SERIAL_DIGITS = 13
PLATFORM_SEAL_LINE = "用证专用章"
ATTESTATION_SEAL_LINE = "数字化专用章"


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
    write_secret(folder.seals / (seal_id + KEY_SUFFIX), issued.key_pem)
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


def make_development_attestation_seal(
    database: Database, folder: SecretsFolder, authority: CityAuthority, *, at: datetime
) -> SealRow:
    """An authority's seal for digital copies that it made (数字化专用章): never the issuer's on a scan.

    Raises:
        InputError: this vault has no development authority.
        Unavailable: the database does not answer.
    """
    return make_development_seal(
        database,
        folder,
        authority=authority.code,
        authority_name=authority.name,
        algorithm=SignatureAlgorithm.ECDSA_P256_SHA256,
        centre=ATTESTATION_SEAL_LINE,
        at=at,
        purpose=ATTESTATION,
    )
