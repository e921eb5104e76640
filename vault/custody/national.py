"""Bringing in a national seal (GB/T 38540) with its signer's key, and the key that closes OFDs.

Both are SM2. A seal comes as its maker signed it (`.esl`), or is made here with a seal maker's key.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from signing import sm2
from signing.national.certificates import NationalCertificate, read_certificate
from signing.national.sealing_key import NationalSealingKey, load_national_key
from signing.ses import (
    ReadSeal,
    read_seal,
    read_ses,
    require_in_force,
    require_listed,
    require_made_by_its_maker,
    require_trusted,
    sign_gbt35275,
    sign_ses,
)
from signing.ses.structure import V4
from storage.seals import NATIONAL, NATIONAL_CLOSING, SealRow, all_seals, national_seal
from vault.custody.importing import SEAL_ID_BYTES, BroughtKey, as_input, keep_seal
from vault.errors import Conflict, InputError, NotFound, SignatureError
from vault.model.custody import Deed
from vault.model.scope import VAULT
from vault.seal_making import PictureKind, make_national_seal
from vault.seal_ring import KEY_SUFFIX
from vault.workshop import Workshop

_TRIAL_DIGEST = sm2.sm3(b"certvault: a seal for trial, kept nowhere")
_TRIAL_PATH = "/Doc_0/Signs/Sign_0/Signature.xml"


@dataclass(frozen=True, slots=True)
class NationalLook:
    """Whose seal is to be made and how it looks. `serial`: its registered number, which esID is, too."""

    authority: str
    authority_name: str
    centre: str | None
    serial: str | None
    picture: PictureKind = PictureKind.OFD


def from_sm2(key_pem: bytes, password: str, certificate_pem: bytes, passphrase: bytes) -> BroughtKey:
    """An encrypted PKCS#8 key of SM2 with its signing certificate and issuers, PEM.

    Raises:
        InputError: it cannot be opened, is none of SM2, or the certificate is another key's, or none for
            signatures.
    """
    with as_input():
        load_national_key(key_pem, password.encode(), certificate_pem)
        kept = sm2.key_pem(sm2.load_key(key_pem, password.encode()), passphrase)
        key = load_national_key(kept, passphrase, certificate_pem)
    return BroughtKey(key, certificate_pem, {KEY_SUFFIX: kept})


def open_maker(key_pem: bytes, password: str, certificate_pem: bytes) -> NationalSealingKey:
    """A seal maker's key (制章人), to make a seal with and to be forgotten.

    Raises:
        InputError: as for `from_sm2`.
    """
    with as_input():
        return load_national_key(key_pem, password.encode(), certificate_pem)


def import_national_seal(
    workshop: Workshop,
    folder: Path,
    brought: BroughtKey,
    content: bytes,
    *,
    authority: str,
    authority_name: str,
    by: Deed,
    picture: bytes = b"",
) -> SealRow:
    """Takes a national seal into custody. It seals nothing before two custodians have granted something.

    1. The seal is one that we seal with: version 4, its maker's signature holds, and now is within its
    validity. 2. It lists the key's certificate, which is this authority's, as far as it says; neither is here
    already. 3. Maker and signer lead to the national roots. 4. Seal a digest for trial and check what came
    out. 5. Keep files, row, event and audit, as `import_seal` does.

    `content`: the SESeal, kept byte for byte. `picture`: the same as PDF operators, where it was drawn here.

    Raises:
        InputError: the seal or certificate does not hold; the sentence says which rule.
        Conflict: a national seal with this certificate is here already.
        Unavailable: the database does not answer.
    """
    with as_input():
        seal = read_seal(content)  # 1
        if seal.version != V4:
            raise InputError(
                f"This seal is of version {seal.version}: expected version 4 (GB/T 38540-2020). An older one"
                " seals nothing any more."
            )
        require_made_by_its_maker(seal)
        require_in_force(seal, by.at)
        require_listed(seal, brought.key.certificate)  # 2
    signer = _signer(workshop, brought, authority, NATIONAL)
    _check_trust(workshop, brought, by.at, seal)  # 3
    with as_input():
        _try_out(content, brought, signer, by.at)  # 4
    ends = min(seal.valid_to, signer.not_after)
    row = _row(brought, authority, authority_name, ends, by.at, NATIONAL, picture)
    keep_seal(workshop, folder, brought, row, by=by, national=content)  # 5
    return row


def make_and_import_national_seal(
    workshop: Workshop,
    folder: Path,
    brought: BroughtKey,
    maker: NationalSealingKey,
    look: NationalLook,
    *,
    by: Deed,
) -> SealRow:
    """Makes a seal for a signer with a seal maker's key, and takes it into custody by the same checks.

    It is valid for as long as the signer's certificate.

    Raises:
        InputError: the name cannot stand on a seal, or as for `import_national_seal`.
        Conflict, Unavailable: as for `import_national_seal`.
    """
    with as_input():
        signer = read_certificate(brought.key.certificate)
    made = make_national_seal(
        maker,
        signer=signer.der,
        authority_name=look.authority_name,
        centre=look.centre,
        serial=look.serial,
        picture=look.picture,
        valid_to=signer.not_after,
        at=by.at,
    )
    return import_national_seal(
        workshop,
        folder,
        brought,
        made.content,
        authority=look.authority,
        authority_name=look.authority_name,
        by=by,
        picture=made.picture,
    )


def import_closing_key(
    workshop: Workshop, folder: Path, brought: BroughtKey, *, authority: str, authority_name: str, by: Deed
) -> SealRow:
    """Takes the platform's key into custody that closes OFDs; it is granted to nobody.

    Raises:
        InputError: the certificate is another organisation's, is not valid, or leads to no national root.
        Conflict: a closing key with this certificate is here already.
        Unavailable: the database does not answer.
    """
    signer = _signer(workshop, brought, authority, NATIONAL_CLOSING)
    _check_trust(workshop, brought, by.at, None)
    with as_input():
        sign_gbt35275(brought.key, data_hash=_TRIAL_DIGEST, at=by.at)
    row = _row(brought, authority, authority_name, signer.not_after, by.at, NATIONAL_CLOSING, b"")
    keep_seal(workshop, folder, brought, row, by=by)
    return row


def national_seal_of(workshop: Workshop, seal_id: str) -> bytes:
    """The SESeal of a national seal in custody, as its maker signed it.

    Raises:
        NotFound: there is no such national seal.
        Unavailable: the database does not answer.
    """
    with workshop.database.reading(VAULT) as db:
        content = national_seal(db, seal_id)
    if content is None:
        raise NotFound(f"There is no national seal {seal_id}: `certvault seal list` shows which there are.")
    return content


def _signer(workshop: Workshop, brought: BroughtKey, authority: str, purpose: str) -> NationalCertificate:
    """The key's certificate: this authority's, as far as it says, and not here already for the same."""
    with as_input():
        signer = read_certificate(brought.key.certificate)
    if signer.organisation_code not in {None, authority}:
        raise InputError(f"The certificate is {signer.organisation_code}'s: expected {authority}'s.")
    certificate = brought.certificate_pem.decode()
    with workshop.database.reading(VAULT) as db:
        here = [row for row in all_seals(db) if row.purpose == purpose]
    if any(row.certificate_pem == certificate for row in here):
        raise Conflict("A seal with this certificate is here already.")
    return signer


def _check_trust(workshop: Workshop, brought: BroughtKey, at: datetime, seal: ReadSeal | None) -> None:
    if not workshop.national.roots:
        raise InputError(
            "No national roots are known, so that no national seal can be trusted: set"
            " CERTVAULT_NATIONAL_TRUST."
        )
    chained = {"signer": (brought.key.certificate, brought.key.chain)}
    if seal is not None:
        chained["seal's maker"] = (seal.maker_certificate, ())
    for whose, (certificate, chain) in chained.items():
        try:
            require_trusted(certificate, workshop.national, chain, at)
        except SignatureError as error:
            raise InputError(f"The {whose} would not be trusted: {error.detail}") from error


def _try_out(content: bytes, brought: BroughtKey, signer: NationalCertificate, at: datetime) -> None:
    made = read_ses(sign_ses(content, brought.key, data_hash=_TRIAL_DIGEST, property_info=_TRIAL_PATH, at=at))
    sm2.verify(signer.public_key, made.tbs, made.signature)


def _row(
    brought: BroughtKey,
    authority: str,
    authority_name: str,
    ends: datetime,
    at: datetime,
    purpose: str,
    picture: bytes,
) -> SealRow:
    seal_id = f"{authority}-{secrets.token_hex(SEAL_ID_BYTES)}"
    return SealRow(
        seal_id=seal_id,
        authority=authority,
        authority_name=authority_name,
        algorithm=brought.key.algorithm.value,
        key_name=seal_id,
        certificate_pem=brought.certificate_pem.decode(),
        picture=picture,
        not_after=ends.astimezone(UTC),
        created_at=at,
        stopped_at=None,
        purpose=purpose,
    )
