"""A development vault's national seals: SM2 certificates of its own authority, seals by its own maker.

Nothing here is for production: there, seals are made by a licensed maker and brought in.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from signing.national.authority import NationalAuthority, issue_national_certificate
from signing.national.certificates import read_pem
from signing.national.sealing_key import NationalSealingKey, load_national_key
from signing.trust import IssuedKey
from storage.db import Database
from storage.seals import NATIONAL, NATIONAL_CLOSING, SealRow, insert_seal
from vault.catalogue import CityAuthority
from vault.errors import InputError
from vault.founding.seals import SEAL_ID_BYTES
from vault.founding.secrets import SecretsFolder, write_secret
from vault.model.scope import NOBODY
from vault.seal_making import MadeSeal, PictureKind, make_national_seal
from vault.seal_ring import KEY_SUFFIX


@dataclass(frozen=True, slots=True)
class _Development:
    """What a development vault makes national seals with, opened once."""

    authority: NationalAuthority
    maker: NationalSealingKey = field(repr=False)
    passphrase: bytes = field(repr=False)


def make_development_national_seal(
    database: Database,
    folder: SecretsFolder,
    *,
    authority: str,
    authority_name: str,
    centre: str | None,
    at: datetime,
    serial: str | None = None,
    picture: PictureKind = PictureKind.OFD,
) -> SealRow:
    """A national seal for one authority: key in the secrets folder, SESeal in the database.

    Raises:
        InputError: this vault has no development authority, or the name cannot stand on a seal.
        Unavailable: the database does not answer.
    """
    owner = CityAuthority("", authority, authority_name, "")
    return _make(database, folder, _development(folder), owner, centre, serial, picture, at)


def make_development_national_seals(
    database: Database, folder: SecretsFolder, authorities: Iterable[CityAuthority], *, at: datetime
) -> tuple[SealRow, ...]:
    """One national seal for each of these authorities, with a vector picture."""
    by = _development(folder)
    return tuple(_make(database, folder, by, each, None, None, PictureKind.OFD, at) for each in authorities)


def make_development_closing_key(
    database: Database, folder: SecretsFolder, operator: CityAuthority, *, at: datetime
) -> SealRow:
    """The key with which whoever runs the vault closes OFDs (GB/T 35275); no seal, so no picture.

    Raises:
        InputError: this vault has no development authority.
        Unavailable: the database does not answer.
    """
    by = _development(folder)
    issued = issue_national_certificate(
        by.authority,
        by.passphrase,
        organisation=operator.name,
        uscc=operator.code,
        passphrase=by.passphrase,
        at=at,
    )
    return _keep(database, folder, issued, operator, None, at)


def _make(
    database: Database,
    folder: SecretsFolder,
    by: _Development,
    owner: CityAuthority,
    centre: str | None,
    serial: str | None,
    picture: PictureKind,
    at: datetime,
) -> SealRow:
    issued = issue_national_certificate(
        by.authority,
        by.passphrase,
        organisation=owner.name,
        uscc=owner.code,
        passphrase=by.passphrase,
        at=at,
    )
    (signer, *_) = read_pem(issued.certificate_pem)
    made = make_national_seal(
        by.maker,
        signer=signer.der,
        authority_name=owner.name,
        centre=centre,
        serial=serial,
        picture=picture,
        valid_to=issued.not_after,
        at=at,
    )
    return _keep(database, folder, issued, owner, made, at)


def _development(folder: SecretsFolder) -> _Development:
    try:
        passphrase = folder.passphrase.read_bytes()
        root, issuing, maker = (
            IssuedKey(
                (folder.national / f"{name}.key.pem").read_bytes(),
                (folder.national / f"{name}.pem").read_bytes(),
            )
            for name in ("root", "issuing", "maker")
        )
    except FileNotFoundError as error:
        raise InputError(
            "This vault has no development authority for national seals: name the seal maker's key and"
            " certificates and the signer's, or import a seal."
        ) from error
    key = load_national_key(maker.key_pem, passphrase, maker.certificate_pem)
    return _Development(NationalAuthority(root, issuing), key, passphrase)


def _keep(
    database: Database,
    folder: SecretsFolder,
    issued: IssuedKey,
    owner: CityAuthority,
    made: MadeSeal | None,
    at: datetime,
) -> SealRow:
    seal_id = f"{owner.code}-{secrets.token_hex(SEAL_ID_BYTES)}"
    write_secret(folder.seals / (seal_id + KEY_SUFFIX), issued.key_pem)
    row = SealRow(
        seal_id=seal_id,
        authority=owner.code,
        authority_name=owner.name,
        algorithm="sm2-sm3",
        key_name=seal_id,
        certificate_pem=issued.certificate_pem.decode(),
        picture=b"" if made is None else made.picture,
        not_after=issued.not_after,
        created_at=at,
        stopped_at=None,
        purpose=NATIONAL_CLOSING if made is None else NATIONAL,
    )
    with database.writing(NOBODY) as db:
        insert_seal(db, row, None if made is None else made.content)
    return row
